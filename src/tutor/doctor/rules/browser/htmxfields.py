"""What a form of htmx sends through its socket, against what the consumer reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import htmx
from tutor.doctor.rules.browser.dialogue import leaves
from tutor.doctor.rules.browser.elements import ids
from tutor.doctor.rules.browser.expressions import HOST
from tutor.doctor.rules.browser.forms import CSRF, FORM, is_named
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.keys import heard
from tutor.doctor.rules.browser.loaded import is_made
from tutor.doctor.rules.found import Found

RANK = 70
TRIED = "reading the page"
_SENDS = re.compile(r"(?<![\w-])(?:data-)?(?:hx-)?ws[-:]send\b|hx-ws\s*=\s*[\"']send")
_FIELD = re.compile(r"<(?:input|select|textarea)\b([^>]*)>", re.I)
_SILENT = re.compile(r"""\btype\s*=\s*["']?(?:submit|button|reset|image)\b""", re.I)
_LOADS = re.compile(r"<script\b[^>]*\bsrc\s*=[^>]*\bhtmx[^>]*>", re.I)
_PART = re.compile(r"ext/ws|htmx-ext-ws|\bws(?:\.min)?\.js|htmx[^\"'>]*bundle", re.I)


_EXTENDED = re.compile(r"\bhx-ext\s*=\s*[\"']?[^\"'>]*\bws\b(?!-)|htmx(?:\.org)?@4")
_TAG = re.compile(r"<[a-z][\w-]*(?=\s)(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*>", re.I)
_CHANGES = re.compile(r"(?<![\w-])(?:data-)?hx-(?:post|put|patch|delete)\s*=")
_TARGET = re.compile(r"(?<![\w-])hx-target\s*=\s*[\"']#([\w-]+)[\"']")
_OUT = re.compile(r"(?<![\w-])hx-swap-oob\s*=\s*[\"'](?:[\w]+:#([\w-]+))?")
_ID = re.compile(r"(?<![\w-])id\s*=\s*[\"']([\w-]+)[\"']")


def _pieces(seen: Evidence, every: list[Code], whole: str) -> Iterator[Found]:
    """What htmx puts where: elements that are there, and requests with the token."""
    csrf = CSRF in (seen.settings.get("middleware") or [])
    carried = re.search(r"hx-headers\s*=\s*[\"'][^>]*csrf|configRequest", whole, re.I)
    exempt = any("csrf_exempt" in m.text for m in seen.source.modules.values())
    for page in every:
        text = page.script.text
        forms = [one.span() for one in FORM.finditer(text) if "csrf" in one[0]]
        for tag in _TAG.finditer(text):
            target, out = _TARGET.search(tag[0]), _OUT.search(tag[0])
            name = target[1] if target else ""
            if out:
                own = _ID.search(tag[0])
                name = out[1] or (own[1] if own else "")
            others = whole.replace(tag[0], " ")
            is_there = name.startswith("id_") or is_made(name, others)
            if name and not is_there and name not in ids(seen):
                yield Found(
                    "client-element-not-there",
                    f"htmx:targetError: no element has the id {name}",
                    page.spot(tag.start()),
                    RANK,
                    TRIED,
                    f'id="{name}" in the page',
                )
                return
            inside = any(begin <= tag.start() < end for begin, end in forms)
            sends = _CHANGES.search(tag[0]) and csrf and not (carried or exempt)
            if sends and not inside and "hx-include" not in tag[0]:
                yield Found(
                    "client-form-without-csrf-token",
                    "Forbidden (CSRF token missing.)",
                    page.spot(tag.start()),
                    RANK,
                    TRIED,
                    "hx-headers with X-CSRFToken at the body",
                    "htmx sends what hx-headers says, and the fields of a form.",
                )
                return


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    pages = [one for one in every if not one.script.is_static]
    whole = "\n".join(one.script.text for one in every)
    if "hx-" in whole:
        yield from _pieces(seen, pages, whole)
    for page in pages:
        opened = [*htmx.opened(page.script.text)]
        if len(opened) != 1:
            continue
        index, path = opened[0]
        asked = re.compile(r"ws-connect").search(page.script.text)
        if asked and _LOADS.search(whole) and not _PART.search(whole):
            yield Found(
                None,
                "no socket is opened: the part of htmx for sockets is not loaded",
                page.spot(index),
                RANK,
                TRIED,
                'a <script> with the extension ws, and hx-ext="ws"',
                "htmx opens sockets by an extension, which is a script of its own.",
            )
            return
        if asked and not _EXTENDED.search(whole):
            yield Found(
                None,
                "no socket is opened: the extension ws is not asked for",
                page.spot(index),
                RANK,
                TRIED,
                'hx-ext="ws" at this element, or around it',
                "htmx looks at ws-connect and ws-send where hx-ext names ws.",
            )
            return
        ends = leaves(seen, f"ws://{HOST}{path}") if path.startswith("/") else []
        owner = seen.consumer_class(ends[0].get("consumer")) if len(ends) == 1 else None
        wanted = heard(owner) if owner is not None else None
        for form in FORM.finditer(page.script.text) if wanted else ():
            yield from _sent(page, form, set(wanted or ()))
        plain = [
            form
            for form in FORM.finditer(page.script.text, index)
            if not re.search(r"\bws-send\b|\bhx-|\baction\s*=|\bon\w+\s*=", form[0])
            and not any(is_named(form[1], one.spoken) for one in every)
        ]
        if (
            asked
            and plain
            and "ws-send" not in whole
            and "<script>" not in page.script.text
        ):
            yield Found(
                "client-form-reloads-the-page",
                "the browser sends the form, and loads the page again",
                page.spot(plain[0].start()),
                RANK,
                TRIED,
                "ws-send at the form",
                "htmx sends a form through the socket that has ws-send.",
            )
            return


def _sent(page: Code, form: re.Match[str], wanted: set[str]) -> Iterator[Found]:
    if not _SENDS.search(form[1]) or re.search(r"\{\{\s*\w*form|hx-vals", form[0]):
        return
    fields = [f for f in _FIELD.finditer(form[2]) if not _SILENT.search(f[1])]
    names = {
        match[1]
        for field in fields
        if (match := re.search(r"(?<![\w-])name\s*=\s*[\"']?([\w-]+)", field[1]))
    }
    if not fields or names & wanted or "HEADERS" in wanted:
        return
    slug = "client-sends-another-key" if names else "client-form-field-not-named"
    yield Found(
        slug,
        f"nothing is read of {', '.join(sorted(names))}"
        if names
        else "nothing is sent",
        page.spot(form.start(2) + fields[0].start()),
        RANK,
        TRIED,
        f'name="{", ".join(sorted(wanted))}"',
    )

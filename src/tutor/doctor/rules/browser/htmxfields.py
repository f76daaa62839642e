"""What a form of htmx sends through its socket, against what the consumer reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import htmx
from tutor.doctor.rules.browser.dialogue import leaves
from tutor.doctor.rules.browser.expressions import HOST
from tutor.doctor.rules.browser.forms import FORM
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.keys import heard
from tutor.doctor.rules.found import Found

RANK = 70
TRIED = "reading the page"
_SENDS = re.compile(r"(?<![\w-])(?:data-)?(?:hx-)?ws[-:]send\b|hx-ws\s*=\s*[\"']send")
_FIELD = re.compile(r"<(?:input|select|textarea)\b([^>]*)>", re.I)
_SILENT = re.compile(r"""\btype\s*=\s*["']?(?:submit|button|reset|image)\b""", re.I)
_LOADS = re.compile(r"<script\b[^>]*\bsrc\s*=[^>]*\bhtmx[^>]*>", re.I)
_PART = re.compile(r"ext/ws|htmx-ext-ws|\bws(?:\.min)?\.js|htmx[^\"'>]*bundle", re.I)


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    pages = [one for one in every if not one.script.is_static]
    whole = "\n".join(one.script.text for one in every)
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
        ends = leaves(seen, f"ws://{HOST}{path}") if path.startswith("/") else []
        owner = seen.consumer_class(ends[0].get("consumer")) if len(ends) == 1 else None
        wanted = heard(owner) if owner is not None else None
        for form in FORM.finditer(page.script.text) if wanted else ():
            yield from _sent(page, form, set(wanted or ()))


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

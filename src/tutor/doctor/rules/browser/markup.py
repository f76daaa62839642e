"""Pages: scripts that come too early, and template variables in code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import ashtml, contexts, libraries, modelfields
from tutor.doctor.rules.browser.atonce import runs_at_once
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.layouts import EXTENDS, laid_out
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.scripts import Spot
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Function, typed
from tutor.doctor.source.walking import walk

RANK = 68
_TAG = re.compile(r"<script\b([^>]*)>", re.I)
_SOURCE = re.compile(r"""\bsrc\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""", re.I)
_LATER = re.compile(r"""\b(?:defer|async)\b|\btype\s*=\s*["']?module\b""", re.I)
_ASKED = re.compile(
    r"""\bgetElementById\s*\(\s*["'`]([\w-]+)["'`]\s*\)|"""
    r"""\bquerySelector\s*\(\s*["'`]\#([\w-]+)["'`]\s*\)"""
)
_FILLED = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_TEXTS = re.compile(
    r"(request\.)?user(\.(username|email|first_name|last_name|get_username))?|"
    r"request\.(path|get_host|user)|csrf_token"
)


def rules(seen: Evidence, every: list[Code], opened: list[Socket]) -> Iterator[Found]:
    yield from _too_early(every)
    yield from libraries.rules(every)
    for code in every:
        if not code.script.is_static:
            yield from _unquoted(seen, code)
    yield from ashtml.rules(seen, every, opened)


def _too_early(every: list[Code]) -> Iterator[Found]:
    """A script that asks for an element which the page has only further below."""
    for page in every:
        text = page.script.text
        if page.script.is_static:
            continue
        wholes = [laid_out(one, every) for one in (page, *_above(page, every))]
        for match in _TAG.finditer(text):
            if _LATER.search(match[1]):
                continue
            source = _SOURCE.search(match[1])
            if source is None:
                end = text.find("</script", match.end())
                spans = [(page, match.end(), end if end >= 0 else len(text))]
            else:
                spans = [
                    (one, 0, len(one.bare)) for one in _named(source.group(0), every)
                ]
            # Its own script may stand there twice: the first time is as good.
            end = text.find("</script", match.end())
            own = text[match.start() : end if end >= 0 else match.end()]
            for whole in wholes:
                tag = whole.find(own)
                for code, begin, end in spans if tag >= 0 else ():
                    at = page.spot(match.start()) if code is not page else None
                    yield from _asked_early(whole, tag, at, code, begin, end)


def _above(page: Code, every: list[Code]) -> Iterator[Code]:
    """The templates that extend a page: what stands below its scripts is theirs."""
    for one in every:
        named = EXTENDS.search(one.script.text) if not one.script.is_static else None
        if (
            named
            and one is not page
            and f"/{page.script.file}".endswith(f"/{named[1]}")
        ):
            yield one


def _named(source: str, every: list[Code]) -> list[Code]:
    """The script that a tag names, by the end of its path."""
    return [
        code
        for code in every
        if code.script.is_static
        and re.search(
            rf"(?<![\w.-]){re.escape(code.script.file.rpartition('/')[2])}", source
        )
    ][:1]


def _asked_early(
    text: str, tag: int, at: Spot | None, code: Code, begin: int, end: int
) -> Iterator[Found]:
    for match in _ASKED.finditer(code.script.text, begin, end):
        if not code.bare[match.start() : match.start() + 3].strip():
            continue  # in a text
        name = match[1] or match[2]
        there = re.search(rf"""\bid\s*=\s*["']?{re.escape(name)}["'\s>]""", text)
        if there is None or there.start() < tag:
            continue
        if not runs_at_once(code, match.start(), (begin, end)):
            continue
        if re.match(r"\s*\?\.", code.script.text[match.end() :]):
            continue
        yield Found(
            "client-script-before-element",
            f"getElementById({name!r}) is null",
            at or code.spot(match.start()),
            RANK - 2,
            TRIED,
            "a script that runs when the page is there",
        )
        return


def _unquoted(seen: Evidence, page: Code) -> Iterator[Found]:
    """``const room = {{ room }};``: a text stands in the code as if it were code."""
    for match in _FILLED.finditer(page.script.text):
        if page.bare[match.start() : match.start() + 2] != "{{":
            continue  # in quotes, or outside every script
        if _TEXTS.fullmatch(match[1]) or _is_text(seen, page, match[1]):
            yield Found(
                "client-template-variable-unquoted",
                f"what stands in {match[1]} is taken for JavaScript",
                page.spot(match.start()),
                RANK - 2,
                TRIED,
                f'{{{{ {match[1]}|json_script:"…" }}}}',
            )


def _is_text(seen: Evidence, page: Code, name: str) -> bool:
    """Whether a view gives a template a text under this name."""
    if modelfields.is_text(seen, page.script.file, name):
        return True
    found = list(contexts.given(seen, page.script.file, name))
    return bool(found) and all(_certain(seen, *one) for one in found)


# What makes another text of a text.
_TEXT_METHODS = {
    *("replace", "lower", "upper", "title", "capitalize", "casefold", "swapcase"),
    *("strip", "lstrip", "rstrip", "removeprefix", "removesuffix"),
}


def _certain(seen: Evidence, function: Function, value: ast.expr) -> bool:
    if typed.type_of(value, function) in ("str", "dict"):  # whose keys have quotes
        return True
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        of_texts = value.func.attr in _TEXT_METHODS
        return of_texts and _certain(seen, function, value.func.value)
    arguments = [one.arg for one in function.node.args.args[1:]]
    name = getattr(value, "id", "")
    if isinstance(value, ast.Subscript) and ast.unparse(value.value) == "self.kwargs":
        name = str(getattr(value.slice, "value", ""))
    elif name in function.values or name not in arguments:
        return False
    word = re.escape(name)
    routes = [
        node.value
        for module in seen.source.modules.values()
        for node in walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(rf"[:<]{word}>", node.value)
    ]
    numbers = rf"<(?:int|float):{word}>|\?P<{word}>\(?(?:\\d|\[0-9\])"
    return bool(routes) and not any(re.search(numbers, route) for route in routes)

"""Events of a project's own, by which a class tells a page what has come."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import meant, property_of
from tutor.doctor.rules.browser.heirs import below
from tutor.doctor.rules.browser.javascript import Code, Func, Span

_MADE = re.compile(r"\bnew\s+CustomEvent\s*\(")
_NAMED = re.compile(r"\bnew\s+(?:Custom)?Event\s*\(\s*(?=['\"`])")
_LISTENS = re.compile(r"(?:([\w$.]+)\s*\.\s*)?\baddEventListener\s*\(")
_PAGE = re.compile(r"document|window|self|globalThis|document\.body")
_WORD = re.compile(r"(['\"`])([\w.:-]+)\1")
BROWSERS = {
    *("click", "submit", "input", "change", "open", "message", "close", "error"),
    *("load", "keydown", "keyup", "keypress", "focus", "blur", "scroll", "resize"),
    *("DOMContentLoaded", "beforeunload", "visibilitychange", "online", "offline"),
    *("mousedown", "mouseup", "mousemove", "pointerdown", "pointerup", "touchstart"),
    *("dblclick", "touchend", "touchmove", "pointermove", "mouseenter", "mouseleave"),
    *("mouseover", "mouseout", "wheel", "contextmenu", "focusin", "focusout"),
    *("hashchange", "storage", "unload", "toggle", "select", "invalid"),
    *("dragstart", "dragover", "drop", "paste", "pagehide", "pageshow", "popstate"),
}


def told(
    code: Code, function: Func, name: str, every: list[Code]
) -> Iterator[tuple[Code, Func]]:
    """Who listens to the events that a function makes of what it calls by a name."""
    for match in _MADE.finditer(code.bare, *function.body):
        spans = code.arguments(match.end() - 1)
        begin = property_of(code, spans[1], "detail") if len(spans) > 1 else None
        if begin is not None and code.plain(code.expression(begin)) == name:
            yield from _reached(code, function, match.start(), spans[0], every)


def made(code: Code, function: Func, every: list[Code]) -> Iterator[tuple[Code, Func]]:
    """Who listens to any of the events that a function makes."""
    for match in _MADE.finditer(code.bare, *function.body):
        for span in code.arguments(match.end() - 1)[:1]:
            yield from _reached(code, function, match.start(), span, every)


def _reached(
    code: Code, function: Func, index: int, event: Span, every: list[Code]
) -> Iterator[tuple[Code, Func]]:
    """Who listens to an event that is sent at a place."""
    by = re.search(r"([\w$.]+)\s*\.\s*dispatchEvent\s*\(\s*$", code.bare[:index])
    kind = code.owner(function) if by and by[1] == "this" else ""
    page = by[1].removeprefix("window.") if by else ""
    for other, one, target in listeners(code.text(event), every):
        if _PAGE.fullmatch(page):
            if target.removeprefix("window.") != page and target:
                continue
            yield other, one
        elif not _PAGE.fullmatch(target) and not (
            kind and _is_another(other, one, target, kind, every)
        ):
            yield other, one


def _is_another(
    code: Code, function: Func, target: str, kind: str, every: list[Code]
) -> bool:
    """Whether it is known of an object that another class has made it."""
    if target == "this":
        made = [code.owner(function)]
    else:
        word = rf"(?<![\w$.]){re.escape(target)}\s*=\s*new\s+([\w$]+)"
        here = re.findall(word, code.bare)
        made = here or [name for one in every for name in re.findall(word, one.bare)]
    kinds = below(kind, [one.bare for one in every])
    return bool(made) and not kinds & {*made}


def listeners(event: str, every: list[Code]) -> Iterator[tuple[Code, Func, str]]:
    """The functions that are called with an event, and what they listen to.

    Args:
        event: its name as it is written; a name without quotes may be any word.
        every: the code of the pages' scripts.
    """
    fixed = _WORD.fullmatch(event.strip())
    own = named(every)
    for code in every:
        for match in _LISTENS.finditer(code.bare):
            spans = code.arguments(match.end() - 1)
            if len(spans) < 2 or match[1] in code.sockets:
                continue
            word = _WORD.fullmatch(code.text(spans[0]))
            if fixed and (word is None or word[2] != fixed[2]):
                continue
            if not fixed and word is not None and word[2] in own | BROWSERS:
                continue
            one = code.at(spans[1][0])
            if one is not None:
                yield code, one, match[1] or ""
            elif re.fullmatch(r"(?:this\.)?[\w$]+", code.plain(spans[1])):
                for other, one in meant(code, code.plain(spans[1]), every):
                    yield other, one, match[1] or ""


def named(every: list[Code]) -> set[str]:
    """The events that scripts make by their names: no kinds of messages."""
    return {
        word[2]
        for code in every
        for match in _NAMED.finditer(code.bare)
        if (word := _WORD.match(code.script.text, match.end()))
    }


def detail(function: Func) -> str:
    """What stands for the message in a listener: ``event.detail``, ``{ hive }``.

    Empty where the listener does not look for it.
    """
    given = function.given[0].strip() if function.given else ""
    if re.fullmatch(r"[\w$]+", given):
        return f"{given}.detail"
    apart = re.search(r"\bdetail\b\s*(?::\s*([\w$]+|\{[^{}]*\}))?", given)
    return (apart[1] or "detail") if apart else ""

"""A form whose script sends through a socket, while the browser sends the form, too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.forms import FORM, LEAVES
from tutor.doctor.rules.browser.handling import meant
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.layouts import whole_of
from tutor.doctor.rules.found import Found, Place

RANK = 67
DEEP = 3
_BUTTON = re.compile(r"<(?:button|input)\b([^>]*)>", re.I)
_KIND = re.compile(r"""\btype\s*=\s*["']?(\w+)""", re.I)
_ID = re.compile(r"""\bid\s*=\s*["']?([\w-]+)""", re.I)
_CLASSES = re.compile(r"""\bclass\s*=\s*["']([^"'{]+)["']""", re.I)
_SENT = re.compile(r"""\bmethod\s*=\s*["']?(?:post|dialog)\b|\bon\w+\s*=""", re.I)
_ACTION = re.compile(r"""\baction\s*=\s*["']?(?!["'#\s>])""", re.I)
_STAYS = re.compile(r"\bpreventDefault\b|\breturn\s+false\b")


def rules(every: list[Code]) -> Iterator[Found]:
    for page in every:
        if page.script.is_static or _STAYS.search(whole_of(page, every)):
            continue
        for form in FORM.finditer(page.script.text):
            if any(one.search(form[1]) for one in (_SENT, _ACTION, LEAVES)):
                continue
            found = next(_heard(page, form, every), None)
            if found is not None:
                yield Found(
                    "client-form-reloads-the-page",
                    "the page is loaded again with each message; its socket is closed",
                    found,
                    RANK,
                    "reading the page",
                    "event.preventDefault() first in the handler",
                )
                return


def fetches(every: list[Code]) -> Iterator[Found]:
    """A submit handler that sends with ``fetch``, while the browser does so, too."""
    for page in every:
        for form in (
            FORM.finditer(page.script.text) if not page.script.is_static else ()
        ):
            if re.search(r"""\bon\w+\s*=|\btarget\s*=|\bmethod=["']?dialog""", form[1]):
                continue
            alone = len(FORM.findall(page.script.text)) == 1
            tag = "form" if alone else ""
            for code, one, _ in _hooks("submit", form[1], tag, page, every):
                text = code.plain(one.body)
                if not re.search(r"(?<![\w$.])fetch\s*\(", text):
                    continue
                if _STAYS.search(text) or LEAVES.search(form[1]):
                    continue
                if any(
                    _STAYS.search(other.plain(f.body))
                    for name in re.findall(r"(?<![\w$.])([\w$]+)\s*\(", text)
                    for other, f in meant(code, name, every)
                ):
                    continue
                yield Found(
                    "client-form-reloads-the-page",
                    "the form is sent twice, and the page is left for the answer",
                    code.spot(one.start),
                    RANK,
                    "reading the page",
                    "event.preventDefault() first in the handler",
                )
                return


def _heard(page: Code, form: re.Match[str], every: list[Code]) -> Iterator[Place]:
    """Where a script hears of a form, or of a button that sends it."""
    text = page.script.text
    alone = len(FORM.findall(text)) == 1
    for code, one, _ in _hooks("submit", form[1], "form" if alone else "", page, every):
        if _sends(code, one, every):
            yield code.spot(one.start)
    for match in _BUTTON.finditer(form[2]):
        kind = _KIND.search(match[1])
        is_button = match[0][1:4].lower() == "but"
        if (kind[1].lower() if kind else "submit") != "submit" or (
            not kind and not is_button
        ):
            continue
        only = "button" if text.lower().count("<button") == 1 and is_button else ""
        for code, one, at in _hooks("click", match[1], only, page, every):
            if _sends(code, one, every):
                in_page = page.spot(form.start(2) + match.start())
                yield code.spot(at) if one.given else in_page


def _hooks(
    kind: str, told: str, tag: str, page: Code, every: list[Code]
) -> Iterator[tuple[Code, Func, int]]:
    """The functions that an element calls for an event: in which script, and where."""
    named = _ID.search(told)
    classes = _CLASSES.search(told)
    words = [rf"#?{re.escape(named[1])}"] if named else []
    words += [rf"\.{re.escape(one)}" for one in (classes[1].split() if classes else ())]
    words += [tag] if tag else []
    if not words:
        return
    element = rf"[\w$.]+\(\s*['\"`]\w*(?:{'|'.join(words)})['\"`]\s*\)"
    for code in every:
        if code.script.file != page.script.file and not code.script.is_static:
            continue
        text = code.script.text
        kept = [
            rf"(?<![\w$.]){re.escape(match[1])}"
            for match in re.finditer(rf"([\w$.]+)\s*=\s*{element}", text)
        ]
        hook = (
            rf"(?:{'|'.join([element, *kept])})\s*\.\s*(?:on{kind}\s*=(?!=)\s*|"
            rf"(?:addEventListener|on)\s*\(\s*['\"`]{kind}['\"`]\s*,\s*|{kind}\s*\(\s*)"
        )
        for match in re.finditer(hook, text):
            one = code.at(match.end())
            if one is not None:
                yield code, one, match.start()
                continue
            name = re.compile(r"[\w$]+(?=\s*[;,)\n])").match(text, match.end())
            for other, function in meant(code, name[0], every) if name else ():
                yield other, function, function.start


def _sends(code: Code, one: Func, every: list[Code], depth: int = 0) -> bool:
    """Whether a function sends, itself or by one that it calls."""
    text = code.plain(one.body)
    if re.search(r"\.\s*send(?:Json|JSON|Message)?\s*\(", text):
        return True
    return depth < DEEP and any(
        _sends(other, function, every, depth + 1)
        for name in re.findall(r"(?<![\w$.])([\w$]+)\s*\(", text)
        for other, function in meant(code, name, every)
        if function is not one
    )

"""What an object is asked for and never given, and more that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.attributes import OPENED
from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

_CALLED = re.compile(r"(?<![\w$.])this\.([A-Za-z_$][\w$]*)\s*\(")
_STATES = {"OPEN", "CONNECTING", "CLOSING", "CLOSED", "prototype", "name", "length"}
_STATE = re.compile(r"(?<![\w$.])WebSocket\s*\.\s*([A-Za-z_$][\w$]*)(?!\s*=[^=])")
_ASKED = re.compile(
    r"(?<![\w$.])([A-Za-z_$][\w$]*)(?=\s*\.\s*[A-Za-z_$])|"
    r"\bstringify\s*\(\s*([A-Za-z_$][\w$]*)\s*[,)]"
)
_DECLARED = re.compile(
    r"(?<![\w$.])(?:const|let|var|class|function\*?)\s+([A-Za-z_$][\w$]*)"
)
_PREFIX = re.compile(
    r"getElementById\s*\(\s*(?:`(?P<one>[\w-]{2,})\$\{|"
    r"(['\"])(?P<other>[\w-]{2,})\2\s*\+)"
)


def rules(every: list[Code]) -> Iterator[Found]:
    whole = "\n".join(one.script.text for one in every)
    for code in every:
        if not code.script.is_built:
            yield from _never_given(code, every)
            yield from _state(code)
            yield from _no_such_id(code, whole)
            yield from _always_on(code, whole)


def _never_given(code: Code, every: list[Code]) -> Iterator[Found]:
    """``this.onNumber(…)`` of a class in which nothing is called so."""
    for name, (begin, end) in code.classes:
        text = code.bare[begin:end]
        if re.match(r"class\s+[\w$]+\s+extends\b", text) or "assign(" in text:
            continue
        if re.search(r"\bthis\s*\[", text):
            continue
        for match in _CALLED.finditer(text):
            word = re.escape(match[1])
            plain = re.sub(rf"\bthis\.{word}\s*\(", " ", text)
            again = re.search(rf"\.\s*{word}\s*=(?!=)|\b{word}\s*\(", plain)
            others = any(
                re.search(rf"\.\s*{word}\s*=(?!=)|prototype", one.bare) for one in every
            )
            field = rf"(?<=[{{}};\n])\s*{word}\s*[;=]"
            if again or others or re.search(field, plain):
                continue
            yield Found(
                "client-property-never-set",
                f"this.{match[1]} is not a function: no {name} is given one",
                code.spot(begin + match.start()),
                RANK,
                TRIED,
                f"this.{match[1]} = …, in the constructor",
            )
            return


def _state(code: Code) -> Iterator[Found]:
    """``WebSocket.Open``: undefined, and never the state of a socket."""
    if re.search(r"\b(?:class|function|import)\b[^;\n]*\bWebSocket\b", code.bare):
        return
    for match in _STATE.finditer(code.bare):
        if match[1] not in _STATES:
            right = match[1].upper() if match[1].upper() in _STATES else "OPEN"
            yield Found(
                "client-name-in-other-letters",
                f"there is no WebSocket.{match[1]}",
                code.spot(match.start()),
                RANK,
                TRIED,
                f"WebSocket.{right}",
            )
            return


def _no_such_id(code: Code, whole: str) -> Iterator[Found]:
    """``getElementById(`votes-${id}`)``, where every id begins in another way."""
    for match in _PREFIX.finditer(code.script.text):
        if "getElementById" not in code.bare[match.start() : match.end()]:
            continue
        prefix = match["one"] or match["other"]
        begins = len(re.findall(rf"(?<![\w-]){re.escape(prefix)}", whole))
        asks = len(
            re.findall(
                rf"(?:(?:ById\s*\(\s*|Selector\s*\(\s*)[`'\"]#?|[`'\"]\.|"
                rf"\bclass(?:Name)?\s*=\s*[`'\"](?:[^`'\"<>]*\s)?){re.escape(prefix)}",
                whole,
            )
        )
        if begins == asks:
            yield Found(
                "client-element-not-there",
                f"no id in a page begins with {prefix}",
                code.spot(match.start()),
                RANK,
                TRIED,
                f'id="{prefix}…" in the page',
            )
            return


def _always_on(code: Code, whole: str) -> Iterator[Found]:
    """``box.value`` of a checkbox without a value: it is "on", ticked or not."""
    for match in OPENED.finditer(whole):
        if not re.search(r"\btype\s*=\s*[\"']?checkbox\b", match[2]):
            continue
        named = re.search(r"(?<![\w-])id\s*=\s*[\"']?([\w-]+)", match[2])
        if named is None or re.search(r"(?<![\w-])value\s*=", match[2]):
            continue
        asked = rf"\(\s*(['\"`])#?{named[1]}\1\s*\)"
        for one in re.finditer(rf"{asked}\s*\.\s*value(?![\w$]|\s*=[^=])", code.spoken):
            yield Found(
                "client-value-taken-for-another",
                "'on': the value of a checkbox, whether it is ticked or not",
                code.spot(one.start()),
                RANK,
                TRIED,
                "its property checked",
                "A checkbox that is ticked or not says so in checked.",
            )
            return

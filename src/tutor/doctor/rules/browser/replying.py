"""Whether a script answers whatever comes, and at once."""

from __future__ import annotations

import re

from tutor.doctor.rules.browser.handling import Handler, block_end, called, sends
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.scripts import Spot

DEEP = 3  # functions that call one another
_CALL = re.compile(r"(?<![\w$.])[\w$.]+\s*\(")
_NEVER = re.compile(r"\bset(?:Timeout|Interval)\b")
LATER = re.compile(r"\b(?:if|setTimeout|requestAnimationFrame)\b|&&|\|\||\?")
# A condition that says only whether the page is on, and slows nothing down.
_SWITCH = re.compile(
    r"\bif\s*\((?:[\s!&|(=]|[\w$.]+(?:\([\w$.\s'\"]*\))?\.(?:checked|hidden|readyState)"
    r"|[\w$.]*\bOPEN\b|document\.hidden|\))*\)\s*\Z"
)


def replies(handler: Handler, every: list[Code]) -> Spot | None:
    """Where a handler sends whatever has come, at once."""
    return _answer(handler, handler.code, handler.function, every, 0)


def _answer(
    handler: Handler, code: Code, function: Func, every: list[Code], depth: int
) -> Spot | None:
    begin, end = function.body
    for match in _CALL.finditer(code.bare, begin, end):
        index, name = match.start(), match[0].rstrip("(").strip()
        if not _always(code, function, index):
            continue
        if _sends(handler, code, name):
            return code.spot(index)
        for other, one in called(code, function, name, every):
            if one is function:
                continue
            mine = other is handler.code and depth == 0
            if mine and sends(other, handler.socket, one, _NEVER) is not None:
                return code.spot(index)
            if depth < DEEP:
                found = _answer(handler, other, one, every, depth + 1)
                if found is not None:
                    return found
    return None


def _always(code: Code, function: Func, index: int) -> bool:
    """Whether a place in a function is reached by each call of it, at once."""
    begin, end = function.body
    before = code.bare[begin:index]
    statement = _SWITCH.sub("", re.split(r"[;{}]", before)[-1])
    return not (
        code.around(index) != function
        or (function.is_block and block_end(code, index) != end)
        or LATER.search(statement)
        or re.search(r"\breturn\b", before)
    )


def _sends(handler: Handler, code: Code, name: str) -> bool:
    """Whether a call sends: by the socket itself, or by the object that keeps it."""
    if code is handler.code and name == f"{handler.socket}.send":
        return True
    owner = handler.code.owner(handler.function)
    held, _, method = name.rpartition(".")
    if not owner or not held:
        return False
    made = rf"(?<![\w$.]){re.escape(held)}\s*=\s*new\s+{re.escape(owner)}\s*\("
    if not re.search(made, code.bare):
        return False
    return any(
        one.name == method
        and handler.code.owner(one) == owner
        and sends(handler.code, handler.socket, one, _NEVER) is not None
        for one in handler.code.functions
    )

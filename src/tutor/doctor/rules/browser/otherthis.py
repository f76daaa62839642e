"""``onmessage = function (e) { this.show(e) }``: there ``this`` is the socket."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

_USED = re.compile(r"(?<![\w$.])this\s*\.\s*([\w$]+)")
_LATER = re.compile(r"\bset(?:Timeout|Interval)\s*\(\s*$|\.\s*(?:then|catch)\s*\(\s*$")
# What a socket, a timer or an event's target has itself.
_OF_SOCKETS = {
    *("send", "close", "readyState", "url", "protocol", "bufferedAmount", "extensions"),
    *("onopen", "onmessage", "onclose", "onerror", "binaryType", "addEventListener"),
}


def rules(code: Code) -> Iterator[Found]:
    """A plain function in a method, which asks ``this`` for what its object has."""
    for inner in code.functions:
        if not _is_plain(code, inner) or not _is_handed(code, inner):
            continue
        outer = code.around(inner.start)
        if outer is None or re.match(r"\s*\.\s*bind\b", code.bare[inner.body[1] + 1 :]):
            continue
        for match in _USED.finditer(code.bare, *inner.body):
            name = match[1]
            mine = code.around(match.start())
            while mine is not None and mine is not inner and not _is_plain(code, mine):
                mine = code.around(mine.start)
            rest = code.bare[: inner.start] + code.bare[inner.body[1] :]
            known = re.search(rf"(?<![\w$.])this\s*\.\s*{re.escape(name)}\b", rest)
            if mine is inner and known and name not in _OF_SOCKETS:
                yield Found(
                    "client-method-without-this",
                    f"this.{name} is undefined: this is what calls the function",
                    code.spot(match.start()),
                    RANK,
                    TRIED,
                    "an arrow function, which keeps the this around it",
                )
                return


def _is_plain(code: Code, function: Func) -> bool:
    """Whether a function has a ``this`` of its own: no arrow."""
    return bool(re.compile(r"(?:async\s+)?function\b").match(code.bare, function.start))


def _is_handed(code: Code, function: Func) -> bool:
    """Whether a socket or a timer calls it."""
    before = code.bare[max(0, function.start - 80) : function.start]
    sockets = "|".join(map(re.escape, code.sockets)) or r"(?!)"
    on = rf"(?<![\w$.])(?:{sockets})\s*\.\s*(?:on(?:open|message|close|error)\s*=\s*|"
    heard = on + r"addEventListener\s*\([^()]*,\s*)$"
    return bool(re.search(heard, before) or _LATER.search(before))

"""Sockets that do not come back, or are spoken to too late."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK, block_end, listened
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.reopening import hearing
from tutor.doctor.rules.found import Found

# Calls that give a new socket no handlers.
_HARMLESS = re.compile(
    r"(?:if|for|while|switch|catch|function|return|WebSocket|log|warn|error|info|"
    r"setTimeout|clearTimeout|min|max|pow|random|floor|round|encodeURIComponent|now)"
)
_CALLED = re.compile(r"([\w$]+)\s*\(")
# What ends a timer: by its number, or with the page.
_ENDED = re.compile(r"\bclear(?:Interval|Timeout)\b")
_GOES = re.compile(r"\blocation\s*(?:=|\.\s*(?:reload|href\s*=|assign|replace))")


def no_way_back(code: Code, name: str) -> Iterator[Found]:
    """``onclose = () => { socket = new WebSocket(…) }``: it has no handlers."""
    for new, _ in code.sockets[name]:
        # Whatever else it is called: const ws = new WebSocket(…); socket = ws.
        names = [n for n, spans in code.sockets.items() if new in dict(spans)]
        word = rf"(?<![\w$.])(?:{'|'.join(map(re.escape, names))})"
        maker = code.around(new)
        if maker is None or not _runs_on_close(code, name, maker):
            continue
        begin, end = maker.body
        words = _CALLED.findall(code.bare[begin:end])
        handled = re.search(
            rf"{word}\s*\.\s*(?:on\w+\s*=|addEventListener\b)", code.bare[begin:end]
        )
        elsewhere = re.search(rf"{word}\s*\.\s*(?:onmessage\s*=|addEvent)", code.bare)
        if elsewhere and not handled and all(map(_HARMLESS.fullmatch, words)):
            yield _lost(
                code, new, "the new socket has no handlers: nobody hears it", "onclose"
            )
        hears = [
            begin
            for one in names
            for kind, begin in listened(code, one)
            if kind == "message"
        ]
        if handled and hears and all(_only_once(code, one, maker) for one in hears):
            got = "the new socket has no onmessage: only the first one is heard"
            yield _lost(code, hears[0], got, maker.name or "onclose")


def _only_once(code: Code, index: int, maker: Func) -> bool:
    """Whether a place runs when the page comes, and not for each new socket."""
    around = code.around(index)
    if around is not None and around.body[0] <= maker.start < around.body[1]:
        return True  # around all of the script
    return around is None or (around.name == "constructor" and around != maker)


def _lost(code: Code, index: int, got: str, where: str) -> Found:
    return Found(
        "client-no-reconnect",
        got,
        code.spot(index),
        RANK + 1,
        TRIED,
        f"in {where} a new WebSocket, with all its handlers, after a pause",
    )


def _runs_on_close(code: Code, name: str, maker: Func) -> bool:
    """Whether a function is run when the socket was closed, itself or by a timer."""
    left = [*hearing(code, name, "close")]
    done: list[Func] = []
    while left and len(done) < 20:
        one = left.pop()
        begin, end = one.body
        if one == maker or begin <= maker.start < end:
            return True
        done.append(one)
        words = set(re.findall(r"[\w$]+", code.bare[begin:end]))
        left += [f for f in code.functions if f.name in words and f not in done]
    return False


def _given(code: Code, begin: int) -> Func | None:
    """The function that begins at a place, or is named there."""
    one = code.at(begin)
    if one is not None:
        return one
    named = re.compile(r"\s*([\w$]+)\s*[,;)\n]").match(code.bare, begin)
    return next((f for f in code.functions if named and f.name == named[1]), None)


def _always(code: Code, index: int) -> bool:
    """Whether something is done whenever the function around it is run."""
    around = code.around(index)
    if around is None or not around.is_block:
        return True
    line = re.split(r"[;{}]", code.bare[around.body[0] : index])[-1]
    return block_end(code, index) == around.body[1] and not re.search(r"\bif\b", line)


def spoken_to_late(code: Code, name: str) -> Iterator[Found]:
    """A timer that goes on sending when its socket has gone."""
    if _ENDED.search(code.bare) or any(
        _always(code, match.start()) for match in _GOES.finditer(code.bare)
    ):
        return
    for match in re.finditer(r"\bsetInterval\s*\(\s*", code.bare):
        run = _given(code, match.end())
        if run is None:
            continue
        text = code.bare[slice(*run.body)]
        asks = re.search(r"\bif\b|&&|\?|\|\|", text) and "CONNECTING" not in text
        sends = re.search(rf"(?<![\w$.]){re.escape(name)}\s*\.\s*send\s*\(", text)
        if sends and not asks:
            yield Found(
                "client-send-after-close",
                "WebSocket is already in CLOSING or CLOSED state.",
                code.spot(run.body[0] + sends.start()),
                RANK + 5,
                TRIED,
                f"if ({name}.readyState === WebSocket.OPEN), or clearInterval()",
            )
            return

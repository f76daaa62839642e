"""Sockets that do not come back, that are left open, or spoken to too late."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.found import Found
from tutor.doctor.rules.handling import RANK
from tutor.doctor.rules.javascript import Code, Func
from tutor.doctor.rules.pages import TRIED
from tutor.doctor.rules.reopening import hearing

# Calls that give a new socket no handlers.
_HARMLESS = re.compile(
    r"(?:if|for|while|switch|catch|function|return|WebSocket|log|warn|error|info|"
    r"setTimeout|clearTimeout|min|max|pow|random|floor|round|encodeURIComponent|now)"
)
_CALLED = re.compile(r"([\w$]+)\s*\(")
_REPEATED = re.compile(
    r"\bsetInterval\s*\(\s*|"
    r"\.\s*on(?:click|submit|input|change|key(?:up|down|press))\s*=(?!=)\s*|"
    r"\baddEventListener\s*\(\s*(?P<kind>[\"'`][^\"'`\n]*[\"'`])\s*,\s*"
)
_KINDS = re.compile(r"\W*(?:click|submit|input|change|key(?:up|down|press))\W*")
# What ends a timer: by its number, or with the page.
_ENDED = re.compile(
    r"\bclear(?:Interval|Timeout)\b|\blocation\s*(?:=|\.\s*(?:reload|href\s*=|assign|replace))"
)
# Words of one who sees to it that there is one socket only.
_MINDS = re.compile(
    r"\b(?:readyState|disabled|hidden|hide|remove|display|once|close|replaceWith|"
    r"innerHTML|style|classList|disconnect|terminate)\b|[!=]==?|!\s*[\w$]"
)


def no_way_back(code: Code, name: str) -> Iterator[Found]:
    """``onclose = () => { socket = new WebSocket(…) }``: it has no handlers."""
    word = rf"(?<![\w$.]){re.escape(name)}"
    for new, _ in code.sockets[name]:
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


def one_for_each(code: Code, name: str) -> Iterator[Found]:
    """A socket for each click or tick, and none is closed."""
    word = rf"(?<![\w$.]){re.escape(name)}"
    if re.search(rf"{word}\s*\??\.\s*close\b", code.bare):
        return
    makers = [(new, code.around(new)) for new, _ in code.sockets[name]]
    for match in _REPEATED.finditer(code.bare):
        kind = match["kind"] and code.script.text[slice(*match.span("kind"))]
        if kind and not _KINDS.fullmatch(kind):
            continue
        run = _given(code, match.end())
        for new, maker in makers:
            inner = run is not None and run.body[0] <= new < run.body[1]
            if run is None or maker is None or _minds(code, run, maker):
                continue
            calls = re.findall(r"(?<![\w$.])([\w$]+)\s*\(", code.plain(run.body))
            if (inner and maker == run) or (maker.name and maker.name in calls):
                yield Found(
                    "client-too-many-sockets",
                    "one socket more each time, and none is closed",
                    code.spot(new),
                    RANK + 4,
                    TRIED,
                    "one socket, or close() before another is opened",
                )
                return


def _given(code: Code, begin: int) -> Func | None:
    """The function that begins at a place, or is named there."""
    one = code.at(begin)
    if one is not None:
        return one
    named = re.compile(r"\s*([\w$]+)\s*[,;)\n]").match(code.bare, begin)
    return next((f for f in code.functions if named and f.name == named[1]), None)


def _minds(code: Code, *functions: Func) -> bool:
    return any(_MINDS.search(code.bare[slice(*one.body)]) for one in functions)


def spoken_to_late(code: Code, name: str) -> Iterator[Found]:
    """A timer that goes on sending when its socket has gone."""
    if _ENDED.search(code.bare):
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

"""A socket that is opened again: without a pause, or with one timer more each time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK, listened
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found


def hearing(code: Code, name: str, kind: str) -> Iterator[Func]:
    """The functions that a socket calls for a kind of event."""
    for told, begin in listened(code, name):
        if told != kind:
            continue
        one = code.at(begin)
        if one is not None:
            yield one
            continue
        called = re.match(r"[\w$.]+", code.bare[begin:].lstrip())
        word = (called[0] if called else "").removesuffix(".bind")
        yield from (
            f for f in code.functions if f.name == word.rpartition(".")[2] != ""
        )


def timers(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
    """A timer that begins at each opening, where the socket is opened again."""
    if any("clearInterval" in one.bare for one in every):
        return
    again = re.search(r"\bsetTimeout\b|\breconnect", code.bare, re.I)
    heard = [*hearing(code, name, "open")] if again else []
    called = {
        word
        for one in heard
        for word in re.findall(r"([\w$]+)\s*\(", code.plain(one.body))
    }
    for function in (*heard, *(f for f in code.functions if f.name in called)):
        begin, end = function.body
        match = re.search(r"\bsetInterval\s*\(", code.bare[begin:end])
        if match:
            yield Found(
                "client-timer-for-each-connection",
                "after each lost connection one timer more",
                code.spot(begin + match.start()),
                RANK + 4,
                TRIED,
                "clearInterval() in onclose",
            )


def at_once_again(code: Code, name: str) -> Iterator[Found]:
    """``onclose = () => this.open()``: opened again without a pause."""
    openers = {f.name for _, made in code.sockets[name] if (f := code.around(made))}
    for function in hearing(code, name, "close"):
        found = _opens_at_once(code, function, openers - {"", "constructor"}, 0)
        if found is not None:
            yield Found(
                "client-reconnects-without-pause",
                "a handshake as soon as the last one has failed, without end",
                code.spot(found),
                RANK + 4,
                TRIED,
                "setTimeout(), with a pause that grows",
            )


def _opens_at_once(
    code: Code, function: Func, openers: set[str], depth: int
) -> int | None:
    """Where a function opens a socket in the same breath, itself or by another."""
    begin, end = function.body
    text = code.bare[begin:end]
    if re.search(r"\b(?:setTimeout|await|delay|sleep)\b", text):
        return None
    for match in re.finditer(r"(?<![\w$.])(?:this\.|self\.)?([\w$]+)\s*\(", text):
        if code.around(begin + match.start()) != function:
            continue
        if match[1] in openers:
            return begin + match.start()
        for other in code.functions:
            if other.name == match[1] and other is not function and depth < 2:
                inner = _opens_at_once(code, other, openers, depth + 1)
                if inner is not None:
                    return inner
    return None

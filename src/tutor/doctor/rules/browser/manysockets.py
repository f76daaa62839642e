"""A socket of its own for each click, each message, each tick of a timer."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK, block_end
from tutor.doctor.rules.browser.heirs import any_of
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

_KINDS = (
    r"(?:click|dblclick|submit|change|input|key(?:up|down|press)|mousemove|scroll|"
    r"visibilitychange|focus)"
)
# What stands before a function that runs at each event.
_BEGIN = (
    rf"(?:(?:addEventListener|\.on)\s*\(\s*['\"]{_KINDS}['\"]\s*,(?:\s*['\"][^'\"]*['\"]"
    rf"\s*,)?|\.{_KINDS}\s*\(|\bon{_KINDS}\s*=|\bsetInterval\s*\()\s*(?:async\s*)?"
)
_EACH = re.compile(rf"{_BEGIN}$")
# The same with a name there, and the name that an attribute of a tag calls.
_NAMED = re.compile(
    rf"(?:{_BEGIN}|\son{_KINDS}\s*=\s*['\"]\s*)(?<![\w$.])(?:this\.)?([\w$]+)"
)
# What comes again and again, whatever anybody asks for.
_TIMER = (
    r"(?:\bsetInterval\s*\(|\b(?:document|window)\s*\.\s*addEventListener\s*\(\s*['\"]"
    r"(?:visibilitychange|focus)['\"]\s*,)\s*(?:async\s*)?"
)
_TIMED = re.compile(rf"{_TIMER}$")
_BY_TIMER = re.compile(rf"{_TIMER}(?<![\w$.])(?:this\.)?([\w$]+)")
_CALL = re.compile(r"(?<![\w$.])(?:this\.)?([\w$]+)\s*\(")
# Whoever asks first, closes or does it once opens no more than one at a time.
_ASKS = re.compile(r"\bif\b|\?|&&|\|\|")
_CLOSES = re.compile(r"\.\s*close\s*\(|\bonce\s*:|\bdisabled\b")
_ENDS = re.compile(
    r"\.\s*close\s*\(|\bonce\s*:|\bhidden\b|\bdisabled\b|\.\s*remove\w*\s*\(|"
    r"\bdisplay\b"
)
# A timer does not mind what becomes of the page's elements.
_STOPS = re.compile(r"\.\s*close\s*\(|\bonce\s*:|\bclear(?:Interval|Timeout)\b")
# Whether an answer of the server was a good one: that says nothing of a socket.
_ANSWERED = re.compile(r"\bif\s*\(\s*!?\s*[\w$]+\s*\.\s*(?:ok|status\b[^()]*)\)")
_SENDS = re.compile(r"\.\s*send\w*\s*\(")
DEEP = 3


def rules(every: list[Code]) -> Iterator[Found]:
    """``button.onclick = () => { new WebSocket(…) … send(…) }``, with no close."""
    kinds = {"WebSocket", *_classes(every)}
    new = rf"\bnew\s+(?:{'|'.join(map(re.escape, sorted(kinds)))})\s*\("
    made = re.compile("|".join([new, *_told_to_open(every)]))
    if not any(made.search(code.bare) for code in every):
        return
    texts = [code.script.text for code in every]
    named = {name for text in texts for name in _NAMED.findall(text)}
    by_timer = {name for text in texts for name in _BY_TIMER.findall(text)}
    for code in every:
        yield from at_load(code)
        for function in code.functions:
            if function.name not in named and not _EACH.search(_before(code, function)):
                continue
            own = code.bare[slice(*function.body)]
            for other, (begin, end) in _bodies(code, function, every):
                match = made.search(other.bare, begin, end)
                text = other.bare[begin:end]
                if match is None:
                    continue
                again = _opened_already(other, (begin, end), match.start())
                timed = function.name in by_timer or _TIMED.search(
                    _before(code, function)
                )
                ends = _STOPS if timed else _CLOSES if again else _ENDS
                if ends.search(own + text):
                    continue
                before = other.bare[begin : match.start()]
                before += "" if text == own else _ANSWERED.sub("", own)
                asks = not again and _ASKS.search(before)
                asks = asks or (again and _ASKS.search(_ANSWERED.sub("", own)))
                if not asks and (timed or again or _SENDS.search(text)):
                    yield Found(
                        "client-too-many-sockets",
                        "one socket more each time, and none is closed",
                        other.spot(match.start()),
                        RANK + 4,
                        TRIED,
                        "one socket for the page, opened once",
                    )
                    return


_READY = (
    r"(?:\baddEventListener\s*\(\s*['\"](?:load|DOMContentLoaded)['\"]\s*,|\bonload\s*=|"
    r"\.\s*ready\s*\(|\$\s*\(|\.\s*on\s*\(\s*['\"]load['\"]\s*,)\s*"
)


def at_load(code: Code) -> Iterator[Found]:
    """``connect(); window.addEventListener("load", connect);``: two sockets."""
    news = [new for spans in code.sockets.values() for new, _ in spans]
    for maker in filter(None, map(code.around, news)):
        text = code.plain(maker.body)
        asks = maker.given or _ASKS.search(text.partition("new ")[0])
        if not maker.name or code.owner(maker) or asks or _CLOSES.search(text):
            continue
        name = rf"(?<![\w$.]){re.escape(maker.name)}\s*"
        told = rf"(?P<call>{name}\(\s*\))|{_READY}{name}[);]"
        runs = [
            match.start()
            for match in re.finditer(told, code.spoken)
            if not maker.start <= match.start() < maker.body[1]
            and block_end(code, match.start()) == block_end(code, maker.start)
            and (not match["call"] or code.bare[: match.start()].rstrip()[-1:] in ";}{")
        ]
        if len(runs) > 1:
            yield Found(
                "client-too-many-sockets",
                f"{maker.name} runs {len(runs)} times when the page is loaded",
                code.spot(runs[1]),
                RANK + 4,
                TRIED,
                "one socket for the page, opened once",
            )
            return


def _opened_already(code: Code, span: tuple[int, int], index: int) -> bool:
    """Whether a function has opened a socket of its own when the page came.

    It is called when the script begins, and keeps what it makes for itself.
    """
    begin, end = span
    maker = next((f for f in code.functions if f.body == span), None)
    made = code.bare[begin:index].rstrip()
    if maker is None or not re.search(r"\b(?:const|let|var)\s+[\w$]+\s*=$", made):
        return False
    word = rf"(?<![\w$.]){re.escape(maker.name)}\s*\(\s*\)\s*;?"
    return bool(maker.name) and any(
        code.around(match.start()) is None
        for match in re.finditer(word, code.bare)
        if not begin <= match.start() < end and match.start() > maker.body[1]
    )


def _before(code: Code, function: Func) -> str:
    """What stands before a function."""
    return code.script.text[max(0, function.start - 120) : function.start]


def _classes(every: list[Code]) -> Iterator[str]:
    """The classes that open a socket as soon as one is made of them."""
    for code in every:
        for name, (begin, end) in code.classes:
            inner = [f for f in code.functions if begin < f.start < end]
            opens = {f.name for f in inner if "new WebSocket" in code.plain(f.body)}
            first = [f for f in inner if f.name == "constructor"]
            called = {w for f in first for w in _CALL.findall(code.plain(f.body))}
            if opens & {"constructor", *called}:
                yield name


def _told_to_open(every: list[Code]) -> Iterator[str]:
    """``const live = new Live(…); live.open()``: patterns of what opens one so."""
    number = itertools.count()  # each pattern has a group of its own
    for code in every:
        for name, (begin, end) in code.classes:
            methods = {
                around.name
                for spans in code.sockets.values()
                for new, _ in spans
                if begin < new < end and (around := code.around(new)) is not None
            } - {"", "constructor"}
            opens = any_of(methods)
            new = rf"new\s+{re.escape(name)}\s*\("
            if methods:
                yield rf"\b{new}[^()]*(?:\([^()]*\)[^()]*)*\)\s*\.\s*{opens}\s*\("
                kept = f"made{next(number)}"
                yield (
                    rf"\b(?:const|let|var)\s+(?P<{kept}>[\w$]+)\s*=\s*{new}"
                    rf"[\s\S]*?(?<![\w$.])(?P={kept})\s*\.\s*{opens}\s*\("
                )


def _bodies(
    code: Code, function: Func, every: list[Code], depth: int = 0
) -> Iterator[tuple[Code, tuple[int, int]]]:
    """A function's body, and those of the functions that it calls by their names."""
    yield code, function.body
    for name in _CALL.findall(code.plain(function.body)) if depth < DEEP else ():
        for other in every:
            for one in other.functions:
                if one.name == name and one is not function and not other.owner(one):
                    yield from _bodies(other, one, every, depth + 1)

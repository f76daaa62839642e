"""The messages that a socket sends, also where a caller gives a part of them.

``send(kind, fields) { this.socket.send(JSON.stringify({ type: kind, ...fields })) }``
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass

from tutor.doctor.rules.browser.handling import aliases
from tutor.doctor.rules.browser.heirs import any_of, below
from tutor.doctor.rules.browser.javascript import Code, Func, Span
from tutor.doctor.rules.browser.parameters import names
from tutor.doctor.rules.browser.scripts import Spot

DEEP = 3  # functions that hand on what they are given
_KEY = re.compile(r"\s*(?:([\w$]+)|'([^']*)'|\"([^\"]*)\")\s*(?::\s*(.*))?$", re.S)
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_JSON = re.compile(r"\s*(?:window\s*\.\s*)?JSON\s*\.\s*stringify\s*\(")


@dataclass(frozen=True)
class Sent:
    """A message: where it is said, and what stands behind each of its keys.

    Args:
        code: the script.
        index: where.
        held: the keys and what stands behind them.
        frame: where the object is written to which a caller adds something.
        own: the keys that stand there.
    """

    code: Code
    index: int
    held: dict[str, str]
    frame: tuple[Code, int]
    own: frozenset[str]

    def spot(self, odd: Set[str]) -> Spot:
        """Where the message is said, or its frame if all odd keys are there."""
        code, index = self.frame if odd <= self.own else (self.code, self.index)
        return code.spot(index)


def messages(code: Code, name: str, every: list[Code]) -> Iterator[Sent]:
    """The objects that a socket sends as JSON, as far as they are written out.

    Args:
        code: the script.
        name: what the socket is called there.
        every: the code of the pages' scripts.
    """
    spans = [(name, 0, len(code.bare))]
    for function in code.functions:
        begin, end = function.body
        others = aliases(code.bare[begin:end], name)[1:]
        spans += [(one, begin, end) for one in others if one not in code.sockets]
    done = set()
    for known, begin, end in spans:
        word = re.compile(rf"(?<![\w$.]){re.escape(known)}\s*\??\.\s*send\s*\(")
        for match in word.finditer(code.bare, begin, end):
            given = code.arguments(match.end() - 1)
            begun = _made_before(code, given[0]) if given else 0
            made = _JSON.match(code.bare, begun) if given else None
            if made and match.start() not in done:
                done.add(match.start())
                inner = code.arguments(made.end() - 1)[:1]
                for span in inner:
                    yield from _behind(code, span, match.start(), every, 0)


def _made_before(code: Code, span: Span) -> int:
    """Where a text is made: there, or as ``const text = JSON.stringify(…)``."""
    text, around = code.plain(span), code.around(span[0])
    if around is not None and _NAME.fullmatch(text):
        word = re.compile(rf"(?<![\w$.]){re.escape(text)}\s*=(?![=>])")
        made = [*word.finditer(code.bare, *around.body)]
        return made[0].end() if len(made) == 1 else span[0]
    return span[0]


def _behind(
    code: Code, span: Span, index: int, every: list[Code], depth: int
) -> Iterator[Sent]:
    """The objects that an expression may be: there, or as callers give them."""
    text, function = code.plain(span), code.around(span[0])
    if depth > DEEP:
        return
    if text.startswith("{") and text.endswith("}"):
        yield from _written(code, span, index, every, depth)
    elif (taken := _taken(code, function, text)) is not None:
        maker, place = taken
        for other, begin, given in calls(code, maker, every):
            if len(given) > place:
                yield from _behind(other, given[place], begin, every, depth + 1)
    elif _NAME.fullmatch(text):
        body = function.body if function is not None else (0, len(code.bare))
        word = rf"(?<![\w$.]){re.escape(text)}\s*"
        made = [*re.compile(rf"{word}=(?![=>])\s*").finditer(code.bare, *body)]
        changed = re.compile(rf"{word}(?:\.\s*[\w$]+\s*=(?!=)|\[)|\bdelete\s+{text}\b")
        if len(made) == 1 and not changed.search(code.bare, *body):
            given_as = code.expression(made[0].end())
            if code.plain(given_as).startswith("{"):
                yield from _written(code, given_as, index, every, depth)


def _written(
    code: Code, span: Span, index: int, every: list[Code], depth: int
) -> Iterator[Sent]:
    """An object that is written out, with what callers add to it."""
    held: dict[str, str] = {}
    spread: list[int] = []
    function = code.around(span[0])
    for begin, end in code.arguments(code.bare.index("{", span[0])):
        part = code.text((begin, end))
        if part.startswith("..."):
            place = _place(function, part[3:].strip()) if function else None
            if place is None:
                return  # who knows what that holds
            spread.append(place)
            continue
        match = _KEY.match(part)
        if match is None and part:
            return
        if match:
            key = match[1] or match[2] or match[3]
            held[key] = (match[4] or match[1] or "").strip()
    handed = {
        key: place
        for key, text in held.items()
        if function and (place := _place(function, text)) is not None
    }
    frame, own = (code, span[0]), frozenset(held)
    if function is None or not (spread or handed):
        yield Sent(code, index, held, frame, own)
        return
    known = [*calls(code, function, every)]
    if not known and not spread:
        yield Sent(code, index, held, frame, own)
    for other, begin, given in known:
        more = {k: other.text(given[p]) for k, p in handed.items() if p < len(given)}
        some = [Sent(other, begin, held | more, frame, own)]
        for place in spread:
            if place >= len(given):  # nothing is added
                continue
            added = [*_behind(other, given[place], begin, every, depth + 1)]
            some = [
                Sent(two.code, two.index, one.held | two.held, frame, own)
                for one in some
                for two in added
            ]
        yield from some


def _place(function: Func, name: str) -> int | None:
    """Which of its parameters a name is; those that are taken apart are none."""
    for place, given in enumerate(function.given):
        plain = not given.lstrip().startswith(("{", "[", "..."))
        if plain and names([given]) == [name]:
            return place
    return None


def _taken(code: Code, function: Func | None, name: str) -> tuple[Func, int] | None:
    """The function around a place of which a name is a parameter, and which one."""
    while function is not None:
        place = _place(function, name)
        if place is not None:
            return function, place
        body = code.bare[slice(*function.body)]
        if re.search(rf"\b(?:const|let|var)\s+{re.escape(name)}\b", body):
            return None  # its own
        function = code.around(function.start)
    return None


def calls(
    code: Code, function: Func, every: list[Code]
) -> Iterator[tuple[Code, int, list[Span]]]:
    """Where a function is called, and what it is given; where that is certain."""
    if not function.name:
        return
    kind, maker = code.owner(function), _maker(code, function)
    kinds = below(kind, [one.bare for one in every], {function.name})
    word = rf"(?<![\w$.])(?:([\w$.]+)\s*\??\.\s*)?{re.escape(function.name)}\s*\("
    for other in every:
        for match in re.finditer(word, other.bare):
            of, begin = match[1] or "", match.start()
            if any(f.start <= begin < f.body[0] and f.name == function.name
                   for f in other.functions):  # fmt: skip
                continue
            around = other.around(begin)
            if kind and of == "this":
                mine = around is not None and other.owner(around) in kinds
            elif of:
                by = rf"new\s+{any_of(kinds)}" if kind else re.escape(maker)
                made = rf"(?<![\w$.]){re.escape(of)}\s*=\s*(?:await\s+)?{by}(?![\w$])"
                mine = bool(kind or maker) and any(
                    re.search(made, one.bare)
                    for one in (other, *every)
                    if one is other or re.search(rf"\bexport\b[^;]*\b{of}\b", one.bare)
                )
            else:
                mine = not kind and (other is code or _is_one(function, every))
            if mine:
                yield other, begin, other.arguments(match.end() - 1)


def _maker(code: Code, function: Func) -> str:
    """The function that gives back an object with a method in it."""
    around = code.around(function.start)
    return around.name if around is not None else ""


def _is_one(function: Func, every: list[Code]) -> bool:
    return sum(f.name == function.name for one in every for f in one.functions) == 1

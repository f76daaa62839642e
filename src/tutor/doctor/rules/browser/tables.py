"""Handlers in a table, by kind of message: written out there, or given by a caller."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import meant, parameter, property_of
from tutor.doctor.rules.browser.javascript import Code, Func

Place = tuple[Code, int]
DEEP = 5  # names that stand for one another
_WRAPS = re.compile(
    r"(?:(?:Object\s*\.\s*(?:freeze|seal|entries)|new\s+Map)\s*\(|\()\s*"
)
_NAME = re.compile(r"[A-Za-z_$][\w$.]*")
_ENTRY = re.compile(
    r"\s*(?:async\s+)?(?:['\"`]([^'\"`]+)['\"`]|([\w$]+))\s*(?::|\(|$)", re.S
)
_WORD = re.compile(r"(['\"`])([\w.:-]+)\1")
# table[kind] = f, (table[kind] ??= []).push(f), table.set(kind, f)
_PUT = (
    r"\s*(?:\[\s*([\w$]+)\s*\]\s*(?:\?\?|\|\|)?=(?!=)|"
    r"\.\s*set\s*\(\s*([\w$]+)\s*,)"
)
# What a table is asked for: handlers[kind], handlers.get(kind).
ASKED = r"\s*(?:\?\.)?\s*(?:\[%s\]|\.\s*get\s*\(%s\))"
_ANY = ASKED % (r"[^\[\]]*", r"[^()]*")


def entries(
    code: Code, name: str, index: int, every: list[Code]
) -> Iterator[tuple[str, Code, int]]:
    """The kinds in a table, and where each is written.

    Args:
        code: the script that asks the table.
        name: what the table is called there.
        index: where.
        every: the code of the pages' scripts.
    """
    done: set[tuple[str, int]] = set()
    for other, brace in _named(code, name, index, every, 0):
        if (other.script.file, brace) in done:
            continue
        done.add((other.script.file, brace))
        is_list = other.bare[brace] == "["
        for begin, end in other.arguments(brace):
            if is_list:  # [["queen", show], …], as a Map is given it
                start = _start(other, begin)
                pair = other.arguments(start) if other.bare[start] == "[" else []
                begin, end = pair[0] if len(pair) > 1 else (end, end)
            match = _ENTRY.match(other.script.text[begin:end])
            if match:
                group = 1 if match[1] else 2
                yield match[group], other, begin + match.start(group)


def registered(table: str, every: list[Code]) -> Iterator[tuple[str, Code, int]]:
    """The kinds that ``on("kind", f)`` puts into a table, and where each is written."""
    for code in every:
        for match in re.finditer(rf"(?<![\w$.]){re.escape(table)}{_PUT}", code.bare):
            maker, word = code.around(match.start()), match[1] or match[2]
            if maker is not None and word in maker.given:
                yield from told_to(maker, maker.given.index(word), every)


def told_to(
    maker: Func, position: int, every: list[Code]
) -> Iterator[tuple[str, Code, int]]:
    """The words that a method is given in one place, and where each is written."""
    for code in every if maker.name else ():
        for match in re.finditer(rf"\.\s*{re.escape(maker.name)}\s*\(", code.bare):
            spans = code.arguments(match.end() - 1)
            if len(spans) > position and len(spans) == len(maker.given):
                begin = _start(code, spans[position][0])
                word = _WORD.match(code.script.text, begin)
                if word:
                    yield word[2], code, begin


def heard(
    code: Code, index: int, value: str, every: list[Code]
) -> Iterator[tuple[Code, Func]]:
    """The functions behind the word of a kind: ``"kind": f``, ``kind() {}``, ``kind``.

    Args:
        code: where the word stands.
        index: the place of it, or of the quote before it.
        value: the word.
        every: the code of the pages' scripts.
    """
    shorthand = code.at(index)
    if shorthand is not None and shorthand.name == value:
        yield code, shorthand
        return
    word = rf"(['\"`]?){re.escape(value)}(['\"`]?)\s*([:,]?)\s*"
    match = re.compile(word).match(code.script.text, index)
    if match is None:
        return
    name = value
    if match[2] or match[3] == ":":
        one = code.at(match.end())
        if one is not None:
            yield code, one
            return
        given = re.compile(r"([\w$.]+)\s*[,;)}\]\n]").match(code.bare, match.end())
        name = given[1] if given and match[3] else ""
    if name:  # else each function without a name would be meant
        yield from meant(code, name, every)


def run(
    code: Code, function: Func, word: str, every: list[Code]
) -> Iterator[tuple[Code, Func]]:
    """The functions of tables that a function calls with a message.

    Args:
        code: the script.
        function: who calls them.
        word: what stands for the message there, as a pattern.
        every: the code of the pages' scripts.
    """
    begin, end = function.body
    body, given = code.bare[begin:end], rf"\s*(?:\?\.)?\s*\(\s*{word}\s*[,)]"
    found = [(m[1], m.start()) for m in re.finditer(rf"([\w$.]+){_ANY}{given}", body)]
    # const hear = handlers[kind], for (const hear of handlers[kind] ?? [])
    named = rf"([\w$]+)\s*(?:=|\bof\b)\s*\(?\s*([\w$.]+){_ANY}"
    # handlers[kind]?.forEach((hear) => hear(message))
    each = rf"([\w$.]+){_ANY}\s*\??\.\s*forEach\s*\(\s*\(?\s*([\w$]+)\s*\)?\s*=>"
    for pattern, one, table in ((named, 1, 2), (each, 2, 1)):
        for match in re.finditer(pattern, body):
            if re.search(rf"(?<![\w$.]){re.escape(match[one])}{given}", body):
                found.append((match[table], match.start(table)))
    for name, at in found:
        own = entries(code, name, begin + at, every)
        for kind, other, index in (*own, *registered(name, every)):
            yield from heard(other, index, kind, every)


def _start(code: Code, begin: int) -> int:
    space = re.compile(r"\s*").match(code.bare, begin)
    return space.end() if space else begin


def _objects(code: Code, begin: int, every: list[Code], depth: int) -> Iterator[Place]:
    """Where the objects are written out that an expression stands for."""
    begin = _start(code, begin)
    while code.at(begin) is None and (wrap := _WRAPS.match(code.bare, begin)):
        begin = wrap.end()
    if code.bare[begin : begin + 1] in ("{", "["):
        yield code, begin
        for inner, _ in code.arguments(begin):
            start = _start(code, inner)
            if code.bare.startswith("...", start):
                yield from _objects(code, start + 3, every, depth + 1)
        return
    name = _NAME.match(code.bare, begin)
    called = name and re.compile(r"\s*\(").match(code.bare, name.end())
    if name and not called:
        yield from _named(code, name[0], begin, every, depth + 1)


def _named(
    code: Code, name: str, index: int, every: list[Code], depth: int
) -> Iterator[Place]:
    """Where the objects are written out that a name stands for at a place."""
    if depth > DEEP:
        return
    for outer in code.functions:
        if outer.body[0] <= index < outer.body[1] and (taken := parameter(outer, name)):
            yield from _given(code, outer, *taken, every, depth)
            return
    owner, _, own = name.rpartition(".")
    if owner and owner != "this":  # this.options.handlers
        for other, brace in _named(code, owner, index, every, depth + 1):
            yield from _property(other, brace, own, every, depth)
    word = rf"(?<![\w$.]){re.escape(own)}\s*(?:\?\?|\|\|)?=(?![=>])"
    outside = rf"(?<![\w$.])[\w$]+\.{re.escape(own)}\s*(?:\?\?|\|\|)?=(?![=>])"
    for other in every if not owner or owner == "this" else ():
        for match in re.finditer(outside, other.bare) if owner else ():
            yield from _objects(other, match.end(), every, depth + 1)
        for match in re.finditer(word, other.bare):
            at = match.start()
            is_field = other.around(at) is None and any(
                begin < at < end for _, (begin, end) in other.classes
            )
            seen = other is code or (not owner and "export" in other.bare)
            if seen and is_field == bool(owner):
                yield from _objects(other, match.end(), every, depth + 1)


def _property(
    code: Code, brace: int, key: str, every: list[Code], depth: int
) -> Iterator[Place]:
    """Where the objects are written out that stand under a key of another."""
    begin = property_of(code, (brace, code.pairs.get(brace, brace) + 1), key)
    if begin is not None:
        yield from _objects(code, begin, every, depth + 1)


def _given(
    code: Code, outer: Func, position: int, key: str, every: list[Code], depth: int
) -> Iterator[Place]:
    """Where the objects are written out that callers give a function."""
    name = code.owner(outer) if outer.name == "constructor" else outer.name
    word = rf"(?<![\w$.])(?:[\w$.]+\.)?{re.escape(name)}\s*\("
    for other in every if name else ():
        for match in re.finditer(word, other.bare):
            spans = other.arguments(match.end() - 1)
            made = any(
                one.name == name and one.start <= match.start() < one.body[0]
                for one in other.functions
            )
            if made or len(spans) <= position:
                continue
            for where, brace in _objects(other, spans[position][0], every, depth + 1):
                if key:
                    yield from _property(where, brace, key, every, depth + 1)
                else:
                    yield where, brace

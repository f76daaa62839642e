"""The code of a script: its functions, what they are given, and its sockets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import socketurls
from tutor.doctor.rules.browser.blanked import bare, spoken
from tutor.doctor.rules.browser.scripts import Script, Spot

Span = tuple[int, int]

BIG = 200_000  # characters; what is longer is nobody's own script
_WORDS = {
    *("if", "for", "while", "switch", "catch", "with", "return", "function"),
    *("await", "typeof", "new", "do", "else", "super", "of", "in", "delete", "void"),
}
_FUNCTION = re.compile(r"(?:\basync\s+)?\bfunction\b\s*\*?\s*([\w$]*)\s*\(")
_ARROW = re.compile(r"(?:(?<![\w$.])([\w$]+)|\))\s*=>")
_METHOD = re.compile(r"(?<![\w$.])([\w$#]+)\s*\(")
_NAMED = re.compile(r"([\w$]+)\s*[:=]\s*$")
_CLASS = re.compile(r"\bclass\s+([\w$]+)[^{;]*\{")
_MADE = re.compile(r"(?<![\w$.])([\w$.]+)\s*=\s*new\s+WebSocket\s*\(")
_GIVES = re.compile(r"\breturn\s+new\s+WebSocket\s*\(")
_GOES_ON = re.compile(r"\s*(?:[.?:+*/%&|<>=,-]|\))")
NAME = re.compile(r"(?<![\w$.])[A-Za-z_$][\w$]*")


@dataclass(frozen=True)
class Func:
    """A function, whatever its form.

    Args:
        name: what it is called by; empty for one that has no name.
        start: where it begins.
        given: its parameters as they are written.
        body: where its statements stand, or its one expression.
        is_block: whether it has statements.
    """

    name: str
    start: int
    given: tuple[str, ...]
    body: Span
    is_block: bool

    def names(self, position: int) -> set[str]:
        """The names that a parameter binds."""
        text = self.given[position] if position < len(self.given) else ""
        text = re.sub(r"[\w$]+\s*:|=[^,}\]]*|\.\.\.", " ", text)
        return set(NAME.findall(text))


@dataclass(frozen=True)
class Code:
    """A script, and its code without all that stands in quotes."""

    script: Script
    bare: str

    def spot(self, index: int) -> Spot:
        return self.script.spot(index)

    @cached_property
    def spoken(self) -> str:
        """The code as it is written; of a page, what stands in its scripts."""
        text = self.script.text
        return text if self.script.is_static else "".join(spoken(text))

    @cached_property
    def pairs(self) -> dict[int, int]:
        """Where each bracket closes, and where each closing one was opened."""
        found: dict[int, int] = {}
        stack: list[int] = []
        for match in re.finditer(r"[()\[\]{}]", self.bare):
            if match[0] in "([{":
                stack.append(match.start())
            elif stack:
                found[match.start()] = stack[-1]
                found[stack.pop()] = match.start()
        return found

    @cached_property
    def functions(self) -> list[Func]:
        """Every function that is written out."""
        return [*self._functions(), *self._arrows(), *self._methods()]

    @cached_property
    def classes(self) -> list[tuple[str, Span]]:
        """The classes by their names, and where they stand."""
        return [
            (match[1], (match.start(), self.pairs.get(match.end() - 1, 0)))
            for match in _CLASS.finditer(self.bare)
        ]

    @cached_property
    def sockets(self) -> dict[str, list[Span]]:
        """What the sockets of this script are called: ``ws``, ``this.socket``.

        For each: where a ``new`` makes it, and where the call ends that gives it.
        """
        found: dict[str, list[Span]] = {}
        for match in _MADE.finditer(self.bare):
            new = match.start() + match[0].index("new", len(match[1]))
            end = self.pairs.get(match.end() - 1, match.end())
            found.setdefault(match[1], []).append((new, end))
        for match in _GIVES.finditer(self.bare):
            maker = self.around(match.start())
            if maker is None or not maker.name:
                continue
            new = match.start() + match[0].index("new")
            word = rf"(?<![\w$.])([\w$.]+)\s*=\s*{re.escape(maker.name)}\s*\("
            for call in re.finditer(word, self.bare):
                end = self.pairs.get(call.end() - 1, call.end())
                found.setdefault(call[1], []).append((new, end))
        for name, spans in [*found.items()]:
            for other, span in self._kept(name, spans):
                if span not in found.setdefault(other, []):
                    found[other].append(span)
        return found

    def _kept(self, name: str, spans: list[Span]) -> Iterator[tuple[str, Span]]:
        """``const ws = new WebSocket(…); … this.socket = ws``: its other names."""
        word = rf"(\b(?:const|let|var)\s+)?(?<![\w$.])([\w$.]+)\s*=\s*{re.escape(name)}"
        for new, end in spans if "." not in name else ():
            maker = self.around(new)
            limits = maker.body if maker is not None else (0, len(self.bare))
            for match in re.compile(rf"{word}\s*[;\n,}}]").finditer(self.bare, *limits):
                if not match[1] and match[2] != name:
                    yield match[2], (new, end)

    def around(self, index: int) -> Func | None:
        """The innermost function around a place."""
        fits = [f for f in self.functions if f.body[0] <= index < f.body[1]]
        return min(fits, key=lambda f: f.body[1] - f.body[0], default=None)

    def owner(self, function: Func) -> str:
        """The class that a method stands in."""
        return next(
            (
                name
                for name, (begin, end) in self.classes
                if begin < function.start < end
            ),
            "",
        )

    def at(self, index: int) -> Func | None:
        """The function that begins at a place."""
        index += len(self.bare[index:]) - len(self.bare[index:].lstrip())
        return next((f for f in self.functions if f.start == index), None)

    def arguments(self, bracket: int) -> list[Span]:
        """The arguments of a call whose bracket opens at a place."""
        end = self.pairs.get(bracket)
        if end is None or not self.bare[bracket + 1 : end].strip():
            return []
        found, begin, index = [], bracket + 1, bracket + 1
        while index < end:
            if self.bare[index] in "([{":
                index = self.pairs.get(index, index)
            elif self.bare[index] == ",":
                found.append((begin, index))
                begin = index + 1
            index += 1
        return [*found, (begin, end)]

    def expression(self, begin: int) -> Span:
        """From a place to the end of the expression that begins there."""
        index, size = begin, len(self.bare)
        while index < size:
            char = self.bare[index]
            if char in "([{":
                index = self.pairs.get(index, index)
            elif char in ";,)]}" or (char == "\n" and self._ends(begin, index)):
                break
            index += 1
        return begin, index

    def _ends(self, begin: int, index: int) -> bool:
        """Whether a line's end ends an expression, too."""
        before = self.bare[begin:index].rstrip()
        return (
            bool(before)
            and not _GOES_ON.match(self.bare, index)
            and before[-1] not in "=+-*/%&|?:(,<>."
        )

    def text(self, span: Span) -> str:
        """A piece as it is written."""
        return self.script.text[span[0] : span[1]].strip()

    def plain(self, span: Span) -> str:
        """A piece without what stands in quotes."""
        return self.bare[span[0] : span[1]].strip()

    def _functions(self) -> Iterator[Func]:
        for match in _FUNCTION.finditer(self.bare):
            bracket = match.end() - 1
            name = match[1] or self._named(match.start())
            yield from self._made(name, match.start(), bracket)

    def _methods(self) -> Iterator[Func]:
        for match in _METHOD.finditer(self.bare):
            before = self.bare[: match.start()].rstrip()[-12:]
            if match[1] in _WORDS or re.search(r"\b(function|new)\s*\*?$", before):
                continue
            yield from self._made(match[1], match.start(), match.end() - 1)

    def _made(self, name: str, start: int, bracket: int) -> Iterator[Func]:
        """A function with a list of parameters, and statements in braces behind."""
        close = self.pairs.get(bracket)
        if close is None:
            return
        brace = re.compile(r"\s*\{").match(self.bare, close + 1)
        if brace and brace.end() - 1 in self.pairs:
            body = brace.end(), self.pairs[brace.end() - 1]
            yield Func(name, start, self._given(bracket), body, True)

    def _arrows(self) -> Iterator[Func]:
        given: tuple[str, ...]
        for match in _ARROW.finditer(self.bare):
            start, given = match.start(), (str(match[1]),)
            if not match[1]:
                start = self.pairs.get(start, start)
                given = self._given(start)
            is_async = re.search(r"\basync\s*$", self.bare[max(0, start - 20) : start])
            if is_async:
                start -= len(is_async[0])
            name = self._named(start)
            rest = re.compile(r"\s*(\{?)").match(self.bare, match.end())
            assert rest is not None
            if rest[1]:
                body = rest.end(), self.pairs.get(rest.end() - 1, len(self.bare))
            else:
                body = self.expression(rest.end())
            yield Func(name, start, given, body, bool(rest[1]))

    def _given(self, bracket: int) -> tuple[str, ...]:
        return tuple(self.plain(span) for span in self.arguments(bracket))

    def _named(self, start: int) -> str:
        """The name or property that a function is given to."""
        found = _NAMED.search(self.bare[max(0, start - 80) : start])
        return found[1] if found else ""


def of_pages(seen: Evidence) -> Iterator[Code]:
    """The code of every script of a project's pages."""
    yield from codes(seen.once(socketurls.linked))


def codes(texts: Iterable[Script]) -> list[Code]:
    """The code of every script; of a page, what stands in its scripts."""
    found = []
    for script in texts:
        if len(script.text) > BIG:
            continue
        text = script.text
        if not script.is_static:
            text = "".join(spoken(text))
        found.append(Code(script, bare(text)))
    return found

"""Who hears what comes through a script's socket, and who sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tutor.doctor.rules.browser.javascript import Code, Func, Span

RANK = 68  # of what a script does with its socket


@dataclass(frozen=True)
class Handler:
    """A function that is called with each message of a socket."""

    code: Code
    socket: str
    function: Func
    is_text: bool = False  # it is given the text, and no event

    @property
    def event(self) -> str:
        """What it calls the event; empty where it takes it apart."""
        first = self.function.given[0] if self.function.given else ""
        return first if re.fullmatch(r"[\w$]+", first) else ""

    @property
    def data(self) -> str:
        """What stands for the message's text in it, as a pattern."""
        first = self.function.given[0] if self.function.given else ""
        if self.is_text:
            return rf"(?<![\w$.]){re.escape(first)}"
        if self.event:
            taken = rf"{re.escape(self.event)}\s*\.\s*data"
            kept = re.search(rf"([\w$]+)\s*=\s*{taken}\s*[;,\n]", self._body)
            apart = re.search(
                r"\{[^{}]*\bdata\b(?:\s*:\s*([\w$]+))?[^{}]*\}\s*=\s*"
                rf"{re.escape(self.event)}\s*[;,\n]",
                self._body,
            )
            names = [kept[1]] if kept else []
            names += [apart[1] or "data"] if apart else []
            return rf"(?:{'|'.join([taken, *map(re.escape, names)])})"
        named = re.search(r"\bdata\b(?:\s*:\s*([\w$]+))?", first)
        return re.escape(named[1] or "data") if named else r"(?!)"

    @property
    def _body(self) -> str:
        return self.code.plain(self.function.body)


def handlers(code: Code, every: list[Code]) -> Iterator[Handler]:
    """The functions that hear the messages of a script's sockets."""
    for name in code.sockets:
        for kind, begin in listened(code, name):
            if kind != "message":
                continue
            one = code.at(begin)
            if one is not None:
                own = Handler(code, name, one)
                yield own
                yield from _handed_on(own, every)
                continue
            called = re.match(r"[\w$.]+", code.bare[begin:].lstrip())
            word = (called[0] if called else "").removesuffix(".bind")
            for other, function in meant(code, word, every):
                yield Handler(other, name, function)


def _handed_on(handler: Handler, every: list[Code]) -> Iterator[Handler]:
    """``onmessage = (event) => this.receive(event)``: who hears it then."""
    code, function = handler.code, handler.function
    passed = rf"([\w$.#]+)\s*\(\s*{re.escape(handler.event)}\s*\)"
    for match in re.finditer(
        passed, code.plain(function.body) if handler.event else ""
    ):
        for other, one in called(code, function, match[1], every):
            if match[1] != "JSON.parse" and one is not function:
                yield Handler(other, handler.socket, one)


def listened(code: Code, name: str) -> Iterator[tuple[str, int]]:
    """What a socket is given for each kind of event: its kind, where it begins."""
    word = rf"(?<![\w$.]){re.escape(name)}\s*\.\s*"
    for match in re.finditer(
        rf"{word}on(open|message|close|error)\s*=(?!=)\s*", code.bare
    ):
        yield match[1], match.end()
    for match in re.finditer(rf"{word}addEventListener\s*\(", code.bare):
        given = code.arguments(match.end() - 1)
        if len(given) > 1:
            begin = given[1][0]
            space = re.compile(r"\s*").match(code.bare, begin)
            yield code.text(given[0]).strip("'\"`"), space.end() if space else begin


def functions(name: str, every: list[Code]) -> Iterator[tuple[Code, Func]]:
    for code in every:
        for function in code.functions:
            if name and function.name == name:
                yield code, function


def meant(code: Code, name: str, every: list[Code]) -> Iterator[tuple[Code, Func]]:
    """The functions that a name may mean in a script: its own before all others."""
    own = [one for one in code.functions if one.name == name and _is_said(code, one)]
    if own:
        yield from ((code, one) for one in own)
    else:
        yield from functions(name.rpartition(".")[2], every)


def _is_said(code: Code, function: Func) -> bool:
    """Whether a function has its name by itself, and is no method."""
    before = code.bare[max(0, function.start - 40) : function.start]
    declared = re.compile(r"(?:async\s+)?function\b").match(code.bare, function.start)
    return bool(declared or re.search(r"\b(?:const|let|var)\s+[\w$]+\s*=\s*$", before))


def block_end(code: Code, index: int) -> int:
    """Where the innermost braces around a place close."""
    around = [
        close
        for begin, close in code.pairs.items()
        if code.bare[begin] == "{" and begin < index < close
    ]
    return min(around, default=len(code.bare))


def sends(code: Code, name: str, function: Func, unless: re.Pattern[str]) -> int | None:
    """Where a function itself sends, with nothing of that kind before."""
    begin, end = function.body
    names = "|".join(map(re.escape, aliases(code.bare[begin:end], name)))
    word = rf"(?<![\w$.])(?:{names})\s*\.\s*send\s*\("
    for match in re.finditer(word, code.bare[begin:end]):
        before = code.bare[begin : begin + match.start()]
        if code.around(begin + match.start()) == function and not unless.search(before):
            return begin + match.start()
    return None


def aliases(body: str, name: str) -> list[str]:
    """What a socket is called in a function: ``const { socket } = this``, too."""
    found, (owner, _, own) = [name], name.rpartition(".")
    if owner:
        apart = rf"\{{([^{{}}]*)\}}\s*=\s*{re.escape(owner)}\b(?!\s*\.)"
        for match in re.finditer(apart, body):
            taken = re.search(rf"\b{re.escape(own)}\b(?:\s*:\s*([\w$]+))?", match[1])
            found += [taken[1] or own] if taken else []
    kept = rf"([\w$]+)\s*=\s*{re.escape(name)}\s*[;\n]"
    return [*found, *re.findall(kept, body)]


def kept(code: Code, span: Span) -> str:
    """An argument, or what the function around has given to its name, if once only."""
    text, around = code.plain(span), code.around(span[0])
    if not re.fullmatch(r"[A-Za-z_$][\w$]*", text):
        return text
    limits = around.body if around is not None else (0, len(code.bare))
    word = re.compile(rf"(?<![\w$.]){re.escape(text)}\s*=(?![=>])\s*")
    made = [*word.finditer(code.bare, *limits)]
    return code.plain(code.expression(made[0].end())) if len(made) == 1 else text


def called(
    code: Code, function: Func, name: str, every: list[Code]
) -> Iterator[tuple[Code, Func]]:
    """The functions that a call may run: by their name, or as a caller gives them."""
    for outer in code.functions:
        inside = outer.body[0] <= function.start < outer.body[1] or outer is function
        if inside and (taken := parameter(outer, name)):
            yield from _given(outer, *taken, every)
            return
    own = re.fullmatch(r"this\.([\w$]+)", name)
    for outer in code.functions if own else ():
        # constructor(path, heard) { this.heard = heard }
        kept = rf"{re.escape(name)}\s*=\s*([\w$.]+)\s*[;,\n}}]"
        for match in re.finditer(kept, code.bare[slice(*outer.body)]):
            taken = parameter(outer, match[1])
            if taken and code.owner(outer) == code.owner(function):
                yield from _given(outer, *taken, every, code)
                return
    yield from meant(code, name, every)


def parameter(outer: Func, name: str) -> tuple[int, str] | None:
    """The parameter that a name stands for, and the property of it if it has one.

    ``{ heard: show }`` and ``options.heard`` take a property of what is given.
    """
    if name in outer.given:
        return outer.given.index(name), ""
    held, _, key = name.partition(".")
    if key and held in outer.given and "." not in key:
        return outer.given.index(held), key
    for position, text in enumerate(outer.given):
        if text.startswith("{") and name in outer.names(position):
            alias = re.search(rf"([\w$]+)\s*:\s*{re.escape(name)}\b", text)
            return position, alias[1] if alias else name
    return None


def property_of(code: Code, span: Span, key: str) -> int | None:
    """Where the value of a property begins, in an object that is written out."""
    brace = (
        span[0] + len(code.bare[slice(*span)]) - len(code.bare[slice(*span)].lstrip())
    )
    if code.bare[brace : brace + 1] != "{":
        return None
    for begin, end in code.arguments(brace):
        text = code.script.text[begin:end]
        named = re.match(rf"\s*(['\"]?){re.escape(key)}\1\s*:\s*", text)
        plain = re.match(rf"\s*(?:async\s+)?(?={re.escape(key)}\s*(?:\(|$))", text)
        found = named or plain
        if found:
            return begin + found.end()
    return None


def _given(
    outer: Func,
    position: int,
    key: str,
    every: list[Code],
    made: Code | None = None,
) -> Iterator[tuple[Code, Func]]:
    """What the callers of a function give it in one place, or under a key there."""
    is_new = made is not None and outer.name == "constructor"
    name = made.owner(outer) if made is not None and is_new else outer.name
    word = rf"(?<![\w$.])(?:new\s+|[\w$.]+\.)?{re.escape(name)}\s*\("
    for code in every if outer.name else ():
        for match in re.finditer(word, code.bare):
            spans = code.arguments(match.end() - 1)
            if len(spans) <= position:
                continue
            begin = (
                property_of(code, spans[position], key) if key else spans[position][0]
            )
            one = code.at(begin) if begin is not None else None
            if one is not None:
                yield code, one
            elif begin is not None:
                given = code.plain(spans[position])
                if key:
                    named = re.match(r"[\w$.]*", code.bare[begin:])
                    given = named[0] if named else ""
                yield from functions(given, every)

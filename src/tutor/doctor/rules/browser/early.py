"""A message on the way before the socket is open."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK, block_end, sends
from tutor.doctor.rules.browser.heirs import any_of, below
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

# After these comes something else, or the same later.
_WAITS = re.compile(r"\b(?:await|return|break|continue|throw|readyState)\b")
_CHAINED = re.compile(r"\s*\.\s*([\w$]+)\s*\(")
_ASKS = re.compile(r"\b(?:if|await|return|readyState)\b|&&|\|\||\?")


def early(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
    """A message on the way before the socket is open."""
    for function, begin in _begun(code, name):
        for index in at_once(code, function, begin, rf"{re.escape(name)}\.send\s*\("):
            yield _too_early(code, index)
        own = r"(?:this\.)?([\w$]+)\s*\("
        for index in at_once(code, function, begin, own):
            called = re.compile(own).match(code.bare, index)
            if any(
                other is not function
                and called is not None
                and other.name == called[1]
                and sends(code, name, other, _ASKS) is not None
                for other in code.functions
            ):
                yield _too_early(code, index)
    yield from _early_elsewhere(code, name, every)


def _early_elsewhere(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
    """``const live = new Live(…); live.send(…)``, where the class opens a socket."""
    openers: dict[str, set[str]] = {}
    for f in (f for f, _ in _begun(code, name) if f):
        named = openers.setdefault(code.owner(f), set())
        named |= set() if f.name in _NEW else {f.name}
    makers = {code.owner(f) for f, _ in _begun(code, name) if f and f.name in _NEW}
    for kind in sorted({*openers, *makers} - {""}):
        methods = [
            one.name
            for one in code.functions
            if code.owner(one) == kind and sends(code, name, one, _ASKS) is not None
        ]
        if name.startswith("this."):  # and the socket itself, from outside
            methods.append(f"{name.removeprefix('this.')}.send")
        own = {*methods, *openers[kind]}
        heirs = any_of(below(kind, [one.bare for one in every], own))
        made = re.compile(rf"([\w$.]+)\s*=\s*new\s+{heirs}\s*\(")
        for other in every if methods else ():
            for match in made.finditer(other.bare):
                at_new = kind in makers
                end = other.pairs.get(match.end() - 1, match.end())
                calls_ = "|".join(map(re.escape, methods))
                pattern = rf"{re.escape(match[1])}\.(?:{calls_})\s*\("
                inside = other.around(match.start())
                # const live = new Live(…).open()
                chained = _CHAINED.match(other.bare, end + 1)
                if chained and chained[1] in openers[kind]:
                    at_new, end = True, other.pairs.get(chained.end() - 1, end)
                for index in at_once(other, inside, end, pattern) if at_new else ():
                    yield _too_early(other, index)
                # const live = new Live(…); live.open(); live.ask(…)
                opens = "|".join(map(re.escape, openers[kind])) or r"(?!)"
                word = rf"(?<![\w$.]){re.escape(match[1])}\.(?:{opens})\s*\("
                for opened in re.finditer(word, other.bare):
                    inside = other.around(opened.start())
                    close = other.pairs.get(opened.end() - 1, opened.end())
                    for index in at_once(other, inside, close, pattern):
                        yield _too_early(other, index)


_NEW = ("constructor",)


def _too_early(code: Code, index: int) -> Found:
    return Found(
        "client-send-before-open",
        "Failed to execute 'send' on 'WebSocket': Still in CONNECTING state.",
        code.spot(index),
        RANK,
        TRIED,
        "the first message is sent in onopen",
    )


def _begun(code: Code, name: str) -> Iterator[tuple[Func | None, int]]:
    """Where a socket has been opened a moment ago, there or by a function called."""
    for _, made in code.sockets[name]:
        function = code.around(made)
        yield function, made
        if function is None or not function.name:
            continue
        word = rf"(?<![\w$.])(?:this\.)?{re.escape(function.name)}\s*\("
        for match in re.finditer(word, code.bare):
            end = code.pairs.get(match.end() - 1)
            inside = code.around(match.start())
            if end is not None and inside is not function:
                yield inside, end


def at_once(
    code: Code, function: Func | None, begin: int, pattern: str
) -> Iterator[int]:
    """Where something is done in the same breath, and whatever happens."""
    end = block_end(code, begin)
    for waits in _WAITS.finditer(code.bare, begin, end):
        if code.around(waits.start()) == function:  # and no function on the way
            end = waits.start()
            break
    for match in re.finditer(rf"(?<![\w$.]){pattern}", code.bare[begin:end]):
        index = begin + match.start()
        if (
            code.around(index) == function
            and not re.search(r"\bfunction\s*\*?\s*$", code.bare[:index][-20:])
            and not any(one.start == index for one in code.functions)
        ):
            yield index

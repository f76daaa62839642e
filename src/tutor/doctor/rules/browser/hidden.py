"""A name that is declared again where the outer one was meant, and a const set anew."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.belonging import SLUG, _scope
from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

_EMPTY = re.compile(
    r"(?<![\w$.])(?:let|var)\s+([A-Za-z_$][\w$]*)"
    r"\s*(?:=\s*(?:null|undefined)\s*)?(?=[;\n])"
)
_CONST = re.compile(r"(?<![\w$.])const\s+([A-Za-z_$][\w$]*)\s*=(?![=>])")


def rules(every: list[Code]) -> Iterator[Found]:
    for code in every:
        if not code.script.is_built:
            yield from _hidden(code, every)
            yield from _constant(code)


def _hidden(code: Code, every: list[Code]) -> Iterator[Found]:
    """``let ws;`` and ``const ws = new WebSocket(…)`` in a function below it."""
    for outer in _EMPTY.finditer(code.bare):
        name = outer[1]
        word = rf"(?<![\w$.]){re.escape(name)}(?![\w$])"
        made = re.compile(
            rf"(?<![\w$.])(?:const|let|var)\s+{re.escape(name)}\s*=\s*new\s"
        )
        inner = [*made.finditer(code.bare)]
        if len(inner) != 1 or len(re.findall(rf"(?:let|var)\s+{word}", code.bare)) > 2:
            continue
        span = _scope(code, inner[0].start(), False)
        around = _scope(code, outer.start(), False)
        if span is None or (around and not around[0] < inner[0].start() < around[1]):
            continue
        if span == around:
            continue
        given = rf"{word}\s*(?:\?\?|\|\||&&)?=(?![=>])"
        declared = rf"(?:const|let|var)\s+{word}\s*="
        sets = len(re.findall(given, code.bare)) - len(re.findall(declared, code.bare))
        apart = rf"[\[{{,]\s*{word}[^;{{}}()]*[\]}}]\s*=(?![=>])"
        if sets or re.search(apart, code.bare):
            continue
        if any(re.search(given, one.bare) for one in every if one is not code) or any(
            name in f.names(n) for f in code.functions for n in range(9)
        ):
            continue
        used = [
            match.start()
            for match in re.finditer(rf"{word}\s*(?:\?\.|\.|&&|\))", code.bare)
            if not span[0] <= match.start() < span[1]
        ]
        if used:
            yield Found(
                SLUG,
                f"the {name} of this function is another one: outside it stays empty",
                code.spot(inner[0].start()),
                RANK,
                TRIED,
                f"{name} = new …, without a word before it",
            )
            return


def _constant(code: Code) -> Iterator[Found]:
    """``const numbers = []``, and ``numbers = […]`` later: a const is set once."""
    for match in _CONST.finditer(code.bare):
        name = re.escape(match[1])
        word = rf"(?<![\w$.#]){name}"
        again = rf"\b(?:const|let|var|function|class)\s+{name}(?![\w$])"
        if len(re.findall(again, code.bare)) > 1:
            continue
        if any(match[1] in f.names(n) for f in code.functions for n in range(9)):
            continue
        scope = _scope(code, match.start(), False) or (0, len(code.bare))
        sets = re.compile(
            rf"(?:(?<=[;{{}})\n])|=>)\s*{word}\s*"
            r"(?:(?:\*\*|<<|>>>?|&&|\|\||\?\?|[-+*/%&|^])?=(?![=>{])|\+\+|--)"
        )
        for found in sets.finditer(code.bare, match.end(), scope[1]):
            before = code.bare[: found.end()].rstrip("=+-*/%&|^?<> ")
            if code.script.file.endswith((".jsx", ".tsx", ".vue")):
                break
            index = before.rfind(match[1])
            if code.bare[:index].rstrip()[-1:] not in ";{})>\n" or _in_list(
                code, index
            ):
                continue
            yield Found(
                "client-const-set-again",
                f"TypeError: Assignment to constant variable: {match[1]}",
                code.spot(index),
                RANK,
                TRIED,
                f"let {match[1]}, for it is set again",
                "A const keeps what it is given first; the function ends at this line.",
            )
            return


def _in_list(code: Code, index: int) -> bool:
    """Whether a place is among parameters, or in a pattern, and sets a default."""
    around = [
        begin
        for begin, close in code.pairs.items()
        if begin < index < close and code.bare[begin] in "([{"
    ]
    inner = max(around, default=-1)
    if inner < 0 or code.bare[inner] == "{":
        close = code.pairs.get(inner, 0)
        return inner >= 0 and bool(
            re.match(r"\s*(?:=(?!=)|\)\s*=>)", code.bare[close + 1 :])
        )
    return code.bare[inner] != "{" and not re.search(r"=>\s*$", code.bare[inner:index])

"""The values that a page sends, against the types that a strict model asks for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.models import is_message
from tutor.doctor.rules.browser.javascript import Code, Span
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Class

RANK = 70
_NUMBERS = {"int", "float", "StrictInt", "StrictFloat", "NonNegativeInt", "PositiveInt"}
_PART = re.compile(r"""\s*(?:([\w$]+)|['"]([^'"]*)['"])\s*(?::\s*(.*))?$""", re.S)
# What is a text in JavaScript, whatever stands in it.
_TEXT = re.compile(
    r"(['\"`])(?:(?!\1).)*\1|String\s*\(.*\)|(?:window\.)?prompt\s*\(.*\)|"
    r".*\.\s*(?:toString|toFixed|toISOString|trim)\s*\(.*\)|"
    r"(?:[\w$.]+(?:\([^()]*\))?)\.\s*(?:value|textContent|innerText|"
    r"dataset\.[\w$]+)|"
    r"[\w$.]+\.\s*getAttribute\(.*\)|new\s+FormData\(.*\)\.get\(.*\)",
    re.S,
)


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    """A text for a field that is a number, and is not guessed from one."""
    wanted = _wanted(seen)
    for code in every if wanted else ():
        for match in re.finditer(r"\{", code.bare):
            given = _given(code, code.arguments(match.start()))
            kinds = [
                wanted[one] for one in map(_quoted, given.values()) if one in wanted
            ]
            for key in sorted(kinds[0] & {*given}) if len(kinds) == 1 else ():
                if is_text(code, match.start(), given[key]):
                    yield Found(
                        "client-sends-text-for-number",
                        f"{key} is a text, and the server asks for a number",
                        code.spot(match.start()),
                        RANK,
                        TRIED,
                        f"{key}: Number(…)",
                    )
                    return


def _wanted(seen: Evidence) -> dict[str, set[str]]:
    """The fields that have to be numbers, by the word that a message is known by."""
    found: dict[str, set[str]] = {}
    for one in seen.source.classes.values():
        if not is_message(one):
            continue
        strict = any(_is_strict(base) for base in one.line_of_ancestors)
        words, numbers = set[str](), set[str]()
        for node in one.node.body:
            if not isinstance(node, ast.AnnAssign) or not isinstance(
                node.target, ast.Name
            ):
                continue
            kind = ast.unparse(node.annotation)
            literal = re.fullmatch(r"(?:\w+\.)?Literal\[['\"]([\w.:-]+)['\"]\]", kind)
            if literal:
                words.add(literal[1])
            elif kind in _NUMBERS and (strict or kind.startswith("Strict")):
                numbers.add(node.target.id)
        for word in words:
            found.setdefault(word, set()).update(numbers)
    return {word: numbers for word, numbers in found.items() if numbers}


def _is_strict(one: Class) -> bool:
    """Whether a model takes no text for a number: ``ConfigDict(strict=True)``."""
    told = one.attributes.get("model_config")
    words = getattr(told, "keywords", [])
    pairs = {word.arg: getattr(word.value, "value", None) for word in words}
    for key, value in zip(
        getattr(told, "keys", ()), getattr(told, "values", ()), strict=False
    ):
        pairs[getattr(key, "value", None)] = getattr(value, "value", None)
    return pairs.get("strict") is True


def _quoted(text: str) -> str:
    match = re.fullmatch(r"['\"`]([\w.:-]+)['\"`]", text)
    return match[1] if match else ""


def _given(code: Code, parts: list[Span]) -> dict[str, str]:
    """The keys of an object that is written out, with what stands behind each."""
    found = {}
    for span in parts:
        match = _PART.match(code.text(span))
        if match:
            found[match[1] or match[2]] = (match[3] or match[1] or "").strip()
    return found


def is_text(code: Code, index: int, value: str) -> bool:
    """Whether an expression is a text, there or where its name is given it."""
    if re.fullmatch(r"[A-Za-z_$][\w$]*", value):
        function = code.around(index)
        begin, end = function.body if function else (0, len(code.bare))
        word = rf"(?<![\w$.]){re.escape(value)}\s*=(?!=)\s*"
        made = [
            code.text(code.expression(begin + match.end()))
            for match in re.finditer(word, code.bare[begin:end])
        ]
        return bool(made) and all(_TEXT.fullmatch(one.strip()) for one in made)
    return _TEXT.fullmatch(value) is not None

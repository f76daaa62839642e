"""Scripts that no browser reads to the end: a bracket, a comma, a quote is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

_TAG = re.compile(r"<script\b[^>]*>(.*?)</script\s*>", re.S | re.I)
_CLOSES = {")": "(", "]": "[", "}": "{"}
# Where braces open an object: never behind ) or =>, nor behind the colon of a case.
_LITERAL = re.compile(r"(?:[(,\[?]|(?<![=!<>])=|\breturn|(?<!\bdefault)\s*:)\s*$")
_CASE = re.compile(r"\b(?:case\b[^\n:;{}]*|default\s*):\s*$")
_PAIR = re.compile(r"(?:^|\n)\s*(?:[\w$]+|['\"][^'\"\n]*['\"])\s*:(?!:)")
_QUOTED = re.compile(r"(['\"])[ ]+\1")
_FILLED = re.compile(r"\$\{\s*([A-Za-z_$][\w$]*)")
_NO_VALUE = re.compile(
    r"(?<![\w$.])(?:const|let|var)\s+[A-Za-z_$][\w$]*\s*={2,3}(?!=)|"
    r"(?<![\w$.])const\s+[A-Za-z_$][\w$]*\s*;"
)
_JSX = re.compile(r"(?:\breturn|=>|[(=?:&|])\s*<(?:[A-Za-z][\w.]*[\s/>]|>)")
_WORDS = {"in", "instanceof", "of", "as", "satisfies"}


def rules(every: list[Code]) -> Iterator[Found]:
    for code in every:
        if not code.script.is_built and not _JSX.search(code.bare):
            yield from _unread(code)
            yield from _in_quotes(code)


def _unread(code: Code) -> Iterator[Found]:
    """The first place at which a script can go on in no way."""
    spans = [(0, len(code.bare))]
    if not code.script.is_static:
        spans = [match.span(1) for match in _TAG.finditer(code.script.text)]
    for begin, end in spans:
        text = code.script.text[begin:end]
        if re.search(r"\{%-?\s*(?!url\b|static\b|csrf_token)|\{#", text):
            continue  # what is left of it is not known
        if not code.bare[begin:end].strip():
            continue
        index, got = _odd_bracket(code.bare, begin, end)
        if not got:
            index, got = _no_comma(code, begin, end)
        bad = None if got else _NO_VALUE.search(code.bare, begin, end)
        if bad:
            index, got = bad.start(), "Missing initializer in const declaration"
        if got:
            yield Found(
                None,
                f"SyntaxError: {got}",
                code.spot(index),
                RANK - 2,
                TRIED,
                "a script that the browser can read",
                "Nothing of such a script runs, also what stands above this line.",
            )
            return


def _odd_bracket(bare: str, begin: int, end: int) -> tuple[int, str]:
    stack: list[int] = []
    for match in re.compile(r"[()\[\]{}]").finditer(bare, begin, end):
        if match[0] in "([{":
            stack.append(match.start())
        elif not stack or bare[stack.pop()] != _CLOSES[match[0]]:
            return match.start(), f"Unexpected token '{match[0]}'"
    if stack:
        return stack[-1], f"missing the end of '{bare[stack[-1]]}'"
    return 0, ""


def _no_comma(code: Code, begin: int, end: int) -> tuple[int, str]:
    """``{ show() {…} hide() {…} }``, and ``{ a: 1\\n b: 2 }``."""
    for brace, close in sorted(code.pairs.items()):
        before = code.bare[max(0, brace - 80) : brace]
        if not begin <= brace < close < end or code.bare[brace] != "{":
            continue
        if not _LITERAL.search(before) or _CASE.search(before):
            continue
        if re.match(r"\s*=(?![=>])|\s*\)\s*(?:=>|\{)|\s*of\b", code.bare[close + 1 :]):
            continue  # it takes something apart
        for first, last in code.arguments(brace):
            part = code.bare[first:last]
            index = 0
            while index < len(part):
                at = first + index
                if part[index] in "([{":
                    done = code.pairs.get(at, at)
                    more = re.compile(r"\s*\n\s*([A-Za-z_$][\w$]*)").match(
                        code.bare, done + 1, last
                    )
                    ends = part[index] == "{" and more and more[1] not in _WORDS
                    if (
                        ends
                        and more
                        and re.compile(r"\s*[(:]").match(code.bare, more.end(), last)
                    ):
                        return more.start(1), f"Unexpected identifier '{more[1]}'"
                    index = done - first
                index += 1
            flat = _flat(part)
            if "?" not in flat and "=>" not in flat:
                found = [*_PAIR.finditer(flat)]
                if len(found) > 1:
                    spaces = len(found[1][0]) - len(found[1][0].lstrip())
                    return first + found[1].start() + spaces, "',' expected before it"
    return 0, ""


def _flat(text: str) -> str:
    """A piece without all that stands in its brackets."""
    out, depth = "", 0
    for char in text:
        depth += char in "([{"
        out += " " if depth and char != "\n" else char
        depth -= char in ")]}"
    return out


def _in_quotes(code: Code) -> Iterator[Found]:
    """``'${left},${right}'``: only a text in backticks is filled in."""
    for match in _QUOTED.finditer(code.bare):
        filled = _FILLED.search(code.script.text, match.start(), match.end())
        if filled is None:
            continue
        word = rf"(?<![\w$.]){re.escape(filled[1])}(?![\w$])"
        if re.search(word, code.bare) and not re.search(r"\breplace\b", code.bare):
            yield Found(
                "client-js-variable-inside-string",
                f"the text '${{{filled[1]}…' as it stands here",
                code.spot(match.start()),
                RANK,
                TRIED,
                "backticks around it",
            )
            return

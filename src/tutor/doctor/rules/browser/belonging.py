"""Names that a page's tags ask for, and that no script gives to the window."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.scoping import Scopes, scopes
from tutor.doctor.rules.found import Found

SLUG = "client-name-not-there"
BIG = 40_000  # characters; what is longer is a library
# <button onclick="send()">
_INLINE = re.compile(
    r"""<\w[^<>]*?\s(on[a-z]+)\s*=\s*(["'])\s*(?:return\s+)?([A-Za-z_$][\w$]*)\s*\(""",
    re.I,
)
_MODULE = re.compile(r"""\btype\s*=\s*["']?module\b""", re.I)


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    held = scopes(seen)
    for page in every:
        if len(page.bare) < BIG and not page.script.is_static:
            yield from _inline(page, every, held)


def _inline(page: Code, every: list[Code], held: dict[str, Scopes]) -> Iterator[Found]:
    """``onclick="send()"``, for a function of a module, or inside of another one."""
    for match in _INLINE.finditer(page.script.text):
        name = match[3]
        made = [
            (one, function)
            for one in every
            for function in one.functions
            if function.name == name and not one.owner(function)
        ]
        given = rf"(?:window|globalThis|self|this)\s*\.\s*{name}\b|"
        given += r"Object\.assign\(\s*(?:window|globalThis|self)\b"
        if not made or any(re.search(given, one.bare) for one in every):
            continue
        if any(
            re.search(rf"(?<![\w$.]){name}\s*=(?![=>])", _undeclared(one.bare))
            for one in every
        ):
            continue
        if not any(_is_global(one, name, every, held) for one, _ in made):
            yield _found(
                name,
                page.spot(match.start(3)),
                f"window.{name} = {name}, or addEventListener() in the script",
            )
            return


def _undeclared(bare: str) -> str:
    return re.sub(r"\b(?:const|let|var)\s+[\w$]+\s*=", " ", bare)


def _is_global(
    code: Code, name: str, every: list[Code], held: dict[str, Scopes]
) -> bool:
    """Whether a function is one of the window's: in no other, and in no module."""
    scope = held.get(code.script.file)
    if scope is None:
        return True  # it cannot be read
    if name not in scope.top:
        return False
    if not code.script.is_static:
        lines = code.script.text.split("\n")
        line = scope.script.made[name][0].start_point[0]
        before = "\n".join(lines[: line + 1])
        tag = before[before.lower().rfind("<script") :].partition(">")[0]
        return not _MODULE.search(tag)
    if re.search(r"(?:^|[;\n])[ \t]*(?:import\b(?!\s*[(.])|export\b)", code.bare):
        return False
    last = re.escape(code.script.file.rpartition("/")[2])
    tags = [
        match[0]
        for page in every
        if not page.script.is_static
        for match in re.finditer(r"<script\b[^>]*>", page.script.text, re.I)
        if re.search(rf"(?<![\w.-]){last}", match[0])
    ]
    return not tags or not all(map(_MODULE.search, tags))


def _found(name: str, place: tuple[str, int], expected: str) -> Found:
    got = f"ReferenceError: {name} is not defined"
    return Found(SLUG, got, place, RANK - 1, TRIED, expected)

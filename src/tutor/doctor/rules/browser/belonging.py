"""Names that a script has, and not where it asks for them: "… is not defined"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code, Span
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

SLUG = "client-name-not-there"
BIG = 40_000  # characters; what is longer is a library
_LOCAL = re.compile(
    r"(?<![\w$.])(?P<how>const|let|var)\s+(?P<name>[A-Za-z_$][\w$]*)\s*=(?![=>])"
)
# <button onclick="send()">
_INLINE = re.compile(
    r"""<\w[^<>]*?\s(on[a-z]+)\s*=\s*(["'])\s*(?:return\s+)?([A-Za-z_$][\w$]*)\s*\(""",
    re.I,
)
_MODULE = re.compile(r"""\btype\s*=\s*["']?module\b""", re.I)


def rules(every: list[Code]) -> Iterator[Found]:
    own = [code for code in every if len(code.bare) < BIG]
    for code in own:
        if "WebSocket" in code.bare:
            yield from _outside(code, every)
    for page in own:
        if not page.script.is_static:
            yield from _inline(page, every)


def _outside(code: Code, every: list[Code]) -> Iterator[Found]:
    """``const socket`` in one function, and ``socket.send(…)`` in another."""
    scopes: dict[str, list[Span | None]] = {}
    for match in _LOCAL.finditer(code.bare):
        scope = _scope(code, match.start(), match["how"] == "var")
        scopes.setdefault(match["name"], []).append(scope)
    for name, spans in scopes.items():
        inner = [span for span in spans if span is not None]
        if len(inner) < len(spans) or _is_bound(name, code, every):
            continue
        used = rf"(?<![\w$.]){re.escape(name)}\s*[.(]"
        for match in re.finditer(used, code.bare):
            if not any(begin <= match.start() < end for begin, end in inner):
                yield _found(
                    name,
                    code.spot(match.start()),
                    f"let {name} outside the functions that share it",
                )
                return


def _scope(code: Code, index: int, is_var: bool) -> Span | None:
    """Where a name holds that is declared at a place; None for the whole script."""
    if is_var:
        around = code.around(index)
        return around.body if around is not None else None
    spans = [
        (begin, close)
        for begin, close in code.pairs.items()
        if begin < index < close and code.bare[begin] in "{("
    ]
    return min(spans, key=lambda span: span[1] - span[0], default=None)


def _is_bound(name: str, code: Code, every: list[Code]) -> bool:
    """Whether a name may stand for something else: by another way to say it."""
    word = re.escape(name)
    ways = re.compile(
        rf"\b(?:const|let|var|function\*?|class|import)\b(?!\s+{word}\s*=)"
        rf"[^;=(]*(?<![\w$.]){word}\b|"
        rf"(?<!const )(?<!let )(?<!var )(?<![\w$.]){word}\s*=(?![=>])|"
        rf"[{{\[][^{{}}\[\]=]*\b{word}\b[^{{}}\[\]=]*[}}\]]\s*(?:=(?!=)|of\b)|"
        rf"\b(?:window|globalThis|self)\s*\.\s*{word}\b|\btypeof\s+{word}\b|"
        rf"\bcatch\s*\(\s*{word}\b|,\s*{word}\s*;"
    )
    if any(ways.search(one.bare) for one in every):
        return True
    named = rf"""\b(?:id|name)\s*=\s*["']?{word}(?![\w-])"""  # it is in the window
    if any(re.search(named, one.script.text) for one in every):
        return True
    if any(f.name == name for f in code.functions if f.is_block and _is_said(code, f)):
        return True
    if any(
        name in f.names(place)
        for one in every
        for f in one.functions
        for place in range(len(f.given))
    ):
        return True
    others = (one for one in every if one is not code)
    return any(
        _scope(one, match.start(), match["how"] == "var") is None
        for one in others
        for match in _LOCAL.finditer(one.bare)
        if match["name"] == name
    )


def _is_said(code: Code, function: object) -> bool:
    start = getattr(function, "start", 0)
    return not _LOCAL.search(code.bare, max(0, start - 60), start)


def _inline(page: Code, every: list[Code]) -> Iterator[Found]:
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
        if not any(_is_global(one, function.start, every) for one, function in made):
            yield _found(
                name,
                page.spot(match.start(3)),
                f"window.{name} = {name}, or addEventListener() in the script",
            )
            return


def _undeclared(bare: str) -> str:
    return re.sub(r"\b(?:const|let|var)\s+[\w$]+\s*=", " ", bare)


def _is_global(code: Code, index: int, every: list[Code]) -> bool:
    """Whether a function is one of the window's: in no other, and in no module."""
    if code.around(index) is not None or _scope(code, index, False) is not None:
        return False
    if not code.script.is_static:
        before = code.script.text[:index]
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

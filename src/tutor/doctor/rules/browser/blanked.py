"""Code alone: what is text, comment or markup is blanked out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_QUOTED = re.compile(r""""(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?""", re.S)
_REMARK = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.S)
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_TEMPLATE = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(`|\$\{|\Z)", re.S)
_TAG = re.compile(r"<script\b([^>]*)>(.*?)</script\s*>", re.S | re.I)
_TYPE = re.compile(r"""\btype\s*=\s*["']?([^"'\s>]+)""", re.I)
_SPOKEN = {"module", "text/javascript", "application/javascript", "text/babel"}


def spoken(text: str) -> Iterator[str]:
    """A page with everything blanked out that is no code."""
    done = 0
    for match in _TAG.finditer(text):
        kind = _TYPE.search(match[1])
        if kind and kind[1].lower() not in _SPOKEN:
            continue
        yield re.sub(r"[^\n]", " ", text[done : match.start(2)])
        yield match[2]
        done = match.end(2)
    yield re.sub(r"[^\n]", " ", text[done:])


@lru_cache(200)
def bare(text: str) -> str:
    """Code with all that stands in quotes, and every comment, blanked out."""
    out: list[str] = []
    open_braces: list[int] = []  # in each ${…} that we are in
    index, last = 0, ""
    while index < len(text):
        char, end, found = text[index], index + 1, None
        if char in "\"'":
            found = _QUOTED.match(text, index)
        elif text.startswith(("//", "/*"), index):
            found = _REMARK.match(text, index)
        elif char == "/" and (not last or last in "(,=:[!&|?{};+\n"):
            found = _REGEX.match(text, index)
        elif char == "`" or (char == "}" and open_braces and not open_braces[-1]):
            if char == "}":
                open_braces.pop()
            found = _TEMPLATE.match(text, index + 1)
            if found and found[1] == "${":
                open_braces.append(0)
        elif char in "{}" and open_braces:
            open_braces[-1] += 1 if char == "{" else -1
        if found:
            end = max(found.end(), end)
        piece = text[index:end]
        if len(piece) > 1:
            blank = re.sub(r"[^\n]", " ", piece[1:-1])
            ends = piece[0], piece[-1]
            if piece.startswith(("//", "/*")):
                ends = " ", "\n" if piece[-1] == "\n" else " "
            piece = ends[0] + blank + ends[1]
        out.append(piece)
        if piece.strip():
            last = piece.strip()[-1]
        index = end
    return "".join(out)

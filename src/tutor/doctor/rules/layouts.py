"""Pages as a browser gets them: with the blocks of the templates below them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.javascript import Code

_BLOCK = re.compile(r"\{%-?\s*(?:block\s+(\w+)|endblock\b[^%]*?)\s*-?%\}")
_EXTENDS = re.compile(r"""\{%\s*extends\s+["']([^"']+)["']""")


def laid_out(page: Code, every: list[Code], depth: int = 0) -> str:
    """The text of a page with its blocks where the template below has them."""
    text = page.script.text
    named = _EXTENDS.search(text)
    below = [
        one
        for one in every
        if named and not one.script.is_static
        if f"/{one.script.file}".endswith(f"/{named[1]}") and one is not page
    ]
    if not named or not below or depth > 3:
        return "" if named else text
    whole, own = laid_out(below[0], every, depth + 1), dict(_blocks(text))
    done = [(begin, end, own[n]) for n, begin, end in _spans(whole) if n in own]
    for begin, end, instead in reversed(done):
        whole = whole[:begin] + instead + whole[end:]
    return whole


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    for name, begin, end in _spans(text):
        yield name, text[begin:end]


def _spans(text: str) -> Iterator[tuple[str, int, int]]:
    """The outermost blocks of a template: name, begin, end."""
    stack: list[tuple[str, int]] = []
    for match in _BLOCK.finditer(text):
        if match[1]:
            stack.append((match[1], match.end()))
        elif stack:
            name, begin = stack.pop()
            if not stack:
                yield name, begin, match.start()

"""Pages as a browser gets them: with the blocks of the templates below them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.javascript import Code

_BLOCK = re.compile(r"\{%-?\s*(?:block\s+([\w.-]+)|endblock\b[^%]*?)\s*-?%\}")
EXTENDS = re.compile(r"""\{%\s*extends\s+["']([^"']+)["']""")


def laid_out(page: Code, every: list[Code], depth: int = 0) -> str:
    """The text of a page with its blocks where the template below has them."""
    text = page.script.text
    named = EXTENDS.search(text)
    below = [
        one
        for one in every
        if named and not one.script.is_static
        if f"/{one.script.file}".endswith(f"/{named[1]}") and one is not page
    ]
    if not named or not below or depth > 3:
        return "" if named else text
    whole, own = laid_out(below[0], every, depth + 1), dict(_blocks(text))
    done = [(begin, end, own[n]) for n, begin, end in spans(whole) if n in own]
    for begin, end, instead in reversed(done):
        whole = whole[:begin] + instead + whole[end:]
    return whole


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    for name, begin, end in spans(text):
        yield name, text[begin:end]


def spans(text: str) -> Iterator[tuple[str, int, int]]:
    """The outermost blocks of a template: name, begin, end."""
    stack: list[tuple[str, int]] = []
    for match in _BLOCK.finditer(text):
        if match[1]:
            stack.append((match[1], match.end()))
        elif stack:
            name, begin = stack.pop()
            if not stack:
                yield name, begin, match.start()


def whole_of(page: Code, every: list[Code]) -> str:
    """All that may stand in a page: scripts, and templates above and below it.

    Other pages are left out: what they have, the scripts of this one do not see.
    """
    pages = [one for one in every if not one.script.is_static]
    named = {one.script.file: _near(one, pages) for one in pages}
    mine = _reached(page.script.file, named)
    mine |= {file for file in named if page.script.file in _reached(file, named)}
    texts = [one.script.text for one in pages if one.script.file in mine]
    if any(map(_OPEN.search, texts)):
        texts = [one.script.text for one in pages]  # who knows which
    return "\n".join(texts + [one.script.text for one in every if one.script.is_static])


# Templates that are named by a variable, or by a tag of the project's own.
_OPEN = re.compile(
    r"\{%-?\s*(?:(?:extends|include)\s+[^\s\"']|"
    r"load\s+(?!(?:\s*(?:static|i18n|l10n|tz|humanize))+\s*-?%))"
)
_NEAR = re.compile(r"""\{%-?\s*(?:extends|include)\s+["']([^"']+)["']""")


def _near(page: Code, pages: list[Code]) -> set[str]:
    """The templates that a template names."""
    names = _NEAR.findall(page.script.text)
    return {
        one.script.file
        for one in pages
        for name in names
        if f"/{one.script.file}".endswith(f"/{name}")
    }


def _reached(file: str, named: dict[str, set[str]]) -> set[str]:
    found, left = {file}, [file]
    while left:
        more = named.get(left.pop(), set()) - found
        found |= more
        left += more
    return found

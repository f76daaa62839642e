"""The words of a Markdown cell, apart from its code, pictures and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

FENCE = re.compile(r"^ *(```+|~~~+).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
DETAILS = re.compile(r"<details\b.*?</details>", re.DOTALL)
CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]*)[^)]*\)")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]*)[^)]*\)")
TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^>]*>", re.DOTALL)
BULLET = re.compile(r"^ *(?:[-*+]|\d+[.)]) +", re.MULTILINE)
QUOTED = re.compile(r'"[^"\n]*"|“[^”]*”')
CODE = "code"  # one word in place of a code span


@dataclass(frozen=True)
class Paragraph:
    """A paragraph or an item of a list.

    Args:
        text: its words, code spans as one word each.
        folded: whether it stands in a ``<details>`` block.
    """

    text: str
    folded: bool

    @property
    def words(self) -> list[str]:
        return words(self.text)

    @property
    def sentences(self) -> list[str]:
        """Cut after ``.``, ``!`` and ``?``; a colon does not end a sentence."""
        return [s for s in re.split(r"(?<=[.!?])[\"”')*_]*\s+", self.text) if s]

    @property
    def unquoted(self) -> str:
        """Without what stands in double quotes: others said that."""
        return QUOTED.sub(CODE, self.text)


def words(text: str) -> list[str]:
    return [word for word in text.split() if any(c.isalnum() for c in word)]


def without_code(source: str) -> str:
    """Markdown with its code blocks gone and its code spans as one word."""
    return CODE_SPAN.sub(CODE, FENCE.sub("\n\n", source))


def paragraphs(source: str) -> Iterator[Paragraph]:
    """The paragraphs of a cell; no headings, tables, block quotes, code or HTML."""
    source = without_code(source)
    end = 0
    for details in DETAILS.finditer(source):
        yield from _paragraphs(source[end : details.start()], folded=False)
        yield from _paragraphs(details[0], folded=True)
        end = details.end()
    yield from _paragraphs(source[end:], folded=False)


def _paragraphs(source: str, folded: bool) -> Iterator[Paragraph]:
    source = LINK.sub(r"\1", IMAGE.sub("", source))
    source = TAG.sub(lambda tag: "\n\n" if "\n" in tag[0] else " ", source)
    lines = [
        "" if re.match(r" *(#+ |\||>|---)", line) else line
        for line in source.split("\n")
    ]
    for block in re.split(r"\n\s*\n", BULLET.sub("\n\n", "\n".join(lines))):
        text = " ".join(block.replace("*", "").split())
        if words(text):
            yield Paragraph(text, folded)

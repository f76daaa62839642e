"""Rules for the Markdown files at the root: links that lead somewhere, and pictures.

They are read on GitHub, so an anchor is a heading as GitHub names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tutor.lint import prose
from tutor.lint.book import Finding
from tutor.lint.text import Pictures

ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:|//")


def check(root: Path) -> Iterator[Finding]:
    """What is to be mended in the documents of a folder."""
    for path in sorted(root.glob("*.md")):
        source = path.read_text(encoding="utf-8")
        # Line for line as it is, but without what is code.
        lines = _blank(source).splitlines()
        for number, line in enumerate(lines, start=1):
            where = f"{path.name}:{number}"
            for alt, target in prose.IMAGE.findall(line):
                if not alt.strip():
                    yield Finding(
                        "pictures-speak",
                        where,
                        f"has a picture without words: {target}",
                        "Say in words what it shows, between the brackets",
                    )
            for mute in Pictures.mute(line):
                yield Finding(
                    "pictures-speak",
                    where,
                    f"has a <{mute}> without words",
                    "Say in words what it shows: alt, aria-label or title",
                )
            for _, target in [*prose.LINK.findall(line), *prose.IMAGE.findall(line)]:
                if not ELSEWHERE.match(target) and not _leads(path, target):
                    yield Finding(
                        "links-lead-somewhere",
                        where,
                        f"leads to {target}, which is not there",
                        "Mend the link",
                    )


def _leads(path: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    there = path.parent / name if name else path
    if not there.exists():
        return False
    return not anchor or there.suffix != ".md" or anchor in _anchors(there)


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", _blank(path.read_text(encoding="utf-8")))
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in headings
    }


def _blank(source: str) -> str:
    """Markdown with its code blocks empty, and its code spans as one word."""
    without = prose.FENCE.sub(lambda block: "\n" * block[0].count("\n"), source)
    return prose.CODE_SPAN.sub(prose.CODE, without)

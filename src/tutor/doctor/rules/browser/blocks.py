"""A block that a template fills, and that none of those has which it extends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.layouts import spans
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

RANK = 66
DEEP = 5
_EXTENDS = re.compile(r"""\{%-?\s*extends\s+(["'])([^"']+)\1""")
_BLOCK = re.compile(r"\{%-?\s*block\s+([\w.-]+)")


def rules(every: list[Code]) -> Iterator[Found]:
    pages = [code for code in every if not code.script.is_static]
    for page in pages:
        yield from _outside(page)
        below = _below(page, pages)
        if not below:
            continue
        known = {name for one in below for name in _BLOCK.findall(one.script.text)}
        for name, begin, end in spans(page.script.text):
            if name not in known and page.script.text[begin:end].strip():
                yield Found(
                    "client-block-not-there",
                    f"what stands in the block {name} is in no page",
                    page.spot(begin),
                    RANK,
                    TRIED,
                    f"one of the blocks of {below[0].script.file}: "
                    + ", ".join(sorted(known)),
                )
                return


def _below(page: Code, pages: list[Code]) -> list[Code]:
    """The templates that a page extends; none where one of them is elsewhere."""
    found: list[Code] = []
    while match := _EXTENDS.search((found or [page])[-1].script.text):
        fits = [
            one
            for one in pages
            if f"/{one.script.file}".endswith(f"/{match[2]}") and one is not page
        ]
        if len(fits) != 1 or len(found) > DEEP:
            return []
        found += fits
    return found


_REMARK = re.compile(r"\{#.*?#\}|<!--.*?-->|\{%\s*comment\b.*?endcomment\s*%\}", re.S)
_SHOWN = re.compile(
    r"<(?:script|form|div|p|ul|ol|table|button|input|section|main|h[1-6])\b", re.I
)


def _outside(page: Code) -> Iterator[Found]:
    """A script or a form in a template that extends another one, and in no block."""
    text = page.script.text
    if not _EXTENDS.search(text):
        return
    blank = _REMARK.sub(lambda one: re.sub(r"[^\n]", " ", one[0]), text)
    if len(_BLOCK.findall(blank)) != len(re.findall(r"\{%-?\s*endblock", blank)):
        return
    for _, begin, end in spans(blank):
        blank = blank[:begin] + re.sub(r"[^\n]", " ", blank[begin:end]) + blank[end:]
    found = _SHOWN.search(blank)
    if found:
        yield Found(
            "client-block-not-there",
            f"{found[0]}> stands outside of every block, and is in no page",
            page.spot(found.start()),
            RANK,
            TRIED,
            "it stands in a block of the template that is extended",
        )

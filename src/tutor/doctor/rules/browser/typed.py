"""What somebody types into a field, read when the page is loaded: nothing yet."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.atonce import runs_at_once
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

RANK = 68
_KEPT = re.compile(
    r"\b(?:const|let|var)\s+([\w$]+)\s*=\s*(?:document\s*\.\s*)?[\w$]+\s*\(\s*"
    r"""(["'`])#?([\w-]+)\2\s*\)\s*\.\s*(?:value\b|val\s*\(\s*\))\s*(?=[;,\n])"""
)


def rules(every: list[Code]) -> Iterator[Found]:
    """``const text = document.getElementById("text").value`` outside the handler."""
    for code in every:
        for match in _KEPT.finditer(code.script.text):
            index, name = match.start(), re.escape(match[1])
            if code.bare[index : index + 3].strip() == "" or code.around(index):
                continue
            changed = re.search(
                rf"(?<![\w$.]){name}\s*=(?![=>])", code.bare[match.end() :]
            )
            if changed or not _is_empty(match[3], every):
                continue
            if not runs_at_once(code, index, (0, len(code.bare))):
                continue
            if _is_sent(code, name):
                yield Found(
                    "client-field-read-too-early",
                    f"{match[1]} is '' with every message",
                    code.spot(index),
                    RANK,
                    TRIED,
                    "the value, read in the function that sends it",
                )
                return


def _is_empty(name: str, every: list[Code]) -> bool:
    """Whether an element is a field in which nothing stands at first."""
    tags = [
        match
        for code in every
        for match in re.finditer(
            rf"""<(input|textarea)\b([^>]*\bid\s*=\s*["']?{re.escape(name)}["'\s>/][^>]*)""",
            code.script.text + ">",
            re.I,
        )
    ]
    odd = r"""(?i)\bvalue\s*=|\btype\s*=(?!\s*["']?(?:text|search))|readonly"""
    return len(tags) == 1 and not re.search(odd, tags[0][2])


def _is_sent(code: Code, name: str) -> bool:
    """Whether a function sends it that is called later."""
    for match in re.finditer(r"\.\s*send\s*\(", code.bare):
        span = (match.end() - 1, code.pairs.get(match.end() - 1, 0))
        if re.search(rf"(?<![\w$.]){name}(?![\w$])(?!\s*:)", code.plain(span)):
            return code.around(match.start()) is not None
    return False

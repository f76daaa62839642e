"""``'${left},${right}'``: only a text in backticks is filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

_QUOTED = re.compile(r"(['\"])[ ]+\1")
_FILLED = re.compile(r"\$\{\s*([A-Za-z_$][\w$]*)")


def rules(every: list[Code]) -> Iterator[Found]:
    for code in every:
        if not code.script.is_built:
            yield from _in_quotes(code)


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

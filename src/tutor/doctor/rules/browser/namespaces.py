"""Classes behind an object of the page, ``new window.Shop.Live(…)``, by their name."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CLASS = re.compile(r"\bclass\s+([A-Za-z_$][\w$]*)")
_BEHIND = re.compile(
    r"\b(?:new|extends)\s+((?:[A-Za-z_$][\w$]*\s*\.\s*)+)([A-Za-z_$][\w$]*)(?=\s*[({])"
)


def classes(texts: Iterable[str]) -> set[str]:
    """The classes of some scripts, and the one that all of them have."""
    return {"WebSocket"} | {name for text in texts for name in _CLASS.findall(text)}


def plain(text: str, kinds: set[str]) -> str:
    """A script with ``new Live(…)`` for ``new window.Shop.Live(…)``.

    All who look for the class find it then, and every place stays where it was.
    """

    def blank(match: re.Match[str]) -> str:
        if match[2] not in kinds:
            return match[0]
        begin = match.start(1) - match.start()
        owner = re.sub(r"[^\n]", " ", match[1])
        return match[0][:begin] + owner + match[2]

    return _BEHIND.sub(blank, text)

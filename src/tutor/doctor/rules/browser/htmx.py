"""The sockets that htmx opens: an attribute of a tag says where."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NAMES = r"(?<![\w-])(?:data-)?"
# <div hx-ext="ws" ws-connect="/ws/chat/">, hx-ws:connect="…" since htmx 4
_CONNECT = re.compile(
    rf"""{_NAMES}(?:hx-)?ws[-:]connect\s*=\s*(["'])(?P<path>.*?)\1""", re.S
)
# hx-ws="connect:/ws/chat/", before htmx 2
_OLDER = re.compile(
    rf"""{_NAMES}hx-ws\s*=\s*(["'])[^"']*?\bconnect:\s*(?P<path>[^\s"']+)[^"']*\1"""
)


def opened(text: str) -> Iterator[tuple[int, str]]:
    """Where the page's tags name a socket, and what they name it by."""
    for pattern in (_CONNECT, _OLDER):
        for match in pattern.finditer(text):
            yield match.start("path"), match["path"].strip()

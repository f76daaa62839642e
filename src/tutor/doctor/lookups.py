"""Words that the consumers of a project may look for in what clients say."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

_KEY = re.compile(r"""(\w*)(?:\[['"](\w+)['"]\]|\.get\(['"](\w+)['"])""")
_LIBRARY_S = ("scope", "event", "message", "msg")  # names of what it hands over
EITHER = ("text", "user", "code")  # keys of the library's, and of messages


def looked_for(copy: Path) -> list[str]:
    """Words that the project's consumers may look for in a message."""
    found: dict[str, None] = {}
    for path in sorted(copy.rglob("*consumer*.py"))[:20]:
        with suppress(OSError):
            for match in _KEY.finditer(path.read_text("utf-8", "replace")):
                key = match[2] or match[3]
                if key not in EITHER or match[1] not in ("", *_LIBRARY_S):
                    found[key] = None
    known = {"bytes", "type", "url_route", "kwargs", "headers"}
    return [*(k for k in found if k not in known), "message"]

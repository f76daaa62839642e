"""A server's log as the cells show it: in entries, and which of them are bad."""

from __future__ import annotations

import re

LEVELS = re.compile(r"^(DEBUG|INFO|WARNING|ERROR|CRITICAL)\s")
ENTRY = re.compile(
    r"^((DEBUG|INFO|WARNING|ERROR|CRITICAL)\s|WebSocket |HTTP |GET |POST |WS[A-Z]+ |"
    r"Not Found:|Bad Request:|Invalid HTTP_HOST|Exception inside|Application instance|"
    r"Starting |Watching |\{\")"
)
BAD = re.compile(r"WARNING|ERROR|CRITICAL|Exception|Not Found")


def entries(log: str) -> list[str]:
    """A log cut into entries, each with the traceback that belongs to it."""
    found: list[list[str]] = []
    for line in log.splitlines():
        if ENTRY.match(line) or not found:
            found.append([])
        found[-1].append(LEVELS.sub(lambda level: f"{level[1]} ", line))
    return ["\n".join(entry).rstrip() for entry in found]

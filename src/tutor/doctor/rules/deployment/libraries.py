"""What a server needs beside itself, and the lists of packages leave out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.commands import commands
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.deployment import pinned
from tutor.doctor.rules.deployment.served import RANK
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.startfiles import is_image

# Each brings uvicorn what it speaks WebSocket with.
_SPEAKS = re.compile(r"(?<![\w.-])(?:uvicorn\[[\w, -]*standard|websockets\b|wsproto\b)")
_EXTRAS = re.compile(r"(?<![\w.-])uvicorn\b.*\bextras\b.*\bstandard\b")
_PLAIN = re.compile(
    r"(?:^|[\s\"'=])uvicorn(?![\w.\[/:-])\s*[\"']?\s*(?:[~^<>=!;,\"']|$)"
)


def rules(seen: Evidence) -> Iterator[Found]:
    """Plain uvicorn, which takes a handshake for a request for a page."""
    if "websocket" not in (seen.walk.get("protocols") or {}):
        return
    place: Place | None = None
    for file, number, line in pinned.lines(seen):
        if _SPEAKS.search(line) or _EXTRAS.search(line):
            return
        is_docker = is_image(file)
        if place is None and not is_docker and _PLAIN.search(line):
            place = file, number
    if place is not None and any(
        one.server == "uvicorn" for one in commands(seen.project)
    ):
        yield Found(
            "deploy-uvicorn-without-websocket-library",
            "WARNING:  No supported WebSocket library detected.",
            place,
            RANK,
            "reading the lists of packages",
            "uvicorn[standard]",
        )

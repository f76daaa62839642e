"""How people start the project on their own machine: scripts, targets, profiles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tutor.doctor.commands import commands
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.deployment.served import RANK, TRIED
from tutor.doctor.rules.found import Found, Place

FLAG = "--noasgi"
MOST = 100_000  # bytes of a file
# What starts something, and has no commands that are told apart elsewhere.
FILES = (
    *("Makefile", "makefile", "justfile", "Justfile", "Taskfile.yml", "tasks.json"),
    *("package.json", ".vscode/*.json", ".idea/**/*.xml", ".run/*.xml"),
    *("compose*.y*ml", "docker-compose*.y*ml"),
)
_REMARK = re.compile(r"\s*(?:#|//|<!--)")


def rules(seen: Evidence) -> Iterator[Found]:
    """``runserver --noasgi``: Django's own server, which knows no sockets."""
    if "websocket" not in (seen.walk.get("protocols") or {}):
        return
    for place in (*_started(seen), *_written(seen)):
        yield Found(
            "apps-runserver-noasgi",
            "404 for each handshake: Not Found",
            place,
            RANK,
            TRIED,
            f"runserver without {FLAG}",
        )
        return


def _started(seen: Evidence) -> Iterator[Place]:
    for one in commands(seen.project):
        if one.program == "runserver" and FLAG in one.words:
            yield one.file, one.line


def _written(seen: Evidence) -> Iterator[Place]:
    for folder in dict.fromkeys((seen.project, seen.home)):
        for path in (path for name in FILES for path in sorted(folder.glob(name))):
            with suppress(OSError):
                if path.is_file() and path.stat().st_size <= MOST:
                    line = _flagged(path)
                    if line:
                        yield path.relative_to(seen.project).as_posix(), line


def _flagged(path: Path) -> int | None:
    """The line in which a file gives runserver the flag; a profile may split them."""
    text = path.read_text("utf-8", "replace")
    if "runserver" not in text:
        return None
    apart = path.suffix in (".json", ".xml")
    for number, line in enumerate(text.splitlines(), 1):
        bare = "" if _REMARK.match(line) else line
        flagged = re.search(rf"(?<![\w-]){FLAG}(?![\w-])", bare)
        if flagged and (apart or "runserver" in bare):
            return number
    return None

"""Files that are loaded only when they are asked for: tests, and commands."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.source.index import is_aside

RANK = 52  # what runs comes first
_TEMPLATES = ("{{", "{%")  # of a file that Python is made of


def rules(seen: Evidence) -> Iterator[Found]:
    python = seen.look.get("python") or {}
    if python.get("version", [])[:2] != [*sys.version_info[:2]]:
        return  # another Python may read it
    for file, error in seen.source.broken.items():
        text = (seen.project / file).read_text("utf-8", "replace")
        waits = is_aside(file) or "/management/commands/" in f"/{file}"
        if waits and not any(mark in text for mark in _TEMPLATES):
            got = f"{type(error).__name__}: {error.msg}"
            place = file, error.lineno
            yield Found("python-syntax-error", got, place, RANK, TRIED)

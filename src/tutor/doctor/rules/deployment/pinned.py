"""The versions that a project asks for, as its lists of packages say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tutor.doctor.commands import files
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.startfiles import is_image

RANK = 79  # before what is installed: this has a line
MOST = 100_000  # bytes of a file
LISTS = (
    *("requirements*.txt", "requirements*.in", "requirements/*.txt"),
    *("requirements/*.in", "constraints*.txt", "pyproject.toml", "setup.cfg"),
    *("setup.py", "Pipfile", "environment.y*ml"),
)
# channels[daphne]~=3.0, "channels >=3,<4", channels = "^3.0", pip install channels==3
_CHANNELS = re.compile(
    r"(?<![\w.\[/-])channels(?:\[[\w, -]+\])?[ \t]*(?:@[ \t]*)?(?:=[ \t]*(?=[\"'{]))?"
    r"(?:\{[^}\n]*?version[ \t]*=[ \t]*)?[\"']?[ \t(]*"
    r"((?:[\^~<>=!]{1,3}[ \t]*\d[\w.*+!-]*[ \t]*,?[ \t]*)+)",
    re.I,
)
_SPECIFIER = re.compile(r"([\^~<>=!]{1,3})[ \t]*(\d+)((?:\.\w+|\.\*)*)")


def rules(seen: Evidence) -> Iterator[Found]:
    if not seen.source.consumers() and not seen.walk.get("protocols"):
        return
    for file, number, line in lines(seen):
        if is_old(line):
            yield Found(
                "install-pinned-channels-3",
                line,
                (file, number),
                RANK,
                "reading the lists of packages",
                "channels>=4",
            )
            return


def is_old(line: str) -> bool:
    """Whether a line of such a list lets in no Channels that is new."""
    match = _CHANNELS.search(line)
    return match is not None and _below(match[1], 4)


def lines(seen: Evidence) -> Iterator[tuple[str, int, str]]:
    """The lines of the lists of packages, without remarks: file, number, text."""
    for path in _lists(seen):
        with suppress(OSError):
            if path.is_file() and path.stat().st_size <= MOST:
                text = path.read_text("utf-8", "replace")
                file = path.relative_to(seen.project).as_posix()
                for number, line in enumerate(text.splitlines(), 1):
                    yield file, number, re.sub(r"(^|\s)#.*", "", line).strip()


def _lists(seen: Evidence) -> Iterator[Path]:
    for folder in dict.fromkeys((seen.project, seen.home)):
        for pattern in LISTS:
            yield from sorted(folder.glob(pattern))
    yield from (path for path in files(seen.project) if is_image(path.name))


def _below(specifiers: str, major: int) -> bool:
    """Whether nothing from a major version on is let in."""
    for sign, first, rest in _SPECIFIER.findall(specifiers):
        version = int(first)
        if sign in ("=", "==", "===", "^", "<=", "~") and version < major:
            return True
        # ~=3.0 is any 3; a bare ~=3 is refused by pip
        if sign == "~=" and version < major:
            return True
        if sign == "<" and (version, rest.strip(".0*")) <= (major, ""):
            return True
    return False

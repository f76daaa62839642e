"""The commands of recipes: those of a Makefile or a justfile, which people type.

They start no deployment, so only what can never work in them is a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tutor.doctor.commands import MOST, Command, files, simple
from tutor.doctor.startfiles import logical_lines

_RECIPES = re.compile(r"(?i)(gnu)?makefile|\.?justfile|.*\.mk")


def recipes(project: Path) -> Iterator[Command]:
    """What the recipes of a project start."""
    for path in files(project):
        with suppress(OSError, UnicodeDecodeError):
            if not _RECIPES.fullmatch(path.name) or path.stat().st_size > MOST:
                continue
            file = path.relative_to(project).as_posix()
            for line, said in logical_lines(path.read_text(encoding="utf-8")):
                if not said[:1].isspace():
                    continue
                for before, program, words, env in simple(said.strip().lstrip("@-+")):
                    own = {name: (value, line) for name, value in env.items()}
                    yield Command(file, line, program, words, own, False, before)

"""The commands of recipes: those of a Makefile or a justfile, which people type.

They start no deployment, so only what can never work in them is a mistake; but for
those that a file of deployment asks for: ``command: make serve``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tutor.doctor.commands import MOST, Command, files, simple
from tutor.doctor.startfiles import logical_lines, reader

_RECIPES = re.compile(r"(?i)(gnu)?makefile|\.?justfile|.*\.mk")


# "serve: migrate", "serve port='8000': migrate"; no variable, which has := or =.
_TARGET = re.compile(r"([\w./-]+)(?:\s+[^:=#]*|\s+\w+=[^:]*)?:(?![:=])\s*([\w\s./-]*)")
_MAKERS = ("make", "gmake", "just")
Targets = dict[str, tuple[list[str], list[Command]]]


def recipes(project: Path) -> Iterator[Command]:
    """What the recipes of a project start."""
    for _, found in _files(project):
        for _, own in found.values():
            yield from own


def asked(project: Path) -> list[Command]:
    """What those recipes start that a file of deployment asks for by their names."""
    known: Targets = {}
    for _, found in _files(project):
        known = {**found, **known}
    names: list[str] = []
    for path in files(project) if known else ():
        read = reader(path.name)
        with suppress(OSError, UnicodeDecodeError):
            if read is not None and path.stat().st_size <= MOST:
                for _, told, _ in read(path.read_text(encoding="utf-8")):
                    names += _asked(told)
    for name in names:  # it grows: by what is made before
        names += [one for one in known.get(name, ([], []))[0] if one not in names]
    wanted = [known[name][1] for name in dict.fromkeys(names) if name in known]
    return [one for own in wanted for one in own]


def _asked(told: str | Sequence[str]) -> list[str]:
    """The recipes that a command names: ``make -C src migrate serve``."""
    text = told if isinstance(told, str) else " ".join(told)
    words = re.split(r"[\s\"';&|]+", text)
    first = [i for i, word in enumerate(words) if PurePosixPath(word).name in _MAKERS]
    return words[first[0] + 1 :] if first else []


def _files(project: Path) -> Iterator[tuple[str, Targets]]:
    for path in files(project):
        with suppress(OSError, UnicodeDecodeError):
            if not _RECIPES.fullmatch(path.name) or path.stat().st_size > MOST:
                continue
            file = path.relative_to(project).as_posix()
            yield file, _targets(file, path.read_text(encoding="utf-8"))


def _targets(file: str, text: str) -> Targets:
    """Each recipe by its name: what is made before it, and what it starts."""
    found: Targets = {"": ([], [])}
    name = ""
    for line, said in logical_lines(text):
        if said[:1].isspace():
            for before, program, words, env in simple(said.strip().lstrip("@-+")):
                own = {key: (value, line) for key, value in env.items()}
                made = Command(file, line, program, words, own, False, before)
                found[name][1].append(made)
        elif match := _TARGET.match(said):
            name = match[1]
            found.setdefault(name, ([], []))[0].extend(match[2].split())
    return found

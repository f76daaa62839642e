"""The variables that a file hands to a server: compose's ``env_file``, and the like.

Such a file holds secrets, so it is seldom in the repository; what is there is an
example of it, and that is what people copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tutor.doctor.commands import MOST, SERVERS, commands, files, known
from tutor.doctor.compose import Service
from tutor.doctor.services import services, started

PROGRAMS = (*SERVERS, "runworker")
_UNIT = re.compile(r"(?m)^\s*EnvironmentFile\s*=\s*-?(\S+)")
_EXAMPLE = r"(?:example|sample|template|tmpl|dist|default)"
_LINE = re.compile(r"\s*(?:export\s+)?(\w+)=(.*)")


@dataclass(frozen=True)
class Variable:
    """A variable, and the line of the file that hands it on.

    Args:
        value: empty where an example leaves it to who copies it.
        file: relative to the project.
        line: from 1.
        by: the file that names this one.
        to: the service of compose that is given it; empty with a unit.
    """

    value: str
    file: str
    line: int
    by: str
    to: str = ""


def handed(project: Path) -> dict[str, Variable]:
    """What servers and workers are handed; of two files the first one counts."""
    found: dict[str, Variable] = {}
    told = commands(project)
    for service in services(project):
        if started(service, told, PROGRAMS):
            for name, one in to_service(project, service).items():
                found.setdefault(name, one)
    units = {
        one.file: None
        for one in told
        if one.program in PROGRAMS and one.file.endswith(".service")
    }
    for unit in units:
        text = (project / unit).read_text("utf-8", "replace")
        for match in _UNIT.finditer(text):
            for name, one in _read(project, match[1], unit, ""):
                found.setdefault(name, one)
    return found


def given(project: Path) -> dict[str, Variable]:
    """The same, and what the files that start them say right there."""
    found = handed(project)
    told = commands(project)
    for one in told:
        if one.program in PROGRAMS:
            for name, (value, line) in one.env.items():
                by = Variable(value, one.file, line, one.file)
                found[name] = by  # it wins over a file
    for service in services(project):
        if not service.starts and started(service, told, PROGRAMS):
            for name, (value, line) in service.below("environment").items():
                by = Variable(value, service.file, line, service.file, service.name)
                found[name] = by
    return {name: one for name, one in found.items() if known(one.value)}


def to_service(project: Path, service: Service) -> dict[str, Variable]:
    """What a service is handed by files; of two the last one counts, as with Docker."""
    given = service.keys.get("env_file", ("", 0))[0]
    names = [given] if isinstance(given, str) else given
    return {
        name: one
        for path in names
        if path
        for name, one in _read(project, path, service.file, service.name)
    }


def _read(project: Path, path: str, by: str, to: str) -> Iterator[tuple[str, Variable]]:
    file = _file(project, path, by)
    if file is None:
        return
    with suppress(OSError, UnicodeDecodeError):
        if file.stat().st_size > MOST:
            return
        shown = file.relative_to(project).as_posix()
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            if match := _LINE.match(line):
                value = match[2].split(" #")[0].strip().strip("'\"")
                yield match[1], Variable(value, shown, number, by, to)


def _file(project: Path, path: str, by: str) -> Path | None:
    """The file that is meant, or else its example, such as ``.env.example``."""
    if not path.startswith("/"):
        beside = project / PurePosixPath(by).parent / path
        if beside.is_file() and beside.resolve().is_relative_to(project.resolve()):
            return beside
    name = PurePosixPath(path).name
    stem, suffix = re.escape(name.removesuffix(".env").strip(".")), re.escape(name)
    example = re.compile(
        rf"{suffix}[.-]{_EXAMPLE}|{_EXAMPLE}[.-]?{suffix}|"
        rf"{stem}[.-]{_EXAMPLE}\.env|\.?env[.-]{_EXAMPLE}",
        re.I,
    )
    fits = [one for one in files(project) if example.fullmatch(one.name)]
    exact = [one for one in fits if one.name.startswith(name)]
    return next(iter(exact or fits), None)

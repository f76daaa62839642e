"""What the services of a project's files of compose start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tutor.doctor.commands import MOST, SERVERS, Command, files
from tutor.doctor.compose import FILE, Service, read


def services(project: Path) -> Iterator[Service]:
    """The services of all files of compose in a project."""
    for path in files(project):
        with suppress(OSError, UnicodeDecodeError):
            if FILE.fullmatch(path.name) and path.stat().st_size <= MOST:
                file = path.relative_to(project).as_posix()
                yield from read(file, path.read_text(encoding="utf-8"))


def replaced(project: Path, told: Sequence[Command]) -> set[str]:
    """The Dockerfiles of which compose starts another server, and never their own."""
    every = [one for one in services(project) if one.dockerfile is not None]
    own = {one.dockerfile for one in every if not one.starts}
    return {
        str(one.dockerfile)
        for one in every
        if one.dockerfile not in own and started(one, told)
    }


def started(
    service: Service, told: Sequence[Command], programs: Iterable[str] = SERVERS
) -> list[Command]:
    """What a service starts of some programs: by its own command, or its image's."""
    lines = [service.keys[k][1] for k in ("command", "entrypoint") if k in service.keys]
    own = [one for one in told if one.file == service.file and one.line in lines]
    if not own and not service.starts:
        own = [one for one in told if one.file == service.dockerfile]
    return [one for one in own if one.program in programs]

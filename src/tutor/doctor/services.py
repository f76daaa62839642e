"""What the services of a project's files of compose start."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath

from tutor.doctor.commands import MOST, SERVERS, Command, files
from tutor.doctor.compose import FILE, Service, read
from tutor.doctor.remembered import remembered

ANY: tuple[str, ...] = ()
_DEFAULT = re.compile(r"\$\{(\w+):?-([^${}\n]*)\}")
_NO_SERVERS = ("celery", "rq", "rqworker", "dramatiq", "huey", "tail", "sleep")


@remembered
def services(project: Path) -> Iterator[Service]:
    """The services of all files of compose in a project."""
    for path in files(project):
        with suppress(OSError, UnicodeDecodeError):
            if FILE.fullmatch(path.name) and path.stat().st_size <= MOST:
                file = path.relative_to(project).as_posix()
                text = path.read_text(encoding="utf-8")
                if _DEFAULT.search(text):
                    text = _DEFAULT.sub(partial(_settled, _given(project)), text)
                yield from read(file, text)


def _settled(given: set[str], match: re.Match[str]) -> str:
    """What holds where nobody says anything else: ``${IMAGE:-redis:4}``."""
    return match[0] if match[1] in given else match[2]


def _given(project: Path) -> set[str]:
    """The variables that files such as ``.env`` name, or examples of them."""
    found = set[str]()
    for path in files(project):
        with suppress(OSError, UnicodeDecodeError):
            if "env" in path.name and path.stat().st_size <= MOST:
                found |= {
                    *re.findall(
                        r"(?m)^\s*(?:export\s+)?(\w+)=", path.read_text("utf-8")
                    )
                }
    return found


def replaced(project: Path, told: Sequence[Command]) -> set[str]:
    """The Dockerfiles of which compose starts another server, and never their own.

    What nobody here can read may be one: ``make serve``, ``./run.sh``.
    """
    every = [one for one in services(project) if one.dockerfile is not None]
    own = {one.dockerfile for one in every if not one.starts}
    return {
        str(one.dockerfile)
        for one in every
        if one.dockerfile not in own and (started(one, told) or _is_unread(one, told))
    }


def _is_unread(service: Service, told: Sequence[Command]) -> bool:
    """Whether a service says what it starts, and it may be a server all the same."""
    said = service.text("command") or service.text("entrypoint")
    words = [PurePosixPath(word).name for word in said.split()]
    idle = not words or any(word in _NO_SERVERS for word in words)
    return service.starts and not idle and not started(service, told, ANY)


def started(
    service: Service, told: Sequence[Command], programs: Iterable[str] = SERVERS
) -> list[Command]:
    """What a service starts of some programs: by its own command, or its image's."""
    lines = [service.keys[k][1] for k in ("command", "entrypoint") if k in service.keys]
    own = [one for one in told if one.file == service.file and one.line in lines]
    if not own and not service.starts:
        own = [one for one in told if one.file == service.dockerfile]
    return [one for one in own if programs is ANY or one.program in programs]

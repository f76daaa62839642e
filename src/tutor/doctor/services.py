"""The services of compose: what each is built from, and what it starts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tutor.doctor import copying
from tutor.doctor.commands import SERVERS, Command

MOST = 100_000  # bytes of a file
_FILE = re.compile(r"(docker-)?compose.*\.ya?ml$", re.I)
_KEY = re.compile(r"""(\s*)["']?([\w.-]+)["']?\s*:(?:\s+(.*))?$""")


@dataclass
class Service:
    """One service.

    Args:
        name: by which the others reach it.
        file: the file of compose, relative to the project.
        first: its first line, from 1.
        last: its last line.
        keys: what it is told right below its name; empty where more lines follow.
        below: the keys one step further in, such as those of ``build``.
    """

    name: str
    file: str
    first: int
    last: int = 0
    keys: dict[str, str] = field(default_factory=dict)
    below: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def dockerfile(self) -> str | None:
        """The Dockerfile that its image is built from, relative to the project."""
        if "build" not in self.keys:
            return None
        context = self.keys["build"] or self.below.get(("build", "context"), ".")
        name = self.below.get(("build", "dockerfile"), "Dockerfile")
        folder = PurePosixPath(self.file).parent / context
        path = PurePosixPath()
        for part in (folder / name).parts:
            path = path.parent if part == ".." else path / part
        return str(path)


def services(project: Path) -> list[Service]:
    """What the project's files of compose hold."""
    found: list[Service] = []
    folders = [project, *(one for one in _below(project) if one.is_dir())]
    for folder in folders:
        for path in sorted(one for one in _below(folder) if _FILE.match(one.name)):
            with suppress(OSError, UnicodeDecodeError):
                if path.is_file() and path.stat().st_size <= MOST:
                    file = path.relative_to(project).as_posix()
                    found += read(file, path.read_text(encoding="utf-8"))
    return found


def _below(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(p for p in folder.iterdir() if p.name not in copying.SKIPPED)
    return []


def read(file: str, text: str) -> Iterator[Service]:
    """The services of one file."""
    inside, key, deep, inner = False, "", 0, 0
    one: Service | None = None
    for number, line in enumerate(text.splitlines(), 1):
        bare = re.sub(r"(^|\s)#.*", "", line).rstrip()
        if not bare:
            continue
        indent = len(bare) - len(bare.lstrip())
        if indent == 0:
            if one is not None:
                yield one
            inside, one, deep = bare.startswith("services:"), None, 0
            continue
        match = _KEY.match(bare)
        if not inside or match is None:
            continue
        value = (match[3] or "").strip("'\"")
        if one is None or indent == deep:
            if one is not None:
                yield one
            one, deep, key = Service(match[2], file, number), indent, ""
        elif not key or indent == inner:
            inner, key = indent, match[2]
            one.keys[key] = value
        elif indent > inner:
            one.below.setdefault((key, match[2]), value)
        one.last = number
    if one is not None:
        yield one


def started(
    service: Service, told: Sequence[Command], programs: Iterable[str] = SERVERS
) -> list[Command]:
    """The servers that a service starts: by its own command, or by its image's."""
    own = [
        one
        for one in told
        if one.file == service.file and service.first <= one.line <= service.last
    ]
    if not own and not {"command", "entrypoint"} & set(service.keys):
        own = [one for one in told if one.file == service.dockerfile]
    return [one for one in own if one.program in programs]

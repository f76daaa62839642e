"""The services of compose, as far as their own lines say what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tutor.doctor.commands import MOST, Command, files

_NAME = re.compile(r"(?:docker-)?compose.*\.ya?ml")
_KEY = re.compile(r"(\s*)[\"']?([\w.<-]+)[\"']?\s*:(?:\s+(.*?))?\s*$")


@dataclass
class Service:
    """One service.

    Args:
        file: relative to the project.
        line: where it begins, from 1.
        name: what the others call it.
        keys: what stands right below it or deeper, with its value and its line; the
            keys of an anchor that it takes over are its own, too.
    """

    file: str
    line: int
    name: str
    keys: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def copies(self) -> int:
        """How many processes are started of it."""
        names = [name for name in ("replicas", "scale") if name in self.keys]
        told = [self.keys[name][0] for name in names]
        return max((int(one) for one in told if one.isdigit()), default=1)

    @property
    def is_built(self) -> bool:
        """Whether it is the project's own image that runs, with its own command."""
        return "build" in self.keys and not {"command", "entrypoint"} & set(self.keys)


def runs(one: Service, command: Command) -> bool:
    """Whether a command of the project's files is what a service runs."""
    name = command.file.rpartition("/")[2].lower()
    if one.is_built:
        return "dockerfile" in name or "containerfile" in name
    lines = [one.keys[key][1] for key in ("command", "entrypoint") if key in one.keys]
    return command.file == one.file and command.line in lines


def services(project: Path) -> Iterator[Service]:
    """The services in the project's files for compose."""
    for path in files(project):
        try:
            if not _NAME.fullmatch(path.name) or path.stat().st_size > MOST:
                continue
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        yield from _read(path.relative_to(project).as_posix(), text.splitlines())


def _read(file: str, lines: list[str]) -> Iterator[Service]:
    anchors: dict[str, dict[str, tuple[str, int]]] = {}
    found: list[Service] = []
    inside, deep = False, 0
    here: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(lines, 1):
        match = _KEY.match(re.sub(r"\s+#.*", "", line))
        if not line.strip() or line.lstrip().startswith("#") or not match:
            continue
        indent, name, value = len(match[1]), match[2], (match[3] or "").strip("'\"")
        if not indent:
            inside, deep, here = name == "services", 0, {}
        elif inside and (not deep or indent == deep):
            deep = indent
            one = Service(file, number, name)
            found.append(one)
            here = one.keys
        else:
            here.setdefault(name, (value, number))
        if value.startswith("&"):
            anchors[value[1:]] = here
        if name == "<<":
            for word in re.findall(r"\*([\w.-]+)", value):
                for key, told in anchors.get(word, {}).items():
                    here.setdefault(key, told)
    yield from found

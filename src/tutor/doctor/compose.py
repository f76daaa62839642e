"""The services in a file of compose, each with what it is told, and where."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yaml.nodes import Node  # type: ignore[import-untyped]

FILE = re.compile(r"(?i)(docker-)?compose.*\.ya?ml")
DEEP = 4  # how far keys are followed: services: web: deploy: replicas
Value = str | list[str]


@dataclass(frozen=True)
class Service:
    """One service.

    Args:
        name: by which the others reach it.
        file: the file of compose, relative to the project.
        line: where it begins, from 1.
        keys: what it is told, with its line, by paths such as ``build.context``; a
            list without names is a list, a list of ``NAME=value`` is like a table.
    """

    name: str
    file: str
    line: int
    keys: dict[str, tuple[Value, int]] = field(default_factory=dict)

    def text(self, key: str, default: str = "") -> str:
        """What a key says, as one text."""
        value = self.keys.get(key, (default, 0))[0]
        return value if isinstance(value, str) else shlex.join(value)

    def below(self, key: str) -> dict[str, tuple[str, int]]:
        """The names below a key, such as those of ``environment``."""
        return {
            name.partition(".")[2]: (self.text(name), line)
            for name, (_, line) in self.keys.items()
            if name.startswith(f"{key}.")
        }

    @property
    def starts(self) -> bool:
        """Whether it says itself what it starts, and not only its image."""
        return "command" in self.keys or "entrypoint" in self.keys

    @property
    def copies(self) -> int:
        """How many are started of it."""
        told = [self.text(key) for key in ("deploy.replicas", "scale")]
        return max((int(one) for one in told if one.isdigit()), default=1)

    @property
    def dockerfile(self) -> str | None:
        """The Dockerfile that its image is built from, relative to the project."""
        if "build" not in self.keys and not self.below("build"):
            return None
        return self._built(self.text("build.dockerfile", "Dockerfile"))

    @property
    def context(self) -> str:
        """The folder that its image is built from, relative to the project."""
        return self._built("")

    def _built(self, name: str) -> str:
        context = self.text("build") or self.text("build.context", ".")
        path = PurePosixPath()
        for part in (PurePosixPath(self.file).parent / context / name).parts:
            path = path.parent if part == ".." else path / part
        return str(path)


def read(file: str, text: str) -> Iterator[Service]:
    """The services of one file; none where it is no YAML.

    Args:
        file: its path, relative to the project.
        text: what it holds.
    """
    import yaml  # type: ignore[import-untyped]  # few have such a file

    root = None
    with suppress(yaml.YAMLError, RecursionError, ValueError):
        root = yaml.compose(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for name, _, table in _pairs(root):
        for one, begin, told in _pairs(table) if name == "services" else ():
            keys: dict[str, tuple[Value, int]] = {}
            _fill(keys, "", told, begin, DEEP)
            yield Service(one, file, begin, keys)


def _pairs(node: Node | None) -> Iterator[tuple[str, int, Node]]:
    """A table's keys, their lines, their values; those that it takes over first."""
    if node is None or node.id != "mapping":
        return
    for key, value in node.value:
        if key.value == "<<":
            for one in value.value if value.id == "sequence" else [value]:
                yield from _pairs(one) if one is not node else ()
    for key, value in node.value:
        if key.id == "scalar" and key.value != "<<":
            yield key.value, key.start_mark.line + 1, value


def _fill(
    keys: dict[str, tuple[Value, int]], path: str, node: Node, line: int, deep: int
) -> None:
    """Note what a node says, by its path."""
    if node.id == "scalar":
        keys[path] = node.value, line
    elif node.id == "sequence":
        items = [one for one in node.value if one.id == "scalar"]
        keys[path] = [one.value for one in items], line
        for one in items:
            name, is_pair, value = one.value.partition("=")
            if is_pair and name.isidentifier():
                keys[f"{path}.{name}"] = value, one.start_mark.line + 1
    elif deep:
        for name, begin, value in _pairs(node):
            _fill(keys, f"{path}.{name}" if path else name, value, begin, deep - 1)

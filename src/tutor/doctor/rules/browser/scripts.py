"""The scripts of pages: templates, static files, texts of a view, a frontend's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import (
    constants,
    contexts,
    frontends,
    namespaces,
    privates,
    urlobjects,
)
from tutor.doctor.source import Module
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

NEW = re.compile(r"new\s+WebSocket\s*\(")
# An expression goes on in the next line behind an operator, and before one.
_WHOLE = r"((?:[^;\n]|(?<=[+?:|&])\n|(?<=[+?:|&] )\n|\n(?=[ \t]*[+?:|&]))+)"
_BOUND = re.compile(rf"\b(?:const|let|var)\s+(\w+)\s*=\s*{_WHOLE}")
_OWN = re.compile(rf"\b(this\.\w+)\s*=(?!=)\s*{_WHOLE}")
_GETTER = re.compile(r"\bget\s+(\w+)\s*\(\)\s*\{.*?\breturn\s+([^;\n]+)", re.S)
_COMMENT = re.compile(
    r"(?<![:\w'\"`}\\])//[^\n]*|/\*.*?\*/|<!--.*?-->|\{#[^\n]*?#\}|"
    r"\{%\s*comment\b[^\n]*?%\}.*?\{%\s*endcomment\s*%\}",
    re.S,
)

LONG = 2000  # characters of a line; nobody writes it
Spot = tuple[str, int]


@dataclass(frozen=True)
class Script:
    """A template or a static script; comments are blank.

    Args:
        file: relative to the project.
        text: what stands in it.
        filled: the template's names of which the text is known.
        taken: the texts that it imports, and where each is written.
        marked: the texts that it reads off the page's elements, likewise.
        is_built: whether it is a part of a frontend that is built apart.
        until: the place before which names are looked up first.
    """

    file: str
    text: str
    filled: Mapping[str, str] = field(default_factory=dict)
    taken: Mapping[str, tuple[str, Spot]] = field(default_factory=dict)
    marked: Mapping[str, tuple[str, Spot]] = field(default_factory=dict)
    is_built: bool = False
    until: int = 0

    @property
    def is_static(self) -> bool:
        return self.file.endswith(frontends.SCRIPTS)

    @cached_property
    def bound(self) -> dict[str, str]:
        """Names and the expressions that they are given."""
        matches = [*_OWN.finditer(self.text), *_BOUND.finditer(self.text)]
        # The last one wins, and each function of a frontend has a url of its own.
        matches.sort(key=lambda match: match.start() < self.until)
        made = [(match[1], match[2]) for match in matches]
        got = [(f"this.{name}", text) for name, text in _GETTER.findall(self.text)]
        got += [(name, text) for name, text, _ in constants.members(self.text)]
        elsewhere = {**self.taken, **self.marked}
        got += [(name, text) for name, (text, _) in elsewhere.items()]
        got += urlobjects.apart(self.text).items()
        return {name: text.replace("\n", " ") for name, text in [*got, *made]}

    def spot(self, index: int) -> Spot:
        return self.file, self.text.count("\n", 0, index) + 1


def texts(seen: Evidence) -> Sequence[Script]:
    """Every template and static script, and the pages that are texts of a view."""
    return seen.once(_scripts)


def _scripts(seen: Evidence) -> Iterator[Script]:
    found = [*_as_written(seen)]
    kinds = namespaces.classes(one.text for one in found)
    for one in found:
        yield replace(one, text=namespaces.plain(one.text, kinds))


def _as_written(seen: Evidence) -> Iterator[Script]:
    folders = [
        f
        for e in ("templates", "static")
        for f in (seen.look.get(e) or {}).get("folders", [])
    ]
    done: set[Path] = set()
    for folder in folders:
        for path in sorted((seen.home / folder).rglob("*")):
            known = path in done or ".min." in path.name
            if known or path.suffix not in (".html", ".js") or not path.is_file():
                continue
            done.add(path)
            try:
                text = path.read_text("utf-8", "replace")
            except OSError:
                continue
            if path.suffix == ".js" and _is_library(text):
                continue
            file, text = path.relative_to(seen.project).as_posix(), _plain(text)
            text = privates.plain(text, path.suffix == ".js")
            yield Script(file, text, contexts.filled(seen, file, text))
    for path, text in frontends.scripts(seen):
        if path not in done:
            file = path.relative_to(seen.project).as_posix()
            yield Script(file, privates.plain(_plain(text), True), is_built=True)
    for module in seen.source.modules.values():
        if not is_aside(module.file) and NEW.search(module.text):
            yield from _in_python(module)


def _is_library(text: str) -> bool:
    """Whether a script is somebody else's: under a banner, or made by a program."""
    made = text.lstrip().startswith("/*!") or len(max(text.split("\n"), key=len)) > LONG
    return made and not NEW.search(text)


def _plain(text: str) -> str:
    """A script with its comments blanked out."""
    return _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _in_python(module: Module) -> Iterator[Script]:
    """The pages that are texts of a view."""
    for node in walk(module.tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if NEW.search(node.value):
            above = "\n" * (node.lineno - 1)
            text = privates.plain(_plain(node.value), False)
            yield Script(module.file, above + text)

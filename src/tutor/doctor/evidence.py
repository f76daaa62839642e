"""Everything that was seen of one project, and how it was gathered."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TypeVar, cast

from tutor.doctor.answers import Answers
from tutor.doctor.child import Event, Told
from tutor.doctor.serving import How
from tutor.doctor.source import Class, Function, Source
from tutor.doctor.source.flow import body
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.sites import Sites
from tutor.doctor.source.walking import own_nodes, walk

MARK = "TUTOR_DOCTOR"  # the variable that marks what one diagnosis starts
Place = tuple[str | None, int | None]
Kept = TypeVar("Kept")


@dataclass
class Evidence:
    """What is known about a project.

    Args:
        project: the folder that was asked about; files are named relative to it.
        home: the folder of ``manage.py`` in it.
        look: the facts, as ``manage.py`` and ``runserver`` see the project.
        serve: what happened in the server's own process.
        alone: the same, where the server could not start as it stands in production
            and was started as ``runserver`` does; else None.
        answers: what its clients saw.
        source: the source, as syntax trees.
        deployed: the settings that other machines use, as far as they load here.
        aim: the step that it is meant to have reached.  What is missing then is a
            mistake; without an aim it may be for later.
        how: the way in which its processes were started.
    """

    project: Path
    home: Path
    look: Told
    source: Source
    serve: Told = field(default_factory=Told)
    alone: Told | None = None
    answers: Answers = field(default_factory=Answers)
    deployed: Told = field(default_factory=Told)
    target: str = ""
    aim: int = 0
    how: How | None = None
    _kept: dict[object, object] = field(default_factory=dict)

    def once(self, find: Callable[[Evidence], Iterable[Kept]]) -> Sequence[Kept]:
        """What ``find`` yields: found at the first call, for many rules ask the same.

        The source must not change any more.
        """
        if find not in self._kept:
            self._kept[find] = [*find(self)]
        return cast("list[Kept]", self._kept[find])

    @cached_property
    def sites(self) -> Sites:
        """Who calls the functions of the project; its import runs those of a module."""
        modules = (m for m in self.source.modules.values() if not is_aside(m.file))
        return Sites(chain(self.source.all_functions(), map(body, modules)))

    def unfold(self) -> None:
        """Find beforehand what lies below each node, and who calls what."""
        for module in self.source.modules.values():
            walk(module.tree)
        for function in self.source.functions.values():
            walk(function.node)
            own_nodes(function.node)
        _ = self.sites

    @property
    def prefix(self) -> str:
        """From the project's folder to ``manage.py``'s, with a slash at the end."""
        relative = self.home.relative_to(self.project).as_posix()
        return "" if relative == "." else relative + "/"

    def place(self, at: Event | None) -> Place:
        """Where a frame stands, relative to the project."""
        if not at or not at.get("file"):
            return None, None
        return self.prefix + at["file"], at.get("line")

    @property
    def forked(self) -> list[int]:
        """The processes that the project has forked."""
        return [
            e["pid"]
            for told in (self.look, self.serve, self.alone or Told())
            for e in told.all("forked")
        ]

    @property
    def settings(self) -> Event:
        return self.look.get("settings") or {}

    @property
    def walk(self) -> Event:
        """The application: as the server imported it, else as runserver would."""
        return self.serve.get("walk") or self.look.get("walk") or {}

    @property
    def leaves(self) -> list[Event]:
        return self.walk.get("leaves") or []

    @property
    def consumers(self) -> list[Event]:
        found = self.serve.get("consumers") or self.look.get("consumers") or {}
        return found.get("found") or []

    def leaf_of(self, path: str) -> Event:
        """The route that a client's path ends at."""
        fits = [leaf for leaf in self.leaves if leaf["sample"] == path]
        for leaf in fits:
            if leaf.get("reached") in (self.leaves.index(leaf), None):
                return leaf
        return fits[0] if fits else {}

    def failed(self, told: Told, *stages: str) -> Event | None:
        """The first failure at one of the stages."""
        return next((e for e in told.all("failed") if e["stage"] in stages), None)

    def setting(self, name: str) -> Place:
        """Where a setting is written; the settings file where it is not."""
        module = self.settings.get("module") or self.settings_name
        found = self.source.setting(module, name) if module else None
        if found:
            return found
        known = self.source.modules.get(module) if module else None
        return (known.file if known else None), None

    def used(self, name: str) -> Place:
        """The same of those with which the server ran: asgi.py may name others."""
        module = (self.serve.get("hosts") or {}).get("module")
        found = self.source.setting(module, name) if module else None
        return found or self.setting(name)

    def setting_file(self, *names: str) -> str | None:
        """The settings file in which the first of some settings stands."""
        places = [self.setting(name) for name in names]
        return next((file for file, line in places if line), places[0][0])

    @property
    def settings_name(self) -> str:
        event = self.look.get("settings-module") or {}
        return event.get("name") or ""

    @property
    def asgi_module(self) -> str:
        return self.target.partition(":")[0]

    @property
    def asgi_file(self) -> str | None:
        module = self.source.modules.get(self.asgi_module)
        return module.file if module else None

    def consumer_class(self, dotted: str | None) -> Class | None:
        """The class behind a leaf's dotted name."""
        return self.source.classes.get(dotted or "")

    def near(self, name: str, names: Iterable[str], least: float = 0.75) -> str | None:
        """The name that is most like ``name``, if one is."""
        found = difflib.get_close_matches(name, list(names), 1, least)
        return found[0] if found else None

    def function_at(self, place: Place) -> Function | None:
        """The innermost function around a line."""
        best: Function | None = None
        for function in self.source.functions.values():
            node = function.node
            if function.module.file != place[0] or place[1] is None:
                continue
            inside = node.lineno <= place[1] <= (node.end_lineno or node.lineno)
            if inside and (best is None or node.lineno >= best.node.lineno):
                best = function
        return best

    def nodes_at(self, place: Place) -> list[ast.AST]:
        """The syntax that covers a line, outermost first."""
        module = self.source.by_file(place[0] or "")
        if module is None or place[1] is None:
            return []
        return [
            node
            for node in walk(module.tree)
            if isinstance(node, (ast.stmt, ast.expr))
            and node.lineno <= place[1] <= (node.end_lineno or node.lineno)
        ]

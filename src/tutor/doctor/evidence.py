"""Everything that was seen of one project, and how it was gathered."""

from __future__ import annotations

import ast
import asyncio
import difflib
import re
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from tutor import servers
from tutor.doctor.ask import Answers, Conversation
from tutor.doctor.child import Event, Live, Told
from tutor.doctor.source import Class, Function, Source

LOOKING = 10.0  # seconds for the facts
STARTING = 9.0  # seconds until the server is ready
MOST_PATHS = 4  # routes that are talked to
MARK = "TUTOR_DOCTOR"  # the variable that marks what one diagnosis starts
Place = tuple[str | None, int | None]


@dataclass
class Evidence:
    """What is known about a project.

    Args:
        project: the folder that was asked about; files are named relative to it.
        home: the folder of ``manage.py`` in it.
        look: the facts, as ``manage.py`` and ``runserver`` see the project.
        serve: what happened in the server's own process.
        answers: what its clients saw.
        source: the source, as syntax trees.
        aim: the step that it is meant to have reached.  What is missing then is a
            mistake; without an aim it may be for later.
    """

    project: Path
    home: Path
    look: Told
    source: Source
    serve: Told = field(default_factory=Told)
    answers: Answers = field(default_factory=Answers)
    target: str = ""
    aim: int = 0

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
            e["pid"] for told in (self.look, self.serve) for e in told.all("forked")
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
            for node in ast.walk(module.tree)
            if isinstance(node, (ast.stmt, ast.expr))
            and node.lineno <= place[1] <= (node.end_lineno or node.lineno)
        ]


@dataclass(frozen=True)
class How:
    """How a project's processes are started: see ``Live``."""

    python: Path | None
    cold: bool
    extra: dict[str, str]


_SETTINGS = re.compile(r"""DJANGO_SETTINGS_MODULE['"]\s*[,\]=)]\s*=?\s*['"]([\w.]+)""")


def gather(
    project: Path,
    home: Path,
    copy: Path,
    python: Path | None,
    end: float,
    mark: str = "",
) -> Evidence:
    """Look at a project, and at its server, at the same time.

    Args:
        project: the folder that was asked about.
        home: the folder of ``manage.py`` in it.
        copy: a copy of ``home`` that may be run.
        python: the project's interpreter.
        end: when to stop, on the monotonic clock.
        mark: stands in the environment of all that is started.
    """
    target = guess(copy)
    how = How(python, hides(home), {MARK: mark})
    with ThreadPoolExecutor(3) as pool:
        looking = pool.submit(_look, copy, how)
        serving = pool.submit(_serve, copy, target, end, how) if target else None
        source = pool.submit(Source, project, home).result()
        look = looking.result()
        seen = Evidence(project, home, look, source, target=target)
        served = serving.result() if serving else None
    wanted = _wanted(seen)
    if wanted and wanted != target and time.monotonic() < end - 3:
        served, seen.target = _serve(copy, wanted, end, how), wanted
    if served:
        seen.serve, seen.answers = served
    return seen


def hides(home: Path) -> bool:
    """Whether a file of the project has the name of an installed module.

    Then its processes start cold: in a forked one the library is there already.
    """
    names = {path.stem for path in home.iterdir() if path.suffix in ("", ".py")}
    elsewhere = [path for path in sys.path if path and Path(path) != home]
    return any(
        name in sys.stdlib_module_names or PathFinder.find_spec(name, elsewhere)
        for name in names
        if name.isidentifier()
    )


def _look(copy: Path, how: How) -> Told:
    live = Live(copy, "look", python=how.python, cold=how.cold, extra=how.extra)
    return live.finish(LOOKING)


def guess(home: Path) -> str:
    """Where the application stands in most projects; empty if no file is there."""
    with suppress(OSError, ValueError):
        named = _SETTINGS.search((home / "manage.py").read_text("utf-8", "replace"))
        package = named[1].partition(".")[0] if named else ""
        if package and (home / package / "asgi.py").exists():
            return f"{package}.asgi:application"
    found = sorted(home.glob("*/asgi.py"))
    return f"{found[0].parent.name}.asgi:application" if found else ""


def _wanted(seen: Evidence) -> str:
    """What ASGI_APPLICATION names, where such a module is there."""
    named = seen.settings.get("asgi")
    if not isinstance(named, str):
        return ""
    module, _, name = named.rpartition(".")
    return f"{module}:{name}" if module in seen.source.modules else ""


def _serve(copy: Path, target: str, end: float, how: How) -> tuple[Told, Answers]:
    held = servers._bind(0)
    held.listen(64)
    port = held.getsockname()[1]
    live = Live(
        copy,
        "serve",
        [target, held.fileno()],
        python=how.python,
        cold=how.cold,
        extra=how.extra,
        pass_fds=(held.fileno(),),
    )
    held.close()
    answers = Answers()
    try:
        began = live.wait_for(
            lambda e: e["kind"] in ("ready", "failed", "hang"), STARTING
        )
        if began and began["kind"] == "ready":
            told = live.told()
            talk = Conversation(live, port, _host(told), _keys(copy), _origin(told))
            with suppress(asyncio.TimeoutError):
                left = max(0.5, end - time.monotonic())
                asyncio.run(asyncio.wait_for(talk.ask(paths(told)), left))
            answers = talk.seen
    finally:
        live.stop()
    return live.told(), answers


def paths(told: Told) -> list[str]:
    """The paths that end at a consumer, each once."""
    leaves = (told.get("walk") or {}).get("leaves") or []
    found = [
        leaf["sample"].replace("^", "").replace("$", "")
        for leaf in leaves
        if leaf["is"] != "empty"
    ]
    return list(dict.fromkeys(found))[:MOST_PATHS] or ["/ws/nobody/"]


def _host(told: Told) -> str:
    """A name under which the project lets its own pages in."""
    hosts: list[Any] = (told.get("hosts") or {}).get("hosts") or []
    plain = [h for h in hosts if isinstance(h, str) and re.fullmatch(r"[\w.-]+", h)]
    if not plain or "127.0.0.1" in plain:
        return "127.0.0.1"
    return plain[0].lstrip(".")


def _origin(told: Told) -> str:
    """An origin that the project's own check lets in; empty for that of its host."""
    origins = (told.get("walk") or {}).get("origins") or []
    hosts = (told.get("hosts") or {}).get("hosts") or []
    full = [o for o in origins if re.match(r"https?://[\w.-]+(:\d+)?$", str(o))]
    return full[0] if full and list(origins) != list(hosts) else ""


_KEY = re.compile(r"""\[['"](\w+)['"]\]|\.get\(['"](\w+)['"]""")


def _keys(copy: Path) -> list[str]:
    """Words that the project's consumers may look for in a message."""
    found: dict[str, None] = {}
    for path in sorted(copy.rglob("*consumer*.py"))[:20]:
        with suppress(OSError):
            for match in _KEY.finditer(path.read_text("utf-8", "replace")):
                found[match[1] or match[2]] = None
    known = {"text", "bytes", "type", "user", "url_route", "kwargs", "code", "headers"}
    return [*(k for k in found if k not in known), "message"]

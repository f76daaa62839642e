"""Gather the evidence: run the project, ask its server, read its source."""

from __future__ import annotations

import ast
import asyncio
import re
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from tutor.doctor import deployed, words
from tutor.doctor.answers import Answers
from tutor.doctor.ask import Conversation
from tutor.doctor.child import Live, Told
from tutor.doctor.evidence import MARK, Evidence
from tutor.doctor.lookups import looked_for
from tutor.doctor.serving import How, started
from tutor.doctor.source import Source
from tutor.doctor.source.walking import walk

LOOKING = 21.0  # seconds for the facts: where it hangs, it ends by itself before
STARTING = 21.0  # seconds until the server is ready, likewise
MOST_PATHS = 4  # routes that are talked to
MOST_PAGES = 4  # pages that are asked for besides that at /


_NAME = re.compile(r"[\w/-]{1,60}").fullmatch


def gather(
    project: Path,
    home: Path,
    copy: Path,
    python: Path | None,
    end: float,
    mark: str = "",
    extra: Mapping[str, str] | None = None,
) -> Evidence:
    """Look at a project, and at its server, at the same time.

    Args:
        project: the folder that was asked about.
        home: the folder of ``manage.py`` in it.
        copy: a copy of ``home`` that may be run.
        python: the project's interpreter.
        end: when to stop, on the monotonic clock.
        mark: stands in the environment of all that is started.
        extra: more variables for their environment.
    """
    target = guess(copy)
    # Here, since Python 3.11 may not parse in two threads at once.
    more = tuple(added(copy))
    cold = any(map(hides, [home, *(home / folder for folder in more)]))
    how = How(python, cold, {MARK: mark, **(extra or {})}, more)
    with ThreadPoolExecutor(4) as pool:
        looking = pool.submit(_look, copy, how)
        reading = pool.submit(Source, project, home)
        serve = partial(_serve, copy, end, how, reading.result, looking)
        serving = pool.submit(serve, target) if target else None
        elsewhere = pool.submit(_deployed, project, copy, how, reading.result, target)
        source = reading.result()
        look = looking.result()
        seen = Evidence(project, home, look, source, target=target, how=how)
        seen.deployed = elsewhere.result()
        pool.submit(seen.unfold)  # while the server is being asked
        served = serving.result() if serving else None
    wanted = _wanted(seen)
    if wanted and wanted != target and time.monotonic() < end - 3:
        served = serve(wanted)
        seen.target = wanted
    if served:
        seen.serve, seen.answers = served
    if served and time.monotonic() < end - 3 and is_early(seen):
        # What else is wrong is seen where it does start: under runserver.
        seen.alone = seen.serve
        seen.serve, seen.answers = serve(seen.target, ready=seen.settings_name)
    return seen


def is_early(seen: Evidence) -> bool:
    """Whether the application only lacks a Django that is ready for its imports."""
    failure = seen.failed(seen.serve, "asgi")
    text = " ".join(link["text"] for link in failure["error"]) if failure else ""
    return (
        bool(re.search(r"settings are not configured|Apps aren't loaded yet", text))
        and seen.failed(seen.look, "asgi") is None
        and bool(seen.look.get("walk") and seen.settings_name)
    )


def hides(home: Path) -> bool:
    """Whether a file of the project has the name of an installed module.

    Then its processes start cold: in a forked one the library is there already.
    """
    names = {path.stem for path in home.iterdir() if path.suffix in ("", ".py")}
    installed = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    return any(
        name in sys.stdlib_module_names or PathFinder.find_spec(name, installed)
        for name in names
        if name.isidentifier()
    )


def _look(copy: Path, how: How) -> Told:
    live = Live(copy, "look", python=how.python, cold=how.cold, extra=how.extra)
    return live.finish(LOOKING)


def _deployed(
    project: Path, copy: Path, how: How, read: Callable[[], Source], target: str
) -> Told:
    """What the settings hold that servers are started with elsewhere."""
    wanted, told = deployed.chosen(project, copy, read(), target)
    if not wanted:
        return Told()
    given = [wanted, told, [*how.added]]
    live = Live(
        copy, "deployed", given, python=how.python, cold=how.cold, extra=how.extra
    )
    return live.finish(LOOKING)


def added(home: Path) -> list[str]:
    """The folders of a project that its ``manage.py`` puts on ``sys.path``."""
    try:
        text = (home / "manage.py").read_text("utf-8", "replace")
        tree = ast.parse(text) if "sys.path" in text else ast.Module([], [])
    except (OSError, SyntaxError, ValueError):
        return []
    texts = (n.value for n in walk(tree) if isinstance(n, ast.Constant))
    plain = [t.strip("./") for t in texts if isinstance(t, str) and "\0" not in t]
    return [t for t in dict.fromkeys(plain) if _NAME(t) and (home / t).is_dir()]


def guess(home: Path) -> str:
    """Where the application stands in most projects; empty if no file is there."""
    package = ""
    with suppress(OSError, ValueError):
        text = (home / "manage.py").read_text("utf-8", "replace")
        package = deployed.named(text).partition(".")[0]
        if package and (home / package / "asgi.py").exists():
            return f"{package}.asgi:application"
    for folder in added(home):
        if package and (home / folder / package / "asgi.py").exists():
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


def _serve(
    copy: Path,
    end: float,
    how: How,
    read: Callable[[], Source],
    looking: Future[Told],
    target: str,
    ready: str = "",
) -> tuple[Told, Answers]:
    live, port = started(copy, how, target, ready)
    answers = Answers()
    try:
        began = live.wait_for(
            lambda e: e["kind"] in ("ready", "failed", "hang"),
            min(STARTING, max(1.0, end + 2 - time.monotonic())),
        )
        if began and began["kind"] == "ready":
            told = live.told()
            known = _words(told, read())
            host, origin = _host(told), _origin(told)
            mine = _personal(told, read())
            talk = Conversation(live, port, host, looked_for(copy), origin, known, mine)
            with suppress(asyncio.TimeoutError):
                left = max(0.5, end - time.monotonic())
                asking = talk.ask(paths(told), partial(_pages, looking))
                asyncio.run(asyncio.wait_for(asking, left))
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


DOES_MORE = re.compile(r"(?i)log_?out|delete|remove|reset|clear|admin|pay|mail")


async def _pages(looking: Future[Told]) -> list[str]:
    """The paths of some pages of the project's own; that at / was asked before."""
    told = await asyncio.wrap_future(looking)
    own = (told.get("urls") or {}).get("own") or []
    plain = [path for path in own if path != "/" and not DOES_MORE.search(path)]
    return plain[:MOST_PAGES]


def _words(told: Told, source: Source) -> dict[str, list[str]]:
    """What the consumer at each path tells apart."""
    leaves = (told.get("walk") or {}).get("leaves") or []
    return {
        leaf["sample"].replace("^", "").replace("$", ""): found
        for leaf in leaves
        if (found := words.messages(source, leaf.get("consumer")))
    }


def _personal(told: Told, source: Source) -> list[str]:
    """The paths whose consumers look at who is there."""
    leaves = (told.get("walk") or {}).get("leaves") or []
    return [
        leaf["sample"].replace("^", "").replace("$", "")
        for leaf in leaves
        if (one := source.classes.get(leaf.get("consumer") or ""))
        and any(
            isinstance(node, ast.Constant) and node.value in ("user", "session")
            for kind in one.line_of_ancestors
            for node in walk(kind.node)
        )
    ]


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

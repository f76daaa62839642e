"""Everything the checks of steps 1 to 6 need, gathered at once.

One child loads the project and reports facts; beside it Daphne starts in a clean
process, as in production, and is talked to over real sockets.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tutor import servers
from tutor.checks import talk
from tutor.checks.talk import PRACTICE
from tutor.doctor import child
from tutor.report import Refusal
from tutor.servers import HOST

_NAMED = re.compile(r"""DJANGO_SETTINGS_MODULE['"]\s*,\s*['"]([\w.]+)""")


@dataclass
class Seen:
    """What one look at a project brought.

    Args:
        told: the facts that the project's own process reported.
        talk: what the clients of its server saw, where a server was asked for.
        log: what that server printed; its end, where it did not start.
        started: whether it started.
    """

    told: child.Told
    talk: talk.Talk = field(default_factory=talk.Talk)
    log: str = ""
    started: bool = False

    def fact(self, kind: str) -> dict[str, Any]:
        """One fact; empty where the project did not come that far."""
        return self.told.get(kind) or {}

    def failure(self, *stages: str) -> dict[str, Any] | None:
        """The first stage that raised, of ``stages`` or of all."""
        for event in self.told.all("failed"):
            if not stages or event["stage"] in stages:
                return event
        return self.told.get("hang")


def look(
    project: Path,
    *,
    served: bool = False,
    spoken: bool = False,
    python: Path | None = None,
) -> Seen:
    """Look at a project once.

    Args:
        project: the folder of ``manage.py``.
        served: whether to start its server as well, and try its doors.
        spoken: whether to talk to its consumer, too.
        python: the project's interpreter.
    """
    target = _guess(project) if served else None
    with ThreadPoolExecutor(1) as pool:
        facts = pool.submit(child.tell, project, "check", python=python)
        seen = None
        if target:
            with suppress(Refusal):
                seen = _serve(project, target, spoken, python)
        told = facts.result()
    named = (told.get("asgi") or {}).get("name")
    wanted = ":".join(str(named).rsplit(".", 1)) if named else None
    if served and wanted and wanted != target:
        seen = _serve(project, wanted, spoken, python)
    if seen is None:
        return Seen(told)
    seen.told = told
    return seen


def _guess(project: Path) -> str | None:
    """Where the application stands in most projects, to save the time of asking."""
    with suppress(OSError):
        named = _NAMED.search((project / "manage.py").read_text("utf-8", "replace"))
        package = named and named[1].partition(".")[0]
        if package and (project / package / "asgi.py").exists():
            return f"{package}.asgi:application"
    return None


def _serve(project: Path, target: str, spoken: bool, python: Path | None) -> Seen:
    argv = ["daphne", target]
    if python is not None:
        argv = [str(python), "-m", "daphne", "-p", "PORT", target]
    with servers.serving(argv, project) as server:
        seen = Seen(child.Told(), started=server.running)
        if seen.started:
            url = server.ws + PRACTICE
            seen.talk = talk.run(talk.doors(url, server.port, HOST))
            if spoken:
                talk.run(talk.dialogue(url, f"http://{HOST}", seen.talk))
        seen.log = server.log()
    return seen

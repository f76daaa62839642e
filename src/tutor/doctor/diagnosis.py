"""The diagnosis as a whole: find the project, copy it, look, judge."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from tutor.doctor import catalogue, copying, evidence, gathering, visiting
from tutor.doctor.answers import Client
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules import judge
from tutor.doctor.rules.browser import rendering, visited
from tutor.doctor.rules.found import Found
from tutor.doctor.texts import text_of
from tutor.report import Problem, Refusal

LIMIT = 24.0  # seconds after which no new question is asked
FIELDS = (
    "slug",
    "step",
    "severity",
    "title",
    "file",
    "line",
    "tried",
    "expected",
    "got",
    "cause",
    "cure",
    "reread",
)


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Args:
        findings: the problems, most likely first.
        step_reached: the last step of Part I whose promise the project keeps.
    """

    findings: list[Problem] = field(default_factory=list)
    step_reached: int | None = None

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return all(one.severity != "error" for one in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            "step_reached": self.step_reached,
            "ok": self.ok,
            "findings": [
                {name: getattr(one, name) for name in FIELDS} for one in self.findings
            ],
        }


def find_home(project: Path) -> Path:
    """The folder of ``manage.py``: the project's own, or the only one right below.

    Raises:
        Refusal: the path is no Django project.
    """
    if not project.is_dir():
        raise Refusal(f"{project} is no folder.")
    if (project / "manage.py").is_file():
        if _is_foreign(project):
            raise Refusal(f"{project} is no Django project: its manage.py is another.")
        return project
    below = [folder for folder in _folders(project) if _is_home(folder)]
    if len(below) == 1:
        return below[0]
    raise Refusal(f"{project} is no Django project: there is no manage.py in it.")


def _is_foreign(folder: Path) -> bool:
    """Whether a manage.py has nothing to do with Django, nor has what is beside it."""
    with suppress(OSError):
        text = text_of(folder / "manage.py").lower()
        settings = [*folder.glob("*/settings.py"), *folder.glob("*/settings/*.py")]
        return bool(text.strip("\0 \n")) and "django" not in text and not settings
    return False


def _is_home(folder: Path) -> bool:
    with suppress(OSError):
        text = text_of(folder / "manage.py")
        return "DJANGO_SETTINGS_MODULE" in text
    return False


def _folders(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        for entry in folder.iterdir():
            if entry.is_dir() and entry.name not in copying.SKIPPED:
                yield entry


def diagnose(
    project: Path,
    *,
    python: Path | None = None,
    aim: int = 0,
    given: Mapping[str, str] | None = None,
    visits: float = 0,
) -> Diagnosis:
    """Look at a project and name what is wrong with it; nothing in it changes.

    Args:
        project: the project's folder.
        python: its own interpreter; by default ours.
        aim: the step that it is meant to have reached, if that is known.
        given: variables for the environment that it is loaded and served in.
        visits: seconds, from the beginning, in which a browser uses its pages, where
            nothing else is wrong.

    Raises:
        Refusal: the path is no Django project.
    """
    project = project.resolve()
    home = find_home(project)
    began = time.monotonic()
    end = began + LIMIT
    with copying.copied(project) as copy, nothing_left() as left:
        run = copy / home.relative_to(project)
        seen = gathering.gather(project, home, run, python, end, left.mark, given)
        left.forked = seen.forked
        seen.aim = aim
        problems = [catalogue.problem(one) for one in judge(seen)]
        if visits and all(one.severity == "advice" for one in problems):
            in_use = _seen_in_use(seen, run, min(end, began + visits))
            problems += map(catalogue.problem, in_use)
    problems.sort(key=_order)
    return Diagnosis(problems, reached(seen))


def _seen_in_use(seen: Evidence, run: Path, end: float) -> list[Found]:
    """What a browser shows of the pages; where it fails itself, the rest holds."""
    try:
        visits, told = visiting.visited(seen, run, end)
        failed = [*rendering.rules(replace(seen, serve=told))]
        return failed or [*visited.rules(seen, visits)]
    except Exception as error:
        text = f"no page could be used: {type(error).__name__}: {error}"
        warnings.warn(text, RuntimeWarning, stacklevel=2)
        return []


def _order(one: Problem) -> int:
    """What does not work comes before what could be better, in the order of the rules.

    That nothing listens on this machine now is no mistake in the project's files.
    """
    if one.slug == "redis-server-not-running":
        return 2
    return {"error": 0, "warning": 1}.get(one.severity, 3)


def reached(seen: Evidence) -> int | None:
    """The last of steps 1 to 6 whose promise the project keeps."""
    commands = seen.look.all("command")
    owners = [b for c in commands if c["name"] == "runserver" for b in c["bases"]]
    websocket = "websocket" in (seen.walk.get("protocols") or {})
    consumers = [leaf for leaf in seen.leaves if leaf["is"] == "consumer"]
    kept = [
        bool(seen.settings) and not seen.failed(seen.look, "apps"),
        any(base.startswith("daphne.") for base in owners),
        bool(seen.settings.get("asgi")) and not seen.failed(seen.look, "asgi"),
        websocket and not seen.failed(seen.serve, "asgi"),
        bool(consumers),
        any(_is_answered(seen, client) for client in seen.answers.clients),
    ]
    number = next((n for n, holds in enumerate(kept) if not holds), len(kept))
    return number or None


def _is_answered(seen: Evidence, client: Client) -> bool:
    """Whether a client was let in, or refused by the project's own consumer."""
    return client.status == 101 or any(
        event["kind"] == "sent"
        and event.get("conn") == client.tag
        and event["type"] == "websocket.close"
        and seen.place(event["at"])[0] is not None
        for event in seen.serve.events
    )


@dataclass
class Left:
    """What tells the processes of one diagnosis from all others.

    Args:
        mark: the value of a variable in the environment of all that it starts.
        forked: processes that the project has forked.
    """

    mark: str
    forked: list[int] = field(default_factory=list)


@contextmanager
def nothing_left() -> Iterator[Left]:
    """End what the project has started and let go, such as daemons of its own."""
    began = time.time()
    left = Left(f"{os.getpid()}-{time.monotonic_ns()}")
    try:
        yield left
    finally:
        for process in psutil.process_iter(["pid", "create_time"]):
            with suppress(psutil.Error, OSError):
                if process.info["create_time"] < began - 1:
                    continue
                mark = process.environ().get(evidence.MARK)
                if mark == left.mark or process.pid in left.forked:
                    process.kill()

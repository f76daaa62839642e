"""Start a module of ``tutor.doctor.inside`` with a project's interpreter."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tutor import children

INSIDE = Path(__file__).parent / "inside"

# A package loaded by its place, so that no folder of ours is on the path of the
# project and no name of ours hides one of its modules.
BOOT = """
import sys, importlib.util as u
from importlib import import_module
s = u.spec_from_file_location("_tutor_inside", {init!r}, submodule_search_locations=[{home!r}])
m = u.module_from_spec(s); sys.modules["_tutor_inside"] = m; s.loader.exec_module(m)
import_module("_tutor_inside.report").open_out({out!r})
import_module("_tutor_inside.{module}").main({arguments!r})
"""

Event = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What a child said: its events, its output, how it ended."""

    events: list[Event] = field(default_factory=list)
    out: str = ""
    code: int | None = None
    timed_out: bool = False

    def all(self, kind: str) -> list[Event]:
        """The events of one kind."""
        return [event for event in self.events if event["kind"] == kind]

    def get(self, kind: str) -> Event | None:
        """The last event of one kind."""
        found = self.all(kind)
        return found[-1] if found else None


def command(python: Path | None, module: str, out: Path, *arguments: Any) -> list[str]:
    """The command line that runs ``inside/<module>.py``."""
    boot = BOOT.format(
        init=str(INSIDE / "__init__.py"),
        home=str(INSIDE),
        out=str(out),
        module=module,
        arguments=list(arguments),
    )
    return [str(python or sys.executable), "-c", boot]


def events(out: Path) -> list[Event]:
    """What has been reported so far; a line that is still being written is left."""
    if not out.exists():
        return []
    text = out.read_text(encoding="utf-8", errors="replace")
    return [json.loads(line) for line in text.split("\n")[:-1] if line]


@contextmanager
def report_file() -> Iterator[Path]:
    """A file for a child's report."""
    with tempfile.TemporaryDirectory(prefix="tutor-") as folder:
        yield Path(folder) / "report.jsonl"


def tell(
    project: Path,
    module: str,
    *arguments: Any,
    python: Path | None = None,
    timeout: float = 10,
    extra: Mapping[str, str] | None = None,
) -> Told:
    """Run a module in the project's interpreter to its end.

    Args:
        project: the folder of ``manage.py``.
        module: the stem of a file in ``inside/``.
        arguments: what its ``main`` is given, as one list.
        python: the project's interpreter; by default ours.
        timeout: seconds after which it is ended.
        extra: variables for its environment.
    """
    with report_file() as out:
        argv: Sequence[str] = command(python, module, out, *arguments)
        result = children.run(argv, project, timeout, extra)
        return Told(events(out), result.out, result.code, result.timed_out)

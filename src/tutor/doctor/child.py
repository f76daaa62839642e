"""Start a module of ``tutor.doctor.inside`` with a project's interpreter."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import py_compile
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from tutor.children import FIRST_FD, LIMIT, Child

INSIDE = Path(__file__).parent / "inside"

# A package loaded by its place, so that no folder of ours is on the path of the
# project and no name of ours hides one of its modules, nor one of its names ours:
# what it hides of the library it is to find hidden, so we forget what we imported.
BOOT = """
import os, sys
before, path = set(sys.modules), sys.path[:]
sys.path[:] = [p for p in path if p not in ("", os.getcwd())]
import importlib.util as u
from importlib import import_module
s = u.spec_from_file_location(
    "_tutor_inside", {init!r}, submodule_search_locations=[{home!r}])
m = u.module_from_spec(s); sys.modules["_tutor_inside"] = m; s.loader.exec_module(m)
import_module("_tutor_inside.report").open_out({out!r})
main = import_module("_tutor_inside.{module}").main
sys.path[:] = path
own = {{name.partition(".")[0] for name in os.listdir()}}
for name in set(sys.modules) - before:
    if name.partition(".")[0] in own - {{"_tutor_inside"}}:
        del sys.modules[name]
main({arguments!r})
"""


def _is_fresh(path: Path) -> bool:
    made = Path(cache_from_source(str(path)))
    return made.exists() and made.stat().st_mtime > path.stat().st_mtime


@cache
def compiled() -> Path:
    """The folder of our modules, compiled: a child of ours writes no bytecode."""
    for path in INSIDE.glob("*.py"):
        with suppress(OSError):
            if not _is_fresh(path):
                py_compile.compile(str(path), quiet=1)
    return INSIDE


Event = dict[str, Any]
Ear = tuple[asyncio.AbstractEventLoop, asyncio.Event]
MOST = 20_000  # events that are kept of one child
NAP = 0.1  # seconds


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


class Drained(Child):
    """A child whose output is read in large pieces, however much it prints."""

    def _read(self) -> None:
        stream: Any = self._process.stdout
        pieces = iter(partial(stream.buffer.read1, 1 << 20), b"")
        for piece in pieces:
            if self._size < LIMIT:
                with self._news:
                    self._kept.append(
                        piece[: LIMIT - self._size].decode("utf-8", "replace")
                    )
                    self._size += len(piece)
        with self._news:
            self._closed = True
            self._news.notify_all()


class Live:
    """A child that reports while it runs.

    Args:
        project: the folder of ``manage.py``.
        module: the stem of a file in ``inside/``.
        arguments: what its ``main`` is given, as one list.
        python: the project's interpreter; by default ours.
        cold: start a new interpreter, where a forked one would do.
        pass_fds: descriptors it inherits, from FIRST_FD on.
        extra: variables for its environment.
    """

    def __init__(
        self,
        project: Path,
        module: str,
        arguments: Sequence[Any] = (),
        *,
        python: Path | None = None,
        cold: bool = False,
        pass_fds: Sequence[int] = (),
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.events: list[Event] = []
        self._news = threading.Condition()
        self._ears: set[Ear] = set()  # coroutines that wait for news
        self._closed = False
        reading, low = os.pipe()
        writing = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, FIRST_FD)
        os.close(low)
        boot = BOOT.format(
            init=str(compiled() / "__init__.py"),
            home=str(INSIDE),
            out=writing,
            module=module,
            arguments=list(arguments),
        )
        # A flag that changes nothing for us, and that no warm process understands.
        flags = ["-u"] if cold else []
        argv = [str(python or sys.executable), *flags, "-c", boot]
        self.child = Drained(argv, project, (writing, *pass_fds), extra)
        os.close(writing)
        self._thread = threading.Thread(target=self._read, args=(reading,), daemon=True)
        self._thread.start()

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                with suppress(ValueError):
                    event = json.loads(line)
                    with self._news:
                        if len(self.events) < MOST:
                            self.events.append(event)
                        self._tell()
        with self._news:
            self._closed = True
            self._tell()

    def _tell(self) -> None:
        self._news.notify_all()
        for loop, ear in self._ears:
            with suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(ear.set)

    def wait_for(self, seen: Callable[[Event], bool], timeout: float) -> Event | None:
        """The first event, past or coming, that satisfies ``seen``."""
        left, looked = timeout, 0
        with self._news:
            while True:
                for event in self.events[looked:]:
                    if seen(event):
                        return event
                looked = len(self.events)
                if self._closed or left <= 0:
                    return None
                began, nap = time.monotonic(), min(left, NAP)
                self._news.wait(nap)
                # Of a machine that stands still no more than a nap is counted.
                left -= min(time.monotonic() - began, nap)

    async def heard(
        self, seen: Callable[[Event], bool], patience: float
    ) -> Event | None:
        """The same, for a coroutine; a thread for each would be waited for in turn."""
        left, looked = patience, 0
        ear = asyncio.get_running_loop(), asyncio.Event()
        with self._news:
            self._ears.add(ear)
        try:
            while True:
                ear[1].clear()
                with self._news:
                    events, closed = self.events[looked:], self._closed
                if found := next(filter(seen, events), None):
                    return found
                looked += len(events)
                if closed or left <= 0:
                    return None
                began, nap = time.monotonic(), min(left, NAP)
                with suppress(TimeoutError):
                    async with asyncio.timeout(nap):
                        await ear[1].wait()
                left -= min(time.monotonic() - began, nap)
        finally:
            with self._news:
                self._ears.discard(ear)

    def starved(self) -> float:
        """Seconds for which it could have run, and no processor was free.

        0 before it was ready, after its end, and where nobody counts (proc(5), Linux).
        """
        with self._news:
            ready = next((e for e in self.events if e["kind"] == "ready"), None)
        if ready is None:
            return 0.0
        try:
            counted = Path(f"/proc/{ready['pid']}/schedstat").read_text("ascii")
            return int(counted.split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            return 0.0

    def told(self, timed_out: bool = False) -> Told:
        """What it has said so far."""
        with self._news:
            return Told(
                list(self.events), self.child.text, self.child.poll(), timed_out
            )

    def finish(self, timeout: float) -> Told:
        """Wait for its end, at most ``timeout`` seconds, and end it then."""
        timed_out = False
        try:
            self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
        self.stop()
        return self.told(timed_out)

    def stop(self) -> None:
        """End it and everything it has started; safe to repeat."""
        self.child.stop(grace=0)
        self._thread.join(1)


def tell(
    project: Path,
    module: str,
    *arguments: Any,
    python: Path | None = None,
    timeout: float = 10,
    extra: Mapping[str, str] | None = None,
) -> Told:
    """Run a module in the project's interpreter to its end; see ``Live``."""
    live = Live(project, module, arguments, python=python, extra=extra)
    return live.finish(timeout)

"""A crowd: many clients of one server, and what they cost it.

The clients live in a process of their own (`tutor.crowd_child`).  What is asked of
the server's process are seconds of the processor and memory, which other work on the
machine changes far less than it changes the time on a clock.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tutor import children
from tutor.report import Refusal
from tutor.servers import HOST, Server

SCRIPT = Path(__file__).with_name("crowd_child.py")
OPENING = 0.1  # seconds that a handshake may take on a busy machine
SECONDS = 30  # for one reading to reach them all


@dataclass(frozen=True)
class Heard:
    """A reading that all have received: when the first and the last one had it."""

    first: float
    last: float


@dataclass
class Crowd:
    """Clients that are connected."""

    child: children.Child
    count: int
    seen: int = 0  # readings that were waited for

    def next(self, seconds: float = SECONDS) -> Heard:
        """Wait until the next reading has reached every one of them.

        Raises:
            Refusal: it has not.
        """
        end = time.monotonic() + seconds
        while len(lines := self._lines()) <= self.seen:
            if self.child.ended or time.monotonic() > end:
                raise Refusal(self._why("A reading did not reach all clients"))
            self.child.wait_news(0.5)
        self.seen += 1
        found = lines[self.seen - 1]
        return Heard(found["first"], found["last"])

    def ready(self) -> None:
        """Wait until all are connected.

        Raises:
            Refusal: they are not.
        """
        wait = 20 + OPENING * self.count
        if not self.child.wait_for(lambda out: "ready" in out, wait):
            raise Refusal(self._why("Not all clients could connect"))

    def _lines(self) -> list[dict[str, Any]]:
        text = self.child.text
        whole = text[: text.rfind("\n") + 1].splitlines()
        return [json.loads(line) for line in whole if line.startswith('{"first"')]

    def _why(self, what: str) -> str:
        said = self.child.text.strip().splitlines()
        ends = f"; it ends:\n{said[-1][-300:]}" if said else "."
        return f"{what} ({self.count} of them){ends}"


@contextmanager
def crowd(
    server: Server,
    count: int,
    cookies: Sequence[str] = (),
    path: str = "/ws/readings/",
    deaf: bool = False,
) -> Iterator[Crowd]:
    """Connect some clients; they leave at the end.

    Args:
        server: whose clients they are.
        count: how many.
        cookies: the value of a header for each of some sessions, taken in turn.
        path: of the socket.
        deaf: whether they leave unread what comes.

    Raises:
        Refusal: not all of them could connect.
    """
    orders = {
        "host": HOST,
        "port": server.port,
        "path": path,
        "count": count,
        "cookies": list(cookies),
        "deaf": deaf,
    }
    argv = ["python", "-P", str(SCRIPT), json.dumps(orders)]
    child = children.Child(argv, Path("/"))
    try:
        one = Crowd(child, count)
        one.ready()
        yield one
    finally:
        child.stop(grace=0)


def _processes(server: Server) -> list[psutil.Process]:
    """Those of the server's group; its guard costs nothing."""
    found = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError, psutil.Error):
            if os.getpgid(pid) == server.child.pid:
                found.append(psutil.Process(pid))
    return found


def work(server: Server) -> float:
    """Seconds of the processor that a server has used so far."""
    total = 0.0
    for process in _processes(server):
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


@contextmanager
def on_one_core(servers: Sequence[Server]) -> Iterator[None]:
    """Let some servers take turns at one core, so that their work can be compared.

    Two threads of a core slow each other down: what a server does takes more seconds
    of the processor while another one works beside it, up to twice as many.  On
    systems other than Linux nothing is different.
    """
    before: dict[int, set[int]] = {}
    if sys.platform == "linux":
        core = max(os.sched_getaffinity(0))
        for process in (one for server in servers for one in _processes(server)):
            with suppress(OSError):
                before[process.pid] = os.sched_getaffinity(process.pid)
                os.sched_setaffinity(process.pid, {core})
    try:
        yield
    finally:
        for pid, cores in before.items():
            with suppress(OSError):
                os.sched_setaffinity(pid, cores)


def starving(server: Server) -> Callable[[], float]:
    """A watch that says, each time, for how long a server or we had no processor.

    Those are the seconds since it was asked last, of whoever waited longer: the two
    may have waited at the same time.  0 on systems other than Linux, where nobody
    counts them.
    """
    pids = [os.getpid(), *(process.pid for process in _processes(server))]
    before = dict.fromkeys(pids, 0.0)

    def ask() -> float:
        most = 0.0
        for pid in pids:
            with suppress(OSError, IndexError, ValueError):
                told = Path(f"/proc/{pid}/schedstat").read_text().split()
                now = int(told[1]) / 1e9
                most = max(most, now - before[pid])
                before[pid] = now
        return most

    ask()
    return ask


def memory(server: Server) -> int:
    """Bytes of memory that a server holds."""
    total = 0
    for process in _processes(server):
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total

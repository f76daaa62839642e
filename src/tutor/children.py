"""Every child process of ours: a clean environment, and an end with its parent.

A child runs in a session of its own, so that the Stop button of Jupyter, which
signals the kernel's whole process group, does not hit it.  Beside it stands a
guard that holds the reading end of a pipe.  Only the parent holds the writing
end: when the parent goes, in whatever way, the guard reads the end of the file
and ends the child's whole group.  That is all POSIX, and survives ``kill -9``.
"""

from __future__ import annotations

import io
import json
import os
import selectors
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tutor import warm
from tutor.report import Refusal
from tutor.surroundings import env as env
from tutor.warm import Nursery, WarmProcess, understood
from tutor.warm.commands import set_variables

# $@ is the command.  The first subshell waits for the end of the pipe; the rest
# waits for the command and then ends whatever it left behind in its group.
# 9 is the highest descriptor a POSIX shell can name; what a child inherits from
# us lies above it (FIRST_FD), so the two never meet.  The trap comes first: a guard
# that ends at a TERM before its command does has nobody wait for the command's last
# words.  What it starts has no trap, by POSIX.
GUARD = """
trap : TERM
exec 9<&0 </dev/null
"$@" 9<&- & child=$!
(cat <&9; trap '' TERM; kill -TERM 0; sleep 2; kill -KILL 0) >/dev/null 2>&1 &
exec 9<&- 2>/dev/null
wait "$child"; status=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; status=$?; done
trap '' TERM; kill -TERM 0
exit "$status"
"""

FIRST_FD = 10
Process = subprocess.Popen[Any] | WarmProcess

LIMIT = 400_000  # characters of output that are kept; a flood is not a lesson


class Child:
    """A running process whose output is collected, line by line, as it comes.

    Args:
        argv: the command.
        cwd: the folder it runs in.
        pass_fds: file descriptors it inherits, from FIRST_FD on.
        extra: variables for its environment.
    """

    def __init__(
        self,
        argv: Sequence[str],
        cwd: Path,
        pass_fds: Sequence[int] = (),
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.argv = list(argv)
        self._kept: list[str] = []
        self._size = 0
        self._news = threading.Condition()
        self._closed = False
        self._process = _popen(argv, cwd, pass_fds, extra)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The guard's process id, which is also that of the group."""
        return self._process.pid

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.poll()

    @property
    def ended(self) -> bool:
        """Whether it has ended, or is about to: its output is closed."""
        with self._news:
            return self._closed or self.poll() is not None

    @property
    def text(self) -> str:
        """What it has printed so far, standard error included."""
        with self._news:
            return "".join(self._kept)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in iter(partial(self._process.stdout.readline, LIMIT), ""):
            with self._news:
                if self._size < LIMIT:
                    self._kept.append(line[: LIMIT - self._size])
                    self._size += len(self._kept[-1])
                self._news.notify_all()
        with self._news:
            self._closed = True
            self._news.notify_all()

    def wait_for(self, seen: Callable[[str], bool], timeout: float = 10) -> bool:
        """Wait until its output satisfies ``seen``; False if that never happens.

        Args:
            seen: is given the whole output after each new line.
            timeout: seconds.
        """
        end = time.monotonic() + timeout
        with self._news:
            while not seen("".join(self._kept)):
                left = end - time.monotonic()
                if self._closed or left <= 0:
                    return seen("".join(self._kept))
                self._news.wait(left)
        return True

    def wait_news(self, timeout: float) -> None:
        """Wait for the next line, for the end of the output, or ``timeout`` s."""
        with self._news:
            if not self._closed:
                self._news.wait(timeout)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; the exit status.

        Raises:
            subprocess.TimeoutExpired: it is still running.
        """
        status = self._process.wait(timeout)
        self._reader.join(2)
        return status

    def stop(self, grace: float = 5) -> None:
        """End it, politely at first, and everything it has started."""
        _end_group(self._process, grace)
        self._reader.join(2)


@dataclass(frozen=True)
class Result:
    """How a command ended: its status, its output, whether the limit ended it."""

    argv: tuple[str, ...]
    code: int
    out: str
    timed_out: bool = False

    @property
    def printed(self) -> Any:
        """What it printed as JSON, the last of it; None if nothing.

        What is logged at the end of a process comes after what it has printed.
        """
        for line in reversed(self.out.splitlines()):
            with suppress(ValueError):
                return json.loads(line)
        return None


def run(
    argv: Sequence[str],
    cwd: Path,
    timeout: float = 30,
    extra: Mapping[str, str] | None = None,
) -> Result:
    """Run a command to its end; standard error is part of the output.

    Args:
        argv: the command.
        cwd: the folder it runs in.
        timeout: seconds, after which the whole group is ended.
        extra: variables for its environment.
    """
    process = _popen(argv, cwd, (), extra, text=False)
    assert process.stdout is not None
    chunks: list[bytes] = []
    size, end, timed_out = 0, time.monotonic() + timeout, False
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, end - time.monotonic())):
                timed_out = True
                break
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                break
            if size < LIMIT:
                chunks.append(chunk)
            size += len(chunk)
    with suppress(subprocess.TimeoutExpired):
        if not timed_out:
            process.wait(max(0.1, end - time.monotonic()))
    _end_group(process, 0 if timed_out else 1)
    out = b"".join(chunks)[:LIMIT].decode("utf-8", "replace")
    return Result(tuple(argv), process.wait(), out, timed_out)


def run_inside(
    code: str,
    project: Path,
    timeout: float = 30,
    extra: Mapping[str, str] | None = None,
    python: Path | None = None,
) -> Result:
    """Run Python inside a project, in a process of its own, with Django set up.

    Args:
        code: what is run; ``await`` works at its top level.
        project: the folder of ``manage.py``.
        timeout: seconds, after which the whole group is ended.
        extra: variables for its environment.
        python: the project's interpreter; by default ours.
    """
    runner = Path(__file__).with_name("project_cell.py")
    with tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as file:
        file.write(code)
        file.flush()
        argv = [str(python or "python"), "-P", str(runner), file.name]
        return run(argv, project, timeout, extra)


def _popen(
    argv: Sequence[str],
    cwd: Path,
    pass_fds: Sequence[int],
    extra: Mapping[str, str] | None,
    text: bool = True,
) -> Process:
    if not Path(cwd).is_dir():
        raise Refusal(
            f"The folder {cwd} is gone, so {shlex.join(argv)} can't run in it."
        )
    assert all(fd >= FIRST_FD for fd in pass_fds), pass_fds
    wanted = env(**(extra or {}))
    argv = set_variables(wanted, argv)
    nursery = warmed() if understood(argv) else None
    if nursery is not None:
        with suppress(OSError):
            process = nursery.start(argv, cwd, pass_fds, wanted)
            if text and process.stdout is not None:
                process.stdout = io.TextIOWrapper(process.stdout, "utf-8", "replace")
            return process
    return subprocess.Popen(
        ["/bin/sh", "-c", GUARD, "guard", *argv],
        cwd=cwd,
        env=wanted,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=pass_fds,
        start_new_session=True,
        text=text,
        encoding="utf-8" if text else None,
        errors="replace" if text else None,
    )


_nursery: Nursery | None = None
lender: Callable[[Mapping[str, str]], Nursery | None] = Nursery.inherited
_one_at_a_time = threading.Lock()


def warmed() -> Nursery | None:
    """The process our Python children are forked from, started at the first call.

    None where children start cold: on systems other than Linux, and where
    ``TUTOR_COLD`` is set.
    """
    global _nursery
    if not warm.possible():
        return None
    with _one_at_a_time:
        if _nursery is None or not _nursery.usable:
            _nursery = lender(env()) or Nursery(env())
        return _nursery


def _end_group(process: Process, grace: float) -> None:
    """End a guard's group: TERM, then KILL after ``grace`` seconds."""
    group = process.pid
    if process.poll() is None and grace:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()

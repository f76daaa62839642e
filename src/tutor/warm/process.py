"""A forked child: not ours to wait for, so a pipe tells how it ended."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import weakref
from collections.abc import Sequence
from typing import IO, Any


class WarmProcess:
    """A forked child, with the part of ``subprocess.Popen`` that we use."""

    def __init__(
        self, argv: Sequence[str], pid: int, stdin: int, stdout: int | None, status: int
    ) -> None:
        self.pid = pid
        self.stdin: IO[bytes] = open(stdin, "wb", 0)  # noqa: SIM115
        self.stdout: IO[Any] | None = None
        if stdout is not None:
            self.stdout = open(stdout, "rb")  # noqa: SIM115
        self.returncode: int | None = None
        self._argv = list(argv)
        self._status = status
        self._lock = threading.Lock()
        # Not sooner: another thread may be waiting on it.
        weakref.finalize(self, os.close, status)

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; the exit status, as a shell would tell it.

        Raises:
            subprocess.TimeoutExpired: it is still running.
        """
        poller = select.poll()
        poller.register(self._status, select.POLLIN)
        milliseconds = None if timeout is None else timeout * 1000
        if self.returncode is None and not poller.poll(milliseconds):
            raise subprocess.TimeoutExpired(self._argv, timeout or 0)
        with self._lock:
            if self.returncode is None:
                said = os.read(self._status, 16)
                # Nothing said: its guard was killed, and it with its guard.
                self.returncode = int(said) if said else -signal.SIGKILL
            return self.returncode

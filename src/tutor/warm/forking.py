"""Our side of a nursery: begin it, have children forked, lend it to others of ours."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from tutor.warm.commands import hides_a_library, script_of, settings_of
from tutor.warm.libraries import LATER, PROJECT
from tutor.warm.process import WarmProcess

HANDED_DOWN = "TUTOR_NURSERY"  # in the environment of a process that has one
NURSERY, WHOLE = "nursery", "whole nursery"  # as in nursery.py
NO_MORE = "--"  # as in nursery.py: what follows can wait
PATIENCE = 30  # seconds in which the nursery must have imported and answered
LONGEST = 100_000  # bytes of a request; a longer one might not pass the socket


class Nursery:
    """The process that children are forked from.

    Args:
        env: its environment; a child may have another one.
        libraries: the modules to have in memory.
        later: those to import while nobody asks for anything.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        libraries: Sequence[str] = PROJECT,
        later: Sequence[str] = LATER,
    ) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._begin(env)
        script = Path(__file__).with_name("nursery.py")
        with theirs:
            # Streams of the kind that children have, since these inherit its objects.
            self._process = subprocess.Popen(
                [
                    *(sys.executable, str(script), str(theirs.fileno())),
                    *(*libraries, NO_MORE, *later),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(env),
                start_new_session=True,
            )
        self.pid = self._process.pid

    def _begin(self, env: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._settings = settings_of(env)
        self._control.settimeout(PATIENCE)

    @classmethod
    def inherited(cls, env: Mapping[str, str]) -> Nursery | None:
        """The one that whoever started us has handed down (``lend``), if any."""
        handed = os.environ.pop(HANDED_DOWN, "")
        return cls.lent(int(handed), env) if handed else None

    @classmethod
    def lent(cls, fd: int, env: Mapping[str, str]) -> Nursery | None:
        """The one at the other end of a socket, if it is still there.

        Args:
            fd: the socket's number, as ``lend`` made it elsewhere.
            env: the environment that it has.
        """
        new = cls.__new__(cls)
        new._control = socket.socket(fileno=fd)
        new._begin(env)
        with contextlib.suppress(OSError, ValueError):
            new.pid = int(new._control.recv(64))
            return new
        return None  # it ended before it could say who it is

    def lend(self, whole: bool = False) -> socket.socket:
        """Fork a nursery for another process of ours that forks children itself.

        It need not have imported anything yet: who has it waits for it, at its first.

        Args:
            whole: import first what can wait, for more than one will want it.

        Returns:
            A socket that the child inherits; the number by which it does so is to stand
            in its environment as ``HANDED_DOWN``.

        Raises:
            OSError: the nursery is gone.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, self._lock:
            if not self.usable:
                raise OSError("the nursery is gone")
            kind = WHOLE if whole else NURSERY
            socket.send_fds(
                self._control, [json.dumps(kind).encode()], [theirs.fileno()]
            )
        return ours

    @property
    def usable(self) -> bool:
        """False in a forked copy of ourselves, and once it has ended."""
        return os.getpid() == self._owner and not self._ended(0)

    def _ended(self, timeout: float | None) -> bool:
        """Whether it has ended, or does within some milliseconds; None: wait."""
        poller = select.poll()  # which threads can't share
        poller.register(self._control, 0)  # the end is told unasked
        return bool(poller.poll(timeout))

    def start(
        self,
        argv: Sequence[str],
        cwd: Path,
        pass_fds: Sequence[int],
        env: Mapping[str, str],
        stdout: int | None = None,
    ) -> WarmProcess:
        """Fork a child that runs ``argv``.

        Args:
            argv: the command.
            cwd: its folder.
            pass_fds: descriptors that it gets, by these numbers.
            env: its environment.
            stdout: where its output goes; left out, through a pipe to us.

        Raises:
            OSError: it takes an interpreter of its own, or the nursery is gone.
        """
        script = script_of(argv)
        if script is not None:
            with open(Path(cwd, script), "rb"):
                pass  # otherwise the interpreter has its own words for it
        folders = {cwd}
        if script is not None and "-P" not in argv[:2]:  # which leaves it out
            folders.add(Path(cwd, script).parent)
        if any(map(hides_a_library, folders)):
            raise OSError("a module in this folder is to come before the library's")
        if settings_of(env) != self._settings:
            raise OSError("the interpreter is to start with other settings")
        asked = {"argv": [*argv], "cwd": str(cwd), "env": dict(env), "fds": [*pass_fds]}
        message = json.dumps(asked).encode()
        if len(message) > LONGEST:
            raise OSError("too long a command, or too large an environment")
        their_stdin, stdin = os.pipe()
        ours, their_stdout = os.pipe() if stdout is None else (None, os.dup(stdout))
        status, their_status = os.pipe()
        theirs = [their_stdin, their_stdout, their_status]
        try:
            pid = self._ask(message, [*theirs, *pass_fds])
        except BaseException:
            for fd in (stdin, ours, status):
                if fd is not None:
                    os.close(fd)
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        return WarmProcess(argv, pid, stdin, ours, status)

    def _ask(self, message: bytes, fds: Sequence[int]) -> int:
        """Send a request; the process that answered it."""
        with self._lock:
            if not self.usable:
                raise OSError("the nursery is gone")
            try:
                socket.send_fds(self._control, [message], fds)
                return int(self._control.recv(64))
            except BaseException as error:
                # Interrupted, or too slow: its answer would be taken for the next one.
                os.kill(self.pid, signal.SIGKILL)
                self._ended(None)
                if isinstance(error, ValueError):  # it ended without an answer
                    raise OSError("the nursery is gone") from error
                raise

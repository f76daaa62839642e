"""A real server for a cell or a check: Daphne or ``runserver``, as a child.

No port is ever guessed.  Daphne is handed a socket on which this process
already listens (``--fd``), so a client may connect before Daphne is up.  Other
commands get the number of a port which this process holds, bound but not
listening: the system gives it to nobody else, and lets the child bind it again.
"""

from __future__ import annotations

import fcntl
import re
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tutor.children import FIRST_FD, Child
from tutor.report import Refusal
from tutor.sites import HOST as HOST


class Server:
    """A server that is starting or running.

    Args:
        argv: the command as one would type it, without a port: ``daphne
            webapp.asgi:application`` or ``python manage.py runserver``.
        cwd: the project's folder.
        extra: variables for its environment; PORT in one is the server's port.
        port: a port to listen on, for people who want a fixed one; 0 picks one.

    Raises:
        Refusal: the wanted port is taken.
    """

    def __init__(
        self,
        argv: Sequence[str],
        cwd: Path,
        extra: Mapping[str, str] | None = None,
        port: int = 0,
    ) -> None:
        self.shown = " ".join(argv)
        self._argv, self._cwd = list(argv), cwd
        self._listens = argv[0] == "daphne"
        self._held = hold(port)
        self.port: int = self._held.getsockname()[1]
        named = (extra or {}).items()
        self._extra = {k: v.replace("PORT", str(self.port)) for k, v in named}
        self.child = self._start()

    def _start(self) -> Child:
        fds: tuple[int, ...] = ()
        command = list(self._argv)
        if self._listens:
            self._held.listen(1024)
            fds = (self._held.fileno(),)
            command[1:1] = ["--fd", str(fds[0])]
        elif "runserver" in command:
            command += ["--noreload", f"{HOST}:{self.port}"]
        else:
            command = [part.replace("PORT", str(self.port)) for part in command]
        if command[0] == "python":
            command[0] = sys.executable
        child = Child(command, self._cwd, fds, self._extra)
        if self._listens:
            self._held.close()
        return child

    @property
    def url(self) -> str:
        """Where its pages are, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    @property
    def ws(self) -> str:
        """Where its sockets are, without a slash at the end."""
        return f"ws://{HOST}:{self.port}"

    @property
    def tls(self) -> None:
        """It speaks in the clear; what encrypts stands before it."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """A browser finds its address without being told."""
        return ()

    def called(self, path: str, scheme: str = "http") -> str:
        """A path as it is: the port before it differs from run to run."""
        return path

    @property
    def running(self) -> bool:
        """False as soon as it has closed its output, which is how it ends."""
        return not self.child.ended

    def ready(self, timeout: float = 20) -> bool:
        """Wait until it answers; False if it ended instead.

        Raises:
            Refusal: neither happened within ``timeout`` seconds.
        """
        end = time.monotonic() + timeout
        if self._listens:
            # Its socket takes connections already, so only its word counts.
            if self.child.wait_for(lambda out: "Listening on" in out, timeout):
                return True
        else:
            while self.running and time.monotonic() < end:
                if _answers(self.port):
                    return True
                # Refused: it is not there yet.  The next line it prints is the
                # soonest moment at which that may have changed.
                self.child.wait_news(0.02)
        if not self.child.ended:
            raise Refusal(
                f"{self.shown} is neither ready nor gone after {timeout:g} s.\n"
                f"Its output ends:\n{self.child.text[-1500:]}"
            )
        self.child.wait_for(lambda out: False, 2)  # read to its end, which is near
        return False

    def log(self) -> str:
        """What it has printed, without times, ports and peers."""
        return tidy(self.child.text, self.port)

    def pause(self, grace: float = 5) -> None:
        """End it and keep its port, where nobody answers until `again`.

        Args:
            grace: seconds in which it may end politely; 0 kills it.
        """
        if self.running:
            self.child.stop(grace)
            if self._listens:
                self._held = hold(self.port)

    def again(self) -> None:
        """Start it anew on the port it had, with a new log."""
        self.pause()
        self.child = self._start()

    def stop(self) -> None:
        """End it; safe to repeat."""
        self.child.stop()
        self._held.close()

    def __repr__(self) -> str:
        return f"<{self.shown}: {'running' if self.running else 'stopped'}>"


@contextmanager
def serving(
    argv: Sequence[str], cwd: Path, extra: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server for the time of a ``with`` block, ready or already ended."""
    server = Server(argv, cwd, extra)
    try:
        server.ready()
        yield server
    finally:
        server.stop()


_TIDY = (
    # how long a socket was open, in a line of ours
    (re.compile(r'(\bseconds[=": ]+)[\d.]+'), r"\1[...]"),
    (re.compile(r'("at": ")[^"]+'), r"\1[...]"),
    # Daphne: "2026-11-22 15:16:11,123 INFO     Starting ..."
    (re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ ", re.M), ""),
    # Daphne: '127.0.0.1:40000 - - [22/Nov/2026:15:16:11] "GET / " 200 12068'
    (re.compile(r'^127\.0\.0\.1:\d+ - - \[[^]]*\] "([^"]*?) *"', re.M), r"\1"),
    # Django: '[22/Nov/2026 15:16:11] "GET / HTTP/1.1" 200 12068'
    (re.compile(r'^\[\d\d/\w+/\d{4} [\d:]+\] "([^"]*)"', re.M), r"\1"),
    # runserver under Daphne: 'WebSocket REJECT /ws/whole1/ [127.0.0.1:40000]'
    (re.compile(r" \[127\.0\.0\.1:\d+\]"), ""),
    # asyncio's and Daphne's own descriptions of what took too long to leave
    (re.compile(r"<Task \w+ name=.*?>>(?= for connection)"), "<Task [...]>"),
    (re.compile(r"client=\['127\.0\.0\.1', \d+\]"), "client=[...]"),
)


def tidy(text: str, port: int | None = None) -> str:
    """What a child printed, with what differs from run to run taken out.

    Args:
        text: its output.
        port: what a server listens on; shown as PORT.
    """
    for pattern, plain in _TIDY:
        text = pattern.sub(plain, text)
    return text if port is None else text.replace(str(port), "PORT")


def hold(port: int = 0) -> socket.socket:
    """A socket that is bound and does not listen; a child may inherit it.

    Args:
        port: the one to take; 0 picks one.

    Raises:
        Refusal: the wanted port is taken, or is not for everybody.
    """
    with socket.socket() as low:
        high = fcntl.fcntl(low.fileno(), fcntl.F_DUPFD_CLOEXEC, FIRST_FD)
    held = socket.socket(fileno=high)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((HOST, port))
        if port and _answers(port):
            raise OSError("taken")
    except PermissionError:
        held.close()
        raise Refusal(
            f"You may not open port {port}; below 1024 only an administrator may.\n"
            f"Choose another port: PORT={8000 + port % 1000}"
        ) from None
    except OSError:
        held.close()
        raise Refusal(
            f"Port {port} is taken: another program is listening on it.\n"
            f"End that program, or choose another port: PORT={port + 1}"
        ) from None
    return held


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0

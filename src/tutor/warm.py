"""Warm Python: children forked from a process that has the libraries in memory.

Nine tenths of what ``python manage.py check`` takes is importing Django, Twisted
and autobahn, and a course starts Python some sixty times.  So one process imports
them once and waits; each child is forked from it and runs its own command, its own
settings, its own project.  Nothing that belongs to a project, no model and no event
loop is imported beforehand, so what a project does wrong, it still does wrong.

Linux only; elsewhere, and with ``TUTOR_COLD=1``, every child starts cold.  Between
the two nothing differs but the time (``tests/test_warm.py``).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

LIBRARIES = """
    argparse ast asyncio ctypes importlib.metadata inspect json linecache queue sqlite3
    tempfile wsgiref.simple_server zoneinfo
    django django.apps django.conf django.contrib.auth django.contrib.messages
    django.contrib.messages.storage.fallback django.contrib.sessions.backends.db
    django.contrib.admin.options django.contrib.staticfiles.handlers
    django.core.asgi django.core.wsgi django.core.handlers.asgi django.core.management
    django.core.management.commands.check django.core.management.commands.runserver
    django.core.management.commands.startapp
    django.core.management.commands.startproject django.core.servers.basehttp
    django.db.backends.sqlite3.base django.db.migrations.executor django.forms
    django.template.backends.django django.template.loader_tags
    django.template.defaulttags django.template.defaultfilters django.test.client
    django.urls django.utils.autoreload django.views.debug django.views.defaults
    asgiref.server asgiref.local asgiref.sync channels.auth channels.consumer
    channels.exceptions channels.generic.websocket channels.layers channels.routing
    channels.security.websocket channels.sessions channels.db
    twisted.internet.asyncioreactor twisted.internet.defer twisted.internet.endpoints
    twisted.internet.tcp twisted.internet.ssl twisted.protocols.tls twisted.web.http
    twisted.logger twisted.python.log autobahn.websocket.protocol autobahn.websocket.types
    websockets.sync.client
""".split()
# Loops belong to the process that runs them; see `daphne.server`, which makes its
# own as soon as it is imported.
_NEVER = ("twisted.internet.reactor", "daphne.server")


class WarmProcess:
    """A forked child, with the part of ``subprocess.Popen`` that we use."""

    def __init__(
        self, pid: int, stdin: IO[bytes], stdout: IO[Any], status: int
    ) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.returncode: int | None = None
        self._status = status
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; the exit status, negative for a signal."""
        with self._lock:
            if self.returncode is None:
                if not select.select([self._status], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired("a warm child", timeout or 0)
                said = os.read(self._status, 16)
                os.close(self._status)
                # Nothing said: its guard was killed, and the group with it.
                self.returncode = int(said) if said else -signal.SIGKILL
            return self.returncode


class Nursery:
    """The process that children are forked from."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(env),
                start_new_session=True,
            )
        ours.settimeout(30)  # it answers when its imports are done
        self._control = ours
        self._owner = os.getpid()

    @property
    def usable(self) -> bool:
        """False in a forked copy of ourselves, and once it has ended."""
        return os.getpid() == self._owner and self._process.poll() is None

    def start(
        self,
        argv: Sequence[str],
        cwd: Path,
        pass_fds: Sequence[int],
        env: Mapping[str, str],
    ) -> WarmProcess:
        """Fork a child that runs ``argv``; raises OSError if that can't be had."""
        stdin, keep_stdin = os.pipe()
        stdout_here, stdout = os.pipe()
        status_here, status = os.pipe()
        asked = {"argv": [*argv], "cwd": str(cwd), "env": dict(env), "fds": [*pass_fds]}
        try:
            with self._lock:
                message = json.dumps(asked).encode()
                fds = [stdin, stdout, status, *pass_fds]
                socket.send_fds(self._control, [message], fds)
                pid = int(self._control.recv(64))
        except (OSError, ValueError) as error:
            for fd in (keep_stdin, stdout_here, status_here):
                os.close(fd)
            raise OSError("the warm process is gone") from error
        finally:
            for fd in (stdin, stdout, status):
                os.close(fd)
        return WarmProcess(
            pid, open(keep_stdin, "wb", 0), open(stdout_here, "rb"), status_here
        )


def understood(argv: Sequence[str]) -> bool:
    """Whether a command is one of ours: this Python with a script, or -c."""
    words = [word for word in argv[1:] if word != "-P"]
    if argv[0] in ("daphne", "django-admin"):
        return True
    if argv[0] not in ("python", sys.executable) or not words:
        return False
    return words[0] == "-c" or words[0].endswith(".py")


# -- the other side: this file, run as a script -----------------------------------


def main(control: socket.socket) -> None:
    """Import the libraries, then fork a child for each request until the end."""
    for name in LIBRARIES:
        # A library that is not there, or other than today's, costs time only.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    if any(name in sys.modules for name in _NEVER):
        os._exit(1)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody else reaps the guards
    while True:
        message, fds, _, _ = socket.recv_fds(control, 1 << 20, 32)
        if not message:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            control.close()
            _guard(json.loads(message), fds)
            return
        for fd in fds:
            os.close(fd)
        control.send(str(pid).encode())


def _guard(asked: dict[str, Any], fds: list[int]) -> None:
    """Run the command in a group of its own, and end the group with it.

    The child ends when the pipe in ``fds[0]`` does, which is when our user goes.
    """
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    guard = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(asked, fds, guard)
        return
    stdin, status = fds[0], fds[2]
    for fd in {*fds} - {stdin, status}:
        os.close(fd)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = os.pidfd_open(pid)
    if child not in select.select([stdin, child], [], [])[0]:
        os.killpg(0, signal.SIGTERM)
        if not select.select([child], [], [], 2)[0]:
            os.killpg(0, signal.SIGKILL)
    _, code = os.waitpid(pid, 0)
    os.killpg(0, signal.SIGTERM)  # what it left behind
    os.write(status, str(os.waitstatus_to_exitcode(code)).encode())
    os._exit(0)


def _become(asked: dict[str, Any], fds: list[int], guard: int) -> None:
    """Be the command: its files, folder, environment, arguments; then run it."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        libc.prctl(15, Path(asked["argv"][0]).name.encode()[:15])  # PR_SET_NAME
    if os.getppid() != guard:
        os._exit(1)
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 400) for fd in fds]
    for fd in fds:
        os.close(fd)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(high[1], 1)
    os.dup2(high[1], 2)
    for number, fd in zip(asked["fds"], high[3:], strict=True):
        os.dup2(fd, number)
    for fd in {*high, null} - {0, *asked["fds"]}:
        os.close(fd)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in os.environ
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _stream(1, "strict")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(2, "backslashreplace")  # type: ignore[misc]
    _run(asked["argv"])


def _stream(fd: int, errors: str) -> io.TextIOWrapper:
    raw = open(fd, "wb", 0)
    return io.TextIOWrapper(raw, "utf-8", errors, write_through=True)


def _run(argv: list[str]) -> None:
    """Run a Python command as the interpreter would; ends by SystemExit."""
    name, words = argv[0], argv[1:]
    safe = "-P" in words[:1]
    words = words[1:] if safe else words
    path, source = "<string>", ""
    if name in ("daphne", "django-admin"):
        path = str(Path(sys.executable).with_name(name))
        sys.argv = [path, *words]
    elif words[0] == "-c":
        source = words[1]
        sys.argv = ["-c", *words[2:]]
    else:
        path = words[0]
        sys.argv = words
    if not safe:
        first = "" if path == "<string>" else str(Path(path).resolve().parent)
        sys.path.insert(0, first)
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    try:
        if path != "<string>":
            module.__file__ = path
            source = Path(path).read_text(encoding="utf-8")
        exec(compile(source, path, "exec"), module.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        # Our own frame on top is nobody's business.
        tb = error.__traceback__
        hook = sys.excepthook
        if hook is sys.__excepthook__:
            traceback.print_exception(type(error), error, tb.tb_next if tb else None)
        else:
            hook(type(error), error, tb)
        raise SystemExit(1) from None
    raise SystemExit(0)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))

"""Warm Python: children forked from a process that has the libraries in memory.

Nine tenths of what ``python manage.py check`` takes is importing Django, Twisted
and autobahn, and a course starts Python some sixty times.  So one process, the
`nursery`, imports them once and waits; each child is forked from it and runs its
own command, its own settings, its own project.

Linux only; elsewhere, and with ``TUTOR_COLD=1``, every child starts cold, and so
does one that needs an interpreter of its own.  Between the two nothing differs but
the time (``tests/test_warm.py``).
"""

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
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

HANDED_DOWN = "TUTOR_NURSERY"  # in the environment of a process that has one
NURSERY, WHOLE = "nursery", "whole nursery"  # as in nursery.py
NO_MORE = "--"  # as in nursery.py: what follows can wait
PATIENCE = 30  # seconds in which the nursery must have imported and answered
LONGEST = 100_000  # bytes of a request; a longer one might not pass the socket
ENTRY_POINTS = ("daphne", "django-admin", "pytest")  # as in nursery.py

# What a project's children import; some 900 modules.
PROJECT = (
    "asgiref.server",
    "autobahn.websocket.protocol",
    "channels.apps",
    "channels.auth",
    "channels.management.commands.runworker",
    "channels.routing",
    "channels.security.websocket",
    "daphne.endpoints",
    "daphne.http_protocol",
    "daphne.management",
    "daphne.ws_protocol",
    "django.conf.urls",
    "django.contrib.admin.apps",
    "django.contrib.admin.options",
    "django.contrib.admin.templatetags.admin_list",
    "django.contrib.auth.apps",
    "django.contrib.auth.hashers",
    "django.contrib.auth.password_validation",
    "django.contrib.auth.tokens",
    "django.contrib.auth.validators",
    "django.contrib.contenttypes.apps",
    "django.contrib.contenttypes.checks",
    "django.contrib.messages.apps",
    "django.contrib.messages.middleware",
    "django.contrib.messages.storage.fallback",
    "django.contrib.sessions.apps",
    "django.contrib.sessions.backends.db",
    "django.contrib.sessions.middleware",
    "django.contrib.sites.shortcuts",
    "django.contrib.staticfiles.apps",
    "django.contrib.staticfiles.checks",
    "django.contrib.staticfiles.handlers",
    "django.core.asgi",
    "django.core.cache.backends.locmem",
    "django.core.management.commands.check",
    "django.core.management.commands.makemigrations",
    "django.core.management.commands.migrate",
    "django.core.management.commands.runserver",
    "django.core.management.commands.startapp",
    "django.core.management.commands.startproject",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.middleware.clickjacking",
    "django.middleware.common",
    "django.middleware.http",
    "django.middleware.security",
    "django.templatetags.cache",
    "django.templatetags.l10n",
    "django.templatetags.tz",
    "django.test.client",
    "django.utils.translation.reloader",
    "django.views.csrf",
    "django.views.decorators.http",
    "django.views.defaults",
    "encodings.ascii",
    "twisted.internet.asyncioreactor",
    "twisted.internet.endpoints",
    # What is asked who can read ``fd:fileno=…``, all of Twisted's plugins.
    "twisted.application.reactors",
    "twisted.cred.strcred",
    "twisted.plugins.autobahn_endpoints",
    "twisted.plugins.fd_endpoint",
    "twisted.trial.itrial",
    "twisted.words.iwords",
    "twisted.web.http",
    "websockets.sync.client",
)

# What the later steps' projects import as well: 0.3 s of each start.  The nursery
# imports it when nobody asks for anything, so that nobody waits for it.
LATER = (
    "pytest",  # but no plugin of its: it says so of one that it could not rewrite
    "redis.asyncio.sentinel",
    "channels_redis.core",
    "channels_redis.pubsub",
    "pydantic.fields",
    "pydantic.functional_validators",
    "pydantic.main",
    "pydantic.type_adapter",
    "pydantic.types",
    "dj_database_url",
    "argon2",
    "cryptography.hazmat.primitives.kdf.pbkdf2",
    "autobahn.websocket.compress",
    "channels.testing",
    "django.core.management.commands.test",
    "prometheus_client",
    "psutil",
    "twisted.web.server",
)

# What a kernel imports before its first cell, and the first cells' libraries.
KERNEL = (
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.magics",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "sqlite3",
    "tornado.platform.asyncio",
    "urllib.request",
    "websockets.asyncio.client",
)

LIBRARY_NAMES = sys.stdlib_module_names | {
    *("asgiref", "autobahn", "channels", "daphne", "django", "twisted", "websockets"),
    *("argon2", "channels_redis", "cryptography", "dj_database_url"),
    *("prometheus_client", "psutil", "pydantic", "redis"),
}

# What an interpreter or its libraries read once, when they start.
_READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "TZ")


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
        self._settings = _settings(env)
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
        script = _script(argv)
        if script is not None:
            with open(Path(cwd, script), "rb"):
                pass  # otherwise the interpreter has its own words for it
        folders = {cwd}
        if script is not None and "-P" not in argv[:2]:  # which leaves it out
            folders.add(Path(cwd, script).parent)
        if any(map(_hides_a_library, folders)):
            raise OSError("a module in this folder is to come before the library's")
        if _settings(env) != self._settings:
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


def possible() -> bool:
    """Whether anything starts warm here."""
    return sys.platform == "linux" and not os.environ.get("TUTOR_COLD")


def understood(argv: Sequence[str]) -> bool:
    """Whether a command is one of ours: this Python with a script, or -c."""
    script = _script(argv)
    return script is None or script.endswith(".py") or argv[0] in ENTRY_POINTS


def _script(argv: Sequence[str]) -> str | None:
    """The file that a command runs; None for ``-c``, "" for what is no Python."""
    if argv[0] in ENTRY_POINTS:
        return str(Path(sys.executable).with_name(argv[0]))
    words = argv[2:] if argv[1:2] == ["-P"] else argv[1:]
    if argv[0] not in ("python", sys.executable) or not words:
        return ""
    return None if words[0] == "-c" and words[1:] else words[0]


def _hides_a_library(folder: Path) -> bool:
    """Whether a module in a folder has the name of one that the nursery holds.

    ``random.py`` beside manage.py is a classic mistake, and has to stay one.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            name, _, kind = entry.name.partition(".")
            if name in LIBRARY_NAMES and (
                kind == "py" or Path(entry.path, "__init__.py").exists()
            ):
                return True
    return False


def _settings(env: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in env.items() if k.startswith(_READ_AT_START)}

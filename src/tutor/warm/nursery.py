"""The process that Python children are forked from; run as a script, by path.

``python nursery.py FD MODULE... -- MODULE...``, where FD is a socket: a request comes
as a message with its descriptors, the child's process id is the answer.  What is named
after the dashes is imported when no request has come for a moment.  Nothing that
belongs to a project, no model and no event loop is imported beforehand, so what a
project does wrong, it still does wrong.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import gc
import importlib
import importlib.machinery
import json
import linecache
import os
import runpy
import select
import signal
import socket
import sys
import threading
import types
from pathlib import Path
from typing import Any

# Instead of a command: a nursery of its own for another process, by the socket given;
# the whole one has imported all that can wait.
NURSERY, WHOLE = "nursery", "whole nursery"
NO_MORE = "--"
LOOK = 0.05  # seconds
PAUSE = 0.2  # seconds without a request
LARGE, COLLAPSE = 2 << 20, 25  # bytes of a large page; madvise(2)
# Loops belong to the process that runs them; see `daphne.server`, which makes its
# own as soon as it is imported.
_NEVER = ("twisted.internet.reactor", "daphne.server")
# By path, too: no child shall find a module of ours.
_ENDING = runpy.run_path(str(Path(__file__).with_name("ending.py")))


def main(control: socket.socket, libraries: list[str]) -> None:
    """Import the libraries, then fork a child for each request until the end."""
    # Our own folder; without -P, which children would inherit.
    if sys.path[0] == os.path.dirname(os.path.realpath(__file__)):
        del sys.path[0]
    at = libraries.index(NO_MORE)
    later = libraries[:at:-1]
    for name in libraries[:at]:
        _import(name)
    if any(name in sys.modules for name in _NEVER):
        os._exit(1)
    _look_sooner()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody else reaps the guards
    while True:
        while later and not select.select([control], [], [], PAUSE)[0]:
            _import_next(later)
        message, fds, _, _ = socket.recv_fds(control, 1 << 20, 32)
        if not message:
            os._exit(0)
        asked = json.loads(message)
        while later and asked == WHOLE:
            _import_next(later)
        if os.fork() == 0:
            if asked not in (NURSERY, WHOLE):
                break
            control.close()
            control = socket.socket(fileno=fds.pop())
            control.send(str(os.getpid()).encode())
        for fd in fds:
            os.close(fd)
    _guard(control, asked["argv"], fds)
    _become(asked, fds)
    _run(asked["argv"])


def _import_next(later: list[str]) -> None:
    _import(later.pop())
    if not later:
        _know_what_is_installed()
        gc.collect()
        _gather_pages()
    gc.freeze()


def _import(name: str) -> None:
    """Import a library; one that is not there, or not today's, costs time only."""
    with contextlib.suppress(Exception):
        importlib.import_module(name)


def _know_what_is_installed() -> None:
    """Read the names and the entry points of all packages, a tenth of a start.

    `importlib.metadata` keeps the names until a folder changes, pydantic what it looks
    for at its first model.
    """
    with contextlib.suppress(Exception):
        importlib.import_module("importlib.metadata").distribution("pip")
    with contextlib.suppress(Exception):
        importlib.import_module("pydantic.plugin._loader").get_plugins()


def _gather_pages() -> None:
    """Put what is in memory into large pages: a fork takes half the time then.

    It copies the table of all pages, and a large one has 512 small ones' place in it.
    Where the system can't, nothing changes (``MADV_COLLAPSE``, Linux 6.1).
    """
    with contextlib.suppress(OSError, AttributeError):
        madvise = ctypes.CDLL(None).madvise
        for line in Path("/proc/self/maps").read_text().splitlines():
            addresses, rights, *_, inode = line.split()[:5]
            if rights != "rw-p" or inode != "0":
                continue
            start, end = (int(one, 16) for one in addresses.split("-"))
            start, end = -(-start // LARGE) * LARGE, end // LARGE * LARGE
            if start < end:
                madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), COLLAPSE)


def _look_sooner() -> None:
    """Let Daphne look every 50 ms for consumers that have ended, not every second.

    Until then nobody is told of a crash: neither the log nor the client, who waits for
    an answer to its handshake (``application_checker`` in daphne/server.py).  What is
    said is the same, and most failures of a course are seen in no other way.
    """
    reactor = sys.modules.get("twisted.internet.asyncioreactor")
    if reactor is None:
        return
    later = reactor.AsyncioSelectorReactor.callLater

    def call_later(
        self: Any, seconds: float, call: Any, *args: Any, **more: Any
    ) -> Any:
        if getattr(call, "__name__", "") == "application_checker":
            seconds = min(seconds, LOOK)
        return later(self, seconds, call, *args, **more)

    reactor.AsyncioSelectorReactor.callLater = call_later


def _guard(control: socket.socket, argv: list[str], fds: list[int]) -> None:
    """Return in the command's process; here, end its group when it ends.

    The command ends when the pipe in ``fds[0]`` does, which is when our user goes.
    """
    os.setsid()
    guard = os.getpid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        control.close()
        with contextlib.suppress(OSError, AttributeError):
            libc = ctypes.CDLL(None)
            libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            libc.prctl(15, os.path.basename(argv[0]).encode()[:15])  # PR_SET_NAME
        if os.getppid() != guard:
            os._exit(1)
        return
    for ours_too in (signal.SIGINT, signal.SIGTERM):  # meant for the command
        signal.signal(ours_too, signal.SIG_IGN)
    # From here on its group can be signalled; not sooner, for a guard that ends first
    # can't say how its command ended.
    control.send(str(guard).encode())
    control.close()
    stdin, status = fds[0], fds[2]
    for fd in {1, 2, *fds} - {stdin, status}:
        os.close(fd)
    child = os.pidfd_open(pid)
    if child not in select.select([stdin, child], [], [])[0]:
        os.killpg(0, signal.SIGTERM)
        if not select.select([child], [], [], 2)[0]:
            os.killpg(0, signal.SIGKILL)
    _, wait_status = os.waitpid(pid, 0)
    os.killpg(0, signal.SIGTERM)  # what it left behind
    code = os.waitstatus_to_exitcode(wait_status)
    # As the shell says it that guards a cold child.
    os.write(status, str(code if code >= 0 else 128 - code).encode())
    os._exit(0)


def _become(asked: dict[str, Any], fds: list[int]) -> None:
    """Take on the command's files, folder and environment."""
    above = max([2, *asked["fds"]]) + 1
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, above) for fd in fds]
    for fd in fds:
        os.close(fd)
    os.dup2(high[1], 1)
    os.dup2(high[1], 2)
    for number, fd in zip(asked["fds"], high[3:], strict=True):
        os.dup2(fd, number)
    for fd in high:
        os.close(fd)
    for ignored in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(ignored, signal.SIG_IGN)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    here = os.getcwd()
    if "PWD" in os.environ and os.path.realpath(os.environ["PWD"]) != here:
        os.environ["PWD"] = here
    if "multiprocessing.process" in sys.modules:
        vars(sys.modules["multiprocessing.process"])["ORIGINAL_DIR"] = here


def _run(argv: list[str]) -> None:
    """Run a Python command as the interpreter would; return at its end."""
    words = argv[1:]
    safe = words[:1] == ["-P"]
    words = words[safe:]
    sys.orig_argv = [*argv]
    if argv[0] in ("daphne", "django-admin", "pytest"):
        words = [str(Path(sys.executable).with_name(argv[0])), *words]
        sys.orig_argv = [sys.executable, *words]
    module = types.ModuleType("__main__")
    names = vars(module)
    names["__builtins__"] = __builtins__
    if "__annotations__" in globals():  # until Python 3.13
        names["__annotations__"] = {}
    source: str | bytes
    if words[0] == "-c":
        source, path, first = words[1], "<string>", ""
        sys.argv = ["-c", *words[2:]]
        names["__loader__"] = importlib.machinery.BuiltinImporter
        if sys.version_info >= (3, 13):  # whose tracebacks show the lines of -c
            lines = source.splitlines(keepends=True)
            linecache.cache[path] = (len(source), None, lines, path)
    else:
        path = os.path.join(os.getcwd(), words[0])
        source, first = Path(path).read_bytes(), os.path.dirname(os.path.realpath(path))
        sys.argv = words
        loader = importlib.machinery.SourceFileLoader("__main__", path)
        names |= {"__file__": path, "__cached__": None, "__loader__": loader}
    if not safe:
        sys.path.insert(0, first)
    sys.modules["__main__"] = module
    try:
        exec(compile(source, path, "exec", dont_inherit=True), names)
        code = 0
    except SystemExit as end:
        code = _status(end.code)
    except BaseException as error:
        # Our own frames are nobody's business.
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        told = error.with_traceback(trace)
        if isinstance(error, KeyboardInterrupt):  # ends by its signal
            hook = sys.excepthook
            sys.excepthook = lambda kind, value, _: hook(
                kind, value.with_traceback(trace), trace
            )
            raise
        sys.last_type, sys.last_value, sys.last_traceback = type(told), told, trace
        sys.excepthook(type(told), told, trace)
        code = 1
    vars(threading)["_shutdown"]()
    vars(atexit)["_run_exitfuncs"]()
    if not _ENDING["has_last_words"]():
        os._exit(code)
    sys.exit(code)


def _status(code: Any) -> int:
    """The exit status that goes with the code of a ``SystemExit``."""
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    sys.stdout.flush()
    print(code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])

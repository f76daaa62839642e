# mypy: ignore-errors
"""Say what was seen, as lines of JSON in a file of our own.

A project may print what it likes, megabytes or nothing: its output is never
mixed with ours.
"""

import contextlib
import functools
import json
import os
import sys
import threading
import time
import traceback

ROOT = os.path.realpath(os.getcwd())
_FOREIGN = ("site-packages", "dist-packages", "node_modules", "__pypackages__")
TURN = 0.5  # seconds in which a project that gets on imports something
GRACE = 4.0  # seconds for the rest of what is still being imported
BUSY = 10.0  # seconds without a processor: whoever started us does not wait for ever
_lock = threading.Lock()
_out = None
reporting = set()  # the threads that report: where nobody reads, they have to wait


def open_out(descriptor):
    """Report into the pipe ``descriptor`` from now on; no child of ours inherits it."""
    global _out
    os.set_inheritable(descriptor, False)
    os.register_at_fork(after_in_child=_forked)
    _out = os.fdopen(descriptor, "w", buffering=1, encoding="utf-8")


def _forked():
    """Tell of a process that the project forks: it may outlive this one."""
    global _lock
    _lock = threading.Lock()
    emit("forked", pid=os.getpid())


def emit(kind, **data):
    """Report one fact."""
    thread = threading.get_ident()
    reporting.add(thread)
    try:
        with _lock:
            line = {"kind": kind, "t": time.monotonic(), **data}
            _out.write(json.dumps(line, default=repr) + "\n")
    finally:
        reporting.discard(thread)


@functools.cache  # a frame's file is asked for again and again
def inside(filename):
    """The path relative to the project, or None for code that is not the project's."""
    if not filename or filename.startswith("<"):
        return None
    full = os.path.realpath(filename)
    if not os.path.isabs(filename) and not os.path.exists(full):
        return None  # of a library that was compiled elsewhere
    if not full.startswith(ROOT + os.sep):
        return None
    relative = os.path.relpath(full, ROOT)
    parts = relative.split(os.sep)
    for depth, part in enumerate(parts[:-1], 1):
        if part in _FOREIGN:
            return None
        folder = os.path.join(ROOT, *parts[:depth])
        if os.path.exists(os.path.join(folder, "pyvenv.cfg")):
            return None
    return relative.replace(os.sep, "/")


def frames_of(tb):
    """The frames of a traceback: file, line, function, own (the project's or not)."""
    found = []
    for frame, line in traceback.walk_tb(tb):
        code = frame.f_code
        own = inside(code.co_filename)
        found.append(
            {
                "file": own or code.co_filename,
                "line": line,
                "name": code.co_name,
                "own": own is not None,
                "module": frame.f_globals.get("__name__", ""),
            }
        )
    return found


def stack_of(frame):
    """The same for a running frame, outermost first."""
    found = []
    while frame is not None:
        code = frame.f_code
        own = inside(code.co_filename)
        found.append(
            {
                "file": own or code.co_filename,
                "line": frame.f_lineno,
                "name": code.co_name,
                "own": own is not None,
                "module": frame.f_globals.get("__name__", ""),
            }
        )
        frame = frame.f_back
    return found[::-1]


def own(frames):
    """The deepest frame that is the project's, or None."""
    for frame in reversed(frames):
        if frame["own"]:
            return frame
    return None


def error_of(error):
    """An exception and everything that led to it, outermost first.

    Each link: type, text, frames and the deepest frame of the project; for a
    syntax error that frame is the place of the error itself.
    """
    links, seen = [], set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = frames_of(error.__traceback__)
        at = own(frames)
        if isinstance(error, SyntaxError) and inside(error.filename or ""):
            at = {
                "file": inside(error.filename),
                "line": error.lineno,
                "name": "",
                "own": True,
                "module": "",
            }
            frames = [*frames, at]
        kind = type(error)
        links.append(
            {
                "type": kind.__name__,
                "module": kind.__module__,
                "bases": [base.__name__ for base in kind.__mro__],
                "text": str(error)[:2000],
                "name": getattr(error, "name", None),
                "meant": _meant(error),
                "frames": frames[-25:],
                "at": at,
            }
        )
        error = error.__cause__ or (
            None if error.__suppress_context__ else error.__context__
        )
    return links


def _meant(error):
    """The attribute that was meant, where another was asked for; as Python says it."""
    if not isinstance(error, AttributeError) or not error.name:
        return None
    import difflib  # where it is needed

    try:
        known = dir(error.obj)
    except Exception:  # the project's own __dir__
        return None
    near = difflib.get_close_matches(error.name, known, 1, 0.75)
    return near[0] if near else None


def failed(stage, error, **data):
    """Report an exception, and print it as Python would have."""
    traceback.print_exception(type(error), error, error.__traceback__)
    emit("failed", stage=stage, error=error_of(error), **data)


def leave():
    """End this process at once; the project's threads and its ``atexit`` don't matter.

    In a forked process the interpreter's own end costs more than its start did: to
    take everything apart, it has to copy the memory that it shares.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)


def starved():
    """Seconds for which the main thread could have run, and no processor was free."""
    try:
        with open("/proc/self/schedstat", encoding="ascii") as told:
            return int(told.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0  # not Linux, or nobody counts


def give_up_after(seconds, stage, unless=lambda: False):
    """End this process if it is still here, and say where it hung.

    Args:
        seconds: how long it may take, without what it waits for a processor.
        stage: a function that names what was being tried.
        unless: a function that says whether it is past the point of hanging.
    """
    main = threading.main_thread().ident

    began = time.monotonic()

    def reads_a_module():
        """Whether the machinery of imports is at work, and no module's own code."""
        frame = sys._current_frames().get(main)
        return frame is not None and frame.f_code.co_filename.startswith("<frozen imp")

    def lived():
        return time.monotonic() - began - starved()

    stood = [None, 0.0]  # where it is, and what it had lived when it came there

    def look():
        frames = stack_of(sys._current_frames().get(main))
        own = [(frame["file"], frame["name"]) for frame in frames if frame["own"]]
        if (len(sys.modules), own) != stood[0]:
            stood[:] = (len(sys.modules), own), lived()

    def rest(until, end):
        while (left := until - lived()) > 0 and (now := time.monotonic()) < end:
            time.sleep(min(left, end - now, TURN))
            look()

    def wait():
        rest(seconds, began + seconds + BUSY)
        # What still imports something does not hang: packages without bytecode, or
        # on a slow disk, take that long.
        known, end = 0, time.monotonic() + GRACE
        while time.monotonic() < end and (known < len(sys.modules) or reads_a_module()):
            known = len(sys.modules)
            rest(lived() + TURN, end)
        if unless():
            return
        frames, lives = stack_of(sys._current_frames().get(main)), lived()
        own = {"lived": lives, "stood": lives - stood[1]}
        emit("hang", stage=stage(), frames=frames, seconds=seconds, **own)
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()

"""How a child ends that was forked: at once, where nobody would see a difference."""

from __future__ import annotations

import gc
import io
import socket
import sys
import types
import warnings
from typing import Any


def has_last_words() -> bool:
    """Whether something would be printed while the interpreter takes itself apart.

    Where nothing would, we end without it: it would copy all that is shared with the
    nursery, and that takes longer than most commands of a course.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except Exception:
        return True
    kinds: dict[type, bool] = {}
    for one in gc.get_objects():  # without what is shared
        kind = type(one)
        if kind not in kinds:
            kinds[kind] = hasattr(kind, "__del__")
        if kinds[kind] and not _is_silent(one):
            return True
    return False


_RUNNING = {
    types.CoroutineType: "cr_frame",
    types.GeneratorType: "gi_frame",
    types.AsyncGeneratorType: "ag_frame",
}


def _is_silent(one: Any) -> bool:
    """Whether it goes without a word and a deed, although its kind may have some.

    What is told by its kind is what each server has: its loop, its sockets, and the
    memory of a library in C.  All else is asked how far it has come.
    """
    kind, asyncio = type(one), sys.modules.get("asyncio")
    if kind in _RUNNING:
        return getattr(one, _RUNNING[kind]) is None
    library = kind.__module__.lstrip("_").partition(".")[0]
    if library == "asyncio" and isinstance(one, vars(asyncio)["Future"]):
        return one.done() and not one._log_traceback
    if library in ("io", "tempfile") and isinstance(one, io.IOBase):
        return _is_flushed(one)
    loop = getattr(asyncio, "SelectorEventLoop", None)
    return kind in (socket.socket, loop) or kind.__name__ == "__CDataGCP"


def _is_flushed(file: io.IOBase) -> bool:
    """Whether nothing is lost with a file, and nobody warned of it."""
    if type(file) in (io.BytesIO, io.StringIO):
        return True
    try:
        return file.closed or (not file.writable() and _is_ignored(ResourceWarning))
    except ValueError:  # detached from its buffer
        return False


def _is_ignored(category: type[Warning]) -> bool:
    first = (how for how, _, kind, *_ in warnings.filters if issubclass(category, kind))
    return next(first, "") == "ignore"

"""Few tests to a core run at once on a machine, whoever runs them.

Two, and three where the third waits for its server for more than half of its time: a
notebook's cell, or a test that says so.  In a class on one server each runs the whole
suite; every limit in time is meant for a machine on which a suite is alone.  So a test
waits here, before its time begins, until a turn is free.  A turn is a lock on a file
that all users of a Python share and nobody writes; the system takes it back from a
process that is killed (``flock(2)``).
"""

from __future__ import annotations

import fcntl
import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HELD = "TUTOR_TURN"  # in the environment of all that a test starts, other pytests too
TESTS, WAITING = 2, 3  # turns to a core; who waits may have any, others the first
PATIENCE = 120.0  # seconds; then a test runs all the same: a stopped run keeps its turn
LOOK = 0.05  # seconds from one look to the next: nobody can wait for the first of many


def places(to_a_core: int = TESTS) -> list[Path]:
    """The files that are locked, one to a turn."""
    modules = sorted(Path(os.__file__).parent.glob("*.py"))
    return modules[: to_a_core * (os.cpu_count() or 1)]


@contextmanager
def turn(to_a_core: int = TESTS) -> Iterator[bool]:
    """Wait for a turn, and keep it; whether one came.

    What is started meanwhile needs none of its own.

    Args:
        to_a_core: how many run at once, of this kind and others.
    """
    if os.environ.get(HELD):
        yield True
        return
    held = take(places(to_a_core))
    os.environ[HELD] = "1"
    try:
        yield held is not None
    finally:
        os.environ.pop(HELD, None)
        if held is not None:
            os.close(held)


def take(files: Sequence[Path], seconds: float = PATIENCE) -> int | None:
    """Lock one of some files.

    Args:
        files: any that can be read.
        seconds: how long to wait.

    Returns:
        The descriptor that holds the lock; None where there are no such locks, or
        where none came free.
    """
    end = time.monotonic() + seconds
    while True:
        for path in random.sample(files, len(files)):
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except OSError:
                return None
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                os.close(descriptor)
            except OSError:  # a file system without locks
                os.close(descriptor)
                return None
        if time.monotonic() > end:
            return None
        time.sleep(LOOK)

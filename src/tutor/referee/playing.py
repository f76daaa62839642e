"""What the scenes of a match are made of: people who come, and news they hear."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from tutor.referee.clients import Turned, Watcher
from tutor.referee.ground import Ground
from tutor.referee.publisher import Publisher, Unpublished
from tutor.servers import Server

SOON = 5.0  # seconds for what comes at once, on a machine that is busy


Enter = Callable[..., Coroutine[Any, Any, Watcher]]  # see `Match.people`


class Failed(Exception):
    """A point is lost.

    Args:
        got: what came instead.
        cause: the likely cause.
    """

    def __init__(self, got: str, cause: str = "") -> None:
        super().__init__(got)
        self.got, self.cause = got, cause


class LeftOut(Exception):
    """A point that can't be asked for on this machine; its text says why."""


class Match:
    """One board on its ground, and what is known of it so far.

    Args:
        ground: the board that runs.
        publish: who makes news.
        watchers: how large the crowd is.
    """

    def __init__(self, ground: Ground, publish: Publisher, watchers: int) -> None:
        self.ground, self.publish, self.watchers = ground, publish, watchers
        self.declared = ground.declared
        self.lost: set[str] = set()  # points; what they ask for is not asked again
        self.latencies: list[float] = []
        # What somebody has heard is no news: who comes in hears it again, at times
        # only after the next news has been published.
        self.heard: set[Any] = set()

    @asynccontextmanager
    async def people(self) -> AsyncIterator[Enter]:
        """Enter watchers, which all leave afterwards."""
        async with AsyncExitStack() as stack:

            async def enter(
                jar: Mapping[str, str],
                server: Server,
                after: Any = None,
                slow: bool = False,
            ) -> Watcher:
                one = Watcher(self.declared, jar, after, self.heard)
                stack.push_async_callback(one.leave)
                try:
                    return await one.enter(server, slow)
                except Turned as turned:
                    raise Failed(f"a client is not let in: {turned}") from None

            yield enter

    async def tell(self, at: Server, *ears: Watcher, times: int = 1) -> list[Any]:
        """Publish, and wait until the first of ``ears`` has heard; the new ids.

        Raises:
            Failed: it could not be published, or the first one has not heard it.
        """
        ear, ids = ears[0], []
        for _ in range(times):
            known = set(self.heard)
            value = await self.published(at)
            key = await ear.hears(value, known, SOON)
            if key is None:
                raise Failed(f"a client has not heard {value!r} within {SOON:g} s")
            ids.append(key)
        return ids

    async def published(self, at: Server) -> Any:
        """Publish; the value.

        Raises:
            Failed: it did not work.
        """
        try:
            return await self.publish(at)
        except Unpublished as error:
            raise Failed(f"{self.publish.shown}: {error}") from None

    @staticmethod
    async def all_hear(ears: list[Watcher], ids: list[Any], seconds: float) -> int:
        """How many of some watchers have heard all of these."""
        end = time.monotonic() + seconds
        for ear in ears:
            left = max(0.0, end - time.monotonic())
            await ear.until(partial(_knows, ear, ids), left)
        return sum(ear.news.keys() >= set(ids) for ear in ears)


def _knows(ear: Watcher, ids: list[Any]) -> bool:
    return ear.news.keys() >= set(ids)

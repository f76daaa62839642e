"""Many clients at once, some that misbehave, and a bad morning of theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

import tutor

if TYPE_CHECKING:
    from tutor.watching import Watchers


def watchers(
    path: str, *users: str, clients: int
) -> AbstractAsyncContextManager[Watchers]:
    """Many clients that listen, acknowledge, and come back when they are lost.

    Args:
        path: such as ``/ws/readings/``.
        users: who they are, in turn.
        clients: how many there are.
    """
    from tutor import watching

    session = tutor._current()
    server = session.serving()
    jars = [session.jars.cookies(server, user) for user in users]
    mine = [jars[number % len(jars)] for number in range(clients)]
    return watching.watchers(server, path, mine)


async def flood(path: str, text: str, user: str, within: float = 3) -> None:
    """Send a text as fast as it goes; print how that ends.

    Args:
        path: such as ``/ws/readings/``.
        text: what is sent, a short message.
        user: who does it.
        within: seconds after which the flood ends.
    """
    from tutor import watching

    session = tutor._current()
    server = session.serving()
    jar = session.jars.cookies(server, user)
    print(f'{user} → text "{text}"   (as fast as it goes)')
    code = await watching.flood(server, path, jar, text, within)
    # Which code, 4429, is lost where the line is cut with so much on the way.
    print(f"{user} ←", "thrown out" if code else f"still open after {within:g} s")


@asynccontextmanager
async def vanished(path: str, user: str) -> AsyncIterator[None]:
    """A client that was cut off: its socket stays, and answers no ping."""
    from tutor import watching

    session = tutor._current()
    server = session.serving()
    jar = session.jars.cookies(server, user)
    async with watching.bare(server, path, jar):
        print(f"{user} is connected, and then cut off")
        yield


async def cost(crowd: Watchers, readings: int) -> float:
    """Publish readings for a crowd; the seconds of processor the server took."""
    from tutor import watching

    session = tutor._current()
    server = session.serving()
    code = watching.PUBLISH.format(count=readings)
    before = watching.busy(server)
    await asyncio.to_thread(session.project, code)
    await crowd.gets(readings)
    count = f"{readings * len(crowd.members):,}"
    print(f"{len(crowd.members)} clients, {readings} readings: {count} deliveries")
    return watching.busy(server) - before


async def incident() -> None:
    """Let a bad morning happen to the exercise's project; print its log."""
    from tutor.exercises import outage

    folder = tutor._current().folder
    log, _ = await asyncio.to_thread(outage.happen, folder)
    (folder / outage.LOG).write_text(log, encoding="utf-8")
    print(outage.tidy(log))

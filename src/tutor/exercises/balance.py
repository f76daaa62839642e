"""The check of the exercise on deployment: an upstream block, under a real nginx.

Two Daphnes of the exercise's copy run behind it, with a Redis between them.  What
counts is where sockets arrive, also while one of the two is gone.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tutor import children, nginx, redis
from tutor.checks import talk
from tutor.checks.deployment import PRODUCTION
from tutor.exercises.answers import NotYet
from tutor.report import Refusal
from tutor.servers import Server

MANY = 8  # sockets
SECONDS = 10
PATH = "/ws/whole1/"
_BLOCK = re.compile(r"upstream\s+daphne\s*\{[^{}]*\}")
_ARRIVED = "WSCONNECT /"


def verdict(code: str, folder: Path) -> str:
    """Check an answer; see `tutor.exercises.check`."""
    if "..." in code:
        raise NotYet("`...` still stands in the block. %hint helps, three times.")
    found = _BLOCK.search(code)
    if found is None:
        raise NotYet("there is no block `upstream daphne { ... }`.")
    if nginx.find() is None:
        raise NotYet(f"{nginx.NONE}, and this answer needs one. {nginx.HOW}")
    with ExitStack() as stack:
        extra = dict(PRODUCTION)
        if redis.there():
            extra |= stack.enter_context(redis.running()).extra
        site = (folder / nginx.FILE).read_text(encoding="utf-8")
        children.run(["python", "manage.py", "migrate", "-v", "0"], folder, 60, extra)
        pair = []
        for _ in range(2):
            argv = ["daphne", "--proxy-headers", "webapp.asgi:application"]
            pair.append(Server(argv, folder, extra))
            stack.callback(pair[-1].stop)
        if not all(server.ready() for server in pair):
            raise NotYet(f"a Daphne did not start: {pair[0].log()[-300:]}")
        try:
            front = stack.enter_context(
                nginx.front(folder, _BLOCK.sub(lambda _: found[0], site, 1), pair)
            )
        except Refusal as refusal:
            raise NotYet(str(refusal).splitlines()[-1]) from None
        talk.run(_try(front, pair))
    return f"{MANY} sockets went to both, and none was refused while one was down."


async def _try(front: nginx.Front, pair: list[Server]) -> None:
    async with AsyncExitStack() as stack:
        try:
            for _ in range(MANY):
                await stack.enter_async_context(_socket(front))
        except (InvalidHandshake, OSError, TimeoutError) as error:
            raise NotYet(f"a socket was not opened: {error}.") from None
        counts = [_arrived(server) for server in pair]
    if not all(counts):
        empty = nginx.BACKENDS[counts.index(0)]
        raise NotYet(f"of {MANY} sockets none went to the Daphne on port {empty}.")
    if min(counts) * 3 < max(counts):
        raise NotYet(
            f"the sockets did not go to both in turn: {counts[0]}, {counts[1]}."
        )
    for server in pair:
        await asyncio.to_thread(server.pause, 0)
        try:
            for _ in range(4):
                async with _socket(front) as socket:
                    await asyncio.wait_for(socket.recv(), SECONDS)
        except (InvalidHandshake, ConnectionClosed, OSError, TimeoutError) as error:
            port = nginx.BACKENDS[pair.index(server)]
            raise NotYet(
                f"with the Daphne on port {port} down, a socket was refused: {error}."
            ) from None
        await asyncio.to_thread(server.again)
        await asyncio.to_thread(server.ready)
        # nginx leaves alone for ten seconds whoever refused it, unless it starts anew.
        await asyncio.to_thread(front.again)


def _socket(front: nginx.Front) -> connect:
    entry = front.entry("wss")
    return talk.opened(entry.ws + PATH, entry.url, at=entry)


def _arrived(server: Server) -> int:
    server.child.wait_for(lambda out: _ARRIVED in out, 1)
    return server.log().count(_ARRIVED)

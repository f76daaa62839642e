"""Many clients at once, and two that nobody wants: one that floods, one that is silent.

Each client of a crowd does what the project's page does: it says hello with the newest
id that it knows, acknowledges every 20th live reading, and comes back when it is lost.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psutil
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tutor import client, frames
from tutor.report import Refusal
from tutor.servers import HOST, Server

EACH = 20  # live readings to an acknowledgement
PATIENCE = 30.0  # seconds, on a busy machine
# Handshakes under way.  With all at once on a busy machine, each would take longer than
# a client waits, and those who gave up would come again, for ever.
AT_ONCE = 8
PAUSE = 0.2  # seconds at most until a client comes back
# All at once, so that the deliveries are what the server works for.
PUBLISH = """
from time import time
from channels.layers import get_channel_layer
from master_app import readings
from master_app.models import Reading

made = await Reading.objects.abulk_create([Reading(value=1) for _ in range({count})])
for one in made:
    event = {{'type': 'readings.new', 'reading': readings.message(one), 'at': time()}}
    await get_channel_layer().group_send(readings.GROUP, event)
"""
FRAMES = 2000  # in a piece of a flood


@dataclass
class Member:
    """One client: what it knows, and how its sockets ended.

    Args:
        after: what its first hello says; by default it wants nothing old.
        ids: of all readings that it knows.
        live: how many of them came live.
        twice: ids that came twice through one socket after its welcome.
        codes: the close codes.
        welcomes: how often it was welcomed.
    """

    after: int = 2**53 - 1
    ids: set[int] = field(default_factory=set)
    live: int = 0
    twice: set[int] = field(default_factory=set)
    codes: Counter[int] = field(default_factory=Counter)
    welcomes: int = 0

    async def stay(
        self,
        server: Server,
        path: str,
        cookies: Mapping[str, str],
        turns: asyncio.Semaphore,
    ) -> None:
        """Connect when it is our turn, listen, and come back, until cancelled."""
        while True:
            with suppress(InvalidHandshake, OSError, EOFError, TimeoutError):
                async with AsyncExitStack() as stack:
                    opening = client._open(server, path, client.OWN, cookies)
                    async with turns:
                        socket = await stack.enter_async_context(opening)
                    with suppress(ConnectionClosed):
                        await self.listen(socket)
                    self.codes[socket.close_code or 1006] += 1
            await asyncio.sleep(PAUSE * random.random())

    async def listen(self, socket: ClientConnection) -> None:
        """Say hello and take what comes, until the socket closes."""
        hello = {"type": "hello", "after": max(self.ids, default=self.after)}
        await socket.send(json.dumps(hello))
        last: int | None = None
        live, came = 0, set[int]()
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "welcome":
                last = message["last"]
                self.after = min(self.after, last)
                self.welcomes += 1
            if message["type"] != "reading" or last is None:
                continue
            number = message["id"]
            if number in came:
                self.twice.add(number)
            came.add(number)
            self.ids.add(number)
            if number > last:
                live, self.live = live + 1, self.live + 1
                if live % EACH == 0:
                    await socket.send(json.dumps({"type": "ack", "id": number}))


async def until(done: Callable[[], bool], seconds: float) -> bool:
    """Look again and again; whether it came to be so in time."""
    now = asyncio.get_running_loop().time
    end = now() + seconds
    for _ in iter(lambda: now() < end, False):
        if done():
            return True
        await asyncio.sleep(0.02)
    return done()


class Watchers:
    """Clients that are there until the ``async with`` ends."""

    def __init__(
        self, members: list[Member], ask: Callable[[Member], asyncio.Task[None]]
    ):
        self.members, self._ask = members, ask

    async def _until(self, done: Callable[[], bool], what: str) -> None:
        if not await until(done, PATIENCE):
            raise Refusal(f"After {PATIENCE:g} s not each client {what}.")

    async def hears(self, count: int) -> None:
        """Wait until each has got so many more readings live."""
        before = [one.live for one in self.members]
        pairs = list(zip(self.members, before, strict=True))
        await self._until(
            lambda: all(one.live >= then + count for one, then in pairs),
            f"has {count} more readings",
        )
        print(f"Each of {len(pairs)} clients has got {count} readings more, at least.")

    async def returns(self) -> None:
        """Wait until each has been closed and is back; print with which code."""
        await self._until(
            lambda: all(0 < sum(o.codes.values()) < o.welcomes for o in self.members),
            "is back",
        )
        codes = Counter[int]()
        for one in self.members:
            codes += one.codes
            one.codes.clear()
            one.welcomes = 1
        for code, count in sorted(codes.items()):
            print(f"{count} sockets were closed with {code}.")
        print(f"All {len(self.members)} clients are back.")

    async def compare(self) -> None:
        """Hold what each knows beside what is stored, when nobody publishes."""
        fresh = Member(min(one.after for one in self.members))
        task = self._ask(fresh)
        try:
            await self._until(lambda: fresh.welcomes > 0, "is welcomed")
            newest = max(max(one.ids, default=0) for one in self.members)
            await self._until(lambda: newest in fresh.ids, "has the newest reading")
            with suppress(Refusal):
                await self._until(
                    lambda: not any(self._lost(one, fresh) for one in self.members),
                    "knows the same",
                )
        finally:
            task.cancel()
        lost = sum(self._lost(one, fresh) for one in self.members)
        twice = sum(len(one.twice) for one in self.members)
        print(f"Stored and not heard: {lost or 'none'}; twice: {twice or 'none'}")

    def _lost(self, one: Member, fresh: Member) -> int:
        """How many readings were stored since it came, and it has not heard them."""
        return len({number for number in fresh.ids - one.ids if number > one.after})

    async def gets(self, count: int) -> None:
        """Wait until each has got so many readings live, all in all."""
        await self._until(
            lambda: all(one.live >= count for one in self.members), f"has {count}"
        )


@asynccontextmanager
async def watchers(
    server: Server, path: str, jars: Sequence[Mapping[str, str]]
) -> AsyncIterator[Watchers]:
    """Connect some clients, and wait until each has been welcomed.

    Args:
        server: who is asked.
        path: such as ``/ws/readings/``.
        jars: the cookies of each client.
    """
    members = [Member() for _ in jars]
    turns = asyncio.Semaphore(AT_ONCE)

    def ask(one: Member, jar: Mapping[str, str] = jars[0]) -> asyncio.Task[None]:
        return asyncio.create_task(one.stay(server, path, jar, turns))

    tasks = [ask(one, jar) for one, jar in zip(members, jars, strict=True)]

    ours = Watchers(members, ask)
    try:
        await ours._until(lambda: all(m.welcomes for m in members), "is welcomed")
        yield ours
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def bare(
    server: Server, path: str, cookies: Mapping[str, str]
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """An open WebSocket of which nobody takes care: no pong, no close."""
    asked = frames.request(path, urlsplit(server.url).netloc, server.url)
    asked = f"{asked[:-2]}Cookie: {client.cookie(cookies)}\r\n\r\n"
    async with asyncio.timeout(client.LIMIT):
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(asked.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
    if b" 101 " not in answer:
        raise Refusal(f"{path} answers {answer[:40]!r}.")
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def busy(server: Server) -> float:
    """The seconds of processor that a server has taken so far."""
    first = psutil.Process(server.child.pid)
    everyone = [first, *first.children(recursive=True)]
    return float(sum(sum(one.cpu_times()[:2]) for one in everyone))


async def flood(
    server: Server, path: str, cookies: Mapping[str, str], text: str, seconds: float
) -> int | None:
    """Send a text as fast as it goes; the close code, or None if it never ends.

    Args:
        server: who is flooded.
        path: such as ``/ws/readings/``.
        cookies: of whoever does it.
        text: a short message.
        seconds: after which it leaves off.
    """
    # A server that only looks at a message in its turn spends 0.8 s of the processor on
    # reading ahead before each answer.  To see 21 of them in a second, as the limit of
    # step 8 must, it would have to be more than fifteen times as fast.
    piece = frames.frame(text.encode()) * FRAMES

    async def pour(writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while True:
                writer.write(piece)
                await writer.drain()

    async with bare(server, path, cookies) as (reader, writer):
        pouring = asyncio.create_task(pour(writer))
        try:
            async with asyncio.timeout(seconds):
                return await _close_code(reader)
        except TimeoutError:
            return None
        except OSError:
            return 1006  # the line was cut before the close was read
        finally:
            pouring.cancel()


async def _close_code(reader: asyncio.StreamReader) -> int | None:
    """Read frames of a server, until one of them closes; its code."""
    with suppress(asyncio.IncompleteReadError):
        while True:
            head = await reader.readexactly(2)
            size = head[1] & 0x7F
            if size == 126:
                size = int.from_bytes(await reader.readexactly(2), "big")
            payload = await reader.readexactly(size)
            if head[0] & 0x0F == 0x8:
                return int.from_bytes(payload[:2], "big")
    return 1006

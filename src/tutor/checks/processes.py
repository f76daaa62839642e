"""Step 11: a project that runs as several processes, with a Redis between them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tutor import children, trees
from tutor.checks import talk, visitor
from tutor.checks.question import Question
from tutor.checks.talk import READINGS
from tutor.checks.visitor import Visitor
from tutor.places import temporary
from tutor.redis import NONE, NOT_OURS, Redis, running, there
from tutor.servers import Server

COMMAND = ("manage.py", "publish")
SECONDS = 20  # for the command to come and go
PATIENCE = 4.0  # seconds for what should come by itself, or after a publisher
TRIES = 3  # readings after a restart of Redis: a server may be slow to subscribe


@dataclass
class Look:
    """What came of two servers on one Redis, and of one server alone.

    Args:
        missing: why there is no Redis to look with; empty where there is one.
        untouchable: why it can't be killed; empty where it can.
        heard: the readings that the client of each server received, in order.
        said: what the command printed, where it failed.
        beats: for each client, what a heartbeat said of the number of clients.
        again: how many clients heard a reading after Redis was killed and came back.
        left: what the first client's heartbeats said after the second server's death.
        alone: the readings of a client of a server that has no Redis.
    """

    missing: str = ""
    untouchable: str = ""
    heard: list[list[int]] = field(default_factory=list)
    said: str = ""
    beats: list[object] = field(default_factory=list)
    again: int = 0
    left: object = None
    alone: list[int] = field(default_factory=list)


@dataclass
class Client:
    """A socket, and all that came through it."""

    socket: ClientConnection
    readings: list[int] = field(default_factory=list)
    here: object = None  # of the newest heartbeat; None before the first
    beating: bool = False

    async def hear(self, enough: Callable[[Client], bool]) -> bool:
        """Read until it is enough, the socket closes, or it takes too long."""
        with suppress(TimeoutError, ConnectionClosed):
            async with asyncio.timeout(PATIENCE):
                while not enough(self):
                    self._note(await self.socket.recv())
        return enough(self)

    def _note(self, text: str | bytes) -> None:
        with suppress(ValueError, AttributeError, KeyError):
            message = json.loads(text)
            if message.get("type") == "reading":
                self.readings.append(message["value"])
            elif message.get("type") == "heartbeat":
                self.beating, self.here = True, message.get("here")

    async def publish(self, value: int) -> None:
        with suppress(ConnectionClosed):
            await self.socket.send(json.dumps({"type": "publish", "value": value}))


def look(project: Path, python: Path | None = None) -> Look:
    """Run a copy of the project three times, twice on one Redis.

    Args:
        project: the folder of ``manage.py``.
        python: the project's interpreter.
    """
    place = temporary()
    try:
        trees.copy(project, place.folder)
        return _run(place.folder, python)
    finally:
        place.remove()


def _run(project: Path, python: Path | None) -> Look:
    argv = [str(python or "python"), "manage.py", "runserver"]
    seen = Look(missing="" if there() else NONE)
    with ExitStack() as stack:
        redis = None if seen.missing else stack.enter_context(running())
        extras = [{}, *([redis.extra] * 2 if redis else [])]
        servers = [Server(argv, project, extra) for extra in extras]
        for server in servers:
            stack.callback(server.stop)
        if not all([server.ready() for server in servers]):
            return seen
        jar = visitor.at(servers[0], project, python).cookies
        visitors = [Visitor(server, jar) for server in servers]
        talk.run(_serve_alone(visitors[0], seen))
        servers[0].stop()
        if redis is not None:
            seen.untouchable = "" if redis.ours else NOT_OURS.splitlines()[0]
            publisher = [str(python or "python"), *COMMAND]
            talk.run(_together(visitors[1:], redis, publisher, project, seen))
    return seen


async def _serve_alone(who: Visitor, seen: Look) -> None:
    with suppress(OSError, EOFError, TimeoutError, InvalidHandshake):
        async with who.socket() as socket:
            client = Client(socket)
            await client.publish(5)
            await client.hear(lambda client: 5 in client.readings)
            seen.alone = client.readings


async def _together(
    visitors: list[Visitor], redis: Redis, argv: list[str], project: Path, seen: Look
) -> None:
    async def publish(value: int) -> children.Result:
        command = [*argv, str(value)]
        return await asyncio.to_thread(
            children.run, command, project, SECONDS, redis.extra
        )

    with suppress(OSError, EOFError, TimeoutError, InvalidHandshake):
        async with AsyncExitStack() as stack:
            clients = [
                Client(await stack.enter_async_context(who.socket()))
                for who in visitors
            ]
            seen.heard = [client.readings for client in clients]
            for publisher, value in zip(clients, (7, 8), strict=True):
                await publisher.publish(value)
                if await _all_hear(clients, value) < len(clients):
                    return  # what follows would be waited for in vain
            done = await publish(9)
            seen.said = done.out.strip()[-300:] if done.code else ""
            crosses = await _all_hear(clients, 9) == len(clients)
            for client in clients:
                await client.hear(lambda client: client.here == len(clients))
            seen.beats = [client.here for client in clients if client.beating]

            if redis.ours and crosses:  # else it would be waited for in vain
                redis.kill()
                redis.again()
                for value in range(10, 10 + TRIES):
                    await publish(value)
                    seen.again = await _all_hear(clients, value)
                    if seen.again == len(clients):
                        break
            visitors[1].server.pause(grace=0)
            await clients[0].hear(lambda client: client.here == 1)
            seen.left = clients[0].here


async def _all_hear(clients: list[Client], value: int) -> int:
    """Let every client wait for a reading; how many received it."""
    heard = await asyncio.gather(
        *(client.hear(lambda client: value in client.readings) for client in clients)
    )
    return sum(heard)


def _no_redis(seen: Look) -> str:
    return seen.missing


def _no_redis_to_kill(seen: Look) -> str:
    return seen.missing or seen.untouchable


def _alone(seen: Look) -> str | None:
    heard = seen.alone
    return None if heard == [5] else f"the client received {heard}, where 5 was sent"


def _crosses(seen: Look) -> str | None:
    for heard, name in zip(seen.heard, ("first", "second"), strict=False):
        if heard[:2] != [7, 8]:
            return f"the {name} server's client received {heard}, where 7 and 8 were"
    return None if seen.heard else "no client could connect"


def _command_heard(seen: Look) -> str | None:
    if seen.said:
        return seen.said.splitlines()[-1]
    count = sum(9 in heard for heard in seen.heard)
    return None if count == 2 else f"{count} of two clients received it"


def _beats(seen: Look) -> str | None:
    count = len(seen.beats)
    return None if count == 2 else f"{count} of two clients received one"


def _recovers(seen: Look) -> str | None:
    count = seen.again
    return None if count == 2 else f"{count} of two clients heard the next reading"


def _counts(seen: Look) -> str | None:
    if seen.beats != [2, 2]:
        return f"heartbeats that say {seen.beats}, where two were here"
    left = seen.left
    return None if left == 1 else f"{left} after one of the two servers was killed"


QUESTIONS = (
    Question(
        "without REDIS_URL one process serves alone",
        f"a client of {READINGS} that publishes, and no REDIS_URL",
        _alone,
    ),
    Question(
        "what one process publishes the clients of another receive",
        "two servers on one Redis, with a client each",
        _crosses,
        needs=_no_redis,
    ),
    Question(
        "what manage.py publishes all of them receive",
        f"python {' '.join(COMMAND)} 9, with the same REDIS_URL",
        _command_heard,
        needs=_no_redis,
    ),
    Question(
        "an open socket hears a heartbeat",
        "two clients that wait",
        _beats,
        needs=_no_redis,
    ),
    Question(
        "after Redis was killed and is back, both hear again",
        "Redis killed and started empty, the sockets left open",
        _recovers,
        needs=_no_redis_to_kill,
    ),
    Question(
        "a heartbeat says how many are here, also after a server was killed",
        "the field here of a heartbeat",
        _counts,
        needs=_no_redis,
    ),
)

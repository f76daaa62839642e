"""Step 15: one channel a process hears the readings, however many clients it has."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from websockets.exceptions import InvalidHandshake

from tutor import trees
from tutor.checks import talk, visitor
from tutor.checks.processes import Client
from tutor.checks.question import Question
from tutor.checks.talk import READINGS
from tutor.checks.visitor import Visitor
from tutor.client import cookie
from tutor.places import temporary
from tutor.redis import NONE, running, there
from tutor.servers import Server

CLIENTS = 20  # of each process
VALUES = list(range(31, 43))  # fewer than anybody may publish in a second
GONE = 3  # seconds for those who have left to be forgotten
SECONDS = 40  # for all of them to come and go, in the project's own process

# In the project's own process: what the layer hands over is counted, whichever it is.
_ALONE = """
import asyncio, gc, json
from contextlib import suppress
from importlib import import_module
from channels.consumer import AsyncConsumer
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings

module, _, name = settings.ASGI_APPLICATION.rpartition(".")
application = getattr(import_module(module), name)
layer, handed = get_channel_layer(), []
receive = layer.receive

async def counted(channel):
    event = await receive(channel)
    handed.append(repr(event))
    return event

layer.receive = counted
headers = {"host": "localhost", "origin": "http://localhost", "cookie": COOKIE}
headers = [(name.encode(), value.encode()) for name, value in headers.items()]
clients = []
for _ in range(CLIENTS):
    client = WebsocketCommunicator(application, PATH, headers=headers)
    accepted, _ = await client.connect(5)
    if accepted:
        clients.append(client)

async def heard(client):
    count = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            while not count:
                count += VALUE in await client.receive_from(5)
    return count

reached = 0
if clients:
    await clients[0].send_json_to({"type": "publish", "value": int(VALUE)})
    reached = sum(await asyncio.gather(*map(heard, clients)))
times = sum(VALUE in event for event in handed)
for client in clients:
    with suppress(Exception):
        await client.disconnect(5)
clients.clear()
client = None
left = CLIENTS
with suppress(TimeoutError):
    async with asyncio.timeout(GONE):
        while left:  # who has left is let go in some turns of the loop
            await asyncio.sleep(0.01)
            gc.collect()
            left = sum(isinstance(one, AsyncConsumer) for one in gc.get_objects())
print("\\n" + json.dumps([reached, times, left]))
"""


@dataclass
class Look:
    """What came of many clients, in one process and at two servers.

    Args:
        reached: how many of ``CLIENTS`` in one process heard a reading.
        handed: how often the layer handed it over to that process.
        left: how many consumers there still were when all had gone.
        missing: why there is no Redis to look with; empty where there is one.
        heard: the readings that each client of two servers received, in order.
        here: how many clients the heartbeats of each spoke of.
    """

    reached: int = 0
    handed: int = 0
    left: int = 0
    missing: str = ""
    heard: list[list[int]] = field(default_factory=list)
    here: list[object] = field(default_factory=list)


def look(project: Path, python: Path | None = None) -> Look:
    """Run a copy of the project: twice on one Redis, and once without a server.

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
        servers = [Server(argv, project, redis.extra if redis else {})]
        if redis:
            servers.append(Server(argv, project, redis.extra))
        for server in servers:
            stack.callback(server.stop)
        if not all([server.ready() for server in servers]):
            return seen
        jar = visitor.at(servers[0], project, python).cookies
        if redis:
            talk.run(_burst([Visitor(server, jar) for server in servers], seen))
    named = f"PATH, COOKIE = {READINGS!r}, {cookie(jar)!r}\n"
    named += f"CLIENTS, VALUE, GONE = {CLIENTS}, '97', {GONE}\n"
    told = visitor.inside(project, named + _ALONE, python, SECONDS)
    with suppress(ValueError, TypeError):
        seen.reached, seen.handed, seen.left = told
    return seen


async def _burst(visitors: list[Visitor], seen: Look) -> None:
    """Many clients of each server; one of them publishes values in a row."""
    with suppress(OSError, EOFError, TimeoutError, InvalidHandshake):
        async with AsyncExitStack() as stack:
            clients = [
                Client(await stack.enter_async_context(who.socket()))
                for _ in range(CLIENTS)
                for who in visitors
            ]
            seen.heard = [client.readings for client in clients]
            for value in VALUES:
                await clients[0].publish(value)
            await asyncio.gather(*(client.hear(_all) for client in clients))
            # One more heartbeat: all are counted, and what is doubled has come.
            for client in clients:
                client.here = None
            await asyncio.gather(*(client.hear(_counted) for client in clients))
            seen.here = [client.here for client in clients]


def _all(client: Client) -> bool:
    return len(client.readings) >= len(VALUES)


def _counted(client: Client) -> bool:
    return client.here == 2 * CLIENTS


def _no_redis(seen: Look) -> str:
    return seen.missing


def _one_member(seen: Look) -> str | None:
    if seen.reached < CLIENTS:
        return f"{seen.reached} of {CLIENTS} clients heard it"
    if seen.handed > 1:
        return f"the layer handed it over {seen.handed} times"
    return None


def _once_in_order(seen: Look) -> str | None:
    if not seen.heard:
        return "not all clients could connect"
    for heard in seen.heard:
        if heard != VALUES:
            return f"a client received {heard}, where {VALUES} were published"
    return None


def _beats(seen: Look) -> str | None:
    for here in seen.here:
        if here != 2 * CLIENTS:
            return f"a client heard of {here}" if here else "a client heard of none"
    return None if seen.here else "not all clients could connect"


def _forgotten(seen: Look) -> str | None:
    if not seen.reached:
        return "no client could connect"
    return f"{seen.left} consumers still were there" if seen.left else None


QUESTIONS = (
    Question(
        "a process takes a reading from the layer once, and all its clients hear it",
        f"{CLIENTS} clients of one process, and one reading",
        _one_member,
    ),
    Question(
        "many clients of two servers hear all readings, once and in order",
        f"{CLIENTS} clients of each of two servers, {len(VALUES)} readings in a row",
        _once_in_order,
        needs=_no_redis,
    ),
    Question(
        "a heartbeat tells each of them how many are here",
        f"{CLIENTS} clients of each of two servers",
        _beats,
        needs=_no_redis,
    ),
    Question(
        "who has left is forgotten",
        f"{CLIENTS} clients that came and went",
        _forgotten,
    ),
)

"""A client that acknowledges what it hears, and what a server says of itself."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tutor import forms
from tutor.checks.visitor import Visitor
from tutor.servers import Server

EACH = 20  # live readings to an acknowledgement
PATIENCE = 20.0  # seconds, on a busy machine
HEALTH, READY, METRICS = "/healthz/", "/readyz/", "/metrics/"
SAMPLE = re.compile(r"^(\w+(?:\{[^}]*\})?) ([-+.\de]+)$", re.M)


def status(server: Server, path: str) -> int:
    """What a page answers; 0 if nothing."""
    with suppress(OSError, http.client.HTTPException):
        return forms.ask(server, "GET", path).status
    return 0


def statuses(server: Server) -> tuple[int, int]:
    """Of health and of readiness."""
    return status(server, HEALTH), status(server, READY)


def numbers(who: Visitor) -> dict[str, float]:
    """What the metrics say, by name; nothing where they may not be read."""
    reply = forms.ask(who.server, "GET", METRICS, cookies=who.cookies)
    if reply.status != 200:
        return {}
    return {name: float(value) for name, value in SAMPLE.findall(reply.body)}


@dataclass
class Client:
    """A client that may acknowledge, and what it heard."""

    socket: ClientConnection
    each: int = EACH  # 0 for one that never acknowledges
    values: list[int] = field(default_factory=list)
    welcomed: bool = False  # its hello was answered

    async def listen(self) -> None:
        """Take what comes until the socket closes."""
        with suppress(ConnectionClosed):
            async for text in self.socket:
                with suppress(ValueError, KeyError, TypeError):
                    message = json.loads(text)
                    self.welcomed |= message["type"] == "welcome"
                    if message["type"] != "reading":
                        continue
                    self.values.append(message["value"])
                    if self.each and len(self.values) % self.each == 0:
                        ack = {"type": "ack", "id": message["id"]}
                        await self.socket.send(json.dumps(ack))


async def join(who: Visitor, stack: AsyncExitStack, each: int = EACH) -> Client:
    """Connect a client, and let it listen until the stack is left."""
    client = Client(await stack.enter_async_context(who.socket()), each)
    task = asyncio.create_task(client.listen())
    stack.callback(task.cancel)
    return client


async def waited(socket: ClientConnection, seconds: float = PATIENCE) -> int | None:
    """The close code of a socket; None if it stays open."""
    with suppress(TimeoutError):
        await asyncio.wait_for(socket.wait_closed(), seconds)
    return socket.close_code


def has(one: Client, count: int) -> bool:
    """Whether a client has heard so many readings, or will hear no more."""
    return len(one.values) >= count or one.socket.close_code is not None

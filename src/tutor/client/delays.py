"""How long a server lets its clients wait, and how long it keeps those who left."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from websockets.asyncio.client import ClientConnection

from tutor.client.conversation import LIMIT
from tutor.client.handshake import _open
from tutor.pictures import Picture, bars
from tutor.servers import Server
from tutor.wording import in_words


async def waits(server: Server, path: str, clients: int) -> Picture:
    """Send one message from each of some clients at once; when are all answered?

    The last answer counts, in whole seconds.  How many of the others leave a
    blocked server before it differs from run to run.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(in_words(f"{clients} clients at {path}"))
        sockets = []
        for _ in range(clients):
            sockets.append(
                await stack.enter_async_context(_open(server, path, server.url))
            )
            await asyncio.wait_for(sockets[-1].recv(), LIMIT)
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def ask(socket: ClientConnection) -> float:
            await socket.send("hello")
            await asyncio.wait_for(socket.recv(), LIMIT * clients)
            return loop.time() - began

        last = max(await asyncio.gather(*map(ask, sockets)))
    title = f"Seconds until {clients} clients had their answers"
    return bars(title, {"all answered": round(last)}, "s", full=clients)


async def left(server: Server, within: float = 2.5) -> None:
    """Give the server time to say that it had to kill a consumer.

    Daphne looks after its applications once a second, so under
    ``--application-close-timeout 1`` it says so within about two.

    Args:
        server: the server, its client gone.
        within: seconds after which it is taken to have nothing to say.
    """
    said = await asyncio.to_thread(
        server.child.wait_for, lambda out: "took too long" in out, within
    )
    print(
        "The server had to kill a consumer." if said else "No consumer was left behind."
    )

"""One client at a running server: it knocks, speaks, listens and leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Origin

from tutor.doctor.answers import Client
from tutor.doctor.child import Event, Live

OPENING = 2.5  # seconds for a handshake
ANSWER = 1.0  # seconds for one message to be dealt with
ENDING = 1.0  # seconds for the server to close the socket of a crashed consumer
LEAVING = 1.3  # seconds for a consumer to end after its client has gone
TURNS = 5  # of the server's loop: what it has begun by itself has come to its end


class Talking:
    """What each client of one server does, over a socket or for a page."""

    def __init__(self, live: Live, port: int, host: str) -> None:
        self.live = live
        self.port = port
        self.host = host

    def opening(self, client: Client) -> connect:
        headers = {"x-tutor-knock": client.tag}
        if client.signed:
            headers["x-tutor-signin"] = client.signed
        return connect(
            f"ws://{self.host}:{self.port}{client.path}",
            host="127.0.0.1",
            port=self.port,
            origin=Origin(client.origin) if client.origin else None,
            additional_headers=headers,
            proxy=None,
            compression=None,
            open_timeout=OPENING,
            close_timeout=0.5,
            ping_interval=None,
            max_size=None,
        )

    async def open(self, client: Client) -> ClientConnection | None:
        """Knock; give up as soon as the application is idle without an answer."""
        opening = asyncio.ensure_future(self._opened(client))
        settled = asyncio.ensure_future(self.settled(client, 1, OPENING))
        await asyncio.wait({opening, settled}, return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            await asyncio.wait({opening}, timeout=0.4)
        if not opening.done():
            client.quiet = "connect"
            opening.cancel()
        elif client.status not in (None, 101):
            # The answer may be here before the consumer knows that we have gone.
            await self.settled(client, 2, LEAVING)
        with suppress(asyncio.CancelledError):
            return await opening
        return None

    async def _opened(self, client: Client) -> ClientConnection | None:
        try:
            socket = await self.opening(client)
            client.status = 101
            return socket
        except InvalidStatus as refused:
            client.status = refused.response.status_code
        except (TimeoutError, OSError, EOFError, WebSocketException):
            pass
        return None

    async def settled(self, client: Client, told: int, patience: float) -> Event | None:
        """Wait until the application has dealt with ``told`` messages, or ended.

        What it waited for a processor meanwhile is not its own time.
        """

        def done(event: Event) -> bool:
            if event.get("conn") != client.tag:
                return False
            return event["kind"] in ("ended", "killed") or (
                event["kind"] == "idle" and event["told"] >= told
            )

        began = self.live.starved()
        event = await self.live.heard(done, patience)
        waited = self.live.starved() - began
        return (
            await self.live.heard(done, waited) if not event and waited > 0 else event
        )

    async def talk(
        self,
        client: Client,
        socket: ClientConnection,
        said: Sequence[tuple[str, str | bytes]],
    ) -> None:
        """Say each message, hear what comes, then leave and watch the end."""
        event = await self.settled(client, 1, ANSWER)
        if event is None:
            client.quiet = "connect"
        elif event["kind"] == "ended":
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(socket.wait_closed(), ENDING)
        told = 1
        for phase, message in said:
            await self.listen(client, socket)
            if client.closed is not None or client.quiet:
                break
            client.phases.append((phase, str(message)))
            try:
                await socket.send(message)
            except ConnectionClosed as closed:
                client.closed = closed.rcvd.code if closed.rcvd else 1006
                break
            told += 1
            event = await self.settled(client, told, ANSWER)
            if event is None and not client.quiet:
                client.quiet = phase
            elif event is not None and event["kind"] == "ended":
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(socket.wait_closed(), ENDING)
        await self.listen(client, socket)
        await socket.close()
        patience = 0.3 if client.quiet else LEAVING
        if await self.settled(client, told + 1, patience) is None:
            client.quiet = client.quiet or "disconnect"
        await self.settled_at_last(client)

    async def settled_at_last(self, client: Client) -> None:
        """A moment for what ends by itself after the handler has come back."""
        await self.live.heard(
            lambda event: event.get("conn") == client.tag and event["kind"] == "ended",
            0.1,
        )

    async def listen(self, client: Client, socket: ClientConnection) -> None:
        """Collect what has come.

        A pong comes after all that was sent before it.  Each says that the server's
        loop has turned once more, so an event that a handler has sent to its own
        consumer was dealt with, however slow the machine is.
        """
        moment = 0.002 if client.signed else 0.03  # what a member hears is hardly read
        with suppress(asyncio.TimeoutError):
            try:
                for _ in range(TURNS):
                    await asyncio.wait_for(await socket.ping(), ANSWER)
                while len(client.heard) < 500:
                    client.heard.append(await asyncio.wait_for(socket.recv(), moment))
            except ConnectionClosed as closed:
                client.closed = closed.rcvd.code if closed.rcvd else 1006

    async def request(
        self, path: str, headers: Mapping[str, str], patience: float
    ) -> int | None:
        """The status of a page; None where no answer came."""
        told = {"Host": self.host, "Connection": "close", **headers}
        lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in told.items())]
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write("\r\n".join([*lines, "", ""]).encode())
            line = await asyncio.wait_for(reader.readline(), patience)
            writer.close()
            return int(line.split()[1])
        except (TimeoutError, OSError, IndexError, ValueError):
            return None

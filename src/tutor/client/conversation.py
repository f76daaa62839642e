"""What passes over an open WebSocket: each message printed, each wait limited."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tutor import wording

LIMIT = 5.0  # seconds


class Silence:
    """A client of a server that is not to be had here: it does nothing."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def nothing(*args: object, **named: object) -> None:
            return None

        return nothing


class Talk:
    """An open WebSocket that prints what passes.

    Args:
        connection: the socket.
        name: whose it is, printed before each line; where there are several.
    """

    def __init__(self, connection: ClientConnection, name: str = "") -> None:
        self.connection = connection
        self.name = name

    def _print(self, *words: str) -> None:
        print(*([self.name] if self.name else []), *words)

    async def send(self, message: str | bytes, times: int = 1) -> None:
        """Send a message, text or binary; if the socket is closed, say so.

        Args:
            message: what is sent.
            times: how often, without waiting for answers.
        """
        try:
            async with asyncio.timeout(LIMIT):
                await at_once(self.connection, [message] * times)
        except ConnectionClosed:
            self._print("←", wording.closed(self.connection))
        else:
            self._print("→", wording.shown(message) + wording.often(times))

    async def recv(self, varies: str = "", within: float = LIMIT) -> str | bytes | None:
        """Receive one message; None if the socket closes or nothing comes.

        A heartbeat may come at any moment, and is read over: see `hears`.

        Args:
            varies: what the message is, where it differs from run to run.
            within: seconds to wait.
        """
        return await self._next(
            lambda message: not wording.is_beat(message), varies, within
        )

    async def hears(self, text: str, within: float = LIMIT) -> str | bytes | None:
        """Wait for a message with some text in it; read over all others.

        Args:
            text: such as ``heartbeat``.
            within: seconds to wait.
        """
        return await self._next(lambda message: text in str(message), "", within)

    async def counts(
        self,
        text: str,
        until: int | None = None,
        more_than: int | None = None,
        within: float = 2.0,
        acknowledge: int = 0,
    ) -> int:
        """Count the messages with some text in them, until none comes for a while.

        Args:
            text: such as ``"reading"``.
            until: leave off as soon as so many have come.
            more_than: print only that there were more than this, where the number
                differs from run to run.
            within: seconds to wait for each.
            acknowledge: answer each so-manieth of them, a reading, with its id.
        """
        count = 0
        with suppress(TimeoutError, ConnectionClosed):
            while count != until:
                async with asyncio.timeout(LIMIT if until else within):
                    while text not in str(message := await self.connection.recv()):
                        pass
                count += 1
                if acknowledge and count % acknowledge == 0:
                    ack = {"type": "ack", "id": json.loads(message)["id"]}
                    await self.connection.send(json.dumps(ack))
        if more_than is not None and count > more_than:
            said = f"more than {more_than} messages with {text}   (how many varies)"
        else:
            said = f"{count or 'no'} message{'s' * (count != 1)} with {text}"
        if acknowledge:
            said += f"   (each {acknowledge}th acknowledged)"
        self._print("←", said)
        return count

    async def _next(
        self, wanted: Callable[[str | bytes], bool], varies: str, within: float
    ) -> str | bytes | None:
        message: str | bytes | None = None
        try:
            async with asyncio.timeout(within):
                while message is None or not wanted(message):
                    message = await self.connection.recv()
        except TimeoutError:
            self._print(f"← nothing within {within:g} s")
            return None
        except ConnectionClosed:
            self._print("←", wording.closed(self.connection))
            return None
        self._print("←", wording.shown(message) + (f"   ({varies})" if varies else ""))
        return message

    async def rest(self, times: str = "", within: float = LIMIT) -> None:
        """Receive until the socket closes; what comes again is printed once.

        Args:
            times: how often it comes, in words, where that differs between runs.
            within: seconds to wait for each message.
        """
        last: str | bytes | None = None
        count = 0
        while True:
            message: str | bytes | None = None
            with suppress(TimeoutError, ConnectionClosed):
                message = await asyncio.wait_for(self.connection.recv(), within)
            if last is not None and message != last:
                self._print("←", wording.shown(last) + wording.often(count, times))
                count = 0
            if message is None:
                break
            last, count = message, count + 1
        await self.closed(within)

    async def closed(self, within: float = LIMIT) -> int | None:
        """Wait for the end of the connection; its close code."""
        try:
            await asyncio.wait_for(self.connection.wait_closed(), within)
        except TimeoutError:
            self._print(f"← still open after {within:g} s")
            return None
        self._print("←", wording.closed(self.connection))
        return self.connection.close_code


async def at_once(
    connection: ClientConnection, messages: Sequence[str | bytes]
) -> None:
    """Send messages in a single write.

    A write to a socket that the server has left makes the system forget what came
    and was not read yet, the close code too; and a server waits a second, no longer,
    for the answer to its close.  So nothing is left to write after what breaks a limit.

    Args:
        connection: an open one.
        messages: what is sent, text or binary.

    Raises:
        ConnectionClosed: it is closed already.
    """
    async with connection.send_context():
        for message in messages:
            if isinstance(message, str):
                connection.protocol.send_text(message.encode())
            else:
                connection.protocol.send_binary(message)
        connection.transport.writelines(connection.protocol.data_to_send())

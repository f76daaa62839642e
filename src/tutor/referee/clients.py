"""The referee's people: watchers that remember what they were told."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Origin

from tutor.client import cookie
from tutor.referee.declaration import ID, Declaration, filled
from tutor.servers import HOST, Server

OPENING = 15.0  # seconds for a handshake, on a machine that is busy
MOST = 2**20  # bytes that a message may have


class Turned(Exception):
    """A handshake that did not end in a socket; its text is the answer."""


class Watcher:
    """A client that remembers what it was told, and comes back where it stopped.

    Args:
        declared: what the board says of itself.
        cookies: who it is.
        after: the newest id that it knows already; None for one who knows nothing.
        heard: the ids that anybody has heard; it adds what it hears.
    """

    def __init__(
        self,
        declared: Declaration,
        cookies: Mapping[str, str],
        after: Any = None,
        heard: set[Any] | None = None,
    ) -> None:
        self.declared, self.cookies = declared, cookies
        self.last = declared.start if after is None else after
        self.news: dict[Any, Any] = {}  # id -> value
        self.times: dict[Any, float] = {}  # id -> when it was heard first
        self._heard = set() if heard is None else heard
        self.torn: list[Any] = []  # ids that came again with another value
        self.other: Any = None  # the newest message that is no news
        self.code: int | None = None  # of the close, where it is closed
        self._count = 0
        self._socket: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    @property
    def open(self) -> bool:
        return self._reading is not None and not self._reading.done()

    def gone(self) -> bool:
        """Whether its socket is closed."""
        return not self.open

    async def enter(self, server: Server, slow: bool = False) -> Watcher:
        """Open the socket and say what it knows; then listen, unless it is slow.

        Args:
            server: who is asked.
            slow: whether it reads nothing, and makes its system keep little.

        Raises:
            Turned: it was not let in.
        """
        self._socket = await _opened(
            server, self.declared.socket, self.cookies, server.url, slow
        )
        self.code = None
        hello = filled(self.declared.resume, ID, self.last)
        with suppress(ConnectionClosed):
            await self._socket.send(json.dumps(hello))
        if not slow:
            self.listen()
        return self

    def listen(self) -> None:
        """Begin to read."""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._socket is not None
        try:
            while True:
                await self._note(await self._socket.recv())
        except ConnectionClosed as closed:
            self.code = closed.rcvd.code if closed.rcvd else 1006
        finally:
            self._changed.set()

    async def _note(self, text: str | bytes) -> None:
        now = time.monotonic()
        try:
            message = json.loads(text)
        except ValueError:
            message = text
        told = self.declared.news.read(message)
        if told is None:
            self.other = message
            return
        key, value = told
        if not isinstance(key, (int, str)):
            key = json.dumps(key)
        if key in self.news:
            if self.news[key] != value:
                self.torn.append(key)
        else:
            self.news[key], self.times[key] = value, now
            self._heard.add(key)
        self.last = _newer(self.last, key)
        self._changed.set()
        self._count += 1
        declared = self.declared
        if declared.ack is not None and self._count % declared.every == 0:
            assert self._socket is not None
            with suppress(ConnectionClosed):
                await self._socket.send(json.dumps(filled(declared.ack, ID, self.last)))

    async def until(self, enough: Callable[[], bool], seconds: float) -> bool:
        """Wait until it is enough, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not enough():
                    self._changed.clear()
                    await self._changed.wait()
        return enough()

    async def hears(self, value: Any, known: set[Any], seconds: float) -> Any:
        """The id of a new reading with this value, one not known; None if none."""

        def found() -> Any:
            for key, one in self.news.items():
                if one == value and key not in known:
                    return key
            return None

        await self.until(lambda: found() is not None, seconds)
        return found()

    async def leave(self) -> None:
        """Close the socket, if it is open."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        if self._socket is not None:
            await self._socket.close()


def _newer(last: Any, key: Any) -> Any:
    """The newest of two ids: the greater, of numbers; else the one that came last."""
    numbers = isinstance(last, int) and isinstance(key, int)
    return max(last, key) if numbers else key


async def knock(
    server: Server, path: str, cookies: Mapping[str, str], origin: str
) -> str:
    """How a handshake is answered: ``101``, another status, or words."""
    try:
        connection = await _opened(server, path, cookies, origin)
    except Turned as turned:
        return str(turned)
    await connection.close()
    return "101"


async def _opened(
    server: Server,
    path: str,
    cookies: Mapping[str, str],
    origin: str,
    slow: bool = False,
) -> ClientConnection:
    """Open a socket.

    Raises:
        Turned: it was not let in.
    """
    more: dict[str, Any] = {}
    if slow:
        low = socket.socket()
        low.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        low.connect((HOST, server.port))
        low.setblocking(False)
        more = {"sock": low, "max_queue": 1}
    try:
        return await connect(
            server.ws + path,
            additional_headers={"Cookie": cookie(cookies)},
            origin=Origin(origin),
            proxy=None,
            compression=None,
            open_timeout=OPENING,
            close_timeout=0.5,
            ping_interval=None,
            max_size=MOST,
            **more,
        )
    except InvalidStatus as refused:
        raise Turned(str(refused.response.status_code)) from None
    except TimeoutError:
        raise Turned(f"no answer within {OPENING:g} s") from None
    except (OSError, EOFError, InvalidHandshake, ConnectionClosed) as error:
        raise Turned(f"no answer ({type(error).__name__})") from None

"""The client of the cells: the ``websockets`` library, with a transcript.

``→`` is what the client sends, ``←`` what comes back.  Every wait has a limit.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as _connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin

from tutor import wording
from tutor.pictures import Picture, bars
from tutor.report import Refusal
from tutor.servers import Server
from tutor.sites import HOST, Site, link
from tutor.sites import host as host_of
from tutor.wording import in_words as in_words

OWN = "own"  # the Origin a page of this very server would send
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


def _open(
    server: Site,
    path: str,
    origin: str | None,
    cookies: Mapping[str, str] | None = None,
) -> _connect:
    return _connect(
        server.ws + path,
        additional_headers={"Cookie": cookie(cookies)} if cookies else None,
        origin=None
        if origin is None
        else Origin(server.url if origin == OWN else origin),
        host=HOST,
        port=server.port,
        ssl=server.tls,
        compression=None,
        proxy=None,
        user_agent_header=None,
        open_timeout=wording.OPENING,
        close_timeout=2,
    )


def cookie(cookies: Mapping[str, str]) -> str:
    """The header with which a browser sends its cookies."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


@asynccontextmanager
async def talk(
    server: Site,
    path: str,
    origin: str | None = OWN,
    name: str = "",
    cookies: Mapping[str, str] | None = None,
) -> AsyncIterator[Talk]:
    """Open a WebSocket and print the conversation.

    Args:
        server: who is asked.
        path: such as ``/ws/whole1/``.
        origin: the Origin header; None sends none.
        name: whose socket it is, printed before each line.
        cookies: what the browser has, for whoever has logged in.

    Raises:
        Refusal: the handshake did not succeed.
    """
    before = f"{name} " if name else ""
    _print_request(server.called(path, "ws"), origin, before)
    try:
        connection = await _open(server, path, origin, cookies)
    except (InvalidHandshake, OSError, EOFError) as error:
        print(f"{before}←", wording.refused(error))
        raise Refusal(
            f"tried         a handshake with {path}\n"
            f"expected      101 Switching Protocols\n"
            f"got           {wording.refused(error)}\n"
            f"likely cause  the server's log says it: run %log"
        ) from None
    print(f"{before}← 101 Switching Protocols")
    ours = Talk(connection, name)
    try:
        yield ours
    finally:
        if connection.close_code is None:
            await connection.close()
            print(f"{before}→ close 1000")


async def knock(
    server: Site,
    path: str,
    origin: str | None = OWN,
    name: str = "",
    cookies: Mapping[str, str] | None = None,
) -> str:
    """Try a handshake, print how it is answered, and leave again; the answer."""
    before = f"{name} " if name else ""
    _print_request(server.called(path, "ws"), origin, before)
    answer = "101 Switching Protocols"
    try:
        connection = await _open(server, path, origin, cookies)
    except (InvalidHandshake, OSError, EOFError) as error:
        answer = wording.refused(error)
    else:
        await connection.close()
    print(f"{before}←", answer)
    return answer


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


def get(
    server: Site,
    path: str,
    host: str = "",
    header: str = "",
    name: str = "",
    cookies: Mapping[str, str] | None = None,
    lines: str = "",
) -> None:
    """Ask for a page as a browser would; print its status and its title.

    Args:
        server: who is asked.
        path: such as ``/``.
        host: the name the server is called by; its address if left out.
        header: a header of the answer, printed as well.
        name: whose browser it is, printed before each line.
        cookies: what the browser has, for whoever has logged in.
        lines: print those lines of the answer that begin so, as well.
    """
    before = f"{name} " if name else ""
    headers = {"Host": host or host_of(server)}
    if cookies:
        headers["Cookie"] = cookie(cookies)
    shown = server.called(path)
    print(f"{before}→ GET {shown}" + (f"   Host: {host}" if host else ""))
    with in_words(f"GET {shown}"), closing(link(server)) as opened:
        opened.request("GET", path, headers=headers)
        answer = opened.getresponse()
        body = answer.read().decode("utf-8", "replace")
    title = re.search(r"<title>\s*(.*?)\s*</title>", body, re.DOTALL)
    said = f'   "{" ".join(title[1].split())}"' if title else ""
    print(f"{before}← {answer.status} {answer.reason}{said}")
    if header:
        print(f"  {header}: {answer.getheader(header, 'not sent')}")
    for line in body.splitlines() if lines else ():
        if line.startswith(lines):
            print(f"  {line}")


def _print_request(path: str, origin: str | None, before: str = "") -> None:
    more = (
        ""
        if origin == OWN
        else "   Origin: none"
        if origin is None
        else f"   Origin: {origin}"
    )
    print(f"{before}→ GET {path}   Upgrade: websocket{more}")

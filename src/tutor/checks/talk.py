"""Talk to a project's own server over real sockets, and note what comes."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from tutor.client import cookie
from tutor.sites import HOST, Site

T = TypeVar("T")

PRACTICE, READINGS = "/ws/whole1/", "/ws/readings/"
FOREIGN = "http://evil.example"
PATIENCE = 3.0  # seconds for a message
OPENING = 10.0  # seconds for HTTP, which only a broken server leaves unanswered
AGAIN = 3.0  # seconds for the clean-up of what was interrupted, before the next push
TEXTS = ("next", "7")


@dataclass
class Talk:
    """What the clients of one server saw; a status of None means no HTTP answer."""

    own: int | None = None
    foreign: int | None = None
    missing: int | None = None
    page: int | None = None
    greeting: str | bytes | None = None
    answers: list[str | bytes | None] = field(default_factory=list)
    second: list[str | bytes | None] = field(default_factory=list)
    closed: int | None = None  # the code, where the server closed the socket


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also where a loop is running already.

    Whoever is interrupted meanwhile waits no longer than its clean-up takes.
    """
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []

    async def noted() -> T:
        task = cast("asyncio.Task[T]", asyncio.current_task())
        running.append((asyncio.get_running_loop(), task))
        return await work

    done: Future[T] = Future()

    def run_all() -> None:
        try:
            done.set_result(asyncio.run(noted()))
        except BaseException as error:
            done.set_exception(error)

    thread = threading.Thread(target=run_all)
    try:
        thread.start()  # an interruption may come from here on
        return done.result()
    except BaseException:  # Ctrl-C or TERM, where it is not its own
        while thread.is_alive():
            for loop, task in running:
                with suppress(RuntimeError):  # its loop has ended
                    loop.call_soon_threadsafe(task.cancel)
            thread.join(AGAIN)
        raise


async def knock(
    url: str, origin: str | None, cookies: Mapping[str, str] | None = None
) -> int | None:
    """The status that answers a handshake; None where nothing answers."""
    try:
        async with opened(url, origin, cookies):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code
    except (TimeoutError, OSError, EOFError, ConnectionClosed):
        return None


def opened(
    url: str,
    origin: str | None,
    cookies: Mapping[str, str] | None = None,
    at: Site | None = None,
) -> connect:
    """A client that says where its page came from, through no proxy.

    Args:
        url: what is opened.
        origin: the page's; None sends none.
        cookies: what the browser has.
        at: where the name in the url leads, if not to a machine of that name.
    """
    led: dict[str, Any] = {}
    if at is not None:
        led = {"host": HOST, "port": at.port, "ssl": at.tls}
    return connect(
        url,
        **led,
        additional_headers={"Cookie": cookie(cookies)} if cookies else None,
        origin=Origin(origin) if origin else None,
        proxy=None,
        compression=None,
        open_timeout=OPENING,
        close_timeout=1,
        ping_interval=None,
    )


async def page(port: int, host: str) -> int | None:
    """The status of the page at ``/``."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(
            f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        line = await asyncio.wait_for(reader.readline(), OPENING)
        writer.close()
        return int(line.split()[1])
    except (TimeoutError, OSError, IndexError, ValueError):
        return None


async def doors(url: str, port: int, host: str) -> Talk:
    """Who is refused, and is a plain page still answered?"""
    seen = Talk()
    seen.foreign, seen.missing, seen.page = await asyncio.gather(
        knock(url, FOREIGN), knock(url, None), page(port, host)
    )
    return seen


async def dialogue(url: str, origin: str, seen: Talk) -> None:
    """Two clients at once: a greeting, then an answer to each message."""
    try:
        async with opened(url, origin) as one:
            seen.own = 101
            seen.greeting = await hear(one)
            async with opened(url, origin) as two:
                seen.second.append(await hear(two))
                for text in TEXTS:
                    await one.send(text)
                    seen.answers.append(await hear(one))
                await two.send("next")
                seen.second.append(await hear(two))
    except ConnectionClosed as closed:
        seen.closed = closed.rcvd.code if closed.rcvd else 1006
    except InvalidStatus as refused:
        seen.own = refused.response.status_code
    except (TimeoutError, OSError, EOFError):
        return


async def hear(
    client: ClientConnection, patience: float = PATIENCE
) -> str | bytes | None:
    """The next message, or None."""
    try:
        return await asyncio.wait_for(client.recv(), patience)
    except TimeoutError:
        return None


async def first(
    client: ClientConnection,
    wanted: Callable[[dict[str, Any]], bool],
    patience: float = PATIENCE,
) -> dict[str, Any] | None:
    """The next JSON object that is wanted, or None; whatever else comes passes.

    Args:
        client: who listens.
        wanted: told an object, whether it is one.
        patience: seconds in all, since heartbeats may come for ever.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while True:
                with suppress(ValueError):
                    message = json.loads(await client.recv())
                    if isinstance(message, dict) and wanted(message):
                        return message
    return None


async def reading(client: ClientConnection, patience: float = PATIENCE) -> Any:
    """The value of the next reading; None where none comes."""
    found = await first(client, lambda one: one.get("type") == "reading", patience)
    return found and found.get("value")


@contextmanager
def unanswered(client: ClientConnection) -> Iterator[asyncio.Event]:
    """Let the server wait: what it sends is taken in, but heard and answered later.

    A server waits a second for the answer to its close, then drops the connection, and
    the system drops with it what was not read; so all is read at once, and kept.

    Yields:
        What tells that the connection is gone.
    """
    kept = _Kept()
    client.transport.set_protocol(kept)
    try:
        yield kept.lost
    finally:
        client.transport.set_protocol(client)
        for data in kept.came:
            client.data_received(data)
        if kept.lost.is_set():
            client.connection_lost(None)


class _Kept(asyncio.Protocol):
    def __init__(self) -> None:
        self.came: list[bytes] = []
        self.lost = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.came.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()

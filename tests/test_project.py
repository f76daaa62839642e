"""The finished project, as it stands at the root, over real sockets with Daphne."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tutor import places, trees
from tutor.course import Course
from tutor.servers import Server, serving

PATH = "/ws/whole1/"
OWN = "own"
SECONDS = 10


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is derived at the root, without the rest of the checkout."""
    folder = tmp_path_factory.mktemp("project")
    root = places.root()
    last = Course.load(root).tree(len(Course.load(root).steps))
    assert last is not None
    for name in trees.files(last):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((root / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[Server]:
    """One server for all tests; whatever they did, it had nothing to complain of."""
    command = ["daphne", "--application-close-timeout", "1", "webapp.asgi:application"]
    with serving(command, project) as server:
        assert server.running, server.log()
        yield server
        # Daphne looks after its applications once a second; one that did not end
        # when its client left is killed, and named in the log, by then.
        assert not server.child.wait_for(lambda out: "took too long" in out, 2.2)
    log = server.log()
    for bad in ("Traceback", "ERROR", "CRITICAL", "Exception", "took too long"):
        assert bad not in log, log


def talk(server: Server, path: str = PATH, origin: str | None = OWN) -> connect:
    sent = server.url if origin == OWN else origin
    return connect(
        server.ws + path,
        origin=None if sent is None else Origin(sent),
        proxy=None,
        open_timeout=SECONDS,
        close_timeout=SECONDS,
    )


async def said(socket: ClientConnection) -> str:
    async with asyncio.timeout(SECONDS):
        message = await socket.recv()
    assert isinstance(message, str)
    return message


async def status(server: Server, path: str = PATH, origin: str | None = OWN) -> int:
    """The status that a refused handshake is answered with."""
    with pytest.raises(InvalidStatus) as refused:
        async with talk(server, path, origin):
            pass
    return refused.value.response.status_code


async def test_0_comes_first_and_unasked(server: Server) -> None:
    async with talk(server) as socket:
        assert await said(socket) == "0"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.2)


async def test_each_message_is_answered_with_a_whole_number(server: Server) -> None:
    async with talk(server) as socket:
        await said(socket)
        numbers = []
        for _ in range(2000):
            await socket.send("again")
            numbers.append(await said(socket))
    assert all(number == str(int(number)) for number in numbers)
    # Of 101 numbers each comes up in 2000 draws with all but 2 chances in 10^7.
    assert {int(number) for number in numbers} == set(range(101))


async def test_as_many_answers_as_messages_also_unread(server: Server) -> None:
    async with talk(server) as socket:
        for _ in range(50):
            await socket.send("hello")
        assert len([await said(socket) for _ in range(51)]) == 51
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.2)


@pytest.mark.parametrize(
    "message",
    [
        b"\x00\xff",
        b"",
        "",
        "0" * 100_000,
        "\u00fc \U0001f6aa",
        '{"type": "websocket.close"}',
    ],
    ids=["binary", "empty binary", "empty", "long", "letters", "json"],
)
async def test_any_message_survives(server: Server, message: str | bytes) -> None:
    async with talk(server) as socket:
        await said(socket)
        for _ in range(2):
            await socket.send(message)
            assert 0 <= int(await said(socket)) <= 100


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1.evil.example", "null", None]
)
async def test_another_page_is_refused(server: Server, origin: str | None) -> None:
    assert await status(server, origin=origin) == 403


async def test_an_unknown_path_is_refused(project: Path) -> None:
    """On a server of its own: Channels writes a traceback for each of them."""
    with serving(["daphne", "webapp.asgi:application"], project) as server:
        for path in ("/", "/ws/", "/ws/whole1", "/ws/whole1/x/", "/ws/Whole1/"):
            assert await status(server, path) == 500
            found = f"No route found for path '{path[1:]}'"
            assert server.child.wait_for(lambda out, found=found: found in out)


async def test_100_clients_at_once(server: Server) -> None:
    async def client() -> tuple[str, str]:
        async with talk(server) as socket:
            first = await said(socket)
            open_now.append(1)
            if len(open_now) == 100:
                everybody.set()
            async with asyncio.timeout(3 * SECONDS):
                await everybody.wait()
            await socket.send("hello")
            return first, await said(socket)

    open_now: list[int] = []
    everybody = asyncio.Event()
    answers = await asyncio.gather(*(client() for _ in range(100)))
    assert [first for first, _ in answers] == ["0"] * 100
    assert all(0 <= int(number) <= 100 for _, number in answers)


async def test_a_client_that_is_torn_away_leaves_nothing(server: Server) -> None:
    """No close frame: the connection is cut.  The log is read at the end."""
    for _ in range(3):
        async with talk(server) as socket:
            await said(socket)
            socket.transport.abort()


async def test_pages_are_answered_beside(server: Server) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def page() -> tuple[int, str]:
        with opener.open(server.url, timeout=SECONDS) as answer:
            return answer.status, answer.read().decode()

    async with talk(server) as socket:
        await said(socket)
        code, body = await asyncio.to_thread(page)
        assert code == 200 and "<title>Log in</title>" in body
        await socket.send("still there?")
        assert int(await said(socket)) <= 100

"""Step 17: each limit, on two servers; what is logged; and a check that bites."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar
from unittest.mock import AsyncMock, Mock

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tutor import children, client, forms, places, redis, trees, watching
from tutor.checks import acknowledging, talk, visitor
from tutor.checks.steps import check_step
from tutor.checks.visitor import Person, Visitor
from tutor.course import Course
from tutor.exercises import outage
from tutor.servers import Server, serving

pytestmark = pytest.mark.takes(50)

COURSE = Course.load(places.root())
STEP = next(step for step in COURSE.steps if step.slug == "operate")
TREE = COURSE.root / "steps" / STEP.folder
PATH = "/ws/readings/"
HELLO = '{"type": "hello", "after": 0}'
PUBLISH = '{"type": "publish", "value": 1}'
LONG = 30.0  # seconds, on a busy machine
FEW = 3  # sockets of a user
SERVERS = {
    "daphne": (
        *("daphne", "--ping-interval", "1", "--ping-timeout", "1"),
        "webapp.asgi:application",
    ),
    "uvicorn": (
        *("uvicorn", "--ws-ping-interval", "1", "--ws-ping-timeout", "1"),
        *("--port", "PORT", "webapp.asgi:application"),
    ),
}


class Slow:
    """A socket that notes how many handshakes are under way."""

    most = 0
    under_way: ClassVar[set[Slow]] = set()
    close_code = None

    async def __aenter__(self) -> Slow:
        self.under_way.add(self)
        Slow.most = max(Slow.most, len(self.under_way))
        for _ in range(5):
            await asyncio.sleep(0)
        self.under_way.remove(self)
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def send(self, text: str) -> None: ...

    async def __aiter__(self) -> AsyncIterator[str]:
        yield '{"type": "welcome", "last": 0}'
        await asyncio.Event().wait()


def test_a_crowd_comes_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once, each would take longer than it waits, and come again."""
    monkeypatch.setattr(client, "_open", lambda *_: Slow())

    async def come(server: Server) -> list[int]:
        async with watching.watchers(server, PATH, [{}] * 40) as crowd:
            return [one.welcomes for one in crowd.members]

    assert talk.run(come(Mock())) == [1] * 40
    assert 1 < Slow.most <= 8


async def test_who_is_closed_already_is_not_waited_for() -> None:
    closed = Mock(close_code=4408, wait_closed=AsyncMock())
    assert await acknowledging.waited(closed, 0) == 4408


@pytest.fixture(scope="module", params=SERVERS)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, list[dict[str, str]]]]:
    """A server with the project of this step, and the cookies of six users."""
    folder = tmp_path_factory.mktemp(request.param)
    trees.copy(TREE, folder)
    people = [Person(name, rights=True) for name in "abcdef"]
    cookies = visitor.logged_in(folder, None, *people)
    extra = {"SOCKETS_PER_USER": str(FEW), "LOG_FORMAT": "json"}
    with serving(SERVERS[request.param], folder, extra) as server:
        yield server, cookies


@pytest.fixture
def who(running: tuple[Server, list[dict[str, str]]]) -> list[Visitor]:
    server, cookies = running
    return [Visitor(server, one) for one in cookies]


async def code(socket: ClientConnection) -> int | None:
    """Read until the socket closes; its code."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(LONG):
            async for _ in socket:
                pass
    return socket.close_code


async def test_who_says_too_much_at_once_is_closed(who: list[Visitor]) -> None:
    async with who[0].socket() as socket:
        await socket.send("x" * 1001)
        assert await code(socket) == 4413


async def test_who_says_too_much_in_a_second_is_closed(who: list[Visitor]) -> None:
    async with who[0].socket() as socket:
        for _ in range(21):
            await socket.send(HELLO)
        assert await code(socket) == 4429


async def test_a_flood_is_over_soon(who: list[Visitor]) -> None:
    found = await watching.flood(who[0].server, PATH, who[0].cookies, HELLO, LONG)
    # With so much on the way the close itself may be lost when the line is cut.
    assert found in (4429, 1006)


async def test_a_user_has_so_many_sockets(who: list[Visitor]) -> None:
    # Two whom no other test knows: the sockets of those may not be gone yet.
    mine, server = who[4], who[4].server
    first = [await mine.socket() for _ in range(FEW)]
    async with mine.socket() as one_more, who[5].socket() as of_another:
        assert await code(one_more) == 4409
        assert await talk.hear(of_another, LONG), "another user is as welcome as ever"
    for socket in first:
        await socket.close()
    # A client has closed before the server has cleaned up, and counts one less.
    gone = '"user": 5, "code": '
    assert server.child.wait_for(lambda out: out.count(gone) > FEW, LONG)
    async with mine.socket() as again:
        assert await talk.hear(again, LONG), "who has left makes room"


async def test_who_acknowledges_nothing_is_closed(who: list[Visitor]) -> None:
    async with who[0].socket() as silent:
        closing = asyncio.create_task(code(silent))
        while not closing.done():
            # Whoever publishes may be closed as well: it acknowledges nothing.
            async with who[1].socket() as publisher:
                with suppress(ConnectionClosed):
                    for _ in range(15):
                        await publisher.send(PUBLISH)
                    while await talk.hear(publisher, 0.2):
                        pass  # until those have come
        assert await closing == 4408


async def test_who_answers_no_ping_is_gone(who: list[Visitor]) -> None:
    server = who[0].server
    async with watching.bare(server, PATH, who[2].cookies) as (reader, _):
        with suppress(ConnectionError):  # the line may be cut, not closed
            async with asyncio.timeout(LONG):
                while await reader.read(1000):
                    pass


def test_who_is_not_on_the_staff_gets_no_numbers(who: list[Visitor]) -> None:
    assert forms.ask(who[0].server, "GET", "/metrics/").status == 403
    reply = forms.ask(who[0].server, "GET", "/metrics/", cookies=who[0].cookies)
    assert reply.status == 200
    assert "# TYPE sockets_closed_total counter" in reply.body


async def test_the_log_has_a_line_for_each_end_and_no_secret(
    who: list[Visitor],
) -> None:
    server = who[0].server
    async with who[3].socket() as socket:
        await socket.send("x" * 1001)
        await code(socket)
    assert server.child.wait_for(lambda out: '"user": 4, "code": 4413' in out, LONG)
    lines = [line for line in server.child.text.splitlines() if line[:1] == "{"]
    assert all({"at", "level", "what"} <= set(json.loads(line)) for line in lines)
    for one in who:
        assert not any(key in server.child.text for key in one.cookies.values())


# -- what only code can show -----------------------------------------------------------

SLOW = """
import asyncio, json
from master_app import sockets

class Server:
    async def send(self, event):
        sent.append(event["type"])
        if event["type"] == "websocket.send":
            await asyncio.Event().wait()  # as uvicorn waits for a client

sent, one = [], sockets.Socket()
one.base_send = Server().send
await asyncio.wait_for(one.pass_on("text"), 1)
await asyncio.sleep(0)
print(json.dumps([sent, one.code]))
"""


def test_a_send_that_waits_holds_up_nobody(tmp_path: Path) -> None:
    trees.copy(TREE, tmp_path)
    told = visitor.inside(tmp_path, SLOW, None, LONG)
    assert told == [["websocket.send", "websocket.close"], 4408]


def test_the_lines_of_an_incident_come_in_one_order() -> None:
    line = "2026-01-01 00:00:00,000 INFO     closed user={} code=4503 seconds=1.0\n"
    log = line.format(3) + line.format(1)
    assert outage.tidy(log) == "closed user=1 code=4503\nclosed user=3 code=4503"


@pytest.mark.skipif(redis.program() is None, reason=redis.NONE)
def test_who_acknowledges_late_is_not_closed_in_the_morning_of_the_exercise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def inside(morning: outage._Morning, code: str) -> None:
        # Nobody here gets a turn meanwhile, as on a machine with much else to do.
        done = children.run_inside(code, morning.project, 30, extra=morning.extra)
        assert done.code == 0, done.out

    monkeypatch.setattr(outage._Morning, "inside", inside)
    _, truth = outage.happen(TREE)
    assert truth["acknowledged nothing"] == outage.PEOPLE.index(outage.BOB) + 1
    assert truth["had to log in again"] == outage.PEOPLE.index(outage.DAVE) + 1


# -- the check -------------------------------------------------------------------------

BROKEN: Mapping[str, tuple[str, str, str, str]] = {
    "no limit": ("consumers.py", "UNREAD = 100 ", "UNREAD = 10**6 ", "4408"),
    "always ready": ("health.py", "status=status", "status=200", "whether it can work"),
    "open numbers": ("views.py", "if not request.user.is_staff", "if 0", "metrics"),
    "no good-bye": ("leaving.py", "await socket.close(RESTART)", "pass", "says so"),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_the_check_says_what_is_wrong(tmp_path: Path, change: Sequence[str]) -> None:
    name, old, new, title = change
    trees.copy(TREE, tmp_path)
    file = tmp_path / "master_app" / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    first = next(check for check in check_step(tmp_path, "operate") if check.problem)
    assert title in first.title

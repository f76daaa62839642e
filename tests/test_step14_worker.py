"""Step 14: jobs wait, each is done once, and everyone hears what came of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from channels.exceptions import ChannelFull
from channels_redis.core import RedisChannelLayer
from redis import Redis as Client
from websockets.asyncio.client import ClientConnection

from tutor import children, exercises, places, redis, trees
from tutor.checks import talk, visitor
from tutor.checks.steps import check_step
from tutor.checks.visitor import Visitor
from tutor.checks.workers import PRODUCE, WORK
from tutor.course import Course
from tutor.redis import NONE, Redis, running
from tutor.servers import serving
from tutor.started import Started, start

pytestmark = pytest.mark.takes(60)

needs_redis = pytest.mark.skipif(redis.program() is None, reason=NONE)

COURSE = Course.load(places.root())
STEP = next(step for step in COURSE.steps if step.slug == "worker")
TREE = COURSE.root / "steps" / STEP.folder
DAPHNE = ["daphne", "webapp.asgi:application"]
LONG = 30.0  # seconds, on a busy machine


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

ASGI, SETTINGS = "webapp/asgi.py", "webapp/settings.py"
COMMAND = "master_app/management/commands/produce.py"
WORKERS = "master_app/workers.py"
LISTS = "channels_redis.core.RedisChannelLayer"
HOSTS = "{'address': REDIS_URL, 'socket_timeout': None},"
BROKEN = {
    "no entry": ([(ASGI, "'channel':", "'chanel':")], "does a job"),
    "pub/sub": (
        [
            (SETTINGS, LISTS, "channels_redis.pubsub.RedisPubSubChannelLayer"),
            (SETTINGS, HOSTS, "REDIS_URL,"),
        ],
        "jobs wait",
    ),
    "no layer of its own": (
        [("master_app/jobs.py", "get_channel_layer('jobs')", "get_channel_layer()")],
        "jobs wait",
    ),
    "whoever is first": ([(WORKERS, "if await jobs.take(job)", "if True")], "once"),
    "in a hurry": ([(COMMAND, "default=1.0", "default=0.1")], "once a second"),
    "ends when full": ([(COMMAND, "except ChannelFull", "except KeyError")], "goes on"),
    "in bytes": (
        [(WORKERS, "round(psutil.cpu_percent())", "psutil.virtual_memory().used")],
        "does a job",
    ),
}


@needs_redis
@pytest.mark.parametrize(("changes", "title"), BROKEN.values(), ids=BROKEN)
def test_the_check_says_what_is_wrong(
    project: Path, changes: Sequence[tuple[str, str, str]], title: str
) -> None:
    for one in changes:
        change(project, *one)
    first = next(check for check in check_step(project, "worker") if check.problem)
    assert title in first.title


def test_without_a_redis_it_is_left_out_and_says_why(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "program", lambda: None)
    monkeypatch.delenv("REDIS_URL", raising=False)
    alone, *others = check_step(project, "worker")
    assert alone.problem is None and not alone.left_out
    assert others and all(check.left_out == NONE for check in others)
    assert not any(check.problem for check in others)


# -- the layer -------------------------------------------------------------------------


def layer(store: Redis, **config: Any) -> RedisChannelLayer:
    host = {"address": store.url, "socket_timeout": None}
    return RedisChannelLayer(hosts=[host], **config)


@needs_redis
async def test_a_channel_holds_a_hundred(store: Redis) -> None:
    jobs = layer(store)
    for _ in range(100):
        await jobs.send("measure", {"type": "measure.load"})
    with pytest.raises(ChannelFull):
        await jobs.send("measure", {"type": "measure.load"})
    await jobs.close_pools()


@needs_redis
async def test_who_sends_drops_what_has_waited_too_long(store: Redis) -> None:
    jobs = layer(store, expiry=2)  # a minute takes a minute
    assert jobs.expiry == 2 and layer(store).expiry == 60
    with Client.from_url(store.url) as client:
        await jobs.send("measure", {"type": "measure.load"})
        (job,) = client.zrange("asgimeasure", 0, -1)
        client.zadd("asgimeasure", {job: client.time()[0] - 3})
        await jobs.send("measure", {"type": "measure.load"})
        assert client.zcard("asgimeasure") == 1
    await jobs.close_pools()


# -- the project -----------------------------------------------------------------------


@asynccontextmanager
async def joined(visitors: Sequence[Visitor]) -> AsyncIterator[list[ClientConnection]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(one.socket()) for one in visitors]


async def readings(client: ClientConnection, count: int) -> list[dict[str, Any]]:
    """Read until so many readings have come."""
    came: list[dict[str, Any]] = []
    async with asyncio.timeout(LONG):
        while len(came) < count:
            message = json.loads(await client.recv())
            came += [message] if message["type"] == "reading" else []
    return came


def produce(project: Path, store: Redis, *options: str) -> children.Result:
    argv = ["python", *PRODUCE, *options]
    return children.run(argv, project, LONG, store.extra)


def working(stack: ExitStack, project: Path, store: Redis) -> Started:
    one = start(["python", *WORK], project, store)
    stack.callback(one.stop)
    return one


def visitors(stack: ExitStack, project: Path, store: Redis) -> list[Visitor]:
    """Somebody who has logged in, at each of two servers."""
    servers = [
        stack.enter_context(serving(DAPHNE, project, store.extra)) for _ in range(2)
    ]
    jar = visitor.at(servers[0], project).cookies
    assert jar, "nobody could log in"
    return [Visitor(server, jar) for server in servers]


@needs_redis
def test_what_one_worker_measures_the_clients_of_every_process_hear(
    project: Path, store: Redis
) -> None:
    async def watch(stack: ExitStack) -> None:
        async with joined(visitors(stack, project, store)) as clients:
            working(stack, project, store)
            assert produce(project, store, "--count", "3", "--every", "0").code == 0
            ada, bob = [await readings(client, 3) for client in clients]
            assert ada == bob
            assert all(0 <= one["value"] <= 100 for one in ada)

    with ExitStack() as stack:
        talk.run(watch(stack))


@needs_redis
def test_a_worker_that_waits_long_goes_on(project: Path, store: Redis) -> None:
    async def watch(stack: ExitStack) -> None:
        one = working(stack, project, store)
        async with joined(visitors(stack, project, store)[:1]) as (ada,):
            await asyncio.sleep(6)  # the layer asks anew after five seconds
            assert one.running, one.log()
            assert produce(project, store, "--count", "1").code == 0
            assert len(await readings(ada, 1)) == 1

    with ExitStack() as stack:
        talk.run(watch(stack))


@needs_redis
def test_a_killed_worker_takes_along_what_it_has_fetched(
    project: Path, store: Redis
) -> None:
    take = "if await jobs.take(job):"
    slow = f"{take}\n            import asyncio; await asyncio.sleep(60)"
    change(project, WORKERS, take, slow)
    with ExitStack() as stack, Client.from_url(store.url) as client:
        visitors(stack, project, store)  # makes the database
        one = working(stack, project, store)
        assert produce(project, store, "--count", "9", "--every", "0").code == 0
        for _ in range(200):
            if not client.zcard("asgimeasure") and client.keys("job:*"):
                break
            one.child.wait_news(0.05)
        assert len(client.keys("job:*")) == 1  # it works on one of nine
        one.stop(grace=0)
        assert client.zcard("asgimeasure") == 0


@needs_redis
def test_the_producer_says_what_it_drops(project: Path, store: Redis) -> None:
    done = produce(project, store, "--count", "103", "--every", "0")
    assert done.code == 0 and done.out.count("Dropped a job") == 3


# -- the exercise ----------------------------------------------------------------------


def answers(tag: str) -> list[str]:
    found = [c for c in STEP.cells if tag in c["metadata"].get("tags", ())]
    return ["".join(cell["source"]).partition("\n")[2] for cell in found]


SOLUTION = answers("solution")[0] if STEP.cells else ""
WRONG = {
    "in bytes": ("came // 1000", "came", "published 100"),
    "not capped": ("min(100, came // 1000)", "came // 1000", "much more than 100"),
    "no wait": ("await asyncio.sleep(1)", "pass", "published 0"),
    "blocks": ("await asyncio.sleep(1)", "__import__('time').sleep(1)", "had to wait"),
    "another name": ("traffic_count", "count_traffic", "No handler for message type"),
    "no class": ("TrafficConsumer.as_asgi()", "TrafficConsumer", "ends with TypeError"),
    "no channel": ('"traffic":', '"network":', "channels has no 'traffic'"),
    "silent": ("await readings.publish(", "print(", "published nothing"),
}


def test_the_solution_is_right_and_the_start_is_not_yet(project: Path) -> None:
    assert exercises.check("worker", SOLUTION, project).startswith("Right. ")
    (begun,) = answers("answer")
    assert "`...` still stands" in exercises.check("worker", begun, project)


@pytest.mark.parametrize(("old", "new", "words"), WRONG.values(), ids=WRONG)
def test_answers_that_are_not_there_yet(
    project: Path, old: str, new: str, words: str
) -> None:
    assert old in SOLUTION
    verdict = exercises.check("worker", SOLUTION.replace(old, new), project)
    assert verdict.startswith("Not yet: ") and words in verdict


LATE = """\
import sys, threading
def late():
    threading.main_thread().join()
    print("a coroutine was never awaited", file=sys.stderr)
threading.Thread(target=late).start()
"""


def test_what_is_logged_at_the_end_hides_no_verdict(project: Path) -> None:
    assert exercises.check("worker", LATE + SOLUTION, project).startswith("Right. ")
    early = "\nimport os\nprint(7, flush=True)\nos._exit(0)\n"
    verdict = exercises.check("worker", SOLUTION + early, project)
    assert "ends before its last line" in verdict


def test_one_channel_for_both_makes_a_measurement_wait(project: Path) -> None:
    both = SOLUTION.replace(
        "class TrafficConsumer(AsyncConsumer)", "class TrafficConsumer(MeasureConsumer)"
    )
    one = both.partition("channels = ")[0] + (
        "app = TrafficConsumer.as_asgi()\n"
        "from channels.routing import ChannelNameRouter\n"
        "import asyncio\nturn = asyncio.Lock()\n"
        "class Turn(TrafficConsumer):\n"
        "    async def dispatch(self, message):\n"
        "        async with turn:\n"
        "            await super().dispatch(message)\n"
        "channels = {'measure': Turn.as_asgi(), 'traffic': Turn.as_asgi()}\n"
    )
    verdict = exercises.check("worker", one, project)
    assert "had to wait until the traffic was counted" in verdict

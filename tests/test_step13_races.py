"""Step 13: writers against joiners; nothing is lost and nothing doubled at the seam.

On SQLite, and on PostgreSQL where there is one: its ids are not in commit order.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import postgres
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from tutor import children, places, redis, trees
from tutor.checks import talk
from tutor.servers import Server, serving

pytestmark = pytest.mark.takes(20)

STEPS = ("13-database", "15-load")  # from 15 on one task a process hears for all
DAPHNE = ["daphne", "webapp.asgi:application"]
LONG = 60.0  # seconds, on a busy machine
HELD = 0.02  # seconds that a transaction may stay open after its row has an id
LAST = 100  # the value that ends a race

needs_redis = pytest.mark.skipif(redis.program() is None, reason=redis.NONE)
needs_postgres = pytest.mark.skipif(postgres.programs() is None, reason=postgres.NONE)
DATABASES = [
    pytest.param(False, id="sqlite"),
    pytest.param(True, id="postgresql", marks=needs_postgres),
]


@contextmanager
def prepared(project: Path, step: str, on_postgres: bool) -> Iterator[dict[str, str]]:
    """A project with its tables; what its processes need in their environment."""
    trees.copy(places.root() / "steps" / step, project)
    with ExitStack() as stack:
        extra: dict[str, str] = {}
        if on_postgres:
            extra |= stack.enter_context(postgres.running())
        if redis.program() is not None:
            extra |= stack.enter_context(redis.running()).extra
        done = children.run(
            ["python", "manage.py", "migrate", "-v", "0"], project, LONG, extra
        )
        assert done.code == 0, done.out
        yield extra


def inside(project: Path, code: str, extra: Mapping[str, str]) -> str:
    """Run code in the project, in a process of its own; what it printed."""
    done = children.run_inside(code, project, LONG * 2, extra)
    assert done.code == 0, done.out
    return done.out.strip()


COOKIE = """
from django.contrib.auth.models import User
from django.test import Client

visitor = Client()
visitor.force_login(User.objects.create_user("ada", is_staff=True))
print(visitor.cookies["sessionid"].value)
"""


def opened(server: Server, cookie: str) -> connect:
    """A socket of ada's."""
    return connect(
        server.ws + talk.READINGS,
        origin=Origin(server.url),
        additional_headers={"Cookie": f"sessionid={cookie}"},
        proxy=None,
        open_timeout=LONG,
        close_timeout=5,
        max_queue=None,  # else what is unread keeps the end from being read
    )


# A writer holds each transaction open for a while after its row has an id, and takes
# back every fifth.
WRITER = """
import random, time
from django.db import OperationalError, transaction
from master_app import readings

random.seed({seed})
kept = []
while len(kept) < {count}:
    try:
        with transaction.atomic():
            readings.store({seed})
            time.sleep(random.random() * {held})
            taken_back = random.random() < 0.2
            transaction.set_rollback(taken_back)
        kept += [] if taken_back else [1]
    except OperationalError as error:  # SQLite has one writer at a time
        if "locked" not in str(error):
            raise
"""
STORED = """
from master_app.models import Reading
print(*Reading.objects.values_list("id", flat=True))
"""


class Joiner:
    """A client that comes and goes, and remembers what a page would."""

    def __init__(self, name: int) -> None:
        self.random = random.Random(name)
        self.known: set[int] = set()
        self.doubled: list[int] = []  # sent twice through one socket
        self.joined = 0

    async def watch(self, servers: list[Server], cookie: str) -> None:
        """Come and go until the value comes that is the last."""
        over = False
        while not over:
            server = self.random.choice(servers)
            async with opened(server, cookie) as socket:
                self.joined += 1
                # Some are slow to say hello, and hear what is new before.
                await asyncio.sleep(self.random.choice((0, 0, 0.05)))
                hello = {"type": "hello", "after": max(self.known, default=0)}
                await socket.send(json.dumps(hello))
                over = await self.listen(socket, 0.02 + self.random.random() / 4)

    async def listen(self, socket: ClientConnection, seconds: float) -> bool:
        """Hear for a while; whether the last value has come.

        What comes before the welcome comes again after it, in order.
        """
        heard: list[int] = []
        over = welcome = False
        end = asyncio.get_running_loop().time() + seconds
        while True:
            left = end - asyncio.get_running_loop().time()
            if left < 0 and welcome:
                break
            try:
                text = await asyncio.wait_for(socket.recv(), max(left, 0.01))
            except TimeoutError:
                continue
            message = json.loads(text)
            welcome |= message["type"] == "welcome"
            if welcome and message["type"] == "reading":
                heard.append(message["id"])
                over |= message["value"] == LAST
        self.doubled += [one for one in set(heard) if heard.count(one) > 1]
        self.known |= set(heard)
        return over


async def race(
    project: Path, servers: list[Server], extra: Mapping[str, str], cookie: str
) -> list[Joiner]:
    joiners = [Joiner(number) for number in range(6)]
    watching = asyncio.gather(*(one.watch(servers, cookie) for one in joiners))
    async with asyncio.timeout(LONG * 3):
        await asyncio.gather(
            *(
                asyncio.to_thread(
                    inside,
                    project,
                    WRITER.format(seed=seed, count=60, held=HELD),
                    extra,
                )
                for seed in range(3)
            )
        )
        # All are committed.  Whoever rejoins by now gets them, and the last of all.
        await asyncio.to_thread(
            inside,
            project,
            f"from master_app import readings\nreadings.store({LAST})",
            extra,
        )
        await watching
    return joiners


@needs_redis
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("on_postgres", DATABASES)
def test_writers_against_joiners(tmp_path: Path, step: str, on_postgres: bool) -> None:
    with prepared(tmp_path, step, on_postgres) as extra, ExitStack() as stack:
        cookie = inside(tmp_path, COOKIE, extra)
        servers = [
            stack.enter_context(serving(DAPHNE, tmp_path, extra)) for _ in range(2)
        ]
        joiners = talk.run(race(tmp_path, servers, extra, cookie))
        stored = {int(one) for one in inside(tmp_path, STORED, extra).split()}
        for server in servers:
            assert "Traceback" not in server.log(), server.log()
    assert len(stored) == 3 * 60 + 1
    for joiner in joiners:
        assert joiner.joined > 3, "too few joined for a race"
        assert joiner.known == stored, "lost, or heard of what was taken back"
        assert joiner.doubled == []

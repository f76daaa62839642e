"""One reading for many: two processes, one Redis, 200 clients, both of its layers.

The project of step 11 runs on two Daphnes, half of the clients on each.  Two more
processes publish readings as fast as they can, all at once.  A delivery is one
reading at one client.  The clock runs from the moment at which both publishers are
told to go to the last delivery; then each client's bytes are read: every reading of
either publisher must be there, once, in the order in which it was published.

The list layer drops what goes over a channel's capacity, 100 by default; here it gets
as much as it needs, so that both layers do the same work.

The project hands readings to its handler without Channels' look at the database
before each message; what that is worth is measured, too.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis as Store

sys.path.append(str(Path(__file__).parent))  # which -P leaves out

from _timing import real_servers, rounds

from tutor import frames, places, project_cell, trees
from tutor.children import Child
from tutor.course import Course
from tutor.redis import Redis, running
from tutor.servers import HOST, Server, serving

CLIENTS = 200
READINGS = 150  # of each publisher
PUBLISHERS = (1, 2)  # the value of its readings says whose they are
LEAST = 10_000  # deliveries a second with the pub/sub layer
PATH = "/ws/readings/"
QUIET = 10.0  # seconds without a delivery, after which the rest counts as lost

# Bare sockets answer no ping, and would be dropped after 50 s.
DAPHNE = ("daphne", "--ping-interval", "600", "webapp.asgi:application")
PUBSUB = "'BACKEND': 'channels_redis.pubsub.RedisPubSubChannelLayer'"
LIST = "'BACKEND': 'channels_redis.core.RedisChannelLayer'"
HOSTS = "'hosts': [REDIS_URL]"
PATIENT = (
    "'hosts': [{'address': REDIS_URL, 'socket_timeout': None}], 'capacity': 100000"
)

OWN, USUAL = "async def dispatch(", "async def unused("  # then Channels' own is used

PUBLISH = """
from django.conf import settings
from redis.asyncio import Redis
from master_app import readings

await readings.publish(0)  # once before, so that all is imported and connected
print("ready", flush=True)
await Redis.from_url(settings.REDIS_URL).blpop("go")
for _ in range({count}):
    await readings.publish({value})
"""
READING = re.compile(rb'"type": "reading", "id": (\d+), "value": (\d+)')


@dataclass
class Clients:
    """Bare sockets that keep what they get and read it afterwards."""

    got: list[bytearray] = field(default_factory=list)
    count: int = 0
    last: float = 0.0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, server: Server) -> asyncio.Task[None]:
        """Shake hands, and go on listening in the background."""
        reader, writer = await asyncio.open_connection(HOST, server.port)
        asked = frames.request(PATH, f"{HOST}:{server.port}", server.url)
        writer.write(asked.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in answer, answer
        mine = bytearray()
        self.got.append(mine)

        async def collect() -> None:
            keep = writer  # a writer that nobody holds closes its socket
            while data := await reader.read(1 << 20):
                mine.extend(data)
                if here := data.count(b'"reading"'):
                    self.count += here
                    self.last = time.perf_counter()
                    self.news.set()
            keep.close()

        return asyncio.create_task(collect())

    async def until(self, count: int) -> None:
        """Wait for so many deliveries in all, or for silence."""
        while self.count < count:
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), QUIET)
            except TimeoutError:
                return

    def faults(self) -> tuple[int, int]:
        """Readings missing or doubled, and clients that saw them out of order."""
        lost = disorder = 0
        for mine in self.got:
            found = [(int(a), int(b)) for a, b in READING.findall(bytes(mine))]
            for value in PUBLISHERS:
                ids = [number for number, whose in found if whose == value]
                lost += abs(READINGS - len(ids))
                disorder += ids != sorted(set(ids))
        return lost, disorder


async def run(project: Path, redis: Redis) -> tuple[float, int, int]:
    """Deliveries a second, readings lost, clients that saw disorder."""
    clients, wanted = Clients(), CLIENTS * len(PUBLISHERS) * READINGS
    with ExitStack() as stack:
        servers = [
            stack.enter_context(serving(DAPHNE, project, redis.extra)) for _ in range(2)
        ]
        tasks = [await clients.listen(servers[n % 2]) for n in range(CLIENTS)]
        publishers = [
            stack.enter_context(publishing(project, redis, v)) for v in PUBLISHERS
        ]
        warmed = CLIENTS * len(PUBLISHERS)
        await clients.until(warmed)
        if any(not one.wait_for(lambda out: "ready" in out, 30) for one in publishers):
            sys.exit(f"A publisher did not start:\n{publishers[0].text[-2000:]}")
        with Store.from_url(redis.url) as store:
            began = time.perf_counter()
            store.rpush("go", *PUBLISHERS)
        await clients.until(warmed + wanted)
        took = clients.last - began
        for task in tasks:
            task.cancel()
    lost, disorder = clients.faults()
    return (wanted - lost) / took, lost, disorder


@contextmanager
def publishing(project: Path, redis: Redis, value: int) -> Iterator[Child]:
    """A process of the project that publishes when it is told to."""
    code = project / f"publish{value}.txt"
    code.write_text(PUBLISH.format(count=READINGS, value=value))
    argv = ["python", "-P", str(Path(project_cell.__file__)), str(code)]
    child = Child(argv, project, extra=redis.extra)
    try:
        yield child
    finally:
        child.stop()


def main() -> None:
    real_servers()
    times = rounds(__doc__, 3)
    course = Course.load(places.root())
    tree = course.tree(next(s.number for s in course.steps if s.slug == "redis"))
    assert tree is not None
    speeds: dict[str, list[float]] = {"pub/sub": [], "list": [], "looking": []}
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        projects = {name: Path(folder) / name.replace("/", "") for name in speeds}
        for name, project in projects.items():
            project.mkdir()
            trees.copy(tree, project)
            settings = project / "webapp" / "settings.py"
            text = settings.read_text()
            assert PUBSUB in text and HOSTS in text
            if name == "list":
                settings.write_text(text.replace(PUBSUB, LIST).replace(HOSTS, PATIENT))
            if name == "looking":
                consumers = project / "master_app" / "consumers.py"
                text = consumers.read_text()
                assert OWN in text
                consumers.write_text(text.replace(OWN, USUAL))
        for _ in range(times):
            for name, project in projects.items():
                with running() as redis:
                    speed, lost, disorder = asyncio.run(run(project, redis))
                print(
                    f"  {name}: {speed:,.0f} deliveries a second, {lost} lost or "
                    f"doubled, {disorder} out of order",
                    file=sys.stderr,
                )
                speeds[name].append(speed)
                bad += lost + disorder
    medians = {name: statistics.median(found) for name, found in speeds.items()}
    for name, median in medians.items():
        print(f"{name:>8}: median {median:7,.0f} deliveries a second")
    print(
        f"{CLIENTS} clients of two processes, {times} rounds; pub/sub is "
        f"{medians['pub/sub'] / medians['list']:.1f} times as fast as the list layer, "
        f"and {medians['pub/sub'] / medians['looking']:.1f} times as fast as with a "
        f"look at the database before each message; {bad} lost or out of order; "
        f"wanted: {LEAST:,} a second with pub/sub, and none lost"
    )
    if bad or medians["pub/sub"] < LEAST:
        sys.exit("That is too slow, or not all of it.")


if __name__ == "__main__":
    main()

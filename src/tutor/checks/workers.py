"""Step 14: jobs that wait for a worker, which does them for everyone who watches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from websockets.exceptions import InvalidHandshake

from tutor import children, trees
from tutor.checks import talk, visitor
from tutor.checks.processes import Client
from tutor.checks.question import Question
from tutor.checks.visitor import Visitor
from tutor.places import temporary
from tutor.redis import NONE, Redis, running, there
from tutor.report import Refusal
from tutor.servers import Server
from tutor.started import start

PRODUCE = ("manage.py", "produce")
WORK = ("manage.py", "runworker", "measure", "--layer", "jobs")
SECONDS = 30  # for a command to come and go
FEW, MANY = 3, 40  # jobs
TOO_MANY = 120  # jobs, where a channel holds 100
CALM = 0.5  # seconds in which nothing comes

# The whole application does a job, with everything in the memory of one process.
_ALONE = """
import asyncio, json
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.testing import ApplicationCommunicator
from django.core.management import call_command
from webapp.asgi import application

await sync_to_async(call_command)("migrate", verbosity=0)
layer, came = get_channel_layer(), None
ear = await layer.new_channel()
await layer.group_add("readings", ear)
worker = ApplicationCommunicator(application, {"type": "channel", "channel": "measure"})
await worker.send_input({"type": "measure.load", "id": "1"})
heard = asyncio.ensure_future(layer.receive(ear))
# An application that has ended, as it does without such a channel, says no more.
await asyncio.wait({heard, worker.future}, timeout=5, return_when="FIRST_COMPLETED")
try:
    came = (await asyncio.wait_for(heard, 0.5))["reading"]["value"]
except (TimeoutError, LookupError, TypeError):
    pass
finally:
    worker.stop(exceptions=False)
print("\\n" + json.dumps([came]))
"""


@dataclass
class Look:
    """What became of jobs, without a worker, with one and with two.

    Args:
        missing: why there is no Redis to look with; empty where there is one.
        alone: what the application published of a job that it was handed.
        said: what a command printed last, where it failed.
        early: how many readings came before there was a worker.
        waited: how many jobs, sent before there was a worker, it has done.
        values: what a client received.
        shared: how many readings two workers made of ``MANY`` jobs; None unasked.
        pace: seconds between the first and the third reading of ``produce``.
        alive: whether ``produce`` goes on where nobody works.
    """

    missing: str = ""
    alone: object = None
    said: str = ""
    early: int = 0
    waited: int = 0
    values: list[int] = field(default_factory=list)
    shared: int | None = None
    pace: float | None = None
    alive: bool = False


def look(project: Path, python: Path | None = None) -> Look:
    """Run a copy of the project: a server, producers, and workers on one Redis.

    Args:
        project: the folder of ``manage.py``.
        python: the project's interpreter.
    """
    place = temporary()
    try:
        trees.copy(project, place.folder)
        seen = Look(missing="" if there() else NONE)
        told = visitor.inside(place.folder, _ALONE, python, SECONDS)
        seen.alone = told[0] if isinstance(told, list) and told else None
        if seen.alone is not None and not seen.missing:
            with suppress(Refusal), ExitStack() as stack:
                redis = stack.enter_context(running())
                _Run(place.folder, str(python or "python"), redis, stack, seen).go()
        return seen
    finally:
        place.remove()


class _Run:
    """One server, and what is started beside it."""

    def __init__(
        self, project: Path, python: str, redis: Redis, stack: ExitStack, seen: Look
    ) -> None:
        self.project, self.python, self.redis = project, python, redis
        self.stack, self.seen = stack, seen

    def go(self) -> None:
        argv = [self.python, "manage.py", "runserver"]
        server = Server(argv, self.project, self.redis.extra)
        self.stack.callback(server.stop)
        if server.ready():
            talk.run(self.watch(visitor.at(server, self.project, Path(self.python))))

    async def watch(self, who: Visitor) -> None:
        seen = self.seen
        with suppress(OSError, EOFError, TimeoutError, InvalidHandshake):
            async with who.socket() as socket:
                client = Client(socket)
                seen.values = client.readings
                if await self.produce("--count", str(FEW), "--every", "0"):
                    return
                seen.early = await calm(client)
                stop = [await self.start(WORK)]
                seen.waited = await heard(client, FEW)
                if seen.waited != FEW or seen.early:
                    return
                stop.append(await self.start(WORK))
                await self.produce("--count", str(MANY), "--every", "0")
                await heard(client, FEW + MANY)
                seen.shared = await calm(client) - FEW
                stop.append(await self.start(PRODUCE))
                count, began = len(client.readings), 0.0
                for more in (1, 3):
                    before, began = began, time.monotonic()
                    if await heard(client, count + more) >= count + more:
                        seen.pace = time.monotonic() - began if before else None
                for one in stop:
                    await asyncio.to_thread(one)
        seen.alive = not await self.produce("--count", str(TOO_MANY), "--every", "0")

    async def produce(self, *options: str) -> int:
        """Run the command; its exit status."""
        done = await asyncio.to_thread(
            children.run,
            [self.python, *PRODUCE, *options],
            self.project,
            SECONDS,
            self.redis.extra,
        )
        if done.code:
            self.seen.said = (done.out.strip().splitlines() or [""])[-1][-300:]
        return done.code

    async def start(self, argv: tuple[str, ...]) -> Callable[[], None]:
        """Start a command that stays; what ends it."""
        one = await asyncio.to_thread(
            start, [self.python, *argv], self.project, self.redis
        )
        self.stack.callback(one.stop)
        return one.stop


async def heard(client: Client, count: int) -> int:
    """Wait for so many readings, as long as some come; how many there are."""
    before = -1
    while before < len(client.readings) < count:
        before = len(client.readings)
        await client.hear(lambda client: len(client.readings) >= count)
    return len(client.readings)


async def calm(client: Client) -> int:
    """Listen a little longer; how many readings there are."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CALM):
            await client.hear(lambda client: False)
    return len(client.readings)


def _no_redis(seen: Look) -> str:
    return seen.missing


def _alone(seen: Look) -> str | None:
    right = isinstance(seen.alone, int) and 0 <= seen.alone <= 100
    return None if right else f"a reading of {seen.alone!r}"


def _waits(seen: Look) -> str | None:
    if seen.said and not seen.waited:
        return seen.said
    if seen.early:
        return f"{seen.early} readings before there was a worker"
    return None if seen.waited == FEW else f"{seen.waited} of {FEW} were done"


def _measures(seen: Look) -> str | None:
    wrong = [value for value in seen.values if not 0 <= value <= 100]
    return f"{wrong[0]}" if wrong else None if seen.values else "none"


def _once(seen: Look) -> str | None:
    count = seen.shared
    return None if count == MANY else f"{count or 'no'} readings of {MANY} jobs"


def _paced(seen: Look) -> str | None:
    if seen.pace is None:
        return "no third reading"
    right = 1.2 < seen.pace < 8  # two seconds, on a machine that may be busy
    return None if right else f"three readings within {seen.pace:.1f} s"


def _survives(seen: Look) -> str | None:
    return None if seen.alive else seen.said or "the command failed"


QUESTIONS = (
    Question(
        "the application does a job of the channel measure",
        'the job {"type": "measure.load"}, handed to webapp.asgi.application',
        _alone,
    ),
    Question(
        "jobs wait for a worker",
        f"python {' '.join(PRODUCE)} --count {FEW} --every 0, then "
        f"python {' '.join(WORK)}",
        _waits,
        needs=_no_redis,
    ),
    Question(
        "a client of the web process hears numbers from 0 to 100",
        "the same, and a client that listens",
        _measures,
        needs=_no_redis,
    ),
    Question(
        "two workers do each job once",
        f"{MANY} jobs in a row, and two workers",
        _once,
        needs=_no_redis,
    ),
    Question(
        "produce asks about once a second",
        f"python {' '.join(PRODUCE)}, until the third reading",
        _paced,
        needs=_no_redis,
    ),
    Question(
        "produce goes on where nobody works",
        f"{TOO_MANY} jobs in a row, and no worker",
        _survives,
        needs=_no_redis,
    ),
)

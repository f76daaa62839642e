"""The check of exercise 15: a prediction, held against a server with slow deliveries.

A delivery is made to take a known time, by sleeping, so that how fast this machine
is does not matter.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from pathlib import Path

from tutor import trees
from tutor.checks import talk
from tutor.checks.visitor import Person, logged_in
from tutor.client import cookie
from tutor.crowd import crowd
from tutor.exercises.answers import NotYet, complete, inside
from tutor.places import temporary
from tutor.report import Refusal
from tutor.servers import Server, serving

WORK, RATE = 0.005, 10.0  # seconds for a delivery, readings a second
READINGS = 10
GROWS = 0.45  # seconds: so much later is the last reading, where a queue grows
SLOWER = (1, 4)  # times: what else a delivery takes counts for less

JUDGE = """
import inspect, json

CASES = ((0.005, 10), (0.001, 10), (0.003, 10), (0.0002, 30), (0.02, 1), (0.5, 1.5))
found = []
for work, rate in CASES:
    try:
        number = knee(work, rate)
        assert not inspect.iscoroutine(number)
        found.append([work, rate, float(number), number == int(number)])
    except Exception as error:
        found.append([work, rate, f"{type(error).__name__}: {error}"[:120], False])
print("\\n" + json.dumps(found))
"""

# The project with deliveries that take a while, and hold the loop meanwhile.
SLOW = """
import os, time
from webapp.asgi import application as project

async def application(scope, receive, send):
    async def slowly(message):
        if '"reading"' in (message.get("text") or ""):
            time.sleep(float(os.environ["WORK"]))
        await send(message)
    await project(scope, receive, slowly)
"""


def verdict(code: str, folder: Path) -> str:
    """Check an answer; see `tutor.exercises.check`."""
    complete(code, "function", "knee")
    for work, rate, number, whole in inside(code + JUDGE, folder):
        case = f"knee({work:g}, {rate:g})"
        if isinstance(number, str):
            raise NotYet(f"{case} ends with {number}")
        if not whole:
            raise NotYet(f"{case} gives {number:g}, which is no number of clients.")
        busy = number * work * rate
        if busy > 1 + 1e-6:
            raise NotYet(
                f"{case} gives {number:g}: in each second the loop would have "
                f"{busy:.4g} s to work."
            )
        if (number + 1) * work * rate <= 1 - 1e-6:
            raise NotYet(f"{case} gives {number:g}, and there is time for more.")
        if (work, rate) == (WORK, RATE):
            predicted = int(number)
    few, many = predicted // 2, predicted * 2
    for slower in SLOWER:  # the same number of clients is right at any of these
        calm, late = _measured(folder, (few, many), slower)
        if calm < GROWS * slower < late:
            break
    else:  # by the sleep alone it can't come to this
        raise NotYet("this machine is too busy to measure it. Run the cell again.")
    return (
        f"Measured, too: for {few} clients the last reading comes as soon as the "
        f"first, for {many} each one later than the one before."
    )


def _measured(folder: Path, sizes: tuple[int, ...], slower: int) -> list[float]:
    """By how many seconds the last reading is later than the first, for each size.

    Args:
        folder: the exercise's copy of the project.
        sizes: numbers of clients.
        slower: how many times longer a delivery takes, and the next reading waits.
    """
    place = temporary()
    try:
        trees.copy(folder, place.folder)
        (place.folder / "slow.py").write_text(SLOW)
        jars = logged_in(place.folder, None, Person("one", "", True), Person("two"))
        argv = ["daphne", "slow:application"]
        extra = {"WORK": str(WORK * slower)}
        with serving(argv, place.folder, extra) as server:
            return [
                talk.run(_later(server, size, jars, RATE / slower)) for size in sizes
            ]
    except (OSError, Refusal, ValueError) as error:
        line = str(error).splitlines()[0]
        raise NotYet(f"the exercise's project could not be measured: {line}") from None
    finally:
        place.remove()


async def _later(
    server: Server, clients: int, jars: list[dict[str, str]], rate: float
) -> float:
    one, two = jars
    async with AsyncExitStack() as stack:
        audience = crowd(server, clients - 1, [cookie(two)])
        heard = await asyncio.to_thread(stack.enter_context, audience)
        opened = talk.opened(server.ws + talk.READINGS, server.url, one)
        publisher = await stack.enter_async_context(opened)
        waits, sent = [], []
        first = time.monotonic()
        for number in range(READINGS):
            # The rate is a part of the question: each leaves when it is due.
            await asyncio.sleep(first + number / rate - time.monotonic())
            sent.append(time.monotonic())
            await publisher.send(json.dumps({"type": "publish", "value": 5}))
        for began in sent:
            waits.append((await asyncio.to_thread(heard.next)).last - began)
    return waits[-1] - waits[0]

"""The check of exercise 14: a second channel, and a worker that serves both.

The learner's consumers run in the project, behind `channels`, in a real worker of
Channels whose layer is in memory.  What came through the network, and how busy the
processors are, is made up, so that it is known what has to be published.
"""

from __future__ import annotations

from pathlib import Path

from tutor.exercises.answers import NotYet, complete, inside

# Before the answer, so that it finds these whichever way it imports them.
WORLD = """
import time as _time
import psutil as _psutil

class _Counters:
    rate = 42  # kilobytes a second
    bytes_sent = packets_sent = packets_recv = 10**10

    def __init__(self):
        self.bytes_recv = 7 * 10**9 + int(1000 * self.rate * _time.monotonic())

_psutil.net_io_counters = lambda *args, **kwargs: _Counters()
_psutil.cpu_percent = lambda *args, **kwargs: 7.0
"""

JUDGE = """
import asyncio, json
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer, get_channel_layer
from channels.routing import ChannelNameRouter
from channels.worker import Worker
from django.core.management import call_command
from master_app import readings as _readings

PATIENCE = 8  # seconds for what takes one
TRIES = 3  # a machine that stands still for a second spoils one


class Wrong(Exception):
    pass


class Watched(Worker):
    raised = ""

    async def application_exception(self, exception, details):
        self.raised = f"{type(exception).__name__}: {exception}"[:120]


async def judge():
    for name in ("measure", "traffic"):
        if name not in channels:
            raise Wrong(f"channels has no {name!r}.")
    await sync_to_async(call_command)("migrate", verbosity=0)
    layer, everyone = InMemoryChannelLayer(), get_channel_layer()
    ear = await everyone.new_channel()
    await everyone.group_add(_readings.GROUP, ear)
    worker = Watched(ChannelNameRouter(channels), list(channels), layer)
    working = asyncio.ensure_future(worker.arun())

    async def published(job):
        end = _time.monotonic() + PATIENCE
        while _time.monotonic() < end and not worker.raised and not working.done():
            try:
                event = await asyncio.wait_for(everyone.receive(ear), 0.3)
            except TimeoutError:
                continue
            return event["reading"]["value"]
        ends = f"ends with {worker.raised}" if worker.raised else "published nothing"
        raise Wrong(f"the job {job} {ends}.")

    async def ask(channel, what):
        await layer.send(channel, {"type": what, "id": f"{what}{_time.monotonic()}"})

    for _ in range(TRIES):
        await ask("traffic", "traffic.count")
        await asyncio.sleep(0.1)  # it counts for a second: let that begin
        await ask("measure", "measure.load")
        first = await published("measure.load")
        came = await published("traffic.count")
        waited = first != 7
        if waited:
            first, came = came, first
        elif type(came) is int and 38 <= came < 95:
            break
    if first != 7:
        raise Wrong(f"of 7 %, measure.load published {first!r}.")
    if type(came) is not int or not 38 <= came < 95:
        raise Wrong(f"42 kilobytes came in a second, and it published {came!r}.")
    if waited:
        raise Wrong("a measurement had to wait until the traffic was counted.")
    _Counters.rate = 10**6
    await ask("traffic", "traffic.count")
    much = await published("traffic.count")
    if much != 100:
        raise Wrong(f"where much more than 100 came in, it published {much!r}.")
    working.cancel()


try:
    await judge()
    print("\\n" + json.dumps({}))
except Wrong as wrong:
    print("\\n" + json.dumps({"wrong": str(wrong)}))
"""


def verdict(code: str, folder: Path) -> str:
    """Check an answer; see `tutor.exercises.check`."""
    complete(code, "class", "TrafficConsumer", "the cell")
    seen = inside(WORLD + code + JUDGE, folder)
    if "wrong" in seen:
        raise NotYet(seen["wrong"])
    return "It counts what comes in, and no measurement has to wait for it."

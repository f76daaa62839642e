"""What a crowd before a server costs it: the measurements of step 15.

Seconds of the processor and least waits are compared, and only with wide margins.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from tutor import children
from tutor.checks import talk
from tutor.client import cookie, in_words
from tutor.crowd import Crowd, crowd, memory, on_one_core, starving, work
from tutor.curves import dots, growth, pulse
from tutor.pictures import Picture
from tutor.places import scratch
from tutor.report import Refusal
from tutor.servers import Server

PRACTICE, READINGS = talk.PRACTICE, talk.READINGS
MORE = 4  # attempts, where a first one does not say how costs grow
PACE = 0.06  # seconds between two readings: fewer than twenty a second
MEGA = 1_000_000
WINDOW = 2.0  # seconds for which the practice socket is asked
Cookies = Mapping[str, str]


async def costs(
    title: str, work: Callable[[int], Awaitable[float]], sizes: Sequence[int]
) -> Picture:
    """Draw what a function says that some sizes cost.

    Args:
        title: what costs.
        work: is given a size, and awaited; seconds.
        sizes: from small to large; the last is some times the first.
    """
    found = {}
    for size in sizes:
        tries = 3 if size <= 500 else 1
        found[size] = min([await work(size) for _ in range(tries)])
    # Over the whole range, what grows as the square is far from what grows as the size.
    first, last = sizes[0], sizes[-1]
    by = last / first
    for _ in range(MORE):
        times = growth(found[last] / found[first], by)
        if "between" not in times:
            break
        # That says nothing.  Other work on this machine only adds to a cost.
        for size in (first, last):
            found[size] = min(found[size], await work(size))
    times = growth(found[last] / found[first], by)
    said = f"from {first:,} to {last:,} it is {times} as much"
    print(f"{by:g} times as many ({first:,} → {last:,}): {said.split('it is ')[1]}")
    return dots(title, {"measured": found}, said, "receivers")


@dataclass(frozen=True)
class Run:
    """What some crowds cost a server, one after the other.

    Args:
        work: the number of clients to seconds of the processor for one reading.
        wait: the number of clients to seconds until the last of them had it.
    """

    work: dict[int, float] = field(default_factory=dict)
    wait: dict[int, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        few, many = min(self.wait), max(self.wait)
        more = self.wait[many] > 2 * self.wait[few]
        return (
            f"The last of {many} clients waits "
            f"{'more than twice' if more else 'about'} as long as the last of {few}."
        )

    def _repr_html_(self) -> str:
        title = "Until the last client has the reading"
        return dots(title, {"measured": self.wait}, repr(self), "clients")._repr_html_()

    def beside(self, before: Run) -> Picture:
        """Draw this run beside an earlier one; say how their work compares."""
        many = max(self.work)
        times = before.work[many] / self.work[many]
        share = "less than two thirds of" if times > 1.5 else "most of"
        said = f"a reading for {many} clients takes {share} the work it took before"
        print(f"{said[0].upper()}{said[1:]}.")
        rows = {"before": before.work, "now": self.work}
        return dots("The server's work for one reading", rows, said, "clients")


async def measure(
    server: Server, sizes: Sequence[int], readings: int, ada: Cookies, bob: Cookies
) -> Run:
    """Publish some readings to ever more clients.

    Args:
        server: the one that is measured.
        sizes: numbers of clients, from few to many.
        readings: how many each crowd hears.
        ada: the cookies of who publishes.
        bob: those of who listens.
    """
    run = Run()
    async with AsyncExitStack() as stack:
        stack.enter_context(in_words("the crowd"))
        publisher = await stack.enter_async_context(_opened(server, READINGS, ada))
        crowds: list[Crowd] = []
        for size in sizes:
            more = size - sum(one.count for one in crowds)
            crowds.append(
                await asyncio.to_thread(
                    stack.enter_context, crowd(server, more, [cookie(bob)])
                )
            )
            await _publish(publisher, crowds)  # once before, unmeasured
            began, waits = work(server), []
            for _ in range(readings):
                waits.append(await _publish(publisher, crowds))
            run.work[size] = (work(server) - began) / readings
            # What else this machine does can only add to it.
            run.wait[size] = min(waits)
    return run


async def blocked(server: Server, clients: int, ada: Cookies, bob: Cookies) -> Picture:
    """Ask the practice socket again and again, while a reading reaches a crowd.

    Args:
        server: the one that is asked.
        clients: how many there are in the crowd.
        ada: the cookies of who publishes, and asks.
        bob: those of who listens.
    """
    title = f"Answers of {PRACTICE}, while {clients} others get a reading"
    async with AsyncExitStack() as stack:
        stack.enter_context(in_words(PRACTICE))
        one = await asyncio.to_thread(
            stack.enter_context, crowd(server, clients, [cookie(bob)])
        )
        publisher = await stack.enter_async_context(_opened(server, READINGS, ada))
        asking = await stack.enter_async_context(_opened(server, PRACTICE, ada))
        await asking.recv()
        # A heartbeat goes to all of them, too: after one, the next is not near.
        await _hears(publisher, "heartbeat")
        waits = []
        publishing: asyncio.Task[float] | None = None
        missed = starving(server)  # what else this machine does takes time as well
        end = time.monotonic() + WINDOW
        while time.monotonic() < end:
            missed()
            before = time.monotonic()
            await asking.send("next")
            await asyncio.wait_for(asking.recv(), 30)
            waits.append(time.monotonic() - before - missed())
            if publishing is None:
                publishing = asyncio.create_task(_publish(publisher, [one]))
            await asyncio.sleep(0.02)  # far less than the holes that are looked for
        assert publishing is not None
        await publishing
    hole = int(max(waits))  # whole seconds: a busy machine adds less than one
    said = f"{hole} s and more" if hole else "never as long as a second"
    said += " without an answer"
    return pulse(title, WINDOW, min(hole, WINDOW - 0.4), said)


async def swollen(
    server: Server, deaf: int, readings: int, ada: Cookies, bob: Cookies
) -> float:
    """How many megabytes a server grows while some readings go out.

    Args:
        server: the one that is measured.
        deaf: how many clients leave unread what comes; as many others do read.
        readings: how many are published.
        ada: the cookies of who publishes.
        bob: those of who listens.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(in_words("the crowd"))
        publisher = await stack.enter_async_context(_opened(server, READINGS, ada))
        crowds = []
        for count, is_deaf in ((5 - deaf, False), (deaf, True)):
            if count:
                one = crowd(server, count, [cookie(bob)], deaf=is_deaf)
                entered = await asyncio.to_thread(stack.enter_context, one)
                crowds += [] if is_deaf else [entered]
        await _publish(publisher, crowds)
        before = memory(server)
        for _ in range(readings):
            await _publish(publisher, crowds)
        return (memory(server) - before) / MEGA


PUBLISH = """
from master_app import readings

await readings.publish(0)
with open({go!r}) as go:
    for number in range({count}):
        go.readline()
        await readings.publish(number)
"""


async def divided(
    servers: Sequence[Server],
    clients: int,
    readings: int,
    bob: Cookies,
    project: Callable[[str], children.Result],
) -> float:
    """Seconds of the processor for one reading, at the busiest of some servers.

    Args:
        servers: between which the clients are divided.
        clients: how many there are in all.
        readings: how many are published, by a process of its own.
        bob: the cookies of who listens.
        project: runs code inside the project.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(on_one_core(servers))
        crowds: list[Crowd] = []
        for server in servers:
            one = crowd(server, clients // len(servers), [cookie(bob)])
            crowds.append(await asyncio.to_thread(stack.enter_context, one))
        # One more, before: while the publisher starts, only heartbeats are sent.  It
        # waits then, for who is late in looking would miss some of the work; and
        # before each: a server that is late sends several at once, which is cheaper.
        go = stack.enter_context(_gate())
        code = PUBLISH.format(count=readings, go=str(go))
        publishing = asyncio.create_task(asyncio.to_thread(project, code))
        for each in crowds:
            await asyncio.to_thread(each.next)
        began = [work(server) for server in servers]
        for _ in range(readings):
            go.write_text("\n")
            for each in crowds:
                await asyncio.to_thread(each.next)
        done = await publishing
        if done.code:
            raise Refusal(f"Nothing could be published:\n{done.out[-800:]}")
        ended = [work(server) for server in servers]
    return max(b - a for a, b in zip(began, ended, strict=True)) / readings


@contextmanager
def _gate() -> Iterator[Path]:
    """A pipe with a name: who reads a line from it waits until somebody writes one."""
    with tempfile.TemporaryDirectory(prefix="tutor-", dir=scratch()) as folder:
        pipe = Path(folder, "go")
        os.mkfifo(pipe)
        ours = os.open(pipe, os.O_RDWR)  # with it, nobody waits for another to open it
        try:
            yield pipe
        finally:
            os.close(ours)


def _opened(server: Server, path: str, cookies: Cookies) -> connect:
    return talk.opened(server.ws + path, server.url, cookies)


async def _hears(client: ClientConnection, kind: str) -> None:
    """Wait for a message of a kind; pass over the others."""
    while json.loads(await asyncio.wait_for(client.recv(), 30))["type"] != kind:
        pass


async def _publish(publisher: ClientConnection, crowds: Sequence[Crowd]) -> float:
    """Publish a reading; seconds until the last of all clients had it."""
    began = time.monotonic()
    await publisher.send(json.dumps({"type": "publish", "value": 50}))
    await _hears(publisher, "reading")
    heard = [await asyncio.to_thread(one.next) for one in crowds]
    await asyncio.sleep(max(0.0, began + PACE - time.monotonic()))
    return max([one.last for one in heard], default=began) - began

"""What good clients feel of bad ones, on one Daphne: the p99 of a reading's way.

Fifty good clients listen, and ten of them publish in turn.  A reading's way is what
lies between its sending and its arrival at each of them.  That is measured in turn
without and with bad clients, which are a process of their own and come back a second
after they were closed: one floods with 5,000 messages a second, one sends too much at
once, one sends what is no JSON, one never reads, and five answer nothing, not even a
ping.

The flood's own figure: from its first message to the close with 4429.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

sys.path.append(str(Path(__file__).parent))  # which -P leaves out

from _timing import PYTHON, STEPS, real_servers, rounds

from tutor import client, trees, watching
from tutor.checks import talk, visitor
from tutor.checks.visitor import Person
from tutor.children import Child
from tutor.redis import running
from tutor.servers import Server, serving

GOOD = 50  # clients, of two users
PUBLISHERS = 10  # of them
READINGS = 100  # a round, of at most 13 a second
FLOOD = 5000  # messages a second
WITHIN = 1.0  # seconds until the flood is over
MOST = 2.0  # times the p99 without bad clients
PATH = "/ws/readings/"
HELLO = '{"type": "hello", "after": 0}'
# Daphne takes a frame of 1 MB to pieces in Python, unless it may refuse it by its head.
DAPHNE = (
    *("daphne", "--websocket-max-frame-size", "10000"),
    "webapp.asgi:application",
)
LOST = (OSError, EOFError, TimeoutError, InvalidHandshake, ConnectionClosed)


class Elsewhere:
    """A server of another process, as far as its clients need to know it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url, self.ws = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"


# -- bad clients, in a process of their own -----------------------------------


async def flooding(socket: ClientConnection) -> None:
    began = time.perf_counter()
    sent = 0
    with suppress(*LOST):
        while True:
            due = int((time.perf_counter() - began) * FLOOD) + 1
            while sent < due:
                await socket.send(HELLO)
                sent += 1
            await asyncio.sleep(0.002)  # what is due by then leaves at once
    await socket.wait_closed()
    took = time.perf_counter() - began
    print(json.dumps(["flood", socket.close_code, took]), flush=True)


async def huge(socket: ClientConnection) -> None:
    await socket.send("x" * 1_000_000)
    await socket.wait_closed()


async def malformed(socket: ClientConnection) -> None:
    for _ in range(10):
        await socket.send("{")
    await socket.wait_closed()


async def slow(socket: ClientConnection) -> None:
    await socket.send(HELLO)
    await socket.wait_closed()


async def bad(port: int, cookies: dict[str, str]) -> None:
    """All of them at once, until this process is ended."""
    server = Elsewhere(port)

    async def again(what, pause: float, reads: bool = True) -> None:
        while True:
            with suppress(*LOST):
                async with talk.opened(server.ws + PATH, server.url, cookies) as one:
                    ear = asyncio.create_task(drained(one)) if reads else None
                    await what(one)
                    if ear:
                        ear.cancel()
            await asyncio.sleep(pause)

    async def gone() -> None:
        async with watching.bare(server, PATH, cookies):
            await asyncio.Event().wait()

    await asyncio.gather(
        again(flooding, 1.0),
        again(huge, 1.0),
        again(malformed, 1.0),
        again(slow, 1.0, reads=False),
        *(gone() for _ in range(5)),
    )


async def drained(socket: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        async for _ in socket:
            pass


# -- good clients -------------------------------------------------------------


async def way(server: Server, jars: list[dict[str, str]]) -> float:
    """The p99 of the seconds that readings take."""
    took: list[float] = []
    sent: dict[int, float] = {}

    async def listen(one: ClientConnection) -> None:
        count = 0
        async for text in one:
            message = json.loads(text)
            if message["type"] == "reading":
                took.append(time.perf_counter() - sent[message["value"]])
                count += 1
                if count % 20 == 0:
                    ack = {"type": "ack", "id": message["id"]}
                    await one.send(json.dumps(ack))

    sockets, ears = [], []
    for number in range(GOOD):
        jar = jars[number % 2]
        sockets.append(await client._open(server, PATH, client.OWN, jar))
        ears.append(asyncio.create_task(listen(sockets[-1])))
    for number in range(READINGS):
        value = number % 101
        sent[value] = time.perf_counter()
        await sockets[number % PUBLISHERS].send(
            json.dumps({"type": "publish", "value": value})
        )
        await asyncio.sleep(0.08)  # at a pace: how long each takes is measured
    await watching.until(lambda: len(took) >= GOOD * READINGS, 10)
    assert len(took) == GOOD * READINGS, f"{len(took)} came"
    for ear, one in zip(ears, sockets, strict=True):
        ear.cancel()
        await one.close()
    return statistics.quantiles(took, n=100)[98]


def main() -> None:
    real_servers()
    if sys.argv[1:2] == ["--bad"]:
        asyncio.run(bad(int(sys.argv[2]), json.loads(sys.argv[3])))
        return
    times = rounds(__doc__, 3)
    tree = next(one for one in STEPS if one.name.endswith("operate"))
    p99: dict[bool, list[float]] = {False: [], True: []}
    floods: list[tuple[int, float]] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        trees.copy(tree, folder)
        redis = stack.enter_context(running())
        people = Person("ada", rights=True), Person("bob", rights=True), Person("eve")
        *good, eve = visitor.logged_in(folder, None, *people)
        server = stack.enter_context(serving(DAPHNE, folder, redis.extra))
        asyncio.run(way(server, good))  # once before, so that all is warm
        for number in range(times):
            for with_bad in p99:
                argv = [PYTHON, "-P", __file__, "--bad", str(server.port)]
                if with_bad:
                    child = Child([*argv, json.dumps(eve)], folder)
                    try:
                        child.wait_for(lambda out: "flood" in out, 30)
                        p99[True].append(asyncio.run(way(server, good)))
                    finally:
                        child.stop()
                    found = [json.loads(line) for line in child.text.splitlines()]
                    floods += [(code, took) for _, code, took in found]
                else:
                    p99[False].append(asyncio.run(way(server, good)))
                print(
                    f"  round {number + 1}, {'with' if with_bad else 'without'} bad "
                    f"clients: p99 {1000 * p99[with_bad][-1]:.1f} ms",
                    file=sys.stderr,
                )
    calm, rough = (statistics.median(p99[one]) for one in (False, True))
    codes = {code for code, _ in floods}
    longest = max(took for _, took in floods)
    print(
        f"p99 of {GOOD} good clients: {1000 * calm:.1f} ms, with bad ones "
        f"{1000 * rough:.1f} ms, {rough / calm:.2f} times as long; wanted: at most "
        f"{MOST:g}\n{len(floods)} floods of {FLOOD:,} messages a second, closed with "
        f"{', '.join(map(str, sorted(codes)))} within {longest:.2f} s; wanted: 4429 "
        f"within {WITHIN:g} s"
    )
    if rough > MOST * calm or codes != {4429} or longest > WITHIN:
        sys.exit("The good ones feel the bad ones.")


if __name__ == "__main__":
    main()

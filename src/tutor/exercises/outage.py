"""Exercise 17: a bad morning, lived through by a run of the project, and its log.

The users come in the order of their ids.  Whatever happens is waited for in the log
before the next thing happens: each run writes the same lines, but for the times.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.protocol import State

from tutor import children, redis, trees
from tutor.checks import talk, visitor
from tutor.checks.visitor import Person, Visitor
from tutor.exercises.answers import NotYet, compare, given, names
from tutor.places import temporary
from tutor.redis import running
from tutor.report import Refusal
from tutor.servers import Server

LOG = "incident.log"
HALF = 55  # of the readings: a socket may owe a hundred, who acknowledges never does
FAILED = "What is about to go wrong did not"
SECONDS = 30.0
PEOPLE = ADA, BOB, CAROL, DAVE, EVE = "ada", "bob", "carol", "dave", "eve"
HELLO = json.dumps({"type": "hello", "after": 0})
# Without Daphne's own lines: what the project says is the log.
SERVE = ("daphne", "-v", "0", "webapp.asgi:application")
PUBLISH = f"""
from master_app import readings
for _ in range({HALF}):
    await readings.publish(1)
"""
LOGOUT = """
from django.contrib.auth.models import User
from asgiref.sync import sync_to_async

def change():
    user = User.objects.get(username={name!r})
    user.set_password("another")
    user.save()

await sync_to_async(change)()
"""


def happen(project: Path) -> tuple[str, dict[str, object]]:
    """Let it all happen, in a copy of a project.

    Args:
        project: the folder of ``manage.py``.

    Returns:
        The log, and what is true of it.

    Raises:
        Refusal: there is no Redis here, or the project behaves otherwise.
    """
    place = temporary()
    try:
        trees.copy(project, place.folder)
        with running() as store:
            people = [Person(name, rights=name == ADA) for name in PEOPLE]
            cookies = visitor.logged_in(place.folder, None, *people)
            server = Server(SERVE, place.folder, store.extra)
            try:
                morning = _Morning(server, place.folder, store.extra)
                morning.jars = dict(zip(PEOPLE, cookies, strict=True))
                truth = talk.run(morning.go())
                return morning.log, truth
            finally:
                server.stop()
    finally:
        place.remove()


class _Morning:
    """What happens, one thing after the other."""

    def __init__(self, server: Server, project: Path, extra: dict[str, str]) -> None:
        self.server, self.project, self.extra = server, project, extra
        self.jars: dict[str, dict[str, str]] = {}
        self.log = ""  # of the server before the restart
        self.sockets: list[tuple[str, ClientConnection]] = []
        self.heard: Counter[ClientConnection] = Counter()  # readings, by each socket
        self.news = asyncio.Event()  # a socket has heard one more, or is closed

    async def go(self) -> dict[str, object]:
        async with AsyncExitStack() as stack:
            self.stack = stack
            for name in (ADA, BOB, CAROL, DAVE, EVE, CAROL):
                await self.enters(name)
            (eve,) = [socket for name, socket in self.sockets if name == EVE]
            with suppress(ConnectionClosed):
                for _ in range(60):
                    await eve.send(HELLO)
            await self.says("code=4429")
            await self.inside(PUBLISH)
            await self.all_hear(HALF)
            await self.inside(PUBLISH)
            await self.says("code=4408")
            await self.inside(LOGOUT.format(name=DAVE))
            await self.says("code=4401")
            await asyncio.to_thread(self.server.pause)
            for _, socket in self.sockets:
                await asyncio.wait_for(socket.wait_closed(), SECONDS)
            self.log = self.server.child.text
            await asyncio.to_thread(self.server.again)
            morning = [(socket.close_code, name) for name, socket in self.sockets]
            back = (CAROL, CAROL, BOB)
            for name in back:
                await self.enters(name)
            self.log += self.server.child.text  # before they leave, in any order
        ends: dict[int | None, list[str]] = {}
        for code, name in morning:
            ends.setdefault(code, []).append(name)
        (away,) = {*ends[4503]} - {*back}
        whose = {name: number for number, name in enumerate(PEOPLE, 1)}
        return {
            "flooded the server": whose[ends[4429][0]],
            "acknowledged nothing": whose[ends[4408][0]],
            "had to log in again": whose[ends[4401][0]],
            "sockets when the server ended": len(ends[4503]),
            "did not come back": whose[away],
        }

    async def enters(self, name: str) -> None:
        """Connect, and acknowledge what comes, unless it is Bob."""
        who = Visitor(self.server, self.jars[name])
        before = self.server.child.text.count("opened")
        socket = await self.stack.enter_async_context(who.socket())
        self.sockets.append((name, socket))
        task = asyncio.create_task(self.listen(socket, name != BOB))
        self.stack.callback(task.cancel)
        await self.says("opened", before)

    async def says(self, text: str, before: int = 0) -> None:
        """Wait until the log has some text once more."""
        said = await asyncio.to_thread(
            self.server.child.wait_for, lambda out: out.count(text) > before, SECONDS
        )
        if not said:
            raise Refusal(f"{FAILED}: the log has no {text}.")

    async def listen(self, socket: ClientConnection, acknowledges: bool) -> None:
        with suppress(ConnectionClosed, InvalidHandshake):
            async for text in socket:
                message: dict[str, Any] = json.loads(text)
                if message["type"] == "reading":
                    self.heard[socket] += 1
                    if acknowledges and self.heard[socket] % 20 == 0:
                        ack = {"type": "ack", "id": message["id"]}
                        await socket.send(json.dumps(ack))
                    self.news.set()
        self.news.set()

    async def all_hear(self, count: int) -> None:
        """Wait until each socket that is open has heard so many readings.

        Raises:
            Refusal: one of them has not.
        """
        try:
            async with asyncio.timeout(SECONDS):
                while any(
                    self.heard[socket] < count
                    for _, socket in self.sockets
                    if socket.state is State.OPEN
                ):
                    await self.news.wait()
                    self.news.clear()
        except TimeoutError:
            raise Refusal(f"{FAILED}: not everyone hears {count} readings.") from None

    async def inside(self, code: str) -> None:
        """Run code in the project, with the same Redis.

        Raises:
            Refusal: it failed.
        """
        done = await asyncio.to_thread(
            children.run_inside, code, self.project, SECONDS, extra=self.extra
        )
        if done.code:
            raise Refusal(f"{FAILED}. The project says:\n{done.out[-800:]}")


def tidy(log: str) -> str:
    """The log's lines without what differs from run to run."""
    lines = re.findall(r"(?:INFO|WARNING|ERROR) +(.*)", log)
    lines = [re.sub(r" seconds=\S+", "", line) for line in lines]
    # Who is told of the end at the same moment answers in any order.
    told = iter(sorted(line for line in lines if "code=4503" in line))
    return "\n".join(next(told) if "code=4503" in line else line for line in lines)


def verdict(code: str, folder: Path) -> str:
    """Hold an answer beside a morning like that, which is lived through once more.

    Raises:
        NotYet: something in it is not so.
    """
    mine = given(names(code, folder), "happened", dict)
    if redis.program() is None:
        raise NotYet(f"it can't be tried. There is {redis.NONE}.")
    return compare(mine, happen(folder)[1], "What happened")

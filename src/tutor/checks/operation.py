"""Step 17: limits that a client can read, and a server that says how it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tutor import children, trees
from tutor.checks import talk, visitor
from tutor.checks.acknowledging import (
    HEALTH,
    METRICS,
    PATIENCE,
    READY,
    Client,
    has,
    join,
    numbers,
    status,
    statuses,
    waited,
)
from tutor.checks.question import Question
from tutor.checks.visitor import Visitor
from tutor.doctor import gathering
from tutor.places import temporary
from tutor.servers import serving
from tutor.watching import until

LIVE = 130  # readings, where 100 may be unacknowledged
PUBLISHERS = 8  # sockets: so none of them sends more than 20 readings in all
MOST = 3  # sockets of a user, for one server
MISSED = 73  # a value that is published while the server is away
CLOSING = 10.0  # seconds for a socket to be closed that ought to be
LATE = 3.0  # seconds for what was missed to come after the welcome
NOWHERE = "redis://127.0.0.1:1"


@dataclass
class Look:
    """What became of clients that go too far, and what the server says.

    Args:
        behind: the close code of who reads and never acknowledges.
        faithful: how many readings one got who acknowledges, if its socket stayed.
        logged: whether the log says with which code that was.
        well: the statuses of health and readiness, asked by a stranger.
        away: the same, where no Redis answers.
        strangers: the status of the metrics for somebody unknown.
        grew: whether a number of the metrics counts the open sockets.
        told: the close codes with which a server that ends left its clients.
        back: how often what was published meanwhile came after a hello.
        crowd: under another server, the close code of one socket too many.
        others: how many sockets of that user stayed open.
        another: whether there is another server to try it with.
    """

    behind: int | None = None
    faithful: int = 0
    logged: bool = False
    well: tuple[int, int] = (0, 0)
    away: tuple[int, int] = (0, 0)
    strangers: int = 0
    grew: bool = False
    told: list[int | None] = field(default_factory=list)
    back: int = 0
    crowd: int | None = None
    others: int = 0
    another: bool = True


def look(project: Path, python: Path | None = None) -> Look:
    """Serve a copy of the project three times, with what the environment offers.

    Args:
        project: the folder of ``manage.py``.
        python: the project's interpreter.
    """
    own = str(python or "python")
    run = [own, "manage.py", "runserver"]
    seen = Look()
    place = temporary()
    lost = (OSError, EOFError, TimeoutError, InvalidHandshake, ConnectionClosed)
    try:
        folder = place.folder
        trees.copy(project, folder)
        with serving(run, folder) as server:
            if not server.running:
                return seen
            who = visitor.at(server, folder, python)
            with suppress(*lost):
                seen.well = statuses(server)
                seen.strangers = status(server, METRICS)
                talk.run(_count(who, seen))  # first: nobody is still leaving
                talk.run(_acknowledge(who, seen))
                wait = 5 if seen.behind == 4408 else 0
                seen.logged = server.child.wait_for(lambda out: "4408" in out, wait)
                publish = [own, "manage.py", "publish", str(MISSED)]
                talk.run(_restart(who, folder, publish, seen))
        if seen.well != (200, 200):
            return seen  # the others would not do better
        with serving(run, folder, {"REDIS_URL": NOWHERE}) as server, suppress(*lost):
            seen.away = statuses(server)
        seen.another = not children.run(
            [own, "-c", "import uvicorn"], folder, PATIENCE
        ).code
        if seen.another:
            argv = [own, "-m", "uvicorn", "--port", "PORT", gathering.guess(folder)]
            few = {"SOCKETS_PER_USER": str(MOST)}
            with serving(argv, folder, few) as server, suppress(*lost):
                talk.run(_crowd(Visitor(server, who.cookies), seen))
        return seen
    finally:
        place.remove()


async def _acknowledge(who: Visitor, seen: Look) -> None:
    """Publish more than 100 readings for two clients, one of whom acknowledges."""
    async with AsyncExitStack() as stack:
        silent = await join(who, stack, each=0)
        faithful = await join(who, stack)
        publishers = [await join(who, stack) for _ in range(PUBLISHERS)]

        sent, wait = 0, CLOSING
        while sent < LIVE and faithful.socket.close_code is None:
            for value, one in enumerate(publishers):
                with suppress(ConnectionClosed):
                    await one.socket.send(f'{{"type": "publish", "value": {value}}}')
            sent += PUBLISHERS
            # Who acknowledges may take its time, so the next ones wait for it.
            if not await until(partial(_settled, faithful, sent, publishers), PATIENCE):
                wait = 0  # it was longer than a close may take
                break
            if not has(faithful, sent):
                break
        seen.behind = await waited(silent.socket, wait)
        if faithful.socket.close_code is None:
            seen.faithful = len(faithful.values)


def _settled(one: Client, count: int, publishers: list[Client]) -> bool:
    """Whether a client has heard so many readings, or nobody is left to publish."""
    gone = all(other.socket.close_code is not None for other in publishers)
    return gone or has(one, count)


async def _count(who: Visitor, seen: Look) -> None:
    """Ask for the metrics with one socket open, and with three."""
    async with AsyncExitStack() as stack:
        await join(who, stack)
        before = await asyncio.to_thread(numbers, who)
        for _ in range(2):
            await join(who, stack)
        after = await asyncio.to_thread(numbers, who)
        seen.grew = any(after[name] - before.get(name, 0) == 2 for name in after)


async def _restart(
    who: Visitor, folder: Path, publish: Sequence[str], seen: Look
) -> None:
    """End the server, publish, start it again, and come back."""
    async with AsyncExitStack() as stack:
        clients = [await join(who, stack) for _ in range(3)]
        await asyncio.to_thread(who.server.pause)
        seen.told = [await waited(one.socket, CLOSING) for one in clients]
    done = await asyncio.to_thread(children.run, publish, folder, PATIENCE)
    if done.code:
        return  # nothing was missed
    await asyncio.to_thread(who.server.again)
    if not await asyncio.to_thread(who.server.ready):
        return
    async with AsyncExitStack() as stack:
        one = await join(who, stack)
        await one.socket.send('{"type": "hello", "after": 100}')
        await until(lambda: one.welcomed or MISSED in one.values[-1:], PATIENCE)
        await until(lambda: MISSED in one.values[-1:], LATE)
        seen.back = one.values.count(MISSED)


async def _crowd(who: Visitor, seen: Look) -> None:
    """Open one socket more than a user may."""
    async with AsyncExitStack() as stack:
        first = [await join(who, stack) for _ in range(MOST)]
        with suppress(InvalidHandshake):
            one = await join(who, stack)
            seen.crowd = await waited(one.socket, CLOSING)
        seen.others = sum(one.socket.close_code is None for one in first)


def _no_other(seen: Look) -> str:
    return "" if seen.another else "there is no uvicorn to try it with"


def _told_apart(code: int | None) -> bool:
    """Whether a browser can read it."""
    return code is not None and (4000 <= code < 5000 or code == 1012)


def _behind(seen: Look) -> str | None:
    if seen.behind != 4408:
        return f"close code {seen.behind}" if seen.behind else "its socket stays open"
    return None


def _faithful(seen: Look) -> str | None:
    if seen.behind is None:
        return "nobody was closed"
    return None if seen.faithful >= LIVE else f"it got {seen.faithful} of {LIVE}"


def _logged(seen: Look) -> str | None:
    return None if seen.logged else "no line of it has 4408"


def _well(seen: Look) -> str | None:
    if seen.well != (200, 200):
        return f"{HEALTH} {seen.well[0]}, {READY} {seen.well[1]}"
    right = seen.away == (200, 503)
    return None if right else f"without Redis {seen.away[0]} and {seen.away[1]}"


def _metrics(seen: Look) -> str | None:
    if seen.strangers == 200 or not seen.grew:
        return (
            "a stranger reads them"
            if seen.strangers == 200
            else "no number grew by two with two more sockets"
        )
    return None


def _told(seen: Look) -> str | None:
    wrong = [code for code in seen.told if not _told_apart(code)]
    if wrong or not seen.told:
        return f"close code {wrong[0]}" if wrong and wrong[0] else "no close at all"
    return None if seen.back == 1 else f"what was missed came {seen.back} times"


def _crowded(seen: Look) -> str | None:
    if seen.others < MOST:
        return f"{seen.others} of {MOST} stayed open"
    right = seen.crowd is not None and 4000 <= seen.crowd < 5000
    return None if right else f"the next one: {seen.crowd or 'open as well'}"


QUESTIONS = (
    Question(
        "who never acknowledges is closed with 4408",
        f"a client that hears {LIVE} live readings and sends nothing",
        _behind,
    ),
    Question(
        "who acknowledges each 20th hears them all",
        f'{LIVE} live readings, and {{"type": "ack", "id": N}} after each 20th',
        _faithful,
    ),
    Question(
        "the log says who was closed with which code",
        "the server's log after a socket was closed with 4408",
        _logged,
    ),
    Question(
        "anybody may ask whether it is alive, and whether it can work",
        f"GET {HEALTH} and {READY}, with a Redis and where none answers",
        _well,
    ),
    Question(
        "the metrics count the open sockets, and are not for strangers",
        f"GET {METRICS}, before and after two more sockets",
        _metrics,
    ),
    Question(
        "a server that ends says so, and who comes back misses nothing",
        "SIGTERM, a reading while it is away, the server again, and a hello",
        _told,
    ),
    Question(
        "a user has so many sockets and no more, under another server too",
        f"SOCKETS_PER_USER={MOST} uvicorn, and {MOST + 1} sockets",
        _crowded,
        needs=_no_other,
    ),
)

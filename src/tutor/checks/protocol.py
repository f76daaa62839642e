"""Step 8: typed messages, and an answer to whatever is none.

What is asked is the tutorial's table of messages, sent over real sockets.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tutor import forms, places, servers
from tutor.checks import talk, visitor
from tutor.checks.question import Question
from tutor.checks.talk import READINGS
from tutor.checks.visitor import Visitor
from tutor.client import at_once
from tutor.servers import Server

CRASH = "Exception inside application"  # how Daphne's log begins an exception
LATE = 1.2  # seconds; Daphne looks for exceptions once a second
NOWHERE = "/has-it-looked/"  # no page, but the log tells that it was asked for
HELLO = json.dumps({"type": "hello", "after": 0})
LARGEST = 1000  # bytes in a message
MANY = 15  # messages: more bad ones than a socket survives, fewer than are too fast
BAD: dict[str, tuple[str | bytes, ...]] = {
    "binary": (b"\x00\xff", b""),
    "json": ('{"type": "hello"', "", "nonsense", "[" * 500),
    "object": ("[]", "5", "null", '"hello"'),
    "type": ("{}", '{"type": "Hello"}', '{"type": null}', '{"type": ["hello"]}'),
    "field": (
        '{"type": "hello"}',
        '{"type": "hello", "after": "0"}',
        '{"type": "hello", "after": -1}',
        '{"type": "hello", "after": true}',
        '{"type": "hello", "after": 0, "and": 1}',
        '{"type": "publish", "value": 101}',
        '{"type": "publish"}',
    ),
}
Messages = Sequence[str | bytes]


@dataclass
class Look:
    """What came of a few clients of ``ws/readings/``.

    Args:
        status: the handshake's; None where nothing answered.
        welcome: the answer to hello, and to a hello after two readings.
        readings: the answers to two publishes.
        codes: for each message of ``BAD`` the answer's code, or what came instead.
        still: of which kinds of ``BAD`` a hello was welcomed after all of them.
        closes: for each limit the close code; None where the socket stayed open.
        largest: the answer to a hello of exactly the size that is allowed.
        crashes: the first line of each exception in the log.
    """

    status: int | None = None
    welcome: list[Any] = field(default_factory=list)
    readings: list[Any] = field(default_factory=list)
    codes: dict[str | bytes, object] = field(default_factory=dict)
    still: set[str] = field(default_factory=set)
    closes: dict[str, int | None] = field(default_factory=dict)
    largest: Any = None
    crashes: list[str] = field(default_factory=list)


def look(project: Path, python: Path | None = None) -> Look:
    """Serve a copy of the project with ``runserver``, and talk to it.

    Args:
        project: the folder of ``manage.py``.
        python: the project's interpreter.
    """
    argv = [str(python or "python"), "manage.py", "runserver"]
    seen = Look()
    with places.copied(project) as folder, servers.serving(argv, folder) as server:
        if server.running:
            who = visitor.at(server, folder, python)
            url = server.ws + READINGS
            seen.status = talk.run(talk.knock(url, server.url, who.cookies))
        if seen.status == 101:
            talk.run(_talk(who, seen))
            _see_crashes(server)
        seen.crashes = [line for line in server.log().splitlines() if CRASH in line]
    return seen


def _see_crashes(server: Server) -> None:
    """Wait until Daphne has told of every exception so far."""
    if not server.child.wait_for(lambda out: CRASH in out, LATE):
        # It was due to look.  A busy machine may be late: an answer says that it has.
        with suppress(OSError, http.client.HTTPException):
            forms.ask(server, "GET", NOWHERE)
            server.child.wait_for(lambda out: NOWHERE in out, 5)


async def _talk(who: Visitor, seen: Look) -> None:
    """Everything of the table, each kind on a socket of its own, all at once."""

    async def publishes(socket: ClientConnection) -> None:
        seen.welcome.append(await ask(socket, HELLO, "welcome"))
        for value in (57, 0):
            said = {"type": "publish", "value": value}
            seen.readings.append(await ask(socket, said, "reading"))
            if seen.readings[-1] is None:
                return  # each that is not answered takes its time
        seen.welcome.append(await ask(socket, HELLO, "welcome"))

    def errs(kind: str) -> Callable[[ClientConnection], Awaitable[None]]:
        async def send(socket: ClientConnection) -> None:
            for message in BAD[kind]:
                seen.codes[message] = "an end of the connection"
                answer = await ask(socket, message, "error")
                seen.codes[message] = (answer or {}).get("code", "no error message")
                if answer is None:
                    break
            if await ask(socket, HELLO, "welcome"):
                seen.still.add(kind)

        return send

    async def fits(socket: ClientConnection) -> None:
        seen.largest = await ask(socket, HELLO.ljust(LARGEST), "welcome")

    # More follows what breaks a limit: nothing may answer it on a closed socket.
    breaks: dict[str, Messages] = {
        "nonsense, again and again": ["nonsense"] * MANY,
        "1001 bytes": [HELLO.ljust(LARGEST + 1), HELLO, HELLO],
        "602 characters in 1202 bytes": ['"' + "é" * 600 + '"', HELLO],
        "100 messages at once": [HELLO] * 100,
    }

    def closes(name: str) -> Callable[[ClientConnection], Awaitable[None]]:
        async def send(socket: ClientConnection) -> None:
            with talk.unanswered(socket):
                await at_once(socket, breaks[name])
                await _with(who, hellos)  # by then it has dealt with those
            await talk.first(socket, lambda one: False)  # until it is closed

        return send

    async def hellos(socket: ClientConnection) -> None:
        # One may be answered before another socket's messages; as many cannot be.
        for _ in range(MANY):
            if await ask(socket, HELLO, "welcome") is None:
                return

    # Alone: from step 10 on, what is published goes to all who are connected.
    await _with(who, publishes)
    await asyncio.gather(*(_with(who, errs(kind)) for kind in BAD), _with(who, fits))
    codes = await asyncio.gather(*(_with(who, closes(name)) for name in breaks))
    seen.closes = dict(zip(breaks, codes, strict=True))


async def _with(
    who: Visitor, use: Callable[[ClientConnection], Awaitable[None]]
) -> int | None:
    """Use a socket; the close code if the server ended it."""
    socket: ClientConnection | None = None
    with suppress(TimeoutError, OSError, EOFError, ConnectionClosed, InvalidHandshake):
        async with who.socket() as socket:
            await use(socket)
            return None
    return socket.close_code if socket else None


async def ask(socket: ClientConnection, message: Any, wanted: str) -> Any:
    """Send a message; the first answer of the wanted type, or an error, or None.

    Others may come between, since a server may speak without being asked.

    Args:
        socket: an open one.
        message: a text or bytes; anything else is sent as JSON.
        wanted: the answer's type.
    """
    raw = message if isinstance(message, (str, bytes)) else json.dumps(message)
    await socket.send(raw)
    return await talk.first(socket, lambda one: one.get("type") in (wanted, "error"))


def _opens(seen: Look) -> str | None:
    status = seen.status
    return None if status == 101 else f"status {status}" if status else "no answer"


def _welcomes(seen: Look) -> str | None:
    for answer in seen.welcome[:1] or [None]:
        if not isinstance(_field(answer, "welcome", "last"), int):
            return _told(answer)
    return None


def _reads(seen: Look) -> str | None:
    if problem := _opens(seen):
        return problem
    ids = []
    for value, answer in zip((57, 0), seen.readings, strict=False):
        if _field(answer, "reading", "value") != value:
            return f"{_told(answer)} to the value {value}"
        ids.append(answer.get("id"))
    if len(ids) < 2:
        return "no answer"
    if not all(type(one) is int for one in ids) or ids[0] >= ids[1]:
        return f"the ids {ids[0]!r} and {ids[1]!r}, one after the other"
    last = _field(seen.welcome[-1], "welcome", "last")
    return None if last == ids[1] else f"then hello was told that the last is {last!r}"


def _field(answer: Any, kind: str, name: str) -> object:
    right = isinstance(answer, dict) and answer.get("type") == kind
    return answer.get(name) if right else None


def _told(answer: Any) -> str:
    return "no answer" if answer is None else json.dumps(answer)[:120]


def _complains(seen: Look) -> str | None:
    for code, messages in BAD.items():
        for message in messages:
            got = seen.codes.get(message, "no answer")
            if got != code:
                return (
                    f"{got!r} to {str(message)[:40] or 'an empty text'}, not {code!r}"
                )
    return None


def _stays(seen: Look) -> str | None:
    for kind in BAD:
        if kind not in seen.still:
            return f"no welcome to a hello that followed the bad ones of {kind!r}"
    return None


def _limits(seen: Look) -> str | None:
    due = (4400, 4413, 4413, 4429)
    for (name, code), wanted in zip(seen.closes.items(), due, strict=False):
        if code != wanted:
            came = f"close {code}" if code else "no close"
            return f"{came}, not {wanted}, after {name}"
    if seen.largest is None:
        return f"no welcome to a hello of exactly {LARGEST} bytes"
    return _opens(seen)


def _quiet(seen: Look) -> str | None:
    crashes = seen.crashes
    return crashes[0][:150] if crashes else _opens(seen)


QUESTIONS = (
    Question("ws/readings/ is answered with 101", f"a knock on {READINGS}", _opens),
    Question("hello is answered with a welcome", f"hello on {READINGS}", _welcomes),
    Question(
        "publish is answered with a reading, and the ids count up",
        f"two readings published on {READINGS}",
        _reads,
    ),
    Question(
        "a bad message is answered with the code of the table",
        f"messages on {READINGS} that are not in the table",
        _complains,
    ),
    Question("after that the socket is still open", "hello after bad messages", _stays),
    Question(
        "broken limits close with 4400, 4413 and 4429",
        f"too many bad messages, too large, too fast on {READINGS}",
        _limits,
    ),
    Question("no exception has reached the log", "the server's log", _quiet),
)

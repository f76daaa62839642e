"""Step 12: who may watch, who may publish, and when a session is over."""

from __future__ import annotations

import asyncio
import http.client
import json
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tutor import forms, places, servers
from tutor.checks import talk, visitor
from tutor.checks.protocol import ask
from tutor.checks.question import Ask, Question
from tutor.checks.talk import PRACTICE, READINGS
from tutor.checks.visitor import Person, Visitor
from tutor.servers import HOST, Server

PUBLISH, LOGOUT = "/publish/", "/accounts/logout/"
SWEEP = 10.0  # seconds for what is found every four seconds, on a busy machine
ORIGINS = {"ALLOWED_ORIGINS": f"http://{HOST}:PORT"}
PASSWORD = "check-12"
PEOPLE = (
    Person("ada", PASSWORD, True),
    Person("ada"),
    Person("bob"),
    Person("disabled"),
    Person("repassworded"),
    Person("deleted"),
)

# What has to end three people's sessions: two that a signal tells, one that none does.
_CHANGES = """
import json
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session

model = get_user_model()
user = model.objects.get(**{model.USERNAME_FIELD: "disabled"})
user.is_active = False
user.save()
user = model.objects.get(**{model.USERNAME_FIELD: "repassworded"})
user.set_password("another")
user.save()
Session.objects.filter(pk=KEY).delete()
print(json.dumps("done"))
"""


@dataclass
class Look:
    """What came of strangers, of people with and without rights, and of ends.

    Args:
        page: the status of ``/`` for a stranger, and where it leads.
        form: whether that page has a form with a token.
        logged_in: the status of ``/`` for whoever has filled in that form.
        doors: the status of a handshake, by who knocks.
        refused: the answers to bob's publish: by socket, by form, to a hello then.
        heard: what bob hears of ada's publish: by socket, by form.
        closed: the close codes by whose session has ended; None: still open.
        stays: whether ada's other session still is welcomed in the end.
    """

    page: tuple[int | None, str] = (None, "")
    form: bool = False
    logged_in: int | None = None
    doors: dict[str, int | None] = field(default_factory=dict)
    refused: list[Any] = field(default_factory=list)
    heard: list[object] = field(default_factory=list)
    closed: dict[str, int | None] = field(default_factory=dict)
    stays: bool = False


def look(project: Path, python: Path | None = None) -> Look:
    """Serve a copy of the project with ``runserver``, and try who gets how far.

    Args:
        project: the folder of ``manage.py``.
        python: the project's interpreter.
    """
    argv = [str(python or "python"), "manage.py", "runserver"]
    seen = Look()
    with places.copied(project) as folder:
        jars = visitor.logged_in(folder, python, *PEOPLE)
        with servers.serving(argv, folder, ORIGINS) as server:
            if not server.running or not jars:
                return seen
            with suppress(OSError, http.client.HTTPException):
                _login(server, seen)
            talk.run(_knock(server, jars[0], seen))
            # Who lets strangers in knows no sessions, and would be waited for in vain.
            doors = seen.doors
            if (doors["a stranger"], doors["whoever has logged in"]) == (403, 101):
                people = [Visitor(server, jar) for jar in jars]
                talk.run(_watch(people, folder, python, seen))
    return seen


def _login(server: Server, seen: Look) -> None:
    """Come as a stranger, and fill in the form that one is sent to."""
    reply = forms.ask(server, "GET", "/")
    seen.page = reply.status, reply.location
    if not reply.location:
        return
    where = urlsplit(reply.location)
    path = where.path + (f"?{where.query}" if where.query else "")
    given = forms.keys(server, path)
    seen.form = bool(given.token)
    fields = {"username": PEOPLE[0].name, "password": PASSWORD}
    kept = {**given.cookies, **forms.send(server, path, fields, given).cookies}
    seen.logged_in = forms.ask(server, "GET", "/", cookies=kept).status


async def _knock(server: Server, jar: dict[str, str], seen: Look) -> None:
    """Try a few handshakes."""
    own, at = server.url, server.ws + READINGS
    seen.doors = {
        "a stranger": await talk.knock(at, own),
        f"a stranger, at {PRACTICE}": await talk.knock(server.ws + PRACTICE, own),
        "whoever has logged in": await talk.knock(at, own, jar),
        "their browser, from another port": await talk.knock(
            at, f"http://{HOST}:{server.port % 60000 + 1}", jar
        ),
        "their browser, from another scheme": await talk.knock(
            at, own.replace("http:", "https:"), jar
        ),
    }


async def _watch(
    people: list[Visitor], project: Path, python: Path | None, seen: Look
) -> None:
    """Let everybody in, let two of them publish, and end four sessions."""
    with suppress(OSError, EOFError, TimeoutError, InvalidHandshake, ConnectionClosed):
        async with AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(who.socket()) for who in people]
            ada, other, bob, *rest = sockets
            await _publish(people, ada, bob, seen)
            left = await asyncio.to_thread(people[0].post, LOGOUT, {})
            seen.closed["the session that logged out"] = await _end(ada, SWEEP)
            if left is None or left >= 400 or None in seen.closed.values():
                return
            key = next(iter(people[-1].cookies.values()))
            code = f"KEY = {key!r}\n{_CHANGES}"
            await asyncio.to_thread(visitor.inside, project, code, python, SWEEP * 2)
            names = ("a disabled account", "a changed password", "a deleted session")
            ends = await asyncio.gather(*(_end(socket, SWEEP) for socket in rest))
            seen.closed |= dict(zip(names, ends, strict=True))
            hello = {"type": "hello", "after": 0}
            seen.stays = bool(await ask(other, hello, "welcome"))


async def _publish(
    people: list[Visitor], ada: ClientConnection, bob: ClientConnection, seen: Look
) -> None:
    wanted = {"type": "publish", "value": 61}
    seen.refused.append(await ask(bob, wanted, "reading"))
    seen.refused.append(await asyncio.to_thread(people[2].post, PUBLISH, {"value": 62}))
    seen.refused.append(await ask(bob, {"type": "hello", "after": 0}, "welcome"))
    await ada.send(json.dumps(wanted | {"value": 63}))
    seen.heard.append(await talk.reading(bob))
    await asyncio.to_thread(people[0].post, PUBLISH, {"value": 64})
    seen.heard.append(await talk.reading(bob))


async def _end(socket: ClientConnection, seconds: float) -> int | None:
    """The code with which the server closes a socket; None where it does not."""

    async def read() -> None:
        with suppress(ConnectionClosed):
            while True:
                await socket.recv()

    with suppress(TimeoutError):
        await asyncio.wait_for(read(), seconds)
    return socket.close_code


def _leads_to_login(seen: Look) -> str | None:
    status, place = seen.page
    if status not in visitor.ELSEWHERE:
        return f"status {status}" if status else "no answer"
    return None if seen.form else f"{place}, which has no form with a token"


def _lets_in(seen: Look) -> str | None:
    status = seen.logged_in
    return None if status == 200 else f"status {status}" if status else "no login"


def _door(wanted: int, *names: str) -> Ask:
    def ask(seen: Look) -> str | None:
        for name in names:
            status = seen.doors.get(name)
            if status != wanted:
                return f"{f'status {status}' if status else 'no answer'} for {name}"
        return None

    return ask


def _forbids(seen: Look) -> str | None:
    if len(seen.refused) < 3:
        return "no answer"
    said, status, then = seen.refused
    if not isinstance(said, dict) or said.get("code") != "forbidden":
        return "no answer" if said is None else json.dumps(said)[:120]
    if status != 403:
        return f"status {status} to the form"
    return None if then else "no welcome to a hello that followed"


def _publishes(seen: Look) -> str | None:
    return None if seen.heard == [63, 64] else f"others heard {seen.heard}"


def _closes(*names: str) -> Ask:
    def ask(seen: Look) -> str | None:
        for name in names or ("the session that logged out",):
            code = seen.closed.get(name)
            if code != 4401:
                came = f"close {code}" if code else "an open socket"
                return f"{came} after {name}" if seen.closed else "no socket to close"
        return None

    return ask


def _only_this(seen: Look) -> str | None:
    return _closes()(seen) or (None if seen.stays else "the other socket was closed")


QUESTIONS = (
    Question("/ sends a stranger to the login", "GET /", _leads_to_login),
    Question("whoever logs in there sees the page", "the login's form", _lets_in),
    Question(
        "a stranger's handshake is refused with 403, but for practice",
        f"knocks on {READINGS} and {PRACTICE}",
        lambda seen: (
            _door(403, "a stranger")(seen)
            or _door(101, f"a stranger, at {PRACTICE}", "whoever has logged in")(seen)
        ),
    ),
    Question(
        "a page of another port or scheme is refused with 403",
        f"knocks with a cookie and {next(iter(ORIGINS))} set",
        _door(
            403,
            "their browser, from another port",
            "their browser, from another scheme",
        ),
    ),
    Question(
        "who may not publish is told so, and stays",
        f"publish on {READINGS} and POST {PUBLISH}, by a user without rights",
        _forbids,
    ),
    Question(
        "who may publish does", "the same, by a superuser on the staff", _publishes
    ),
    Question(
        "a logout closes the sockets of its session only, with 4401",
        f"POST {LOGOUT} from one of two browsers",
        _only_this,
    ),
    Question(
        "a disabled account and a new password close theirs",
        "a user saved by another process",
        _closes("a disabled account", "a changed password"),
    ),
    Question(
        "a session that is gone closes its own, with no signal",
        "a session deleted in the database",
        _closes("a deleted session"),
    ),
)

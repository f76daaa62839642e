"""Step 13: what is published is stored, and whoever was away gets it, once."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tutor import browser, children, forms, pages, places, servers
from tutor.checks import talk, visitor
from tutor.checks.question import Question
from tutor.checks.rollback import ROLLED_BACK
from tutor.checks.visitor import Visitor

FORM = "/publish/"
COMMAND = ("manage.py", "publish")
VALUES = (41, 42, 43)
RACE = 40  # readings published while clients come and go
JOINERS = 4
LAST = 100  # the value that ends a race
SECONDS = 40  # for a command, on a busy machine
PATIENCE = 5.0  # seconds for what should come at once


@dataclass
class Look:
    """What came of clients who were away, of a race, and of a rollback.

    Args:
        published: the ids of ``VALUES`` as they were published.
        again: after a restart, what a hello with the first id brought, as ids.
        stored: the ids that all clients of the race should know, in the end.
        known: the ids that each of them knew.
        doubled: the ids that came twice through one socket after a welcome.
        rolled_back: status of the form, and whether a client heard its reading.
        kept: the same, where the transaction was committed.
        browser: whether there was a browser to open the page with.
        page: whether a page that was away shows what it missed.
    """

    published: list[int] = field(default_factory=list)
    again: list[int] = field(default_factory=list)
    stored: set[int] = field(default_factory=set)
    known: list[set[int]] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)
    rolled_back: tuple[int, bool] | None = None
    kept: tuple[int, bool] | None = None
    browser: bool = False
    page: bool = False


def look(project: Path, python: Path | None = None) -> Look:
    """Serve a copy of the project with ``runserver``, twice.

    Args:
        project: the folder of ``manage.py``.
        python: the project's interpreter.
    """
    own = str(python or "python")
    seen = Look()
    with places.copied(project) as folder:
        with servers.serving([own, "manage.py", "runserver"], folder) as server:
            if not server.running:
                return seen
            who = visitor.at(server, folder, python)
            try:
                talk.run(_publish(who, seen))
                server.again()
                if server.ready() and len(seen.published) == len(VALUES):
                    talk.run(_return(who, seen))
                if not _outlasts(seen):  # else nothing below could come out well
                    talk.run(_race(who, seen))
            except (OSError, EOFError, InvalidHandshake, ConnectionClosed):
                return seen
            path = browser.find()
            seen.browser = path is not None
            if path and not _outlasts(seen):
                # Playwright's calls refuse to run beside a kernel's event loop.
                with ThreadPoolExecutor(1) as pool:
                    argv = [own, *COMMAND, "73"]
                    pool.submit(_page, who, path, folder, argv, seen).result()
        told = visitor.inside(folder, ROLLED_BACK, python, SECONDS)
        with suppress(ValueError, TypeError):
            seen.rolled_back, seen.kept = told
    return seen


@dataclass
class Heard:
    """The readings that came through one socket after its welcome, by id."""

    socket: ClientConnection
    ids: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)

    async def hello(self, after: int) -> None:
        await self.socket.send(json.dumps({"type": "hello", "after": after}))
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while await self.next(PATIENCE) not in ("welcome", None):
                    pass
        self.ids.clear()  # what comes before the welcome comes again
        self.values.clear()

    async def next(self, patience: float) -> str | None:
        """The type of the next message; None if there is none."""
        text = await talk.hear(self.socket, patience)
        with suppress(ValueError, TypeError, AttributeError, KeyError):
            message = json.loads(text or "")
            if message["type"] == "reading":
                self.ids.append(message["id"])
                self.values.append(message["value"])
            return str(message["type"])
        return None

    async def until(self, value: int) -> None:
        """Listen until a value comes, or nothing but heartbeats for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while value not in self.values and await self.next(PATIENCE):
                    pass


async def _publish(who: Visitor, seen: Look) -> None:
    async with who.socket() as socket:
        one = Heard(socket)
        for value in VALUES:
            await socket.send(json.dumps({"type": "publish", "value": value}))
            await one.until(value)
            seen.published = one.ids
            if value not in one.values:
                return  # nor would the others


async def _return(who: Visitor, seen: Look) -> None:
    """Come back after the first reading, and listen until a new one comes."""
    async with who.socket() as socket:
        one = Heard(socket)
        await one.hello(seen.published[0])
        await socket.send(json.dumps({"type": "publish", "value": 44}))
        await one.until(44)
        seen.again = one.ids


async def _race(who: Visitor, seen: Look) -> None:
    """Some come and go, while one publishes; in the end they hear a last value."""
    given = await asyncio.to_thread(who.keys)
    over = asyncio.Event()
    seen.known = [set(seen.again) for _ in range(JOINERS)]

    async def join(known: set[int], patience: float) -> None:
        done = False
        while not done:
            done = over.is_set()
            async with who.socket() as socket:
                one = Heard(socket)
                await one.hello(max(known))
                if done:
                    await one.until(LAST)
                else:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(patience):
                            while await one.next(patience):
                                pass
                known.update(one.ids)
                seen.doubled += {i for i in one.ids if one.ids.count(i) > 1}

    async def write() -> None:
        for value in [*range(RACE), LAST]:
            fields = {"value": str(value)}
            with suppress(OSError, http.client.HTTPException):
                await asyncio.to_thread(forms.send, who.server, FORM, fields, given)
        over.set()

    waits = [0.03 * (2 + number) for number in range(JOINERS)]
    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        for known, patience in zip(seen.known, waits, strict=True):
            group.create_task(join(known, patience))
    async with who.socket() as socket:
        one = Heard(socket)
        await one.hello(seen.published[0])
        await one.until(LAST)
        seen.stored = set(one.ids) | set(seen.again)


def _page(
    who: Visitor, path: Path, folder: Path, argv: Sequence[str], seen: Look
) -> None:
    """Open the page, end the server, publish, and start the server again."""
    from playwright.sync_api import Error, sync_playwright

    shows = "value => document.body.innerText.includes(value)"
    with sync_playwright() as playwright:
        chromium = browser.launch(playwright, path)
        with suppress(Error):
            page = who.browser(chromium).new_page()
            page.set_default_timeout(15_000)
            page.goto(who.server.url)
            page.wait_for_function(shows, arg="100")  # the last of the race
            who.server.pause()
            children.run(argv, folder, SECONDS)
            who.server.again()
            page.wait_for_function(shows, arg="73")
            seen.page = True
        chromium.close()


def _no_browser(seen: Look) -> str:
    return "" if seen.browser else f"{pages.NONE} to look with"


def _outlasts(seen: Look) -> str | None:
    if len(seen.published) < len(VALUES):
        return f"{len(seen.published)} of {len(VALUES)} readings were heard"
    missing = [one for one in seen.published[1:] if one not in seen.again]
    if missing:
        return f"after a restart, number {missing[0]} did not come"
    return None


def _nothing_lost(seen: Look) -> str | None:
    if not seen.stored:
        return "no race, since not all came after a restart"
    if len(seen.stored) < RACE:
        return f"{len(seen.stored)} readings were stored, where {RACE} were published"
    lost = sum(len(seen.stored - known) for known in seen.known)
    return f"{lost} readings were lost by {JOINERS} clients" if lost else None


def _nothing_doubled(seen: Look) -> str | None:
    if not seen.stored:
        return "no race, since not all came after a restart"
    twice = len(seen.doubled)
    return f"{twice} readings came twice through one socket" if twice else None


def _committed(seen: Look) -> str | None:
    if seen.rolled_back is None or seen.kept is None:
        return "the form could not be sent"
    if seen.rolled_back[1]:
        return "a client heard a reading that was rolled back"
    return None if seen.kept[1] else "a client did not hear the one that was kept"


def _page_complete(seen: Look) -> str | None:
    return None if seen.page else "it does not show the newest reading"


QUESTIONS = (
    Question(
        "what is published outlasts the server, and hello brings it",
        "three readings, a restart, and a hello with the first one's id",
        _outlasts,
    ),
    Question(
        "clients that come and go while others publish miss nothing",
        f"{JOINERS} clients that join again and again, each with its newest id",
        _nothing_lost,
    ),
    Question(
        "and nothing comes twice through one socket",
        "the ids that followed each welcome",
        _nothing_doubled,
    ),
    Question(
        "what is rolled back nobody hears",
        f"POST {FORM} inside a transaction",
        _committed,
    ),
    Question(
        "a page that was away shows what it missed",
        "a page in a browser, and a reading while the server was away",
        _page_complete,
        needs=_no_browser,
    ),
)

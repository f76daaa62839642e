"""Step 10: a broadcast, who receives what a client, a form or a page publishes."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tutor import browser, forms, pages, places, servers
from tutor.checks import talk, visitor
from tutor.checks.question import Question
from tutor.checks.talk import READINGS
from tutor.checks.visitor import Visitor
from tutor.client import cookie

FORM = "/publish/"
BAD = ("", "seven", "101")
VALUES = ("71", "72", "73", "74")  # published until two pages show one
SECONDS = 20  # for one client to come and go, in the project's own process


@dataclass
class Look:
    """What came of two clients, a form and two pages.

    Args:
        heard: the values that each client received, in order.
        posted: how a form with its token was answered; None where nothing did.
        stranger: how the same form without the token was answered.
        bad: how each of ``BAD`` was answered, sent as the form's value.
        after: what each client received after all that was refused.
        joined: how many groups one client was in; None where it never connected.
        stayed: of how many of them it still was a member after it had left.
        browser: whether there was a browser to open the page with.
        pages: the number that two open pages showed, one after the other.
    """

    heard: list[list[int]] = field(default_factory=list)
    posted: int | None = None
    stranger: int | None = None
    bad: dict[str, int | None] = field(default_factory=dict)
    after: list[list[int]] = field(default_factory=list)
    joined: int | None = None
    stayed: int = 0
    browser: bool = False
    pages: list[str] = field(default_factory=list)


def look(project: Path, python: Path | None = None) -> Look:
    """Serve a copy of the project with ``runserver``, and let two clients listen.

    Args:
        project: the folder of ``manage.py``.
        python: the project's interpreter.
    """
    argv = [str(python or "python"), "manage.py", "runserver"]
    seen = Look()
    with places.copied(project) as folder:
        with servers.serving(argv, folder) as server:
            if not server.running:
                return seen
            who = visitor.at(server, folder, python)
            talk.run(_listen(who, seen))
            path = browser.find()
            seen.browser = path is not None
            if path and seen.posted and seen.posted < 400:
                # Playwright's calls refuse to run beside a kernel's event loop.
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(_open, who, path, seen).result()
        _leave(folder, who, seen, python)
    return seen


async def _listen(who: Visitor, seen: Look) -> None:
    """Two clients take turns, then a form, then what must be refused.

    Each value is heard by all before the next: who publishes first among several
    that do so at once is not determined.
    """
    with suppress(OSError, EOFError, TimeoutError, InvalidHandshake, ConnectionClosed):
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(who.socket()) for _ in range(2)]
            seen.heard = [[], []]
            for due, publisher in enumerate(clients, 1):
                await _publish(publisher, 6 + due)
                await _hear(clients, seen.heard, due)
            given = who.keys()
            seen.posted = who.post(FORM, {"value": "9"}, given)
            await _hear(clients, seen.heard, due=3)
            seen.stranger = who.post(FORM, {"value": "10"}, forms.Keys({}, ""))
            seen.bad = {value: who.post(FORM, {"value": value}, given) for value in BAD}
            await _publish(clients[0], 11)
            seen.after = [[], []]
            await _hear(clients, seen.after)


async def _publish(client: ClientConnection, value: int) -> None:
    await client.send(json.dumps({"type": "publish", "value": value}))


async def _hear(
    clients: list[ClientConnection], heard: list[list[int]], due: int = 1
) -> None:
    """Add the next value that each client receives.

    Args:
        clients: who listens.
        heard: what each has received.
        due: which value it is; where an earlier one has not come, the test is failed
            already, and nobody waits.
    """
    if any(len(values) < due - 1 for values in heard):
        return
    came = await asyncio.gather(*map(talk.reading, clients))
    for values, value in zip(heard, came, strict=True):
        values += [] if value is None else [value]


# In the project's own process: whichever layer it has, its members are counted.
_MEMBERS = """
import json
from importlib import import_module
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings

module, _, name = settings.ASGI_APPLICATION.rpartition(".")
layer, members = get_channel_layer(), set()
add, discard = layer.group_add, layer.group_discard

async def group_add(group, channel):
    await add(group, channel)
    members.add((group, channel))

async def group_discard(group, channel):
    await discard(group, channel)
    members.discard((group, channel))

layer.group_add, layer.group_discard = group_add, group_discard
headers = {"host": "localhost", "origin": "http://localhost", "cookie": COOKIE}
client = WebsocketCommunicator(
    getattr(import_module(module), name), PATH,
    headers=[(name.encode(), value.encode()) for name, value in headers.items()],
)
await client.connect()
joined = len(members)
await client.disconnect()
print(json.dumps([joined, len(members)]))
"""


def _leave(project: Path, who: Visitor, seen: Look, python: Path | None) -> None:
    """Let one client come and go, and count its groups before and after."""
    named = f"PATH, COOKIE = {READINGS!r}, {cookie(who.cookies)!r}\n"
    told = visitor.inside(project, named + _MEMBERS, python, SECONDS)
    with suppress(ValueError, TypeError):
        seen.joined, seen.stayed = told


def _open(who: Visitor, path: Path, seen: Look) -> None:
    """Open two pages, publish through the form, and read both."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        chromium = browser.launch(playwright, path)
        with suppress(Error):
            server, window = who.server, who.browser(chromium)
            pages = [window.new_page() for _ in range(2)]
            for page in pages:
                page.goto(server.url)
            given = who.keys()
            # A page that was not connected yet misses a reading, and sees the next.
            for value in VALUES if _form_heard(seen) is None else VALUES[-1:]:
                who.post(FORM, {"value": value}, given)
                seen.pages, patience = [], 2000
                for page in pages:
                    try:
                        page.wait_for_function(
                            "value => document.body.innerText.includes(value)",
                            arg=value,
                            timeout=patience,
                        )
                        seen.pages.append(value)
                    except Error:
                        patience = 300  # the next has had its time, too
                if len(seen.pages) == len(pages):
                    break
        chromium.close()


def _no_browser(seen: Look) -> str:
    return "" if seen.browser else f"{pages.NONE} to look with"


def _everyone_hears(seen: Look) -> str | None:
    return _heard(seen.heard, [7, 8], "was published")


def _form_heard(seen: Look) -> str | None:
    status = seen.posted
    if status is None or status >= 400:
        return f"status {status}" if status else "no answer"
    return _heard(seen.heard, [7, 8, 9], "was published")


def _heard(clients: list[list[int]], wanted: list[int], what: str) -> str | None:
    for heard, name in zip(clients, ("first", "second"), strict=False):
        if heard[: len(wanted)] != wanted:
            return f"the {name} client received {heard}, where {wanted} {what}"
    return None if clients else "no client could connect"


def _form_guarded(seen: Look) -> str | None:
    status = seen.stranger
    return None if status == 403 else f"status {status}" if status else "no answer"


def _form_validates(seen: Look) -> str | None:
    for value, status in seen.bad.items():
        if status is None or not 400 <= status < 500:
            return f"status {status} for the value {value!r}"
    return _heard(seen.after, [11], "was the next right one")


def _leaves(seen: Look) -> str | None:
    if not seen.joined:
        return "it was in no group while it was connected"
    if seen.stayed:
        return "its channel still was in the group"
    return None


def _pages_agree(seen: Look) -> str | None:
    count = len(seen.pages)
    return None if count == 2 else f"{count} of two open pages showed the number"


QUESTIONS = (
    Question(
        "what one client publishes every client receives, once",
        f"two clients of {READINGS}, each publishing",
        _everyone_hears,
    ),
    Question(
        "what a form publishes every client receives",
        f"POST {FORM} with the token of the page",
        _form_heard,
    ),
    Question(
        "a form without its token is refused with 403",
        f"POST {FORM} without a token",
        _form_guarded,
    ),
    Question(
        "a value that is no number from 0 to 100 is refused",
        f"POST {FORM} with bad values",
        _form_validates,
    ),
    Question(
        "a client that leaves, leaves its group",
        "a client that connected and left",
        _leaves,
    ),
    Question(
        "two open pages show the same number",
        "two pages in a browser",
        _pages_agree,
        needs=_no_browser,
    ),
)

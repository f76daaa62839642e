"""What people do with a broken project and see: two clients, a form, a browser.

The doctor's own clients speak no project's language.  A mistake that only shows
when someone does has a ``[scene]`` in its file; it is played here.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from tutor import browser, children, servers
from tutor.doctor import gathering, working
from tutor.servers import Server
from tutor.sites import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

Cookies = Mapping[str, str] | None
NOWHERE = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
SECONDS = 8.0  # for one message, and for a page to open its socket
HELLO = json.dumps({"type": "hello", "after": 0})  # is answered with a welcome
TOKEN = "a" * 32  # Django compares the form's with the cookie's, no more
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
UNHEARD = "101, unheard"
TOOLS = {True: "the program is let in", False: "the program is refused"}
MANY = 20  # messages, where one was asked for

Scene = Mapping[str, Any]


def play(scene: Scene, project: Path, awaited: str = "") -> tuple[str, str]:
    """Start the project's server, do what the scene says, and end it.

    Args:
        scene: ``path`` for two clients, and what happens then: ``say``, a text
            that the first one sends, or ``post``, a form.  Or ``page``: open it
            in a browser, and with ``shows``, an element that has ``first`` in it,
            say what it shows then.  Or ``get``: ask for its title.  Or ``redis``:
            see ``apart``.  Or ``workers``: so many
            do a job.  Or ``front``: ask through nginx.
            Or ``script``: run it, with the server's address.
            Or ``bound``: see ``bound``.
            Or ``probe`` or ``end``: see ``operating``.  Or ``start`` or
            ``command``: see ``starting``.
        project: the folder of ``manage.py``.
        awaited: a text that the log will hold; it may come after what is seen.

    Returns:
        What was seen, in the words of the mistakes' files, and what was printed.
    """
    if "front" in scene:
        from tutor.doctor import fronting  # which needs this module

        return fronting.play(scene, project, awaited)
    if "redis" in scene:
        from tutor.doctor import apart  # which needs this module

        return apart.play(scene, project, awaited)
    if "bound" in scene:
        from tutor.doctor import bound  # which needs this module

        return bound.play(scene, project)
    if scene.keys() & {"start", "command"} and "workers" not in scene:
        from tutor.doctor import starting

        return starting.play(scene, project, awaited)
    if scene.keys() & {"probe", "end", "twice"}:
        from tutor.doctor import operating

        return operating.play(scene, project, awaited)
    if "workers" in scene:
        return working.play(scene, project, awaited)
    argv = ["daphne", gathering.guess(project)]
    if "page" in scene:
        argv = ["python", "manage.py", "runserver"]  # it serves the page's files
    with servers.serving(argv, project) as server:
        if not server.running:
            return "server does not start", server.log()
        if "script" in scene:
            told = [sys.executable, scene["script"], server.ws]
            result = children.run(told, project, SECONDS)
            return TOOLS[result.code == 0], result.out + server.log()
        if "get" in scene:
            return title(server, scene["get"]), server.log()
        if "page" in scene:
            seen, console = opened(server, scene["page"], scene=scene, awaited=awaited)
        else:
            seen, console = asyncio.run(talk(server, scene)), ""
        if awaited not in console:
            server.child.wait_for(lambda out: awaited in out, 3)
        return seen, console + server.log()


async def talk(
    server: Server,
    scene: Scene,
    other: Server | None = None,
    act: Callable[[], object] | None = None,
    patience: float = 0,
) -> str:
    """Two clients on one path; does the second hear what the first one causes?

    Args:
        server: where the first one is.
        scene: what is played.
        other: where the second one is, if elsewhere.
        act: what happens meanwhile.
        patience: seconds that an event may take from one process to another.

    Returns:
        What was seen, in the words of the mistakes' files.
    """
    async with AsyncExitStack() as open_sockets:
        try:
            first, second = [
                await open_sockets.enter_async_context(
                    connect(
                        one.ws + scene["path"],
                        origin=Origin(one.url),
                        proxy=None,
                    )
                )
                for one in (server, other or server)
            ]
        except InvalidStatus as refused:
            return str(refused.response.status_code)
        try:
            if "say" in scene:
                await first.send(scene["say"])
            if act is not None:
                await asyncio.to_thread(act)
            if "post" in scene:
                status = await asyncio.to_thread(posted, server, scene)
                if status >= 400:
                    return f"form: {status}"
            # An answered message marks the time: what was sent before has come.
            # The second client asks twice, as its two sources have no order.
            heard = [await until_welcome(one) for one in (first, second, second)]
            if "reading" not in heard[1] + heard[2]:
                heard[2] += await within(second, patience)
        except ConnectionClosed as closed:
            return f"101, then {closed.rcvd.code if closed.rcvd else 1006}"
    return "101" if "reading" in heard[1] + heard[2] else UNHEARD


async def until_welcome(client: ClientConnection) -> list[str]:
    """Say hello; the types of all messages that come before the answer."""
    await client.send(HELLO)
    heard: list[str] = []
    while True:
        text = await asyncio.wait_for(client.recv(), SECONDS)
        kind = json.loads(text)["type"]
        if kind == "welcome":
            return heard
        heard.append(kind)


async def within(client: ClientConnection, seconds: float) -> list[str]:
    """The types of all messages that come, until a reading has come."""
    heard: list[str] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while "reading" not in heard:
                heard.append(json.loads(await client.recv())["type"])
    return heard


def posted(server: Server, scene: Scene) -> int:
    """Send a form as a page of the project would; the status of the answer."""
    request = urllib.request.Request(
        server.url + scene["post"],
        scene["form"].encode(),
        {"Cookie": f"csrftoken={TOKEN}", "X-CSRFToken": TOKEN},
    )
    try:
        with DIRECT.open(request, timeout=SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def title(server: Server, path: str) -> str:
    """The title of a page."""
    with DIRECT.open(server.url + path, timeout=SECONDS) as answer:
        found = re.search("<title>(.*?)</title>", answer.read().decode(), re.S)
    return found[1].strip() if found else ""


class Kept:
    """A browser for several scenes.  It has a thread of its own, as Playwright asks.

    Args:
        led: the arguments that lead it to a site by its name; without them, names
            lead nowhere, so that a page with a wrong one asks no foreign server.
    """

    def __init__(self, led: Sequence[str] = ()) -> None:
        self._led = led or (f"--host-resolver-rules={NOWHERE}",)
        self._pool = ThreadPoolExecutor(1)
        self._playwright, self._chromium = self._pool.submit(self._begin).result()

    def _begin(self) -> tuple[Playwright, Browser]:
        from playwright.sync_api import sync_playwright

        where = browser.find()
        assert where is not None, "this scene needs a browser"
        playwright = sync_playwright().start()
        return playwright, browser.launch(playwright, where, *self._led)

    def opened(self, *told: Any) -> tuple[str, str]:
        """What a page comes to; see the function of this name."""
        return self._pool.submit(_seen, self._chromium, *told).result()

    def stop(self) -> None:
        """End the browser."""
        with self._pool:
            self._pool.submit(self._chromium.close).result()
            self._pool.submit(self._playwright.stop).result()


_kept: Kept | None = None


@contextmanager
def keeping_a_browser() -> Iterator[None]:
    """One browser for all scenes that are played in a ``with`` block."""
    global _kept
    _kept = Kept()
    try:
        yield
    finally:
        _kept.stop()
        _kept = None


def opened(
    server: Site,
    path: str,
    cookies: Cookies = None,
    scene: Scene | None = None,
    awaited: str = "",
) -> tuple[str, str]:
    """Open a page until its socket hears something, or fails.

    Args:
        server: who is asked.
        path: the page's.
        cookies: what the browser has already.
        scene: may ask for what an element shows, or for how much is heard.
        awaited: a text that the console will hold.

    Returns:
        What the page came to, and what the browser's console says.
    """
    if _kept is not None and not server.arguments:
        return _kept.opened(server, path, cookies, scene or {}, awaited)
    own = Kept(server.arguments)
    try:
        return own.opened(server, path, cookies, scene or {}, awaited)
    finally:
        own.stop()


def _seen(
    chromium: Browser, server: Site, path: str, cookies: Cookies, scene: Scene, log: str
) -> tuple[str, str]:
    from playwright.sync_api import WebSocket

    console: list[str] = []
    heard: list[str | bytes] = []
    failed: list[str] = []

    opened: list[WebSocket] = []

    def socket(one: WebSocket) -> None:
        opened.append(one)
        one.on("framereceived", lambda message: heard.append(message))
        one.on("socketerror", lambda error: failed.append(error))

    page = chromium.new_page()  # with cookies and storage of its own
    for name, value in (cookies or {}).items():
        page.context.add_cookies([{"name": name, "value": value, "url": server.url}])
    page.on("websocket", socket)
    page.on("console", lambda message: console.append(message.text))
    page.on("pageerror", lambda error: console.append(error.message))
    page.on("pageerror", lambda error: failed.append(error.message))
    page.goto(server.url + path)
    shown = ""
    for _ in range(int(SECONDS / 0.02)):
        if "shows" in scene:
            told = log in "\n".join(console) and len(heard) >= scene.get("frames", 0)
            # Asked after that: by now it has dealt with what it has heard.
            shown = page.locator(scene["shows"]).inner_text()
            told = told and shown != scene["first"]
        else:
            told = len(heard) > 0
        if told or (failed and console):
            break
        page.wait_for_timeout(20)  # events come while Playwright waits
    if "within" in scene:  # until it pauses, on however busy a machine
        count, end = -1, time.monotonic() + SECONDS
        while count < len(heard) <= MANY and time.monotonic() < end:
            count = len(heard)
            page.wait_for_timeout(1000 * scene["within"])
        if "shows" in scene:
            shown = page.locator(scene["shows"]).inner_text()
    if "click" in scene:
        for _ in range(scene["times"]):
            page.locator(scene["click"]).click()
        page.wait_for_timeout(200)  # a socket that nobody opens takes no time
    page.close()
    seen = f"hears {heard[0]!s}" if heard else "no socket" if failed else "nothing"
    if "shows" in scene:
        seen = f"shows {shown}"
    if len(heard) > MANY:
        seen = "hears no end"
    if "click" in scene:
        seen = f"opens {len(opened)} sockets"
    return seen, "\n".join([*console, ""])

"""What people see of a project in a browser: a page, its socket and its console."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tutor import browser
from tutor.sites import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

Cookies = Mapping[str, str] | None
NOWHERE = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
SECONDS = 8.0  # for one message, and for a page to open its socket
MANY = 20  # messages, where one was asked for

Scene = Mapping[str, Any]
Seen = TypeVar("Seen")


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
        return self.visited(_seen, *told)

    def visited(self, visit: Callable[..., Seen], *told: Any) -> Seen:
        """What a function of the browser gives, in its thread."""
        return self._pool.submit(visit, self._chromium, *told).result()

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
    printed: Callable[[], str] = str,
) -> tuple[str, str]:
    """Open a page until its socket hears something, or fails.

    Args:
        server: who is asked.
        path: the page's.
        cookies: what the browser has already.
        scene: may ask for what an element ``shows``: as soon as it is not what it was
            ``first``, or, whatever it is, as soon as so many ``frames`` were heard.
        awaited: a text that the console or the server's log will hold.
        printed: what the server has logged.

    Returns:
        What the page came to, and what the browser's console says.
    """
    if _kept is not None and not server.arguments:
        return _kept.opened(server, path, cookies, scene or {}, awaited, printed)
    own = Kept(server.arguments)
    try:
        return own.opened(server, path, cookies, scene or {}, awaited, printed)
    finally:
        own.stop()


def _seen(
    chromium: Browser,
    server: Site,
    path: str,
    cookies: Cookies,
    scene: Scene,
    log: str,
    printed: Callable[[], str],
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
        said = log in "\n".join(console) or log in printed()
        if "shows" in scene:
            told = said and len(heard) >= scene.get("frames", 0)
            # Asked after that: by now it has dealt with what it has heard.
            shown = page.locator(scene["shows"]).inner_text()
            told = told and ("frames" in scene or shown != scene["first"])
        else:
            told = len(heard) > 0 or (said and log != "")
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

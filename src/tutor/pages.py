"""The project's page in a real browser, for a cell: what a person sees, as text.

The browser has no window and is gone after the cell.  Where there is none, one line
says so and the cell goes on, so that a learner without one still has the rest.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from tutor import browser
from tutor.pictures import Picture
from tutor.servers import Server
from tutor.sites import HOST, Site

if TYPE_CHECKING:
    from playwright.async_api import Page, WebSocket

NONE = "No browser was found"  # tutor.prove leaves out a cell that says so
LIMIT = 10.0  # seconds
HUB = "JUPYTERHUB_SERVICE_PREFIX"  # set where JupyterHub has started the kernel
# 0 is what came and was refused, such as an error page in place of a style.
MISSING = """performance.getEntriesByType('resource')
  .filter((file) => file.responseStatus === 0 || file.responseStatus >= 400)
  .map((file) => new URL(file.name).pathname)"""
NUMBER = re.compile(r"\d|[1-9]\d|100")


class View:
    """What the page shows; prints it when asked.

    Args:
        page: the page, or None where there is no browser: then nothing is printed.
        name: whose browser it is, printed before each line.
    """

    def __init__(self, page: Page | None, name: str = "") -> None:
        self.page = page
        self.name = name
        self.sockets: set[WebSocket] = set()
        self.most = 0  # sockets at the same time
        self.errors: list[str] = []  # in the console
        self.news = asyncio.Event()

        self.host = ""  # of the server whose page was opened first

    async def title(self, title: str, within: float = LIMIT) -> None:
        """Wait until the page has this title; print which it has by then."""
        if self.page is None:
            return
        await _seen(
            self.page.wait_for_function(
                "title => document.title === title", arg=title, timeout=within * 1000
            )
        )
        self.tell(f'  the page is: "{await self.page.title()}"')

    async def opens(self, url: str, name: str = "") -> View:
        """Open another page in the same browser, as a link from elsewhere does.

        Args:
            url: where it is; HOST in it stands for the host of the first page.
            name: printed before each line of the new page.
        """
        view = View(None, name)
        if self.page is not None:
            view.tell(f"→ open {re.sub(r':[0-9]+', ':OTHER', url)}")
            view.page = await self.page.context.new_page()
            view.page.set_default_timeout(LIMIT * 1000)
            await view.page.goto(url.replace("HOST", self.host))
        return view

    def tell(self, *words: object) -> None:
        """Print a line, with the name before it."""
        print(*([self.name] if self.name else []), *words)

    def watch(self, socket: WebSocket) -> None:
        """Count a socket from its beginning to its end."""
        self.sockets.add(socket)
        self.most = max(self.most, len(self.sockets))
        socket.on("close", lambda closed: self.sockets.discard(closed))

    async def says(self, word: str, within: float = LIMIT) -> None:
        """Wait until the page's status is this word; print what it is by then.

        Args:
            word: such as ``connected``.
            within: seconds to wait.
        """
        if self.page is None:
            return
        status = self.page.get_by_role("status")
        wanted = status.filter(has_text=re.compile(rf"^\s*{re.escape(word)}\s*$"))
        await _seen(wanted.first.wait_for(timeout=within * 1000))
        texts = await status.all_inner_texts()
        self.tell("  the page says:", texts[0].strip() if texts else "nothing")

    async def shows(self, number: int | None = None, within: float = LIMIT) -> None:
        """Wait until the page shows a number; print that it does, or what instead.

        Args:
            number: the one to wait for; any from 0 to 100 if left out.
            within: seconds to wait.
        """
        if self.page is None:
            return
        place = self.page.locator("#number")
        pattern = NUMBER.pattern if number is None else str(number)
        wanted = place.filter(has_text=re.compile(rf"^\s*({pattern})\s*$"))
        await _seen(wanted.first.wait_for(timeout=within * 1000))
        texts = await place.all_inner_texts()
        text = texts[0].strip() if texts else "nothing"
        varies = number is None and NUMBER.fullmatch(text)
        self.tell("  the page shows:", "a number from 0 to 100" if varies else text)

    async def draws(self, least: int, within: float = LIMIT) -> None:
        """Wait until the chart has so many points; print whether it has."""
        if self.page is None:
            return
        enough = await _seen(
            self.page.wait_for_function(
                "least => [...document.querySelectorAll('polyline')]"
                ".some(line => line.points.length >= least)",
                arg=least,
                timeout=within * 1000,
            )
        )
        self.tell(f"  the chart has {least} points" + ("" if enough else ": no"))

    def told(self, kind: str, text: str) -> None:
        """Keep what the browser writes to its console in red."""
        if kind == "error":
            self.errors.append(text)
            self.news.set()

    async def console(self, words: str, within: float = LIMIT) -> None:
        """Wait until the browser's console has an error with some words; print it.

        Args:
            words: such as ``Mixed Content``.
            within: seconds to wait.
        """
        if self.page is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not any(words in text for text in self.errors):
                    self.news.clear()
                    await self.news.wait()
        found = [text for text in self.errors if words in text]
        self.tell("  the console:", found[0] if found else "nothing of the kind")

    async def press(self, name: str) -> None:
        """Press a button, by its name."""
        if self.page is not None:
            self.tell(f'→ press "{name}"')
            await self.page.get_by_role("button", name=name).click()


async def _seen(waiting: object) -> bool:
    """Whether what is waited for came in time."""
    from playwright.async_api import TimeoutError as TooLong

    with suppress(TooLong):
        await waiting  # type: ignore[misc]
        return True
    return False


@asynccontextmanager
async def browse(
    server: Site,
    path: str,
    name: str = "",
    cookies: Mapping[str, str] | None = None,
) -> AsyncIterator[View]:
    """Open a page; print which of its files did not come.

    Args:
        server: who is asked.
        path: such as ``/``.
        name: whose browser it is, printed before each line.
        cookies: what it has already, for whoever has logged in.
    """
    found = browser.find()
    if found is None:
        print(f"{NONE}. Open this in yours and watch: {address(server, path)}")
        yield View(None)
        return
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=found, args=[*browser.arguments(), *server.arguments]
        )
        try:
            page = await (await chromium.new_context()).new_page()
            page.set_default_timeout(LIMIT * 1000)
            view = View(page, name)
            view.host = f"{HOST}:{server.port}"
            for key, value in (cookies or {}).items():
                await page.context.add_cookies(
                    [{"name": key, "value": value, "url": server.url}]
                )
            page.on("console", lambda said: view.told(said.type, said.text))
            page.on("websocket", lambda socket: view.watch(socket))
            view.tell(f"→ open {server.called(path)}")
            await page.goto(server.url + path)
            for missing in sorted({*await page.evaluate(MISSING)}):  # once each
                view.tell("  missing:", missing)
            yield view
            if view.most:
                view.tell(f"  sockets at the same time: {view.most} at most")
        finally:
            await chromium.close()


def address(server: Site, path: str) -> str:
    """Where the reader's own browser finds a page of the server.

    On a hub that browser is on another machine, and jupyter-server-proxy brings it
    here, below the path of the reader's own Jupyter server.
    """
    hub = os.environ.get(HUB)
    return f"{hub.rstrip('/')}/proxy/{server.port}{path}" if hub else server.url + path


def frame(server: Server, path: str) -> Picture:
    """The page in a frame, to be shown under the cell."""
    title = f"The page {path} of your project; its port varies"
    html = (
        f'<iframe title="{title}" src="{address(server, path)}" '
        'width="640" height="480" '
        'style="max-width:100%;border:1px solid"></iframe>'
    )
    return Picture(html, title)

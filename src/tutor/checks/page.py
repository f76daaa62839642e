"""Look at a project's page as its server sends it, and as a browser shows it."""

from __future__ import annotations

import http.client
import re
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from tutor import browser, servers, trees
from tutor.servers import Server

SECONDS = 8.0  # for the page to connect, and for it to come back


@dataclass
class Look:
    """What came of ``/`` under ``runserver``.

    Args:
        status: of the page; None where nothing answered.
        files: its scripts, styles and pictures, with the status of each.
        framing: the header that forbids other pages to show this one.
        browser: whether there was a browser to open it with.
        sockets: the paths on which the opened page had a socket.
        most: how many of them were open at once.
        heard: the first message that the page received.
        again: whether the page came back by itself after the server had.
    """

    status: int | None = None
    files: dict[str, int | None] = field(default_factory=dict)
    framing: str | None = None
    browser: bool = False
    sockets: list[str] = field(default_factory=list)
    most: int = 0
    heard: str | bytes | None = None
    again: bool = False


class _Files(HTMLParser):
    """The addresses of what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts = 0  # inline ones count, too

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        name = {"script": "src", "link": "href", "img": "src"}.get(tag, "")
        if address := dict(attrs).get(name):
            self.found.append(address)


def look(project: Path, python: Path | None = None) -> Look:
    """Serve a copy of the project with ``runserver``, and look at its page.

    Args:
        project: the folder of ``manage.py``.
        python: the project's interpreter.
    """
    argv = [str(python or "python"), "manage.py", "runserver"]
    with tempfile.TemporaryDirectory(prefix="tutor-page-") as folder:
        trees.copy(project, Path(folder))
        with servers.serving(argv, Path(folder)) as server:
            if not server.running:
                return Look()
            seen, scripts = _fetch(server)
            path = browser.find()
            seen.browser = path is not None
            if path and scripts and seen.status == 200:
                # Playwright's calls refuse to run beside a kernel's event loop.
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(_open, server, path, seen).result()
    return seen


def _fetch(server: Server) -> tuple[Look, int]:
    status, headers, body = _get(server, "/")
    parser = _Files()
    parser.feed(body)
    seen = Look(status, framing=headers.get("x-frame-options"))
    for address in parser.found:
        whole = urlsplit(urljoin(server.url + "/", address))
        if whole.netloc == urlsplit(server.url).netloc:
            seen.files[whole.path] = _get(server, whole.path)[0]
    return seen, parser.scripts


def _get(server: Server, path: str) -> tuple[int | None, dict[str, str], str]:
    link = http.client.HTTPConnection(servers.HOST, server.port, timeout=5)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return None, {}, ""
    finally:
        link.close()


def _open(server: Server, path: Path, seen: Look) -> None:
    """Open the page, take its server away, and give it back."""
    from playwright.sync_api import Error, WebSocket, sync_playwright

    now: set[WebSocket] = set()
    heard: list[str | bytes] = []

    def opened(socket: WebSocket) -> None:
        now.add(socket)
        seen.sockets.append(re.sub(r"^wss?://[^/]*", "", socket.url))
        seen.most = max(seen.most, len(now))
        socket.on("close", lambda closed: now.discard(closed))
        socket.on("framereceived", lambda message: heard.append(message))

    with sync_playwright() as playwright:
        chromium = browser.launch(playwright, path)
        page = chromium.new_page()
        page.on("websocket", opened)

        def hears() -> bool:
            end = time.monotonic() + SECONDS
            while not heard and time.monotonic() < end:
                page.wait_for_timeout(20)  # events come while Playwright waits
            return bool(heard)

        with suppress(Error):
            page.goto(server.url)
            if hears():
                seen.heard = heard[0]
                server.pause()
                heard.clear()
                server.again()
                server.ready()
                seen.again = hears()
        chromium.close()

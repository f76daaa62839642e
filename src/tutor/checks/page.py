"""Step 7: a project's page as its server sends it, and as a browser shows it."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from tutor import browser, pages, places, servers
from tutor.checks import visitor
from tutor.checks.question import Question
from tutor.checks.talk import PRACTICE, READINGS
from tutor.checks.visitor import Visitor
from tutor.client import cookie
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
        most: how many there were at once that were open or opening.
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
    with places.copied(project) as folder, servers.serving(argv, folder) as server:
        if not server.running:
            return Look()
        who = visitor.at(server, folder, python)
        seen, scripts = _fetch(who)
        path = browser.find()
        seen.browser = path is not None
        if path and scripts and seen.status == 200:
            # Playwright's calls refuse to run beside a kernel's event loop.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(_open, who, path, seen).result()
    return seen


def _fetch(who: Visitor) -> tuple[Look, int]:
    server = who.server
    status, headers, body = _get(server, "/", who.cookies)
    parser = _Files()
    parser.feed(body)
    seen = Look(status, framing=headers.get("x-frame-options"))
    for address in parser.found:
        whole = urlsplit(urljoin(server.url + "/", address))
        if whole.netloc == urlsplit(server.url).netloc:
            seen.files[whole.path] = _get(server, whole.path)[0]
    return seen, parser.scripts


def _get(
    server: Server, path: str, cookies: Mapping[str, str] | None = None
) -> tuple[int | None, dict[str, str], str]:
    link = http.client.HTTPConnection(servers.HOST, server.port, timeout=5)
    try:
        link.request(
            "GET", path, headers={"Cookie": cookie(cookies)} if cookies else {}
        )
        answer = link.getresponse()
        said = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, said, answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return None, {}, ""
    finally:
        link.close()


# Chrome shakes hands with a host one socket at a time: the second of two may begin
# when the first was heard already.  So they count from where the page makes them.
COUNTING = """
window.tutorMost = 0;
{
  const made = [];
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      made.push(this);
      const now = made.filter((one) => one.readyState < WebSocket.CLOSING).length;
      window.tutorMost = Math.max(window.tutorMost, now);
    }
  };
}
"""


def _open(who: Visitor, path: Path, seen: Look) -> None:
    """Open the page, take its server away, and give it back."""
    from playwright.sync_api import Error, Page, WebSocket, sync_playwright

    server, now = who.server, set[WebSocket]()
    heard: list[str | bytes] = []

    def opened(socket: WebSocket) -> None:
        now.add(socket)
        seen.sockets.append(re.sub(r"^wss?://[^/]*", "", socket.url))
        socket.on("close", lambda closed: now.discard(closed))
        socket.on("framereceived", lambda message: heard.append(message))

    def count(page: Page) -> None:
        most = [frame.evaluate("window.tutorMost ?? 0") for frame in page.frames]
        seen.most = max(seen.most, sum(most))

    with sync_playwright() as playwright:
        chromium = browser.launch(playwright, path)
        page = who.browser(chromium).new_page()
        page.add_init_script(COUNTING)
        page.on("websocket", opened)

        def until(done: Callable[[], object]) -> bool:
            end = time.monotonic() + SECONDS
            while not done() and time.monotonic() < end:
                page.wait_for_timeout(20)  # events come while Playwright waits
            return bool(done())

        with suppress(Error):
            page.goto(server.url)
            if until(lambda: heard):
                seen.heard = heard[0]
                count(page)
                before = set(now)
                server.pause()
                until(lambda: not before & now)  # what it still said has come, too
                heard.clear()
                server.again()
                server.ready()
                seen.again = until(lambda: heard)
                count(page)
        chromium.close()


def _no_browser(seen: Look) -> str:
    return "" if seen.browser else f"{pages.NONE} to look with"


def _own_page(seen: Look) -> str | None:
    if seen.status != 200:
        return f"status {seen.status}" if seen.status else "no answer"
    return None if seen.files else "a page that loads no file of its own"


def _files(seen: Look) -> str | None:
    for name, status in seen.files.items():
        if status != 200:
            return f"status {status} for {name}"
    return _own_page(seen)


def _framed(seen: Look) -> str | None:
    return f"X-Frame-Options: {seen.framing}" if seen.framing else None


def _page_opens(seen: Look) -> str | None:
    """Its socket is ws/whole1/ with its 0; or, from step 10 on, ws/readings/."""
    sockets, heard = seen.sockets, seen.heard
    if PRACTICE in sockets:
        return None if heard == "0" else f"it hears {heard!r}"
    if READINGS not in sockets:
        return f"sockets: {', '.join(sockets) or 'none'}"
    return None if _is_message(heard) else f"it hears {heard!r}"


def _is_message(text: str | bytes | None) -> bool:
    """Whether a text is a message of ws/readings/, and none about a mistake."""
    try:
        return json.loads(text or "").get("type") not in (None, "error")
    except (ValueError, AttributeError):
        return False


def _page_returns(seen: Look) -> str | None:
    return None if seen.again else "it did not come back by itself"


def _one_socket(seen: Look) -> str | None:
    most = seen.most
    return None if most == 1 else f"{most} at the same time" if most else "none"


QUESTIONS = (
    Question("the project has a page of its own at /", "GET /", _own_page),
    Question(
        "runserver serves the page's files", "the files that the page names", _files
    ),
    Question("in development the page may be framed", "GET /", _framed),
    Question(
        "the page opens its socket and hears the first message",
        "the page in a browser",
        _page_opens,
        needs=_no_browser,
    ),
    Question(
        "it comes back after its server did",
        "the server ended and started again",
        _page_returns,
        needs=_no_browser,
    ),
    Question(
        "it has one socket at a time",
        "the page in a browser",
        _one_socket,
        needs=_no_browser,
    ),
)

"""A visit to the project's pages in a browser, as a person makes it: look, type, click.

It comes last, where nothing is wrong with all that was read and asked, and only where
there is a browser.  What is seen comes from the browser's own protocol, so that no
script of ours stands in a page.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tutor import browser
from tutor.doctor.ask import Conversation
from tutor.doctor.browsing import Kept
from tutor.doctor.child import Told
from tutor.doctor.evidence import Evidence
from tutor.doctor.gathering import DOES_MORE, MOST_PAGES, paths
from tutor.doctor.rules.browser.scripts import NEW as MAKES
from tutor.doctor.rules.browser.scripts import texts
from tutor.doctor.serving import started
from tutor.doctor.visit import TOKEN, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page, Route

LEAST = 0.9  # seconds without which no visit is begun: until a page is there
QUIET = 0.12  # seconds without any news, after which a page has come to rest
LONGEST = 1.0  # seconds for that
MOST = 8  # buttons of a page that are clicked
_BUTTONS = ", ".join(
    f"{one}:visible:enabled" for one in ("button", "[type=submit]", "[type=button]")
)
_VALUES = (
    "() => [...document.querySelectorAll('input, textarea')].map(e => e.value) + ''"
)
_READY = ":visible:enabled"
_HARMS = re.compile(
    r"(?i)log.?out|sign.?out|delete|remove|clear|reset|leave|close|stop"
)

Folders = Mapping[str, Sequence[Path]]


def visited(seen: Evidence, copy: Path, end: float) -> tuple[list[Visit], Told]:
    """What a person's visit to the pages comes to, and what their own server said.

    Args:
        seen: what is known already, with the way in which it was started.
        copy: the copy of its home.
        end: when to stop, on the monotonic clock; a page that is not through by then
            tells nothing.
    """
    left = end - time.monotonic()
    if left < LEAST or seen.how is None or not _has_sockets(seen):
        return [], Told()
    own = [*(seen.look.get("urls") or {}).get("own", [])]
    pages = [path for path in own if not DOES_MORE.search(path)]
    told = seen.look.get("static") or {}
    begin = "/" + str(seen.settings.get("static") or "static/").strip("/") + "/"
    folders: dict[str, list[Path]] = {}
    for folder in told.get("folders", []):
        prefix = told.get("prefixes", {}).get(folder, "")
        way = f"{begin}{prefix}/" if prefix else begin
        folders.setdefault(way, []).append(copy / folder)
    live, port = started(copy, seen.how, seen.target, "")
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(Kept)  # while the server does
        is_ready = live.wait_for(
            lambda e: e["kind"] in ("ready", "failed", "hang"),
            max(1.0, end - time.monotonic()),
        )
        kept = starting.result()
        try:
            if is_ready is None or is_ready["kind"] != "ready":
                return [], live.told()
            host = f"127.0.0.1:{port}"
            talk = Conversation(live, port, "127.0.0.1", [])
            asyncio.run(talk.prepared(paths(live.told())))
            cookie = (live.told().get("prepared") or {}).get("cookie")
            pages = pages[:MOST_PAGES]
            found = kept.visited(_visited, host, cookie, pages, folders, end)
            return found, live.told()
        finally:
            kept.stop()
            live.stop()


def _has_sockets(seen: Evidence) -> bool:
    """Whether a script opens one, so that a visit may show something."""
    return browser.find() is not None and any(MAKES.search(t.text) for t in texts(seen))


def _visited(
    chromium: Browser,
    host: str,
    cookie: str | None,
    pages: list[str],
    folders: Folders,
    end: float,
) -> list[Visit]:
    found = []
    with chromium.new_context() as context:
        if cookie:
            name, _, value = cookie.partition("=")
            one = {"name": name, "value": value, "url": f"http://{host}"}
            context.add_cookies([one])  # type: ignore[list-item]
        for begin, places in folders.items():
            context.route(f"http://{host}{begin}**", _serving(begin, places))
        for path in pages:
            page, visit = context.new_page(), Visit(path)
            page.on("dialog", _answer)
            with suppress(Exception):
                _look(page, visit, host)
                if "<script" in visit.text:  # else nothing of it runs
                    _use(page, visit, end)
            with suppress(Exception):
                visit.shown = page.locator("body").inner_text(timeout=500)
                visit.html = page.content()
                visit.held = page.evaluate(_VALUES)
                page.close()
            if time.monotonic() > end:
                break
            found.append(visit)
    return found


def _answer(dialog: Dialog) -> None:
    """Say yes to what a page asks; it may be gone by then."""
    with suppress(Exception):
        dialog.accept(TOKEN)


def _serving(begin: str, folders: Sequence[Path]) -> Callable[[Route], None]:
    """What answers with static files: Daphne alone has none."""

    def serve(route: Route) -> None:
        rest = unquote(urlsplit(route.request.url).path)[len(begin) :]
        found = [one / rest for one in folders if (one / rest).is_file()]
        route.fulfill(path=found[0]) if found else route.fulfill(status=404)

    return serve


def _look(page: Page, visit: Visit, host: str) -> None:
    """Open a page until it comes to rest."""
    visit.listen(page.context.new_cdp_session(page), host)
    answer = page.goto(f"http://{host}{visit.path}", timeout=4000)
    visit.text = answer.text() if answer is not None else ""
    visit.status = answer.status if answer is not None else 0
    if "<script" in visit.text:
        _rest(page, visit)
    visit.html_before = page.content()
    visit.early = {text for one in visit.sockets.values() for text in one.heard}
    visit.before = page.locator("body").inner_text(timeout=500)


def _rest(page: Page, visit: Visit) -> None:
    began = visit.news = time.monotonic()
    while time.monotonic() < began + LONGEST:
        page.wait_for_timeout(20)
        if time.monotonic() > visit.news + QUIET:
            break


def _use(page: Page, visit: Visit, end: float) -> None:
    """Type into each field, and click each button that does no harm."""
    here = page.url
    written = []
    for one in page.locator(f"input{_READY}, textarea{_READY}").element_handles()[
        :MOST
    ]:
        kind = one.get_attribute("type") or "text"
        if kind in ("checkbox", "radio"):
            one.check(timeout=300)
        elif kind in ("number", "range"):
            one.fill("7", timeout=300)
        elif kind in ("text", "search"):
            one.fill(TOKEN, timeout=300)
            written.append(one)
            visit.typed.append(one.get_attribute("id") or "")
    _rest(page, visit)
    clicked, before = 0, page.content()
    for one in page.locator(_BUTTONS).element_handles()[:MOST]:
        if time.monotonic() > end:
            return
        words = one.evaluate("e => e.outerHTML + (e.form ? e.form.action : '')")
        if not _HARMS.search(words):
            one.click(timeout=300)
            _rest(page, visit)
            clicked += 1
        if page.url != here:
            visit.has_left = True
            return
    visit.is_dead = clicked > 0 and page.content() == before
    if len(written) == 1 and visit.is_open:
        written[0].fill(TOKEN, timeout=300)
        _rest(page, visit)
        known = len(visit.left)
        written[0].press("Enter", timeout=300)
        _rest(page, visit)
        visit.entered = visit.left[known:]
    visit.has_left = page.url != here

"""Step 7: the page in a real browser, its server gone and back, behind a proxy."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    Page,
    Route,
    WebSocket,
    expect,
    sync_playwright,
)

from tutor import browser, exercises, pages, places, trees
from tutor.checks import talk
from tutor.checks.steps import check_step
from tutor.course import Course
from tutor.exercises import waking
from tutor.servers import HOST, Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.takes(50)]

COURSE = Course.load(places.root())
STEP = next(step for step in COURSE.steps if step.slug == "browser")
TREE = COURSE.root / "steps" / STEP.folder
STATIC = TREE / "master_app/static/master_app"
COMMAND = ["python", "manage.py", "runserver"]
PREFIX = "/user/ada/proxy/8000"
NUMBER = re.compile(r"^(\d|[1-9]\d|100)$")
POINTS = "document.querySelector('polyline').points.length"
SECONDS = 15_000  # milliseconds, on a busy machine


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    trees.copy(TREE, folder)
    return folder


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[Server]:
    with serving(COMMAND, project) as server:
        yield server


@pytest.fixture(scope="module")
def chromium(browser_path: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = browser.launch(playwright, browser_path)
        yield chromium
        chromium.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that raises nothing; what is not there in time fails the test."""
    errors: list[str] = []
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors


def says(page: Page, word: str) -> None:
    expect(page.locator("#state")).to_have_text(word, timeout=SECONDS)


def shows_a_number(page: Page) -> None:
    says(page, "connected")
    expect(page.locator("#number")).to_have_text(NUMBER, timeout=SECONDS)


def most_at_once(log: str) -> int:
    """How many sockets a server had open at the same time, by its log."""
    now = most = 0
    for word in re.findall(r"WebSocket (CONNECT|DISCONNECT) /ws/whole1/", log):
        now += 1 if word == "CONNECT" else -1
        most = max(most, now)
    return most


def test_numbers_arrive_and_are_drawn(page: Page, server: Server) -> None:
    page.goto(server.url)
    shows_a_number(page)
    page.wait_for_function(f"{POINTS} >= 3")  # asked for once a second
    label = page.locator("#chart").get_attribute("aria-label")
    assert label and re.fullmatch(r"The last \d+ numbers, from \d+ to \d+", label)


def test_the_server_goes_and_comes_back(page: Page, project: Path) -> None:
    with serving(COMMAND, project) as server:
        page.goto(server.url)
        for _ in range(2):
            shows_a_number(page)
            server.pause()
            says(page, "reconnecting")
            assert most_at_once(server.log()) == 1
            server.again()
        shows_a_number(page)
        page.get_by_role("button").click()
        expect(page.locator("#spoken")).to_have_text(re.compile(r"Number \d+"))
        assert most_at_once(server.log()) == 1


@contextmanager
def proxy(port: int) -> Iterator[tuple[str, list[str]]]:
    """What JupyterHub puts in front: a path, taken off again; Host and Origin stay.

    Yields its address and the paths that did not begin with the prefix.
    """
    strays: list[str] = []

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        except OSError:
            pass
        finally:
            target.close()

    async def serve(here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            head = (await here.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return back.close()
        method, path, rest = head.split(" ", 2)
        if not path.startswith(PREFIX + "/"):
            strays.append(path)
            back.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return back.close()
        if "websocket" not in rest:  # one request a connection is enough for a page
            rest = rest.replace("keep-alive", "close")
        there, on = await asyncio.open_connection(HOST, port)
        on.write(f"{method} {path.removeprefix(PREFIX)} {rest}".encode())
        await asyncio.gather(copy(here, on), copy(there, back))

    listening = socket.create_server((HOST, 0))
    ended: list[Callable[[], object]] = []
    up = threading.Event()

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        ended.append(lambda: loop.call_soon_threadsafe(stop.set))
        server = await asyncio.start_server(serve, sock=listening)
        up.set()
        await stop.wait()
        server.close()  # asyncio.run cancels what still talks

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    up.wait(10)
    try:
        yield f"http://{HOST}:{listening.getsockname()[1]}", strays
    finally:
        ended[0]()
        thread.join()


def test_below_a_path_of_a_proxy(chromium: Browser, server: Server) -> None:
    with proxy(server.port) as (address, strays):
        page = chromium.new_page()
        page.goto(f"{address}{PREFIX}/")
        shows_a_number(page)
        page.wait_for_function(f"{POINTS} >= 2")
        centred = page.locator("body").evaluate("it => getComputedStyle(it).textAlign")
        assert centred == "center", "the style came, too"
        page.close()
    assert strays == []


Files = Callable[[Route], None]


def files(route: Route) -> None:
    """The page's files, from any host and below any path."""
    name = route.request.url.rpartition("/")[2]
    if name.endswith(".js"):
        route.fulfill(path=STATIC / name, content_type="text/javascript")
    else:
        route.fulfill(body="<!DOCTYPE html><title>empty</title>")


@pytest.mark.parametrize(
    ("address", "socket_address"),
    [
        ("http://page.example/", "ws://page.example/ws/whole1/"),
        ("https://page.example/", "wss://page.example/ws/whole1/"),
        ("http://page.example:8080/", "ws://page.example:8080/ws/whole1/"),
        (
            "https://hub.example/user/ada/proxy/8000/?token=x#top",
            "wss://hub.example/user/ada/proxy/8000/ws/whole1/",
        ),
    ],
)
def test_where_the_socket_knocks(page: Page, address: str, socket_address: str) -> None:
    begin(page, address)
    assert page.evaluate("sockets.map((socket) => socket.url)") == [socket_address]


def begin(page: Page, address: str = "http://page.example/") -> None:
    """A `Live` with cardboard sockets, in a page at this address."""
    page.add_init_script(waking.SETUP)
    page.route("**", files)
    page.goto(address)
    page.evaluate("import('./live.js').then((module) => begin(module.Live))")


def test_the_waits_grow_up_to_a_limit_and_differ(page: Page) -> None:
    page.clock.install()
    begin(page)
    page.evaluate(
        "window.delays = []; const real = setTimeout;"
        "window.setTimeout = (f, ms) => { delays.push(ms); return real(f, ms); }; 0"
    )
    lost = "sockets.at(-1).become(3)"
    for _ in range(8):
        page.evaluate(lost)
        assert page.evaluate("alive()") == 0
        page.clock.run_for(3001)
        assert page.evaluate("alive()") == 1
    delays: list[float] = page.evaluate("delays")
    limits = [250, 500, 1000, 2000, 3000, 3000, 3000, 3000]
    assert all(
        limit / 2 <= delay <= limit for delay, limit in zip(delays, limits, strict=True)
    ), delays
    assert len({delay / limit for delay, limit in zip(delays, limits, strict=True)}) > 1
    # Open is not enough: a server may accept and drop.  A number is.
    page.evaluate(f"sockets.at(-1).become(1); {lost}")
    page.clock.run_for(3001)
    page.evaluate(f"sockets.at(-1).onmessage({{ data: '0' }}); {lost}")
    *_, still_long, short = page.evaluate("delays")
    assert still_long >= 1500 and short <= 250


def test_send_says_whether_there_was_a_connection(page: Page) -> None:
    begin(page)
    for state, sent in enumerate([False, True, False, False]):
        page.evaluate(f"sockets[0].now = {state}")
        assert page.evaluate("live.send('next')") is sent


def test_the_chart_keeps_a_hundred(page: Page, server: Server) -> None:
    page.goto(server.url)
    shows_a_number(page)
    page.evaluate(
        "for (let i = 0; i < 150; i++) document.getElementById('next').click()"
    )
    page.wait_for_function(f"{POINTS} === 100")
    xs = page.evaluate(
        "[...document.querySelector('polyline').points].map((point) => point.x)"
    )
    assert xs == list(range(100))


def test_by_keyboard_and_by_ear(page: Page, server: Server) -> None:
    asked: list[str | bytes] = []
    answers: list[str | bytes] = []

    def watch(one: WebSocket) -> None:
        one.on("framesent", lambda text: asked.append(text))
        one.on("framereceived", lambda text: answers.append(text))

    page.on("websocket", watch)
    page.goto(server.url)
    shows_a_number(page)
    tree = page.locator("body").aria_snapshot()
    for part in (
        'heading "Live numbers" [level=1]',
        'img "The last',
        "status: connected",
        'button "Next number"',
        'checkbox "one each second" [checked]',
    ):
        assert part in tree, tree
    # What is spoken while numbers only stream in: nothing.
    page.evaluate(
        "window.spoken = 0; const observer = new MutationObserver(() => spoken++);"
        "const all = {childList: true, characterData: true, subtree: true};"
        "for (const part of document.querySelectorAll('[role=status], [aria-live]'))"
        "  observer.observe(part, all)"
    )
    before = page.evaluate(POINTS)
    page.wait_for_function(f"{POINTS} >= {before + 2}")
    assert page.evaluate("spoken") == 0
    page.keyboard.press("Tab")
    expect(page.get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#spoken")).to_have_text(re.compile(r"^Number \d+$"))
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox")).not_to_be_checked()
    while len(answers) < len(asked) + 1:  # the first came unasked
        page.wait_for_timeout(20)  # events come while Playwright waits
    before = len(answers)
    page.wait_for_function(f"{POINTS} === {before}")
    page.wait_for_timeout(1500)  # that nothing comes can only be waited for
    assert page.evaluate(POINTS) == before


COLOURS = """() => {
  const canvas = document.body.appendChild(document.createElement('i'));
  canvas.style.background = 'Canvas';
  const style = (query, name) => getComputedStyle(document.querySelector(query))[name];
  return [getComputedStyle(canvas).backgroundColor, style('#number', 'color'),
    style('#state', 'color'), style('polyline', 'stroke')];
}"""


def luminance(colour: str) -> float:
    """WCAG's relative luminance of ``rgb(r, g, b)``."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(chromium: Browser, server: Server, scheme: Any) -> None:
    page = chromium.new_page(color_scheme=scheme)
    page.goto(server.url)
    ground, *inks = map(luminance, page.evaluate(COLOURS))
    page.close()
    assert (ground < 0.1) is (scheme == "dark")
    for ink, least in zip(inks, (7, 7, 3), strict=True):
        high, low = max(ink, ground), min(ink, ground)
        assert (high + 0.05) / (low + 0.05) >= least


def test_in_a_frame_of_another_origin_while_developing(
    page: Page, server: Server, project: Path, tmp_path: Path
) -> None:
    frame = f'<iframe title="the page" src="{server.url}/"></iframe>'
    (tmp_path / "index.html").write_text(
        f"<!DOCTYPE html><title>A notebook</title>{frame}"
    )
    with serving(
        ["python", "-m", "http.server", "--bind", HOST, "PORT"], tmp_path
    ) as notebook:
        page.goto(notebook.url)
        inside = page.frame_locator("iframe")
        expect(inside.locator("#state")).to_have_text("connected", timeout=SECONDS)
    # Deployed, nobody may.
    trees.copy(project, tmp_path)
    settings = tmp_path / "webapp/settings.py"
    text = settings.read_text().replace("DEBUG = True", "DEBUG = False")
    settings.write_text(
        text.replace("ALLOWED_HOSTS = []", "ALLOWED_HOSTS = ['127.0.0.1']")
    )
    with serving(["daphne", "webapp.asgi:application"], tmp_path) as deployed:
        answer = page.request.get(deployed.url)
        assert answer.status == 200
        assert answer.headers["x-frame-options"] == "DENY"


BROKEN = [
    ("live.js", "() => this.wait()", "() => {}", "comes back"),
    ("live.js", "    this.open();\n", "    this.open(); this.open();\n", "one socket"),
    ("page.js", "ws/whole1/", "ws/whole2/", "opens its socket"),
    ("page.js", "./chart.js", "./art.js", "opens its socket"),
]


@pytest.mark.parametrize(("file", "old", "new", "title"), BROKEN)
def test_the_check_sees_what_a_browser_sees(
    browser_path: Path, tmp_path: Path, file: str, old: str, new: str, title: str
) -> None:
    trees.copy(TREE, tmp_path)
    path = tmp_path / "master_app/static/master_app" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    found = check_step(tmp_path, "browser")
    first = next(check for check in found if check.problem)
    assert title in first.title


WAKE = """import {{ Live }} from './live.js';
export class Wakeful extends Live {{
  wake() {{ {} }}
}}
"""
ANSWERS = [
    ("", "woken while it waits"),
    ("this.open();", "woken while a socket is opening"),
    (
        "if (this.socket.readyState !== WebSocket.CLOSED) return; this.open();",
        "it has 2 sockets",
    ),
    (
        "if (this.socket.readyState < 2) return; clearTimeout(this.timer); this.open()",
        "woken while one closes",
    ),
    ("nothing(;", "SyntaxError"),
    ("this.nothing.at.all", "TypeError"),
]


@pytest.mark.parametrize(("body", "words"), ANSWERS)
def test_a_wrong_answer(
    browser_path: Path, tmp_path: Path, body: str, words: str
) -> None:
    trees.copy(TREE, tmp_path)
    verdict = exercises.check("browser", WAKE.format(body), tmp_path)
    assert verdict.startswith("Not yet: ") and words in verdict, verdict
    assert len(verdict.splitlines()) == 1


def test_another_right_answer(browser_path: Path, tmp_path: Path) -> None:
    """The old socket's last word is not waited for: it is not listened to any more."""
    trees.copy(TREE, tmp_path)
    body = (
        "if (this.socket.readyState < 2) return; clearTimeout(this.timer);"
        "this.socket.onclose = null; this.open();"
    )
    verdict = exercises.check("browser", WAKE.format(body), tmp_path)
    assert verdict.startswith("Right. "), verdict


def test_without_a_browser(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line, and nobody fails."""
    monkeypatch.setenv("TUTOR_BROWSER", "none")

    async def cell() -> None:
        async with pages.browse(server, "/") as view:
            await view.says("connected")
            await view.press("Next number")
            await view.shows()
            await view.draws(3)

    talk.run(cell())
    line = f"{pages.NONE}. Open this in yours and watch: {server.url}/\n"
    assert capsys.readouterr().out == line
    trees.copy(TREE, tmp_path)
    found = check_step(tmp_path, "browser")
    assert not any(check.problem for check in found)
    assert [bool(check.left_out) for check in found] == [False] * 3 + [True] * 3
    verdict = exercises.check("browser", WAKE.format(""), tmp_path)
    assert verdict.startswith(f"Not yet: {pages.NONE}")

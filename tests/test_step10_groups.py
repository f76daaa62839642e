"""Step 10: everyone hears the same, by socket, form and page; rooms stay apart."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from websockets.asyncio.client import ClientConnection

from tutor import browser, client, exercises, forms, pages, places, trees
from tutor.checks import groups, talk
from tutor.checks.steps import check_step
from tutor.course import Course
from tutor.servers import HOST, Server, serving

pytestmark = pytest.mark.takes(150)

COURSE = Course.load(places.root())
STEP = next(step for step in COURSE.steps if step.slug == "groups")
TREE = COURSE.root / "steps" / STEP.folder
LAST = COURSE.tree(11)  # the last that asks nobody who they are
DAPHNE = ["daphne", "webapp.asgi:application"]
RUNSERVER = ["python", "manage.py", "runserver"]
SECONDS = 15_000  # milliseconds, on a busy machine


@pytest.fixture
def project(tmp_path: Path) -> Path:
    trees.copy(TREE, tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("project")
    trees.copy(LAST, folder)
    with serving(RUNSERVER, folder) as server:
        yield server


def change(project: Path, file: str, old: str, new: str) -> None:
    path = project / file
    text = path.read_text()
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1))


# -- the check -------------------------------------------------------------------------


CONSUMERS = "master_app/consumers.py"
VIEWS = "master_app/views.py"
READINGS = "master_app/readings.py"
DISCARD = "await self.channel_layer.group_discard(\n"
BROKEN = [
    (READINGS, "'readings.new'", "'reading.new'", "every client receives, once"),
    (READINGS, "    await get_channel", "    get_channel", "every client receives"),
    (CONSUMERS, "group_add(readings.GROUP", "group_add('other'", "every client"),
    (CONSUMERS, DISCARD, "print(\n", "leaves its group"),
    (VIEWS, "publish)(message.value)", "publish(message.value))", "form publishes"),
    (VIEWS, "async_to_sync(readings.publish)", "readings.publish", "form publishes"),
    (VIEWS, "(KeyError, ValueError)", "KeyError", "0 to 100 is refused"),
    (VIEWS, "message = Publish(type='publish', value=value)", "pass", "form publishes"),
    ("webapp/urls.py", "'publish/'", "'other/'", "form publishes"),
    (
        "webapp/settings.py",
        "    'django.middleware.csrf.CsrfViewMiddleware',\n",
        "",
        "without its token",
    ),
    (
        "master_app/static/master_app/page.js",
        "ws/readings/",
        "ws/whole1/",
        "two open pages",
    ),
]


@pytest.mark.browser
@pytest.mark.parametrize(("file", "old", "new", "title"), BROKEN)
def test_the_check_says_what_is_wrong(
    browser_path: Path, project: Path, file: str, old: str, new: str, title: str
) -> None:
    change(project, file, old, new)
    found = check_step(project, "groups")
    first = next(check for check in found if check.problem)
    assert title in first.title


def test_other_messages_do_not_keep_the_check_waiting() -> None:
    class Beating:
        async def recv(self) -> str:
            await asyncio.sleep(0)
            return '{"type": "heartbeat"}'

    client = cast(ClientConnection, Beating())
    # Not an async test: the browser of another one may have a loop in this thread.
    waiting = asyncio.wait_for(talk.reading(client, 0.05), 10)
    assert talk.run(waiting) is None


def test_a_reading_that_comes_twice_is_seen(project: Path) -> None:
    change(
        project,
        CONSUMERS,
        "await readings.publish(value)",
        "await readings.publish(value)\n"
        "                await self.send_json({'type': 'reading', 'value': value})",
    )
    problem = check_step(project, "groups")[0].problem
    assert problem is not None and "[7, 7" in problem.got


OTHERWISE = [
    # Channels joins and leaves by itself.
    [
        (CONSUMERS, "(AsyncJsonWebsocketConsumer):", "(AsyncJsonWebsocketConsumer):\n"
         "    groups = [readings.GROUP]\n"),
        (CONSUMERS, "        await self.channel_layer.group_add("
         "readings.GROUP, self.channel_name)\n", ""),
        (CONSUMERS, DISCARD, "print(\n"),
    ],
    # A view that awaits, and answers with a page.
    [
        (VIEWS, "def publish(", "async def publish("),
        (VIEWS, "async_to_sync(readings.publish)", "await readings.publish"),
        (VIEWS, "HttpResponse(status=204)", "HttpResponse('thank you')"),
    ],
]  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("changes", OTHERWISE, ids=["groups", "async view"])
def test_another_right_way_passes(
    browser_path: Path, project: Path, changes: list[tuple[str, str, str]]
) -> None:
    for each in changes:
        change(project, *each)
    assert not [check for check in check_step(project, "groups") if check.problem]


# -- over real sockets -----------------------------------------------------------------


async def hears(one: ClientConnection, value: int) -> None:
    message = json.loads(await asyncio.wait_for(one.recv(), 10))
    assert (message["type"], message["value"]) == ("reading", value)


@pytest.mark.parametrize(
    "wrong", ["async_to_sync(readings.publish(message.value))", "readings.publish(1)"]
)
def test_a_call_that_is_never_made_is_silent(project: Path, wrong: str) -> None:
    """What the step says of both: 204, nothing arrives, nothing is logged."""
    change(project, VIEWS, "async_to_sync(readings.publish)(message.value)", wrong)
    with serving(DAPHNE, project) as server:

        async def listen() -> None:
            async with talk.opened(server.ws + talk.READINGS, server.url) as one:
                reply = forms.send(
                    server, groups.FORM, {"value": 7}, forms.keys(server, "/")
                )
                assert reply.status == 204
                await one.send('{"type": "publish", "value": 8}')
                await hears(one, 8)  # and no 7 before it

        talk.run(listen())
        log = server.log()
    assert not re.search(r"warning|never awaited|error|traceback", log, re.IGNORECASE)


def test_one_wrong_type_closes_everyone(project: Path) -> None:
    change(project, READINGS, "'readings.new'", "'reading.new'")
    with serving(DAPHNE, project) as server:

        async def listen() -> list[int | None]:
            link = server.ws + talk.READINGS
            async with (
                talk.opened(link, server.url) as one,
                talk.opened(link, server.url) as two,
            ):
                await two.send('{"type": "publish", "value": 8}')
                await asyncio.wait_for(one.wait_closed(), 10)
                await asyncio.wait_for(two.wait_closed(), 10)
                return [one.close_code, two.close_code]

        assert talk.run(listen()) == [1011, 1011]
        assert "No handler for message type reading.new" in server.log()


GREETING = (
    "GET /ws/readings/ HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def _mute(server: Server) -> socket.socket:
    """A client that floods, and never answers the close that follows.

    Its socket is neither open nor gone, which is the moment in which a reading
    meets a client that is leaving.
    """
    link = socket.create_connection((HOST, server.port), timeout=10)
    link.sendall(GREETING.format(f"{HOST}:{server.port}").encode())
    seen = link.recv(4096)
    assert b" 101 " in seen
    payload = b'{"type": "hello", "after": 0}'
    frame = bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload
    link.sendall(frame * 40)
    while b"\x88\x02\x11\x4d" not in seen:  # close, 4429
        if not (more := link.recv(4096)):
            raise ConnectionResetError("closed without a close frame")
        seen += more
    return link


def test_a_client_that_is_leaving_disturbs_nobody(project: Path) -> None:
    with serving(DAPHNE, project) as server:

        async def listen() -> None:
            async with talk.opened(server.ws + talk.READINGS, server.url) as one:
                mutes = [_mute(server) for _ in range(8)]
                await one.send('{"type": "publish", "value": 8}')
                await hears(one, 8)
                for mute in mutes:
                    mute.close()
                await one.send('{"type": "publish", "value": 9}')
                await hears(one, 9)

        for _ in range(5):
            talk.run(listen())
        assert "Exception" not in server.log()
    # Without our `send_json` the very same client leaves a traceback.
    change(project, CONSUMERS, "suppress(Disconnected)", "suppress(KeyError)")
    # On a busy machine it may be gone before the reading comes: so more than once.
    with serving(DAPHNE, project) as server:
        for _ in range(30):
            with suppress(ConnectionResetError):  # the crash may be a flooder's own
                talk.run(listen())
            if server.child.wait_for(lambda out: "on a closed protocol" in out, 0.5):
                break
        else:
            pytest.fail("nobody would notice if `send_json` were not there")


# -- the tools of the cells ------------------------------------------------------------


def test_a_form_is_sent_as_a_browser_does(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    forms.post(server, "/publish/", {"value": 42}, "/")
    forms.post(server, "/publish/", {"value": 42}, None)
    assert capsys.readouterr().out == (
        "→ GET /   for the form's token\n"
        "→ POST /publish/   value=42\n"
        "← 204 No Content\n"
        "→ POST /publish/   value=42   without a token\n"
        "← 403 Forbidden\n"
    )
    given = forms.keys(server, "/")
    assert given.token and given.token != given.cookies["csrftoken"], "it is masked"
    for wrong in (given._replace(token=""), given._replace(cookies={})):
        assert forms.send(server, "/publish/", {"value": 42}, wrong).status == 403


@pytest.mark.parametrize("value", ["", "x", "-1", "101", "4.5", "9" * 5000, "\0"])
def test_a_form_with_a_bad_value(server: Server, value: str) -> None:
    given = forms.keys(server, "/")
    assert forms.send(server, "/publish/", {"value": value}, given).status == 400
    assert forms.send(server, "/publish/", {"other": 1}, given).status == 400
    assert forms.ask(server, "GET", "/publish/").status == 405


def test_each_line_says_whose_it_is(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    async def cell() -> None:
        async with client.talk(server, "/ws/readings/", name="ada") as ada:
            await ada.send('{"type": "hello", "after": 0}')
            await ada.recv()
            await ada.recv(within=0.01)

    talk.run(cell())
    lines = capsys.readouterr().out.splitlines()
    assert [line[:5] for line in lines] == [
        *("ada →", "ada ←", "ada →", "ada ←", "ada ←", "ada →")
    ]


# -- the page --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium(browser_path: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = browser.launch(playwright, browser_path)
        yield chromium
        chromium.close()


def opened(chromium: Browser, server: Server, sent: list[str] | None = None) -> Page:
    """A page that is connected; what its socket sends is kept in ``sent``."""
    page = chromium.new_context().new_page()
    page.set_default_timeout(SECONDS)
    if sent is not None:
        page.on(
            "websocket",
            lambda it: it.on("framesent", lambda text: sent.append(str(text))),
        )
    page.goto(server.url)
    says(page, "connected")
    return page


def says(page: Page, word: str) -> None:
    expect(page.locator("#state")).to_have_text(word, timeout=SECONDS)


def shows(page: Page, number: str) -> None:
    expect(page.locator("#number")).to_have_text(number, timeout=SECONDS)


@pytest.mark.browser
def test_two_pages_show_the_same(chromium: Browser, server: Server) -> None:
    ada, bob = opened(chromium, server), opened(chromium, server)
    ada.get_by_role("button", name="Next number").click()
    expect(ada.locator("#number")).to_have_text(re.compile(r"^\d+$"), timeout=SECONDS)
    number = ada.locator("#number").inner_text()
    shows(bob, number)
    # Spoken to the one who pressed, and to nobody else.
    expect(ada.locator("#spoken")).to_have_text(f"Number {number}", timeout=SECONDS)
    assert bob.locator("#spoken").inner_text() == ""
    # The form stays on the page, and reaches both.
    bob.get_by_label("Your number").fill("57")
    bob.get_by_role("button", name="Publish").click()
    for page in (ada, bob):
        shows(page, "57")
        assert page.url == f"{server.url}/"
        says(page, "connected")
    ada.get_by_label("one each second").check()
    for page in (ada, bob):
        page.wait_for_function("document.querySelector('polyline').points.length >= 4")
    for page in (ada, bob):
        page.context.close()


@pytest.mark.browser
def test_it_says_hello_again_when_it_is_back(chromium: Browser, project: Path) -> None:
    sent: list[str] = []
    with serving(RUNSERVER, project) as server:
        page = opened(chromium, server, sent)
        for value in ("11", "12"):
            given = forms.keys(server, "/")
            forms.send(server, groups.FORM, {"value": value}, given)
            shows(page, value)
        server.pause()
        says(page, "reconnecting")
        server.again()
        server.ready()
        says(page, "connected")
        page.wait_for_function("document.getElementById('number').textContent == '12'")
    hellos = [json.loads(text) for text in sent]
    assert hellos == [{"type": "hello", "after": after} for after in (0, 2)]
    page.context.close()


@pytest.mark.browser
def test_cells_name_their_browsers(
    browser_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    async def cell() -> None:
        async with pages.browse(server, "/", "ada") as ada:
            await ada.says("connected")
            forms.post(server, "/publish/", {"value": 99}, "/")
            await ada.shows(99)
            await ada.shows(98, within=0.1)

    talk.run(cell())
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("ada")] == [
        "ada → open /",
        "ada   the page says: connected",
        "ada   the page shows: 99",
        "ada   the page shows: 99",
        "ada   sockets at the same time: 1 at most",
    ]


# -- the exercise ----------------------------------------------------------------------

ROOMS = """
from hashlib import sha256
from channels.generic.websocket import AsyncJsonWebsocketConsumer


class RoomConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        room = self.scope['url_route']['kwargs']['room']
        self.group = {group}
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content):
        event = {{'type': 'room.message', 'content': content}}
        await self.channel_layer.group_send(self.group, event)

    async def room_message(self, event):
        await self.send_json(event['content'])
"""
HASHED = ROOMS.format(group="'room.' + sha256(room.encode()).hexdigest()")
SYNC = """
from base64 import b32encode
from asgiref.sync import async_to_sync
from channels.generic.websocket import JsonWebsocketConsumer


class RoomConsumer(JsonWebsocketConsumer):
    def connect(self):
        name = self.scope['url_route']['kwargs']['room'].encode()
        self.group = 'r-' + b32encode(name).decode().rstrip('=')
        if len(self.group) > 99:
            self.close()
            return
        async_to_sync(self.channel_layer.group_add)(self.group, self.channel_name)
        self.accept()

    def disconnect(self, code):
        if len(self.group) <= 99:
            async_to_sync(self.channel_layer.group_discard)(
                self.group, self.channel_name
            )

    def receive_json(self, content):
        async_to_sync(self.channel_layer.group_send)(
            self.group, {'type': 'said', 'what': content}
        )

    def said(self, event):
        self.send_json(event['what'])
"""
GROUP_NAMES = [
    ("'room'", "the room 'cellar' heard what was said in the room 'kitchen'"),
    ("'readings'", "a message ends with ValueError: No handler"),
    ("room", "TypeError: Group name must be a valid"),
    ("room[:99].encode('ascii', 'replace').decode()", "TypeError: Group name"),
    ("'room.' + room", "ends with TypeError: Group name must be a valid"),
    ("'room.' + room.lower()", "TypeError"),
    ("'room.' + sha256(room.lower().encode()).hexdigest()", "heard what was said"),
    ("'room.' + room.encode().hex()[:90]", "heard what was said"),
    ("'room.' + ''.join(c for c in room if c.isalnum() and c < 'z')[:90]", "heard"),
    ("'room.' + sha256(room.encode('ascii')).hexdigest()", "UnicodeEncodeError"),
]
OTHER = [
    ("await self.channel_layer.group_send(self.group, event)", "pass", "not reach"),
    ("'content': content}", "**content}", "No handler for message type"),
    ("event = {'type': 'room.message', 'content': content}", "event = content", "ends"),
    ("room_message", "message_of_room", "No handler for message type"),
    ("        await self.channel_layer.group_discard", "        print", "still has a"),
    ("event['content']", "event", "did not reach"),
    ("        await self.accept()\n", "", "connecting"),
    ("class RoomConsumer", "class Room", "a class RoomConsumer is needed"),
    ("await self.accept()", "await self.close()", "let nobody in"),
    ("await self.accept()", "raise SystemExit", "it ends"),
]


@pytest.mark.parametrize("code", [HASHED, SYNC], ids=["hash", "sync"])
def test_rooms_that_hold(project: Path, code: str) -> None:
    verdict = exercises.check("groups", code, project)
    assert verdict.startswith("Right. "), verdict
    assert ("refused" in verdict) is (code is SYNC)


@pytest.mark.parametrize(("group", "words"), GROUP_NAMES)
def test_rooms_that_leak(project: Path, group: str, words: str) -> None:
    not_yet(exercises.check("groups", ROOMS.format(group=group), project), words)


@pytest.mark.parametrize(("old", "new", "words"), OTHER)
def test_rooms_that_do_not_work(project: Path, old: str, new: str, words: str) -> None:
    assert old in HASHED
    not_yet(exercises.check("groups", HASHED.replace(old, new), project), words)


def not_yet(verdict: str, words: str) -> None:
    assert verdict.startswith("Not yet: "), verdict
    assert words in verdict, verdict
    assert len(verdict.splitlines()) == 1 and len(verdict) < 250

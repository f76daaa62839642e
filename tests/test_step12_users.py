"""Step 12: who may watch, who may publish, and what ends when a session does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from websockets.asyncio.client import ClientConnection

import tutor
from tutor import (
    browser,
    children,
    exercises,
    forms,
    places,
    redis,
    trees,
)
from tutor.checks import talk, users, visitor
from tutor.checks.steps import check_step
from tutor.checks.visitor import Person, Visitor
from tutor.course import Course
from tutor.redis import NONE, running
from tutor.report import Refusal
from tutor.servers import HOST, Server, serving
from tutor.session import Session
from tutor.visitors import Jars

pytestmark = pytest.mark.takes(100)

COURSE = Course.load(places.root())
STEP = next(step for step in COURSE.steps if step.slug == "users")
TREE = COURSE.root / "steps" / STEP.folder
DAPHNE = ["daphne", "webapp.asgi:application"]
RUNSERVER = ["python", "manage.py", "runserver"]
LONG = 20.0  # seconds, on a busy machine
MILLISECONDS = 20_000  # the same for a browser
ADA, PHONE, BOB = Person("ada", "tutorial", True), Person("ada"), Person("bob")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    trees.copy(TREE, tmp_path)
    return tmp_path


def change(project: Path, file: str, old: str, new: str) -> None:
    path = project / file
    text = path.read_text()
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1))


# -- the check -------------------------------------------------------------------------

CONSUMERS, SESSIONS = "master_app/consumers.py", "master_app/sessions.py"
VIEWS, ASGI = "master_app/views.py", "webapp/asgi.py"
BROKEN = {
    "an open page": ([(VIEWS, "@login_required\n", "")], "sends a stranger"),
    "an open socket": (
        [(CONSUMERS, "if not self.scope['user'].is_authenticated", "if False")],
        "a stranger's handshake",
    ),
    "any port": (
        [(ASGI, "settings.ALLOWED_ORIGINS or", "")],
        "another port",
    ),
    "everybody publishes": (
        [("master_app/readings.py", "return user.is_staff", "return True")],
        "may not publish",
    ),
    "the form forgotten": (
        [(VIEWS, "if not readings.may_publish(request.user)", "if False")],
        "may not publish",
    ),
    "logout by user": (
        [(SESSIONS, "return f'session.{", "return 'session'\n    return f'session.{")],
        "a logout closes",
    ),
    "no signal, no look": (
        [
            (SESSIONS, "@receiver(user_logged_out)\n", ""),
            (SESSIONS, "TURN = 4", "TURN = 400"),
        ],
        "a logout closes",
    ),
    "disabled is nothing": (
        [(SESSIONS, "filter(is_active=True)", "all()")],
        "a disabled account",
    ),
    "a password is nothing": (
        [(SESSIONS, " and same_password(user, before)", "")],
        "a disabled account and a new password",
    ),
    "no look": ([(SESSIONS, "TURN = 4", "TURN = 400")], "a disabled account"),
    "a session is nothing": (
        [(SESSIONS, "if living and user", "if user")],
        "a session that is gone",
    ),
}


@pytest.mark.parametrize(("changes", "title"), BROKEN.values(), ids=BROKEN)
def test_the_check_says_what_is_wrong(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: list[tuple[str, str, str]],
    title: str,
) -> None:
    monkeypatch.setattr(users, "SWEEP", 7.0)  # more than the four of the project
    for one in changes:
        change(project, *one)
    first = next(check for check in check_step(project, "users") if check.problem)
    assert title in first.title


# -- sessions --------------------------------------------------------------------------


async def closed(socket: ClientConnection) -> int | None:
    """Wait for the end of a socket; its code."""
    async with asyncio.timeout(LONG):
        await socket.wait_closed()
    return socket.close_code


async def ask(socket: ClientConnection, **message: object) -> dict[str, object]:
    """Send a message; the first answer that is no heartbeat."""
    await socket.send(json.dumps(message))
    async with asyncio.timeout(LONG):
        while True:
            answer: dict[str, object] = json.loads(await socket.recv())
            if answer["type"] != "heartbeat":
                return answer


def inside(project: Path, code: str, extra: Mapping[str, str] | None = None) -> object:
    """What code prints as JSON, in a process of the project."""
    done = children.run_inside(BEFORE + code, project, LONG * 2, extra)
    assert done.code == 0, done.out
    return json.loads(done.out.strip().splitlines()[-1])


BEFORE = """
import json
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

def save(name, **fields):
    user = User.objects.get(username=name)
    for field, value in fields.items():
        setattr(user, field, value)
    user.save()
    print(json.dumps(name))

"""


def logout(who: Visitor) -> int:
    return forms.send(who.server, "/accounts/logout/", {}, who.keys()).status


def visitors(server: Server, project: Path, *people: Person) -> list[Visitor]:
    jars = visitor.logged_in(project, None, *people)
    assert len(jars) == len(people)
    return [Visitor(server, jar) for jar in jars]


@pytest.mark.skipif(redis.program() is None, reason=NONE)
def test_all_processes_are_told_and_need_no_look(project: Path) -> None:
    change(project, SESSIONS, "TURN = 4", "TURN = 400")

    async def watch(ada: Visitor, phone: Visitor, bob: Visitor) -> None:
        async with ada.socket() as one, phone.socket() as two, bob.socket() as three:
            assert await asyncio.to_thread(logout, ada) == 302
            assert await closed(one) == 4401
            disable = "save('bob', is_active=False)"
            await asyncio.to_thread(inside, project, disable, store.extra)
            assert await closed(three) == 4401
            assert (await ask(two, type="hello", after=0))["type"] == "welcome"

    with (
        running() as store,
        serving(DAPHNE, project, store.extra) as first,
        serving(DAPHNE, project, store.extra) as second,
    ):
        ada, phone, bob = visitors(first, project, ADA, PHONE, BOB)
        talk.run(watch(ada, phone, Visitor(second, bob.cookies)))


@pytest.mark.skipif(redis.program() is None, reason=NONE)
def test_a_logout_while_redis_is_away_is_found_later(project: Path) -> None:
    async def watch(ada: Visitor) -> None:
        async with ada.socket() as socket:
            store.kill()
            assert await asyncio.to_thread(logout, ada) == 302
            assert await closed(socket) == 4401

    with running() as store, serving(DAPHNE, project, store.extra) as server:
        talk.run(watch(*visitors(server, project, ADA)))
        assert "Nobody was told of session.ended" in server.log()


def test_a_session_that_expires_is_found(project: Path) -> None:
    expire = (
        "print(json.dumps(Session.objects.update(expire_date='2020-01-01T00:00Z')))"
    )

    async def watch(bob: Visitor) -> None:
        async with bob.socket() as socket:
            await asyncio.to_thread(inside, project, expire)
            assert await closed(socket) == 4401
        assert await talk.knock(server.ws + "/ws/readings/", server.url) == 403

    with serving(DAPHNE, project) as server:
        talk.run(watch(*visitors(server, project, BOB)))


def test_a_right_that_is_taken_away_is_gone_on_open_sockets(project: Path) -> None:
    change(project, SESSIONS, "TURN = 4", "TURN = 0.2")

    async def watch(ada: Visitor) -> None:
        async with ada.socket() as socket:
            said = await ask(socket, type="publish", value=7)
            assert said["type"] == "reading"
            await asyncio.to_thread(inside, project, "save('ada', is_staff=False)")
            async with asyncio.timeout(LONG):
                while said["type"] == "reading":
                    await asyncio.sleep(0.1)  # more than twenty a second are a flood
                    said = await ask(socket, type="publish", value=8)
            assert said["code"] == "forbidden"
            assert (await ask(socket, type="hello", after=0))["type"] == "welcome"

    with serving(DAPHNE, project) as server:
        talk.run(watch(*visitors(server, project, ADA)))


ALONE = """
import asyncio
from unittest.mock import patch
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.core.management import call_command
from django.db import connection
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext
from master_app import sessions
from webapp.asgi import application

@sync_to_async
def cookie(name):
    call_command("migrate", verbosity=0)
    client = AsyncClient()
    client.force_login(User.objects.get_or_create(username=name)[0])
    return client.cookies.output(attrs=[], header="", sep=";").encode()

async def enter(cookie):
    origin = b"http://localhost"
    headers = [(b"origin", origin), (b"cookie", cookie)]
    talk = WebsocketCommunicator(application, "/ws/readings/", headers=headers)
    assert (await talk.connect(5))[0]
    return talk

async def code(talk):
    while (event := await talk.receive_output(5))["type"] != "websocket.close":
        pass
    return event["code"]

"""


def test_a_look_is_two_queries_for_all(project: Path) -> None:
    counted = """
talks = [await enter(await cookie(f"user{number % 5}")) for number in range(20)]

keys = {one.scope["session"].session_key for one in sessions.here}
pks = {one.scope["user"].pk for one in sessions.here}

@sync_to_async
def queries():
    with CaptureQueriesContext(connection) as found:
        sessions.found.func(keys, pks)
    return len(found)

print(json.dumps([len(sessions.here), len(keys), len(pks), await queries()]))
"""
    assert inside(project, ALONE + counted) == [20, 20, 5, 2]


def test_the_watch_outlives_a_database_that_fails(project: Path) -> None:
    failing = """
real, times = sessions.found, []

async def fails(*keys):
    times.append(keys)
    if len(times) < 3:
        raise OSError("the database is away")
    return await real(*keys)

sessions.TURN, sessions.found = 0.01, fails
talk = await enter(await cookie("ada"))
await Session.objects.all().adelete()
print(json.dumps([await code(talk), len(times) >= 3]))
"""
    assert inside(project, ALONE + failing) == [4401, True]


def test_one_watch_for_all_sockets_of_a_process(project: Path) -> None:
    alone = """
cookie = await cookie("ada")
talks = [await enter(cookie) for _ in range(5)]
names = [task.get_coro().__name__ for task in asyncio.all_tasks()]
print(json.dumps(names.count("look_around")))
"""
    assert inside(project, ALONE + alone) == 1


def test_nobody_is_left_behind(project: Path) -> None:
    left = """
talk = await enter(await cookie("ada"))
joined = sorted(get_channel_layer().groups)
await talk.disconnect()
stranger = WebsocketCommunicator(
    application, "/ws/readings/", headers=[(b"origin", b"http://localhost")]
)
refused = not (await stranger.connect(5))[0]
await stranger.disconnect()
secret = (await Session.objects.afirst()).session_key
hidden = not any(secret in name for name in joined)
groups = get_channel_layer().groups
print(json.dumps([len(joined), hidden, refused, len(groups), len(sessions.here)]))
"""
    assert inside(project, ALONE + left) == [3, True, True, 0, 0]


# -- the door --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "let_in"),
    [
        ("", {"own", "port", "scheme"}),
        ("http://{host}", {"own"}),
        ("https://example.org http://{host}", {"own"}),
        ("https://{host}", {"scheme"}),
        ("https://example.org", set()),
    ],
)
def test_whose_pages_may_open_a_socket(
    project: Path, named: str, let_in: set[str]
) -> None:
    extra = {"ALLOWED_ORIGINS": named.format(host=f"{HOST}:PORT")}
    with serving(DAPHNE, project, extra) as server:
        (ada,) = visitors(server, project, ADA)
        origins = {
            "own": server.url,
            "port": f"http://{HOST}:1",
            "scheme": server.url.replace("http", "https"),
            "foreign": talk.FOREIGN,
            "missing": None,
        }

        async def knock() -> set[str]:
            at = server.ws + "/ws/readings/"
            answers = {
                name: await talk.knock(at, origin, ada.cookies)
                for name, origin in origins.items()
            }
            assert set(answers.values()) <= {101, 403}
            return {name for name, status in answers.items() if status == 101}

        assert talk.run(knock()) == let_in


# -- the page --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium(browser_path: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = browser.launch(playwright, browser_path)
        yield chromium
        chromium.close()


@pytest.mark.browser
@pytest.mark.parametrize("away", [False, True], ids=["told", "while it was away"])
def test_the_page_leads_to_the_login_when_its_session_ends(
    project: Path, chromium: Browser, away: bool
) -> None:
    delete = "print(json.dumps(Session.objects.all().delete()[0]))"
    with serving(RUNSERVER, project) as server:
        (ada,) = visitors(server, project, ADA)
        page = ada.browser(chromium).new_page()
        page.goto(server.url)
        state = page.locator("#state")
        expect(state).to_have_text("connected", timeout=MILLISECONDS)
        if away:
            server.pause()
            expect(state).to_have_text("reconnecting", timeout=MILLISECONDS)
            inside(project, delete)
            server.again()
        else:
            assert logout(ada) == 302
        expect(page).to_have_title("Log in", timeout=MILLISECONDS)
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill("tutorial")
        page.get_by_role("button", name="Log in").click()
        expect(state).to_have_text("connected", timeout=MILLISECONDS)
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_title("Log in", timeout=MILLISECONDS)
        page.context.close()


@pytest.mark.browser
def test_who_may_not_publish_finds_no_button(project: Path, chromium: Browser) -> None:
    with serving(RUNSERVER, project) as server:
        for who, may in zip(visitors(server, project, ADA, BOB), (1, 0), strict=True):
            page = who.browser(chromium).new_page()
            page.goto(server.url)
            state = page.locator("#state")
            expect(state).to_have_text("connected", timeout=MILLISECONDS)
            for name in ("Next number", "Publish"):
                button = page.get_by_role("button", name=name)
                expect(button).to_be_enabled(enabled=bool(may))
            page.context.close()


# -- what the cells stand on -----------------------------------------------------------


def test_a_jar_keeps_a_cookie_for_each_browser(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(DAPHNE, project) as server:
        visitors(server, project, ADA)
        jars = Jars()
        assert jars.cookies(server, "") == {}
        with pytest.raises(Refusal, match="bob can't log in: 200 OK"):
            jars.cookies(server, "bob")
        jars.login(server, "ada", "", "wrong")
        jars.login(server, "ada", "", "tutorial")
        ada, phone = jars.cookies(server, "ada"), jars.cookies(server, "ada", "phone")
        assert ada["sessionid"] != phone["sessionid"]
        assert jars.cookies(server, "ada") == ada
        jars.logout(server, "ada", "")
        assert jars.cookies(server, "ada")["sessionid"] != ada["sessionid"]
        assert jars.cookies(server, "ada", "phone") == phone
    assert capsys.readouterr().out.splitlines() == [
        "ada → POST /accounts/login/   username=ada, password=wrong",
        "ada ← 200 OK   with the cookies csrftoken",
        "ada → POST /accounts/login/   username=ada, password=tutorial",
        "ada ← 302 Found   with the cookies csrftoken, sessionid",
        "ada → POST /accounts/logout/",
        "ada ← 302 Found",
    ]


def test_people_are_there_however_often_one_asks(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(project)
    monkeypatch.setattr(session, "_folder", project)
    monkeypatch.setattr(tutor, "_session", session)
    for _ in range(2):
        tutor.people()
    said = "The database has ada (staff) and bob.\n"
    assert capsys.readouterr().out == said * 2
    with serving(DAPHNE, project) as server:
        assert Jars().cookies(server, "bob")["sessionid"]
    change(project, "webapp/urls.py", "from django", "from nothing")
    change(project, "manage.py", "execute_from_command_line(", "print('no'), exit(3)(")
    with pytest.raises(Refusal, match="migrate failed"):
        tutor.people()


def test_a_visitor_logs_in_only_where_the_page_asks_for_it(project: Path) -> None:
    before = next((COURSE.root / "steps").glob("11-*"))
    with serving(DAPHNE, before) as server:
        assert visitor.at(server, before) == Visitor(server)
    assert not list(before.glob("*.sqlite3"))
    with serving(DAPHNE, project) as server:
        assert list(visitor.at(server, project).cookies) == ["sessionid"]


# -- the exercise ----------------------------------------------------------------------

BEGIN = "async def may_publish(user):\n    return "
GROUP = "user.groups.filter(name='publishers')"
ANSWERS = {
    "right": (f"{BEGIN}await {GROUP}.aexists()", "Right. 6 people"),
    "in a thread": (
        "from channels.db import database_sync_to_async as off\n"
        f"{BEGIN}await off({GROUP}.exists)()",
        "Right. 6 people",
    ),
    "untouched": (f"{BEGIN}...", "`...` still stands"),
    "no function": ("may = 1", "may_publish is needed"),
    "a plain def": (f"{BEGIN[6:]}{GROUP}.exists()", "`async def`"),
    "synchronous": (f"{BEGIN}{GROUP}.exists()", "SynchronousOnlyOperation"),
    "not awaited": (f"{BEGIN}{GROUP}.aexists()", "eve, in the groups []: may"),
    "any group": (f"{BEGIN}await user.groups.aexists()", "cleo"),
    "the staff": (f"{BEGIN}user.is_staff", "bob"),
    "a superuser": (f"{BEGIN}user.is_superuser or await {GROUP}.aexists()", "root"),
    "kept": (
        "known = {}\n"
        "async def may_publish(user):\n"
        "    if user.pk not in known:\n"
        f"        known[user.pk] = await {GROUP}.aexists()\n"
        "    return known[user.pk]",
        "he still publishes",
    ),
    "it fails": (f"{BEGIN}1 / 0", "ZeroDivisionError"),
}


@pytest.mark.parametrize(("answer", "words"), ANSWERS.values(), ids=ANSWERS)
def test_the_exercise(project: Path, answer: str, words: str) -> None:
    verdict = exercises.check("users", answer, project)
    assert words in verdict
    assert verdict.startswith("Right. " if words.startswith("Right") else "Not yet: ")

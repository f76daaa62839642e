"""Step 13: readings stay; what was missed comes, once; on PostgreSQL, too."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import postgres
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tutor import browser, children, exercises, places, trees
from tutor.checks import visitor
from tutor.checks.steps import check_step
from tutor.servers import serving

pytestmark = pytest.mark.takes(70)

TREE = places.root() / "steps" / "13-database"
RUNSERVER = ["python", "manage.py", "runserver"]
LONG = 60.0  # seconds, on a busy machine
SECONDS = 20_000  # milliseconds, on a busy machine
READINGS = "master_app/readings.py"
VIEWS = "master_app/views.py"
PAGE = "master_app/static/master_app/page.js"

needs_postgres = pytest.mark.skipif(postgres.programs() is None, reason=postgres.NONE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    trees.copy(TREE, tmp_path)
    return tmp_path


@pytest.fixture
def postgresql() -> Iterator[dict[str, str]]:
    with postgres.running() as extra:
        yield extra


def change(project: Path, file: str, old: str, new: str) -> None:
    path = project / file
    text = path.read_text()
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1))


def inside(project: Path, code: str, extra: Mapping[str, str] | None = None) -> object:
    """Run code in the project, with its tables made; the JSON that it prints last."""
    done = children.run_inside(HEAD + code, project, LONG, extra)
    assert done.code == 0, done.out
    return json.loads(done.out.strip().splitlines()[-1])


HEAD = """
import asyncio, json, threading
from unittest.mock import patch
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.core.management import call_command
from django.db import connection, transaction
from master_app import consumers, readings
from master_app.models import Reading

await sync_to_async(call_command)("migrate", verbosity=0)


class Client(consumers.ReadingsConsumer):
    '''A consumer that keeps what it sends, and needs no socket.'''

    def __init__(self):
        super().__init__()
        self.sent, self.known = [], set()

    async def send_json(self, content):
        self.sent.append(content)

    async def join(self):
        self.layer = get_channel_layer()
        self.channel_name = await self.layer.new_channel()
        await self.layer.group_add(readings.GROUP, self.channel_name)

    async def read(self):
        '''Handle what waits in the channel, as the consumer does in its turn.'''
        while True:
            try:
                receive = self.layer.receive(self.channel_name)
                event = await asyncio.wait_for(receive, 0.2)
            except TimeoutError:
                return
            await self.readings_new(event)

    @property
    def ids(self):
        return [one["id"] for one in self.sent if one["type"] == "reading"]
"""


# -- the check -------------------------------------------------------------------------

KEPT = "[message(reading) for reading in page if reading.id not in known]"
BROKEN = {
    "nothing is replayed": (READINGS, KEPT, "[]", "outlasts the server"),
    "lazy": (READINGS, KEPT, "page", "outlasts the server"),
    "told too early": (
        READINGS,
        "transaction.on_commit(lambda: tell(message(reading)))",
        "tell(message(reading))",
        "rolled back",
    ),
    "told by nobody": (
        READINGS,
        "transaction.on_commit(lambda: tell(message(reading)))",
        "pass",
        "outlasts the server",
    ),
}


@pytest.mark.parametrize(("file", "old", "new", "title"), BROKEN.values(), ids=BROKEN)
def test_the_check_says_what_is_wrong(
    project: Path, file: str, old: str, new: str, title: str
) -> None:
    change(project, file, old, new)
    first = next(check for check in check_step(project, "database") if check.problem)
    assert title in first.title


@pytest.mark.browser
def test_the_check_opens_the_page(project: Path) -> None:
    change(project, PAGE, "'connected') sayHello();", "'connected') welcome = true;")
    found = [check for check in check_step(project, "database") if check.problem]
    assert [check.title for check in found] == [
        "a page that was away shows what it missed"
    ]


# -- the seam --------------------------------------------------------------------------


def test_more_than_a_channel_holds_is_published_during_a_query(project: Path) -> None:
    told = inside(
        project,
        """
since, many = readings.since, 150  # the layer in memory keeps 100 for each channel

async def slow(after, known):
    page = await since(after, known)
    if not known:
        for value in range(many):
            await readings.publish(value % 101)
    return page

await readings.publish(7)
client = Client()
await client.join()
with patch.object(readings, "since", slow):
    await client.catch_up(0)
await client.read()
print(json.dumps([client.ids, many + 1]))
""",
    )
    assert isinstance(told, list)
    ids, count = told
    assert ids == sorted(set(ids)) and len(ids) == count


def test_a_long_absence_is_cut_and_comes_in_order(project: Path) -> None:
    told = inside(
        project,
        """
rows = [Reading(value=one % 101) for one in range(2500)]
await Reading.objects.abulk_create(rows)
told = []
for after in (0, 1, 2000, 2499, 2500, 2**53 - 1):
    client = Client()
    await client.catch_up(after)
    told.append([client.sent[0], client.ids])
print(json.dumps(told))
""",
    )
    assert isinstance(told, list)
    assert all(welcome == {"type": "welcome", "last": 2500} for welcome, _ in told)
    starts = [ids[0] if ids else None for _, ids in told]
    # 1,000 of them at most, and before each start the 100 that may have come late.
    assert starts == [1401, 1401, 1901, 2400, 2401, None]
    for _, ids in told:
        assert ids == list(range(ids[0], 2501)) if ids else True


def test_old_ids_are_forgotten(project: Path) -> None:
    told = inside(
        project,
        """
client, most = Client(), 0
for one in range(1, 1001):
    reading = {"type": "reading", "id": one, "value": 7}
    for _ in range(2):
        await client.readings_new({"reading": reading})
    most = max(most, len(client.known))
print(json.dumps([most, client.ids == list(range(1, 1001))]))
""",
    )
    assert told == [200, True]


LATE = """
began, go_on, ids = threading.Event(), threading.Event(), []

def late():
    with transaction.atomic():
        ids.append(Reading.objects.create(value=1).id)
        began.set()
        assert go_on.wait(30)
    connection.close()

thread = threading.Thread(target=late)
thread.start()
await asyncio.to_thread(began.wait, 30)
client = Client()
await readings.publish(2)  # the higher id is committed first
await client.catch_up(0)
first = client.ids
go_on.set()
await asyncio.to_thread(thread.join)
back = Client()
await back.catch_up(max(first))
print(json.dumps([ids, first, back.ids]))
"""


@needs_postgres
@pytest.mark.parametrize("overlap", [True, False])
def test_a_lower_id_may_be_committed_later(
    project: Path, postgresql: dict[str, str], overlap: bool
) -> None:
    if not overlap:
        change(project, READINGS, "OVERLAP = 100", "OVERLAP = 0")
    told = inside(project, LATE, postgresql)
    assert isinstance(told, list)
    (late,), (early,), back = told
    assert late < early, "no race: the ids are in the order of the commits"
    assert (late in back) is overlap


@needs_postgres
def test_the_projects_own_tests_pass_on_postgresql(
    project: Path, postgresql: dict[str, str]
) -> None:
    argv = ["python", "manage.py", "test", "--noinput"]
    done = children.run(argv, project, LONG * 3, postgresql | {"CHROMIUM": "none"})
    assert done.code == 0, done.out


@needs_postgres
def test_connections_are_given_back(project: Path, postgresql: dict[str, str]) -> None:
    told = inside(
        project,
        """
count = '''SELECT count(*) FROM pg_stat_activity
           WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()'''

def others():
    # In a thread of its own, whose connection is closed again.
    with connection.cursor() as cursor:
        cursor.execute(count)
        found = cursor.fetchone()[0]
    connection.close()
    return found

await sync_to_async(lambda: connection.close())()  # that of the migrations
client = Client()
await readings.publish(7)
await client.catch_up(0)
left = await asyncio.to_thread(others)
await Reading.objects.acount()  # what does not give it back
print(json.dumps([left, await asyncio.to_thread(others)]))
""",
        postgresql,
    )
    assert told == [0, 1]


# -- the page --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium(browser_path: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = browser.launch(playwright, browser_path)
        yield chromium
        chromium.close()


def drawn(page: Page, count: int) -> None:
    page.wait_for_function(
        "count => document.querySelector('polyline').points.length === count",
        arg=count,
        timeout=SECONDS,
    )


@pytest.mark.browser
def test_the_chart_misses_nothing_and_has_nothing_twice(
    project: Path, chromium: Browser
) -> None:
    def publish(*values: str) -> None:
        for value in values:
            argv = ["python", "manage.py", "publish", value]
            assert children.run(argv, project, LONG).code == 0

    with serving(RUNSERVER, project) as server:
        who = visitor.at(server, project)
        publish("41", "42")
        window = who.browser(chromium)
        page = window.new_page()
        page.goto(server.url)
        drawn(page, 2)
        for values, count in ((("43",), 3), (("44", "45"), 5)):
            server.pause()
            state = page.locator("#state")
            expect(state).to_have_text("reconnecting", timeout=SECONDS)
            publish(*values)
            server.again()
            drawn(page, count)
            expect(page.locator("#number")).to_have_text(values[-1], timeout=SECONDS)
        window.close()


# -- the exercise ----------------------------------------------------------------------

ANSWER = """
from channels.db import database_sync_to_async
from master_app.models import Reading
from master_app.readings import message

async def history(start, end):
    rows = Reading.objects.filter({range})
    rows = rows.order_by({order})
    return {back}
"""
GOOD = {
    "range": "moment__gte=start, moment__lt=end",
    "order": "'moment', 'id'",
    "back": "[message(row) async for row in rows]",
}
IN_A_THREAD = """
from channels.db import database_sync_to_async
from master_app.models import Reading
from master_app.readings import message

@database_sync_to_async
def history(start, end):
    rows = Reading.objects.filter(moment__gte=start).order_by("moment", "id")
    return [message(row) for row in rows.exclude(moment__gte=end)]
"""
WRONG = [
    ({"range": "moment__range=(start, end)"}, "has the one of +20 min"),
    ({"range": "moment__gt=start, moment__lt=end"}, "lacks the one of +0 min"),
    ({"order": "'id'"}, "the order is another one"),
    ({"order": "'-moment', 'id'"}, "the order is another one"),
    ({"order": "'moment', '-id'"}, "the order is another one"),
    ({"back": "rows"}, "this is a QuerySet"),
    ({"back": "[message(row) for row in rows]"}, "SynchronousOnlyOperation"),
    ({"back": "await rows.acount()"}, "this is a int"),
    ({"back": "[row.value async for row in rows]"}, "is no message of a reading"),
    ({"range": "moment__hour__gte=start.hour"}, "has the one of"),
    ({"back": "..."}, "`...` still stands"),
]


@pytest.mark.parametrize("code", [ANSWER.format(**GOOD), IN_A_THREAD])
def test_answers_that_are_right(project: Path, code: str) -> None:
    verdict = exercises.check("database", code, project)
    assert verdict.startswith("Right. "), verdict


@pytest.mark.parametrize(("changed", "words"), WRONG)
def test_answers_that_are_not_there_yet(
    project: Path, changed: dict[str, str], words: str
) -> None:
    verdict = exercises.check("database", ANSWER.format(**GOOD | changed), project)
    assert verdict.startswith("Not yet: ") and words in verdict, verdict


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def history(start, end):\n    return []", "is an `async def`"),
        ("async def past(start, end):\n    return []", "a function history"),
        ("async def history(start):\n    return []", "TypeError"),
        (
            "import asyncio\nasync def history(start, end):\n"
            "    await asyncio.sleep(60)",
            "does not end",
        ),
    ],
)
def test_answers_of_another_kind(project: Path, code: str, words: str) -> None:
    verdict = exercises.check("database", code, project)
    assert verdict.startswith("Not yet: ") and words in verdict, verdict


def test_a_database_of_the_readers_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/production")
    assert "DATABASE_URL" not in children.env()
    assert children.env(DATABASE_URL="sqlite://")["DATABASE_URL"] == "sqlite://"

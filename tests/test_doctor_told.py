"""What the rules make of tests: headers, marks, and calls that nobody awaits."""

from __future__ import annotations

from pathlib import Path

import pytest
from looked import evidence

from tutor.doctor.answers import Client
from tutor.doctor.child import Told
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access import logins
from tutor.doctor.rules.consumers import sockets
from tutor.doctor.rules.database import emptytables
from tutor.doctor.rules.project import checks, imports
from tutor.doctor.rules.suites import marks, testclients, testing, unawaited, undone
from tutor.doctor.source import Source

TEST = "app/tests/test_it.py"
FILES = {
    "app/__init__.py": "",
    "app/tests/__init__.py": "",
    "site1/asgi.py": """
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator as checked
application = ProtocolTypeRouter({"websocket": checked(URLRouter([]))})
""",
}
HEAD = """
import asyncio
import pytest
from asgiref.sync import sync_to_async as threaded
from channels.testing import WebsocketCommunicator as Talk
from django.contrib.auth.models import User
from django.test import TransactionTestCase
from site1.asgi import application
"""


def look(tmp_path: Path, text: str, *modules: object) -> list[tuple[str | None, str]]:
    """What is found in a test: the slugs, and the lines."""
    for name, content in {**FILES, TEST: HEAD + text}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    lines = (HEAD + text).splitlines()
    return [
        (one.slug, lines[(one.place[1] or 1) - 1].strip())
        for module in (testing, unawaited, marks, *modules)
        for one in module.rules(seen)
    ]


HEADERS = """
def client(path, cookie=b''):
{body}
    return Talk(application, path, headers=headers)


class It(TransactionTestCase):
    async def test_it(self):
        guest = client('/ws/')
        connected, _ = await guest.connect()
        assert connected
        assert not guest.future.cancelled()
"""
ORIGIN = "test-no-origin-header"
ODD = "test-headers-as-str-or-capitalised"
GIVEN = {
    "appended": (
        ["headers = []", "headers.append((b'cookie', cookie))"],
        (ORIGIN, "return Talk(application, path, headers=headers)"),
    ),
    "added": (
        ["headers = [(b'cookie', cookie)]", "headers += [(b'accept', b'*/*')]"],
        (ORIGIN, "return Talk(application, path, headers=headers)"),
    ),
    "capital": (
        ["headers = [(b'origin', b'x')]", "headers.append((b'Cookie', cookie))"],
        (ODD, "headers.append((b'Cookie', cookie))"),
    ),
    "extended": (
        ["headers = [(b'origin', b'x')]", "headers.extend([('cookie', cookie)])"],
        (ODD, "headers.extend([('cookie', cookie)])"),
    ),
    "table": (
        ["headers = {b'origin': b'x'} if path else {}"],
        (ODD, "headers = {b'origin': b'x'} if path else {}"),
    ),
    "table-made": (
        ["headers = dict(origin=path)"],
        (ODD, "headers = dict(origin=path)"),
    ),
    "of-a-table": (["headers = [*{b'origin': b'x'}.items()]"], None),
    "origin-appended": (
        ["headers = []", "headers.append((b'origin', b'http://localhost'))"],
        None,
    ),
    "origin-perhaps": (
        [
            "headers = [(b'origin', b'x')] if path else []",
            "headers.append((b'cookie', cookie))",
        ],
        None,
    ),
    "sorted": (["headers = [(b'origin', b'x')]", "headers.sort()"], None),
    "unknown": (["headers = []", "headers.append(given(path))"], None),
}


@pytest.mark.parametrize("name", GIVEN)
def test_headers_are_read_with_what_is_added_to_them(name: str, tmp_path: Path) -> None:
    body, found = GIVEN[name]
    text = HEADERS.format(body="\n".join(f"    {line}" for line in body))
    assert look(tmp_path, text) == ([found] if found else [])


OF_A_FIXTURE = """
@pytest.fixture
def headers():
    return [{header}]


@pytest.mark.asyncio
async def test_it(headers):
    talk = Talk(application, '/ws/', headers=headers)
    assert (await talk.connect())[0]
"""


@pytest.mark.parametrize("header", ["(b'cookie', b'a=1')", "(b'origin', b'http://x')"])
def test_headers_of_a_fixture_are_read(header: str, tmp_path: Path) -> None:
    found = look(tmp_path, OF_A_FIXTURE.format(header=header))
    wrong = (ORIGIN, "talk = Talk(application, '/ws/', headers=headers)")
    assert found == ([wrong] if "cookie" in header else [])


ANSWERED = """
    async def test_more(self):
        guest = client('/ws/')
        self.assertEqual({said})
"""


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("await guest.receive_json_from(), {'votes': 1}", True),
        ("await guest.connect(), (False, 4401)", False),
        ("code, self.away", False),
    ],
)
def test_what_is_answered_is_no_refusal(said: str, wrong: bool, tmp_path: Path) -> None:
    text = HEADERS.format(body="    headers = []") + ANSWERED.format(said=said)
    found = look(tmp_path, text.replace("        assert connected\n", ""))
    line = "return Talk(application, path, headers=headers)"
    assert found == ([(ORIGIN, line)] if wrong else [])


SIGNED = """
class It(TransactionTestCase):
    def signed(self, user=None):
        if user:
            self.client.force_login(user)
        return self.client.cookies

    async def test_it(self):
        {line}
"""


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("self.signed(self.ada)", True),
        ("self.signed()", False),
        ("await sync_to_async(self.signed)(self.ada)", False),
    ],
)
def test_a_helper_that_logs_in_is_no_part_of_a_loop(
    line: str, wrong: bool, tmp_path: Path
) -> None:
    found = look(tmp_path, SIGNED.format(line=line), testclients)
    assert found == ([("test-sync-client-in-async-test", line)] if wrong else [])


NOTE_URLS = """
from django.urls import path
from app.views import note
urlpatterns = [path("notes/<int:pk>/", note, name="note")]
"""
NOTE_VIEW = """
from asgiref.sync import async_to_sync
def note(request, pk):
    async_to_sync(layer.group_send)("notes", {"type": "note"})
"""
NOTE_TEST = """
from django.urls import reverse
class It(TestCase):
    async def test_it(self):
        {line}
"""


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("self.client.post(reverse('note', args=[1]))", True),
        ("self.client.post('/notes/1/')", True),
        ("await self.async_client.post(reverse('note', args=[1]))", False),
        ("self.client.post('/others/1/')", False),
    ],
)
def test_a_view_that_waits_is_no_part_of_a_loop(
    line: str, wrong: bool, tmp_path: Path
) -> None:
    for name, text in (("urls", NOTE_URLS), ("views", NOTE_VIEW)):
        (tmp_path / "app").mkdir(exist_ok=True)
        (tmp_path / "app" / f"{name}.py").write_text(text, encoding="utf-8")
    found = look(tmp_path, NOTE_TEST.format(line=line), testclients)
    assert found == ([("test-sync-client-in-async-test", line)] if wrong else [])


VISITS = """
def logged_in(name):
    visitor = AsyncClient()
    visitor.user = name
    return visitor

class It(TransactionTestCase):
    def setUp(self):
        self.ada = logged_in('ada')

    async def test_it(self):
        {line}
"""


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("self.ada.post('/')", True),
        ("self.async_client.post('/')", True),
        ("answer = self.async_client.get('/'); assert answer.status_code", True),
        ("await self.ada.post('/')", False),
        ("task = asyncio.create_task(self.ada.post('/')); await task", False),
        ("answer = self.ada.get('/'); assert (await answer).status_code", False),
        ("found = {}; found.get('/')", False),
    ],
)
def test_who_asks_for_a_page_waits_for_it(
    line: str, wrong: bool, tmp_path: Path
) -> None:
    text = "from django.test import AsyncClient\n" + VISITS.format(line=line)
    slugs = [slug for slug, _ in look(tmp_path, text)]
    assert slugs == ["test-communicator-call-not-awaited"] * wrong


ASYNC = """
class It(TransactionTestCase):
    async def test_it(self):
        guest = Talk(application, '/ws/', headers=[(b'origin', b'x')])
        await guest.connect()
{body}
"""
CALL = "guest.receive_from()"
LOST = {
    "compared": (f"assert {CALL} == '0'", True),
    "second": (f"self.assertEqual('0', {CALL})", True),
    "parsed": (f"json.loads({CALL})", True),
    "listed": (f"got = [{CALL} for _ in '12']; assert got[0] == '0'", True),
    "indexed": ("assert guest.receive_json_from()['a'] == 1", True),
    "gathered": (f"await asyncio.gather({CALL}, {CALL})", False),
    "gathered-later": (
        f"all = [{CALL} for _ in '12']; await asyncio.gather(*all)",
        False,
    ),
    "gathered-then": (
        f"all = [{CALL}]; got = await asyncio.gather(*all); assert got[0] == '0'",
        False,
    ),
    "one-by-one": (f"all = [{CALL}]; [await one for one in all]", False),
    "one-of-them": (f"all = [{CALL}]; assert await all[0] == '0'", False),
    "task": (f"task = asyncio.create_task({CALL}); await task", False),
    "limited": (f"await asyncio.wait_for({CALL}, 1)", False),
    "chosen": (f"await ({CALL} if self else guest.receive_nothing())", False),
    "handed-on": (f"await self.assert_heard({CALL})", False),
    "awaited": (f"self.assertEqual(await {CALL}, '0')", False),
}


@pytest.mark.parametrize("name", LOST)
def test_a_coroutine_that_is_taken_for_an_answer(name: str, tmp_path: Path) -> None:
    body, wrong = LOST[name]
    lines = "\n".join(f"        {line}" for line in body.split("; "))
    found = [one for one, _ in look(tmp_path, ASYNC.format(body=lines))]
    assert {*found} == ({"test-communicator-call-not-awaited"} if wrong else set())


AWAIT, DATABASE = "test-pytest-without-asyncio-mark", "test-pytest-without-django-db"
QUERY = "def test_it({given}):\n    assert User.objects.count() == 0\n"
CLASS = "class TestIt:\n    async def test_it(self):\n        pass\n"
FIXTURE = "@pytest.fixture{more}\ndef {name}({given}):\n    return User\n"
PYTEST = {
    "class": (CLASS, AWAIT),
    "marked-class": ("@pytest.mark.asyncio\n" + CLASS, None),
    "marked-inside": (CLASS + "    pytestmark = pytest.mark.asyncio\n", None),
    "helper-class": (CLASS.replace("TestIt", "Helper"), None),
    "test-case": (CLASS.replace("TestIt", "TestIt(TransactionTestCase)"), None),
    "query": (QUERY.format(given=""), DATABASE),
    "query-below": (
        "def made():\n    return User.objects.create_user('a')\n\n"
        "def test_it():\n    assert made()\n",
        DATABASE,
    ),
    "query-in-a-thread": (
        "def made():\n    return User.objects.create_user('a')\n\n"
        "@pytest.mark.asyncio\nasync def test_it():\n    await threaded(made)()\n",
        DATABASE,
    ),
    "query-in-class": (
        "class TestIt:\n    def test_it(self):\n"
        "        assert not User.objects.exists()\n",
        DATABASE,
    ),
    "marked": ("@pytest.mark.django_db\n" + QUERY.format(given=""), None),
    "module": (
        "pytestmark = pytest.mark.django_db(transaction=True)\n"
        + QUERY.format(given=""),
        None,
    ),
    "db": (QUERY.format(given="db"), None),
    "own-fixture": (
        FIXTURE.format(name="ada", given="transactional_db", more="()")
        + QUERY.format(given="ada"),
        None,
    ),
    "other-fixture": (
        FIXTURE.format(name="ada", given="", more="") + QUERY.format(given="ada"),
        DATABASE,
    ),
    "for-all": (
        FIXTURE.format(name="_open", given="db", more="(autouse=True)")
        + QUERY.format(given=""),
        None,
    ),
    "used": (
        "@pytest.mark.usefixtures('db')\n" + QUERY.format(given=""),
        None,
    ),
}


@pytest.mark.parametrize("name", PYTEST)
def test_what_pytest_has_to_be_told(name: str, tmp_path: Path) -> None:
    text, slug = PYTEST[name]
    found = look(tmp_path, text)
    assert [one for one, _ in found] == ([slug] if slug else [])
    assert all(line.endswith("):") and "def test_it(" in line for _, line in found)


ADA = "await User.objects.acreate(username='ada')"
CLASSIC = "await database_sync_to_async(User.objects.create_user)('ada')"
STORES = """
@pytest.mark.asyncio
@pytest.mark.django_db{held}
async def test_it({given}):
    {body}
"""
HELPER = "@sync_to_async\ndef made():\n    return User.objects.create(username='a')\n\n"
COUNTS = """
from channels.generic.websocket import AsyncWebsocketConsumer

class Counts(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.send(str(await database_sync_to_async(User.objects.count)()))

@pytest.fixture
def ada(db):
    return User.objects.create_user('ada')

"""
MEETS = "talk = Talk(Counts.as_asgi(), '/'); await talk.connect()"
OUTSIDE = {
    "held": (STORES.format(held="", given="", body=ADA), True),
    "false": (STORES.format(held="(transaction=False)", given="", body=ADA), True),
    "in-a-thread": (STORES.format(held="()", given="", body=CLASSIC), True),
    "by-a-helper": (
        HELPER + STORES.format(held="", given="", body="await made()"),
        True,
    ),
    "prepared": (COUNTS + STORES.format(held="", given="ada", body=MEETS), True),
    "by-the-fixture-alone": (
        COUNTS
        + STORES.format(held="", given="ada", body=MEETS).replace(
            "@pytest.mark.django_db\nasync def test_it(", "async def test_it("
        ),
        True,
    ),
    "prepared-for-none": (
        COUNTS + STORES.format(held="", given="ada", body="pass"),
        False,
    ),
    "told": (STORES.format(held="(transaction=True)", given="", body=ADA), False),
    "by-fixture": (STORES.format(held="", given="transactional_db", body=ADA), False),
    "by-own-fixture": (
        FIXTURE.format(name="ada", given="transactional_db", more="")
        + STORES.format(held="", given="ada", body=ADA),
        False,
    ),
    "for-all": (
        FIXTURE.format(name="_open", given="transactional_db", more="(autouse=True)")
        + STORES.format(held="", given="", body=ADA),
        False,
    ),
    "reads": (
        STORES.format(held="", given="", body="await User.objects.acount()"),
        False,
    ),
    "sync": (
        STORES.format(held="", given="", body=ADA)
        .replace("@pytest.mark.asyncio\n", "")
        .replace("async ", "")
        .replace(ADA, "User.objects.create(username='ada')"),
        False,
    ),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_no_transaction_takes_back(name: str, tmp_path: Path) -> None:
    text, wrong = OUTSIDE[name]
    head = "from asgiref.sync import sync_to_async\n"
    head += "from channels.db import database_sync_to_async\n"
    found = look(tmp_path, head + text, undone)
    slugs = ["test-async-stores-outside-the-transaction"] if wrong else []
    assert [one for one, _ in found] == slugs
    assert all("django_db" in line or "test_it(" in line for _, line in found)


def test_a_list_that_a_check_refuses_is_named_once(tmp_path: Path) -> None:
    """Such checks speak of each of its entries."""
    (tmp_path / "site1").mkdir()
    written = tmp_path / "site1/settings.py"
    written.write_text('DEBUG = True\nCORS_ALLOWED = ["a", "b"]\n', encoding="utf-8")
    told = [
        {"kind": "settings", "module": "site1.settings", "names": ["CORS_ALLOWED"]},
        {
            "kind": "problems",
            "found": [
                {"id": "cors.E1", "level": 40, "text": f"{one} in CORS_ALLOWED is odd"}
                for one in "ab"
            ],
        },
    ]
    seen = Evidence(tmp_path, tmp_path, Told(told), Source(tmp_path, tmp_path))
    assert [one.place for one in checks.rules(seen)] == [("site1/settings.py", 2)]


PAGES = """
from django.contrib.auth.decorators import login_required
from app.models import Upload


@login_required
def page(request):
    upload = Upload(name="a")
    upload.save()
    return Upload.objects.last().name
"""


def test_views_without_a_route_send_nobody_to_a_login(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/views.py").write_text(PAGES, encoding="utf-8")
    (tmp_path / "app/settings.py").write_text('LOGIN_URL = "in"\n', encoding="utf-8")
    doors = {"kind": "doors", "url": "in", "login": False, "got": "NoReverseMatch"}
    for routed, count in (["app.other"], 0), (["app.views"], 1):
        told = [
            {"kind": "settings", "module": "app.settings", "names": ["LOGIN_URL"]},
            {**doors, "modules": routed},
        ]
        seen = Evidence(tmp_path, tmp_path, Told(told), Source(tmp_path, tmp_path))
        assert len([*logins.rules(seen)]) == count


@pytest.mark.parametrize("stores", [True, False])
def test_a_table_with_a_new_row_is_not_empty(stores: bool, tmp_path: Path) -> None:
    model = "from django.db import models\n\n\nclass Upload(models.Model):\n    pass\n"
    text = PAGES if stores else PAGES.replace("    upload.save()\n", "")
    for name, content in ("__init__", ""), ("models", model), ("views", text):
        path = tmp_path / f"app/{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    assert len([*emptytables.rules(seen)]) == (0 if stores else 1)


def test_a_module_of_a_listed_package_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "views.py").write_text("from braces.views import A\n", encoding="utf-8")
    (tmp_path / "requirements.txt").write_text("django-braces==1\n", encoding="utf-8")
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    event = {"text": "No module named 'braces'", "frames": []}
    found = imports.explain_import(seen, event, "urls", ("views.py", 1))
    assert found[:2] == ("install-package-missing", ("views.py", 1))


def test_an_app_in_a_folder_is_no_package_that_lacks(tmp_path: Path) -> None:
    (tmp_path / "apps/orders").mkdir(parents=True)
    for name in "apps/__init__.py", "apps/orders/__init__.py", "apps/orders/signals.py":
        (tmp_path / name).write_text("", encoding="utf-8")
    place = "apps/orders/apps.py", 1
    (tmp_path / place[0]).write_text("import orders.signals\n", encoding="utf-8")
    (tmp_path / "urls.py").write_text("import apps.orders.apps\n", encoding="utf-8")
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    event = {"text": "No module named 'orders'", "frames": []}
    hint = "It is apps.orders.signals in this project."
    wanted = "asgi-any-import-error-is-masked", place, hint
    assert imports.explain_import(seen, event, "apps", place) == wanted


@pytest.mark.parametrize(
    ("backend", "kind", "late", "held"),
    [
        ("core.RedisChannelLayer", "ended", 1.01, True),
        ("core.RedisChannelLayer", "killed", 1.01, False),
        ("core.RedisChannelLayer", "ended", 2.5, False),
        ("pubsub.RedisPubSubChannelLayer", "ended", 1.01, False),
    ],
)
def test_a_layer_that_goes_on_to_ask_is_no_slow_handler(
    backend: str, kind: str, late: float, held: bool, tmp_path: Path
) -> None:
    layers = {"default": {"BACKEND": f"channels_redis.{backend}"}}
    seen = evidence(tmp_path, {}, layers=layers)
    gone = {"kind": "told", "type": "websocket.disconnect", "t": 7.0, "lived": 0.5}
    events = [gone, {"kind": kind, "t": 7.0 + late, "lived": 1.5}]
    client = Client("c1", "/ws/orders/", None, 101)
    found = sockets._ending(seen, None, client, events, ["websocket.disconnect"])
    slug = "consumer-slow-work-in-disconnect"
    assert [one.slug for one in found] == ([] if held else [slug])


@pytest.mark.parametrize(
    ("file", "told", "name", "slug"),
    [
        ("pytest.ini", "[pytest]\npython_files = test_*.py", "spec.py", "never"),
        ("pytest.ini", "[pytest]\npython_files =\n    *spec.py", "spec.py", ""),
        ("pyproject.toml", "python_files = ['*_spec.py', 'spec.py']", "spec.py", ""),
        ("pytest.ini", "DJANGO_SETTINGS_MODULE = site1.asgy", "test_a.py", "module"),
        ("pytest.ini", "DJANGO_SETTINGS_MODULE = site1.asgi", "test_a.py", ""),
        ("pytest.ini", "DJANGO_SETTINGS_MODULE = other.tests", "test_a.py", ""),
    ],
)
def test_what_pytest_is_told(
    file: str, told: str, name: str, slug: str, tmp_path: Path
) -> None:
    (tmp_path / "app/tests").mkdir(parents=True)
    (tmp_path / file).write_text(told, encoding="utf-8")
    (tmp_path / "site1").mkdir()
    (tmp_path / "site1/__init__.py").write_text("", encoding="utf-8")
    test = "import pytest\ndef test_it():\n    assert 1\n"
    (tmp_path / f"app/tests/{name}").write_text(test, encoding="utf-8")
    found = [one for one, _ in look(tmp_path, "", testclients)]
    slugs = {"never": "test-never-run", "module": "settings-module-misspelled"}
    assert found == ([slugs[slug]] if slug else [])

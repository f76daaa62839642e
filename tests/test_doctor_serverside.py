"""What the server's side gets wrong without a word: rows, users, commands, settings."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from test_doctor_lists import look
from test_doctor_unseen import changed

from tutor import doctor
from tutor.doctor.rules.access import logins
from tutor.doctor.rules.consumers import scopes
from tutor.doctor.rules.database import unstored
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.python import arity, namely
from tutor.doctor.rules.suites import (
    livetests,
    parsing,
    prepared,
    testing,
    unawaited,
)

Change = tuple[str, str | None, str | None]

CONSUMERS = "master_app/consumers.py"
ROUTING = "master_app/routing.py"
SETTINGS = "webapp/settings.py"
SESSION = "    'django.contrib.sessions.middleware.SessionMiddleware',"
READINGS = "master_app/readings.py"

MODELS = """
from django.contrib.auth.models import AbstractUser
from django.db import models


class Member(AbstractUser):
    pass


class Note(models.Model):
    text = models.TextField()

    def as_dict(self):
        return {"text": self.text}
"""
HEAD = """
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from app.models import Member, Note


def shown(note):
    return {"id": note.pk, "text": note.text}


"""
UNSTORED = [
    ("Note(text=text)", True),
    ("note = Note(text=text)", True),
    ("note = Note(text=text)\n    return note.pk", True),
    ("note = Note(text=text)\n    note.text = text.strip()\n    return None", True),
    ("note = Note(text=text)\n    return {'id': note.pk, 'text': note.text}", True),
    ("note = Note(text=text)\n    return shown(note)", True),
    ("note = Note(text=text)\n    later(lambda: tell(shown(note)))", True),
    ("Note(text=text).save()", False),
    ("note = Note(text=text)\n    note.save()", False),
    ("note = Note(text=text)\n    return note", False),
    ("note = Note(text=text)\n    Note.objects.bulk_create([note])", False),
    ("note = Note(text=text)\n    return note.as_dict()", False),
    ("note = Note(text=text)\n    store(note)", False),
    ("note = Note(text=text)\n    note.save", False),
    ("note = Note(text='') if text else Note()\n    return note.text", False),
    ("note = Note.objects.create(text=text)\n    return shown(note)", False),
    ("User.objects.create_user(username=name)", False),
    ("user = User.objects.get(username=name)\n    print(user.email)", False),
]
SIGNUP = [
    ("User.objects.create(username=name, password=word)", True),
    ("get_user_model().objects.create(username=name, password=word)", True),
    ("Member.objects.create(username=name, password=form['password'])", True),
    ("user = User(username=name, password=word)\n    user.save()", True),
    ("User.objects.create_user(name, password=word)", False),
    ("User.objects.create(username=name, password=make_password(word))", False),
    ("user = User(username=name, password=word)\n    user.set_password(word)", False),
    ("Note.objects.create(text=name, password=word)", False),
    ("User.objects.create(username=name)", False),
]


COMMAND = """
from django.core.management.base import BaseCommand


class {name}(BaseCommand):
    def handle({takes}):
        self.stdout.write("done")
"""


@pytest.mark.parametrize(
    ("name", "takes", "file", "slug"),
    [
        ("Command", "self, *args, **options", "send", ""),
        ("Command", "self, count, **options", "send", ""),
        ("Command", "self, *args", "send", "python-arguments-differ"),
        ("Command", "self, options", "send", "python-arguments-differ"),
        ("Send", "self, *args, **options", "send", "python-name-not-defined"),
        ("Send", "self, *args, **options", "_base", ""),
    ],
)
def test_a_command_that_django_cannot_call(
    name: str, takes: str, file: str, slug: str, tmp_path: Path
) -> None:
    text = COMMAND.format(name=name, takes=takes)
    files = {f"app/management/commands/{file}.py": text}
    assert [one for one, _ in look(tmp_path, arity, **files)] == [slug] * bool(slug)


TALK = """
from channels.testing import WebsocketCommunicator
from django.test import TransactionTestCase


async def ask(guest, message):
    {asks}
    return await guest.receive_json_from()


class It(TransactionTestCase):
    async def test_it(self):
        guest = WebsocketCommunicator(application, "/ws/")
        connected, code = await guest.connect()
        {asserts}
        answer = await ask(guest, {"type": "hello"})
        {hears}
"""
RIGHT = {
    "asks": "await guest.send_json_to(message)",
    "asserts": "assert connected, code",
    "hears": "self.assertEqual(answer['type'], 'welcome')",
}


@pytest.mark.parametrize(
    ("module", "part", "spelt", "slug"),
    [
        (parsing, "asks", RIGHT["asks"], ""),
        (parsing, "asks", "await guest.send_to(message)", "consumer-dict-payload"),
        (parsing, "asks", "await guest.send_to(text_data=str(message))", ""),
        (
            testing,
            "asserts",
            "assert (connected, code)",
            "test-asserts-the-connect-tuple",
        ),
        (testing, "asserts", "assert (connected)", ""),
        (testing, "asserts", "assert (code, 'none')", "test-asserts-the-connect-tuple"),
        (testing, "asserts", "assert (RIGHT, 'none')", ""),
        (
            unawaited,
            "hears",
            "more = other.receive_json_from(); self.assertEqual(more['id'], 1)",
            "test-communicator-call-not-awaited",
        ),
        (unawaited, "hears", "later = gather(other.receive_json_from())", ""),
    ],
)
def test_a_test_of_a_socket(
    module: ModuleType, part: str, spelt: str, slug: str, tmp_path: Path
) -> None:
    text = TALK
    for name, usual in RIGHT.items():
        text = text.replace(f"{{{name}}}", spelt if name == part else usual)
    found = look(tmp_path, module, **{"app/tests/test_it.py": text})
    assert [one for one, _ in found] == [slug] * bool(slug)


def lines(module: ModuleType, body: str, folder: Path, file: str) -> list[str]:
    """The slugs that one module finds in a function of the app."""
    text = f"{HEAD}def given(name, word, form, text):\n    {body}\n"
    files = {"app/__init__.py": "", "app/models.py": MODELS, file: text}
    return [slug for slug, _ in look(folder, module, **files)]


@pytest.mark.parametrize(("body", "wrong"), UNSTORED)
def test_a_row_that_nobody_saves_is_named(
    body: str, wrong: bool, tmp_path: Path
) -> None:
    found = lines(unstored, body, tmp_path, "app/work.py")
    assert found == ["db-row-never-saved"] * wrong


@pytest.mark.parametrize(("body", "wrong"), SIGNUP)
def test_a_password_that_nobody_hashes_is_named(
    body: str, wrong: bool, tmp_path: Path
) -> None:
    found = lines(logins, body, tmp_path, "app/views.py")
    assert found == ["auth-password-not-hashed"] * wrong


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("User.objects.create(username='a', password='x'); c.login(username=1)", True),
        ("User.objects.create(username='a', password='x'); page.fill('x')", True),
        ("User.objects.create(username='a', password='x'); c.force_login(1)", False),
    ],
)
def test_a_test_may_have_no_need_of_a_password(
    body: str, wrong: bool, tmp_path: Path
) -> None:
    found = lines(logins, body, tmp_path, "app/tests/test_it.py")
    assert found == ["auth-password-not-hashed"] * wrong


VIEWS = """
from django.shortcuts import render


def may(user):
    return user.is_staff


def fresh(request):
    return request.GET.get("page") and request.user.is_staff


def page(request):
    if {asks}:
        return render(request, "page.html")
"""


@pytest.mark.parametrize(
    ("asks", "wrong"),
    [
        ("may(request)", True),
        ("request.is_authenticated", True),
        ("request.username == 'ann'", True),
        ("may(request.user)", False),
        ("request.user.is_authenticated", False),
        ("fresh(request)", False),
    ],
)
def test_a_request_that_is_taken_for_its_user(
    asks: str, wrong: bool, tmp_path: Path
) -> None:
    found = look(tmp_path, namely, **{"app/views.py": VIEWS.replace("{asks}", asks)})
    assert [one for one, _ in found] == ["python-attribute-misspelled"] * wrong


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ("user.has_perm('publish')", True),
        ("user.has_perm('app.publish')", False),
        ("user.has_perm(name)", False),
        ("user.has_perm('change', name)", False),
        ("user.has_perm('x')\n\nclass Own:\n    def has_perm(self, x): ...", False),
        ("user.has_perms(['publish'])", False),
    ],
)
def test_a_permission_of_no_app(asked: str, wrong: bool, tmp_path: Path) -> None:
    text = f"def may(user, name):\n    return {asked}\n"
    found = look(tmp_path, namely, **{"app/rights.py": text})
    assert found == [(None, 2)] * wrong


LIVE = """
from channels.testing import ChannelsLiveServerTestCase


class It(ChannelsLiveServerTestCase):
    def {setup}(self):
        self.page = None

    def test_it(self):
        self.page.goto({url})
"""


@pytest.mark.parametrize(
    ("setup", "url", "slugs"),
    [
        ("setUp", "self.live_server_url", []),
        ("setUp", "f'{self.live_server_url}/http://localhost:8000'", []),
        ("setUp", "'http://localhost:8000/'", [None]),
        ("setup", "self.live_server_url", ["test-setuptestdata-never-called"]),
        ("set_up", "self.live_server_url", ["test-setuptestdata-never-called"]),
    ],
)
def test_a_live_test(
    setup: str, url: str, slugs: list[str | None], tmp_path: Path
) -> None:
    text = LIVE.replace("{setup}", setup).replace("{url}", url)
    files = {"app/tests/test_live.py": text}
    found = [*look(tmp_path, livetests, **files), *look(tmp_path, prepared, **files)]
    assert [slug for slug, _ in found] == slugs


QUERY = """
from urllib.parse import parse_qs
from channels.generic.websocket import WebsocketConsumer


class Room(WebsocketConsumer):
    def connect(self):
        query = parse_qs(self.scope["query_string"].decode())
        {line}
        self.accept()
"""


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("since = int(query['since'])", True),
        ("self.rows = self.rows.filter(room=query.get('room'))", True),
        ("name = query.get('name', ''); self.ok = name == 'ann'", True),
        ("since = int(query['since'][0])", False),
        ("self.rows = self.rows.filter(room__in=query.get('room'))", False),
        ("name = query.get('name', [''])[0]; self.ok = name == 'ann'", False),
        ("self.ok = query == 'ann'", False),
    ],
)
def test_a_query_has_a_list_for_each_name(
    line: str, wrong: bool, tmp_path: Path
) -> None:
    found = look(tmp_path, scopes, **{"app/room.py": QUERY.replace("{line}", line)})
    assert [one for one, _ in found] == [None] * wrong


@pytest.mark.parametrize(
    "got",
    [
        "AttributeError: 'QuerySet' object has no attribute 'name'",
        "TypeError: 'RelatedManager' object is not iterable",
        "TypeError: Cannot filter a query once a slice has been taken.",
        "TypeError: 'InMemoryChannelLayer' object is not callable",
        "django.core.exceptions.PermissionDenied",
    ],
)
def test_what_is_in_no_list_is_explained(got: str) -> None:
    assert namely.named(Found(None, got, ("app/consumers.py", 3))).hint


@pytest.mark.parametrize(
    ("got", "slug"),
    [
        ("TypeError: Random.randint() missing 1 required positional argument: 'b'", 1),
        ("TypeError: get() got an unexpected keyword argument 'defualt'", 1),
        ("TypeError: store.<locals>.<lambda>() missing 1 required argument: 'it'", 1),
        ("AttributeError: 'User' object has no attribute 'is_admin'", 2),
        ("TypeError: deque.popleft() takes no arguments (1 given)", 1),
        ("TypeError: unsupported operand type(s) for +: 'int' and 'str'", None),
        ("AttributeError: 'set' object has no attribute 'append'", 2),
        ("AttributeError: 'list' object has no attribute 'add'", 2),
        ("AttributeError: 'list' object has no attribute 'room'", None),
    ],
)
def test_what_only_an_exception_tells_has_a_name(got: str, slug: int | None) -> None:
    names = {1: "python-arguments-differ", 2: "python-attribute-misspelled", None: None}
    told = namely.named(Found(None, got, ("app/consumers.py", 3)))
    assert told.slug == names[slug]
    known = Found("db-field-unknown", got, ("app/consumers.py", 3))
    assert namely.named(known) == known


# Small edits of the checkpoints: the step, what is named first, where, and the edits.
EDITED: list[tuple[int, str | None, str, tuple[Change, ...]]] = [
    (
        6,
        "consumer-text-key-misspelled",
        CONSUMERS,
        (
            (
                CONSUMERS,
                "{'type': 'websocket.accept'}",
                "{'type': 'websocket.accept', 'text': '0'}",
            ),
        ),
    ),
    (
        10,
        None,
        ROUTING,
        ((ROUTING, "ReadingsConsumer.as_asgi()", "PracticeConsumer.as_asgi()"),),
    ),
    (
        12,
        "origin-validator-without-list",
        "webapp/asgi.py",
        (
            (
                "webapp/asgi.py",
                "settings.ALLOWED_ORIGINS or settings.ALLOWED_HOSTS",
                "[settings.ALLOWED_HOSTS]",
            ),
        ),
    ),
    (
        13,
        "consumer-model-read-like-dict",
        CONSUMERS,
        ((READINGS, "[message(reading) for", "[reading for"),),
    ),
    (
        10,
        "group-wrong-channel-joined",
        CONSUMERS,
        ((CONSUMERS, "add(readings.GROUP, self.channel_name)", "add('all', self)"),),
    ),
    (
        12,
        "auth-middleware-order",
        SETTINGS,
        (
            (SETTINGS, f"{SESSION}\n", ""),
            (
                SETTINGS,
                ".AuthenticationMiddleware',\n",
                f".AuthenticationMiddleware',\n{SESSION}\n",
            ),
        ),
    ),
    (
        12,
        "client-page-not-there",
        SETTINGS,
        ((SETTINGS, "LOGIN_REDIRECT_URL = '/'", "LOGIN_REDIRECT_URL = '/home/'"),),
    ),
    (
        12,
        "settings-path-misspelled",
        SETTINGS,
        ((SETTINGS, "LOGIN_RE", "AUTH_USER_MODEL = 'master_app.User'\nLOGIN_RE"),),
    ),
    (
        12,
        "python-attribute-misspelled",
        "master_app/views.py",
        (
            (
                "master_app/views.py",
                "readings.may_publish(request.user),",
                "request.user.is_stuff,",
            ),
        ),
    ),
    (
        12,
        "load-set-changes-while-iterated",
        "master_app/sessions.py",
        (("master_app/sessions.py", "look(list(here))", "look(here)"),),
    ),
    (
        12,
        "group-never-joined",
        CONSUMERS,
        (
            (
                CONSUMERS,
                "[readings.GROUP, *sessions.groups(self.scope)]",
                "[readings.GROUP]",
            ),
        ),
    ),
    (
        14,
        "group-taken-for-a-channel",
        "master_app/jobs.py",
        (("master_app/jobs.py", "layer('jobs').send(", "layer('jobs').group_send("),),
    ),
    (
        13,
        "python-function-not-called",
        CONSUMERS,
        ((CONSUMERS, "await readings.newest()", "readings.newest"),),
    ),
    (
        13,
        "db-object-expected",
        READINGS,
        (
            (
                READINGS,
                "return Reading.objects.aggregate(last=Max('id', default=0))['last']",
                "first = Reading.objects.get_or_create(value=1)\n    return first.id",
            ),
        ),
    ),
]


@pytest.mark.parametrize(
    ("step", "slug", "file", "changes"), EDITED, ids=[str(one[1]) for one in EDITED]
)
def test_a_small_edit_is_named_first(
    step: int, slug: str | None, file: str, changes: tuple[Change, ...], tmp_path: Path
) -> None:
    found = doctor.diagnose(changed(step, changes, tmp_path / "project")).findings
    assert [(one.slug, one.file) for one in found[:1]] == [(slug, file)], found

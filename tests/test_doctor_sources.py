"""What the rules make of tests and of events, in other spellings and in right ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor.doctor.child import Told
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers import reading
from tutor.doctor.rules.groups import spreading
from tutor.doctor.rules.suites import (
    communicators,
    isolation,
    listening,
    marks,
    parsing,
    testcases,
    unawaited,
)
from tutor.doctor.source import Source

FILES = {
    "site1/__init__.py": "",
    "app/__init__.py": "",
    "app/consumers.py": """
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer


class Room(AsyncWebsocketConsumer):
    async def connect(self):
        self.room = self.scope["url_route"]["kwargs"]["room"]
        await self.accept()


class Greets(WebsocketConsumer):
    def connect(self):
        self.accept()
        self.send(text_data="welcome")


class Silent(WebsocketConsumer):
    def connect(self):
        if self.scope.get("user"):
            self.send("welcome")
        self.accept()


class Own(WebsocketConsumer):
    def connect(self):
        if self.scope["user"].is_authenticated:
            self.accept()
""",
    "app/routing.py": """
from django.urls import path
from app.consumers import Own, Silent

SOCKETS = [path("ws/own/", Own.as_asgi()), path("ws/silent/", Silent.as_asgi())]
""",
    "app/tests/__init__.py": "",
}
LEAVES = [
    {
        "sample": f"/ws/{name.lower()}/",
        "is": "consumer",
        "consumer": f"app.consumers.{name}",
        "steps": [{"regex": f"^ws/{name.lower()}/\\Z", "names": []}],
    }
    for name in ("Room", "Greets", "Silent", "Own")
]
MEMORY = 'L = {"BACKEND": "channels.layers.InMemoryChannelLayer"}\n'
ALONE = MEMORY + 'CHANNEL_LAYERS = {"default": L}\n'
REDIS = (
    'CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}'
)
ASKED = (communicators, unawaited, listening, testcases, marks, spreading, parsing)
ASKED += (reading, isolation)
BACKEND = {"BACKEND": "channels.layers.InMemoryChannelLayer"}


def look(tmp_path: Path, files: dict[str, str]) -> list[tuple[str | None, str | None]]:
    """What is found in a project with these files: slugs, and the marked lines."""
    for name, text in {**FILES, **files}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    settings = {
        "kind": "settings",
        "module": "site1.settings",
        "layers": {"default": BACKEND},
        "names": [],
    }
    seen = Evidence(
        tmp_path,
        tmp_path,
        Told([settings]),
        Source(tmp_path, tmp_path),
        Told([{"kind": "walk", "leaves": LEAVES}]),
    )
    found = [one for module in ASKED for one in module.rules(seen)]
    lines = []
    for one in found:
        file, line = one.place
        text = (tmp_path / str(file)).read_text("utf-8").splitlines()[(line or 1) - 1]
        lines.append((one.slug, "here" if "# here" in text else text))
    return lines


TEST = "app/tests/test_it.py"
HEAD = """
import asyncio
import json
import pytest
from channels.testing import WebsocketCommunicator as Talk
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.test import TransactionTestCase
from app import consumers
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from app.consumers import Room, Greets, Silent
from app.routing import SOCKETS
from site1.asgi import application

User = get_user_model()


class Tests(TransactionTestCase):
    async def test_it(self):
"""

WRONG = {
    "test-arguments-like-httpcommunicator": """
        talk = Talk(application, path="GET", headers="/ws/room/")  # here
""",
    "python-arguments-differ": """
        talk = Talk(application, "/ws/room/", header=[(b"origin", b"x")])  # here
""",
    "test-consumer-without-urlrouter": """
        talk = Talk(consumers.Room.as_asgi(), "/ws/room/")  # here
        await talk.connect()
""",
    "test-consumer-without-urlrouter/in-a-stack": """
        alone = AuthMiddlewareStack(Room.as_asgi())
        talk = Talk(alone, "/ws/room/")  # here
        await talk.connect()
""",
    "test-consumer-without-urlrouter/nobody-says-who": """
        talk = Talk(URLRouter(SOCKETS), "/ws/own/")  # here
        await talk.connect()
""",
    "test-communicator-without-such-method/entered": """
        async with Talk(application, "/ws/silent/") as talk:  # here
            pass
""",
    "consumer-json-not-parsed": """
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
        said = await talk.receive_from()
        assert said["kind"] == "new"  # here
""",
    "consumer-json-not-parsed/equal": """
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
        self.assertEqual(await talk.receive_from(), {"kind": "new"})  # here
""",
    "test-consumer-without-urlrouter/too-late": """
        talk = Talk(URLRouter(SOCKETS), "/ws/own/")  # here
        await talk.connect()
        talk.scope["user"] = self.user
""",
    "test-path-without-route": """
        talk = Talk(URLRouter(SOCKETS), "/ws/silent")  # here
        await talk.connect()
""",
    "test-path-without-route/of-a-row": """
        talk = Talk(URLRouter(SOCKETS), f"/ws/silence/{self.row.pk}/")  # here
        await talk.connect()
""",
    "test-forgets-the-greeting": """
        talk = Talk(application, "/ws/greets/")
        assert (await talk.connect())[0]
        await talk.send_json_to({"a": 1})
        assert await talk.receive_json_from(timeout=3) == {"a": 1}  # here
""",
    "test-forgets-the-greeting/alone": """
        self.talk = Talk(Greets.as_asgi(), "/")
        await self.talk.connect()
        await self.talk.send_to("hello")
        answer = await self.talk.receive_from()  # here
        self.assertEqual(answer, "hello")
""",
    "test-communicator-without-such-method": """
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
        await talk.send_json({"a": 1})  # here
""",
    "test-sends-empty-text": """
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
        await talk.send_to("")  # here
""",
    "test-communicator-dead-after-timeout": """
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
        try:
            await talk.receive_from(timeout=0.1)  # here
        except asyncio.TimeoutError:
            pass
        await talk.send_to(text_data="hello")
""",
    "test-communicator-dead-after-timeout/raises": """
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
        with pytest.raises((ValueError, TimeoutError)):
            await talk.receive_json_from()  # here
        await talk.disconnect()
""",
    "test-broadcast-before-join": """
        layer = get_channel_layer()
        await layer.group_send("room", {"type": "said"})  # here
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
        assert await talk.receive_from() == "said"
""",
    "test-orm-called-synchronously": """
        User.objects.create(username="ada")  # here
""",
    "consumer-await-on-no-coroutine": """
        talk = await self.guest()  # here

    def guest(self):
        return Talk(application, "/ws/silent/")
""",
    "python-function-not-called": """
        talk = Talk(application, "/ws/silent/")
        connected, _ = await talk.connect  # here
""",
    "db-wrapper-around-the-result": """
        await sync_to_async(self.row.save())  # here
""",
    "consumer-json-not-parsed/later": """
        talk = Talk(application, "/ws/silent/")
        answer = await talk.receive_from()
        self.assertEqual(answer["a"], 1)  # here
""",
    "consumer-json-not-parsed/compared": """
        talk = Talk(application, "/ws/silent/")
        assert await talk.receive_from(3) == {"a": 1}  # here
""",
    "consumer-dict-payload": """
        talk = Talk(application, "/ws/silent/")
        message = {"a": 1}
        await talk.send_to(text_data=message)  # here
""",
    "consumer-json-encoded-twice": """
        text = json.dumps({"a": 1})
        talk = Talk(application, "/ws/silent/")
        await talk.send_json_to(text)  # here
""",
    "test-text-compared-with-number": """
        talk = Talk(application, "/ws/silent/")
        number = await talk.receive_from()
        self.assertTrue(0 <= number <= 100)  # here
""",
    "test-text-compared-with-number/received-by-a-helper": """
        talk = Talk(application, "/ws/silent/")
        self.assertEqual(7, await self.heard(talk))  # here

    async def heard(self, talk):
        return await talk.receive_from()
""",
}

RIGHT = {
    "parsed": """
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
        assert (await talk.receive_json_from())["kind"] == "new"
        said = await talk.receive_from()
        assert said[0] == "{"
        assert said == '{"kind": "new"}'
        self.assertEqual(await talk.receive_json_from(), {"kind": "new"})
""",
    "scope-filled": """
        talk = Talk(Room.as_asgi(), "/ws/room/")
        talk.scope["url_route"] = {"kwargs": {"room": "a"}}
""",
    "user-put-there": """
        talk = Talk(URLRouter(SOCKETS), "ws/own/?page=2")
        talk.scope["user"] = User(username="ada")
""",
    "user-by-the-stack": """
        talk = Talk(AuthMiddlewareStack(URLRouter(SOCKETS)), "/ws/own/")
""",
    "perhaps-a-route": """
        talk = Talk(URLRouter(SOCKETS), f"/ws/{self.name}/")
        await talk.connect()
""",
    "no-route-on-purpose": """
        talk = Talk(URLRouter(SOCKETS), "/ws/nowhere/")
        with self.assertRaises(ValueError):
            await talk.connect()
""",
    "greeting-received": """
        talk = Talk(application, "/ws/greets/")
        await talk.connect()
        await talk.receive_from()
        await talk.send_to("hello")
        assert await talk.receive_from() == "hello"
""",
    "greeting-received-later": """
        talk = Talk(application, "/ws/greets/")
        await talk.connect()
        await talk.send_to("hello")
        await talk.receive_from()
        assert await talk.receive_from() == "hello"
""",
    "greeting-expected": """
        talk = Talk(application, "/ws/greets/")
        await talk.connect()
        await talk.send_to("hello")
        assert await talk.receive_from() == "welcome"
""",
    "no-greeting": """
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
        await talk.send_to("hello")
        assert await talk.receive_from() == "hello"
""",
    "empty-on-purpose": """
        talk = Talk(application, "/ws/silent/")
        with self.assertRaises(AssertionError):
            await talk.send_to("")
""",
    "ends-with-a-timeout": """
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
        with pytest.raises(asyncio.TimeoutError):
            await talk.receive_from(timeout=0.1)
""",
    "a-new-one-after-a-timeout": """
        talk = Talk(application, "/ws/silent/")
        with pytest.raises(TimeoutError):
            await talk.receive_from()
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
""",
    "another-raises": """
        talk = Talk(application, "/ws/silent/")
        with self.assertRaises(ValueError):
            await talk.receive_from()
        await talk.send_to("a")
""",
    "joined-first": """
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
        await get_channel_layer().group_send("room", {"type": "said"})
        await talk.receive_from()
""",
    "nobody-is-to-hear": """
        await get_channel_layer().group_send("room", {"type": "said"})
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
        assert await talk.receive_nothing()
""",
    "asynchronous-queries": """
        await User.objects.acreate(username="ada")
        assert [u async for u in User.objects.all()]
""",
    "read-as-what-it-is": """
        talk = Talk(application, "/ws/silent/")
        text = await talk.receive_from()
        assert text[0] == "a" and text in ["a", "b"] and len(text) == 1
        assert int(await talk.receive_from()) in range(9)
        assert json.loads(await talk.receive_from())["a"] == 1
        await talk.send_to(text_data=json.dumps({"a": 1}))
        await talk.send_json_to({"a": json.dumps([])})
""",
    "in-a-function-of-its-own": """
        def make():
            return User.objects.create(username="ada")
        await asyncio.to_thread(make)
        await sync_to_async(self.row.save)(update_fields=["a"])
""",
}


def test_a_plain_test_awaits_nothing(tmp_path: Path) -> None:
    text = (
        HEAD.replace("async def", "def")
        + """
        talk = Talk(application, "/ws/silent/")
        connected, _ = talk.connect()  # here
        self.assertTrue(connected)
"""
    )
    slug = "test-communicator-call-not-awaited"
    assert look(tmp_path, {TEST: text}) == [(slug, "here")]


LEAVES_AND_ASKS = """
        talk = Talk(application, "/ws/silent/")
        await talk.connect()
        await talk.disconnect()
        assert await User.objects.acount() == 0  # here
"""


@pytest.mark.parametrize("kind", ["TestCase", "TransactionTestCase"])
def test_a_consumer_that_ends_closes_the_transaction(kind: str, tmp_path: Path) -> None:
    text = HEAD.replace("TransactionTestCase", kind) + LEAVES_AND_ASKS
    wrong = [("test-testcase-with-database-consumer", "here")]
    found = look(tmp_path, {TEST: text})
    assert found == (wrong if kind == "TestCase" else [])


CLIENTS = """
from contextlib import asynccontextmanager
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.test import TransactionTestCase

class Visitors(TransactionTestCase):  # here
    def setUp(self):
        self.ada = new("ada")

def new(name):
    return get_user_model().objects.create_user(name)

@asynccontextmanager
async def entered(path):
    guest = WebsocketCommunicator(application, path)
    yield guest
    await guest.disconnect()
"""
VISITS = """
from app.tests.clients import Visitors, entered

class Visits(Visitors):
    async def test_one(self):
        async with entered("/ws/silent/"):
            pass

    async def test_two(self):
        pass
"""


@pytest.mark.parametrize("kind", ["TestCase", "TransactionTestCase"])
def test_what_prepares_each_test_asks_the_next(kind: str, tmp_path: Path) -> None:
    clients = CLIENTS.replace("TransactionTestCase", kind)
    wrong = [("test-testcase-with-database-consumer", "here")]
    found = look(tmp_path, {TEST: VISITS, "app/tests/clients.py": clients})
    assert found == (wrong if kind == "TestCase" else [])


@pytest.mark.parametrize("name", WRONG)
def test_a_test_that_is_wrong_is_named(name: str, tmp_path: Path) -> None:
    found = look(tmp_path, {TEST: HEAD + WRONG[name]})
    assert found == [(name.partition("/")[0], "here")]


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_found_in_a_test_that_is_right(name: str, tmp_path: Path) -> None:
    assert look(tmp_path, {TEST: HEAD + RIGHT[name]}) == []


BARE = "async def test_it():  # here\n    assert 1\n"
MARK = "import pytest\n\n\n@pytest.mark.asyncio\n"
ALL = "import pytest\npytestmark = [pytest.mark.anyio]\n"
MARKED = {
    "bare": ({TEST: BARE}, True),
    "marked": ({TEST: MARK + BARE}, False),
    "module": ({TEST: ALL + BARE}, False),
    "mode": ({TEST: BARE, "pytest.ini": "[pytest]\nasyncio_mode = auto\n"}, False),
    "helper": ({TEST: BARE.replace("test_it", "make")}, False),
    "no-test-file": ({"app/tests/helpers.py": BARE}, False),
}


@pytest.mark.parametrize("name", MARKED)
def test_pytest_awaits_nothing_by_itself(name: str, tmp_path: Path) -> None:
    files, wrong = MARKED[name]
    found = [("test-pytest-without-asyncio-mark", "here")] if wrong else []
    assert look(tmp_path, files) == found


COMMAND = """
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.management.base import BaseCommand
from app.tell import tell


class Command(BaseCommand):
    def handle(self, **options):
        tell("a")
"""
TELL = """
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer


async def send(text):
    await get_channel_layer().group_send("room", {"type": "said", "text": text})


def tell(text):
    async_to_sync(send)(text)
"""
TASK = """
from celery import shared_task
from app.tell import tell


@shared_task(bind=True)
def later(self):
    tell("a")
"""
ELSEWHERE = "layer-inmemory-from-another-process"
SEVERAL = "layer-inmemory-several-processes"
SCRIPT = "from app.tell import tell\nif __name__ == '__main__':\n    tell('a')\n"
NAMED = "app/management/commands/say.py"
PROCESSES = {
    "command": ({NAMED: COMMAND, "site1/settings.py": ALONE}, ELSEWHERE),
    "script": ({"push.py": SCRIPT, "site1/settings.py": ALONE}, ELSEWHERE),
    "task": ({"app/tasks.py": TASK, "site1/settings.py": ALONE}, ELSEWHERE),
    "with-redis-elsewhere": (
        {NAMED: COMMAND, "site1/settings.py": ALONE, "site1/production.py": REDIS},
        None,
    ),
    "chosen": (
        {
            NAMED: COMMAND,
            "site1/settings.py": f"import os\n{MEMORY}"
            'CHANNEL_LAYERS = {"default": OTHER if os.environ.get("A") else L}\n',
        },
        None,
    ),
    "called-by-the-server": (
        {
            NAMED: COMMAND,
            "site1/settings.py": ALONE,
            "app/views.py": "from django.core.management import call_command\n"
            "def say(request):\n    call_command('say')\n",
        },
        None,
    ),
    "silent-command": (
        {NAMED: COMMAND.replace('tell("a")', "pass"), "site1/settings.py": ALONE},
        None,
    ),
    "workers": (
        {
            "site1/settings.py": ALONE,
            "Procfile": "web: uvicorn site1.asgi:application --workers 4\n",
        },
        SEVERAL,
    ),
    "gunicorn": (
        {
            "site1/settings.py": ALONE,
            "docker/run.sh": "gunicorn -w 2 -k uvicorn.workers.UvicornWorker a.asgi",
        },
        SEVERAL,
    ),
    "compose": (
        {
            "site1/settings.py": ALONE,
            "compose.yaml": "services:\n  web:\n    command:\n      - uvicorn\n"
            "      - site1.asgi:application\n      - --workers\n      - '4'\n",
        },
        SEVERAL,
    ),
    "an image": (
        {
            "site1/settings.py": ALONE,
            "Dockerfile": 'CMD ["gunicorn", "site1.asgi", "-w", "3"]\n',
        },
        SEVERAL,
    ),
    "supervisor": (
        {
            "site1/settings.py": ALONE,
            "deploy/app.conf": "[program:asgi]\nnumprocs=4\ncommand=daphne -u x a:b\n",
        },
        SEVERAL,
    ),
    "one-worker": (
        {
            "site1/settings.py": ALONE,
            "Procfile": "web: uvicorn site1.asgi:application --workers 1\n",
        },
        None,
    ),
    "pages-only": (
        {"site1/settings.py": ALONE, "Procfile": "web: gunicorn -w 4 site1.wsgi\n"},
        None,
    ),
}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_layer_in_memory_is_one_process_s_own(name: str, tmp_path: Path) -> None:
    files, slug = PROCESSES[name]
    more = {"app/tell.py": TELL, "app/management/__init__.py": ""}
    found = look(tmp_path, {**more, **files})
    assert [one for one, _ in found] == ([slug] if slug else [])


UNPACKED, KEYS = "redis-message-not-serialisable", "redis-non-string-dict-keys"
EVENTS: dict[str, tuple[str, str]] = {
    '{"type": "said", "at": timezone.now()}  # here': (UNPACKED, "in place"),
    '{"type": "said", "all": [Decimal("1.5")]}  # here': (UNPACKED, "in a list"),
    '{"type": "said", "to": {1, 2}}  # here': (UNPACKED, "a set"),
    '{"type": "said", "by": {1: "a"}}  # here': (KEYS, "a number"),
    '{"type": "said", "by": {one.pk: one.name for one in all}}  # here': (KEYS, "keys"),
    '{"type": "said", "at": timezone.now().isoformat()}': ("", "a text"),
    '{"type": "said", "at": str(uuid4()), "by": {"1": [1, 2.5, None]}}': ("", "plain"),
    'dict(type="said", id=uuid4())  # here': (UNPACKED, "made by dict()"),
    "made()": (UNPACKED, "made by a function"),
}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("settings", [REDIS, ALONE])
def test_redis_packs_plain_data_only(event: str, settings: str, tmp_path: Path) -> None:
    text = f"""
from datetime import datetime
from decimal import Decimal
from uuid import uuid4
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.utils import timezone


def made():
    event = {{"type": "said"}}
    event["at"] = datetime.now(){"  # here" if event == "made()" else ""}
    return event


def tell(all):
    event = {event}
    async_to_sync(get_channel_layer().group_send)("room", event)
"""
    slug = EVENTS[event][0] if settings == REDIS else ""
    found = look(tmp_path, {"app/tell.py": text, "site1/settings.py": settings})
    assert found == ([(slug, "here")] if slug else [])

"""Mistakes of a fresh batch that were not recognised at first sight.

What was missing each time: what a helper of the tests gives, what a view gives a
template, models that travel through an event, old files that nobody imports, and
what a server's command line means.
"""

from __future__ import annotations

from shapes import Change

CHAT, ROOM = "chat/consumers.py", "chat/templates/chat/room.html"
VIEWS, ROUTES, TESTS = "chat/views.py", "chat/routing.py", "chat/tests/test_chat.py"
HUB_CHAT, SERVICES = "apps/chat/consumers.py", "apps/chat/services.py"
PROD = "config/settings/prod.py"

GREETS = (
    "        await self.accept()\n",
    "        await self.accept()\n"
    "        await self.send(text_data=json.dumps({'message': 'welcome'}))\n",
)
HELPED = """\
import json
from contextlib import asynccontextmanager

from channels.testing import WebsocketCommunicator as Caller
from django.test import TransactionTestCase

from mysite.asgi import application

HERE = [(b"origin", b"http://localhost")]
LOBBY = "/ws/chat/lobby/"


def caller(path):
    return Caller(application, path, headers=HERE)


@asynccontextmanager
async def talking(path=LOBBY):
    guest = caller(path)
    await guest.connect()
    yield guest
    await guest.disconnect()


class Chat(TransactionTestCase):
    async def test_everyone_hears(self):
        async with talking(LOBBY) as guest:{heard}
            await guest.send_to(json.dumps({"message": "hi"}))
            answer = json.loads(await guest.receive_from())
            self.assertEqual(answer["message"], "hi")
"""
LIVE = """\
from django.contrib.staticfiles.testing import StaticLiveServerTestCase as Live
import websockets.sync.client as wires


def opened(live):
    url = live.live_server_url
    return wires.connect(url.replace("http", "ws") + "/ws/chat/lobby/", origin=url)


class Base(Live):
    pass


class Chat(Base):
    def test_it_opens(self):
        with opened(self) as wire:
            wire.send("{}")
"""
STORED = (
    (SERVICES, "-> int:", "-> Message:"),
    (SERVICES, "text=text).pk", "text=text)"),
    (
        HUB_CHAT,
        "        await self.channel_layer.group_send(\n            self.group,\n",
        ""
        "        said = await services.store(self.slug, text)\n"
        "        await self.channel_layer.group_send(\n            self.group,\n",
    ),
    (HUB_CHAT, '"text": text,', '"text": said,'),
)
KEYS = """
LAYER = {"hosts": ["redis://cache:6379"]}
LAYER["symmetric_encryption_keys"] = [uuid4().hex]
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": LAYER}
}
"""
HALL = (
    (VIEWS, '{"room_name": room_name}', '{"room_name": HALL}'),
    (VIEWS, "def index", 'HALL = "main-hall"\n\n\ndef index'),
    (ROOM, "'/ws/chat/' + roomName + '/'", "'/ws/chat/{{ room_name }}/'"),
)

ASKED = """\
from channels.testing import WebsocketCommunicator as Caller
from django.test import TransactionTestCase

from mysite.asgi import application

HERE = [(b"origin", b"http://localhost")]


class Chat(TransactionTestCase):
    async def call(self):
        caller = Caller(application, "/ws/chat/lobby/", headers=HERE)
        there, _ = await caller.connect()
        self.assertTrue(there)
        return caller

    async def test_it_answers(self):
        caller = await self.call()
        await caller.send_to('{"message": "hi"}')
        self.assertIn("hi", await caller.receive_from())
"""
OPTIONS = "const options = {headers: {Token: 1}};\n    const chatSocket"

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "chat",
        "test-communicator-call-not-awaited",
        TESTS,
        ((TESTS, None, ASKED.replace("await caller.send", "caller.send")),),
    ),
    (
        "chat",
        "test-no-origin-header",
        TESTS,
        ((TESTS, None, ASKED.replace(", headers=HERE", "")),),
    ),
    (
        "chat",
        "client-headers-option",
        ROOM,
        ((ROOM, "const chatSocket", OPTIONS), (ROOM, "+ '/'\n", "+ '/', options\n")),
    ),
    (
        "chat",
        "test-database-is-the-real-one",
        "mysite/settings.py",
        (
            (
                "mysite/settings.py",
                '"db.sqlite3",',
                '"db.sqlite3",\n'
                '        "TEST": {"NAME": BASE_DIR.joinpath("db.sqlite3")},',
            ),
        ),
    ),
    (
        "chat",
        "test-forgets-the-greeting",
        TESTS,
        ((CHAT, *GREETS), (TESTS, None, HELPED.replace("{heard}", ""))),
    ),
    ("chat", "test-django-live-server", TESTS, ((TESTS, None, LIVE),)),
    ("chat", "routing-room-name-not-matched-by-w", ROUTES, HALL),
    ("hub", "db-model-instance-in-event", HUB_CHAT, STORED),
    (
        "hub",
        "redis-encryption-keys-differ",
        PROD,
        (
            (PROD, "from .base", "from uuid import uuid4\n\nfrom .base"),
            (PROD, "\nALLOWED", KEYS + "\nALLOWED"),
        ),
    ),
    (
        "hub",
        "group-names-differ",
        HUB_CHAT,
        (
            (
                HUB_CHAT,
                "group_send(self.group, {",
                'group_send(f"chats.{self.slug}", {',
            ),
            (
                "apps/chat/old.py",
                None,
                "from common.ws import BaseConsumer\n\n\n"
                "class OldConsumer(BaseConsumer):\n"
                "    def get_group(self):\n        return self.scope['path']\n",
            ),
        ),
    ),
    (
        "chat",
        "deploy-gunicorn-wsgi",
        "Procfile",
        (("Procfile", None, "web: gunicorn mysite.wsgi --log-file -\n"),),
    ),
    (
        "chat",
        "deploy-gunicorn-asgi-default-worker",
        "start.sh",
        (("start.sh", None, "exec gunicorn --workers=3 mysite.asgi\n"),),
    ),
    (
        "chat",
        "deploy-daphne-options-refused",
        "Procfile",
        (("Procfile", None, "web: daphne -b 0.0.0.0:$PORT mysite.asgi:application\n"),),
    ),
    (
        "chat",
        "origin-allowed-hosts-star",
        "mysite/settings.py",
        (
            (
                "mysite/settings.py",
                "ALLOWED_HOSTS = []",
                "ALLOWED_HOSTS = []\nALLOWED_HOSTS.append('*')",
            ),
        ),
    ),
)

RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    # Django's own runner turns DEBUG off, and then an empty list lets nobody in.
    (
        "chat",
        "a helper that calls",
        (
            (TESTS, None, ASKED),
            ("mysite/settings.py", "HOSTS = []", 'HOSTS = [".localhost"]'),
        ),
    ),
    (
        "chat",
        "the greeting is heard",
        (
            (CHAT, *GREETS),
            ("mysite/settings.py", "HOSTS = []", 'HOSTS = ["localhost"]'),
            (
                TESTS,
                None,
                HELPED.replace("{heard}", "\n            await guest.receive_from()"),
            ),
        ),
    ),
    (
        "chat",
        "a name that fits",
        (*HALL[:1], (VIEWS, "def index", 'HALL = "hall"\n\n\ndef index'), HALL[2]),
    ),
    (
        "hub",
        "fields of a model in an event",
        (*STORED, (HUB_CHAT, 'event["text"]', 'event["text"].text')),
    ),
    (
        "hub",
        "keys from the environment",
        (
            (
                PROD,
                "\nALLOWED",
                KEYS.replace("uuid4().hex", "BASE_DIR.name") + "\nALLOWED",
            ),
        ),
    ),
    (
        "chat",
        "gunicorn with its own settings",
        (
            (
                "gunicorn.conf.py",
                None,
                'worker_class = "uvicorn.workers.UvicornWorker"\n',
            ),
            ("Procfile", None, "web: gunicorn mysite.asgi\n"),
        ),
    ),
    (
        "chat",
        "a socket of the supervisor's",
        (
            ("run.sh", None, "exec daphne --fd 0 mysite.asgi:application\n"),
            (
                "supervisor.conf",
                None,
                "[fcgi-program:web]\nsocket=tcp://localhost:1\ncommand=/srv/run.sh\n",
            ),
        ),
    ),
)

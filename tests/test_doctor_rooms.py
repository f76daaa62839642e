"""A room with members, a worker and a bell: one change each, right or wrong."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tutor.doctor.answers import Answers, Client
from tutor.doctor.child import Told
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access import strangers, unknown
from tutor.doctor.rules.consumers import (
    loops,
    reading,
    signatures,
    threads,
    wiring,
)
from tutor.doctor.rules.consumers.crashes import keys, kinds
from tutor.doctor.rules.database import columns, counters, related
from tutor.doctor.rules.groups import groups, jobs
from tutor.doctor.rules.python import recursion
from tutor.doctor.source import Source

LOOKING = (reading, signatures, related, groups, jobs, threads, recursion, columns)
FILES = {
    "site1/__init__.py": "",
    "site1/asgi.py": """\
from channels.routing import ChannelNameRouter, ProtocolTypeRouter
from rooms.consumers import Printer

router = ChannelNameRouter({"prints": Printer.as_asgi()})
application = ProtocolTypeRouter({"channel": router})
""",
    "rooms/__init__.py": "",
    "rooms/models.py": """\
from django.contrib.auth.models import User
from django.db import models

class Room(models.Model):
    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=50)
    members = models.ManyToManyField(User, related_name="rooms")
""",
    "rooms/consumers.py": """\
import asyncio
from channels.consumer import AsyncConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer, WebsocketConsumer
from rooms import services

class RoomConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.user = self.scope["user"]
        slug = self.scope["url_route"]["kwargs"]["slug"]
        self.room = await services.found(slug)
        self.group = f"room.{slug}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def room_bell(self, event):
        await self.send_json({"by": event["by"]})

class Printer(AsyncConsumer):
    async def print_page(self, job):
        print(job["page"])
""",
    "rooms/services.py": """\
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db.models.signals import post_save
from django.dispatch import receiver
from rooms.models import Room

@database_sync_to_async
def found(slug):
    return Room.objects.filter(slug=slug).first()

def counted(room):
    print(room.title)

async def page(number):
    job = {"type": "print.page", "page": number}
    await get_channel_layer().send("prints", job)

def broadcast(group, **event):
    async_to_sync(get_channel_layer().group_send)(group, event)
""",
    "rooms/views.py": """\
import asyncio
from rooms import services
from rooms.models import Room

def ring(request, pk):
    room = Room.objects.get(pk=pk)
    services.broadcast(f"room.{room.slug}", type="room.bell", by="me")
    asyncio.run(services.page(1))
""",
}
CONSUMERS, SERVICES = "rooms/consumers.py", "rooms/services.py"
VIEWS = "rooms/views.py"
ENTERS = "        await self.accept()\n"
NAMES = "        names = [m.username for m in self.room.members.all()]\n" + ENTERS
HANDLER = "group-handler-missing-closes-everyone"
SAVED = """\
@receiver(post_save, sender=Room)
def saved(instance, new, **kwargs):
    instance.title = instance.title.strip()
    instance.save()

def counted"""

AGAIN = """\
def again():
    job = {"type": "print.page", "number": 1}
    async_to_sync(get_channel_layer().send)("prints", job)

async def page"""

# A change, its mistake, and the line where that stands.
WRONG = [
    (VIEWS, 'type="room.bell"', 'type="_bell"', HANDLER, "_bell"),
    (
        CONSUMERS,
        'f"room.{slug}"',
        'f"room.{self.user.email}"',
        "group-name-not-allowed",
        "email",
    ),
    (
        CONSUMERS,
        "async def print_page(self, job):\n",
        "async def print_page(self, job):\n        pass\n\n"
        "class Beats(WebsocketConsumer):\n"
        "    def connect(self):\n"
        "        asyncio.create_task(self.beat())\n\n"
        "    async def beat(self):\n",
        "consumer-async-handlers-in-sync-consumer",
        "create_task",
    ),
    (SERVICES, "def counted", SAVED, "python-method-calls-itself", "instance.save"),
    (CONSUMERS, 'event["by"]', 'event["who"]', "group-event-without-key", "who"),
    (SERVICES, "async def page", AGAIN, "group-event-without-key", "job"),
    (
        VIEWS,
        'type="room.bell"',
        'kind="room.bell"',
        "group-message-without-type",
        "broadcast",
    ),
    (
        CONSUMERS,
        "group_discard(self.group,",
        "group_discard(f'room.{self.room.pk}',",
        "group-no-discard",
        "self.room.pk",
    ),
    (VIEWS, "room.slug", "room.pk", "group-names-differ", "room.pk"),
    (VIEWS, "pk=pk", "slugs=pk", "db-field-unknown", "slugs=pk"),
    (VIEWS, ".objects.get(", ".get(", "db-query-without-manager", "Room.get"),
    (
        SERVICES,
        ".filter(slug=slug).first()",
        ".get_or_create(slug=slug, defaults={}, name='')",
        "db-field-unknown",
        "name=''",
    ),
    (
        CONSUMERS,
        ENTERS,
        "        if self.user.has_perm('rooms.see'):\n    " + ENTERS,
        "db-related-object-touched-later",
        "has_perm",
    ),
    (
        CONSUMERS,
        ENTERS,
        "        names = [g.name for g in self.user.groups.all()]\n" + ENTERS,
        "db-related-object-touched-later",
        "user.groups",
    ),
    (CONSUMERS, ENTERS, NAMES, "db-orm-in-async-consumer", "members.all"),
    (
        CONSUMERS,
        "async def print_page",
        "def print_page",
        "consumer-handlers-not-async",
        "def print_page",
    ),
    (
        VIEWS,
        "services.page(1)",
        "services.counted(room)",
        "consumer-await-on-no-coroutine",
        "asyncio.run",
    ),
    (
        VIEWS,
        "asyncio.run(services.page(1))",
        "async_to_sync(services.counted)(room)",
        "consumer-await-on-no-coroutine",
        "counted",
    ),
    (
        CONSUMERS,
        ENTERS,
        ENTERS + "        await services.counted(self.room)\n",
        "consumer-await-on-no-coroutine",
        "counted",
    ),
]
RIGHT = [
    (
        SERVICES,
        "def counted",
        SAVED.replace("    instance", "    if new:\n        instance"),
    ),
    (CONSUMERS, 'f"room.{slug}"', "f\"room.{self.user.email.replace('@', '-')}\""),
    (VIEWS, 'by="me"', '**{"by": "me"}'),
    (SERVICES, "async def page", AGAIN.replace('"number"', '"page"')),
    (SERVICES, "    async_to_sync(", '    event["who"] = "me"\n    async_to_sync('),
    (CONSUMERS, "group_discard(self.group,", "group_discard(f'room.{self.room.slug}',"),
    (VIEWS, "room.slug", "room.slug"),
    (VIEWS, "services.page(1)", "services.found(room.slug)"),
    (VIEWS, "room.slug", "room.key"),
    (VIEWS, "pk=pk", "members__username=pk, title__startswith='a', id=1"),
    (VIEWS, "get(pk=pk)", "annotate(n=Count('members')).filter(n=pk).first()"),
    (
        SERVICES,
        "filter(slug=slug).first()",
        "update_or_create(slug=slug, defaults={})[0]",
    ),
]


def look(tmp_path: Path, file: str, old: str, new: str) -> list[tuple[str | None, str]]:
    """What is found in the rooms with a change: the mistakes, and their lines."""
    texts = dict(FILES)
    assert old in texts[file], old
    texts[file] = texts[file].replace(old, new, 1)
    if "async_to_sync" in new:
        texts[file] = "from asgiref.sync import async_to_sync\n" + texts[file]
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    found = [one for module in LOOKING for one in module.rules(seen)]
    return [
        (one.slug, texts[one.place[0] or ""].splitlines()[(one.place[1] or 0) - 1])
        for one in sorted(found, key=lambda one: one.rank)
    ]


@pytest.mark.parametrize(("file", "old", "new", "slug", "text"), WRONG)
def test_a_mistake_is_read(
    file: str, old: str, new: str, slug: str, text: str, tmp_path: Path
) -> None:
    found = look(tmp_path, file, old, new)
    assert {one for one, _ in found} == {slug}
    assert text in found[0][1]


def test_a_list_is_there_where_it_was_fetched_before(tmp_path: Path) -> None:
    look(tmp_path, CONSUMERS, ENTERS, NAMES)
    path = tmp_path / SERVICES
    fetched = 'objects.prefetch_related("members").filter'
    path.write_text(FILES[SERVICES].replace("objects.filter", fetched), "utf-8")
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    assert [*related.rules(seen)] == []


@pytest.mark.parametrize(("file", "old", "new"), RIGHT)
def test_nothing_is_read_in_a_right_spelling(
    file: str, old: str, new: str, tmp_path: Path
) -> None:
    assert look(tmp_path, file, old, new) == []


TICKETS = """\
from urllib.parse import parse_qs
from channels.db import database_sync_to_async
from channels.middleware import BaseMiddleware
from rooms.models import Room

@database_sync_to_async
def owner(ticket):
    HERE

class Tickets(BaseMiddleware):
    async def __call__(self, scope, receive, send):
        given = parse_qs(scope["query_string"].decode()).get("ticket")
        if given:
            scope["user"] = await owner(given[0])
        return await super().__call__(scope, receive, send)
"""


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("return Room.objects.get(slug=ticket).members.first()", True),
        ("return Room.objects.filter(slug=ticket).first()", False),
        ("return Room.objects.first().as_dict().get(ticket)", False),
        ("try: return Room.objects.get(slug=ticket)\n    except Room.E: pass", False),
    ],
)
def test_a_ticket_that_nobody_has(line: str, wrong: bool, tmp_path: Path) -> None:
    (tmp_path / "tickets.py").write_text(TICKETS.replace("HERE", line), "utf-8")
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    slug = "consumer-unvalidated-input-closes-socket"
    found = [(one.slug, *one.place) for one in unknown.rules(seen)]
    assert found == [(slug, "tickets.py", 8)] * wrong
    crash: Any = SimpleNamespace(leaf={"chain": ["tickets.Tickets"]})
    cause = keys.missing(seen, crash, "user", (None, None))
    assert cause is not None
    assert cause[1][0] == "tickets.py"


def test_who_is_nobody_may_have_come_by_any_middleware(tmp_path: Path) -> None:
    assert look(tmp_path, *RIGHT[0]) == []
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    leaf = {"consumer": "rooms.consumers.RoomConsumer", "chain": ["tickets.Tickets"]}
    links = [{"text": "Cannot cast AnonymousUser to int.", "frames": []}]
    assert strangers.is_stranger(seen, links, leaf)


def test_who_is_stored_is_asked_for_in_the_consumer(tmp_path: Path) -> None:
    assert look(tmp_path, *RIGHT[0]) == []
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    chain = ["channels.auth.AuthMiddleware"]
    link = {"type": "ValueError", "module": "builtins", "bases": [], "frames": []}
    crash: Any = SimpleNamespace(
        links=[{**link, "text": 'Cannot assign "<UserLazyObject'}],
        leaf={"consumer": "rooms.consumers.RoomConsumer", "chain": chain},
        told="websocket.connect",
        signed="",
        phase="",
    )
    cause = kinds.by_type(seen, crash, (SERVICES, 12))
    assert cause is not None
    assert (cause[0], cause[1][0]) == ("auth-anonymous-users-accepted", CONSUMERS)


def test_signals_that_a_misnamed_method_imports(tmp_path: Path) -> None:
    files = {
        "bells/__init__.py": "",
        "bells/signals.py": (
            "from django.db.models.signals import post_save\n"
            "from django.dispatch import receiver\n"
            "@receiver(post_save)\ndef saved(**kwargs): pass\n"
        ),
        "bells/apps.py": (
            "from django.apps import AppConfig\n"
            "class Bells(AppConfig):\n    name = 'bells'\n"
            "    def on_ready(self):\n        from . import signals\n"
        ),
    }
    (tmp_path / "bells").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    found = [(one.slug, *one.place) for one in wiring.rules(seen)]
    assert found == [("app-signals-never-imported", "bells/apps.py", 4)]


COUNTED = """\
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import models

class Hall(models.Model):
    here = models.IntegerField(default=0)

@database_sync_to_async
def count(step):
    FETCH
    hall.here += step
    hall.save()

class Halls(AsyncWebsocketConsumer):
    async def connect(self):
        await count(1)
        await self.accept()

    async def disconnect(self, code):
        await count(-1)
"""
FETCH = "hall = Hall.objects.get(pk=1)"


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("FETCH", FETCH, True),
        ("FETCH", "hall, _ = Hall.objects.get_or_create(pk=1)", True),
        ("FETCH", FETCH.replace("get", "select_for_update().get"), False),
        ("hall.here += step", 'hall.here = F("here") + step', False),
        ("await count(-1)", "pass", False),
        ("hall.save()", "pass", False),
    ],
)
def test_who_counts_in_python(old: str, new: str, wrong: bool, tmp_path: Path) -> None:
    text = COUNTED.replace(old, new).replace("FETCH", FETCH)
    (tmp_path / "halls.py").write_text(text, encoding="utf-8")
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    found = [(one.slug, one.place[1]) for one in counters.rules(seen)]
    assert found == [("db-counter-read-then-saved", 11)] * wrong


TICKING = """\
import asyncio
from channels.generic.websocket import AsyncWebsocketConsumer

class Ticking(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        self.task = asyncio.create_task(self.tick())

    async def tick(self):
        await asyncio.sleep(99)
"""


@pytest.mark.parametrize("status", [101, 500])
def test_whom_a_layer_ends_leaves_a_task(status: int, tmp_path: Path) -> None:
    (tmp_path / "ticking.py").write_text(TICKING, encoding="utf-8")
    leaf = {"is": "consumer", "sample": "/tick/", "consumer": "ticking.Ticking"}
    task = {"name": "tick", "file": "ticking.py", "line": 9}
    walk = {"kind": "walk", "protocols": {}, "leaves": [leaf]}
    told = Told([walk, {"kind": "tasks", "found": [task] * 3}])
    knocks = [Client(f"c{n}", "/tick/", None, 101) for n in range(3)]
    first = [Client(f"b{n}", "/tick/", None, status) for n in range(3)]
    seen = Evidence(
        tmp_path,
        tmp_path,
        told,
        Source(tmp_path, tmp_path),
        serve=told,
        answers=Answers(knocks, bare=first),
    )
    assert len([*loops.rules(seen)]) == (status == 101)

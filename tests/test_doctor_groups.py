"""What goes to groups, channels and workers: wrong spellings, and right ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor.doctor.child import Told
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access import tooearly
from tutor.doctor.rules.consumers import overriding
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.groups import groups, jobs, workers
from tutor.doctor.rules.project import backends, layerconfig
from tutor.doctor.source import Source

CONSUMERS = """
import json
from asgiref.sync import async_to_sync
from channels.consumer import SyncConsumer
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from bids.models import offer, place, raw

class Lot(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.group = None
        self.user = self.scope["user"]
        self.group = f"lot.{self.user.pk}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content):
        HERE

    async def bid_new(self, event):
        await self.send_json({"price": event["price"]})

class Work(SyncConsumer):
    def resize(self, message):
        print(message["picture"])
"""
MODELS = """
from django.db import models

class Piece(models.Model):
    price = models.DecimalField()
    name = models.TextField()

def place(pk):
    piece = Piece.objects.select_for_update().filter(pk=pk).first()
    return {"price": str(piece.price), "name": piece.name}

def offer(pk):
    piece = Piece.objects.filter(pk=pk).first()
    return {"cost": piece.name}

def raw(pk):
    piece = Piece.objects.filter(pk=pk).first()
    return {"price": piece.price}
"""
NOTIFY = """
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

def group_of(number):
    return f"lot.{number}"

def tell(user):
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(HERE, {"type": "bid.new", "price": "1"})
"""
ROUTER = """
from channels.routing import ChannelNameRouter, ProtocolTypeRouter
from bids.consumers import Work
router = ChannelNameRouter({"pictures": Work.as_asgi()})
application = ProtocolTypeRouter({"channel": router})
"""
SEND = "await self.channel_layer.group_send(self.group, EVENT)"
PLACED = "told = await database_sync_to_async(place)(1)\n        "
TO_ALL = SEND.replace("EVENT", '{"type": "bid.new", "price": 1}')
JOB = 'await self.channel_layer.send("pictures", EVENT)'
# What receive_json does, or to which group a view sends; and what is wrong with it.
WRONG = {
    TO_ALL.replace("group_send", "send"): "group-taken-for-a-channel",
    TO_ALL.replace("self.group", "self.channel_name"): "group-taken-for-a-channel",
    SEND.replace("EVENT", 'json.dumps({"type": "bid.new"})'): (
        "group-message-without-type"
    ),
    PLACED + SEND.replace("EVENT", '{"kind": "bid.new", **told}'): (
        "group-message-without-type"
    ),
    PLACED.replace("place", "offer")
    + SEND.replace("EVENT", '{"type": "bid.new", **told}'): "group-event-without-key",
    PLACED.replace("place", "raw")
    + SEND.replace("EVENT", '{"type": "bid.new", **told}'): (
        "db-model-instance-in-event"
    ),
    JOB.replace("EVENT", '{"type": "resize", "image": 1}'): "group-event-without-key",
    "send = async_to_sync(self.channel_layer.send)\n        "
    + 'send("pictures", {"task": "resize"})': (
        "worker-message-without-type-kills-worker"
    ),
    JOB.replace("EVENT", '{"type": "resize", "picture": 1}').replace("es", "e", 1): (
        "worker-listens-to-another-name"
    ),
    SEND.replace("self.group,", '"pictures",').replace(
        "EVENT", '{"type": "resize", "picture": 1}'
    ): "group-taken-for-a-channel",
    SEND.replace("EVENT", '"new", {"type": "bid.new"}'): "python-arguments-differ",
    "await self.channel_layer.group_add(self.group, self.channel_layer)": (
        "group-wrong-channel-joined"
    ),
    'f"lot.{user.username}"': "group-names-differ",
    "group_of(user.email)": "group-names-differ",
}
RIGHT = [
    TO_ALL,
    PLACED + SEND.replace("EVENT", '{"type": "bid.new", **told}'),
    "await self.channel_layer.send(self.channel_name, {'type': 'bid.new', 'price': 1})",
    JOB.replace("EVENT", '{"type": "resize", "picture": 1}'),
    "group_of(user.id)",
    'f"lot.{user}"',
]


def look(tmp_path: Path, line: str) -> set[str | None]:
    """The slugs of what is found in a project with this line."""
    does = "self." in line
    files = {
        "site1/asgi.py": ROUTER,
        "bids/__init__.py": "",
        "bids/models.py": MODELS,
        "bids/consumers.py": CONSUMERS.replace("HERE", line if does else "pass"),
        "bids/notify.py": NOTIFY.replace("HERE", "group_of(user.pk)" if does else line),
        "Procfile": "work: python manage.py runworker pictures\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    work = {"pictures": {"is": "consumer", "consumer": "bids.consumers.Work"}}
    works = [{"kind": "walk", "channels": work}] * ('"pictures"' in line)
    seen = Evidence(tmp_path, tmp_path, Told(works), Source(tmp_path, tmp_path))
    rules = (groups, jobs, workers)
    return {one.slug for module in rules for one in module.rules(seen)}


@pytest.mark.parametrize("line", WRONG)
def test_what_goes_wrong_is_named(line: str, tmp_path: Path) -> None:
    assert look(tmp_path, line) == {WRONG[line]}


@pytest.mark.parametrize("line", RIGHT)
def test_nothing_is_found_where_all_is_right(line: str, tmp_path: Path) -> None:
    assert look(tmp_path, line) == set()


@pytest.mark.parametrize(
    ("inside", "wrong"),
    [
        ('"HOSTS": [("redis", 6379)]', True),
        ('"CONFIG": {"hosts": [("redis", 6379)]}', False),
    ],
)
def test_hosts_stand_in_the_configuration(
    inside: str, wrong: bool, tmp_path: Path
) -> None:
    kind = '"BACKEND": "channels_redis.core.RedisChannelLayer"'
    text = f'CHANNEL_LAYERS = {{"default": {{{kind}, {inside}}}}}\n'
    (tmp_path / "settings.py").write_text(text, encoding="utf-8")
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    found = [one.slug for one in layerconfig.rules(seen)]
    assert found == ["settings-channel-layer-config-unknown"] * wrong


MIXED = """
from channels.generic.websocket import AsyncWebsocketConsumer

class Joins:
    async def join(self):
        await self.channel_layer.group_add("all", self.channel_name)

    async def leave(self):
        await self.channel_layer.group_discard("all", self.channel_name)

class All(Joins, AsyncWebsocketConsumer):
    async def connect(self):
        await self.join()

    async def disconnect(self, code):
        HERE
"""


@pytest.mark.parametrize("line", ["pass", "await self.leave()"])
def test_a_group_is_left_where_somebody_says_so(line: str, tmp_path: Path) -> None:
    (tmp_path / "all.py").write_text(MIXED.replace("HERE", line), encoding="utf-8")
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    found = [(one.slug, one.place[1]) for one in groups.rules(seen)]
    assert found == ([("group-no-discard", 15)] if line == "pass" else [])


OUTER = """
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter

class Members:
    async def __call__(self, scope, receive, send):
        HERE
        return await self.inner(scope, receive, send)

members = Members(AuthMiddlewareStack(URLRouter([])))
application = ProtocolTypeRouter({"websocket": members})
"""


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('scope["member"] = scope["user"].username', True),
        ('scope["user"] = scope.get("user") or find(scope)', False),
        ("pass", False),
    ],
)
def test_who_asks_for_the_user_too_early(
    line: str, wrong: bool, tmp_path: Path
) -> None:
    (tmp_path / "asgi.py").write_text(OUTER.replace("HERE", line), encoding="utf-8")
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    seen.target = "asgi:application"
    found = [one.slug for one in tooearly.rules(seen)]
    assert found == ["auth-middleware-order"] * wrong


def test_what_never_runs_is_told_before_what_is_wrong_in_it() -> None:
    assert Found("", "").rank > overriding.NEVER


TYPO = "settings-channel-layer-backend-typo"


@pytest.mark.parametrize(
    ("layers", "slug"),
    [
        ("'hosts': ['redis://redis:6379/0']", None),
        ("'hosts': [('redis', 6379)]", None),
        ("'hosts': ['redis:6379']", "redis-url-without-scheme"),
        ("'hosts': [('redis://redis', 6379)]", "redis-url-without-scheme"),
        ("'BACKEND': 'channels.layers.InMemoryLayer'", TYPO),
        ("'BACKEND': 'channels.layers.InMemoryChannelLayer'", None),
    ],
)
@pytest.mark.parametrize("file", ["settings.py", "tests.py"])
def test_a_layer_is_named_as_its_library_has_it(
    layers: str, slug: str | None, file: str, tmp_path: Path
) -> None:
    text = f"CHANNEL_LAYERS = {{'default': {{{layers}}}}}\n"
    (tmp_path / file).write_text(text, encoding="utf-8")
    seen = Evidence(tmp_path, tmp_path, Told([]), Source(tmp_path, tmp_path))
    found = [one.slug for one in backends.rules(seen)]
    assert found == ([slug] if slug == TYPO or (slug and file == "settings.py") else [])

"""Rules that read the source, each wrong line marked with its mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from looked import LEAF, MODELS, evidence, said

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access import halting, membership, signed, turned, unsaved
from tutor.doctor.rules.consumers import (
    dates,
    handlers,
    messages,
    reading,
    scopes,
    unheard,
)
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.groups import groups, registers
from tutor.doctor.rules.python import arity, branches, namely, undefined
from tutor.doctor.rules.routing import unanswered
from tutor.doctor.rules.suites import testing

HEAD = """\
import asyncio
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from django.db import models, transaction
from django.shortcuts import get_object_or_404, render
from orders.models import Order
"""


def refusing(seen: Evidence) -> Iterator[Found]:
    """What is said of consumers that let no stranger in."""
    for owner in seen.source.consumers():
        yield from unheard.endless(owner, False)


# The rules, and what is appended: a slug in a remark is what they say of its line.
CASES: dict[str, tuple[Any, str]] = {
    "a channel that stays": (
        registers,
        """
online, asked = {}, {}
class Orders(AsyncJsonWebsocketConsumer):
    async def connect(self):
        online[self.channel_name] = "ada"  # load-consumers-never-forgotten
        asked[self.channel_name] = "ada"
    async def disconnect(self, code):
        asked.pop(self.channel_name, None)
""",
    ),
    "a coroutine is always true": (
        reading,
        """
@database_sync_to_async
def is_right(guess): return guess == 1
async def answer(guess):
    if is_right(guess) and guess:  # db-decorated-function-not-awaited
        return 1
    if not await is_right(guess):
        return 2
""",
    ),
    "what stands below the end": (
        branches,
        """
class Orders(AsyncJsonWebsocketConsumer):
    async def websocket_disconnect(self, event):
        raise StopConsumer()
        await self.channel_layer.group_discard("a", "b")  # python-branch-never-reached
    async def later(self):
        if self.scope:
            return
        await self.close()
""",
    ),
    "a session in a coroutine": (
        unsaved,
        """
class Orders(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content):
        session = self.scope["session"]
        session["n"] = 1
        await database_sync_to_async(session.save)()
        await session.asave()
        session.save()  # auth-session-saved-synchronously
    @database_sync_to_async
    def keep(self):
        self.scope["session"].save()
""",
    ),
    "who is known is refused": (
        turned,
        """
class Orders(AsyncJsonWebsocketConsumer):
    async def connect(self):
        if self.scope["user"].is_authenticated:  # auth-anonymous-users-accepted
            return await self.close()
class Right(AsyncJsonWebsocketConsumer):
    async def connect(self):
        if not self.scope["user"].is_authenticated or self.scope["user"].is_anonymous:
            return await self.close()
        if self.scope["user"].is_authenticated:
            await self.accept()
        if self.scope["user"].is_anonymous:
            await self.close()
""",
    ),
    "three in another order": (
        halting,
        """
class Tickets:
    async def __call__(self, scope, receive, send):
        await self.app(dict(scope), receive, send)
        await self.app(receive, scope, send)  # python-arguments-differ
""",
    ),
    "who asks comes first": (
        arity,
        """
def page(request):
    return render("page.html", request)  # python-arguments-differ
def other(request):
    return render(request, "page.html")
""",
    ),
    "a library's own name": (
        undefined,
        """
def tell(done, random):
    transaction.on_comit(done)  # python-attribute-misspelled
def right(done, transaction):
    transaction.on_comit(done)
def newer(done):
    transaction.of_another_version(done)
def waits(done):
    async def inner():
        await done()
    return [await done()]  # consumer-await-outside-async
""",
    ),
    "a hook that nobody calls": (
        handlers,
        """
class Orders(AsyncJsonWebsocketConsumer):
    @classmethod
    async def decode_jsn(cls, text): pass  # consumer-receive-handler-misnamed
    @classmethod
    async def encode_json(cls, content): pass
class Right(AsyncJsonWebsocketConsumer):
    @classmethod
    async def decode_json(cls, text): pass
""",
    ),
    "who is gone already": (
        messages,
        """
class Orders(AsyncJsonWebsocketConsumer):
    async def disconnect(self, code):
        await self.send_json({"bye": 1})  # consumer-send-after-close
class Ready(AsyncJsonWebsocketConsumer):
    async def disconnect(self, code):
        try:
            await self.send_json({"bye": 1})
        except Exception:
            pass
class Own(AsyncJsonWebsocketConsumer):
    async def disconnect(self, code):
        await self.send_json({"bye": 1})
    async def send_json(self, content, close=False):
        if not self.gone:
            await super().send_json(content, close)
""",
    ),
    "what an event holds": (
        dates,
        """
async def tell():
    layer = get_channel_layer()
    await layer.group_send("a", {
        "type": "names.new",
        "names": set([1]),  # db-model-instance-in-event
        "right": sorted(set([1])),
    })
class Orders(AsyncJsonWebsocketConsumer):
    async def names_new(self, event):
        await self.send_json({"names": event["names"], "right": event["right"]})
        await self.send_json({"names": sorted(set([1]))})
""",
    ),
    "a name that is a part of the group's": (
        groups,
        """
class Orders(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.room = self.scope["url_route"]["kwargs"]["room"]
        self.group = f"chat_{self.room}"
        await self.channel_layer.group_add(self.group, self.channel_name)
    async def disconnect(self, code):
        name = self.channel_name
        await self.channel_layer.group_discard(self.room, name)  # group-no-discard
    async def receive_json(self, content):
        event = {"type": "chat.new"}
        await self.channel_layer.group_send(self.room, event)  # group-names-differ
    async def chat_new(self, event): pass
""",
    ),
    "a group that is forgotten": (
        groups,
        """
async def tell():
    await get_channel_layer().group_send("readings", {"type": "readings.new"})
    await get_channel_layer().group_send("user.1", {"type": "readings.new"})
class Orders(AsyncJsonWebsocketConsumer):
    async def connect(self):  # group-never-joined
        await self.channel_layer.group_add("user.1", self.channel_name)
    async def disconnect(self, code):
        await self.channel_layer.group_discard("user.1", self.channel_name)
    async def readings_new(self, event): pass
""",
    ),
    "a group in an attribute": (
        groups,
        """
async def tell():
    await get_channel_layer().group_send("readings", {"type": "readings.new"})
    await get_channel_layer().group_send("user.1", {"type": "readings.new"})
class Orders(AsyncJsonWebsocketConsumer):
    groups = ["readings"]
    async def connect(self):
        await self.channel_layer.group_add("user.1", self.channel_name)
    async def disconnect(self, code):
        await self.channel_layer.group_discard("user.1", self.channel_name)
    async def readings_new(self, event): pass
""",
    ),
    "a group that is joined in its name": (
        groups,
        """
def enter(consumer):
    async_to_sync(consumer.channel_layer.group_add)(consumer.group, consumer.name)
class Orders(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content):
        await self.channel_layer.group_send("a", {"type": "a.b"})
    async def a_b(self, event): pass
""",
    ),
    "who a message says it is from": (
        signed,
        """
class Open(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content):
        event = {"type": "a.b", "user": content["user"]}
        await self.channel_layer.group_send("a", event)
class Orders(AsyncJsonWebsocketConsumer):
    async def connect(self):
        if not self.scope["user"].is_authenticated:
            return await self.close()
    async def receive_json(self, content):
        await self.channel_layer.group_send("a", {
            "type": "a.b",
            "text": content["text"],
            "sender": self.scope["user"].username,
            "user": content.get("user"),  # auth-name-taken-from-the-client
        })
    async def a_b(self, event):
        await self.channel_layer.group_send("c", {"type": "a.b", "user": event["user"]})
""",
    ),
    "who may be in a room": (
        membership,
        """
class Club(models.Model):
    members = models.ManyToManyField("auth.User")
    archived_by = models.ForeignKey("auth.User", models.CASCADE)
def page(request, pk):
    return get_object_or_404(Club, pk=pk, members=request.user)
def archived(request, pk):
    return get_object_or_404(Order, pk=pk, archived_by=request.user)
class Open(AsyncJsonWebsocketConsumer):
    async def connect(self):
        pk = self.scope["url_route"]["kwargs"]["pk"]
        order = await Order.objects.aget(pk=pk)
        club = await Club.objects.aget(pk=pk)  # auth-membership-not-checked
class Right(AsyncJsonWebsocketConsumer):
    async def connect(self):
        pk = self.scope["url_route"]["kwargs"]["pk"]
        club = await Club.objects.aget(pk=pk)
        if not await club.members.filter(pk=self.scope["user"].pk).aexists():
            await self.close()
""",
    ),
    "a minute in one handler": (
        SimpleNamespace(rules=refusing),
        """
class Orders(AsyncJsonWebsocketConsumer):
    async def connect(self):
        if not self.scope["user"].is_authenticated:
            return await self.close()
        await self.accept()
        await self.tick()  # consumer-endless-loop-in-handler
    async def receive_json(self, content):
        for left in range(3):
            await asyncio.sleep(1)
    async def tick(self):
        for left in range(60, -1, -1):
            await asyncio.sleep(1)
""",
    ),
}


def wrong(text: str) -> list[tuple[str, str, int]]:
    """The marked lines, as they should be told."""
    lines = enumerate(text.splitlines(), 1)
    marks = [(m[1], n) for n, line in lines if (m := re.search(r"  # ([\w-]+)$", line))]
    return sorted((slug, "orders/sockets.py", line) for slug, line in marks)


@pytest.mark.parametrize("name", CASES)
def test_each_marked_line_is_told(name: str, tmp_path: Path) -> None:
    rules, text = CASES[name]
    files = {"orders/sockets.py": HEAD + text, "orders/models.py": MODELS}
    found = sorted(said(rules.rules(evidence(tmp_path, files))))
    assert found == wrong(HEAD + text)


@pytest.mark.parametrize(
    ("chain", "told"),
    [("channels.routing.URLRouter", True), ("channels.sessions.Session", False)],
)
def test_a_session_that_nobody_puts_there(
    chain: str, told: bool, tmp_path: Path
) -> None:
    text = """
class Orders(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content):
        try:
            content["n"]
        except KeyError:
            pass
        self.scope["session"]
"""
    seen = evidence(tmp_path, {"orders/sockets.py": HEAD + text})
    seen.leaves[0]["chain"] = [chain]
    found = [slug for slug, _, _ in said(scopes.rules(seen))]
    LEAF.pop("chain")
    assert found == (["auth-stack-missing"] if told else [])


@pytest.mark.parametrize("header", ["", ", headers=[(b'origin', b'http://localhost')]"])
def test_a_helper_whose_test_is_let_in(header: str, tmp_path: Path) -> None:
    text = f"""\
from channels.routing import ProtocolTypeRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.testing import WebsocketCommunicator
application = ProtocolTypeRouter({{}})
def client():
    return WebsocketCommunicator(application, "/ws/"{header})
async def test_in():
    connected, _ = await client().connect()
    assert connected
async def test_out():
    connected, _ = await WebsocketCommunicator(application, "/").connect()
    assert not connected
"""
    found = said(testing.rules(evidence(tmp_path, {"orders/tests.py": text})))
    assert found == (
        [] if header else [("test-no-origin-header", "orders/tests.py", 6)]
    )


@pytest.mark.parametrize("route", ["", "path('', page)"])
def test_a_page_that_nobody_routes(route: str, tmp_path: Path) -> None:
    files = {
        "shop/urls.py": f"from orders.views import page\nurlpatterns = [{route}]\n",
        "orders/views.py": "from django.shortcuts import render\n"
        "def page(request):\n    return render(request, 'page.html')\n",
    }
    seen = evidence(tmp_path, files, urlconf="shop.urls")
    seen.look.events.append({"kind": "urls", "root": None, "routes": ["publish/"]})
    wanted = [("client-no-page-at-root", "shop/urls.py", 2)]
    assert said(unanswered.rules(seen)) == ([] if route else wanted)


def test_a_name_that_super_has_not() -> None:
    got = "AttributeError: 'super' object has no attribute '{}'"
    found = [
        Found(None, got.format(name), ("a.py", 1)) for name in ("send_jsons", "other")
    ]
    assert [namely.named(one).slug for one in found] == [namely.SLUG, None]


def test_an_await_in_a_test(tmp_path: Path) -> None:
    text = "class It:\n    def test_it(self):\n        await self.client.get('/')\n"
    found = said(undefined.rules(evidence(tmp_path, {"orders/tests.py": text})))
    assert found == [("consumer-await-outside-async", "orders/tests.py", 3)]

"""Rules that read the source: each wrong line is marked with the mistake that it is."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from looked import MODELS, evidence, said

from tutor import doctor
from tutor.doctor.rules.access import origins
from tutor.doctor.rules.consumers import dates, hiding, reading, tallies
from tutor.doctor.rules.database import counters, related, tables
from tutor.doctor.rules.groups import groups, packed
from tutor.doctor.rules.project import pageware
from tutor.doctor.rules.suites import testcases

sys.path.insert(0, str(Path(__file__).parent / "variants"))
import shapes

pytestmark = pytest.mark.takes(20)

HEAD = """\
import asyncio, json
from asgiref.sync import async_to_sync, sync_to_async
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.middleware import BaseMiddleware
from orders.models import Order, Shop
"""
CASES: list[tuple[Any, str]] = [
    (
        reading,
        """
def bid(order): return 1
class Orders(JsonWebsocketConsumer):
    def receive_json(self, content):
        price = database_sync_to_async(bid)(1)  # db-decorated-function-not-awaited
        send = self.channel_layer.group_send
        async_to_sync(self.channel_layer.group_send)("all", {"price": price})
    def right(self):
        price = async_to_sync(database_sync_to_async(bid))(1)
        async_to_sync(self.channel_layer.group_send)("all", {"price": price})
""",
    ),
    (
        dates,
        """
async def view(request):
    rows = Order.objects.values("shop")
    await get_channel_layer().group_send("all", {
        "type": "all.changed",
        "rows": Order.objects.order_by("at")[:5],  # db-model-instance-in-event
        "list": list(Order.objects.values("shop")),
        "read": [row async for row in rows],
        "text": await Order.objects.acount(),
    })
class Orders(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.send_json({
            "rows": Order.objects.all(),  # db-model-instance-in-event
        })
""",
    ),
    (
        reading,
        """
class Orders(AsyncJsonWebsocketConsumer):
    def actions(self):
        return {"buy": self.buy, "sell": self.buy}
    async def receive_json(self, content):
        handler = self.actions().get(content["action"])
        handler(content)  # consumer-missing-await-on-send
        await handler(content)
        plain = {"buy": self.plain}.get(content["action"])
        plain(content)
    async def buy(self, content): pass
    def plain(self, content): pass
""",
    ),
    (
        dates,
        """
class Orders(AsyncWebsocketConsumer):
    async def connect(self):
        async for order in Order.objects.all():
            await self.show(order.at, order.shop_id, order.at.isoformat())
    async def show(self, at, shop, text):
        await self.send(json.dumps({
            "at": at,  # db-model-instance-in-event
            "shop": shop,
            "text": text,
        }))
""",
    ),
    (
        groups,
        """
class Orders(AsyncJsonWebsocketConsumer):
    async def connect(self):
        layer = self.channel_layer
        await layer.group_add("order", self.channel_name)  # group-names-differ
        await self.accept()
    async def disconnect(self, code):
        layer = self.channel_layer
        await layer.group_discard("orders", self.channel_name)  # group-no-discard
    async def receive_json(self, content):
        await self.channel_layer.group_send("orders", {"type": "order.made"})
    async def order_made(self, event): pass
""",
    ),
    (
        groups,
        """
from django.db import models
class Room(models.Model):
    title = models.CharField(max_length=50)
    slug = models.SlugField()
class Orders(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.room = await Room.objects.aget(pk=1)
        self.group = f"room_{self.room.title}"  # group-name-not-allowed
        self.slug = f"room_{self.room.slug}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.channel_layer.group_add(self.slug, self.channel_name)
        await self.accept()
    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)
        await self.channel_layer.group_discard(self.slug, self.channel_name)
""",
    ),
    (
        groups,
        """
class Member(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add("all", self.channel_name)
        await self.accept()
    async def disconnect(self, code):
        await self.channel_layer.group_discard("all", self.channel_name)
class Orders(Member):
    async def connect(self):  # group-never-joined
        await self.accept()
    async def receive_json(self, content):
        await self.channel_layer.group_send("all", {"type": "order.made"})
    async def order_made(self, event): pass
""",
    ),
    (
        groups,
        """
class Member(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add("all", self.channel_name)
        await self.accept()
    async def disconnect(self, code):
        await self.channel_layer.group_discard("all", self.channel_name)
class Orders(Member):
    async def connect(self):
        await super().connect()
    async def receive_json(self, content):
        await self.channel_layer.group_send("all", {"type": "order.made"})
    async def order_made(self, event): pass
""",
    ),
    (
        tallies,
        """
class Orders(AsyncJsonWebsocketConsumer):
    online = 0
    bad = 0
    async def connect(self):
        self.online += 1  # consumer-counts-for-itself
        await self.accept()
    async def disconnect(self, code):
        self.online -= 1
    async def receive_json(self, content):
        self.bad += 1
class Shops(AsyncJsonWebsocketConsumer):
    online = 0
    async def connect(self):
        Shops.online += 1
""",
    ),
    (
        counters,
        """
class Orders(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content):
        order = await Order.objects.aget(pk=1)
        if content["bid"] <= order.price:
            return
        order.price = content["bid"]  # db-counter-read-then-saved
        await order.asave()
    async def rename(self, content):
        order = await Order.objects.aget(pk=1)
        if len(content["text"]) <= 3 or order.text == content["text"]:
            return
        order.text = content["text"]
        await order.asave()
""",
    ),
    (
        hiding,
        """
class Orders(AsyncWebsocketConsumer):
    async def send(self, event):  # consumer-name-hides-method
        await self.send(text_data=event["text"])
class Shops(AsyncWebsocketConsumer):
    async def send(self, text_data=None, bytes_data=None, close=False):
        await super().send(text_data, bytes_data, close)
""",
    ),
    (
        groups,
        """
class Orders(AsyncWebsocketConsumer):
    groups = ["all"]
    async def receive(self, text_data=None, bytes_data=None):
        event = {"type": "receive", "text": text_data}
        await self.channel_layer.group_send(  # group-handler-missing-closes-everyone
            "all", event
        )
        await self.channel_layer.group_send("all", {"type": "received"})
    async def received(self, event): pass
""",
    ),
    (
        related,
        """
def as_dict(order):
    return {"shop": order.shop.name}
class Orders(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content):
        one = await Order.objects.aget(pk=1)
        two = await Order.objects.select_related("shop").aget(pk=1)
        await self.send_json(as_dict(one))  # db-related-object-touched-later
        await self.send_json(as_dict(two))
        await self.send_json(await sync_to_async(as_dict)(one))
""",
    ),
    (
        origins,
        """
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
sockets = routes = None
if settings.DEBUG:
    sockets = AllowedHostsOriginValidator(routes)  # origin-validator-missing
""",
    ),
    (
        origins,
        """
from channels.security.websocket import AllowedHostsOriginValidator, OriginValidator
from django.conf import settings
routes = None
if settings.DEBUG:
    sockets = AllowedHostsOriginValidator(routes)
else:
    sockets = OriginValidator(routes, ["https://orders.example"])
""",
    ),
    (
        packed,
        """
def push(order, shop):
    layer = get_channel_layer()
    print(order.shop_id)
    async_to_sync(layer.group_send)("all", {
        "type": "order.made",
        "order": order,  # redis-message-not-serialisable
        "shop": shop,
    })
""",
    ),
]


def wrong(text: list[str]) -> list[tuple[str, str, int]]:
    """The marked lines: ``# slug`` at their ends."""
    marks = ((n, re.search(r"# ([a-z-]+)$", line)) for n, line in enumerate(text, 1))
    return [(mark[1], "orders/sockets.py", n) for n, mark in marks if mark]


@pytest.mark.parametrize(("rules", "text"), CASES)
def test_each_marked_line_is_told(rules: Any, text: str, tmp_path: Path) -> None:
    text = HEAD + text
    files = {"orders/sockets.py": text, "orders/models.py": MODELS}
    found = sorted(said(rules.rules(evidence(tmp_path, files))))
    assert found == wrong(text.splitlines())


def test_a_middleware_of_sockets_is_none_for_pages(tmp_path: Path) -> None:
    text = """\
class OfSockets(BaseMiddleware):
    async def __call__(self, scope, receive, send): pass
class OfPages:
    def __init__(self, get_response): pass
    def __call__(self, request): pass
class OfBoth:
    def __call__(self, request, receive=None, send=None): pass
"""
    listed = [f"orders.sockets.{name}" for name in ("OfPages", "OfBoth", "OfSockets")]
    files = {
        "orders/sockets.py": HEAD + text,
        "shop/settings.py": "MIDDLEWARE = [\n" + ",\n".join(map(repr, listed)) + "]\n",
    }
    found = said(pageware.rules(evidence(tmp_path, files, middleware=listed)))
    assert found == [("settings-middleware-is-no-middleware", "shop/settings.py", 4)]


@pytest.mark.parametrize(
    ("line", "imported", "is_told"),
    [
        ("COUNT = Order.objects.count()", True, True),
        ("COUNT = Order.objects.count()", False, False),  # a script
        ("ALL = Order.objects.order_by('at')", True, False),
        ("def count(): return Order.objects.count()", True, False),
        ("if __name__ == '__main__': print(Order.objects.count())", True, False),
    ],
)
def test_a_query_of_a_module_that_is_imported(
    line: str, imported: bool, is_told: bool, tmp_path: Path
) -> None:
    files = {
        "orders/models.py": MODELS,
        "orders/counts.py": f"from orders.models import Order\n{line}\n",
        "orders/views.py": "from orders import counts\n" if imported else "",
    }
    found = said(tables.rules(evidence(tmp_path, files)))
    told = [("db-query-while-importing", "orders/counts.py", 2)]
    assert found == (told if is_told else [])


def test_a_simple_test_case_lets_no_query_run(tmp_path: Path) -> None:
    made = "        WebsocketCommunicator({}.as_asgi(), '/')\n"
    case = "class {}(SimpleTestCase):\n    async def test_it(self):\n" + made
    asks = "class {}(AsyncWebsocketConsumer):\n    async def connect(self): {}\n"
    files = {
        "orders/models.py": MODELS,
        "orders/sockets.py": HEAD
        + asks.format("Orders", "self.all = [one async for one in Order.objects.all()]")
        + asks.format("Quiet", "await self.accept()"),
        "orders/tests.py": "from django.test import SimpleTestCase\n"
        "from channels.testing import WebsocketCommunicator\n"
        "from orders.sockets import Orders, Quiet\n"
        + case.format("Right", "Quiet")
        + case.format("Wrong", "Orders"),
    }
    slug = "test-testcase-with-database-consumer"
    found = said(testcases.rules(evidence(tmp_path, files)))
    assert found == [(slug, "orders/tests.py", 7)]


ROUTER = "quay/asgi.py"
SETTINGS = "quay/settings.py"
ROUTES = "berths/routing.py"
TICKETS = """\
from channels.middleware import BaseMiddleware

class Tickets(BaseMiddleware):
    async def __call__(self, scope, receive, send):
        scope["user"] = None
        return await super().__call__(scope, receive)
"""
ECHO = """\
from channels.consumer import AsyncConsumer

class Echo(AsyncConsumer):
    pass
"""
MODELS_TOO_EARLY = "from django.contrib.auth.models import User\nDEBUG = True"
# What is changed at a quay, and the mistake that it is, by its file and its line.
CHANGED: list[tuple[str, str, int, tuple[shapes.Change, ...]]] = [
    (
        "routing-page-among-sockets",
        ROUTER,
        14,
        (
            (ROUTER, '"http": pages', '"http": URLRouter(urlpatterns)'),
            (ROUTER, "SOCKETS\n\n", "SOCKETS\nfrom quay.urls import urlpatterns\n\n"),
        ),
    ),
    (
        "python-arguments-differ",
        ROUTES,
        8,
        (
            ("berths/echo.py", None, ECHO),
            (ROUTES, "from . import", "from .echo import Echo\nfrom . import"),
            (ROUTES, "consumers.RadioConsumer.as_asgi()", "Echo.as_asgi(band=3)"),
        ),
    ),
    (
        "asgi-application-reassigned-below",
        ROUTER,
        3,
        (
            ("quay/sockets.py", None, shapes.SHAPES["quay"][ROUTER]),
            (
                ROUTER,
                None,
                "from django.core.asgi import get_asgi_application\n"
                "from quay.sockets import application\n"
                "application = get_asgi_application()\n",
            ),
        ),
    ),
    (
        "python-arguments-differ",
        "quay/tickets.py",
        6,
        (
            ("quay/tickets.py", None, TICKETS),
            (ROUTER, "URLRouter(SOCKETS)", "Tickets(URLRouter(SOCKETS))"),
            (ROUTER, "SOCKETS\n\n", "SOCKETS\nfrom quay.tickets import Tickets\n\n"),
        ),
    ),
    (
        "apps-models-imported-too-early",
        SETTINGS,
        2,
        ((SETTINGS, "DEBUG = True", MODELS_TOO_EARLY),),
    ),
    (
        "apps-own-app-missing",
        "quay/at/dev.py",
        1,
        (
            ("quay/at/__init__.py", None, ""),
            ("quay/at/base.py", None, shapes.SHAPES["quay"][SETTINGS]),
            ("quay/at/dev.py", None, "DEBUG = True\nSECRET_KEY = 'no'\n"),
            (SETTINGS, None, None),
            (ROUTER, "quay.settings", "quay.at.dev"),
            ("manage.py", "quay.settings", "quay.at.dev"),
        ),
    ),
]


@pytest.mark.parametrize(("slug", "file", "line", "changes"), CHANGED)
def test_a_change_of_a_quay_is_told(
    slug: str, file: str, line: int, changes: tuple[shapes.Change, ...], tmp_path: Path
) -> None:
    found = doctor.diagnose(shapes.write("quay", changes, tmp_path / "quay")).findings
    assert [(one.slug, one.file, one.line) for one in found[:1]] == [(slug, file, line)]

"""Rules that read the source: each wrong line is marked with the mistake that it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from looked import MODELS, evidence, said

from tutor.doctor.rules.consumers import dates, reading
from tutor.doctor.rules.groups import packed
from tutor.doctor.rules.project import pageware

HEAD = """\
import asyncio, json
from asgiref.sync import async_to_sync, sync_to_async
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer
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

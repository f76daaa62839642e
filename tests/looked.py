"""What is known of a project that was looked at, for rules that read its source."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tutor.doctor.answers import Answers, Client
from tutor.doctor.child import Told
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Source

Files = dict[str, str]
LEAF = {
    "is": "consumer",
    "sample": "/ws/orders/",
    "consumer": "orders.sockets.Orders",
    "steps": [{"regex": "^ws/orders/$"}],
}
SETTINGS: dict[str, Any] = {
    "module": "shop.settings",
    "middleware": [],
    "debug": True,
    "static": "/static/",
    "layers": {"default": {}, "slow": {}},
}


def evidence(project: Path, files: Files, **settings: Any) -> Evidence:
    """What would be known of a project that was looked at; nothing is run."""
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    walk = {
        "kind": "walk",
        "protocols": {"http": {}, "websocket": {}},
        "leaves": [LEAF],
    }
    walk["origins"] = settings.pop("origins", None)
    there = settings.pop("commands", ("runserver", "runworker"))
    events = [
        {"kind": "settings", **SETTINGS, **settings},
        {"kind": "templates", "folders": ["orders/templates"]},
        {"kind": "static", "folders": ["orders/static"]},
        walk,
        *({"kind": "command", "name": name} for name in there),
    ]
    knocked = Client("c1", "/ws/orders/", None, 101)
    return Evidence(
        project,
        project,
        Told(events),
        Source(project, project),
        answers=Answers([knocked]),
        target="shop.asgi:application",
    )


def said(found: Iterable[Found]) -> list[tuple[str | None, str | None, int | None]]:
    return [(one.slug, *one.place) for one in found]


USER = """\
from channels.generic.websocket import AsyncWebsocketConsumer
from asgiref.sync import sync_to_async
from orders.models import Order
class Orders(AsyncWebsocketConsumer):
    async def connect(self):
        user = self.scope["user"]
        HERE
"""
MODELS = """\
from django.db import models
class Shop(models.Model):
    name = models.TextField()
class Order(models.Model):
    shop = models.ForeignKey(Shop, models.CASCADE)
    at = models.DateTimeField()
"""

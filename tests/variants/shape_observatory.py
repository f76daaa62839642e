"""A dashboard under src/: a feed of queues, a worker, models of messages."""

from __future__ import annotations

OBSERVATORY = {
    "Procfile": """\
web: daphne -b 0.0.0.0 -p ${PORT:-8000} observatory.asgi:application
worker: python manage.py runworker analysis
""",
    "manage.py": """\
#!/usr/bin/env python3
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "src"))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "observatory.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
""",
    "src/observatory/__init__.py": "",
    "src/observatory/asgi.py": """\
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "observatory.settings")

from django.core.asgi import get_asgi_application

pages = get_asgi_application()

from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

from telemetry import routes

sockets = AllowedHostsOriginValidator(URLRouter(routes.sockets))
jobs = ChannelNameRouter(routes.jobs)
application = ProtocolTypeRouter(
    {"http": pages, "websocket": sockets, "channel": jobs}
)
""",
    "src/observatory/settings.py": """\
\"\"\"Settings of the observatory, all of them from the environment.\"\"\"

from os import environ
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def flag(name: str, default: bool = False) -> bool:
    return environ.get(name, str(default)).lower() in {"1", "true", "yes"}


DEBUG = flag("OBSERVATORY_DEBUG", True)
SECRET_KEY = environ.get("OBSERVATORY_SECRET", "for development")
ALLOWED_HOSTS = environ.get("OBSERVATORY_HOSTS", "localhost 127.0.0.1").split()

INSTALLED_APPS = (
    "daphne",
    "channels",
    "django.contrib.staticfiles",
    "telemetry",
)
MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
)
ROOT_URLCONF = "observatory.urls"
ASGI_APPLICATION = "observatory.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = ROOT / "var" / "static"

REDIS = environ.get("OBSERVATORY_REDIS")
if REDIS:
    HOSTS = [{"address": REDIS, "socket_timeout": 30}]
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": HOSTS, "prefix": "observatory"},
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
""",
    "src/observatory/urls.py": """\
from django.conf import settings
from django.urls import path
from django.views.generic import TemplateView
from django.views.static import serve

from telemetry.views import report, status

urlpatterns = [
    path("", TemplateView.as_view(template_name="telemetry/dashboard.html")),
    path("status.json", status),
    path("report/", report),
    path("static/<path:path>", serve, {"document_root": settings.STATIC_ROOT}),
]
""",
    "src/telemetry/__init__.py": "",
    "src/telemetry/consumers.py": """\
import asyncio
import json
from contextlib import suppress

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from . import messages, names
from .feed import feed
from .instruments import INSTRUMENTS


class DashboardConsumer(AsyncWebsocketConsumer):
    \"\"\"The dashboard of one browser.\"\"\"

    queue: asyncio.Queue[str] | None = None
    pump: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        self.watched: set[str] = set(INSTRUMENTS)
        await self.channel_layer.group_add(names.DOME, self.channel_name)
        await self.accept()
        await self.tell("instruments", units=INSTRUMENTS)
        self.queue = feed.subscribe()
        self.pump = asyncio.create_task(self.forward(self.queue))

    async def disconnect(self, code: int) -> None:
        if self.pump is not None:
            self.pump.cancel()
            with suppress(asyncio.CancelledError):
                await self.pump
        if self.queue is not None:
            feed.unsubscribe(self.queue)
        await self.channel_layer.group_discard(names.DOME, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None) -> None:
        match messages.parse(text_data or ""):
            case messages.Watch(instrument=name):
                self.watched.add(name)
            case messages.Unwatch(instrument=name):
                self.watched.discard(name)
            case messages.Analyse(values=values):
                await self.channel_layer.send(
                    names.ANALYSIS,
                    {
                        "type": "analysis.run",
                        "values": values,
                        "reply_to": self.channel_name,
                    },
                )
            case _:
                await self.tell("refused")

    async def forward(self, queue: asyncio.Queue[str]) -> None:
        while True:
            text = await queue.get()
            await self.send(text_data=text)

    async def tell(self, topic: str, **more: object) -> None:
        await self.send(text_data=json.dumps({"topic": topic, **more}))

    # From the group, and from the worker

    async def dome_moved(self, event: dict) -> None:
        await self.tell("dome", azimuth=event["azimuth"])

    async def analysis_done(self, event: dict) -> None:
        await self.tell("analysis", mean=event["mean"], seconds=event["seconds"])


class ClockConsumer(AsyncConsumer):
    \"\"\"Sidereal time, once a second, for the display over the door.\"\"\"

    async def websocket_connect(self, event: dict) -> None:
        await self.send({"type": "websocket.accept"})
        self.ticker = asyncio.create_task(self.tick())

    async def websocket_receive(self, event: dict) -> None:
        await self.send({"type": "websocket.send", "text": "I only talk"})

    async def websocket_disconnect(self, event: dict) -> None:
        self.ticker.cancel()
        raise StopConsumer()

    async def tick(self) -> None:
        seconds = 0
        while True:
            await self.send({"type": "websocket.send", "text": f"{seconds} s"})
            seconds += 1
            await asyncio.sleep(1)
""",
    "src/telemetry/feed.py": """\
\"\"\"One task a process reads the instruments, for all the sockets of it.\"\"\"

import asyncio
import json
import logging

from . import instruments

log = logging.getLogger(__name__)


class Feed:
    PERIOD = 2.0

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[str]] = set()
        self._task: asyncio.Task[None] | None = None

    def subscribe(self) -> asyncio.Queue[str]:
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=10)
        self._queues.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return queue

    def unsubscribe(self, queue: asyncio.Queue[str]) -> None:
        self._queues.discard(queue)
        if not self._queues and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while True:
            readings = [one.as_dict() for one in instruments.read_all()]
            text = json.dumps({"topic": "readings", "readings": readings})
            for queue in tuple(self._queues):
                if queue.full():
                    log.warning("a slow browser misses a reading")
                    continue
                queue.put_nowait(text)
            await asyncio.sleep(self.PERIOD)


feed = Feed()
""",
    "src/telemetry/instruments.py": """\
\"\"\"The instruments; simulated, the real ones are on the mountain.\"\"\"

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import perf_counter


@dataclass(slots=True)
class Reading:
    instrument: str
    value: float
    unit: str

    def as_dict(self) -> dict:
        return asdict(self)


INSTRUMENTS = {"seeing": "arcsec", "humidity": "%", "wind": "m/s"}


def read_all() -> list[Reading]:
    return [
        Reading(name, round(random.uniform(0, 30), 2), unit)
        for name, unit in INSTRUMENTS.items()
    ]


@contextmanager
def stopwatch() -> Iterator[dict]:
    result = {"seconds": 0.0}
    start = perf_counter()
    try:
        yield result
    finally:
        result["seconds"] = perf_counter() - start
""",
    "src/telemetry/messages.py": """\
\"\"\"What a browser may say, as models.\"\"\"

from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError


class Watch(BaseModel):
    op: Literal["watch"]
    instrument: str


class Unwatch(BaseModel):
    op: Literal["unwatch"]
    instrument: str


class Analyse(BaseModel):
    op: Literal["analyse"]
    values: list[float] = Field(max_length=500)


Command = Annotated[Watch | Unwatch | Analyse, Field(discriminator="op")]
_adapter: TypeAdapter[Command] = TypeAdapter(Command)


def parse(text: str) -> Command | None:
    try:
        return _adapter.validate_json(text)
    except ValidationError:
        return None
""",
    "src/telemetry/names.py": """\
\"\"\"Every name that two sides of a channel layer must agree on.\"\"\"

from typing import Final

DOME: Final = "dome"
ANALYSIS: Final = "analysis"
""",
    "src/telemetry/routes.py": """\
from django.urls import path

from . import names
from .consumers import ClockConsumer, DashboardConsumer
from .workers import AnalysisWorker

sockets = [
    path("live/dashboard", DashboardConsumer.as_asgi()),
    path("live/clock", ClockConsumer.as_asgi()),
]
jobs = {names.ANALYSIS: AnalysisWorker.as_asgi()}
""",
    "src/telemetry/static/telemetry/dashboard.js": """\
(() => {
  const $ = (selector) => document.querySelector(selector);
  const base = window.location.origin.replace(/^http/, "ws");
  const seen = new Map();

  class Live {
    constructor(path, onData) {
      this.path = path;
      this.onData = onData;
      this.attempts = 0;
      this.connect();
    }

    connect() {
      const socket = new WebSocket(base + this.path);
      socket.addEventListener("open", () => {
        this.attempts = 0;
      });
      socket.addEventListener("message", ({ data }) => this.onData(data));
      socket.addEventListener("close", () => {
        this.attempts += 1;
        window.setTimeout(() => this.connect(), 1000 * Math.min(this.attempts, 10));
      });
      this.socket = socket;
    }

    send(value) {
      if (this.socket.readyState === WebSocket.OPEN) {
        this.socket.send(JSON.stringify(value));
      }
    }
  }

  const topics = {
    instruments({ units }) {
      for (const [name, unit] of Object.entries(units)) {
        const row = $("tbody").insertRow();
        row.id = `row-${name}`;
        row.insertCell().textContent = name;
        row.insertCell();
        row.insertCell().textContent = unit;
        row.addEventListener("click", () => {
          const off = row.classList.toggle("off");
          dashboard.send({ op: off ? "unwatch" : "watch", instrument: name });
        });
      }
    },
    readings({ readings }) {
      for (const { instrument, value } of readings) {
        seen.set(instrument, [...(seen.get(instrument) ?? []), value].slice(-100));
        const row = document.getElementById(`row-${instrument}`);
        if (row) row.cells[1].textContent = value;
      }
    },
    dome({ azimuth }) {
      $("#azimuth").textContent = `${azimuth}°`;
    },
    analysis({ mean, seconds }) {
      $("#mean").textContent = `${mean.toFixed(2)} in ${seconds.toFixed(3)} s`;
    },
    refused() {
      console.warn("the server did not understand us");
    },
  };

  const dashboard = new Live("/live/dashboard", (text) => {
    const { topic, ...body } = JSON.parse(text);
    topics[topic]?.(body);
  });
  new Live("/live/clock", (text) => {
    $("#clock").textContent = text;
  });
  $("#analyse").addEventListener("click", () => {
    dashboard.send({ op: "analyse", values: seen.get("wind") ?? [] });
  });
})();
""",
    "src/telemetry/templates/telemetry/dashboard.html": """\
{% load static %}<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Observatory</title>
<h1>Dome at <output id="azimuth">?</output></h1>
<table><tbody></tbody></table>
<p><span id="clock"></span> <button id="analyse">Analyse</button> <b id="mean"></b></p>
<script src="{% static 'telemetry/dashboard.js' %}" defer></script>
</html>
""",
    "src/telemetry/views.py": """\
import json

from channels.layers import get_channel_layer
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from . import names
from .instruments import read_all


async def status(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"readings": [one.as_dict() for one in read_all()]})


@csrf_exempt
@require_POST
async def report(request: HttpRequest) -> HttpResponse:
    \"\"\"The dome's controller tells where it has turned to.\"\"\"
    try:
        azimuth = float(json.loads(request.body)["azimuth"])
    except (ValueError, TypeError, KeyError):
        return HttpResponse("azimuth?", status=400)
    layer = get_channel_layer()
    await layer.group_send(names.DOME, {"type": "dome.moved", "azimuth": azimuth})
    return HttpResponse(status=204)
""",
    "src/telemetry/workers.py": """\
\"\"\"What runs in `manage.py runworker analysis`.\"\"\"

from statistics import fmean

from asgiref.sync import async_to_sync
from channels.consumer import SyncConsumer

from .instruments import stopwatch


class AnalysisWorker(SyncConsumer):
    def analysis_run(self, message: dict) -> None:
        with stopwatch() as watch:
            mean = fmean(message["values"]) if message["values"] else 0.0
        async_to_sync(self.channel_layer.send)(
            message["reply_to"],
            {"type": "analysis.done", "mean": mean, "seconds": watch["seconds"]},
        )
""",
}

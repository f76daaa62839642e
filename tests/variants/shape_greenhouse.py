"""Sensors: devices with a key and browsers, each behind a router of its own."""

from __future__ import annotations

GREENHOUSE = {
    "manage.py": """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_conf.settings")

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
""",
    "pages/dashboard.html": """\
{% load static %}<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><title>Greenhouse</title>
<script type="module" src="{% static 'sensors/dashboard.js' %}"></script>
</head>
<body>
<table id="readings"></table>
<p>Up for <span id="uptime">0</span> s</p>
<button id="toggle">Pause</button>
</body>
</html>
""",
    "sensors/__init__.py": "",
    "sensors/dashboard.py": """\
import asyncio
import contextlib
import json

from channels.generic.websocket import AsyncWebsocketConsumer

from .store import last_readings

LIMITS = {"celsius": (5.0, 35.0), "humidity": (20.0, 95.0)}


def alarms(reading):
    return [
        name
        for name, (low, high) in LIMITS.items()
        if not low <= reading[name] <= high
    ]


class DashboardConsumer(AsyncWebsocketConsumer):
    groups = ["dashboard"]
    ticker = None

    async def connect(self):
        self.paused = False
        await self.accept()
        await self.tell("history", await last_readings())
        self.ticker = asyncio.create_task(self.tick())

    async def disconnect(self, code):
        if self.ticker is not None:
            self.ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.ticker

    async def receive(self, text_data=None, bytes_data=None):
        if text_data == "pause":
            self.paused = True
        elif text_data == "resume":
            self.paused = False

    async def tick(self):
        seconds = 0
        while True:
            await asyncio.sleep(5)
            seconds += 5
            await self.tell("uptime", seconds)

    async def reading_new(self, event):
        if self.paused:
            return
        reading = {k: v for k, v in event.items() if k != "type"}
        await self.tell("reading", reading | {"alarms": alarms(reading)})

    async def tell(self, topic, payload):
        await self.send(json.dumps({"topic": topic, "payload": payload}))
""",
    "sensors/ingest.py": """\
import json
import logging

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer

from .store import save_reading

log = logging.getLogger(__name__)


def parse(text):
    \"\"\"Give the numbers of a message, or None.\"\"\"
    try:
        data = json.loads(text)
        return float(data["celsius"]), float(data["humidity"])
    except (ValueError, TypeError, KeyError):
        return None


class IngestConsumer(AsyncConsumer):
    \"\"\"A device sends readings and hears 'ok' or 'bad'.\"\"\"

    async def websocket_connect(self, event):
        self.device = self.scope["url_route"]["kwargs"]["device"]
        if not self.scope["trusted"]:
            await self.send({"type": "websocket.close"})
            return
        await self.send({"type": "websocket.accept"})

    async def websocket_receive(self, event):
        reading = parse(event.get("text") or "")
        if reading is None:
            await self.answer("bad")
            return
        celsius, humidity = reading
        taken = await save_reading(self.device, celsius, humidity)
        await self.channel_layer.group_send(
            "dashboard",
            {
                "type": "reading.new",
                "device": self.device,
                "celsius": celsius,
                "humidity": humidity,
                "taken": taken,
            },
        )
        await self.answer("ok")

    async def websocket_disconnect(self, event):
        log.info("%s left with %s", self.device, event.get("code"))
        raise StopConsumer

    async def answer(self, text):
        await self.send({"type": "websocket.send", "text": text})
""",
    "sensors/keys.py": """\
import hmac

from django.conf import settings


class DeviceKeyMiddleware:
    def __init__(self, inner):
        self.inner = inner

    async def __call__(self, scope, receive, send):
        headers = dict(scope["headers"])
        given = headers.get(b"x-device-key", b"").decode("latin-1")
        device = scope["path"].rstrip("/").rpartition("/")[2]
        wanted = settings.DEVICE_KEYS.get(device)
        scope = dict(scope)
        scope["trusted"] = wanted is not None and hmac.compare_digest(
            wanted, given
        )
        await self.inner(scope, receive, send)
""",
    "sensors/models.py": """\
from django.db import models


class Reading(models.Model):
    device = models.CharField(max_length=40, db_index=True)
    celsius = models.FloatField()
    humidity = models.FloatField()
    taken = models.DateTimeField(auto_now_add=True)
""",
    "sensors/static/sensors/connection.js": """\
export class Connection {
  constructor(path) {
    const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
    this.url = scheme + "//" + window.location.host + path;
    this.listeners = {};
    this.queue = [];
  }

  on(topic, listener) {
    this.listeners[topic] = listener;
    return this;
  }

  start() {
    this.socket = new WebSocket(this.url);
    this.socket.onopen = () => {
      this.queue.splice(0).forEach((text) => this.socket.send(text));
    };
    this.socket.onmessage = (e) => {
      const { topic, payload } = JSON.parse(e.data);
      this.listeners[topic]?.(payload);
    };
    this.socket.onclose = () => setTimeout(() => this.start(), 2000);
  }

  send(text) {
    if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(text);
    } else {
      this.queue.push(text);
    }
  }
}
""",
    "sensors/static/sensors/dashboard.js": """\
import { Connection } from "./connection.js";

const table = document.getElementById("readings");
const uptime = document.getElementById("uptime");
const toggle = document.getElementById("toggle");

function addRow(reading) {
  const row = table.insertRow(0);
  for (const value of [reading.device, reading.celsius, reading.humidity]) {
    row.insertCell().textContent = value;
  }
  row.className = (reading.alarms || []).join(" ");
}

const connection = new Connection("/ws/dashboard/")
  .on("history", (readings) => readings.reverse().forEach(addRow))
  .on("reading", addRow)
  .on("uptime", (seconds) => { uptime.textContent = seconds; });
connection.start();

let paused = false;
toggle.addEventListener("click", () => {
  paused = !paused;
  toggle.textContent = paused ? "Resume" : "Pause";
  connection.send(paused ? "pause" : "resume");
});
""",
    "sensors/store.py": """\
from channels.db import database_sync_to_async

from .models import Reading


@database_sync_to_async
def save_reading(device, celsius, humidity):
    made = Reading.objects.create(
        device=device, celsius=celsius, humidity=humidity
    )
    return made.taken.isoformat()


@database_sync_to_async
def last_readings(amount=20):
    rows = Reading.objects.order_by("-pk").values(
        "device", "celsius", "humidity", "taken"
    )[:amount]
    return [dict(row, taken=row["taken"].isoformat()) for row in rows]
""",
    "sensors/views.py": """\
from django.http import JsonResponse
from django.shortcuts import render

from .store import last_readings


def dashboard(request):
    return render(request, "dashboard.html")


async def latest(request):
    return JsonResponse({"readings": await last_readings(5)})
""",
    "site_conf/__init__.py": "",
    "site_conf/asgi.py": """\
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_conf.settings")
pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import (  # noqa: E402
    AllowedHostsOriginValidator,
)
from django.urls import path  # noqa: E402

from sensors.dashboard import DashboardConsumer  # noqa: E402
from sensors.ingest import IngestConsumer  # noqa: E402
from sensors.keys import DeviceKeyMiddleware  # noqa: E402

browsers = AllowedHostsOriginValidator(
    URLRouter([path("ws/dashboard/", DashboardConsumer.as_asgi())])
)
devices = DeviceKeyMiddleware(
    URLRouter([path("ws/ingest/<slug:device>/", IngestConsumer.as_asgi())])
)


async def sockets(scope, receive, send):
    \"\"\"Devices have no origin, but a key.\"\"\"
    side = devices if scope["path"].startswith("/ws/ingest/") else browsers
    await side(scope, receive, send)


application = ProtocolTypeRouter({"http": pages, "websocket": sockets})
""",
    "site_conf/settings.py": """\
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ.get("SECRET_KEY", "dev")
DEBUG = "PRODUCTION" not in os.environ
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", "greenhouse.example"]
INSTALLED_APPS = ["daphne", "channels", "django.contrib.staticfiles", "sensors"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "site_conf.urls"
ASGI_APPLICATION = "site_conf.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "pages"],
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ROOT / "greenhouse.sqlite3",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
STATIC_URL = "/static/"
USE_TZ = True
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels.layers.InMemoryChannelLayer",
        "CONFIG": {"capacity": 500},
    }
}
DEVICE_KEYS = {"bench-1": "k-one", "bench-2": "k-two"}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"sensors": {"handlers": ["console"], "level": "INFO"}},
}
""",
    "site_conf/urls.py": """\
from django.urls import path

from sensors.views import dashboard, latest

urlpatterns = [
    path("", dashboard),
    path("latest.json", latest),
]
""",
}

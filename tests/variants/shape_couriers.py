"""Couriers on a live map: async views, tickets, a worker, Caddy and nginx."""

from __future__ import annotations

COURIERS = {
    "Caddyfile": """\
pedalpost.example {
	encode zstd gzip
	handle_path /static/* {
		root * /srv/static
		file_server
	}
	reverse_proxy web:8000
}
""",
    "Dockerfile": """\
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \\
    PYTHONPATH=/app/src \\
    DJANGO_SETTINGS_MODULE=pedalpost.settings

WORKDIR /app
COPY pyproject.toml ./
RUN pip install "django>=5.2,<6" "channels[daphne]>=4.3" "channels-redis>=4.3"
COPY manage.py ./
COPY src ./src
RUN PEDALPOST_SECRET=build-only python manage.py collectstatic --noinput

EXPOSE 8000
CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "pedalpost.asgi:application"]
""",
    "compose.yaml": """\
x-app: &app
  build: .
  environment:
    PEDALPOST_DEBUG: "0"
    PEDALPOST_SECRET: ${PEDALPOST_SECRET:?set it in .env}
    PEDALPOST_HOSTS: pedalpost.example
    REDIS_URL: redis://redis:6379/0
  depends_on:
    - redis

services:
  web:
    <<: *app
    volumes:
      - static:/app/static_root
  estimator:
    <<: *app
    command: python manage.py runworker estimates
  redis:
    image: redis:7-alpine
  caddy:
    image: caddy:2
    ports:
      - "80:80"
      - "443:443"
    volumes:
      - ./Caddyfile:/etc/caddy/Caddyfile:ro
      - static:/srv/static:ro

volumes:
  static:
""",
    "manage.py": """\
#!/usr/bin/env python
import os
import sys
from pathlib import Path

SRC = Path(__file__).resolve().parent / "src"


def main() -> None:
    sys.path.insert(0, str(SRC))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pedalpost.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
""",
    "pyproject.toml": """\
[project]
name = "pedalpost"
version = "2.4.0"
requires-python = ">=3.11"
dependencies = [
    "django>=5.2,<6",
    "channels[daphne]>=4.3",
    "channels-redis>=4.3",
]

[project.optional-dependencies]
test = ["pytest", "pytest-django", "pytest-asyncio"]

[tool.pytest.ini_options]
DJANGO_SETTINGS_MODULE = "pedalpost.settings"
pythonpath = ["src"]
testpaths = ["tests"]
""",
    "deploy/nginx.conf": """\
# For the box in the garage, which has no Docker.
map $http_upgrade $connection_upgrade {
    default upgrade;
    ''      close;
}

upstream pedalpost {
    server 127.0.0.1:8000;
}

server {
    listen 80;
    server_name pedalpost.example;

    location /static/ {
        alias /srv/pedalpost/static_root/;
    }

    location /ws/ {
        proxy_pass http://pedalpost;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_read_timeout 1h;
    }

    location / {
        proxy_pass http://pedalpost;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
    }
}
""",
    "deploy/pedalpost-estimator.service": """\
[Unit]
Description=Pedalpost, estimates of arrival
After=network.target redis.service

[Service]
User=pedalpost
WorkingDirectory=/srv/pedalpost
EnvironmentFile=/etc/pedalpost.env
ExecStart=/srv/pedalpost/.venv/bin/python manage.py runworker estimates
Restart=on-failure

[Install]
WantedBy=multi-user.target
""",
    "deploy/pedalpost.service": """\
[Unit]
Description=Pedalpost, pages and sockets
After=network.target redis.service

[Service]
User=pedalpost
WorkingDirectory=/srv/pedalpost/src
EnvironmentFile=/etc/pedalpost.env
ExecStart=/srv/pedalpost/.venv/bin/daphne -p 8000 pedalpost.asgi:application
Restart=on-failure

[Install]
WantedBy=multi-user.target
""",
    "src/fleet/__init__.py": "",
    "src/fleet/apps.py": """\
from django.apps import AppConfig


class FleetConfig(AppConfig):
    name = "fleet"
    verbose_name = "Couriers and what they carry"
""",
    "src/fleet/consumers.py": """\
from __future__ import annotations

import json

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
)

from . import ledger, names
from .messages import AskEta, Delivered, Pin, Position, parse
from .models import Courier


class OdometerConsumer(AsyncConsumer):
    \"\"\"Counts the taps on the bell, for one client.\"\"\"

    async def websocket_connect(self, event):
        self.taps = 0
        await self.send({"type": "websocket.accept"})
        await self.send({"type": "websocket.send", "text": str(self.taps)})

    async def websocket_receive(self, event):
        match event.get("text"):
            case "reset":
                self.taps = 0
            case _:
                self.taps += 1
        await self.send({"type": "websocket.send", "text": str(self.taps)})

    async def websocket_disconnect(self, event):
        raise StopConsumer


class ZoneConsumer(AsyncWebsocketConsumer):
    \"\"\"The live map of one zone; whoever has its page may look.\"\"\"

    async def connect(self):
        self.zone = self.scope["url_route"]["kwargs"]["zone"]
        self.group = names.zone_group(self.zone)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.tell(kind="hello", zone=self.zone)

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        match text_data:
            case "refresh":
                await self.tell(
                    kind="known",
                    pins=await ledger.known_pins(self.zone),
                    drops=await ledger.open_drops(self.zone),
                )
            case _:
                await self.tell(kind="error", why="the map only listens")

    async def tell(self, **message):
        await self.send(text_data=json.dumps(message))

    async def zone_moved(self, event):
        await self.tell(kind="moved", pin=event["pin"])

    async def zone_dropped(self, event):
        await self.tell(kind="dropped", drop=event["drop"])

    async def zone_delivered(self, event):
        await self.tell(kind="delivered", drop=event["drop"])


class SaddleConsumer(AsyncJsonWebsocketConsumer):
    \"\"\"The telephone on the handlebar: where I am, what I have delivered.\"\"\"

    async def connect(self):
        self.courier = None
        user = self.scope["user"]
        if not user.is_authenticated:
            await self.close()
            return
        courier = await Courier.objects.filter(user=user).afirst()
        if courier is None:
            await self.close()
            return
        self.courier = courier
        await self.channel_layer.group_add(names.COURIERS, self.channel_name)
        offered = self.scope["subprotocols"]
        await self.accept(names.PROTOCOL if names.PROTOCOL in offered else None)
        self.scope["session"]["zone"] = courier.zone
        await self.scope["session"].asave()
        await self.send_json({"kind": "ready", "zone": courier.zone})

    async def disconnect(self, code):
        if self.courier:
            await self.channel_layer.group_discard(names.COURIERS, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        try:
            await super().receive(text_data, bytes_data, **kwargs)
        except ValueError:
            await self.send_json({"kind": "error", "why": "this is no message of ours"})

    async def receive_json(self, content, **kwargs):
        zone = names.zone_group(self.courier.zone)
        match parse(content):
            case Position(lat=lat, lon=lon) as where:
                await ledger.remember(self.courier, where)
                pin = Pin(self.courier.pk, lat, lon)
                await self.channel_layer.group_send(zone, pin.event())
            case Delivered(drop=drop):
                if await ledger.mark_delivered(self.courier.zone, drop):
                    await self.channel_layer.group_send(
                        zone, {"type": "zone.delivered", "drop": drop}
                    )
            case AskEta(drop=drop):
                await self.channel_layer.send(
                    names.ESTIMATES,
                    {
                        "type": "eta.estimate",
                        "courier": self.courier.pk,
                        "drop": drop,
                        "reply_to": self.channel_name,
                    },
                )

    async def eta_ready(self, event):
        await self.send_json(
            {"kind": "eta", "drop": event["drop"], "minutes": event["minutes"]}
        )

    async def courier_notice(self, event):
        await self.send_json({"kind": "notice", "text": event["text"]})
""",
    "src/fleet/ledger.py": """\
\"\"\"All that is asked of the database.\"\"\"

from __future__ import annotations

from channels.db import database_sync_to_async
from django.utils import timezone

from .messages import Position
from .models import Courier, Drop


async def open_drops(zone: str) -> list[dict]:
    rows = Drop.objects.filter(zone=zone, delivered=False).order_by("pk")
    return [row async for row in rows.values("id", "address", "lat", "lon")]


async def known_pins(zone: str) -> list[dict]:
    rows = Courier.objects.filter(zone=zone, lat__isnull=False).order_by("pk")
    return [
        {"courier": one.pk, "lat": one.lat, "lon": one.lon} async for one in rows
    ]


@database_sync_to_async
def remember(courier: Courier, where: Position) -> None:
    courier.lat, courier.lon = where.lat, where.lon
    courier.seen = timezone.now()
    courier.save(update_fields=["lat", "lon", "seen"])


@database_sync_to_async
def mark_delivered(zone: str, drop: int) -> bool:
    rows = Drop.objects.filter(zone=zone, pk=drop, delivered=False)
    return rows.update(delivered=True) == 1
""",
    "src/fleet/management/__init__.py": "",
    "src/fleet/management/commands/__init__.py": "",
    "src/fleet/management/commands/announce.py": """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.management.base import BaseCommand

from fleet import names


class Command(BaseCommand):
    help = "Tells all couriers who are on the road something."

    def add_arguments(self, parser):
        parser.add_argument("text")

    def handle(self, *args, **options):
        notice = {"type": "courier.notice", "text": options["text"]}
        async_to_sync(get_channel_layer().group_send)(names.COURIERS, notice)
        self.stdout.write("told")
""",
    "src/fleet/messages.py": """\
\"\"\"What clients say, as types.\"\"\"

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


class Unreadable(ValueError):
    \"\"\"What came is none of the messages below.\"\"\"


@dataclass(frozen=True, slots=True)
class Position:
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Delivered:
    drop: int


@dataclass(frozen=True, slots=True)
class AskEta:
    drop: int


@dataclass(frozen=True, slots=True)
class Pin:
    \"\"\"A courier as the map shows it.\"\"\"

    courier: int
    lat: float
    lon: float

    def event(self) -> dict[str, Any]:
        return {"type": "zone.moved", "pin": asdict(self)}


def parse(raw: Any) -> Position | Delivered | AskEta:
    match raw:
        case {"kind": "position", "lat": float(lat), "lon": float(lon)}:
            return Position(lat, lon)
        case {"kind": "delivered", "drop": int() as drop}:
            return Delivered(drop)
        case {"kind": "eta", "drop": int() as drop}:
            return AskEta(drop)
        case _:
            raise Unreadable
""",
    "src/fleet/migrations/0001_initial.py": """\
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Courier",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("zone", models.SlugField()),
                ("lat", models.FloatField(blank=True, null=True)),
                ("lon", models.FloatField(blank=True, null=True)),
                ("seen", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="courier",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Drop",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("zone", models.SlugField()),
                ("address", models.CharField(max_length=200)),
                ("lat", models.FloatField()),
                ("lon", models.FloatField()),
                ("delivered", models.BooleanField(default=False)),
            ],
        ),
    ]
""",
    "src/fleet/migrations/__init__.py": "",
    "src/fleet/models.py": """\
from django.conf import settings
from django.db import models


class Courier(models.Model):
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="courier"
    )
    zone = models.SlugField()
    lat = models.FloatField(null=True, blank=True)
    lon = models.FloatField(null=True, blank=True)
    seen = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"courier {self.pk} in {self.zone}"


class Drop(models.Model):
    zone = models.SlugField()
    address = models.CharField(max_length=200)
    lat = models.FloatField()
    lon = models.FloatField()
    delivered = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.address
""",
    "src/fleet/names.py": """\
\"\"\"The names under which parts of the program hear one another.\"\"\"

COURIERS = "couriers"
ESTIMATES = "estimates"
PROTOCOL = "pedalpost.v1"


def zone_group(zone: str) -> str:
    return f"zone.{zone}"
""",
    "src/fleet/routing.py": """\
from django.urls import path

from . import consumers, names, workers

sockets = [
    path("ws/odometer/", consumers.OdometerConsumer.as_asgi()),
    path("ws/zones/<slug:zone>/", consumers.ZoneConsumer.as_asgi()),
    path("ws/saddle/", consumers.SaddleConsumer.as_asgi()),
]

channels = {
    names.ESTIMATES: workers.EstimateConsumer.as_asgi(),
}
""",
    "src/fleet/static/fleet/js/bell.js": """\
import { Link } from './link.js';

const taps = document.querySelector('#taps');
const link = new Link('/ws/odometer/', {
  onMessage: (text) => { taps.value = text; },
});

document.querySelector('#bell').addEventListener('click', () => link.send('ring'));
document.querySelector('#reset').addEventListener('click', () => link.send('reset'));
""",
    "src/fleet/static/fleet/js/link.js": """\
// A socket that comes back when it was lost.
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

export class Link {
  constructor(path, { onMessage, onState = () => {}, protocols = async () => [] }) {
    this.url = new URL(path, location.href);
    this.url.protocol = this.url.protocol.replace('http', 'ws');
    this.onMessage = onMessage;
    this.onState = onState;
    this.protocols = protocols;
    this.pause = FIRST_PAUSE;
    this.open();
  }

  async open() {
    this.onState('connecting');
    this.socket = new WebSocket(this.url, await this.protocols());
    this.socket.addEventListener('open', () => {
      this.pause = FIRST_PAUSE;
      this.onState('connected');
    });
    this.socket.addEventListener('message', (event) => this.onMessage(event.data));
    this.socket.addEventListener('close', () => this.again());
  }

  again() {
    this.onState('lost');
    setTimeout(() => this.open(), this.pause * (0.5 + Math.random()));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  send(text) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(text);
    return true;
  }
}
""",
    "src/fleet/static/fleet/js/map.js": """\
import { Link } from './link.js';

const map = document.querySelector('#map');
const pins = new Map();
const drops = new Map();

function row(list, rows, id, text) {
  if (!rows.has(id)) {
    rows.set(id, list.appendChild(document.createElement('li')));
  }
  rows.get(id).textContent = text;
}

const showPin = ({ courier, lat, lon }) =>
  row(document.querySelector('#pins'), pins, courier, `${courier}: ${lat}, ${lon}`);
const showDrop = ({ id, address }) =>
  row(document.querySelector('#drops'), drops, id, address);

function forget(id) {
  drops.get(id)?.remove();
  drops.delete(id);
}

function show(text) {
  const message = JSON.parse(text);
  switch (message.kind) {
    case 'hello':
      document.title = message.zone;
      link.send('refresh');
      break;
    case 'known':
      [...drops.keys()].forEach(forget);
      message.pins.forEach(showPin);
      message.drops.forEach(showDrop);
      break;
    case 'moved':
      showPin(message.pin);
      break;
    case 'dropped':
      showDrop(message.drop);
      break;
    case 'delivered':
      forget(message.drop);
      break;
    case 'error':
      console.warn(message.why);
      break;
  }
}

const link = new Link(`/ws/zones/${map.dataset.zone}/`, {
  onMessage: show,
  onState: (state) => { document.querySelector('#state').textContent = state; },
});
const refresh = document.querySelector('#refresh');
refresh.addEventListener('click', () => link.send('refresh'));
""",
    "src/fleet/static/fleet/js/saddle.js": """\
import { Link } from './link.js';

const form = document.querySelector('#drop');
const notice = document.querySelector('#notice');

async function ticket() {
  const response = await fetch('/api/ticket/', {
    method: 'POST',
    headers: { 'X-CSRFToken': form.elements.csrfmiddlewaretoken.value },
  });
  if (!response.ok) return ['pedalpost.v1'];
  const { ticket: value } = await response.json();
  return ['pedalpost.v1', value];
}

function show(text) {
  const message = JSON.parse(text);
  if (message.kind === 'eta') {
    document.querySelector('#eta').value = `${message.minutes} min for ${message.drop}`;
  } else if (message.kind === 'notice') {
    notice.hidden = false;
    notice.textContent = message.text;
  } else if (message.kind === 'error') {
    notice.hidden = false;
    notice.textContent = message.why;
  }
}

const link = new Link('/ws/saddle/', {
  onMessage: show,
  onState: (state) => { document.querySelector('#state').textContent = state; },
  protocols: ticket,
});

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const kind = event.submitter.value;
  link.send(JSON.stringify({ kind, drop: Number(form.elements.drop.value) }));
});

navigator.geolocation?.watchPosition(({ coords }) => {
  const { latitude: lat, longitude: lon } = coords;
  link.send(JSON.stringify({ kind: 'position', lat, lon }));
});
""",
    "src/fleet/templates/fleet/base.html": """\
{% load static %}<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>{% block title %}Pedalpost{% endblock %}</title>
  <link rel="icon" href="data:,">
</head>
<body>
  <header><a href="{% url 'city' %}">Pedalpost</a></header>
  <main>{% block main %}{% endblock %}</main>
  {% block scripts %}{% endblock %}
</body>
</html>
""",
    "src/fleet/templates/fleet/city.html": """\
{% extends "fleet/base.html" %}
{% load static %}
{% block main %}
<h1>The city</h1>
<ul>
  {% for zone in zones %}
  <li><a href="{% url 'zone' zone %}">{{ zone }}</a></li>
  {% endfor %}
</ul>
<p>The bell was rung <output id="taps">0</output> times.
  <button type="button" id="bell">Ring</button>
  <button type="button" id="reset">Start again</button></p>
<p><a href="{% url 'saddle' %}">I ride</a></p>
{% endblock %}
{% block scripts %}
<script type="module" src="{% static 'fleet/js/bell.js' %}"></script>
{% endblock %}
""",
    "src/fleet/templates/fleet/saddle.html": """\
{% extends "fleet/base.html" %}
{% load static %}
{% block main %}
<h1>Hello, {{ request.user.get_username }}</h1>
<p id="state">connecting</p>
<p id="notice" hidden></p>
<form id="drop">
  {% csrf_token %}
  <label>Drop <input name="drop" type="number" min="1" required></label>
  <button name="kind" value="eta">When?</button>
  <button name="kind" value="delivered">Delivered</button>
</form>
<p>Arrival: <output id="eta">unknown</output></p>
<form method="post" action="{% url 'logout' %}">
  {% csrf_token %}
  <button>Log out</button>
</form>
{% endblock %}
{% block scripts %}
<script type="module" src="{% static 'fleet/js/saddle.js' %}"></script>
{% endblock %}
""",
    "src/fleet/templates/fleet/zone.html": """\
{% extends "fleet/base.html" %}
{% load static %}
{% block title %}{{ zone }}{% endblock %}
{% block main %}
<h1>{{ zone }}</h1>
<p id="state">connecting</p>
<section id="map" data-zone="{{ zone }}">
  <ul id="pins"></ul>
  <ol id="drops"></ol>
</section>
<button type="button" id="refresh">Refresh</button>
{% endblock %}
{% block scripts %}
<script type="module" src="{% static 'fleet/js/map.js' %}"></script>
{% endblock %}
""",
    "src/fleet/templates/registration/login.html": """\
{% extends "fleet/base.html" %}
{% block main %}
<form method="post">
  {% csrf_token %}
  {{ form.as_p }}
  <input type="hidden" name="next" value="{{ next }}">
  <button>Log in</button>
</form>
{% endblock %}
""",
    "src/fleet/tickets.py": """\
\"\"\"Tickets: who asked a page for one may open a socket with it, for a minute.\"\"\"

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.core import signing

PREFIX = "ticket."
SALT = "fleet.ticket"
LIFETIME = 60  # seconds


def issue(user) -> str:
    return PREFIX + signing.dumps(user.pk, salt=SALT).replace(":", ".")


async def owner(ticket: str):
    value = ticket.removeprefix(PREFIX).replace(".", ":")
    try:
        pk = signing.loads(value, salt=SALT, max_age=LIFETIME)
    except signing.BadSignature:
        return None
    return await get_user_model().objects.filter(pk=pk, is_active=True).afirst()


class TicketMiddleware:
    \"\"\"Puts the owner of a ticket in the place of whoever the cookie names.\"\"\"

    def __init__(self, inner):
        self.inner = inner

    async def __call__(self, scope, receive, send):
        for offered in scope.get("subprotocols", ()):
            if offered.startswith(PREFIX):
                user = await owner(offered)
                if user is not None:
                    scope = {**scope, "user": user}
                break
        return await self.inner(scope, receive, send)
""",
    "src/fleet/urls.py": """\
from django.urls import path

from . import views

urlpatterns = [
    path("", views.city, name="city"),
    path("healthz", views.healthz, name="healthz"),
    path("zones/<slug:zone>/", views.zone_map, name="zone"),
    path("saddle/", views.saddle, name="saddle"),
    path("api/ticket/", views.ticket, name="ticket"),
    path("api/zones/<slug:zone>/drops/", views.add_drop, name="add-drop"),
    path("api/drops/<int:pk>/cancel/", views.cancel_drop, name="cancel-drop"),
]
""",
    "src/fleet/views.py": """\
from __future__ import annotations

import json

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from . import names, tickets
from .models import Drop


async def healthz(request):
    return HttpResponse("ok", content_type="text/plain")


async def city(request):
    return render(request, "fleet/city.html", {"zones": ["harbour", "old-town"]})


async def zone_map(request, zone):
    return render(request, "fleet/zone.html", {"zone": zone})


@login_required
def saddle(request):
    return render(request, "fleet/saddle.html")


@require_POST
async def ticket(request):
    user = await request.auser()
    if not user.is_authenticated:
        return JsonResponse({"error": "log in first"}, status=401)
    return JsonResponse({"ticket": tickets.issue(user)})


@require_POST
async def add_drop(request, zone):
    user = await request.auser()
    if not user.is_authenticated:
        return JsonResponse({"error": "log in first"}, status=401)
    match json.loads(request.body or "null"):
        case {"address": str(address), "lat": float(lat), "lon": float(lon)}:
            drop = await Drop.objects.acreate(
                zone=zone, address=address, lat=lat, lon=lon
            )
        case _:
            return JsonResponse({"error": "address, lat and lon, please"}, status=400)
    told = {"id": drop.pk, "address": address, "lat": lat, "lon": lon}
    layer = get_channel_layer()
    await layer.group_send(
        names.zone_group(zone), {"type": "zone.dropped", "drop": told}
    )
    return JsonResponse(told, status=201)


@login_required
@require_POST
def cancel_drop(request, pk):
    drop = get_object_or_404(Drop, pk=pk, delivered=False)
    drop.delivered = True
    drop.save(update_fields=["delivered"])
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(
        names.zone_group(drop.zone), {"type": "zone.delivered", "drop": drop.pk}
    )
    return HttpResponse(status=204)
""",
    "src/fleet/workers.py": """\
\"\"\"What runs in ``manage.py runworker estimates``.\"\"\"

from __future__ import annotations

from math import cos, hypot, radians

from channels.consumer import AsyncConsumer

from .models import Courier, Drop

KM_PER_DEGREE = 111.2
MINUTES_PER_KM = 4


def minutes(courier: Courier, drop: Drop) -> int:
    east = (drop.lon - courier.lon) * cos(radians(drop.lat))
    north = drop.lat - courier.lat
    return round(hypot(east, north) * KM_PER_DEGREE * MINUTES_PER_KM)


class EstimateConsumer(AsyncConsumer):
    async def eta_estimate(self, job):
        courier = await Courier.objects.filter(pk=job["courier"]).afirst()
        drop = await Drop.objects.filter(pk=job["drop"]).afirst()
        if courier is None or drop is None or courier.lat is None:
            return
        await self.channel_layer.send(
            job["reply_to"],
            {
                "type": "eta.ready",
                "drop": drop.pk,
                "minutes": minutes(courier, drop),
            },
        )
""",
    "src/pedalpost/__init__.py": "",
    "src/pedalpost/asgi.py": """\
\"\"\"Where Daphne and ``manage.py runworker`` come in.\"\"\"

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pedalpost.settings")
pages = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import (  # noqa: E402
    ChannelNameRouter,
    ProtocolTypeRouter,
    URLRouter,
)
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from fleet.routing import channels, sockets  # noqa: E402
from fleet.tickets import TicketMiddleware  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(TicketMiddleware(URLRouter(sockets)))
        ),
        "channel": ChannelNameRouter(channels),
    }
)
""",
    "src/pedalpost/settings.py": """\
from os import environ
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

DEBUG = environ.get("PEDALPOST_DEBUG", "1") == "1"
SECRET_KEY = environ.get("PEDALPOST_SECRET", "only-for-the-laptop" if DEBUG else "")
ALLOWED_HOSTS = environ.get("PEDALPOST_HOSTS", "localhost,127.0.0.1").split(",")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "fleet",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

ROOT_URLCONF = "pedalpost.urls"
ASGI_APPLICATION = "pedalpost.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": environ.get("PEDALPOST_DB", ROOT / "pedalpost.sqlite3"),
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if REDIS_URL := environ.get("REDIS_URL"):
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {
                "hosts": [{"address": REDIS_URL, "socket_timeout": None}],
                "prefix": "pedalpost",
            },
        },
    }
else:
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
    }

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "saddle"
LOGOUT_REDIRECT_URL = "city"

USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = ROOT / "static_root"
""",
    "src/pedalpost/urls.py": """\
from django.contrib.auth import views as auth
from django.urls import include, path

urlpatterns = [
    path("login/", auth.LoginView.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("", include("fleet.urls")),
]
""",
    "tests/__init__.py": "",
    "tests/test_map.py": """\
\"\"\"The map of a zone, as its page hears it.\"\"\"

import pytest
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator

from fleet.models import Drop
from fleet.names import zone_group
from pedalpost.asgi import application

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]
ORIGIN = [(b"origin", b"http://localhost")]


async def look_at(zone):
    page = WebsocketCommunicator(application, f"/ws/zones/{zone}/", headers=ORIGIN)
    connected, _ = await page.connect()
    assert connected
    return page


async def test_open_drops_are_told():
    await Drop.objects.acreate(zone="harbour", address="Quay 3", lat=53.5, lon=10.0)
    page = await look_at("harbour")
    assert (await page.receive_json_from())["zone"] == "harbour"
    await page.send_to(text_data="refresh")
    known = await page.receive_json_from()
    assert [drop["address"] for drop in known["drops"]] == ["Quay 3"]
    await page.disconnect()


async def test_a_pin_moves():
    page = await look_at("old-town")
    await page.receive_json_from()
    pin = {"courier": 4, "lat": 53.55, "lon": 9.99}
    await get_channel_layer().group_send(
        zone_group("old-town"), {"type": "zone.moved", "pin": pin}
    )
    assert await page.receive_json_from() == {"kind": "moved", "pin": pin}
    assert await page.receive_nothing()
    await page.disconnect()
""",
    "tests/test_saddle.py": """\
\"\"\"Couriers on the road.\"\"\"

from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.test import TransactionTestCase

from fleet.models import Courier
from fleet.tickets import issue
from pedalpost.asgi import application


class SaddleTests(TransactionTestCase):
    def setUp(self):
        self.user = get_user_model().objects.create_user("rosa")
        self.courier = Courier.objects.create(user=self.user, zone="harbour")

    def ride(self, *protocols):
        return WebsocketCommunicator(
            application,
            "/ws/saddle/",
            headers=[(b"origin", b"http://localhost")],
            subprotocols=list(protocols),
        )

    async def test_strangers_stay_out(self):
        connected, _ = await self.ride("pedalpost.v1").connect()
        self.assertFalse(connected)

    async def test_a_ticket_lets_in(self):
        phone = self.ride("pedalpost.v1", issue(self.user))
        connected, chosen = await phone.connect()
        self.assertTrue(connected)
        self.assertEqual(chosen, "pedalpost.v1")
        ready = await phone.receive_json_from()
        self.assertEqual(ready["zone"], "harbour")
        await phone.disconnect()

    async def test_nonsense_is_answered(self):
        phone = self.ride("pedalpost.v1", issue(self.user))
        await phone.connect()
        await phone.receive_json_from()
        await phone.send_to(text_data="not json")
        answer = await phone.receive_json_from()
        self.assertEqual(answer["kind"], "error")
        await phone.disconnect()
""",
}

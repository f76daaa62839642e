# ruff: noqa: E501  (the project's own lines)
"""A bakery's orders: settings by place, images in a folder of their own, units."""

from __future__ import annotations

BAKEHOUSE = {
    "manage.py": """\
#!/usr/bin/env python
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bakehouse.settings.local")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
""",
    "requirements.txt": """\
Django>=5.2,<6
channels[daphne]>=4.2
channels_redis>=4.2
cryptography
gunicorn
""",
    "pytest.ini": """\
[pytest]
DJANGO_SETTINGS_MODULE = bakehouse.settings.local
asyncio_mode = auto
""",
    "compose.yaml": """\
services:
  redis:
    image: redis:7
  web:
    build:
      context: .
      dockerfile: deploy/docker/web.Dockerfile
    environment:
      DJANGO_SECRET_KEY: ${DJANGO_SECRET_KEY}
      REDIS_URL: redis://redis:6379/0
    ports: ["8000:8000"]
    depends_on: [redis]
  oven:
    build:
      context: .
      dockerfile: deploy/docker/web.Dockerfile
    command: python manage.py runworker oven
    environment:
      DJANGO_SETTINGS_MODULE: bakehouse.settings.production
      DJANGO_SECRET_KEY: ${DJANGO_SECRET_KEY}
      REDIS_URL: redis://redis:6379/0
    depends_on: [redis]
""",
    "deploy/docker/web.Dockerfile": """\
FROM python:3.12-slim
WORKDIR /srv/bakehouse
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
ENV DJANGO_SETTINGS_MODULE=bakehouse.settings.production
EXPOSE 8000
CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "bakehouse.asgi:application"]
""",
    "deploy/systemd/bakehouse-web.service": """\
[Unit]
Description=Bakehouse, pages and sockets
After=network.target

[Service]
User=bakehouse
WorkingDirectory=/srv/bakehouse
Environment=DJANGO_SETTINGS_MODULE=bakehouse.settings.production
Environment=REDIS_URL=redis://10.2.0.4:6379/0
EnvironmentFile=/etc/bakehouse.env
ExecStart=/srv/bakehouse/venv/bin/daphne -b 0.0.0.0 -p 8000 bakehouse.asgi:application
Restart=always

[Install]
WantedBy=multi-user.target
""",
    "deploy/systemd/bakehouse-oven.service": """\
[Unit]
Description=Bakehouse, the oven's worker
After=network.target

[Service]
User=bakehouse
WorkingDirectory=/srv/bakehouse
Environment=DJANGO_SETTINGS_MODULE=bakehouse.settings.production
Environment=REDIS_URL=redis://10.2.0.4:6379/0
EnvironmentFile=/etc/bakehouse.env
ExecStart=/srv/bakehouse/venv/bin/python manage.py runworker oven
Restart=always

[Install]
WantedBy=multi-user.target
""",
    "bakehouse/__init__.py": "",
    "bakehouse/settings/__init__.py": "",
    "bakehouse/settings/base.py": """\
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent
INSTALLED_APPS = [
    "daphne",
    "django.contrib.staticfiles",
    "channels",
    "orders.apps.OrdersConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
ROOT_URLCONF = "bakehouse.urls"
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True},
]
ASGI_APPLICATION = "bakehouse.asgi.application"
WSGI_APPLICATION = "bakehouse.wsgi.application"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "bakehouse.sqlite3",
    }
}
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "public"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
""",
    "bakehouse/settings/local.py": """\
from .base import *

SECRET_KEY = "only-on-this-machine"
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
""",
    "bakehouse/settings/production.py": """\
import os

from .base import *

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["orders.bakehouse.example"]
REDIS = os.environ["REDIS_URL"]
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS, "socket_timeout": None}]},
    }
}
""",
    "bakehouse/urls.py": """\
from django.urls import path

from orders.views import counter

urlpatterns = [path("", counter, name="counter")]
""",
    "bakehouse/wsgi.py": """\
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bakehouse.settings.production")
application = get_wsgi_application()
""",
    "bakehouse/asgi.py": """\
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bakehouse.settings.local")
pages = get_asgi_application()

from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

from orders.oven import OvenConsumer
from orders.routing import sockets

application = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": AllowedHostsOriginValidator(URLRouter(sockets)),
        "channel": ChannelNameRouter({"oven": OvenConsumer.as_asgi()}),
    }
)
""",
    "orders/__init__.py": "",
    "orders/apps.py": """\
from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self):
        from orders import signals  # noqa: F401
""",
    "orders/signals.py": """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db.models.signals import post_save
from django.dispatch import receiver

from .models import Order


@receiver(post_save, sender=Order)
def tell(sender, instance, created, **kwargs):
    if created:
        layer = get_channel_layer()
        event = {"type": "order.placed", "number": instance.pk, "bread": instance.bread}
        async_to_sync(layer.group_send)("counter", event)
""",
    "orders/models.py": """\
from django.db import models


class Order(models.Model):
    bread = models.CharField(max_length=40)
    baked = models.BooleanField(default=False)
""",
    "orders/migrations/__init__.py": "",
    "orders/migrations/0001_initial.py": """\
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bread", models.CharField(max_length=40)),
                ("baked", models.BooleanField(default=False)),
            ],
        ),
    ]
""",
    "orders/oven.py": """\
from channels.consumer import AsyncConsumer


class OvenConsumer(AsyncConsumer):
    async def oven_bake(self, job):
        await self.channel_layer.group_send(
            "counter", {"type": "order.baked", "number": job["number"]}
        )
""",
    "orders/routing.py": """\
from django.urls import path

from .consumers import BellConsumer, CounterConsumer

sockets = [
    path("ws/counter/", CounterConsumer.as_asgi()),
    path("ws/bell/", BellConsumer.as_asgi()),
]
""",
    "orders/consumers.py": """\
import asyncio

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from .models import Order

NOT_KNOWN = "not known here"


class CounterConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add("counter", self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard("counter", self.channel_name)

    async def receive_json(self, content, **kwargs):
        event = content.get("event") if isinstance(content, dict) else None
        if event not in HANDLERS:
            await self.send_json({"event": "refused", "why": NOT_KNOWN})
            return
        await HANDLERS[event](self, content)

    async def place(self, content):
        bread = str(content.get("bread", ""))[:40]
        if not bread:
            await self.send_json({"event": "refused", "why": "which bread?"})
            return
        await Order.objects.acreate(bread=bread)

    async def bake(self, content):
        number = content.get("number")
        if not isinstance(number, int):
            await self.send_json({"event": "refused", "why": "which order?"})
            return
        await self.channel_layer.send("oven", {"type": "oven.bake", "number": number})

    async def order_placed(self, event):
        await self.send_json(
            {"event": "placed", "number": event["number"], "bread": event["bread"]}
        )

    async def order_baked(self, event):
        await self.send_json({"event": "baked", "number": event["number"]})


HANDLERS = {"place": CounterConsumer.place, "bake": CounterConsumer.bake}


class BellConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.send_json({"event": "hello"})

    async def receive_json(self, content, **kwargs):
        await asyncio.sleep(0.4)
        await self.send_json({"event": "rung"})
""",
    "orders/views.py": """\
from django.shortcuts import render


def counter(request):
    return render(request, "orders/counter.html")
""",
    "orders/templates/orders/counter.html": """\
{% load static %}<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Counter</title></head>
<body>
<form id="order"><input name="bread" aria-label="bread"><button>Order</button></form>
<ul id="list"></ul>
<p id="note"></p>
<script src="{% static 'orders/counter.js' %}"></script>
</body>
</html>
""",
    "orders/static/orders/counter.js": """\
const list = document.getElementById("list");
const note = document.getElementById("note");
const form = document.getElementById("order");
let socket = null;
let pause = 500;

function say(message) {
  if (socket && socket.readyState === WebSocket.OPEN) {
    socket.send(JSON.stringify(message));
  }
}

function placed(message) {
  const item = document.createElement("li");
  item.id = `order-${message.number}`;
  item.textContent = message.bread;
  item.addEventListener("click", () => say({ event: "bake", number: message.number }));
  list.append(item);
}

function baked(message) {
  document.getElementById(`order-${message.number}`)?.remove();
}

function refused(message) {
  note.textContent = message.why;
}

const hear = { placed, baked, refused };

function open() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/ws/counter/`);
  socket.onopen = () => { pause = 500; };
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    hear[message.event]?.(message);
  };
  socket.onclose = () => {
    setTimeout(open, pause);
    pause = Math.min(pause * 2, 15000);
  };
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  say({ event: "place", bread: form.elements.bread.value });
  form.reset();
});
open();
""",
    "tests/__init__.py": "",
    "tests/test_sockets.py": """\
import pytest
from channels.testing import WebsocketCommunicator

from bakehouse.asgi import application
from orders.consumers import BellConsumer, CounterConsumer

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = (b"origin", b"http://localhost")


def talk(path="/ws/bell/", consumer=BellConsumer):
    return WebsocketCommunicator(consumer.as_asgi(), path)


def through(path, headers=(PAGE,)):
    return WebsocketCommunicator(application, path, headers=list(headers))


async def test_the_bell_greets_and_rings():
    client = talk()
    connected, _ = await client.connect()
    assert connected
    assert await client.receive_json_from() == {"event": "hello"}
    await client.send_json_to({"ring": 1})
    assert await client.receive_json_from(timeout=2) == {"event": "rung"}
    await client.disconnect()


async def test_an_order_comes_back():
    client = talk("/ws/counter/", CounterConsumer)
    connected, _ = await client.connect()
    assert connected
    await client.send_json_to({"event": "place", "bread": "rye"})
    answer = await client.receive_json_from()
    assert answer["bread"] == "rye"
    await client.disconnect()


async def test_a_page_is_let_in():
    client = through("/ws/counter/")
    connected, _ = await client.connect()
    assert connected
    await client.disconnect()
""",
}

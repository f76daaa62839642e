"""Everything behind a login: strangers are refused before anything is tried."""

from __future__ import annotations

GUILD = {
    "manage.py": """\
#!/usr/bin/env python
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "guild.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
""",
    "Procfile": "web: daphne -b 0.0.0.0 -p $PORT guild.asgi:application\n",
    "deploy/site.conf": """\
upstream guild { server web:8000; }
server {
    listen 80;
    location /static/ { alias /srv/guild/collected/; }
    location / {
        proxy_pass http://guild;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
}
""",
    "guild/__init__.py": "",
    "guild/settings.py": """\
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "guild"
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "halls",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "guild.urls"
WSGI_APPLICATION = "guild.wsgi.application"
ASGI_APPLICATION = "guild.asgi.application"
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
]
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "guild.db"}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "collected"
""",
    "guild/wsgi.py": """\
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "guild.settings")
application = get_wsgi_application()
""",
    "guild/asgi.py": """\
import os

from channels.auth import AuthMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import CookieMiddleware, SessionMiddleware
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "guild.settings")
pages = get_asgi_application()

from halls.passes import PassMiddleware  # noqa: E402
from halls.routing import sockets  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": AllowedHostsOriginValidator(
            CookieMiddleware(
                SessionMiddleware(AuthMiddleware(PassMiddleware(URLRouter(sockets))))
            )
        ),
    }
)
""",
    "guild/urls.py": """\
from django.urls import path

from halls import views

urlpatterns = [
    path("halls/<int:number>/", views.hall),
    path("halls/<int:number>/ring/", views.ring),
]
""",
    "halls/__init__.py": "",
    "halls/models.py": """\
from django.conf import settings
from django.db import models


class Hall(models.Model):
    name = models.CharField(max_length=80)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL)

    @property
    def size(self):
        return self.members.count()


class Line(models.Model):
    hall = models.ForeignKey(Hall, on_delete=models.CASCADE, related_name="lines")
    text = models.TextField()
""",
    "halls/migrations/__init__.py": "",
    "halls/passes.py": '''\
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.core import signing


@database_sync_to_async
def holder(text):
    try:
        number = signing.loads(text, max_age=60)
    except signing.BadSignature:
        return None
    return get_user_model().objects.filter(pk=number).first()


class PassMiddleware:
    """A pass that is good for a minute takes the place of a session."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        query = parse_qs(scope["query_string"].decode())
        if "pass" in query:
            user = await holder(query["pass"][0])
            scope = dict(scope, user=user or scope["user"])
        return await self.app(scope, receive, send)
''',
    "halls/bells.py": """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer


def bell(number):
    return f"bell.{number}"


def ring(number):
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(bell(number), {"type": "bell.rung"})
""",
    "halls/views.py": """\
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import render

from .bells import ring as ring_bell


@login_required
def hall(request, number):
    return render(request, "halls/hall.html", {"number": number})


@login_required
def ring(request, number):
    ring_bell(number)
    return JsonResponse({"rung": True})
""",
    "halls/members.py": '''\
from channels.generic.websocket import AsyncJsonWebsocketConsumer


class MembersOnly(AsyncJsonWebsocketConsumer):
    """Turns strangers away; others are let in and told so."""

    async def may_enter(self):
        return self.scope["user"].is_authenticated

    async def connect(self):
        if not await self.may_enter():
            await self.close()
            return
        await self.accept()
        await self.entered()

    async def entered(self):
        pass
''',
    "halls/consumers.py": '''\
import json

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.generic.websocket import WebsocketConsumer

from .bells import bell
from .members import MembersOnly
from .models import Hall, Line


class HallConsumer(MembersOnly):
    """One hall, and who speaks in it."""

    group = None

    @database_sync_to_async
    def hall(self):
        number = self.scope["url_route"]["kwargs"]["number"]
        found = Hall.objects.filter(pk=number, members=self.scope["user"]).first()
        return found and {"number": found.pk, "name": found.name}

    async def may_enter(self):
        self.found = await super().may_enter() and await self.hall()
        return bool(self.found)

    async def entered(self):
        self.group = f"hall.{self.found['number']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.send_json({"kind": "welcome", "name": self.found["name"]})

    async def disconnect(self, code):
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content, **kwargs):
        if not isinstance(content, dict):
            return
        if content.get("do") == "say":
            await self.say(content)

    async def say(self, content):
        text = str(content.get("words", ""))
        await Line.objects.acreate(hall_id=self.found["number"], text=text)
        event = {"type": "hall.said", "text": text}
        await self.channel_layer.group_send(self.group, event)

    async def hall_said(self, event):
        await self.send_json({"kind": "said", "text": event["text"]})


class BellConsumer(WebsocketConsumer):
    """Rings where somebody has rung."""

    def connect(self):
        self.bell = bell(self.scope["url_route"]["kwargs"]["number"])
        if self.scope["user"].is_anonymous:
            self.close()
            return
        async_to_sync(self.channel_layer.group_add)(self.bell, self.channel_name)
        self.accept()

    def disconnect(self, code):
        async_to_sync(self.channel_layer.group_discard)(self.bell, self.channel_name)

    def receive(self, text_data=None, bytes_data=None):
        try:
            wanted = json.loads(text_data or "")["loudness"]
        except (ValueError, TypeError, KeyError):
            return
        self.send(json.dumps({"loudness": wanted}))

    def bell_rung(self, event):
        self.send(json.dumps({"rung": True}))
''',
    "halls/routing.py": """\
from django.urls import path

from .consumers import BellConsumer, HallConsumer

sockets = [
    path("sockets/halls/<int:number>/", HallConsumer.as_asgi()),
    path("sockets/bells/<int:number>/", BellConsumer.as_asgi()),
]
""",
    "halls/templates/halls/hall.html": """\
<!doctype html>
<html lang="en">
<title>Hall</title>
<body data-number="{{ number }}">
<ul id="lines"></ul>
<form id="say"><input name="words"><button>Say</button></form>
<script>
  const base = location.origin.replace(/^http/, "ws");
  const number = document.body.dataset.number;
  const hall = new WebSocket(`${base}/sockets/halls/${number}/`);
  hall.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.kind !== "said") return;
    const line = document.createElement("li");
    line.textContent = message.text;
    document.getElementById("lines").append(line);
  };
  document.getElementById("say").onsubmit = (event) => {
    event.preventDefault();
    hall.send(JSON.stringify({ do: "say", words: event.target.words.value }));
  };
</script>
</body>
</html>
""",
    "halls/tests.py": """\
from channels.testing import WebsocketCommunicator
from django.test import TransactionTestCase

from guild.asgi import application

HEADERS = [(b"origin", b"http://localhost")]


class Strangers(TransactionTestCase):
    async def test_they_stay_outside(self):
        client = WebsocketCommunicator(
            application, "/sockets/halls/1/", headers=HEADERS
        )
        connected, _ = await client.connect()
        self.assertFalse(connected)
""",
}

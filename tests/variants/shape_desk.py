"""A backend folder, calls by name, an application from another module, async views."""

from __future__ import annotations

DESK = {
    "README.md": "# Desk\n",
    "frontend/package.json": '{"name": "desk", "private": true}\n',
    "backend/manage.py": '''\
#!/usr/bin/env python
"""Run administrative tasks."""
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as exc:
        raise ImportError("Couldn't import Django.") from exc
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
''',
    "backend/server/__init__.py": "",
    "backend/server/settings.py": """\
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "desk"
DEBUG = True
HOSTS = {"localhost", "127.0.0.1"}
ALLOWED_HOSTS = sorted(HOSTS)

INSTALLED_APPS = ["daphne"]
CONTRIB = ("auth", "contenttypes", "sessions", "staticfiles")
INSTALLED_APPS.extend(f"django.contrib.{name}" for name in CONTRIB)
INSTALLED_APPS.append("tickets")
INSTALLED_APPS.append("live")

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "server.urls"
ASGI_APPLICATION = "server.asgi.application"
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
]
CHANNEL_LAYERS = {}
CHANNEL_LAYERS["default"] = {
    "BACKEND": "channels.layers.InMemoryChannelLayer",
    "CONFIG": {"expiry": 30},
}
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "desk.db"}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
""",
    "backend/server/urls.py": """\
from django.urls import path

from tickets import views

urlpatterns = [
    path("", views.home),
    path("tickets/<int:number>/close/", views.close),
]
""",
    "backend/server/application.py": '''\
"""The application, as asgi.py and the tests build it."""
from functools import reduce

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

from live.middleware import TeamMiddleware

MIDDLEWARE = (TeamMiddleware, AuthMiddlewareStack, AllowedHostsOriginValidator)


def build(http):
    from live.routes import routes

    websocket = reduce(lambda app, wrap: wrap(app), MIDDLEWARE, URLRouter(routes))
    return ProtocolTypeRouter({"http": http, "websocket": websocket})
''',
    "backend/server/asgi.py": """\
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
http = get_asgi_application()

from server.application import build  # noqa: E402

application = build(http)
""",
    "backend/live/__init__.py": "",
    "backend/live/middleware.py": '''\
class TeamMiddleware:
    """Whoever says ``?team=x`` belongs to it."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        query = scope.get("query_string", b"").decode("ascii", "ignore")
        _, found, team = query.partition("team=")
        scope = {**scope, "team": team if found else None}
        return await self.app(scope, receive, send)
''',
    "backend/live/groups.py": """\
from enum import Enum


class Group(str, Enum):
    EVERYONE = "desk.everyone"
    TEAM = "desk.team."

    def of(self, name):
        return self.value + name
""",
    "backend/live/rpc.py": '''\
"""Calls by name over a socket."""
import json
from collections.abc import Callable

from channels.generic.websocket import AsyncWebsocketConsumer


class RpcError(Exception):
    pass


def method(name: str) -> Callable:
    def mark(function):
        function.rpc = name
        return function

    return mark


class RpcConsumer(AsyncWebsocketConsumer):
    """Runs the method that a client names, and answers with its result."""

    async def receive(self, text_data=None, bytes_data=None):
        try:
            request = json.loads(text_data or "")
            name, params = str(request["method"]), dict(request.get("params") or {})
        except (ValueError, KeyError, TypeError):
            await self.reply(None, error="bad request")
            return
        found = self.find(name)
        if found is None:
            await self.reply(request.get("id"), error="no such method")
            return
        try:
            result = await found(**params)
        except RpcError as error:
            await self.reply(request.get("id"), error=str(error))
        else:
            await self.reply(request.get("id"), result=result)

    def find(self, name):
        for attribute in dir(type(self)):
            function = getattr(type(self), attribute)
            if getattr(function, "rpc", None) == name:
                return getattr(self, attribute)
        return None

    async def reply(self, number, **fields):
        await self.send(json.dumps({"id": number, **fields}))

    async def push(self, kind, **fields):
        await self.send(text_data=json.dumps({"event": kind, **fields}))
''',
    "backend/live/consumers.py": '''\
import asyncio

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async as in_thread
from channels.exceptions import StopConsumer

from live.groups import Group
from live.rpc import RpcConsumer, method
from tickets import queries


class DeskConsumer(RpcConsumer):
    team = None

    async def connect(self):
        self.team = self.scope["url_route"]["kwargs"]["team"]
        self.joined = [Group.EVERYONE.value, Group.TEAM.of(self.team)]
        for group in self.joined:
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()
        await self.push("welcome", team=self.team)

    async def disconnect(self, code):
        for group in self.joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    @method("ping")
    async def ping(self, **params):
        return "pong"

    @method("whoami")
    async def whoami(self, **params):
        user = self.scope["user"]
        return user.get_username() or None

    @method("open")
    async def open_tickets(self, **params):
        try:
            return await in_thread(queries.open_subjects)(self.team)
        except Exception:
            return []

    @method("say")
    async def say(self, text="", **params):
        event = {"type": "desk_said", "text": str(text), "team": self.team}
        await self.channel_layer.group_send(Group.TEAM.of(self.team), event)
        return True

    async def desk_said(self, event):
        await self.push("said", text=event["text"])

    async def ticket_closed(self, event):
        await self.push("closed", number=event["number"])


class ClockConsumer(AsyncConsumer):
    """The time, once a second; it does not listen."""

    async def websocket_connect(self, event):
        await self.send({"type": "websocket.accept"})
        self.task = asyncio.create_task(self.run())

    async def run(self):
        seconds = 0
        while True:
            await self.send({"type": "websocket.send", "text": f"{seconds}"})
            await asyncio.sleep(1)
            seconds += 1

    async def websocket_receive(self, event):
        if (text := event.get("text")) == "stop":
            self.task.cancel()
            await self.send({"type": "websocket.send", "text": f"{text}ped"})

    async def websocket_disconnect(self, event):
        self.task.cancel()
        raise StopConsumer
''',
    "backend/live/routes.py": """\
from django.urls import re_path

from live import consumers as c

routes = [
    re_path(r"^ws/desk/(?P<team>[a-z]+)/$", c.DeskConsumer.as_asgi()),
    re_path(r"^ws/clock/$", c.ClockConsumer.as_asgi()),
]
""",
    "backend/tickets/__init__.py": "",
    "backend/tickets/models.py": """\
from django.db import models


class Ticket(models.Model):
    team = models.CharField(max_length=20)
    subject = models.CharField(max_length=200)
    closed = models.BooleanField(default=False)
""",
    "backend/tickets/migrations/__init__.py": "",
    "backend/tickets/queries.py": """\
from tickets.models import Ticket


def open_subjects(team):
    return [t.subject for t in Ticket.objects.filter(team=team, closed=False)]


async def close(number):
    return await Ticket.objects.filter(pk=number).aupdate(closed=True)
""",
    "backend/tickets/news.py": '''\
"""Events of the desk."""
from channels.layers import get_channel_layer

from live.groups import Group


def closed_event(number):
    return {"type": "ticket.closed", "number": number}


async def tell(group, event):
    layer = get_channel_layer()
    await layer.group_send(group, event)


async def tell_closed(number):
    await tell(Group.EVERYONE.value, closed_event(number))
''',
    "backend/tickets/views.py": """\
from django.http import JsonResponse
from django.shortcuts import render

from tickets import news, queries


def home(request):
    return render(request, "tickets/home.html", {"team": "blue"})


async def close(request, number):
    found = await queries.close(number)
    if found:
        await news.tell_closed(number)
    return JsonResponse({"closed": bool(found)})
""",
    "backend/tickets/templates/tickets/home.html": """\
<!doctype html>
<html lang="en">
<title>Desk</title>
<body>
<p id="clock"></p>
<ol id="news"></ol>
{{ team|json_script:"team" }}
<script>
  (function () {
    const team = JSON.parse(document.getElementById("team").textContent);
    const url = (path) => {
      const address = new URL(path, window.location);
      address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
      return address.href;
    };
    const desk = new WebSocket(url(`/ws/desk/${team}/`));
    desk.onmessage = function (message) {
      const data = JSON.parse(message.data);
      if (data.event) document.getElementById("news").append(data.event);
    };
    desk.onopen = () => desk.send(JSON.stringify({id: 1, method: "open"}));
    const clock = new WebSocket(url("/ws/clock/"));
    clock.onmessage = (message) => {
      document.getElementById("clock").textContent = message.data;
    };
  })();
</script>
</body>
</html>
""",
}

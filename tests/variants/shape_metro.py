"""A departures board, a raw consumer, no database, events of the page's own."""

from __future__ import annotations

METRO = {
    "board/__init__.py": "",
    "board/consumer.py": """\
import asyncio
import json
from contextlib import suppress

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer

from . import timetable

PAUSE = 4


class BoardConsumer(AsyncConsumer):
    async def websocket_connect(self, message):
        self.station = self.scope["url_route"]["kwargs"]["station"]
        self.line = None
        await self.send({"type": "websocket.accept"})
        await self.push("hello", number=self.scope["number"], station=self.station)
        self.clock = asyncio.ensure_future(self.every(PAUSE))

    async def websocket_receive(self, message):
        order = self.parsed(message.get("text"))
        verb = order.get("verb")
        if verb == "filter":
            self.line = order.get("line")
            await self.show()
        elif verb == "now":
            await self.show()
        else:
            await self.push("complaint", about=verb)

    async def websocket_disconnect(self, message):
        self.clock.cancel()
        with suppress(asyncio.CancelledError):
            await self.clock
        raise StopConsumer()

    @staticmethod
    def parsed(text):
        with suppress(ValueError, TypeError):
            found = json.loads(text)
            if isinstance(found, dict):
                return found
        return {}

    async def every(self, seconds):
        while True:
            await self.show()
            await asyncio.sleep(seconds)

    async def show(self):
        trains = timetable.departures(self.station)
        if self.line:
            trains = [one for one in trains if one.line == self.line]
        await self.push("trains", rows=timetable.as_rows(trains))

    async def push(self, topic, **body):
        await self.send(
            {
                "type": "websocket.send",
                "text": json.dumps({"topic": topic, "body": body}),
            }
        )
""",
    "board/routes.py": """\
from django.urls import re_path

from .consumer import BoardConsumer

SOCKETS = [re_path(r"^board/(?P<station>[a-z]+)/live$", BoardConsumer.as_asgi())]
""",
    "board/static/board/feed.js": """\
export default class Feed extends EventTarget {
  #socket;

  constructor(station) {
    super();
    const address = new URL(`/board/${station}/live`, window.location);
    const secure = window.location.protocol === "https:";
    address.protocol = secure ? "wss:" : "ws:";
    this.#socket = new WebSocket(address.href);
    this.#socket.addEventListener("message", ({ data }) => this.#heard(data));
  }

  #heard(data) {
    const { topic, body } = JSON.parse(data);
    this.dispatchEvent(new CustomEvent(topic, { detail: body }));
  }

  order(verb, more = {}) {
    this.#socket.send(JSON.stringify({ verb, ...more }));
  }
}
""",
    "board/static/board/main.js": """\
import Feed from "./feed.js";

const feed = new Feed(document.body.dataset.station);
const table = document.querySelector("table");

feed.addEventListener("hello", ({ detail }) => {
  const { station, number } = detail;
  document.querySelector("h1").textContent = `${station} (visitor ${number})`;
});
feed.addEventListener("trains", ({ detail: { rows } }) => {
  table.innerHTML = "";
  for (const { line, towards, minutes } of rows) {
    const row = table.insertRow();
    row.insertCell().textContent = line;
    row.insertCell().textContent = towards;
    row.insertCell().textContent = `${minutes} min`;
  }
});
feed.addEventListener("complaint", (event) => console.warn(event.detail.about));
document.querySelector("select").onchange = (event) => {
  feed.order("filter", { line: event.target.value || null });
};
""",
    "board/templates/board/board.html": """\
{% load static %}<!doctype html>
<html><body data-station="{{ station }}">
<h1></h1><table></table>
<select><option value="">all</option><option>U1</option></select>
<script type="module" src="{% static 'board/main.js' %}"></script>
</body></html>
""",
    "board/templates/board/index.html": """\
<p><a href="/board/zoo/">Zoo</a></p>
""",
    "board/timetable.py": """\
import itertools
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Train:
    line: str
    towards: str
    minutes: int


ENDS = {"U1": "harbour", "U2": "airport"}
_turn = itertools.count()


def departures(station):
    step = next(_turn)
    return [
        Train(line, towards, (step * 3 + len(station) + n) % 15)
        for n, (line, towards) in enumerate(ENDS.items())
    ]


def as_rows(trains):
    return [asdict(one) for one in trains]
""",
    "manage.py": """\
import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metro.settings")
    execute_from_command_line(sys.argv)
""",
    "metro/__init__.py": "",
    "metro/asgi.py": """\
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metro.settings")
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from board.routes import SOCKETS  # noqa: E402


class Stamp:
    \"\"\"Gives each connection a number.\"\"\"

    count = 0

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        Stamp.count += 1
        scope = {**scope, "number": Stamp.count}
        return await self.app(scope, receive, send)


application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": AllowedHostsOriginValidator(Stamp(URLRouter(SOCKETS))),
    }
)
""",
    "metro/settings.py": """\
SECRET_KEY = "metro"
DEBUG = True
ALLOWED_HOSTS = []
INSTALLED_APPS = ("daphne", "django.contrib.staticfiles", "board")
MIDDLEWARE = ("django.middleware.common.CommonMiddleware",)
ROOT_URLCONF = "metro.urls"
ASGI_APPLICATION = "metro.asgi.application"
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
]
STATIC_URL = "/static/"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
""",
    "metro/urls.py": """\
from django.urls import path
from django.views.generic import TemplateView

urlpatterns = [
    path("", TemplateView.as_view(template_name="board/index.html")),
    path(
        "board/<str:station>/",
        TemplateView.as_view(template_name="board/board.html"),
    ),
]
""",
}

"""A harbour's desk: two consumers with the same words, names that are empty at first.

What its clients need our own knocks do not have: an address with a UUID, what stands
behind a question mark, objects inside of objects.
"""

from __future__ import annotations

QUAY = {
    "berths/__init__.py": "",
    "berths/consumers.py": """\
import json
from urllib.parse import parse_qs
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.generic.websocket import (
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)


class BerthConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        self.berth = UUID(self.scope["url_route"]["kwargs"]["berth"])
        self.channel = f"berth.{self.berth.hex}"
        await self.channel_layer.group_add(self.channel, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.channel, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        try:
            order = json.loads(text_data or "")
        except ValueError:
            return
        if not isinstance(order, dict) or "cargo" not in order:
            return
        order["cargo"]["by"] = self.channel_name
        await self.channel_layer.group_send(
            self.channel, {"type": "berth.told", "cargo": order["cargo"]}
        )

    async def berth_told(self, event):
        await self.send(text_data=json.dumps({"cargo": event["cargo"]}))


class RadioConsumer(WebsocketConsumer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.band = None

    def connect(self):
        asked = parse_qs(self.scope["query_string"].decode())
        self.band = f"radio.{int(asked['band'][0])}"
        async_to_sync(self.channel_layer.group_add)(self.band, self.channel_name)
        self.accept()

    def disconnect(self, code):
        if self.band:
            leave = async_to_sync(self.channel_layer.group_discard)
            leave(self.band, self.channel_name)

    def receive(self, text_data=None, bytes_data=None):
        if text_data:
            async_to_sync(self.channel_layer.group_send)(
                self.band, {"type": "radio.said", "said": text_data}
            )

    def radio_said(self, event):
        self.send(text_data=event["said"])


class NoticeConsumer(JsonWebsocketConsumer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.band = None

    def connect(self):
        self.band = "notices"
        async_to_sync(self.channel_layer.group_add)(self.band, self.channel_name)
        self.accept()
        self.berth_told({"count": 0})

    def disconnect(self, code):
        async_to_sync(self.channel_layer.group_discard)(self.band, self.channel_name)

    def receive_json(self, content, **kwargs):
        user = content.get("user") if isinstance(content, dict) else None
        if user:
            async_to_sync(self.channel_layer.group_send)(
                self.band, {"type": "notice.seen", "user": user}
            )

    def notice_seen(self, event):
        self.send_json({"user": event["user"]})

    def berth_told(self, event):
        self.send_json({"count": event["count"]})
""",
    "berths/routing.py": """\
from django.urls import re_path

from . import consumers

SOCKETS = [
    re_path(r"^ws/berth/(?P<berth>[\\w-]+)/$", consumers.BerthConsumer.as_asgi()),
    re_path(r"^ws/radio/$", consumers.RadioConsumer.as_asgi()),
    re_path(r"^ws/notices/$", consumers.NoticeConsumer.as_asgi()),
]
""",
    "berths/templates/berths/radio.html": """\
<!doctype html>
<title>Radio</title>
<form method="post" action="">{% csrf_token %}<button>Sign off</button></form>
<p id="state"></p>
<script>
const ship = Boolean(document.body.dataset.ship);
const scheme = location.protocol === "https:" ? "wss" : "ws";
const radio = new WebSocket(`${scheme}://${location.host}/ws/radio/?band=16`);
const state = document.getElementById("state");
radio.onopen = () => {
  const word = {by: "desk"};
  word["type"] = ship ? "hail" : "reply";
  radio.send(JSON.stringify(word));
};
radio.onmessage = (event) => {
  const word = JSON.parse(event.data);
  switch (word.type) {
    case "hail":
      state.textContent = `a hail by ${word.by}`;
      break;
    case "reply":
      state.textContent = `a reply by ${word.by}`;
      break;
  }
};
</script>
""",
    "berths/views.py": """\
from django.shortcuts import render


def radio(request):
    return render(request, "berths/radio.html")
""",
    "quay/__init__.py": "",
    "quay/asgi.py": """\
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quay.settings")
pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

from berths.routing import SOCKETS

application = ProtocolTypeRouter(
    {"http": pages, "websocket": AllowedHostsOriginValidator(URLRouter(SOCKETS))}
)
""",
    "quay/settings.py": """\
SECRET_KEY = "quay"
DEBUG = True
ALLOWED_HOSTS = []
INSTALLED_APPS = ["daphne", "django.contrib.staticfiles", "berths"]
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
ROOT_URLCONF = "quay.urls"
ASGI_APPLICATION = "quay.asgi.application"
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
]
STATIC_URL = "static/"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
""",
    "quay/urls.py": """\
from berths.views import radio
from django.urls import path

urlpatterns = [path("", radio)]
""",
}

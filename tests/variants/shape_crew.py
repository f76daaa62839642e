# ruff: noqa: E501
"""A right project: a roster of a crew, with a frontend of React and a board of htmx."""

from __future__ import annotations

CREW = {
    "backend/manage.py": """\
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crew.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
""",
    "backend/crew/__init__.py": "",
    "backend/crew/settings.py": """\
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ.get("SECRET_KEY") or "only-here"
DEBUG = os.environ.get("DEBUG", "1") == "1"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "crew.example.org"]
CSRF_TRUSTED_ORIGINS = ["https://crew.example.org"]
INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "roster.apps.RosterConfig",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "crew.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
ASGI_APPLICATION = "crew.asgi.application"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}
}
STATIC_URL = "/static/"
STATIC_ROOT = "/var/www/crew/static"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
""",
    "backend/crew/urls.py": """\
from django.urls import path

from roster.views import board

urlpatterns = [path("", board, name="board")]
""",
    "backend/crew/asgi.py": """\
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crew.settings")
pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from roster.consumers import BoardConsumer, RosterConsumer

sockets = URLRouter(
    [
        path("ws/roster/<int:shift>/", RosterConsumer.as_asgi()),
        path("ws/board/", BoardConsumer.as_asgi()),
    ]
)
application = ProtocolTypeRouter(
    {"http": pages, "websocket": AllowedHostsOriginValidator(sockets)}
)
""",
    "backend/roster/__init__.py": "",
    "backend/roster/apps.py": """\
from django.apps import AppConfig


class RosterConfig(AppConfig):
    name = "roster"

    def ready(self):
        from roster import signals  # noqa: F401
""",
    "backend/roster/models.py": """\
from django.db import models


class Shift(models.Model):
    name = models.CharField(max_length=40)
""",
    "backend/roster/migrations/__init__.py": "",
    "backend/roster/migrations/0001_initial.py": """\
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Shift",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40)),
            ],
        ),
    ]
""",
    "backend/roster/notices.py": """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer


def tell_board(shift):
    layer = get_channel_layer()
    async_to_sync(layer.group_send)("board", {"type": "board.noted", "shift": shift.pk})
""",
    "backend/roster/signals.py": """\
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from .models import Shift
from .notices import tell_board


@receiver(post_save, sender=Shift)
def shift_saved(sender, instance, **kwargs):
    transaction.on_commit(lambda: tell_board(instance))
""",
    "backend/roster/tests.py": """\
from channels.testing import WebsocketCommunicator
from django.test import TransactionTestCase

from crew.asgi import application

from .models import Shift


class BoardTests(TransactionTestCase):
    async def test_a_new_shift_is_told(self):
        headers = [(b"origin", b"http://localhost")]
        socket = WebsocketCommunicator(application, "/ws/board/", headers=headers)
        connected, _ = await socket.connect()
        self.assertTrue(connected)
        await Shift.objects.acreate(name="early")
        self.assertIn("shift", await socket.receive_from())
        await socket.disconnect()
""",
    "backend/roster/views.py": """\
from django.shortcuts import render


def board(request):
    return render(request, "roster/board.html")
""",
    "backend/roster/consumers.py": """\
import json

from channels.generic.websocket import AsyncWebsocketConsumer


class BoardConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add("board", self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard("board", self.channel_name)

    async def board_noted(self, event):
        await self.send(text_data=f'<p id="last">shift {event["shift"]}</p>')


class RosterConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        self.shift = self.scope["url_route"]["kwargs"]["shift"]
        self.group = f"roster_{self.shift}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept(subprotocol="roster")

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        try:
            data = json.loads(text_data or "")
        except ValueError:
            return
        if not isinstance(data, dict):
            return
        kind = data.get("kind")
        if kind == "note":
            text = str(data.get("text", "")).strip()
            if not text:
                return
            await self.channel_layer.group_send(
                self.group, {"type": "roster.note", "text": text}
            )
            await self.channel_layer.group_send(
                "board", {"type": "board.noted", "shift": self.shift}
            )
        elif kind == "ready":
            await self.channel_layer.group_send(self.group, {"type": "roster.ready"})

    async def roster_note(self, event):
        await self.send(text_data=json.dumps({"kind": "note", "text": event["text"]}))

    async def roster_ready(self, event):
        await self.send(text_data=json.dumps({"kind": "ready"}))
""",
    "backend/roster/templates/roster/board.html": """\
<!doctype html>
<title>Board</title>
<script src="https://unpkg.com/htmx.org@2.0.3"></script>
<script src="https://unpkg.com/htmx-ext-ws@2.0.1/ws.js"></script>
<body hx-ext="ws" ws-connect="/ws/board/">
  <p id="last"></p>
</body>
""",
    "deploy/nginx.conf": """\
server {
    listen 443 ssl;
    server_name crew.example.org;
    location /static/ {
        alias /var/www/crew/static/;
    }
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_read_timeout 3600s;
    }
}
""",
    "frontend/package.json": '{"private": true, "dependencies": {"react": "^18.3.1"}}\n',
    "frontend/src/useRoster.ts": """\
import { useCallback, useEffect, useRef, useState } from "react";

export interface Note {
  kind: string;
  text?: string;
}

const scheme = window.location.protocol === "https:" ? "wss" : "ws";

export function useRoster(shift: number) {
  const [notes, setNotes] = useState<string[]>([]);
  const socketRef = useRef<WebSocket | null>(null);

  useEffect(() => {
    const url: string = `${scheme}://${window.location.host}/ws/roster/${shift}/`;
    const socket: WebSocket = new WebSocket(url, ["roster"]);
    socketRef.current = socket;
    socket.onmessage = (event: MessageEvent<string>): void => {
      const data = JSON.parse(event.data) as Note;
      if (data.kind === "note") {
        setNotes((before) => [...before, data.text ?? ""]);
      }
    };
    return () => socket.close();
  }, [shift]);

  const say = useCallback((text: string) => {
    const socket = socketRef.current;
    if (socket && socket.readyState === WebSocket.OPEN) {
      socket.send(JSON.stringify({ kind: "note", text }));
    }
  }, []);

  return { notes, say };
}

export async function load(shift: number): Promise<Note[]> {
  const url = `/api/shifts/${shift}/`;
  return (await fetch(url)).json();
}
""",
    "frontend/src/Roster.tsx": """\
import { useState } from "react";
import { useRoster } from "./useRoster";

export function Roster({ shift }: { shift: number }) {
  const { notes, say } = useRoster(shift);
  const [draft, setDraft] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        say(draft);
        setDraft("");
      }}
    >
      <p>Don't forget: a note can't be taken back.</p>
      <ul>{notes.map((note, at) => <li key={at}>{note}</li>)}</ul>
      <input value={draft} onChange={(event) => setDraft(event.target.value)} />
    </form>
  );
}
""",
}

"""An editor and a dashboard, containers, nginx and a worker."""

from __future__ import annotations

SLATE = {
    "docker-compose.yml": """\
services:
  redis:
    image: redis:7
  web:
    build: .
    command: daphne -b 0.0.0.0 -p 8000 slate.asgi:application
    environment: &env
      DEBUG: "0"
      SECRET_KEY: ${SECRET_KEY}
      ALLOWED_HOSTS: slate.example.org
      REDIS_URL: redis://redis:6379/0
    depends_on: [redis]
  worker:
    build: .
    command: python manage.py runworker indexer
    environment: *env
    depends_on: [redis]
  nginx:
    image: nginx:1.27
    ports: ["443:443"]
    volumes:
      - ./deploy/nginx.conf:/etc/nginx/conf.d/default.conf:ro
""",
    "deploy/nginx.conf": """\
map $http_upgrade $connection_upgrade {
    default upgrade;
    ''      close;
}

upstream slate {
    server web:8000;
}

server {
    listen 443 ssl;
    server_name slate.example.org;
    ssl_certificate /etc/ssl/slate.pem;
    ssl_certificate_key /etc/ssl/slate.key;

    location /static/ {
        alias /srv/slate/staticfiles/;
    }

    location / {
        proxy_pass http://slate;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
    }
}
""",
    "server/manage.py": """\
#!/usr/bin/env python
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slate.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
""",
    "server/slate/__init__.py": "",
    "server/slate/settings.py": """\
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.getenv("SECRET_KEY", "insecure-for-development-only-9d8f7a6s5")
DEBUG = os.getenv("DEBUG", "1") == "1"
ALLOWED_HOSTS = os.getenv("ALLOWED_HOSTS", "localhost,127.0.0.1").split(",")

INSTALLED_APPS = [
    "daphne",
    "channels",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "docs",
    "plant",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "slate.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ASGI_APPLICATION = "slate.asgi.application"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "data.sqlite3",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "/admin/login/"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
USE_TZ = True

REDIS_URL = os.getenv("REDIS_URL")
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "capacity": 500},
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
""",
    "server/slate/asgi.py": '''\
"""The entry point for Daphne and for ``manage.py runworker``."""

import os

import django
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slate.settings")
django.setup()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402

import docs.routing  # noqa: E402
import plant.routing  # noqa: E402
from docs.workers import Indexer  # noqa: E402

sockets = URLRouter(
    docs.routing.websocket_urlpatterns + plant.routing.websocket_urlpatterns
)
application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(sockets)),
        "channel": ChannelNameRouter({"indexer": Indexer.as_asgi()}),
    }
)
''',
    "server/slate/urls.py": """\
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("docs/", include("docs.urls")),
    path("plant/", include("plant.urls")),
]
""",
    "server/docs/__init__.py": "",
    "server/docs/models.py": """\
from django.conf import settings
from django.db import models


class Document(models.Model):
    title = models.CharField(max_length=120)
    body = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=0)
    words = models.PositiveIntegerField(default=0)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    editors = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="shared", blank=True
    )

    def may_edit(self, user):
        return user == self.owner or self.editors.filter(pk=user.pk).exists()
""",
    "server/docs/routing.py": """\
from django.urls import path

from .consumers import DocumentConsumer

websocket_urlpatterns = [
    path("live/docs/<int:pk>/", DocumentConsumer.as_asgi()),
]
""",
    "server/docs/consumers.py": '''\
import json

from asgiref.sync import async_to_sync
from channels.generic.websocket import WebsocketConsumer
from django.db import transaction

from .models import Document

MAX_PATCH = 20_000


class DocumentConsumer(WebsocketConsumer):
    """Sends each accepted change on to everybody who has the document open."""

    def connect(self):
        self.joined = False
        self.pk = self.scope["url_route"]["kwargs"]["pk"]
        user = self.scope["user"]
        if not user.is_authenticated:
            self.close()
            return
        document = Document.objects.filter(pk=self.pk).first()
        if document is None or not document.may_edit(user):
            self.close()
            return
        self.user = user
        self.room = f"doc-{self.pk}"
        async_to_sync(self.channel_layer.group_add)(self.room, self.channel_name)
        self.joined = True
        self.accept()
        self.reply("snapshot", body=document.body, version=document.version)

    def disconnect(self, code):
        if self.joined:
            async_to_sync(self.channel_layer.group_discard)(
                self.room, self.channel_name
            )

    def reply(self, kind, **data):
        self.send(text_data=json.dumps({"kind": kind, **data}))

    def receive(self, text_data=None, bytes_data=None):
        try:
            patch = json.loads(text_data or "")
            base, start, end = (
                int(patch["version"]),
                int(patch["from"]),
                int(patch["to"]),
            )
            text = str(patch["text"])[:MAX_PATCH]
        except (KeyError, TypeError, ValueError):
            self.reply("error", reason="bad patch")
            return
        version = self.apply(base, start, end, text)
        if version is None:
            self.reply("stale")
            return
        async_to_sync(self.channel_layer.group_send)(
            self.room,
            {
                "type": "doc.patched",
                "version": version,
                "patch": {"from": start, "to": end, "text": text},
                "by": self.user.get_username(),
            },
        )
        async_to_sync(self.channel_layer.send)(
            "indexer", {"type": "index.document", "pk": self.pk}
        )

    def apply(self, base, start, end, text):
        with transaction.atomic():
            document = Document.objects.select_for_update().get(pk=self.pk)
            if document.version != base:
                return None
            document.body = document.body[:start] + text + document.body[end:]
            document.version += 1
            document.save(update_fields=["body", "version"])
        return document.version

    def doc_patched(self, event):
        self.reply("patch", version=event["version"], by=event["by"], **event["patch"])
''',
    "server/docs/workers.py": '''\
from channels.consumer import SyncConsumer

from .models import Document


class Indexer(SyncConsumer):
    """Counts words, away from the people who type: ``manage.py runworker indexer``."""

    def index_document(self, message):
        document = Document.objects.filter(pk=message["pk"]).first()
        if document is not None:
            Document.objects.filter(pk=document.pk).update(
                words=len(document.body.split())
            )
''',
    "server/docs/urls.py": """\
from django.urls import path

from . import views

app_name = "docs"
urlpatterns = [path("<int:pk>/", views.edit, name="edit")]
""",
    "server/docs/views.py": """\
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, render

from .models import Document


@login_required
def edit(request, pk):
    document = get_object_or_404(Document, pk=pk)
    if not document.may_edit(request.user):
        raise PermissionDenied
    return render(request, "docs/edit.html", {"document": document})
""",
    "server/docs/templates/docs/edit.html": """\
{% load static %}<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>{{ document.title }}</title>
  <script src="{% static 'docs/editor.js' %}" defer></script>
</head>
<body>
  <h1>{{ document.title }}</h1>
  <textarea id="body" data-document="{{ document.pk }}" disabled></textarea>
  <p id="status">connecting</p>
</body>
</html>
""",
    "server/docs/static/docs/editor.js": """\
(function () {
  const area = document.getElementById("body");
  const status = document.getElementById("status");
  const scheme = location.protocol === "https:" ? "wss://" : "ws://";
  const path = "/live/docs/" + area.dataset.document + "/";
  const address = scheme + location.host + path;
  let socket = null;
  let version = 0;
  let known = "";
  let tries = 0;

  function connect() {
    socket = new WebSocket(address);
    socket.onopen = function () {
      tries = 0;
      status.textContent = "connected";
    };
    socket.onmessage = function (event) {
      const message = JSON.parse(event.data);
      if (message.kind === "snapshot") {
        area.value = known = message.body;
        version = message.version;
        area.disabled = false;
      } else if (message.kind === "patch") {
        known = known.slice(0, message.from) + message.text + known.slice(message.to);
        version = message.version;
        if (area.value !== known) area.value = known;
        status.textContent = "changed by " + message.by;
      } else if (message.kind === "stale") {
        area.value = known;
      }
    };
    socket.onclose = function () {
      area.disabled = true;
      status.textContent = "offline";
      tries += 1;
      setTimeout(connect, Math.min(30000, 500 * 2 ** tries));
    };
  }

  area.addEventListener("input", function () {
    if (socket.readyState !== WebSocket.OPEN) return;
    const change = { from: 0, to: known.length, text: area.value };
    socket.send(JSON.stringify({ version: version, ...change }));
  });

  connect();
})();
""",
    "server/plant/__init__.py": "",
    "server/plant/routing.py": """\
from django.urls import path

from .consumers import ReadingsConsumer

websocket_urlpatterns = [
    path("live/plant/", ReadingsConsumer.as_asgi()),
]
""",
    "server/plant/consumers.py": '''\
from channels.generic.websocket import AsyncJsonWebsocketConsumer


class ReadingsConsumer(AsyncJsonWebsocketConsumer):
    """Shows what the sensors send; nothing is taken from the page."""

    groups = ["readings"]

    async def connect(self):
        if self.scope["user"].is_anonymous:
            await self.close()
            return
        await self.accept()

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        """A dashboard has nothing to say."""

    async def reading_new(self, event):
        await self.send_json({"sensor": event["sensor"], "value": event["value"]})
''',
    "server/plant/publish.py": '''\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer


def publish(sensor, value):
    """For code that is not asynchronous: threads, views and commands."""
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(
        "readings", {"type": "reading.new", "sensor": sensor, "value": value}
    )
''',
    "server/plant/urls.py": """\
from django.urls import path

from . import views

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("readings/", views.ingest, name="ingest"),
]
""",
    "server/plant/views.py": """\
import json
import secrets

from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseForbidden
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST


@login_required
def dashboard(request):
    return render(request, "plant/dashboard.html")


@csrf_exempt
@require_POST
async def ingest(request):
    key = request.headers.get("X-Device-Key", "")
    if not secrets.compare_digest(key, settings.SECRET_KEY[:16]):
        return HttpResponseForbidden()
    try:
        data = json.loads(request.body)
        sensor, value = str(data["sensor"]), float(data["value"])
    except (KeyError, TypeError, ValueError):
        return HttpResponseBadRequest()
    await get_channel_layer().group_send(
        "readings", {"type": "reading.new", "sensor": sensor, "value": value}
    )
    return HttpResponse(status=202)
""",
    "server/plant/templates/plant/dashboard.html": """\
{% load static %}<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Plant</title></head>
<body>
<table id="readings"></table>
<script src="{% static 'plant/dashboard.js' %}"></script>
</body>
</html>
""",
    "server/plant/static/plant/dashboard.js": """\
class Feed {
  constructor(path, onReading) {
    this.path = path;
    this.onReading = onReading;
    this.connect();
  }

  connect() {
    const url = new URL(this.path, window.location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.ws = new WebSocket(url);
    this.ws.onmessage = ({ data }) => this.onReading(JSON.parse(data));
    this.ws.onclose = () => window.setTimeout(() => this.connect(), 2000);
  }
}

const table = document.getElementById("readings");
new Feed("/live/plant/", ({ sensor, value }) => {
  let row = document.getElementById(`s-${sensor}`);
  if (!row) {
    row = table.insertRow();
    row.id = `s-${sensor}`;
    row.insertCell().textContent = sensor;
    row.insertCell();
  }
  row.cells[1].textContent = value;
});
""",
}

"""Shared notes: anybody reads, who has logged in writes."""

from __future__ import annotations

STUDIO = {
    "conf/__init__.py": "",
    "conf/asgi.py": """\
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conf.settings")
django_app = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import path  # noqa: E402

import notes.routing  # noqa: E402

websockets = URLRouter([path("ws/", URLRouter(notes.routing.urlpatterns))])
application = ProtocolTypeRouter(
    {
        "http": django_app,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(websockets)),
    }
)
""",
    "conf/settings.py": """\
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
SECRET_KEY = "studio"
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "notes.apps.NotesConfig",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "conf.urls"
ASGI_APPLICATION = "conf.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE / "studio.sqlite3",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
LOGIN_URL = "/login/"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
""",
    "conf/urls.py": """\
from django.contrib.auth.views import LoginView
from django.urls import path

from notes import views

urlpatterns = [
    path("login/", LoginView.as_view(template_name="login.html")),
    path("", views.index),
    path("n/<slug:name>/", views.note, name="note"),
]
""",
    "manage.py": """\
import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conf.settings")
    execute_from_command_line(sys.argv)
""",
    "notes/__init__.py": "",
    "notes/apps.py": """\
from django.apps import AppConfig
from django.db.models.signals import post_delete


class NotesConfig(AppConfig):
    name = "notes"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from notes.hooks import note_deleted

        post_delete.connect(note_deleted, sender=self.get_model("Note"))
""",
    "notes/consumers.py": """\
from dataclasses import asdict

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from notes import service
from notes.groups import of_note


class NoteConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.name = self.scope["url_route"]["kwargs"]["name"]
        self.editor = self.scope["user"]
        self.joined = False
        snapshot = await service.load(self.name)
        if snapshot is None:
            return await self.close()
        await self.channel_layer.group_add(of_note(self.name), self.channel_name)
        self.joined = True
        await self.accept()
        await self.reply(
            "opened", may_edit=self.editor.is_authenticated, **asdict(snapshot)
        )

    async def disconnect(self, code):
        if self.joined:
            await self.channel_layer.group_discard(
                of_note(self.name), self.channel_name
            )

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        try:
            content = await self.decode_json(text_data or "")
        except ValueError:
            return await self.reply("refused", reason="not JSON")
        if not isinstance(content, dict):
            return await self.reply("refused", reason="no object")
        await self.receive_json(content)

    async def receive_json(self, content):
        if content.get("do") != "save":
            return await self.reply("refused", reason="unknown")
        if not self.editor.is_authenticated:
            return await self.reply("refused", reason="log in first")
        body, version = content.get("body"), content.get("version")
        if not isinstance(body, str) or not isinstance(version, int):
            return await self.reply("refused", reason="body and version")
        try:
            snapshot = await service.save(self.name, body, version)
        except service.Conflict:
            return await self.reply("refused", reason="conflict")
        await self.channel_layer.group_send(
            of_note(self.name),
            {
                "type": "note.saved",
                "by": self.editor.get_username(),
                **asdict(snapshot),
            },
        )

    async def note_saved(self, event):
        await self.reply(
            "saved", by=event["by"], body=event["body"], version=event["version"]
        )

    async def note_gone(self, event):
        await self.close(code=4410)

    async def reply(self, verb, **facts):
        await self.send_json(dict(facts, verb=verb))
""",
    "notes/groups.py": """\
def of_note(name: str) -> str:
    return f"note.{name}"
""",
    "notes/hooks.py": """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from notes.groups import of_note


def note_deleted(sender, instance, **kwargs):
    def tell():
        layer = get_channel_layer()
        async_to_sync(layer.group_send)(
            of_note(instance.name), {"type": "note.gone"}
        )

    transaction.on_commit(tell)
""",
    "notes/models.py": """\
from django.conf import settings
from django.db import models


class Note(models.Model):
    name = models.SlugField(unique=True)
    body = models.TextField(blank=True, default="")
    version = models.PositiveIntegerField(default=0)
    locked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
""",
    "notes/routing.py": """\
from django.urls import path

from .consumers import NoteConsumer

urlpatterns = [path("note/<slug:name>/", NoteConsumer.as_asgi())]
""",
    "notes/service.py": """\
from dataclasses import dataclass

from channels.db import database_sync_to_async
from django.db.models import F

from notes.models import Note


class Conflict(Exception):
    \"\"\"Somebody else was faster.\"\"\"


@dataclass
class Snapshot:
    body: str
    version: int


@database_sync_to_async
def load(name):
    note = Note.objects.filter(name=name).first()
    return Snapshot(note.body, note.version) if note else None


@database_sync_to_async
def save(name, body, version):
    changed = Note.objects.filter(name=name, version=version).update(
        body=body, version=F("version") + 1
    )
    if not changed:
        raise Conflict
    return Snapshot(body, version + 1)
""",
    "notes/views.py": """\
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render

from .models import Note


def index(request):
    if request.method == "POST":
        return create(request)
    return render(request, "index.html", {"notes": Note.objects.all()})


@login_required
def create(request):
    made, _ = Note.objects.get_or_create(name=request.POST["name"])
    return redirect("note", name=made.name)


def note(request, name):
    return render(
        request, "note.html", {"note": get_object_or_404(Note, name=name)}
    )
""",
    "templates/index.html": """\
<ul>{% for note in notes %}
<li><a href="{% url 'note' note.name %}">{{ note.name }}</a></li>
{% endfor %}</ul>
<form method="post">{% csrf_token %}<input name="name"><button>New</button></form>
""",
    "templates/login.html": """\
<form method="post">{% csrf_token %}{{ form }}<button>Log in</button></form>
""",
    "templates/note.html": """\
<!doctype html>
<textarea id="body"></textarea><button id="save">Save</button><span id="state"></span>
<script>
(function () {
  var socket, version = 0;
  var body = document.getElementById("body");
  var state = document.getElementById("state");

  function connect() {
    var secure = window.location.protocol === "https:";
    var base = (secure ? "wss://" : "ws://") + window.location.host;
    socket = new WebSocket(base + "/ws/note/{{ note.name|escapejs }}/");
    socket.onopen = function () { state.textContent = "open"; };
    socket.onmessage = onMessage;
    socket.onclose = function (event) {
      state.textContent = event.code === 4410 ? "deleted" : "lost";
      if (event.code !== 4410) window.setTimeout(connect, 1500);
    };
  }

  function onMessage(event) {
    var told = JSON.parse(event.data);
    switch (told.verb) {
      case "opened":
        body.readOnly = !told.may_edit;
        show(told);
        break;
      case "saved":
        show(told);
        state.textContent = "saved by " + told.by;
        break;
      case "refused":
        state.textContent = told.reason;
        break;
    }
  }

  function show(snapshot) {
    body.value = snapshot.body;
    version = snapshot.version;
  }

  document.getElementById("save").onclick = function () {
    var text = body.value;
    socket.send(JSON.stringify({ do: "save", body: text, version: version }));
  };
  connect();
})();
</script>
""",
}

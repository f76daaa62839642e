"""Planning poker: rooms from the URL, scripts that are modules, tests for pytest."""

from __future__ import annotations

ESTIMATES: dict[str, str] = {
    "manage.py": """\
#!/usr/bin/env python
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
""",
    "pyproject.toml": """\
[project]
name = "planning-table"
version = "0.3"
requires-python = ">=3.11"
dependencies = ["django>=5.2", "channels[daphne]>=4.3"]

[dependency-groups]
dev = ["pytest", "pytest-django", "pytest-asyncio"]

[tool.pytest.ini_options]
DJANGO_SETTINGS_MODULE = "server.settings"
testpaths = ["tests"]
""",
    "server/__init__.py": "",
    "server/asgi.py": '''\
"""Pages and sockets of the planning table."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
pages = get_asgi_application()

from table.routing import sockets  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": AllowedHostsOriginValidator(URLRouter(sockets)),
    }
)
''',
    "server/settings.py": '''\
"""Settings of the planning table."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("SECRET_KEY", "only-for-this-machine")
DEBUG = os.environ.get("DEBUG", "1") == "1"
ALLOWED_HOSTS = os.environ.get("HOSTS", "localhost,127.0.0.1").split(",")

INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "channels",
    "table.apps.TableConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]

ROOT_URLCONF = "server.urls"
ASGI_APPLICATION = "server.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request"]
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": HERE / "table.db",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

STATIC_URL = "static/"
STATIC_ROOT = HERE / "collected"
USE_TZ = True
''',
    "server/urls.py": """\
from django.urls import include, path

urlpatterns = [path("", include("table.urls"))]
""",
    "table/__init__.py": "",
    "table/apps.py": """\
from django.apps import AppConfig


class TableConfig(AppConfig):
    name = "table"
    default_auto_field = "django.db.models.BigAutoField"
""",
    "table/consumers.py": '''\
"""One socket for each player at a table."""

import json

from channels.generic.websocket import AsyncWebsocketConsumer

from table import store
from table.deck import CARDS, group_for, named, understood


class TableConsumer(AsyncWebsocketConsumer):
    player = ""

    async def connect(self):
        self.slug = self.scope["url_route"]["kwargs"]["slug"]
        self.group = group_for(self.slug)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.tell("deck", cards=CARDS)

    async def disconnect(self, code):
        if self.player:
            await self.everyone("table.left", player=self.player)
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        wish = understood(text_data)
        if wish is None:
            await self.tell("refused", why="not understood")
        elif wish["do"] == "sit":
            await self.sit(wish)
        elif not self.player:
            await self.tell("refused", why="sit down first")
        elif wish["do"] == "vote":
            await self.vote(wish)
        elif wish["do"] == "reveal":
            votes = await store.everything(self.slug)
            await self.everyone("table.revealed", votes=votes)
        elif wish["do"] == "again":
            await store.clear(self.slug)
            await self.everyone("table.cleared")
        else:
            await self.tell("refused", why="no such wish")

    async def sit(self, wish):
        name = named(wish)
        if not name:
            await self.tell("refused", why="a name, please")
            return
        self.player = name
        await self.everyone("table.joined", player=name)

    async def vote(self, wish):
        if wish.get("card") not in CARDS:
            await self.tell("refused", why="no such card")
            return
        await store.keep(self.slug, self.player, wish["card"])
        await self.everyone("table.voted", player=self.player)

    async def everyone(self, what, **more):
        await self.channel_layer.group_send(self.group, {"type": what, **more})

    async def tell(self, kind, **more):
        await self.send(text_data=json.dumps({"kind": kind, **more}))

    async def table_joined(self, event):
        await self.tell("joined", player=event["player"])

    async def table_left(self, event):
        await self.tell("left", player=event["player"])

    async def table_voted(self, event):
        await self.tell("voted", player=event["player"])

    async def table_revealed(self, event):
        await self.tell("revealed", votes=event["votes"])

    async def table_cleared(self, event):
        await self.tell("cleared")
''',
    "table/deck.py": '''\
"""The cards, and what a player may ask for."""

import json

CARDS = ["1", "2", "3", "5", "8", "13", "?"]
LONGEST_NAME = 30


def group_for(slug):
    return f"story-{slug}"


def understood(text):
    """Return the wish in a frame, or None where there is none."""
    try:
        wish = json.loads(text or "")
    except ValueError:
        return None
    if not isinstance(wish, dict) or not isinstance(wish.get("do"), str):
        return None
    return wish


def named(wish):
    name = wish.get("name")
    return name.strip()[:LONGEST_NAME] if isinstance(name, str) else ""
''',
    "table/migrations/0001_initial.py": """\
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Story",
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
                ("slug", models.SlugField(max_length=40, unique=True)),
                ("title", models.CharField(blank=True, max_length=120)),
            ],
        ),
        migrations.CreateModel(
            name="Vote",
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
                ("player", models.CharField(max_length=30)),
                ("card", models.CharField(max_length=4)),
                (
                    "story",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="votes",
                        to="table.story",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("story", "player"), name="one_card_each"
                    )
                ]
            },
        ),
    ]
""",
    "table/migrations/__init__.py": "",
    "table/models.py": '''\
from django.db import models


class Story(models.Model):
    """What a team estimates together."""

    slug = models.SlugField(unique=True, max_length=40)
    title = models.CharField(max_length=120, blank=True)

    def __str__(self):
        return self.title or self.slug


class Vote(models.Model):
    """One player's card for a story."""

    story = models.ForeignKey(
        Story, on_delete=models.CASCADE, related_name="votes"
    )
    player = models.CharField(max_length=30)
    card = models.CharField(max_length=4)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["story", "player"], name="one_card_each"
            )
        ]

    def __str__(self):
        return f"{self.player}: {self.card}"
''',
    "table/routing.py": """\
from django.urls import path

from table.consumers import TableConsumer

sockets = [path("ws/table/<slug:slug>/", TableConsumer.as_asgi())]
""",
    "table/static/table/js/board.js": """\
// What is shown of a table.
export class Board {
  constructor(root) {
    this.state = root.querySelector("#state");
    this.cards = root.querySelector("#cards");
    this.players = root.querySelector("#players");
  }

  say(text) {
    this.state.textContent = text;
  }

  deal(cards, chosen) {
    this.cards.replaceChildren();
    for (const card of cards) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = card;
      button.addEventListener("click", () => chosen(card));
      this.cards.append(button);
    }
  }

  seat(player) {
    let row = [...this.players.children].find((li) => li.dataset.player === player);
    if (!row) {
      row = document.createElement("li");
      row.dataset.player = player;
      this.players.append(row);
    }
    row.textContent = player;
    return row;
  }

  mark(player, what) {
    this.seat(player).textContent = `${player}: ${what}`;
  }

  unseat(player) {
    this.seat(player).remove();
  }

  clear() {
    for (const row of this.players.children) row.textContent = row.dataset.player;
  }
}
""",
    "table/static/table/js/main.js": """\
import { Board } from "./board.js";
import { TableSocket } from "./socket.js";

const root = document.getElementById("table");
const board = new Board(root);
const socket = new TableSocket(root.dataset.slug);
let name = "";

socket.addEventListener("ready", () => {
  board.say("connected");
  if (name) socket.ask({ do: "sit", name });
});
socket.addEventListener("lost", () => board.say("connection lost, trying again"));
socket.addEventListener("deck", (event) => {
  board.deal(event.detail.cards, (card) => socket.ask({ do: "vote", card }));
});
socket.addEventListener("joined", (event) => board.seat(event.detail.player));
socket.addEventListener("left", (event) => board.unseat(event.detail.player));
socket.addEventListener("voted", (event) => board.mark(event.detail.player, "ready"));
socket.addEventListener("cleared", () => board.clear());
socket.addEventListener("refused", (event) => board.say(event.detail.why));
socket.addEventListener("revealed", (event) => {
  for (const [player, card] of Object.entries(event.detail.votes)) {
    board.mark(player, card);
  }
});

document.getElementById("seat").addEventListener("submit", (event) => {
  event.preventDefault();
  name = document.getElementById("name").value;
  socket.ask({ do: "sit", name });
});
document.getElementById("reveal").addEventListener("click", () => {
  socket.ask({ do: "reveal" });
});
document.getElementById("again").addEventListener("click", () => {
  socket.ask({ do: "again" });
});
window.addEventListener("pagehide", () => socket.leave());

socket.open();
""",
    "table/static/table/js/socket.js": """\
// The socket of a table: it comes back after a loss, and keeps nothing for later.
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15000;

export function addressOf(slug) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${location.host}/ws/table/${slug}/`;
}

export class TableSocket extends EventTarget {
  constructor(slug) {
    super();
    this.url = addressOf(slug);
    this.wait = FIRST_WAIT;
    this.timer = null;
    this.left = false;
  }

  open() {
    this.socket = new WebSocket(this.url);
    this.socket.addEventListener("open", () => this.opened());
    this.socket.addEventListener("message", (event) => this.heard(event));
    this.socket.addEventListener("close", () => this.lost());
  }

  opened() {
    this.wait = FIRST_WAIT;
    this.dispatchEvent(new Event("ready"));
  }

  heard(event) {
    const message = JSON.parse(event.data);
    this.dispatchEvent(new CustomEvent(message.kind, { detail: message }));
  }

  lost() {
    if (this.left) return;
    this.dispatchEvent(new Event("lost"));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  ask(wish) {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(wish));
    return true;
  }

  leave() {
    this.left = true;
    clearTimeout(this.timer);
    this.socket.close(1000, "left the page");
  }
}
""",
    "table/store.py": '''\
"""Where the votes are kept."""

from channels.db import database_sync_to_async

from table.models import Story, Vote


@database_sync_to_async
def keep(slug, player, card):
    story, _ = Story.objects.get_or_create(slug=slug)
    Vote.objects.update_or_create(
        story=story, player=player, defaults={"card": card}
    )


@database_sync_to_async
def everything(slug):
    votes = Vote.objects.filter(story__slug=slug).order_by("player")
    return {vote.player: vote.card for vote in votes}


@database_sync_to_async
def clear(slug):
    Vote.objects.filter(story__slug=slug).delete()
''',
    "table/templates/table/frame.html": """\
{% load static %}<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>{% block title %}Planning table{% endblock %}</title>
    {% block scripts %}{% endblock %}
  </head>
  <body>
    {% block page %}{% endblock %}
  </body>
</html>
""",
    "table/templates/table/lobby.html": """\
{% extends "table/frame.html" %}
{% block page %}
<h1>Which story?</h1>
<ul>
  {% for story in stories %}
  <li><a href="{% url 'table:room' slug=story.slug %}">{{ story }}</a></li>
  {% endfor %}
</ul>
<form method="post" action="{% url 'table:lobby' %}">
  {% csrf_token %}
  <input name="title" maxlength="120" required>
  <button>Open a table</button>
</form>
{% endblock %}
""",
    "table/templates/table/room.html": """\
{% extends "table/frame.html" %}
{% load static %}
{% block title %}{{ story }}{% endblock %}
{% block scripts %}
<script type="module" src="{% static 'table/js/main.js' %}"></script>
{% endblock %}
{% block page %}
<main id="table" data-slug="{{ story.slug }}">
  <h1>{{ story }}</h1>
  <p id="state" role="status">connecting</p>
  <form id="seat">
    <input id="name" maxlength="30" required>
    <button>Sit down</button>
  </form>
  <div id="cards"></div>
  <ul id="players"></ul>
  <button id="reveal" type="button">Reveal</button>
  <button id="again" type="button">Once more</button>
</main>
{% endblock %}
""",
    "table/urls.py": """\
from django.urls import path

from table import views

app_name = "table"
urlpatterns = [
    path("", views.lobby, name="lobby"),
    path("t/<slug:slug>/", views.room, name="room"),
]
""",
    "table/views.py": """\
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods

from table.models import Story


@require_http_methods(["GET", "POST"])
def lobby(request):
    if request.method == "POST":
        title = request.POST.get("title", "").strip()
        slug = slugify(title)[:40]
        if slug:
            Story.objects.get_or_create(
                slug=slug, defaults={"title": title[:120]}
            )
            return redirect("table:room", slug=slug)
    return render(request, "table/lobby.html", {"stories": Story.objects.all()})


@require_GET
def room(request, slug):
    story = get_object_or_404(Story, slug=slug)
    return render(request, "table/room.html", {"story": story})
""",
    "tests/__init__.py": "",
    "tests/conftest.py": '''\
import pytest
from channels.testing import WebsocketCommunicator

from server.asgi import application


@pytest.fixture
def player():
    """Make sockets of a table as a browser of this host opens them."""

    def make(slug="login-form"):
        return WebsocketCommunicator(
            application,
            f"/ws/table/{slug}/",
            headers=[(b"origin", b"http://localhost")],
        )

    return make
''',
    "tests/test_pages.py": """\
import pytest

from table.models import Story


@pytest.mark.django_db
def test_a_story_gets_a_page(client):
    answer = client.post("/", {"title": "Login form"})
    assert answer.status_code == 302
    assert answer["Location"] == "/t/login-form/"
    assert b'data-slug="login-form"' in client.get(answer["Location"]).content
    assert Story.objects.count() == 1


@pytest.mark.django_db
def test_an_unknown_story_is_not_found(client):
    assert client.get("/t/nowhere/").status_code == 404
""",
    "tests/test_table.py": """\
import pytest

from table.models import Vote

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


async def seated(socket, name):
    connected, _ = await socket.connect()
    assert connected
    assert (await socket.receive_json_from())["kind"] == "deck"
    await socket.send_json_to({"do": "sit", "name": name})
    assert (await socket.receive_json_from())["kind"] == "joined"


async def test_everyone_sees_who_sits_down(player):
    ann, bob = player(), player()
    await seated(ann, "Ann")
    await seated(bob, "Bob")
    assert await ann.receive_json_from() == {"kind": "joined", "player": "Bob"}
    await ann.disconnect()
    await bob.disconnect()


async def test_a_card_is_kept_and_shown_later(player):
    ann = player()
    await seated(ann, "Ann")
    await ann.send_json_to({"do": "vote", "card": "5"})
    assert await ann.receive_json_from() == {"kind": "voted", "player": "Ann"}
    assert await Vote.objects.acount() == 1
    await ann.send_json_to({"do": "reveal"})
    revealed = await ann.receive_json_from(timeout=3)
    assert revealed["votes"] == {"Ann": "5"}
    await ann.disconnect()


async def test_nonsense_is_refused(player):
    ann = player()
    await seated(ann, "Ann")
    await ann.send_to(text_data="[]")
    assert (await ann.receive_json_from())["kind"] == "refused"
    await ann.send_json_to({"do": "vote", "card": "99"})
    assert (await ann.receive_json_from())["kind"] == "refused"
    assert await ann.receive_nothing()
    await ann.disconnect()


async def test_other_tables_hear_nothing(player):
    ann, eve = player("login-form"), player("checkout")
    await seated(ann, "Ann")
    await seated(eve, "Eve")
    assert await ann.receive_nothing()
    await ann.disconnect()
    await eve.disconnect()
""",
}

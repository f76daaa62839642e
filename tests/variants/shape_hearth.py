# ruff: noqa: E501
"""A right project: lists of a household, its pages share a class behind an object."""

from __future__ import annotations

HEARTH = {
    "manage.py": """\
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hearth.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
""",
    "hearth/__init__.py": "",
    "hearth/settings.py": """\
\"\"\"Hearth: the shared lists of a household.\"\"\"
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("HEARTH_DEBUG", "1") == "1"
SECRET_KEY = os.environ.get("HEARTH_SECRET_KEY") or "only-for-development-" + "x" * 40
ALLOWED_HOSTS = os.environ.get("HEARTH_HOSTS", "localhost,127.0.0.1").split(",")

INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "household",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "hearth.urls"
ASGI_APPLICATION = "hearth.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "hearth.sqlite3",
        "TEST": {"NAME": BASE_DIR / "hearth-test.sqlite3"},
    }
}

if DEBUG:
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
    }
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [os.environ.get("REDIS_URL", "redis://redis:6379/1")]},
        },
    }

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "collected"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "household:home"
LOGOUT_REDIRECT_URL = "login"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
""",
    "hearth/urls.py": """\
from django.urls import include, path

urlpatterns = [
    path("accounts/", include("django.contrib.auth.urls")),
    path("", include("household.urls")),
]
""",
    "hearth/asgi.py": """\
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hearth.settings")
pages = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from household import sockets  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(sockets.routes))
        ),
    }
)
""",
    "household/__init__.py": "",
    "household/models.py": """\
from django.conf import settings
from django.db import models


class ShoppingList(models.Model):
    title = models.CharField(max_length=80)
    slug = models.SlugField(max_length=60, unique=True)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.title


class Item(models.Model):
    shopping_list = models.ForeignKey(
        ShoppingList, on_delete=models.CASCADE, related_name="items"
    )
    text = models.CharField(max_length=120)
    done = models.BooleanField(default=False)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True
    )

    class Meta:
        ordering = ["done", "pk"]

    def __str__(self):
        return self.text

    def as_frame(self):
        return {"id": self.pk, "text": self.text, "done": self.done}
""",
    "household/channels_names.py": """\
\"\"\"Names of groups: one place for all who send and all who listen.\"\"\"

KITCHEN = "kitchen"


def list_group(slug):
    return f"list.{slug}"
""",
    "household/store.py": """\
\"\"\"What the sockets ask of the database, wrapped for the event loop.\"\"\"
from channels.db import database_sync_to_async

from .models import Item, ShoppingList


@database_sync_to_async
def list_exists(slug):
    return ShoppingList.objects.filter(slug=slug).exists()


@database_sync_to_async
def load_items(slug):
    items = Item.objects.filter(shopping_list__slug=slug)
    return [item.as_frame() for item in items]


@database_sync_to_async
def add_item(slug, text, user):
    shopping_list = ShoppingList.objects.get(slug=slug)
    item = Item.objects.create(
        shopping_list=shopping_list, text=text, added_by_id=user.pk
    )
    return item.as_frame()


@database_sync_to_async
def tick_item(slug, pk, done):
    found = Item.objects.filter(shopping_list__slug=slug, pk=pk)
    return found.update(done=done) == 1


@database_sync_to_async
def remove_item(slug, pk):
    count, _ = Item.objects.filter(shopping_list__slug=slug, pk=pk).delete()
    return count > 0
""",
    "household/consumers.py": """\
import json

from asgiref.sync import async_to_sync
from channels.generic.websocket import AsyncJsonWebsocketConsumer, WebsocketConsumer

from . import store
from .channels_names import KITCHEN, list_group

NOT_LOGGED_IN = 4401
NO_SUCH_LIST = 4404
MAX_TEXT = 120


class BadFrame(Exception):
    \"\"\"What a page sent makes no sense; the page is told why.\"\"\"


def wanted_text(frame):
    text = frame.get("text")
    if not isinstance(text, str) or not text.strip():
        raise BadFrame("An item needs a text.")
    return text.strip()[:MAX_TEXT]


def wanted_id(frame):
    pk = frame.get("id")
    if not isinstance(pk, int) or isinstance(pk, bool):
        raise BadFrame("An item is named by its number.")
    return pk


class ListConsumer(AsyncJsonWebsocketConsumer):
    \"\"\"One open page of one shopping list.\"\"\"

    async def connect(self):
        self.group = None
        self.slug = self.scope["url_route"]["kwargs"]["slug"]
        self.user = self.scope["user"]
        await self.accept()
        if not self.user.is_authenticated:
            await self.close(code=NOT_LOGGED_IN)
            return
        if not await store.list_exists(self.slug):
            await self.close(code=NO_SUCH_LIST)
            return
        self.group = list_group(self.slug)
        await self.channel_layer.group_add(self.group, self.channel_name)
        items = await store.load_items(self.slug)
        await self.send_json({"kind": "snapshot", "items": items})

    async def disconnect(self, code):
        if self.group is not None:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        try:
            frame = json.loads(text_data or "")
        except ValueError:
            await self.complain("That was no JSON.")
            return
        await self.receive_json(frame)

    async def receive_json(self, content, **kwargs):
        if self.group is None:
            return
        if not isinstance(content, dict):
            await self.complain("A frame is an object.")
            return
        try:
            await self.act(content)
        except BadFrame as problem:
            await self.complain(str(problem))

    async def act(self, frame):
        kind = frame.get("kind")
        if kind == "add":
            item = await store.add_item(self.slug, wanted_text(frame), self.user)
            await self.tell({"kind": "added", "item": item})
        elif kind == "tick":
            pk, done = wanted_id(frame), frame.get("done") is True
            if await store.tick_item(self.slug, pk, done):
                await self.tell({"kind": "ticked", "id": pk, "done": done})
        elif kind == "remove":
            pk = wanted_id(frame)
            if await store.remove_item(self.slug, pk):
                await self.tell({"kind": "removed", "id": pk})
        else:
            raise BadFrame("Unknown kind of frame.")

    async def tell(self, frame):
        await self.channel_layer.group_send(
            self.group, {"type": "list.changed", "frame": frame}
        )

    async def complain(self, detail):
        await self.send_json({"kind": "problem", "detail": detail})

    async def list_changed(self, event):
        await self.send_json(event["frame"])

    async def list_closed(self, event):
        await self.send_json({"kind": "closed", "by": event["by"]})
        await self.close()


class KitchenConsumer(WebsocketConsumer):
    \"\"\"The screen in the kitchen: shows who rang the bell, sends 'seen'.\"\"\"

    joined = False

    def connect(self):
        self.accept()
        if not self.scope["user"].is_authenticated:
            self.close(code=NOT_LOGGED_IN)
            return
        async_to_sync(self.channel_layer.group_add)(KITCHEN, self.channel_name)
        self.joined = True
        self.send(text_data="ready")

    def disconnect(self, code):
        if self.joined:
            async_to_sync(self.channel_layer.group_discard)(
                KITCHEN, self.channel_name
            )

    def receive(self, text_data=None, bytes_data=None):
        if self.joined and text_data == "seen":
            async_to_sync(self.channel_layer.group_send)(
                KITCHEN, {"type": "bell.seen"}
            )

    def bell_rung(self, event):
        self.send(text_data="rung " + event["note"])

    def bell_seen(self, event):
        self.send(text_data="seen")
""",
    "household/sockets.py": """\
from django.urls import path

from .consumers import KitchenConsumer, ListConsumer

routes = [
    path("ws/lists/<slug:slug>/", ListConsumer.as_asgi()),
    path("ws/kitchen/", KitchenConsumer.as_asgi()),
]
""",
    "household/urls.py": """\
from django.urls import path

from . import views

app_name = "household"

urlpatterns = [
    path("", views.home, name="home"),
    path("lists/<slug:slug>/", views.show_list, name="show_list"),
    path("lists/<slug:slug>/close/", views.close_list, name="close_list"),
    path("kitchen/", views.kitchen, name="kitchen"),
    path("kitchen/ring/", views.ring, name="ring"),
]
""",
    "household/views.py": """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from .channels_names import KITCHEN, list_group
from .models import ShoppingList


def announce(group, event):
    \"\"\"Hand an event to all open pages of a group, from a plain view.\"\"\"
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(group, event)


@login_required
def home(request):
    lists = ShoppingList.objects.order_by("title")
    return render(request, "household/home.html", {"lists": lists})


@login_required
def show_list(request, slug):
    shopping_list = get_object_or_404(ShoppingList, slug=slug)
    return render(request, "household/list.html", {"list": shopping_list})


@login_required
@require_POST
def close_list(request, slug):
    shopping_list = get_object_or_404(ShoppingList, slug=slug)
    shopping_list.delete()
    announce(
        list_group(slug), {"type": "list.closed", "by": request.user.get_username()}
    )
    return redirect("household:home")


@login_required
def kitchen(request):
    return render(request, "household/kitchen.html")


@login_required
@require_POST
def ring(request):
    note = request.POST.get("note", "")[:80]
    announce(KITCHEN, {"type": "bell.rung", "note": note})
    return JsonResponse({"ok": True})
""",
    "household/migrations/__init__.py": "",
    "household/migrations/0001_initial.py": """\
# Generated by Django 5.2.19 on 2026-11-27 16:27

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ShoppingList',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=80)),
                ('slug', models.SlugField(max_length=60, unique=True)),
                ('created', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Item',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=120)),
                ('done', models.BooleanField(default=False)),
                ('added_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('shopping_list', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='household.shoppinglist')),
            ],
            options={
                'ordering': ['done', 'pk'],
            },
        ),
    ]
""",
    "household/templates/household/frame.html": """\
{% load static %}<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>{% block title %}Hearth{% endblock %}</title>
  <script src="{% static 'household/js/live.js' %}" defer></script>
  {% block scripts %}{% endblock %}
</head>
<body>
  <nav>
    <a href="{% url 'household:home' %}">Lists</a>
    <a href="{% url 'household:kitchen' %}">Kitchen</a>
    {% if user.is_authenticated %}
    <form method="post" action="{% url 'logout' %}">{% csrf_token %}<button>Log out</button></form>
    {% endif %}
  </nav>
  <p id="link-state" role="status"></p>
  {% block content %}{% endblock %}
</body>
</html>
""",
    "household/templates/household/home.html": """\
{% extends "household/frame.html" %}
{% block content %}
<h1>Our lists</h1>
<ul>
  {% for list in lists %}
  <li><a href="{% url 'household:show_list' list.slug %}">{{ list.title }}</a></li>
  {% empty %}
  <li>None yet.</li>
  {% endfor %}
</ul>
{% endblock %}
""",
    "household/templates/household/list.html": """\
{% extends "household/frame.html" %}
{% load static %}
{% block title %}{{ list.title }}{% endblock %}
{% block scripts %}<script src="{% static 'household/js/list.js' %}" defer></script>{% endblock %}
{% block content %}
<h1>{{ list.title }}</h1>
<section id="shopping-list" data-socket="/ws/lists/{{ list.slug }}/">
  <ul id="items"></ul>
  <form id="add-form">
    <input id="add-text" name="text" maxlength="120" autocomplete="off">
    <button>Add</button>
  </form>
</section>
<form method="post" action="{% url 'household:close_list' list.slug %}">
  {% csrf_token %}
  <button>Close this list</button>
</form>
{% endblock %}
""",
    "household/templates/household/kitchen.html": """\
{% extends "household/frame.html" %}
{% load static %}
{% block title %}Kitchen{% endblock %}
{% block scripts %}<script src="{% static 'household/js/kitchen.js' %}" defer></script>{% endblock %}
{% block content %}
<h1>Kitchen</h1>
<ol id="bell-log"></ol>
<button id="seen-button" type="button">Seen</button>
<form id="ring-form" method="post" action="{% url 'household:ring' %}">
  {% csrf_token %}
  <input name="note" maxlength="80">
  <button>Ring</button>
</form>
{% endblock %}
""",
    "household/templates/registration/login.html": """\
{% extends "household/frame.html" %}
{% block content %}
<form method="post">
  {% csrf_token %}
  {{ form.as_p }}
  <button>Log in</button>
</form>
{% endblock %}
""",
    "household/static/household/js/live.js": """\
/* One socket for one page: opens, opens again, keeps what could not be sent. */
(function () {
  "use strict";

  const LONGEST_PAUSE = 30000;
  const GIVE_UP = [4401, 4404];

  class LiveSocket {
    constructor(path) {
      this.path = path;
      this.waiting = [];
      this.tries = 0;
      this.ended = false;
      this.onFrame = function () {};
      this.onState = function () {};
    }

    address() {
      const scheme = window.location.protocol === "https:" ? "wss://" : "ws://";
      return scheme + window.location.host + this.path;
    }

    open() {
      this.socket = new WebSocket(this.address());
      this.socket.addEventListener("open", () => {
        this.tries = 0;
        this.onState("open");
        this.waiting.splice(0).forEach((text) => this.socket.send(text));
      });
      this.socket.addEventListener("message", (event) => {
        this.onFrame(event.data);
      });
      this.socket.addEventListener("close", (event) => {
        this.onState("closed");
        if (this.ended || GIVE_UP.includes(event.code)) {
          return;
        }
        this.tries += 1;
        const pause = Math.min(500 * 2 ** this.tries, LONGEST_PAUSE);
        window.setTimeout(() => this.open(), pause);
      });
    }

    sendText(text) {
      if (this.socket.readyState === WebSocket.OPEN) {
        this.socket.send(text);
      } else {
        this.waiting.push(text);
      }
    }

    sendFrame(frame) {
      this.sendText(JSON.stringify(frame));
    }

    end() {
      this.ended = true;
      this.socket.close(1000);
    }
  }

  function showState(state) {
    document.getElementById("link-state").textContent = state;
  }

  window.Hearth = { LiveSocket: LiveSocket, showState: showState };
})();
""",
    "household/static/household/js/list.js": """\
(function () {
  "use strict";

  const section = document.getElementById("shopping-list");
  const rows = document.getElementById("items");
  const form = document.getElementById("add-form");
  const field = document.getElementById("add-text");
  const live = new window.Hearth.LiveSocket(section.dataset.socket);

  function rowOf(id) {
    return rows.querySelector('[data-item="' + id + '"]');
  }

  function draw(item) {
    const row = document.createElement("li");
    row.dataset.item = item.id;
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = item.done;
    box.addEventListener("change", () => {
      live.sendFrame({ kind: "tick", id: item.id, done: box.checked });
    });
    const label = document.createElement("span");
    label.textContent = item.text;
    const away = document.createElement("button");
    away.type = "button";
    away.textContent = "remove";
    away.addEventListener("click", () => {
      live.sendFrame({ kind: "remove", id: item.id });
    });
    row.append(box, label, away);
    rows.append(row);
  }

  const handlers = {
    snapshot(frame) {
      rows.replaceChildren();
      frame.items.forEach(draw);
    },
    added(frame) {
      draw(frame.item);
    },
    ticked(frame) {
      const row = rowOf(frame.id);
      if (row) {
        row.querySelector("input").checked = frame.done;
      }
    },
    removed(frame) {
      const row = rowOf(frame.id);
      if (row) {
        row.remove();
      }
    },
    problem(frame) {
      window.Hearth.showState(frame.detail);
    },
    closed(frame) {
      window.Hearth.showState("closed by " + frame.by);
      live.end();
    },
  };

  live.onFrame = function (data) {
    const frame = JSON.parse(data);
    const handler = handlers[frame.kind];
    if (handler) {
      handler(frame);
    }
  };
  live.onState = window.Hearth.showState;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    live.sendFrame({ kind: "add", text: field.value });
    field.value = "";
  });

  live.open();
})();
""",
    "household/static/household/js/kitchen.js": """\
(function () {
  "use strict";

  const log = document.getElementById("bell-log");
  const seen = document.getElementById("seen-button");
  const form = document.getElementById("ring-form");
  const live = new window.Hearth.LiveSocket("/ws/kitchen/");

  function write(text) {
    const line = document.createElement("li");
    line.textContent = text;
    log.prepend(line);
  }

  live.onFrame = function (data) {
    if (data === "ready") {
      return;
    }
    write(data);
  };
  live.onState = window.Hearth.showState;

  seen.addEventListener("click", () => live.sendText("seen"));

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    fetch(form.action, { method: "POST", body: new FormData(form) });
    form.reset();
  });

  live.open();
})();
""",
    "household/tests/__init__.py": "",
    "household/tests/test_list_socket.py": """\
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.test import Client, TransactionTestCase

from hearth.asgi import application
from household.models import Item, ShoppingList


class ListSocketTests(TransactionTestCase):
    def setUp(self):
        self.user = get_user_model().objects.create_user("ida", password="secret")
        self.list = ShoppingList.objects.create(title="Week", slug="week")
        Item.objects.create(shopping_list=self.list, text="salt")
        client = Client()
        client.force_login(self.user)
        cookie = client.cookies["sessionid"].value
        self.headers = [
            (b"origin", b"http://localhost"),
            (b"cookie", f"sessionid={cookie}".encode()),
        ]

    def socket(self, slug="week"):
        return WebsocketCommunicator(
            application, f"/ws/lists/{slug}/", headers=self.headers
        )

    async def test_snapshot_comes_first(self):
        page = self.socket()
        connected, _ = await page.connect()
        self.assertTrue(connected)
        frame = await page.receive_json_from()
        self.assertEqual(frame["kind"], "snapshot")
        self.assertEqual([item["text"] for item in frame["items"]], ["salt"])
        await page.disconnect()

    async def test_both_pages_see_a_new_item(self):
        first, second = self.socket(), self.socket()
        for page in (first, second):
            connected, _ = await page.connect()
            self.assertTrue(connected)
            await page.receive_json_from()
        await first.send_json_to({"kind": "add", "text": "bread"})
        for page in (first, second):
            frame = await page.receive_json_from()
            self.assertEqual(frame["item"]["text"], "bread")
        self.assertEqual(await database_sync_to_async(Item.objects.count)(), 2)
        await first.disconnect()
        await second.disconnect()

    async def test_nonsense_is_answered(self):
        page = self.socket()
        await page.connect()
        await page.receive_json_from()
        await page.send_to(text_data="not json")
        answer = await page.receive_json_from()
        self.assertEqual(answer["kind"], "problem")
        await page.disconnect()
""",
}

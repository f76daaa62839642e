"""A game: settings for each place, tokens of programs, boards that tick, modules."""

from __future__ import annotations

ARENA = {
    "manage.py": """\
#!/usr/bin/env python
import os
import sys
from pathlib import Path


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    from django.core.management import execute_from_command_line

    sys.path.append(str(Path(__file__).resolve().parent / "arena"))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
""",
    "config/__init__.py": "",
    "config/env.py": '''\
"""A small reader of environment variables."""

import os

_MISSING = object()


class Env:
    def __call__(self, name, default=_MISSING):
        value = os.environ.get(name, default)
        if value is _MISSING:
            raise RuntimeError(f"Set the {name} environment variable")
        return value

    def bool(self, name, default=False):
        return str(self(name, default)).lower() in ("1", "true", "yes", "on")

    def list(self, name, default=""):
        return [item.strip() for item in self(name, default).split(",") if item.strip()]


env = Env()
''',
    "config/settings/__init__.py": "",
    "config/settings/base.py": """\
from pathlib import Path

from config.env import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
APPS_DIR = BASE_DIR / "arena"

DEBUG = env.bool("DJANGO_DEBUG", False)
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

DJANGO_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
THIRD_PARTY_APPS = ["channels"]
LOCAL_APPS = [
    "arena.players.apps.PlayersConfig",
    "arena.lobby.apps.LobbyConfig",
    "arena.match.apps.MatchConfig",
]
INSTALLED_APPS = ["daphne"] + DJANGO_APPS + THIRD_PARTY_APPS + LOCAL_APPS

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [APPS_DIR / "templates"],
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
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "arena.sqlite3",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "players.Player"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "lobby"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "public"
STATICFILES_DIRS = [APPS_DIR / "static"]
USE_TZ = True

TICK = 0.05
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
""",
    "config/settings/dev.py": """\
from .base import *  # noqa: F403

DEBUG = True
SECRET_KEY = "dev-only-4u2x9e7w8q1z5v3b6n0m"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
""",
    "config/settings/prod.py": """\
from config.env import env

from .base import *  # noqa: F403

SECRET_KEY = env("DJANGO_SECRET_KEY")
ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [env("REDIS_URL", "redis://redis:6379/1")]},
    }
}
""",
    "config/asgi.py": """\
import os
import sys
from pathlib import Path

from django.core.asgi import get_asgi_application

BASE_DIR = Path(__file__).resolve().parent.parent
sys.path.append(str(BASE_DIR / "arena"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

http = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from arena.players.auth import TokenAuthStack  # noqa: E402
from config.websocket import router  # noqa: E402

application = ProtocolTypeRouter(
    {"http": http, "websocket": AllowedHostsOriginValidator(TokenAuthStack(router))}
)
""",
    "config/websocket.py": """\
from channels.routing import URLRouter
from django.urls import path, re_path

from arena.lobby.consumers import LobbyConsumer
from arena.match.consumers import MatchConsumer

router = URLRouter(
    [
        path("ws/lobby/", LobbyConsumer.as_asgi()),
        re_path(r"^ws/match/(?P<code>[A-Z0-9]{4})/$", MatchConsumer.as_asgi()),
    ]
)
""",
    "config/urls.py": """\
from django.contrib.auth import views as auth_views
from django.urls import path

from arena.lobby import views

urlpatterns = [
    path("", views.lobby, name="lobby"),
    path("play/<slug:code>/", views.play, name="play"),
    path("api/matches/<slug:code>/abort/", views.abort, name="abort"),
    path(
        "accounts/login/",
        auth_views.LoginView.as_view(template_name="login.html"),
        name="login",
    ),
]
""",
    "arena/__init__.py": "",
    "arena/players/__init__.py": "",
    "arena/players/apps.py": """\
from django.apps import AppConfig


class PlayersConfig(AppConfig):
    name = "arena.players"
    label = "players"
""",
    "arena/players/models.py": """\
import secrets

from django.contrib.auth.models import AbstractUser
from django.db import models


def new_key():
    return secrets.token_hex(20)


class Player(AbstractUser):
    rating = models.IntegerField(default=1000)


class ApiToken(models.Model):
    key = models.CharField(max_length=40, unique=True, default=new_key)
    player = models.ForeignKey(Player, related_name="tokens", on_delete=models.CASCADE)
    created = models.DateTimeField(auto_now_add=True)
""",
    "arena/players/auth.py": '''\
"""Who is behind a socket: a session, or a token among the subprotocols."""

from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.middleware import BaseMiddleware


@database_sync_to_async
def player_of(key):
    from arena.players.models import ApiToken

    token = ApiToken.objects.select_related("player").filter(key=key).first()
    return token.player if token else None


class TokenAuthMiddleware(BaseMiddleware):
    prefix = "token."

    async def __call__(self, scope, receive, send):
        for offered in scope.get("subprotocols", []):
            if offered.startswith(self.prefix):
                player = await player_of(offered[len(self.prefix) :])
                if player is not None:
                    scope = dict(scope, user=player)
                break
        return await super().__call__(scope, receive, send)


def TokenAuthStack(inner):
    return AuthMiddlewareStack(TokenAuthMiddleware(inner))
''',
    "arena/lobby/__init__.py": "",
    "arena/lobby/apps.py": """\
from django.apps import AppConfig


class LobbyConfig(AppConfig):
    name = "arena.lobby"
    label = "lobby"
""",
    "arena/lobby/models.py": """\
import secrets
import string

from django.conf import settings
from django.db import models

ALPHABET = string.ascii_uppercase + string.digits


def new_code():
    return "".join(secrets.choice(ALPHABET) for _ in range(4))


class Match(models.Model):
    OPEN, RUNNING, OVER = "open", "running", "over"

    code = models.CharField(max_length=4, unique=True, default=new_code)
    host = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    status = models.CharField(max_length=8, default=OPEN)
    created = models.DateTimeField(auto_now_add=True)

    def summary(self):
        return {"code": self.code, "host": self.host.username, "status": self.status}
""",
    "arena/lobby/services.py": """\
from channels.db import database_sync_to_async

from .models import Match


@database_sync_to_async
def open_matches():
    return [
        m.summary()
        for m in Match.objects.select_related("host").exclude(status=Match.OVER)
    ]


@database_sync_to_async
def create_match(player):
    return Match.objects.create(host=player).summary()


@database_sync_to_async
def set_status(code, status):
    return Match.objects.filter(code=code).update(status=status)


@database_sync_to_async
def match_exists(code):
    return Match.objects.filter(code=code).exclude(status=Match.OVER).exists()
""",
    "arena/lobby/consumers.py": """\
import json
import logging

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from . import services

log = logging.getLogger(__name__)
LOBBY = "lobby"


class LobbyConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.player = self.scope["user"]
        offered = self.scope["subprotocols"]
        await self.accept(subprotocol=offered[0] if offered else None)
        if not self.player.is_authenticated:
            await self.close(code=4401)
            return
        await self.channel_layer.group_add(LOBBY, self.channel_name)
        await self.send_json(
            {"kind": "matches", "matches": await services.open_matches()}
        )

    async def disconnect(self, code):
        await self.channel_layer.group_discard(LOBBY, self.channel_name)

    @classmethod
    async def decode_json(cls, text_data):
        try:
            return json.loads(text_data)
        except ValueError:
            return None

    async def receive_json(self, content, **kwargs):
        action = content.get("action") if isinstance(content, dict) else None
        handler = {"create": self.create, "ping": self.ping}.get(action)
        if handler is None:
            await self.send_json({"kind": "error", "error": "unknown action"})
            return
        await handler(content)

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        if text_data is None:
            await self.send_json({"kind": "error", "error": "text only"})
            return
        await super().receive(text_data=text_data, **kwargs)

    async def create(self, content):
        match = await services.create_match(self.player)
        await self.channel_layer.group_send(
            LOBBY, {"type": "lobby.opened", "match": match}
        )

    async def ping(self, content):
        await self.send_json({"kind": "pong"})

    async def lobby_opened(self, event):
        await self.send_json({"kind": "opened", "match": event["match"]})

    async def lobby_closed(self, event):
        await self.send_json({"kind": "closed", "code": event["code"]})
""",
    "arena/lobby/views.py": """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from .consumers import LOBBY
from .models import Match


@login_required
def lobby(request):
    return render(request, "lobby.html")


@login_required
def play(request, code):
    match = get_object_or_404(Match, code=code)
    return render(request, "play.html", {"match": match})


@require_POST
@login_required
def abort(request, code):
    match = get_object_or_404(Match, code=code, host=request.user)
    match.status = Match.OVER
    match.save(update_fields=["status"])
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(
        f"match.{code}", {"type": "match.over", "reason": "aborted"}
    )
    async_to_sync(layer.group_send)(LOBBY, {"type": "lobby.closed", "code": code})
    return JsonResponse({"ok": True})
""",
    "arena/match/__init__.py": "",
    "arena/match/apps.py": """\
from django.apps import AppConfig


class MatchConfig(AppConfig):
    name = "arena.match"
    label = "match"
""",
    "arena/match/engine.py": '''\
"""The rules, without any network."""

from dataclasses import dataclass, field

SIZE = 16
STEPS = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}


@dataclass
class Game:
    positions: dict = field(default_factory=dict)
    tick: int = 0

    def join(self, name):
        self.positions.setdefault(name, (0, 0))

    def leave(self, name):
        self.positions.pop(name, None)

    def move(self, name, direction):
        dx, dy = STEPS[direction]
        x, y = self.positions[name]
        self.positions[name] = ((x + dx) % SIZE, (y + dy) % SIZE)

    def state(self):
        self.tick += 1
        return {
            "tick": self.tick,
            "positions": {n: list(p) for n, p in self.positions.items()},
        }
''',
    "arena/match/consumers.py": '''\
import asyncio
import contextlib

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings

from arena.lobby import services

from .engine import STEPS, Game


class MatchConsumer(AsyncJsonWebsocketConsumer):
    """One player in one match; each keeps the board, and moves are shared."""

    ticker = None
    group = None

    async def connect(self):
        self.player = self.scope["user"]
        self.code = self.scope["url_route"]["kwargs"]["code"]
        if self.player.is_anonymous or not await services.match_exists(self.code):
            await self.close()
            return
        self.game = Game()
        self.game.join(self.player.username)
        self.group = f"match.{self.code}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        offered = self.scope["subprotocols"]
        await self.accept(subprotocol=offered[0] if offered else None)
        await self.channel_layer.group_send(
            self.group, {"type": "player.joined", "name": self.player.username}
        )
        self.ticker = asyncio.create_task(self.tick())

    async def disconnect(self, code):
        if self.ticker is not None:
            self.ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.ticker
        if self.group is not None:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def tick(self):
        last = None
        while True:
            if self.game.positions != last:
                last = dict(self.game.positions)
                await self.send_json({"kind": "state", **self.game.state()})
            await asyncio.sleep(settings.TICK)

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        if text_data is None:
            return
        try:
            content = await self.decode_json(text_data)
        except ValueError:
            await self.send_json({"kind": "error", "error": "not JSON"})
            return
        await self.receive_json(content)

    async def receive_json(self, content, **kwargs):
        direction = content.get("move") if isinstance(content, dict) else None
        if not isinstance(direction, str) or direction not in STEPS:
            await self.send_json({"kind": "error", "error": "no such move"})
            return
        await self.channel_layer.group_send(
            self.group,
            {
                "type": "player.moved",
                "name": self.player.username,
                "direction": direction,
            },
        )

    async def player_joined(self, event):
        self.game.join(event["name"])

    async def player_moved(self, event):
        self.game.join(event["name"])
        self.game.move(event["name"], event["direction"])

    async def match_over(self, event):
        await self.send_json({"kind": "over", "reason": event["reason"]})
        await self.close(code=4000)
''',
    "arena/static/js/socket.js": """\
export class ReconnectingSocket extends EventTarget {
  #socket = null;
  #delay = 500;
  #stopped = false;

  constructor(path) {
    super();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.url = `${scheme}://${location.host}${path}`;
    this.open();
  }

  open() {
    this.#socket = new WebSocket(this.url);
    this.#socket.addEventListener("open", () => {
      this.#delay = 500;
      this.dispatchEvent(new Event("open"));
    });
    this.#socket.addEventListener("message", (event) => {
      this.dispatchEvent(new CustomEvent("json", { detail: JSON.parse(event.data) }));
    });
    this.#socket.addEventListener("close", (event) => {
      if (this.#stopped || event.code === 4401) return;
      setTimeout(() => this.open(), this.#delay);
      this.#delay = Math.min(this.#delay * 2, 15000);
    });
  }

  send(message) {
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify(message));
    }
  }

  stop() {
    this.#stopped = true;
    this.#socket.close();
  }
}
""",
    "arena/static/js/lobby.js": """\
import { ReconnectingSocket } from "./socket.js";

const list = document.querySelector("#matches");
const socket = new ReconnectingSocket("/ws/lobby/");

function show(match) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = `/play/${match.code}/`;
  link.textContent = `${match.code} by ${match.host}`;
  item.dataset.code = match.code;
  item.append(link);
  list.append(item);
}

socket.addEventListener("json", ({ detail }) => {
  switch (detail.kind) {
    case "matches":
      list.replaceChildren();
      detail.matches.forEach(show);
      break;
    case "opened":
      show(detail.match);
      break;
    case "closed":
      list.querySelector(`[data-code="${detail.code}"]`)?.remove();
      break;
  }
});

const button = document.querySelector("#create");
button.addEventListener("click", () => socket.send({ action: "create" }));
""",
    "arena/static/js/match.js": """\
import { ReconnectingSocket } from "./socket.js";

const board = document.querySelector("#board");
const socket = new ReconnectingSocket(`/ws/match/${board.dataset.code}/`);
const keys = { w: "up", s: "down", a: "left", d: "right" };

socket.addEventListener("json", ({ detail }) => {
  if (detail.kind === "state") {
    board.textContent = JSON.stringify(detail.positions);
  } else if (detail.kind === "over") {
    board.textContent = detail.reason;
    socket.stop();
  }
});

document.addEventListener("keydown", (event) => {
  const move = keys[event.key];
  if (move) socket.send({ move });
});
""",
    "arena/templates/lobby.html": """\
{% load static %}<!doctype html>
<title>Lobby</title>
<button id="create">New match</button><ul id="matches"></ul>
<script type="module" src="{% static 'js/lobby.js' %}"></script>
""",
    "arena/templates/play.html": """\
{% load static %}<!doctype html>
<title>Match</title>
<pre id="board" data-code="{{ match.code }}"></pre>
<script type="module" src="{% static 'js/match.js' %}"></script>
""",
    "tests/conftest.py": """\
import pytest
from channels.testing import WebsocketCommunicator

from arena.players.models import ApiToken, Player
from config.asgi import application


@pytest.fixture
def player(transactional_db):
    return Player.objects.create_user("ada", password="pw")


@pytest.fixture
def token(player):
    return ApiToken.objects.create(player=player).key


@pytest.fixture
async def dial(token):
    opened = []

    async def open_socket(path, key=token):
        socket = WebsocketCommunicator(
            application,
            path,
            headers=[(b"origin", b"http://localhost")],
            subprotocols=[f"token.{key}"],
        )
        opened.append(socket)
        connected, _ = await socket.connect()
        return socket, connected

    yield open_socket
    for socket in opened:
        await socket.disconnect()
""",
    "tests/test_lobby.py": """\
async def test_a_new_match_is_shown_to_everybody(dial):
    first, _ = await dial("/ws/lobby/")
    second, _ = await dial("/ws/lobby/")
    assert await first.receive_json_from() == {"kind": "matches", "matches": []}
    await second.receive_json_from()
    await first.send_json_to({"action": "create"})
    assert (await first.receive_json_from())["match"]["host"] == "ada"
    assert (await second.receive_json_from())["kind"] == "opened"


async def test_a_wrong_token_is_refused(dial):
    socket, _ = await dial("/ws/lobby/", key="nonsense")
    assert await socket.receive_output() == {"type": "websocket.close", "code": 4401}
""",
    "pyproject.toml": """\
[project]
name = "arena"
version = "0.3.0"
dependencies = ["channels[daphne]", "channels_redis", "django>=5.2"]

[tool.pytest.ini_options]
DJANGO_SETTINGS_MODULE = "config.settings.test"
asyncio_mode = "auto"
pythonpath = ["."]
testpaths = ["tests"]
""",
}

"""A folder of apps on sys.path, a base consumer, tokens, signals, actions by type."""

from __future__ import annotations

HUB = {
    "manage.py": """\
#!/usr/bin/env python
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    sys.path.append(str(ROOT / "apps"))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
""",
    "config/__init__.py": "",
    "config/settings/__init__.py": "",
    "config/settings/base.py": """\
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[2]
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "insecure")
DEBUG = False

DJANGO_APPS = (
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
)
THIRD_PARTY_APPS = (
    "daphne",
    "channels",
)
LOCAL_APPS = (
    "common",
    "chat",
    "notifications.apps.NotificationsConfig",
)
INSTALLED_APPS = [*THIRD_PARTY_APPS, *DJANGO_APPS, *LOCAL_APPS]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
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
        "NAME": BASE_DIR / "hub.sqlite3",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
""",
    "config/settings/dev.py": """\
from .base import *  # noqa: F403

DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels.layers.InMemoryChannelLayer",
    },
}
""",
    "config/settings/prod.py": """\
from .base import *  # noqa: F403

ALLOWED_HOSTS = ["hub.example.org"]
""",
    "config/urls.py": """\
from django.urls import include, path

urlpatterns = [
    path("", include("chat.urls")),
]
""",
    "config/wsgi.py": """\
import os
import sys
from pathlib import Path

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
sys.path.append(str(Path(__file__).resolve().parent.parent / "apps"))
application = get_wsgi_application()
""",
    "config/asgi.py": """\
import os
import sys
from pathlib import Path

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
sys.path.append(str(Path(__file__).resolve().parent.parent / "apps"))

django_application = get_asgi_application()


def get_websocket_application():
    from channels.routing import URLRouter
    from channels.security.websocket import AllowedHostsOriginValidator

    from common.auth import TokenAuthMiddlewareStack
    from config.routing import websocket_urlpatterns

    return AllowedHostsOriginValidator(
        TokenAuthMiddlewareStack(URLRouter(websocket_urlpatterns))
    )


def get_application():
    from channels.routing import ProtocolTypeRouter

    return ProtocolTypeRouter(
        {
            "http": django_application,
            "websocket": get_websocket_application(),
        }
    )


application = get_application()
""",
    "config/routing.py": """\
from channels.routing import URLRouter
from django.urls import path

from chat.ws_urls import urlpatterns as chat_urls
from notifications.ws_urls import urlpatterns as notification_urls

websocket_urlpatterns = [
    path("ws/", URLRouter([*chat_urls, *notification_urls])),
]
""",
    "apps/common/__init__.py": "",
    "apps/common/auth.py": '''\
from urllib.parse import parse_qs

from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.middleware import BaseMiddleware


@database_sync_to_async
def get_user(token):
    from django.contrib.auth import get_user_model

    return get_user_model().objects.filter(username=token).first()


class TokenAuthMiddleware(BaseMiddleware):
    """A token in the address takes the place of a session."""

    async def __call__(self, scope, receive, send):
        query = parse_qs(scope["query_string"].decode())
        if token := query.get("token"):
            user = await get_user(token[0])
            if user is not None:
                scope["user"] = user
        return await super().__call__(scope, receive, send)


def TokenAuthMiddlewareStack(inner):
    return AuthMiddlewareStack(TokenAuthMiddleware(inner))
''',
    "apps/common/ws.py": '''\
import logging

from channels.generic.websocket import AsyncJsonWebsocketConsumer

logger = logging.getLogger(__name__)


class ErrorsMixin:
    """What a client says is answered, not fatal, when it is no JSON."""

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        if text_data is None:
            await self.error("only text")
            return
        try:
            content = await self.decode_json(text_data)
        except ValueError:
            await self.error("no JSON")
            return
        await self.receive_json(content, **kwargs)

    async def error(self, reason: str) -> None:
        await self.send_json({"type": "error", "reason": reason})


class BaseConsumer(ErrorsMixin, AsyncJsonWebsocketConsumer):
    """Joins a group, and calls ``on_<type>`` for what its client says."""

    @property
    def user(self):
        return self.scope["user"]

    def get_group(self) -> str:
        raise NotImplementedError

    async def connect(self):
        self.group = self.get_group()
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.on_open()

    async def on_open(self):
        pass

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content, **kwargs):
        kind = content.get("type") if isinstance(content, dict) else None
        handler = getattr(self, f"on_{kind}", None)
        if handler is None or kind == "open":
            await self.error("unknown type")
            return
        await handler(content)
''',
    "apps/chat/__init__.py": "",
    "apps/chat/models.py": """\
from django.conf import settings
from django.db import models


class Room(models.Model):
    slug = models.SlugField(unique=True)


class Message(models.Model):
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL
    )
    text = models.TextField()
""",
    "apps/chat/migrations/__init__.py": "",
    "apps/chat/services.py": """\
from channels.db import database_sync_to_async

from .models import Message, Room


def group_name(slug: str) -> str:
    return f"chat.{slug}"


@database_sync_to_async
def store(slug: str, text: str) -> int:
    room, _ = Room.objects.get_or_create(slug=slug)
    return Message.objects.create(room=room, text=text).pk


async def latest(slug: str) -> list[str]:
    rows = Message.objects.filter(room__slug=slug).order_by("-pk")[:10]
    return [row.text async for row in rows]
""",
    "apps/chat/consumers.py": '''\
from common.ws import BaseConsumer

from . import services


class ChatConsumer(BaseConsumer):
    """One room."""

    def get_group(self):
        self.slug = self.scope["url_route"]["kwargs"]["slug"]
        return services.group_name(self.slug)

    async def on_open(self):
        await self.send_json({"type": "welcome", "name": str(self.user)})

    async def on_say(self, content):
        text = str(content.get("text", ""))[:500]
        if not text:
            await self.error("nothing said")
            return
        await self.channel_layer.group_send(
            self.group,
            {"type": "chat.said", "text": text, "author": str(self.user)},
        )

    async def on_typing(self, content):
        await self.channel_layer.group_send(self.group, {"type": "chat.typing"})

    async def chat_said(self, event):
        await self.send_json(
            {"type": "said", "text": event["text"], "author": event["author"]}
        )

    async def chat_typing(self, event):
        await self.send_json({"type": "typing"})
''',
    "apps/chat/ws_urls.py": """\
from django.urls import path

from .consumers import ChatConsumer

urlpatterns = [
    path("chat/<slug:slug>/", ChatConsumer.as_asgi()),
]
""",
    "apps/chat/urls.py": """\
from django.urls import path

from . import views

app_name = "chat"
urlpatterns = [
    path("", views.LobbyView.as_view(), name="lobby"),
    path("rooms/<slug:slug>/announce/", views.announce, name="announce"),
]
""",
    "apps/chat/views.py": """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.http import JsonResponse
from django.views.generic import TemplateView

from .services import group_name


class LobbyView(TemplateView):
    template_name = "chat/lobby.html"
    extra_context = {"room": "lobby"}


def announce(request, slug):
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(
        group_name(slug), {"type": "chat.said", "text": "News!", "author": "the site"}
    )
    return JsonResponse({"sent": True})
""",
    "apps/notifications/__init__.py": "",
    "apps/notifications/apps.py": """\
from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self):
        from . import signals  # noqa: F401
""",
    "apps/notifications/signals.py": """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.db.models.signals import post_save
from django.dispatch import receiver

from .groups import user_group


@receiver(post_save, sender=get_user_model())
def tell_user(sender, instance, created, **kwargs):
    if created:
        notify(instance.pk, "Welcome")


def notify(pk, text):
    channel_layer = get_channel_layer()
    async_to_sync(channel_layer.group_send)(
        user_group(pk),
        {"type": "notify", "text": text},
    )
""",
    "apps/notifications/groups.py": """\
PREFIX = "notifications"


def user_group(pk):
    return "{}-{}".format(PREFIX, pk)
""",
    "apps/notifications/consumers.py": '''\
from common.ws import BaseConsumer

from .groups import user_group


class NotificationConsumer(BaseConsumer):
    """A group for each user; guests are told so and may stay."""

    def get_group(self):
        return user_group(self.user.pk or 0)

    async def on_ping(self, content):
        await self.send_json({"type": "pong"})

    async def notify(self, event):
        await self.send_json({"type": "notification", "text": event["text"]})
''',
    "apps/notifications/ws_urls.py": """\
from django.urls import re_path

from .consumers import NotificationConsumer

urlpatterns = [
    re_path(r"^notifications/$", NotificationConsumer.as_asgi()),
]
""",
    "templates/chat/lobby.html": """\
{% load static %}
<!doctype html>
<html>
<head><title>Lobby</title></head>
<body data-room="{{ room }}">
<ul id="log"></ul>
<form id="say"><input name="text"><button>Say</button></form>
<script src="{% static 'js/socket.js' %}"></script>
<script src="{% static 'js/lobby.js' %}"></script>
</body>
</html>
""",
    "static/js/socket.js": """\
window.openSocket = function (path, handlers) {
  const base = (location.protocol === "https:" ? "wss://" : "ws://") + location.host;
  const socket = new WebSocket(base + path);
  socket.addEventListener("message", (event) => {
    const data = JSON.parse(event.data);
    const handler = handlers[data.type];
    if (handler) handler(data);
  });
  return socket;
};
""",
    "static/js/lobby.js": """\
const room = document.body.dataset.room;
const log = document.getElementById("log");
const socket = openSocket(`/ws/chat/${room}/`, {
  said: (data) => {
    const item = document.createElement("li");
    item.textContent = `${data.author}: ${data.text}`;
    log.append(item);
  },
});
document.getElementById("say").addEventListener("submit", (event) => {
  event.preventDefault();
  socket.send(JSON.stringify({type: "say", text: event.target.text.value}));
});
""",
}

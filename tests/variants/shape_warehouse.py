"""A warehouse: settings for each place, apps in a folder, mixins, type hints."""

from __future__ import annotations

WAREHOUSE = {
    "manage.py": '''\
#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
''',
    "config/__init__.py": "",
    "config/settings/__init__.py": "",
    "config/settings/base.py": """\
from __future__ import annotations

import os
from pathlib import Path

BASE_DIR: Path = Path(__file__).resolve().parents[2]

DJANGO_APPS: list[str] = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
PRIORITY_APPS: list[str] = [
    "daphne",
]
THIRD_PARTY_APPS: list[str] = [
    "channels",
]
LOCAL_APPS: list[str] = [
    "apps.accounts",
    "apps.core",
    "apps.inventory",
    "apps.restock",
]
INSTALLED_APPS: list[str] = PRIORITY_APPS + DJANGO_APPS + THIRD_PARTY_APPS + LOCAL_APPS

MIDDLEWARE: list[str] = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "warehouse.sqlite3",
        "TEST": {"NAME": BASE_DIR / "test.sqlite3"},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "inventory:list"
LOGOUT_REDIRECT_URL = "accounts:login"

REDIS_URL: str = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "warehouse"},
    },
    "jobs": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "warehouse-jobs"},
    },
}

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]

USE_TZ = True
TIME_ZONE = "Europe/Berlin"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
""",
    "config/settings/dev.py": """\
from __future__ import annotations

from .base import *  # noqa: F403

DEBUG = True
SECRET_KEY = "dev-2f6a0f1c7d3b4e8f9a5c"  # noqa: S105
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

if "REDIS_URL" not in os.environ:  # noqa: F405
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
        "jobs": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
    }
""",
    "config/settings/test.py": """\
from __future__ import annotations

from .base import *  # noqa: F403

SECRET_KEY = "test-secret-of-no-value"  # noqa: S105
ALLOWED_HOSTS = ["testserver", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
    "jobs": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
}
""",
    "config/settings/prod.py": """\
from __future__ import annotations

import os

from .base import *  # noqa: F403

DEBUG = False
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = [h for h in os.environ["ALLOWED_HOSTS"].split(",") if h]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
""",
    "config/asgi.py": '''\
"""ASGI entry point: HTTP for Django, websockets and jobs for Channels."""

from __future__ import annotations

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

django_asgi_app = get_asgi_application()

from config.routing import background_channels, websocket_routes  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": django_asgi_app,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_routes)),
        ),
        "channel": ChannelNameRouter(background_channels),
    },
)
''',
    "config/wsgi.py": """\
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

application = get_wsgi_application()
""",
    "config/routing.py": '''\
"""Collects the websocket routes and background channels of all apps."""

from __future__ import annotations

from channels.routing import URLRouter
from django.urls import path

from apps.core.consumers import HeartbeatConsumer
from apps.inventory.routing import inventory_routes
from apps.restock.constants import RESTOCK_CHANNEL
from apps.restock.consumers import RestockConsumer

websocket_routes = [
    path("ws/heartbeat/", HeartbeatConsumer.as_asgi()),
    path("ws/inventory/", URLRouter(inventory_routes)),
]

background_channels = {
    RESTOCK_CHANNEL: RestockConsumer.as_asgi(),
}
''',
    "config/urls.py": """\
from __future__ import annotations

from django.urls import include, path
from django.views.generic import RedirectView

from apps.core.views import HealthView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="inventory:list")),
    path("healthz/", HealthView.as_view(), name="health"),
    path("accounts/", include("apps.accounts.urls")),
    path("warehouses/", include("apps.inventory.urls")),
    path("restock/", include("apps.restock.urls")),
]
""",
    "apps/__init__.py": "",
    "apps/accounts/__init__.py": "",
    "apps/accounts/apps.py": """\
from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"
""",
    "apps/accounts/models.py": """\
from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    badge = models.CharField(max_length=12, blank=True)
""",
    "apps/accounts/urls.py": """\
from __future__ import annotations

from django.contrib.auth import views as auth_views
from django.urls import path

app_name = "accounts"
urlpatterns = [
    path(
        "login/",
        auth_views.LoginView.as_view(template_name="accounts/login.html"),
        name="login",
    ),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
]
""",
    "apps/accounts/templates/accounts/login.html": """\
{% extends "base.html" %}
{% block content %}
<form method="post">
  {% csrf_token %}
  {{ form.as_p }}
  <button type="submit">Sign in</button>
</form>
{% endblock %}
""",
    "apps/core/__init__.py": "",
    "apps/core/apps.py": """\
from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"
""",
    "apps/core/views.py": """\
from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views import View


class HealthView(View):
    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"status": "ok"})
""",
    "apps/core/mixins.py": '''\
"""Building blocks that the consumers of all apps share."""

from __future__ import annotations

import json
import logging
from typing import Any, ClassVar

logger = logging.getLogger(__name__)


class GroupMembershipMixin:
    """Remembers which groups a connection joined, and leaves them at its end."""

    async def join_group(self, name: str) -> None:
        await self.channel_layer.group_add(name, self.channel_name)
        self.memberships = {*self.current_memberships(), name}

    def current_memberships(self) -> set[str]:
        return getattr(self, "memberships", set())

    async def leave_groups(self) -> None:
        for name in self.current_memberships():
            await self.channel_layer.group_discard(name, self.channel_name)

    async def disconnect(self, code: int) -> None:
        await self.leave_groups()


class ActionDispatchMixin:
    """Calls the coroutine that belongs to the "action" of a JSON message."""

    actions: ClassVar[dict[str, str]] = {}

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        try:
            return json.loads(text_data)
        except ValueError:
            return None

    async def receive(
        self,
        text_data: str | None = None,
        bytes_data: bytes | None = None,
        **kwargs: Any,
    ) -> None:
        if text_data is None:
            await self.reply_error("text frames only")
            return
        await super().receive(text_data=text_data, **kwargs)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        action = content.get("action") if isinstance(content, dict) else None
        name = self.actions.get(action) if isinstance(action, str) else None
        if name is None:
            await self.reply_error("unknown action")
            return
        try:
            await getattr(self, name)(content)
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            logger.info("refused %s: %s", action, error)
            await self.reply_error("malformed request")

    async def reply_error(self, detail: str) -> None:
        await self.send_json({"event": "error", "detail": detail})
''',
    "apps/core/consumers.py": '''\
"""A socket for load balancers: it answers, and needs nobody's session."""

from __future__ import annotations

from typing import Any

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer


class HeartbeatConsumer(AsyncConsumer):
    beats: int = 0

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        await self.send({"type": "websocket.accept"})

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        self.beats += 1
        await self.send({"type": "websocket.send", "text": f"beat {self.beats}"})

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer
''',
    "apps/inventory/__init__.py": "",
    "apps/inventory/apps.py": """\
from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "apps.inventory"
    label = "inventory"
""",
    "apps/inventory/constants.py": '''\
"""Names that more than one module of the inventory has to agree upon."""

from __future__ import annotations

from typing import Final

STOCK_GROUP: Final = "inventory.stock.{slug}"
ALERT_GROUP: Final = "inventory.alerts"

EVENT_CHANGED: Final = "stock.changed"
EVENT_ALERT: Final = "stock.alert"

CLOSE_UNAUTHENTICATED: Final = 4401
CLOSE_NOT_FOUND: Final = 4404


def stock_group(slug: str) -> str:
    return STOCK_GROUP.format(slug=slug)
''',
    "apps/inventory/models.py": """\
from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models


class Warehouse(models.Model):
    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=40, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class StockLevel(models.Model):
    warehouse = models.ForeignKey(
        Warehouse,
        related_name="levels",
        on_delete=models.CASCADE,
    )
    sku = models.CharField(max_length=32)
    quantity = models.IntegerField(default=0)
    threshold = models.PositiveIntegerField(default=5)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["sku"]
        constraints = [
            models.UniqueConstraint(
                fields=["warehouse", "sku"],
                name="one_level_per_sku",
            ),
        ]

    @property
    def is_low(self) -> bool:
        return self.quantity < self.threshold

    def as_payload(self) -> dict[str, Any]:
        return {
            "sku": self.sku,
            "quantity": self.quantity,
            "low": self.is_low,
            "updated_at": self.updated_at.isoformat(),
        }


class Movement(models.Model):
    level = models.ForeignKey(
        StockLevel,
        related_name="movements",
        on_delete=models.CASCADE,
    )
    delta = models.IntegerField()
    booked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    booked_at = models.DateTimeField(auto_now_add=True)
""",
    "apps/inventory/selectors.py": '''\
"""Reading access to the inventory."""

from __future__ import annotations

from typing import Any

from .models import StockLevel, Warehouse


def warehouse_exists(slug: str) -> bool:
    return Warehouse.objects.filter(slug=slug).exists()


def stock_snapshot(slug: str) -> list[dict[str, Any]]:
    levels = StockLevel.objects.filter(warehouse__slug=slug)
    return [level.as_payload() for level in levels]


def low_levels() -> list[dict[str, Any]]:
    levels = StockLevel.objects.select_related("warehouse")
    return [
        {"warehouse": level.warehouse.slug, **level.as_payload()}
        for level in levels
        if level.is_low
    ]
''',
    "apps/inventory/services.py": '''\
"""Writing access to the inventory; whoever watches hears of it after the commit."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from apps.accounts.models import User

from .events import publish_level
from .models import Movement, StockLevel, Warehouse


class OutOfStock(ValueError):
    """More was taken than there is."""


@transaction.atomic
def book_movement(*, slug: str, sku: str, delta: int, user: User) -> StockLevel:
    level, _ = StockLevel.objects.select_for_update().get_or_create(
        warehouse=Warehouse.objects.get(slug=slug),
        sku=sku,
    )
    if level.quantity + delta < 0:
        raise OutOfStock(sku)
    level.quantity += delta
    level.save(update_fields=["quantity", "updated_at"])
    Movement.objects.create(level=level, delta=delta, booked_by=user)
    transaction.on_commit(partial(publish_level, slug, level))
    return level
''',
    "apps/inventory/events.py": '''\
"""What the inventory tells its watchers."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from .constants import ALERT_GROUP, EVENT_ALERT, EVENT_CHANGED, stock_group
from .models import StockLevel


def publish_level(slug: str, level: StockLevel) -> None:
    layer = get_channel_layer()
    payload = level.as_payload()
    async_to_sync(layer.group_send)(
        stock_group(slug),
        {"type": EVENT_CHANGED, "level": payload},
    )
    if level.is_low:
        async_to_sync(layer.group_send)(
            ALERT_GROUP,
            {"type": EVENT_ALERT, "warehouse": slug, "level": payload},
        )
''',
    "apps/inventory/consumers.py": '''\
"""Live stock levels, and alerts for those who order."""

from __future__ import annotations

from typing import Any, ClassVar

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer

from apps.core.mixins import ActionDispatchMixin, GroupMembershipMixin

from . import selectors, services
from .constants import (
    ALERT_GROUP,
    CLOSE_NOT_FOUND,
    CLOSE_UNAUTHENTICATED,
    stock_group,
)


class StockConsumer(
    GroupMembershipMixin,
    ActionDispatchMixin,
    AsyncJsonWebsocketConsumer,
):
    actions: ClassVar[dict[str, str]] = {"book": "book", "refresh": "refresh"}

    async def connect(self) -> None:
        self.user = self.scope["user"]
        self.slug: str = self.scope["url_route"]["kwargs"]["slug"]
        await self.accept()
        if not self.user.is_authenticated:
            await self.close(code=CLOSE_UNAUTHENTICATED)
            return
        if not await database_sync_to_async(selectors.warehouse_exists)(self.slug):
            await self.close(code=CLOSE_NOT_FOUND)
            return
        await self.join_group(stock_group(self.slug))
        await self.send_snapshot()

    async def send_snapshot(self) -> None:
        levels = await database_sync_to_async(selectors.stock_snapshot)(self.slug)
        await self.send_json({"event": "snapshot", "levels": levels})

    async def refresh(self, content: dict[str, Any]) -> None:
        await self.send_snapshot()

    async def book(self, content: dict[str, Any]) -> None:
        await database_sync_to_async(services.book_movement)(
            slug=self.slug,
            sku=str(content["sku"]),
            delta=int(content["delta"]),
            user=self.user,
        )

    async def stock_changed(self, event: dict[str, Any]) -> None:
        await self.send_json({"event": "changed", "level": event["level"]})


class AlertConsumer(JsonWebsocketConsumer):
    def connect(self) -> None:
        self.accept()
        if not self.scope["user"].is_authenticated:
            self.close(code=CLOSE_UNAUTHENTICATED)
            return
        async_to_sync(self.channel_layer.group_add)(ALERT_GROUP, self.channel_name)
        self.send_json({"event": "alerts", "levels": selectors.low_levels()})

    def disconnect(self, code: int) -> None:
        async_to_sync(self.channel_layer.group_discard)(ALERT_GROUP, self.channel_name)

    def receive(
        self,
        text_data: str | None = None,
        bytes_data: bytes | None = None,
        **kwargs: Any,
    ) -> None:
        """Nobody has anything to say here."""

    def stock_alert(self, event: dict[str, Any]) -> None:
        self.send_json(
            {
                "event": "alert",
                "warehouse": event["warehouse"],
                "level": event["level"],
            },
        )
''',
    "apps/inventory/routing.py": """\
from __future__ import annotations

from django.urls import path

from .consumers import AlertConsumer, StockConsumer

inventory_routes = [
    path("alerts/", AlertConsumer.as_asgi()),
    path("<slug:slug>/stock/", StockConsumer.as_asgi()),
]
""",
    "apps/inventory/urls.py": """\
from __future__ import annotations

from django.urls import path

from . import views

app_name = "inventory"
urlpatterns = [
    path("", views.WarehouseListView.as_view(), name="list"),
    path("<slug:slug>/", views.WarehouseDetailView.as_view(), name="detail"),
    path("<slug:slug>/recount/", views.RecountView.as_view(), name="recount"),
]
""",
    "apps/inventory/views.py": """\
from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views import View
from django.views.generic import DetailView, ListView

from .constants import EVENT_CHANGED, stock_group
from .models import Warehouse


class WarehouseListView(LoginRequiredMixin, ListView):
    model = Warehouse
    template_name = "inventory/warehouse_list.html"


class WarehouseDetailView(LoginRequiredMixin, DetailView):
    model = Warehouse
    template_name = "inventory/warehouse_detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["live"] = {"slug": self.object.slug, "readonly": False}
        return context


class RecountView(LoginRequiredMixin, View):
    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        warehouse = get_object_or_404(Warehouse, slug=slug)
        layer = get_channel_layer()
        for level in warehouse.levels.all():
            async_to_sync(layer.group_send)(
                stock_group(slug),
                {"type": EVENT_CHANGED, "level": level.as_payload()},
            )
        return redirect("inventory:detail", slug=slug)
""",
    "apps/inventory/templates/inventory/warehouse_list.html": """\
{% extends "base.html" %}
{% load static %}
{% block content %}
<h1>Warehouses</h1>
<ul>
  {% for warehouse in object_list %}
  <li>
    <a href="{% url 'inventory:detail' warehouse.slug %}">{{ warehouse.name }}</a>
  </li>
  {% empty %}
  <li>None yet.</li>
  {% endfor %}
</ul>
<h2>Running low</h2>
<ul id="alerts"></ul>
{% endblock %}
{% block scripts %}
<script type="module" src="{% static 'js/alerts.js' %}"></script>
{% endblock %}
""",
    "apps/inventory/templates/inventory/warehouse_detail.html": """\
{% extends "base.html" %}
{% load static %}
{% block content %}
<h1>{{ warehouse.name }}</h1>
<p id="status" role="status">connecting</p>
<table>
  <thead><tr><th>SKU</th><th>On hand</th></tr></thead>
  <tbody id="levels"></tbody>
</table>
<form id="booking">
  <input name="sku" required>
  <input name="delta" type="number" value="1" required>
  <button type="submit">Book</button>
</form>
<form method="post" action="{% url 'inventory:recount' warehouse.slug %}">
  {% csrf_token %}
  <button type="submit">Recount</button>
</form>
<form method="post" action="{% url 'restock:request' warehouse.slug %}">
  {% csrf_token %}
  <button type="submit">Restock</button>
</form>
{{ live|json_script:"live-config" }}
{% endblock %}
{% block scripts %}
<script type="module" src="{% static 'js/stock.js' %}"></script>
{% endblock %}
""",
    "apps/restock/__init__.py": "",
    "apps/restock/apps.py": """\
from django.apps import AppConfig


class RestockConfig(AppConfig):
    name = "apps.restock"
    label = "restock"
""",
    "apps/restock/constants.py": """\
from typing import Final

JOBS_LAYER: Final = "jobs"
RESTOCK_CHANNEL: Final = "restock"
""",
    "apps/restock/consumers.py": '''\
"""Jobs that a worker does; see docker-compose.yml."""

from __future__ import annotations

import logging
from typing import Any

from channels.consumer import SyncConsumer

from apps.inventory.events import publish_level
from apps.inventory.models import StockLevel

logger = logging.getLogger(__name__)


class RestockConsumer(SyncConsumer):
    def restock_fill(self, message: dict[str, Any]) -> None:
        levels = StockLevel.objects.filter(warehouse__slug=message["slug"])
        for level in levels:
            if level.is_low:
                level.quantity = level.threshold * 2
                level.save(update_fields=["quantity", "updated_at"])
                publish_level(message["slug"], level)
                logger.info("filled %s", level.sku)
''',
    "apps/restock/urls.py": """\
from __future__ import annotations

from django.urls import path

from .views import RestockView

app_name = "restock"
urlpatterns = [
    path("<slug:slug>/", RestockView.as_view(), name="request"),
]
""",
    "apps/restock/views.py": """\
from __future__ import annotations

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views import View

from .constants import JOBS_LAYER, RESTOCK_CHANNEL


class RestockView(LoginRequiredMixin, View):
    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        jobs = get_channel_layer(JOBS_LAYER)
        job = {"type": "restock.fill", "slug": slug}
        async_to_sync(jobs.send)(RESTOCK_CHANNEL, job)
        return redirect("inventory:detail", slug=slug)
""",
    "templates/base.html": """\
{% load static %}<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Warehouse</title>
  <link rel="stylesheet" href="{% static 'css/site.css' %}">
</head>
<body>
  {% if user.is_authenticated %}
  <form method="post" action="{% url 'accounts:logout' %}">
    {% csrf_token %}
    <button type="submit">Sign out {{ user.username }}</button>
  </form>
  {% endif %}
  <main>{% block content %}{% endblock %}</main>
  {% block scripts %}{% endblock %}
</body>
</html>
""",
    "static/css/site.css": """\
body { font-family: sans-serif; }
.low { color: #b00; }
""",
    "static/js/live.js": """\
const MAX_DELAY = 30_000;
const FATAL = new Set([4401, 4404]);

export class LiveConnection {
  constructor(path, { onMessage, onStatus = () => {} }) {
    const protocol = window.location.protocol === "https:" ? "wss:" : "ws:";
    this.url = `${protocol}//${window.location.host}/ws/inventory/${path}`;
    this.onMessage = onMessage;
    this.onStatus = onStatus;
    this.delay = 1_000;
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(this.url);
    this.socket.onopen = () => {
      this.delay = 1_000;
      this.onStatus("live");
    };
    this.socket.onmessage = (event) => this.onMessage(JSON.parse(event.data));
    this.socket.onclose = (event) => {
      this.onStatus("offline");
      if (FATAL.has(event.code)) return;
      setTimeout(() => this.connect(), this.delay);
      this.delay = Math.min(this.delay * 2, MAX_DELAY);
    };
  }

  send(payload) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify(payload));
  }
}
""",
    "static/js/stock.js": """\
import { LiveConnection } from "./live.js";

const config = JSON.parse(document.getElementById("live-config").textContent);
const body = document.getElementById("levels");
const state = document.getElementById("status");
const form = document.getElementById("booking");

function render(level) {
  let row = body.querySelector(`tr[data-sku="${CSS.escape(level.sku)}"]`);
  if (!row) {
    row = body.insertRow();
    row.dataset.sku = level.sku;
    row.insertCell().textContent = level.sku;
    row.insertCell();
  }
  row.cells[1].textContent = level.quantity;
  row.classList.toggle("low", level.low);
}

const live = new LiveConnection(`${config.slug}/stock/`, {
  onStatus: (text) => {
    state.textContent = text;
  },
  onMessage: (message) => {
    if (message.event === "snapshot") {
      body.replaceChildren();
      message.levels.forEach(render);
    } else if (message.event === "changed") {
      render(message.level);
    } else if (message.event === "error") {
      state.textContent = message.detail;
    }
  },
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(form);
  live.send({
    action: "book",
    sku: data.get("sku"),
    delta: Number(data.get("delta")),
  });
  form.reset();
});
""",
    "static/js/alerts.js": """\
import { LiveConnection } from "./live.js";

const list = document.getElementById("alerts");

function add(level, warehouse) {
  const item = document.createElement("li");
  item.textContent = `${warehouse}: ${level.sku} (${level.quantity})`;
  list.prepend(item);
}

new LiveConnection("alerts/", {
  onMessage: (message) => {
    if (message.event === "alerts") {
      list.replaceChildren();
      message.levels.forEach((level) => add(level, level.warehouse));
    } else if (message.event === "alert") {
      add(message.level, message.warehouse);
    }
  },
});
""",
    "tests/__init__.py": "",
    "tests/conftest.py": """\
from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client

from apps.accounts.models import User
from apps.inventory.models import StockLevel, Warehouse
from config.asgi import application

Connect = Callable[[str], Awaitable[WebsocketCommunicator]]


@pytest.fixture
def clerk(transactional_db: None) -> User:
    return User.objects.create_user("clerk", password="pw")


@pytest.fixture
def level(transactional_db: None) -> StockLevel:
    warehouse = Warehouse.objects.create(name="North", slug="north")
    return StockLevel.objects.create(warehouse=warehouse, sku="BOLT", quantity=9)


@pytest.fixture
def cookie(clerk: User) -> bytes:
    client = Client()
    client.force_login(clerk)
    return f"sessionid={client.cookies['sessionid'].value}".encode()


@pytest.fixture
async def connect(cookie: bytes) -> AsyncIterator[Connect]:
    opened: list[WebsocketCommunicator] = []

    async def _connect(path: str) -> WebsocketCommunicator:
        communicator = WebsocketCommunicator(
            application,
            path,
            headers=[(b"origin", b"http://localhost"), (b"cookie", cookie)],
        )
        connected, _ = await communicator.connect()
        assert connected
        opened.append(communicator)
        return communicator

    yield _connect
    for communicator in opened:
        await communicator.disconnect()
""",
    "tests/test_stock.py": """\
from __future__ import annotations

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator

from apps.inventory.models import Movement, StockLevel
from config.asgi import application

from .conftest import Connect


@pytest.mark.django_db(transaction=True)
async def test_a_booking_reaches_everybody(connect: Connect, level: StockLevel) -> None:
    first = await connect("/ws/inventory/north/stock/")
    second = await connect("/ws/inventory/north/stock/")
    assert (await first.receive_json_from())["event"] == "snapshot"
    assert (await second.receive_json_from())["event"] == "snapshot"

    await first.send_json_to({"action": "book", "sku": "BOLT", "delta": -2})

    for communicator in (first, second):
        message = await communicator.receive_json_from()
        assert message["level"]["quantity"] == 7
    assert await database_sync_to_async(Movement.objects.count)() == 1


@pytest.mark.django_db(transaction=True)
async def test_nonsense_is_answered(connect: Connect, level: StockLevel) -> None:
    communicator = await connect("/ws/inventory/north/stock/")
    await communicator.receive_json_from()
    await communicator.send_json_to({"action": "explode"})
    assert await communicator.receive_json_from() == {
        "event": "error",
        "detail": "unknown action",
    }


async def test_the_heart_beats() -> None:
    communicator = WebsocketCommunicator(
        application,
        "/ws/heartbeat/",
        headers=[(b"origin", b"http://localhost")],
    )
    connected, _ = await communicator.connect()
    assert connected
    await communicator.send_to(text_data="?")
    assert await communicator.receive_from() == "beat 1"
    await communicator.disconnect()
""",
    "tests/test_views.py": """\
from __future__ import annotations

from django.test import Client

from apps.accounts.models import User


def test_the_list_asks_for_a_session(client: Client) -> None:
    assert client.get("/warehouses/").status_code == 302


def test_the_list_is_shown(client: Client, clerk: User) -> None:
    client.force_login(clerk)
    assert b"Running low" in client.get("/warehouses/").content
""",
    "pytest.ini": """\
[pytest]
DJANGO_SETTINGS_MODULE = config.settings.test
asyncio_mode = auto
pythonpath = .
testpaths = tests
""",
    "requirements/base.txt": """\
django>=5.2,<6
channels[daphne]>=4.2,<5
channels-redis>=4.2,<5
redis>=5
""",
    "requirements/dev.txt": """\
-r base.txt
pytest
pytest-asyncio
pytest-django
""",
    "Dockerfile": """\
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \\
    DJANGO_SETTINGS_MODULE=config.settings.prod

WORKDIR /srv/warehouse
COPY requirements/ requirements/
RUN pip install --no-cache-dir -r requirements/base.txt
COPY . .

EXPOSE 8000
CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "config.asgi:application"]
""",
    "docker-compose.yml": """\
services:
  redis:
    image: redis:7-alpine

  web:
    build: .
    env_file: .env
    environment:
      REDIS_URL: redis://redis:6379/0
    volumes:
      - static:/srv/warehouse/staticfiles
    depends_on:
      - redis
    expose:
      - "8000"

  worker:
    build: .
    command: python manage.py runworker --layer jobs restock
    env_file: .env
    environment:
      REDIS_URL: redis://redis:6379/0
    depends_on:
      - redis

  nginx:
    image: nginx:1.27-alpine
    ports:
      - "443:443"
    volumes:
      - ./docker/nginx/warehouse.conf:/etc/nginx/conf.d/default.conf:ro
      - static:/srv/static:ro
    depends_on:
      - web

volumes:
  static:
""",
    "docker/nginx/warehouse.conf": """\
map $http_upgrade $connection_upgrade {
    default upgrade;
    ""      close;
}

upstream warehouse {
    server web:8000;
}

server {
    listen 443 ssl;
    server_name stock.example.com;

    ssl_certificate     /etc/ssl/certs/stock.pem;
    ssl_certificate_key /etc/ssl/private/stock.key;

    location /static/ {
        alias /srv/static/;
    }

    location / {
        proxy_pass http://warehouse;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_read_timeout 1h;
    }
}
""",
}

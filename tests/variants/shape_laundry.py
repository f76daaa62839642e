"""A laundry, as an assistant writes it: services, signals, a synchronous consumer."""

from __future__ import annotations

LAUNDRY: dict[str, str] = {
    "laundry/__init__.py": "",
    "laundry/asgi.py": '''\
"""ASGI config for the laundry project."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "laundry.settings")

# Initialise Django before anything that touches models is imported.
django_asgi_app = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from machines.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": django_asgi_app,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
    }
)
''',
    "laundry/settings.py": '''\
"""Django settings for the laundry project."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.getenv("DJANGO_SECRET_KEY", "django-insecure-development-only")
DEBUG = os.getenv("DJANGO_DEBUG", "true").lower() == "true"
ALLOWED_HOSTS: list[str] = os.getenv(
    "DJANGO_ALLOWED_HOSTS", "localhost 127.0.0.1"
).split()

INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    # Third party
    "channels",
    # Local
    "machines.apps.MachinesConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

ROOT_URLCONF = "laundry.urls"
ASGI_APPLICATION = "laundry.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
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
        "NAME": BASE_DIR / "db.sqlite3",
    }
}

REDIS_URL = os.getenv("REDIS_URL")
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL]},
        },
    }
else:
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
    }

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "machines:dashboard"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
''',
    "laundry/urls.py": '''\
"""URL configuration for the laundry project."""

from django.contrib.auth.views import LoginView
from django.urls import include, path

urlpatterns = [
    path(
        "login/",
        LoginView.as_view(template_name="machines/login.html"),
        name="login",
    ),
    path("", include("machines.urls")),
]
''',
    "machines/__init__.py": "",
    "machines/apps.py": '''\
"""App configuration for machines."""

from django.apps import AppConfig


class MachinesConfig(AppConfig):
    """Connects the signal handlers once the app registry is ready."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "machines"

    def ready(self) -> None:
        from machines import signals  # noqa: F401
''',
    "machines/constants.py": '''\
"""Names shared by the consumers, the services and the signals."""

from typing import Final

FLOOR_GROUP: Final = "floor"
CUSTOMER_GROUP_TEMPLATE: Final = "customer.{customer_id}"


class EventType:
    """Types of channel layer events; each has a handler in the consumer."""

    MACHINE_CHANGED: Final = "machine.changed"
    WASH_DONE: Final = "wash.done"


class Action:
    """Actions a client may ask for."""

    SNAPSHOT: Final = "snapshot"
    START: Final = "start"
    CANCEL: Final = "cancel"


class CloseCode:
    """Close codes the dashboard knows."""

    NOT_LOGGED_IN: Final = 4401


def customer_group(customer_id: int) -> str:
    """Return the name of one customer's group."""
    return CUSTOMER_GROUP_TEMPLATE.format(customer_id=customer_id)
''',
    "machines/consumers/__init__.py": '''\
"""WebSocket consumers."""

from .floor import FloorConsumer

__all__ = ["FloorConsumer"]
''',
    "machines/consumers/floor.py": '''\
"""The consumer behind the dashboard."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from channels.generic.websocket import JsonWebsocketConsumer

from machines import services
from machines.constants import FLOOR_GROUP, Action, CloseCode, customer_group
from machines.payloads import Command, MachinePayload


class FloorConsumer(JsonWebsocketConsumer):
    """Shows the machines to a customer and takes commands."""

    group_names: tuple[str, ...] = ()

    def connect(self) -> None:
        self.customer = self.scope["user"]
        self.accept()
        if not self.customer.is_authenticated:
            self.close(code=CloseCode.NOT_LOGGED_IN)
            return
        self.group_names = (FLOOR_GROUP, customer_group(self.customer.pk))
        for name in self.group_names:
            async_to_sync(self.channel_layer.group_add)(name, self.channel_name)
        self.send_snapshot()

    def disconnect(self, code: int) -> None:
        for name in self.group_names:
            async_to_sync(self.channel_layer.group_discard)(
                name, self.channel_name
            )

    @classmethod
    def decode_json(cls, text_data: str) -> Any:
        try:
            return super().decode_json(text_data)
        except ValueError:
            return None

    def receive_json(self, content: Any, **kwargs: Any) -> None:
        if not self.customer.is_authenticated:
            return
        try:
            command = Command.from_json(content)
            self.execute(command)
        except (ValueError, services.MachineUnavailable) as error:
            self.send_json({"event": "error", "detail": str(error)})

    def execute(self, command: Command) -> None:
        if command.action == Action.SNAPSHOT:
            self.send_snapshot()
        elif command.machine_id is None:
            raise ValueError("machine_id is missing")
        elif command.action == Action.START:
            machine = services.start_wash(command.machine_id, self.customer)
            self.confirm("started", machine)
        elif command.action == Action.CANCEL:
            machine = services.cancel_wash(command.machine_id, self.customer)
            self.confirm("cancelled", machine)
        else:
            raise ValueError("Unknown action")

    def send_snapshot(self) -> None:
        self.send_json({"event": "snapshot", "machines": services.snapshot()})

    def confirm(self, event: str, machine: Any) -> None:
        payload = MachinePayload.from_model(machine)
        self.send_json({"event": event, "machine": payload.to_dict()})

    # Channel layer handlers

    def machine_changed(self, event: dict[str, Any]) -> None:
        self.send_json({"event": "changed", "machine": event["machine"]})

    def wash_done(self, event: dict[str, Any]) -> None:
        self.send_json({"event": "done", "label": event["label"]})
''',
    "machines/migrations/0001_initial.py": """\
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Machine",
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
                ("label", models.CharField(max_length=20, unique=True)),
                (
                    "used_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="machines",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"ordering": ["label"]},
        ),
    ]
""",
    "machines/migrations/__init__.py": "",
    "machines/models.py": '''\
"""Database models."""

from django.conf import settings
from django.db import models


class Machine(models.Model):
    """A washing machine on the floor."""

    label = models.CharField(max_length=20, unique=True)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="machines",
    )

    class Meta:
        ordering = ["label"]

    def __str__(self) -> str:
        return self.label

    @property
    def busy(self) -> bool:
        """Whether somebody's laundry is inside."""
        return self.used_by_id is not None
''',
    "machines/payloads.py": '''\
"""The shapes of what goes over the wire."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from machines.models import Machine


@dataclass(frozen=True, slots=True)
class MachinePayload:
    """A machine as the dashboard sees it."""

    id: int
    label: str
    busy: bool

    @classmethod
    def from_model(cls, machine: Machine) -> MachinePayload:
        return cls(id=machine.pk, label=machine.label, busy=machine.busy)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Command:
    """A validated command from a client."""

    action: str
    machine_id: int | None = None

    @classmethod
    def from_json(cls, content: Any) -> Command:
        if not isinstance(content, dict):
            raise ValueError("An object is expected")
        action = content.get("action")
        if not isinstance(action, str):
            raise ValueError("action is missing")
        machine_id = content.get("machine_id")
        if machine_id is not None and type(machine_id) is not int:
            raise ValueError("machine_id must be a number")
        return cls(action=action, machine_id=machine_id)
''',
    "machines/routing.py": '''\
"""WebSocket URL routing."""

from django.urls import re_path

from machines.consumers import FloorConsumer

websocket_urlpatterns = [
    re_path(r"ws/floor/$", FloorConsumer.as_asgi()),
]
''',
    "machines/services/__init__.py": '''\
"""Business logic, free of HTTP and WebSocket details."""

from .notifications import notify_machine_changed, notify_wash_done
from .washing import (
    MachineUnavailable,
    cancel_wash,
    finish_wash,
    snapshot,
    start_wash,
)

__all__ = [
    "MachineUnavailable",
    "cancel_wash",
    "finish_wash",
    "notify_machine_changed",
    "notify_wash_done",
    "snapshot",
    "start_wash",
]
''',
    "machines/services/notifications.py": '''\
"""Sends events to the channel layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from machines.constants import FLOOR_GROUP, EventType, customer_group
from machines.payloads import MachinePayload

if TYPE_CHECKING:
    from machines.models import Machine


def _broadcast(group: str, event: dict[str, Any]) -> None:
    channel_layer = get_channel_layer()
    async_to_sync(channel_layer.group_send)(group, event)


def notify_machine_changed(machine: Machine) -> None:
    """Tell everybody on the floor."""
    payload = MachinePayload.from_model(machine)
    _broadcast(
        FLOOR_GROUP,
        {"type": EventType.MACHINE_CHANGED, "machine": payload.to_dict()},
    )


def notify_wash_done(customer_id: int, label: str) -> None:
    """Tell the one customer whose laundry is ready."""
    _broadcast(
        customer_group(customer_id),
        {"type": EventType.WASH_DONE, "label": label},
    )
''',
    "machines/services/washing.py": '''\
"""What can be done with a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from machines.models import Machine
from machines.payloads import MachinePayload
from machines.services.notifications import notify_wash_done

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class MachineUnavailable(Exception):
    """The machine is busy, unknown or used by somebody else."""


def snapshot() -> list[dict]:
    """Return all machines as the dashboard shows them."""
    return [
        MachinePayload.from_model(one).to_dict()
        for one in Machine.objects.all()
    ]


def start_wash(machine_id: int, customer: User) -> Machine:
    with transaction.atomic():
        machine = Machine.objects.filter(pk=machine_id, used_by=None).first()
        if machine is None:
            raise MachineUnavailable("That machine is not free")
        machine.used_by = customer
        machine.save()
    return machine


def cancel_wash(machine_id: int, customer: User) -> Machine:
    with transaction.atomic():
        machine = Machine.objects.filter(
            pk=machine_id, used_by=customer
        ).first()
        if machine is None:
            raise MachineUnavailable("That machine is not yours")
        machine.used_by = None
        machine.save()
    return machine


def finish_wash(machine: Machine) -> None:
    """Empty a machine and tell whoever used it."""
    customer_id = machine.used_by_id
    if customer_id is None:
        raise MachineUnavailable("That machine is empty")
    with transaction.atomic():
        machine.used_by = None
        machine.save()
        transaction.on_commit(
            lambda: notify_wash_done(customer_id, machine.label)
        )
''',
    "machines/signals.py": '''\
"""Signal handlers."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from machines.models import Machine
from machines.services import notify_machine_changed


@receiver(post_save, sender=Machine)
def machine_saved(
    sender: type[Machine], instance: Machine, **kwargs: Any
) -> None:
    """Broadcast every change of a machine once it is committed."""
    transaction.on_commit(lambda: notify_machine_changed(instance))
''',
    "machines/static/machines/dashboard.js": """\
/**
 * Live dashboard of the laundry.
 */
(function () {
  "use strict";

  const CLOSE_NOT_LOGGED_IN = 4401;
  const RECONNECT_DELAY_MS = 2000;

  const elements = {
    status: document.getElementById("status"),
    list: document.getElementById("machine-list"),
    toast: document.getElementById("toast"),
    refresh: document.getElementById("refresh"),
  };

  let socket = null;

  const handlers = {
    snapshot(message) {
      elements.list.replaceChildren();
      message.machines.forEach(renderMachine);
    },
    changed(message) {
      renderMachine(message.machine);
    },
    started(message) {
      showToast(`${message.machine.label} is yours`);
    },
    cancelled(message) {
      showToast(`${message.machine.label} is free again`);
    },
    done(message) {
      showToast(`${message.label} has finished`);
    },
    error(message) {
      showToast(message.detail);
    },
  };

  function showToast(text) {
    elements.toast.textContent = text;
    elements.toast.hidden = false;
  }

  function renderMachine(machine) {
    const id = `machine-${machine.id}`;
    let row = document.getElementById(id);
    if (row === null) {
      row = document.createElement("li");
      row.id = id;
      elements.list.appendChild(row);
    }
    row.textContent = `${machine.label}: ${machine.busy ? "busy" : "free"} `;
    const button = document.createElement("button");
    button.textContent = machine.busy ? "Cancel" : "Start";
    button.addEventListener("click", () => {
      sendCommand({
        action: machine.busy ? "cancel" : "start",
        machine_id: machine.id,
      });
    });
    row.appendChild(button);
  }

  function sendCommand(command) {
    if (socket && socket.readyState === WebSocket.OPEN) {
      socket.send(JSON.stringify(command));
    } else {
      showToast("Not connected");
    }
  }

  function connect() {
    const protocol = window.location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(`${protocol}//${window.location.host}/ws/floor/`);

    socket.onopen = () => {
      elements.status.textContent = "Connected";
    };

    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      const handler = handlers[message.event];
      if (handler) {
        handler(message);
      }
    };

    socket.onclose = (event) => {
      elements.status.textContent = "Disconnected";
      if (event.code === CLOSE_NOT_LOGGED_IN) {
        window.location.assign("/login/");
        return;
      }
      window.setTimeout(connect, RECONNECT_DELAY_MS);
    };
  }

  elements.refresh.addEventListener("click", () => {
    sendCommand({ action: "snapshot" });
  });

  connect();
})();
""",
    "machines/templates/machines/dashboard.html": """\
{% load static %}
<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Laundry</title>
  <script src="{% static 'machines/dashboard.js' %}" defer></script>
</head>
<body>
  <h1>Machines</h1>
  <div id="status" class="status">Connecting…</div>
  <ul id="machine-list"></ul>
  <div id="toast" hidden></div>
  <button id="refresh" type="button">Refresh</button>
</body>
</html>
""",
    "machines/templates/machines/login.html": """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Sign in</title></head>
<body>
  <form method="post">
    {% csrf_token %}
    {{ form.as_p }}
    <button type="submit">Sign in</button>
  </form>
</body>
</html>
""",
    "machines/tests/__init__.py": "",
    "machines/tests/base.py": '''\
"""Helpers shared by the tests."""

from __future__ import annotations

from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import TransactionTestCase

from laundry.asgi import application
from machines.models import Machine


class FloorTestCase(TransactionTestCase):
    """Has a customer, a machine and a way to connect."""

    def setUp(self) -> None:
        self.customer = User.objects.create_user("carl", password="secret")
        self.machine = Machine.objects.create(label="W1")
        self.client.force_login(self.customer)

    def open_socket(self, *, logged_in: bool = True) -> WebsocketCommunicator:
        headers = [(b"origin", b"http://localhost")]
        if logged_in:
            cookie = self.client.cookies["sessionid"].value
            headers.append((b"cookie", f"sessionid={cookie}".encode()))
        return WebsocketCommunicator(application, "/ws/floor/", headers=headers)
''',
    "machines/tests/test_floor.py": '''\
"""Tests of the dashboard's socket."""

from channels.db import database_sync_to_async

from machines import services

from .base import FloorTestCase


class FloorConsumerTests(FloorTestCase):
    async def test_snapshot_comes_first(self) -> None:
        socket = self.open_socket()
        connected, _ = await socket.connect()
        self.assertTrue(connected)
        message = await socket.receive_json_from()
        self.assertEqual(message["event"], "snapshot")
        self.assertEqual(
            message["machines"],
            [{"id": self.machine.pk, "label": "W1", "busy": False}],
        )
        await socket.disconnect()

    async def test_start(self) -> None:
        socket = self.open_socket()
        await socket.connect()
        await socket.receive_json_from()
        await socket.send_json_to(
            {"action": "start", "machine_id": self.machine.pk}
        )
        events = {
            (await socket.receive_json_from(timeout=3))["event"] for _ in "12"
        }
        self.assertEqual(events, {"started", "changed"})
        await self.machine.arefresh_from_db()
        self.assertTrue(self.machine.busy)
        await socket.disconnect()

    async def test_finish_tells_the_customer(self) -> None:
        self.machine.used_by = self.customer
        await self.machine.asave()
        socket = self.open_socket()
        await socket.connect()
        await socket.receive_json_from()
        await database_sync_to_async(services.finish_wash)(self.machine)
        events = {
            (await socket.receive_json_from(timeout=3))["event"] for _ in "12"
        }
        self.assertEqual(events, {"done", "changed"})
        await socket.disconnect()

    async def test_unknown_action(self) -> None:
        socket = self.open_socket()
        await socket.connect()
        await socket.receive_json_from()
        await socket.send_json_to({"action": "dry"})
        self.assertEqual((await socket.receive_json_from())["event"], "error")
        await socket.disconnect()

    async def test_anonymous_is_closed(self) -> None:
        socket = self.open_socket(logged_in=False)
        await socket.connect()
        output = await socket.receive_output()
        self.assertEqual(output["code"], 4401)
''',
    "machines/tests/test_views.py": '''\
"""Tests of the HTTP side."""

from unittest.mock import patch

from django.contrib.auth.models import User
from django.test import TestCase
from django.urls import reverse

from machines.models import Machine


class FinishViewTests(TestCase):
    def setUp(self) -> None:
        self.customer = User.objects.create_user("carl", password="secret")
        self.client.force_login(self.customer)
        self.machine = Machine.objects.create(label="W1", used_by=self.customer)

    @patch("machines.services.washing.notify_wash_done")
    def test_finish(self, notify) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            response = self.client.post(
                reverse("machines:finish", args=[self.machine.pk])
            )
        self.assertEqual(response.status_code, 200)
        notify.assert_called_once_with(self.customer.pk, "W1")

    def test_finish_of_an_empty_machine(self) -> None:
        free = Machine.objects.create(label="W2")
        response = self.client.post(reverse("machines:finish", args=[free.pk]))
        self.assertEqual(response.status_code, 409)
''',
    "machines/urls.py": '''\
"""HTTP URL routing."""

from django.urls import path

from machines.views import DashboardView, finish

app_name = "machines"

urlpatterns = [
    path("", DashboardView.as_view(), name="dashboard"),
    path("machines/<int:pk>/finish/", finish, name="finish"),
]
''',
    "machines/views.py": '''\
"""HTTP views."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView

from machines.models import Machine
from machines.services import MachineUnavailable, finish_wash


class DashboardView(LoginRequiredMixin, TemplateView):
    """The page with all machines."""

    template_name = "machines/dashboard.html"


@require_POST
@login_required
def finish(request: HttpRequest, pk: int) -> JsonResponse:
    """Called when a machine has ended its programme."""
    machine = get_object_or_404(Machine, pk=pk)
    try:
        finish_wash(machine)
    except MachineUnavailable as error:
        return JsonResponse({"error": str(error)}, status=409)
    return JsonResponse({"status": "ok"})
''',
    "manage.py": '''\
#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""

import os
import sys


def main() -> None:
    """Run administrative tasks."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "laundry.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as exc:
        raise ImportError("Couldn't import Django.") from exc
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
''',
    "requirements.txt": """\
Django==5.2.*
channels==4.3.*
daphne==4.2.*
channels-redis==4.3.*
""",
}

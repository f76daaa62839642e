# ruff: noqa: E501, RUF005  (the projects' own lines)
"""Projects of many shapes that are right: nothing may be found in them.

Each variant is the checkpoint of step 6 with some files replaced; None removes a
file.  Those in ``BEHAVE`` also pass every check of steps 1 to 6.
"""

from __future__ import annotations

SETTINGS, ASGI = "webapp/settings.py", "webapp/asgi.py"
ROUTING, CONSUMERS = "master_app/routing.py", "master_app/consumers.py"
Files = dict[str, str | None]

MANAGE = """
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", {settings!r})
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"""

PLAIN_SETTINGS = """
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ.get("SECRET_KEY", "for-development")
DEBUG = os.environ.get("DEBUG", "1") == "1"
ALLOWED_HOSTS = os.environ.get("HOSTS", "localhost,127.0.0.1").split(",")
INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    {apps}
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "{package}.urls"
TEMPLATES = [
    {{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {{
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        }},
    }},
]
ASGI_APPLICATION = "{package}.asgi.application"
CHANNEL_LAYERS = {{"default": {{"BACKEND": "channels.layers.InMemoryChannelLayer"}}}}
DATABASES = {{
    "default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}},
}}
STATIC_URL = "static/"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""

PLAIN_ASGI = """
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{package}.settings")
pages = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from {routing} import {name}  # noqa: E402

application = ProtocolTypeRouter(
    {{
        "http": pages,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter({name}))),
    }}
)
"""

ADMIN_URLS = """
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
"""

APP = """
from django.apps import AppConfig


class {name}Config(AppConfig):
    name = "{app}"
"""

GENERIC = """
from random import randint

from channels.generic.websocket import AsyncWebsocketConsumer


class PracticeConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.send(text_data="0")

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=str(randint(0, 100)))

    async def disconnect(self, code):
        pass
"""


def project(package: str, app: str, routing: str, consumers: str, name: str) -> Files:
    """A whole project with names of its own, in place of the checkpoint's."""
    old = ("manage.py", "master_app/routing.py", "master_app/consumers.py",
           "master_app/apps.py", "master_app/__init__.py", "master_app/admin.py",
           "master_app/models.py", "master_app/tests.py", "master_app/views.py",
           "master_app/migrations/__init__.py", "webapp/__init__.py", "webapp/asgi.py",
           "webapp/settings.py", "webapp/urls.py", "webapp/wsgi.py")  # fmt: skip
    return dict.fromkeys(old) | {
        "manage.py": MANAGE.format(settings=f"{package}.settings"),
        f"{package}/__init__.py": "",
        f"{package}/settings.py": PLAIN_SETTINGS.format(
            package=package, apps=f'"{app}",'
        ),
        f"{package}/urls.py": ADMIN_URLS,
        f"{package}/asgi.py": PLAIN_ASGI.format(
            package=package, routing=f"{app}.routing", name=name
        ),
        f"{app}/__init__.py": "",
        f"{app}/apps.py": APP.format(name=app.title(), app=app),
        f"{app}/routing.py": routing,
        f"{app}/consumers.py": consumers,
    }


RE_PATH = """
from django.urls import re_path

from . import consumers

websocket_urlpatterns = [
    re_path(r"^ws/whole1/$", consumers.PracticeConsumer.as_asgi()),
]
"""

CHAT_CONSUMERS = """
import json

from channels.generic.websocket import AsyncWebsocketConsumer


class ChatConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        self.room_name = self.scope["url_route"]["kwargs"]["room_name"]
        self.room_group_name = f"chat_{self.room_name}"
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, close_code):
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    async def receive(self, text_data):
        data = json.loads(text_data)
        await self.channel_layer.group_send(
            self.room_group_name, {"type": "chat.message", "message": data["message"]}
        )

    async def chat_message(self, event):
        await self.send(text_data=json.dumps({"message": event["message"]}))
"""

CHAT_ROUTING = """
from django.urls import re_path

from . import consumers

websocket_urlpatterns = [
    re_path(r"ws/chat/(?P<room_name>\\w+)/$", consumers.ChatConsumer.as_asgi()),
]
"""

CHAT_PAGE = """
<!doctype html>
<p id="log"></p>
{{ room_name|json_script:"room-name" }}
<script>
  const roomName = JSON.parse(document.getElementById("room-name").textContent);
  const scheme = window.location.protocol === "https:" ? "wss://" : "ws://";
  const chatSocket = new WebSocket(
    scheme + window.location.host + "/ws/chat/" + roomName + "/"
  );
  chatSocket.onmessage = (e) => {
    document.querySelector("#log").textContent = JSON.parse(e.data).message;
  };
</script>
"""

VARIANTS: dict[str, Files] = {
    "the-checkpoint-itself": {},
    "re-path": {ROUTING: RE_PATH},
    "re-path-without-caret": {ROUTING: RE_PATH.replace("^ws", "ws")},
    "generic-async": {CONSUMERS: GENERIC},
    "generic-sync": {
        CONSUMERS: GENERIC.replace("Async", "")
        .replace("async ", "")
        .replace("await ", "")
    },
    "generic-json": {
        CONSUMERS: """
from random import randint

from channels.generic.websocket import AsyncJsonWebsocketConsumer


class PracticeConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.send_json({"number": 0})

    async def receive_json(self, content, **kwargs):
        await self.send_json({"number": randint(0, 100), "echo": content})
"""
    },
    "generic-json-sync": {
        CONSUMERS: """
from random import randint

from channels.generic.websocket import JsonWebsocketConsumer as Base


class PracticeConsumer(Base):
    def receive_json(self, content, **kwargs):
        self.send_json({"number": randint(0, 100)})
"""
    },
    "raw-sync": {
        CONSUMERS: """
import random

from channels.consumer import SyncConsumer
from channels.exceptions import StopConsumer


class PracticeConsumer(SyncConsumer):
    def websocket_connect(self, message):
        self.send({"type": "websocket.accept"})
        self.send({"type": "websocket.send", "text": "0"})

    def websocket_receive(self, message):
        self.send({"type": "websocket.send", "text": "%d" % random.randint(0, 100)})

    def websocket_disconnect(self, message):
        raise StopConsumer()
"""
    },
    "renamed-variables": {
        CONSUMERS: """
import random as rnd

from channels import consumer, exceptions


class PracticeConsumer(consumer.AsyncConsumer):
    async def websocket_connect(this, _):
        say = this.send
        await say(dict(type="websocket.accept"))
        await say(dict(type="websocket.send", text="0"))

    async def websocket_receive(this, message):
        reply = {"type": "websocket.send"}
        reply["text"] = f"{rnd.randint(0, 100)}"
        await this.send(reply)

    async def websocket_disconnect(this, message):
        raise exceptions.StopConsumer()
"""
    },
    "base-class-of-its-own": {
        CONSUMERS: """
from master_app.base import Greeting, number


class PracticeConsumer(Greeting):
    greeting = "0"

    async def websocket_receive(self, event):
        await self.say(number())
""",
        "master_app/base.py": """
from random import randint

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer


def number():
    return str(randint(0, 100))


class Greeting(AsyncConsumer):
    greeting = ""

    async def say(self, text):
        await self.send({"type": "websocket.send", "text": text})

    async def websocket_connect(self, event):
        await self.send({"type": "websocket.accept"})
        await self.say(self.greeting)

    async def websocket_disconnect(self, event):
        raise StopConsumer
""",
    },
    "consumers-in-a-package": {
        CONSUMERS: None,
        "master_app/consumers/__init__.py": "from .practice import PracticeConsumer\n\n__all__ = ['PracticeConsumer']\n",
        "master_app/consumers/practice.py": GENERIC,
    },
    "lock-and-sleep": {
        CONSUMERS: """
import asyncio
from random import randint

from channels.generic.websocket import AsyncWebsocketConsumer


class PracticeConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        self.lock = asyncio.Lock()
        await self.accept()
        await self.send("0")

    async def receive(self, text_data=None, bytes_data=None):
        async with self.lock:
            await asyncio.sleep(0.02)
            await self.send(str(randint(0, 100)))
"""
    },
    "work-in-a-thread": {
        CONSUMERS: """
import asyncio
import time
from random import randint

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer


def slow():
    time.sleep(0.05)
    return randint(0, 100)


class PracticeConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.send("0")

    async def receive(self, text_data=None, bytes_data=None):
        number = await sync_to_async(slow, thread_sensitive=False)()
        await asyncio.to_thread(time.sleep, 0.01)
        await self.send(str(number))
"""
    },
    "task-cancelled": {
        CONSUMERS: """
import asyncio
from random import randint

from channels.generic.websocket import AsyncWebsocketConsumer


class PracticeConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.send("0")
        self.task = asyncio.create_task(self.tick())

    async def tick(self):
        while True:
            await asyncio.sleep(5)
            await self.send(str(randint(0, 100)))

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(str(randint(0, 100)))

    async def disconnect(self, code):
        self.task.cancel()
"""
    },
    "constants-and-helpers": {
        CONSUMERS: """
from random import choice

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer

ACCEPT = {"type": "websocket.accept"}
SEND = "websocket.send"
NUMBERS = [str(n) for n in range(101)]


def message(text):
    return {"type": SEND, "text": text}


class PracticeConsumer(AsyncConsumer):
    numbers = tuple(NUMBERS)

    async def websocket_connect(self, event):
        await self.send(ACCEPT)
        await self.send(message("0"))

    async def websocket_receive(self, event):
        await self.send(message(choice(self.numbers)))

    async def websocket_disconnect(self, event):
        raise StopConsumer()
"""
    },
    "validated-json": {
        CONSUMERS: """
import json
from random import randint

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer


class PracticeConsumer(AsyncConsumer):
    async def websocket_connect(self, event):
        await self.send({"type": "websocket.accept"})
        await self.send({"type": "websocket.send", "text": "0"})

    async def websocket_receive(self, event):
        try:
            top = int(json.loads(event.get("text") or "{}")["top"])
        except (ValueError, KeyError, TypeError):
            top = 100
        await self.send({"type": "websocket.send", "text": str(randint(0, top))})

    async def websocket_disconnect(self, event):
        raise StopConsumer()
"""
    },
    "nested-router": {
        ROUTING: """
from channels.routing import URLRouter
from django.urls import path

from master_app.consumers import PracticeConsumer

inner = [path("whole1/", PracticeConsumer.as_asgi())]
websocket_urlpatterns = [path("ws/", URLRouter(inner))]
"""
    },
    "two-routes-and-a-parameter": {
        ROUTING: """
from django.urls import path, re_path

from master_app.consumers import PracticeConsumer

websocket_urlpatterns = [
    path("ws/whole1/", PracticeConsumer.as_asgi()),
    path("ws/number/<int:top>/", PracticeConsumer.as_asgi()),
    re_path(r"^ws/room/(?P<room>[-\\w]+)/$", PracticeConsumer.as_asgi()),
]
"""
    },
    "routes-in-asgi": {
        ASGI: """
import os

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
django.setup()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import path  # noqa: E402
from master_app import consumers  # noqa: E402

sockets = URLRouter([path("ws/whole1/", consumers.PracticeConsumer.as_asgi())])
application = ProtocolTypeRouter(
    {"http": get_asgi_application(),
     "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(sockets))}
)
""",
        ROUTING: None,
    },
    "router-from-a-function": {
        ASGI: """
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")


def build():
    from django.core.asgi import get_asgi_application

    pages = get_asgi_application()
    from channels.auth import AuthMiddlewareStack
    from channels.routing import ProtocolTypeRouter, URLRouter
    from channels.security.websocket import AllowedHostsOriginValidator
    from master_app import routing

    sockets = AuthMiddlewareStack(URLRouter(routing.websocket_urlpatterns))
    return ProtocolTypeRouter(
        dict(http=pages, websocket=AllowedHostsOriginValidator(sockets))
    )


application = build()
"""
    },
    "middleware-of-its-own": {
        ASGI: PLAIN_ASGI.format(
            package="webapp", routing="master_app.routing", name="websocket_urlpatterns"
        )
        .replace("AuthMiddlewareStack(URLRouter", "Timed(AuthMiddlewareStack(URLRouter")
        .replace("urlpatterns))),", "urlpatterns)))),")
        .replace(
            "application =",
            "from master_app.middleware import Timed  # noqa: E402\n\napplication =",
        ),
        "master_app/middleware.py": """
import time

from channels.middleware import BaseMiddleware


class Timed(BaseMiddleware):
    async def __call__(self, scope, receive, send):
        scope["began"] = time.time()
        return await super().__call__(scope, receive, send)
""",
    },
    "function-middleware": {
        ASGI: PLAIN_ASGI.format(
            package="webapp", routing="master_app.routing", name="websocket_urlpatterns"
        )
        .replace("AuthMiddlewareStack(URLRouter", "named(AuthMiddlewareStack(URLRouter")
        .replace("urlpatterns))),", "urlpatterns)))),")
        .replace(
            "application =",
            """

def named(inner):
    async def app(scope, receive, send):
        return await inner(dict(scope, name="ours"), receive, send)

    return app


application =""",
        ),
    },
    "validator-inside-the-stack": {
        ASGI: PLAIN_ASGI.format(
            package="webapp", routing="master_app.routing", name="websocket_urlpatterns"
        ).replace(
            "AllowedHostsOriginValidator(AuthMiddlewareStack(",
            "AuthMiddlewareStack(AllowedHostsOriginValidator(",
        )
    },
    "origin-validator-with-a-list": {
        ASGI: PLAIN_ASGI.format(
            package="webapp", routing="master_app.routing", name="websocket_urlpatterns"
        )
        .replace("import AllowedHostsOriginValidator", "import OriginValidator")
        .replace("AllowedHostsOriginValidator(", "OriginValidator(")
        .replace(
            "websocket_urlpatterns))),",
            "websocket_urlpatterns)), ['http://127.0.0.1', 'https://example.com']),",
        )
    },
    "split-settings": {
        SETTINGS: None,
        "webapp/settings/__init__.py": "",
        "webapp/settings/base.py": PLAIN_SETTINGS.format(
            package="webapp", apps='"master_app",'
        )
        .replace("parent.parent", "parent.parent.parent")
        .replace("DEBUG = ", "DEBUG = not "),
        "webapp/settings/development.py": """
from .base import *  # noqa: F403

DEBUG = True
ALLOWED_HOSTS = []
INSTALLED_APPS += ["django.contrib.humanize"]  # noqa: F405
""",
        "manage.py": MANAGE.format(settings="webapp.settings.development"),
        ASGI: PLAIN_ASGI.format(
            package="webapp", routing="master_app.routing", name="websocket_urlpatterns"
        ).replace("webapp.settings", "webapp.settings.development"),
    },
    "plain-settings-other-quotes": {
        SETTINGS: PLAIN_SETTINGS.format(
            package="webapp", apps='"master_app.apps.MasterAppConfig",'
        ),
    },
    "redis-where-it-is-configured": {
        SETTINGS: PLAIN_SETTINGS.format(package="webapp", apps='"master_app",')
        + """
if "REDIS_URL" in os.environ:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
        },
    }
"""
    },
    "logging-configured": {
        SETTINGS: PLAIN_SETTINGS.format(package="webapp", apps='"master_app",')
        + """
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
"""
    },
    "tuple-of-apps": {
        SETTINGS: PLAIN_SETTINGS.format(package="webapp", apps="")
        .replace("INSTALLED_APPS = [", "LIBRARIES = (")
        .replace(
            '    "channels",\n    \n]',
            '    "channels",\n)\nINSTALLED_APPS = (*LIBRARIES, "master_app")',
        )
    },
    "without-channels-in-apps": {
        SETTINGS: PLAIN_SETTINGS.format(package="webapp", apps='"master_app",').replace(
            '    "channels",\n', ""
        )
    },
    "chat-of-the-documentation": project(
        "mysite", "chat", CHAT_ROUTING, CHAT_CONSUMERS, "websocket_urlpatterns"
    )
    | {
        "chat/templates/chat/room.html": CHAT_PAGE,
    },
    "other-names": project(
        "config",
        "live",
        """
from django.urls import path

from live.consumers import Ticker

sockets = [path("live/ticker/<slug:symbol>/", Ticker.as_asgi(), name="ticker")]
""",
        """
from channels.generic.websocket import AsyncJsonWebsocketConsumer


class Ticker(AsyncJsonWebsocketConsumer):
    async def connect(self):
        symbol = self.scope["url_route"]["kwargs"]["symbol"]
        self.group = "ticker_%s" % symbol
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content, **kwargs):
        await self.channel_layer.group_send(
            self.group, {"type": "ticker.changed", "price": content.get("price", 1)}
        )

    async def ticker_changed(self, event):
        await self.send_json({"price": event["price"]})
""",
        "sockets",
    ),
    "project-in-a-folder-below": {
        f"src/{path}": text
        for path, text in project(
            "site_config",
            "feed",
            """
from django.urls import path

from feed import consumers

urls = [path("feed/", consumers.Feed.as_asgi())]
""",
            """
from channels.generic.websocket import WebsocketConsumer


class Feed(WebsocketConsumer):
    def connect(self):
        self.accept()

    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data="thanks" if text_data else "what?")
""",
            "urls",
        ).items()
        if text is not None
    }
    | dict.fromkeys(("manage.py", ROUTING, CONSUMERS, ASGI, SETTINGS)),
    "database-in-async": {
        "master_app/models.py": """
from django.db import models


class Reading(models.Model):
    number = models.IntegerField()
""",
        CONSUMERS: """
from random import randint

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import User


@database_sync_to_async
def everybody():
    return list(User.objects.none())


class PracticeConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.send("0")

    async def receive(self, text_data=None, bytes_data=None):
        people = await everybody()
        named = [user async for user in User.objects.none()]
        await self.send(str(randint(0, 100 - len(people) - len(named))))
""",
    },
    "refuses-strangers": {
        CONSUMERS: """
from channels.generic.websocket import AsyncWebsocketConsumer


class PracticeConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        if self.scope["user"].is_anonymous:
            await self.close()
            return
        await self.accept()

    async def receive(self, text_data=None, bytes_data=None):
        await self.send("7")
"""
    },
    "register-of-the-connected": {
        CONSUMERS: """
from random import randint

from channels.generic.websocket import AsyncWebsocketConsumer


class PracticeConsumer(AsyncWebsocketConsumer):
    connected = set()

    async def connect(self):
        self.connected.add(self)
        await self.accept()
        await self.send("0")

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(str(randint(0, 100)))

    async def disconnect(self, code):
        self.connected.discard(self)
"""
    },
    "custom-close-code": {
        CONSUMERS: """
from random import randint

from channels.generic.websocket import AsyncWebsocketConsumer

TOO_MANY = 4029


class PracticeConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        self.count = 0
        await self.accept()
        await self.send("0")

    async def receive(self, text_data=None, bytes_data=None):
        self.count += 1
        if self.count > 5:
            await self.close(code=TOO_MANY)
            return
        await self.send(str(randint(0, 100)))
"""
    },
    "typed-and-static": {
        CONSUMERS: """
from __future__ import annotations

import random
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer


class PracticeConsumer(AsyncWebsocketConsumer):
    groups: list[str] = []

    @staticmethod
    def pick(low: int, high: int) -> str:
        return f"{random.randint(low, high)}"

    async def connect(self) -> None:
        await self.accept()
        await self.send(text_data="0")

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any
    ) -> None:
        await self.send(text_data=self.pick(0, 100))
"""
    },
    "groups-attribute": {
        CONSUMERS: """
from random import randint

from channels.generic.websocket import AsyncWebsocketConsumer


class PracticeConsumer(AsyncWebsocketConsumer):
    groups = ["everybody"]

    async def connect(self):
        await self.accept()
        await self.send("0")

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send(
            "everybody", {"type": "number.drawn", "number": str(randint(0, 100))}
        )

    async def number_drawn(self, event):
        await self.send(event["number"])
"""
    },
    "published-by-a-view": {
        "master_app/views.py": """
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.http import HttpResponse


def publish(request):
    layer = get_channel_layer()
    async_to_sync(layer.group_send)("all", {"type": "number.drawn", "number": "1"})
    return HttpResponse("done")


async def publish_async(request):
    await get_channel_layer().group_send("all", {"type": "number.drawn", "number": "2"})
    return HttpResponse("done")
""",
        "webapp/urls.py": """
from django.urls import path
from master_app import views

urlpatterns = [path("", views.publish), path("async/", views.publish_async)]
""",
        CONSUMERS: GENERIC.replace(
            "        await self.accept()",
            '        await self.channel_layer.group_add("all", self.channel_name)\n        await self.accept()',
        ).replace(
            "        pass",
            '        await self.channel_layer.group_discard("all", self.channel_name)\n\n    async def number_drawn(self, event):\n        await self.send(event["number"])',
        ),
    },
    "page-with-a-socket": {
        "master_app/templates/page.html": """
<script>
const scheme = location.protocol === "https:" ? "wss" : "ws";
const socket = new WebSocket(`${scheme}://${location.host}/ws/whole1/`);
socket.addEventListener("message", (event) => console.log(event.data));
</script>
""",
        "master_app/static/live.js": """
const url = (location.protocol === "https:" ? "wss://" : "ws://") + window.location.host + "/ws/whole1/";
const socket = new WebSocket(url);
""",
    },
}

# Same behaviour as the checkpoint: every check of steps 1 to 6 passes on these.
BEHAVE = sorted(
    set(VARIANTS)
    - {"generic-json", "generic-json-sync", "chat-of-the-documentation", "other-names",
       "project-in-a-folder-below", "refuses-strangers", "without-channels-in-apps",
       "published-by-a-view", "validated-json"}
) + ["validated-json"]  # fmt: skip

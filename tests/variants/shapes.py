"""Projects that are right, written as others write them; none looks like ours."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from booth import BOOTH
from shape_apiary import APIARY, YARD
from shape_arena import ARENA
from shape_auction import AUCTION
from shape_bakehouse import BAKEHOUSE
from shape_chessclub import CHESSCLUB
from shape_couriers import COURIERS
from shape_crew import CREW
from shape_darkroom import DARKROOM
from shape_desk import DESK
from shape_estimates import ESTIMATES
from shape_flatlist import FLATLIST
from shape_greenhouse import GREENHOUSE
from shape_guild import GUILD
from shape_hearth import HEARTH
from shape_helpline import HELPLINE
from shape_hub import HUB
from shape_laundry import LAUNDRY
from shape_lounge import LOUNGE
from shape_metro import METRO
from shape_observatory import OBSERVATORY
from shape_quay import QUAY
from shape_slate import SLATE
from shape_studio import STUDIO
from shape_trivia import TRIVIA
from shape_ward import WARD
from shape_warehouse import WAREHOUSE

# A file, a text in it and what stands there instead; None for all of it.
Change = tuple[str, str | None, str | bytes | None]

MANAGE = """\
#!/usr/bin/env python
import os
import sys


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{settings}")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
"""

# ---- as the Channels documentation's tutorial: a chat ----------------------
CHAT = {
    "manage.py": MANAGE.format(settings="mysite.settings"),
    "mysite/__init__.py": "",
    "mysite/settings.py": """\
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "django-insecure-abc"
DEBUG = True
ALLOWED_HOSTS = []

INSTALLED_APPS = [
    "daphne",
    "chat",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

ROOT_URLCONF = "mysite.urls"

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

WSGI_APPLICATION = "mysite.wsgi.application"
ASGI_APPLICATION = "mysite.asgi.application"

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels.layers.InMemoryChannelLayer",
    },
}

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "db.sqlite3",
    }
}

USE_TZ = True
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
""",
    "mysite/asgi.py": """\
import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
# Initialize Django ASGI application early.
django_asgi_app = get_asgi_application()

from chat.routing import websocket_urlpatterns

application = ProtocolTypeRouter(
    {
        "http": django_asgi_app,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
    }
)
""",
    "mysite/wsgi.py": """\
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
application = get_wsgi_application()
""",
    "mysite/urls.py": """\
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("chat/", include("chat.urls")),
    path("admin/", admin.site.urls),
]
""",
    "chat/__init__.py": "",
    "chat/routing.py": """\
from django.urls import re_path

from . import consumers

websocket_urlpatterns = [
    re_path(r"ws/chat/(?P<room_name>\\w+)/$", consumers.ChatConsumer.as_asgi()),
]
""",
    "chat/consumers.py": """\
import json

from channels.generic.websocket import AsyncWebsocketConsumer


class ChatConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        self.room_name = self.scope["url_route"]["kwargs"]["room_name"]
        self.room_group_name = f"chat_{self.room_name}"

        # Join room group
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)

        await self.accept()

    async def disconnect(self, close_code):
        # Leave room group
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    # Receive message from WebSocket
    async def receive(self, text_data=None, bytes_data=None):
        try:
            message = json.loads(text_data)["message"]
        except (TypeError, ValueError, KeyError):
            return

        # Send message to room group
        await self.channel_layer.group_send(
            self.room_group_name, {"type": "chat.message", "message": message}
        )

    # Receive message from room group
    async def chat_message(self, event):
        message = event["message"]

        # Send message to WebSocket
        await self.send(text_data=json.dumps({"message": message}))
""",
    "chat/urls.py": """\
from django.urls import path

from . import views

urlpatterns = [
    path("", views.index, name="index"),
    path("<str:room_name>/", views.room, name="room"),
]
""",
    "chat/views.py": """\
from django.shortcuts import render


def index(request):
    return render(request, "chat/index.html")


def room(request, room_name):
    return render(request, "chat/room.html", {"room_name": room_name})
""",
    "chat/templates/chat/index.html": """\
<!DOCTYPE html>
<title>Chat Rooms</title>
<input id="room-name-input" type="text" size="100">
<input id="room-name-submit" type="button" value="Enter">
<script>
    document.querySelector('#room-name-submit').onclick = function(e) {
        var roomName = document.querySelector('#room-name-input').value;
        window.location.pathname = '/chat/' + roomName + '/';
    };
</script>
""",
    "chat/templates/chat/room.html": """\
<!DOCTYPE html>
<title>Chat Room</title>
<textarea id="chat-log" cols="100" rows="20"></textarea><br>
<input id="chat-message-input" type="text" size="100"><br>
<input id="chat-message-submit" type="button" value="Send">
{{ room_name|json_script:"room-name" }}
<script>
    const roomName = JSON.parse(document.getElementById('room-name').textContent);
    const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws';

    const chatSocket = new WebSocket(
        scheme + '://' + window.location.host + '/ws/chat/' + roomName + '/'
    );

    chatSocket.onmessage = function(e) {
        const data = JSON.parse(e.data);
        document.querySelector('#chat-log').value += (data.message + '\\n');
    };

    chatSocket.onclose = function(e) {
        console.error('Chat socket closed unexpectedly');
    };

    document.querySelector('#chat-message-submit').onclick = function(e) {
        const messageInputDom = document.querySelector('#chat-message-input');
        chatSocket.send(JSON.stringify({'message': messageInputDom.value}));
        messageInputDom.value = '';
    };
</script>
""",
}

# ---- split settings, apps below a package, consumers in a subpackage --------
BOARD = {
    "manage.py": MANAGE.format(settings="config.settings.local"),
    "config/__init__.py": "",
    "config/settings/__init__.py": "",
    "config/settings/base.py": '''\
"""Base settings to build other settings files upon."""
from pathlib import Path

ROOT = Path(__file__).resolve(strict=True).parent.parent.parent

DJANGO_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
THIRD_PARTY_APPS = ["channels"]
LOCAL_APPS = ["notifier.board.apps.BoardConfig"]
INSTALLED_APPS = ["daphne"] + DJANGO_APPS + THIRD_PARTY_APPS + LOCAL_APPS

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
        "NAME": ROOT / "board.sqlite3",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
''',
    "config/settings/local.py": """\
from .base import *  # noqa

DEBUG = True
SECRET_KEY = "local"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "0.0.0.0"]
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
""",
    "config/settings/production.py": """\
from .base import *  # noqa

DEBUG = False
SECRET_KEY = "from the environment"
ALLOWED_HOSTS = ["board.example.com"]
""",
    "config/asgi.py": '''\
"""ASGI config for the notifier."""
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

http_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from config.websocket import routes  # noqa: E402

sockets = AuthMiddlewareStack(URLRouter(routes))

application = ProtocolTypeRouter(
    {
        "http": http_application,
        "websocket": AllowedHostsOriginValidator(sockets),
    }
)
''',
    "config/urls.py": """\
from django.urls import path

from notifier.board.views import home, post

urlpatterns = [path("", home), path("post/", post)]
""",
    "config/websocket.py": """\
from django.urls import path

from notifier.board.consumers import FeedConsumer, TickerConsumer

routes = [
    path("socket/feed/<slug:topic>/", FeedConsumer.as_asgi()),
    path("socket/ticker/", TickerConsumer.as_asgi()),
]
""",
    "notifier/__init__.py": "",
    "notifier/board/__init__.py": "",
    "notifier/board/apps.py": """\
from django.apps import AppConfig


class BoardConfig(AppConfig):
    name = "notifier.board"
    verbose_name = "Board"
""",
    "notifier/board/models.py": """\
from django.conf import settings
from django.db import models


class Post(models.Model):
    topic = models.CharField(max_length=40)
    text = models.TextField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL
    )
""",
    "notifier/board/migrations/__init__.py": "",
    "notifier/board/migrations/0001_initial.py": """\
from django.conf import settings
from django.db import migrations, models
import django.db.models.deletion


class Migration(migrations.Migration):
    initial = True
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            name="Post",
            fields=[
                ("id", models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False,
                    verbose_name="ID")),
                ("topic", models.CharField(max_length=40)),
                ("text", models.TextField()),
                ("author", models.ForeignKey(
                    null=True, on_delete=django.db.models.deletion.SET_NULL,
                    to=settings.AUTH_USER_MODEL)),
            ],
        ),
    ]
""",
    "notifier/board/services.py": '''\
"""What the board does; the consumers and the views call this."""
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer


def group_of(topic):
    return f"feed.{topic}"


def announce(topic, text):
    """Tell everyone who follows a topic."""
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(
        group_of(topic), {"type": "post.created", "text": text}
    )


def describe(user):
    return user.get_username() or "a guest"
''',
    "notifier/board/views.py": """\
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from . import services


def home(request):
    return render(request, "board/home.html")


@csrf_exempt
def post(request):
    services.announce(request.POST["topic"], request.POST["text"])
    return HttpResponse(status=204)
""",
    "notifier/board/consumers/__init__.py": """\
from .feed import FeedConsumer
from .ticker import TickerConsumer

__all__ = ["FeedConsumer", "TickerConsumer"]
""",
    "notifier/board/consumers/feed.py": '''\
from asgiref.sync import async_to_sync
from channels.generic.websocket import JsonWebsocketConsumer

from notifier.board import services


class FeedConsumer(JsonWebsocketConsumer):
    """Follows one topic."""

    def connect(self):
        self.user = self.scope["user"]
        self.topic = self.scope["url_route"]["kwargs"]["topic"]
        self.group = services.group_of(self.topic)
        async_to_sync(self.channel_layer.group_add)(self.group, self.channel_name)
        self.accept()
        self.send_json({"hello": services.describe(self.user)})

    def disconnect(self, code):
        async_to_sync(self.channel_layer.group_discard)(self.group, self.channel_name)

    def receive(self, text_data=None, bytes_data=None, **kwargs):
        if text_data is None:
            return
        try:
            content = self.decode_json(text_data)
        except ValueError:
            return
        self.receive_json(content)

    def receive_json(self, content, **kwargs):
        if isinstance(content, dict) and "text" in content:
            services_text = str(content["text"])
            async_to_sync(self.channel_layer.group_send)(
                self.group, {"type": "post.created", "text": services_text}
            )

    def post_created(self, event):
        self.send_json({"text": event["text"]})
''',
    "notifier/board/consumers/ticker.py": '''\
import asyncio

from channels.generic.websocket import AsyncJsonWebsocketConsumer


class TickerConsumer(AsyncJsonWebsocketConsumer):
    """Sends a number every now and then."""

    async def connect(self):
        await self.accept()
        self.task = asyncio.create_task(self.tick())

    async def disconnect(self, code):
        self.task.cancel()

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        pass  # a ticker does not listen

    async def tick(self):
        number = 0
        while True:
            number += 1
            await self.send_json({"number": number})
            await asyncio.sleep(0.5)
''',
    "notifier/board/templates/board/home.html": """\
{% load static %}
<!doctype html>
<html>
<body data-topic="news">
<ul id="posts"></ul>
<script src="{% static 'board/feed.js' %}"></script>
</body>
</html>
""",
    "notifier/board/static/board/feed.js": """\
(function () {
  var scheme = location.protocol === "https:" ? "wss://" : "ws://";
  var topic = document.body.dataset.topic;
  var list = document.getElementById("posts");
  var socket = new WebSocket(scheme + location.host + "/socket/feed/" + topic + "/");
  socket.addEventListener("message", function (event) {
    var item = document.createElement("li");
    item.textContent = JSON.parse(event.data).text;
    list.appendChild(item);
  });
})();
""",
}

# ---- everything in one file -------------------------------------------------
ONE = {
    "manage.py": MANAGE.format(settings="site1.settings"),
    "site1/__init__.py": "",
    "site1/settings.py": """\
SECRET_KEY = "x"
DEBUG = True
ROOT_URLCONF = "site1.urls"
INSTALLED_APPS = ("daphne", "channels")
ASGI_APPLICATION = "site1.asgi.application"
""",
    "site1/urls.py": '''\
from django.http import HttpResponse
from django.urls import path

PAGE = """<!doctype html><script>
const ws = new WebSocket(`ws://${location.host}/live/echo`);
ws.onmessage = (m) => document.body.append(m.data);
</script>"""

urlpatterns = [path("", lambda request: HttpResponse(PAGE))]
''',
    "site1/asgi.py": """\
import os
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ["DJANGO_SETTINGS_MODULE"] = "site1.settings"


class Echo(AsyncConsumer):
    async def websocket_connect(self, message):
        await self.send({"type": "websocket.accept"})

    async def websocket_receive(self, message):
        said = message.get("text")
        if said is not None:
            await self.say(f"you said {said}")

    async def websocket_disconnect(self, message):
        raise StopConsumer

    async def say(self, words):
        await self.send({"type": "websocket.send", "text": words})


urls = [path("live/echo", Echo.as_asgi())]
application = ProtocolTypeRouter({
    "http": get_asgi_application(),
    "websocket": AllowedHostsOriginValidator(URLRouter(urls)),
})
""",
}

# ---- the classic "real time" tutorial's shape: raw consumers, static page ---
LAB = {
    "manage.py": MANAGE.format(settings="lab.settings"),
    "lab/__init__.py": "",
    "lab/settings.py": """\
import os

BASE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SECRET_KEY = os.environ.get("SECRET_KEY", "dev")
DEBUG = True
ALLOWED_HOSTS = ['127.0.0.1', 'localhost']
INSTALLED_APPS = [
    'daphne',
    'django.contrib.contenttypes',
    'django.contrib.staticfiles',
    'stream',
]
MIDDLEWARE = ['django.middleware.common.CommonMiddleware']
ROOT_URLCONF = 'lab.urls'
TEMPLATES = [{
    'BACKEND': 'django.template.backends.django.DjangoTemplates',
    'DIRS': [os.path.join(BASE, 'templates')],
    'APP_DIRS': True,
}]
ASGI_APPLICATION = 'lab.asgi.application'
DATABASES = {'default': {
    'ENGINE': 'django.db.backends.sqlite3',
    'NAME': os.path.join(BASE, 'lab.db'),
}}
STATIC_URL = '/static/'
""",
    "lab/asgi.py": """\
import os

import django

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'lab.settings')
django.setup()

from channels.routing import ProtocolTypeRouter
from channels.security.websocket import OriginValidator
from django.core.asgi import get_asgi_application

import stream.sockets

application = ProtocolTypeRouter(dict(
    http=get_asgi_application(),
    websocket=OriginValidator(
        stream.sockets.router,
        ['http://127.0.0.1', 'http://127.0.0.1:8000', 'http://localhost:8000'],
    ),
))
""",
    "lab/urls.py": """\
from django.urls import path
from django.views.generic import TemplateView

urlpatterns = [path('', TemplateView.as_view(template_name='index.html'))]
""",
    "stream/__init__.py": "",
    "stream/sockets.py": """\
from channels.routing import URLRouter
from django.urls import re_path

from stream.numbers import Countdown
from stream.words import Words

ws_routes = [
    re_path('^numbers/$', Countdown.as_asgi()),
    re_path('^words/(?P<language>[a-z]+)/$', Words.as_asgi()),
]
router = URLRouter([re_path('^ws/', URLRouter(ws_routes))])
""",
    "stream/numbers.py": """\
from asyncio import sleep
from random import randint

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer


class Countdown(AsyncConsumer):
    async def websocket_connect(self, event):
        await self.send({'type': 'websocket.accept'})
        for _ in range(3):
            await sleep(0.05)
            await self.send({
                'type': 'websocket.send',
                'text': str(randint(1, 6)),
            })

    async def websocket_receive(self, event):
        pass

    async def websocket_disconnect(self, event):
        raise StopConsumer()
""",
    "stream/words.py": """\
import json

from channels.consumer import SyncConsumer
from channels.exceptions import StopConsumer

WORDS = {'en': ['one', 'two'], 'fr': ['un', 'deux']}


class Words(SyncConsumer):
    def websocket_connect(self, event):
        language = self.scope['url_route']['kwargs']['language']
        self.words = WORDS.get(language, [])
        self.send({'type': 'websocket.accept'})

    def websocket_receive(self, event):
        if event.get('text'):
            reply = json.dumps({'words': self.words})
            self.send({'type': 'websocket.send', 'text': reply})

    def websocket_disconnect(self, event):
        raise StopConsumer()
""",
    "templates/index.html": """\
{% load static %}<!DOCTYPE html>
<html>
  <body>
    <p id="number"></p>
    <script src="{% static 'stream/main.js' %}"></script>
  </body>
</html>
""",
    "stream/static/stream/main.js": """\
let url = `${location.protocol.replace('http', 'ws')}//${location.host}/ws/numbers/`;
let ws = new WebSocket(url);

ws.onmessage = ({data}) => {
    document.querySelector('#number').innerText = data;
};
""",
}

# ---- a synchronous chat whose routes are a package and whose consumers share a base
SYNC = {
    "manage.py": MANAGE.format(settings="realtime.settings"),
    "realtime/__init__.py": "",
    "realtime/settings.py": """\
import os
from pathlib import Path

BASE_DIR = Path(__file__).parents[1]
SECRET_KEY = os.getenv("SECRET_KEY", "not-secret")
DEBUG = os.getenv("DEBUG", "1") == "1"
ALLOWED_HOSTS = os.getenv("HOSTS", "localhost,127.0.0.1").split(",")

INSTALLED_APPS = []
INSTALLED_APPS += ["daphne", "django.contrib.staticfiles"]
INSTALLED_APPS += [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
]
INSTALLED_APPS += ["rooms.apps.RoomsConfig"]

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "realtime.urls"
ASGI_APPLICATION = "realtime.asgi.application"
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "DIRS": [BASE_DIR / "rooms" / "html"],
}]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "x.db"}
}
CHANNEL_LAYERS = dict(default=dict(BACKEND="channels.layers.InMemoryChannelLayer"))
STATIC_URL = "/s/"
USE_TZ = True
""",
    "realtime/asgi.py": '''\
"""Entry point of the server."""
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime.settings")
pages = get_asgi_application()


def make():
    from channels.routing import ProtocolTypeRouter
    from channels.security.websocket import AllowedHostsOriginValidator
    from channels.sessions import SessionMiddlewareStack
    from channels.auth import AuthMiddleware

    from rooms.live import live

    guarded = AllowedHostsOriginValidator(SessionMiddlewareStack(AuthMiddleware(live)))
    return ProtocolTypeRouter({"http": pages, "websocket": guarded})


application = make()
''',
    "realtime/urls.py": """\
from django.urls import path
from rooms import views

urlpatterns = [
    path("", views.start),
    path("shout/<int:room>/", views.shout),
]
""",
    "rooms/__init__.py": "",
    "rooms/apps.py": """\
from django.apps import AppConfig


class RoomsConfig(AppConfig):
    name = "rooms"
    default_auto_field = "django.db.models.BigAutoField"
""",
    "rooms/models.py": """\
from django.db import models


class Visit(models.Model):
    room = models.IntegerField()
""",
    "rooms/migrations/__init__.py": "",
    "rooms/migrations/0001_initial.py": """\
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("Visit", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True,
                                       serialize=False, verbose_name="ID")),
            ("room", models.IntegerField()),
        ]),
    ]
""",
    "rooms/live/__init__.py": """\
from channels.routing import URLRouter
from django.urls import path

from .endpoint import Room

live = URLRouter([
    path("live/room/<int:room>", Room.as_asgi(), name="room"),
])
""",
    "rooms/live/base.py": '''\
import json

from asgiref.sync import async_to_sync as run
from channels.generic.websocket import WebsocketConsumer


class Talking(WebsocketConsumer):
    """What our consumers have in common."""

    prefix = "room"

    @property
    def number(self):
        return self.scope["url_route"]["kwargs"]["room"]

    def group_name(self):
        return f"{self.prefix}-{self.number}"

    def join(self):
        run(self.channel_layer.group_add)(self.group_name(), self.channel_name)

    def leave(self):
        run(self.channel_layer.group_discard)(self.group_name(), self.channel_name)

    def tell(self, **fields):
        self.send(json.dumps(fields))
''',
    "rooms/live/endpoint.py": """\
import json

from asgiref.sync import async_to_sync

from .base import Talking


class Room(Talking):
    def connect(self):
        self.join()
        self.accept()
        self.tell(you=str(self.scope["user"]))

    def disconnect(self, code):
        self.leave()

    def receive(self, text_data="", bytes_data=None):
        words = self.parse(text_data)
        if words:
            event = {"type": "room_said", "words": words}
            async_to_sync(self.channel_layer.group_send)(self.group_name(), event)

    @staticmethod
    def parse(text):
        try:
            return str(json.loads(text)["words"])
        except Exception:
            return ""

    def room_said(self, event):
        self.tell(words=event["words"])
""",
    "rooms/views.py": """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.http import HttpResponse
from django.template.response import TemplateResponse


def start(request):
    return TemplateResponse(request, "start.html", {"room": 1})


def shout(request, room):
    tell = async_to_sync(get_channel_layer().group_send)
    tell(f"room-{room}", {"type": "room_said", "words": "HEY"})
    return HttpResponse("done")
""",
    "rooms/html/start.html": """\
<!doctype html>
<title>Rooms</title>
<main data-room="{{ room }}"></main>
<script type="module">
  const {room} = document.querySelector("main").dataset;
  const where = new URL(`/live/room/${room}`, location.href);
  where.protocol = where.protocol.replace("http", "ws");
  const socket = new WebSocket(where);
  socket.onmessage = (event) => {
    document.querySelector("main").append(JSON.parse(event.data).words ?? "");
  };
</script>
""",
}
# ---- a dashboard: its application is no asgi.py, its app lies below apps/
DASH = {
    "manage.py": MANAGE.format(settings="backend.conf"),
    "backend/__init__.py": "",
    "backend/conf.py": """\
DEBUG = True
SECRET_KEY = 'dash'
ALLOWED_HOSTS = ['localhost', '127.0.0.1']
INSTALLED_APPS = [
    'daphne',
    'django.contrib.sessions',
    'django.contrib.contenttypes',
    'django.contrib.auth',
    'django.contrib.staticfiles',
    'apps.metrics',
]
MIDDLEWARE = [
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
]
ROOT_URLCONF = 'backend.web'
ASGI_APPLICATION = 'backend.server.app'
TEMPLATES = [{
    'BACKEND': 'django.template.backends.django.DjangoTemplates',
    'APP_DIRS': True,
}]
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}
CHANNEL_LAYERS = {
    'default': {
        'BACKEND': 'channels.layers.InMemoryChannelLayer',
        'CONFIG': {'capacity': 50},
    },
}
STATIC_URL = 'static/'
LOGGING = {
    'version': 1,
    'disable_existing_loggers': False,
    'handlers': {'console': {'class': 'logging.StreamHandler'}},
    'root': {'handlers': ['console'], 'level': 'WARNING'},
}
""",
    "backend/server.py": """\
from os import environ

environ.setdefault('DJANGO_SETTINGS_MODULE', 'backend.conf')

from django.core.asgi import get_asgi_application  # noqa: E402

http = get_asgi_application()

import channels.auth  # noqa: E402
import channels.routing  # noqa: E402
import channels.security.websocket as security  # noqa: E402

from apps.metrics.urls_ws import patterns  # noqa: E402

websocket = channels.routing.URLRouter(patterns)
websocket = channels.auth.AuthMiddlewareStack(websocket)
websocket = security.AllowedHostsOriginValidator(websocket)

app = channels.routing.ProtocolTypeRouter({'http': http, 'websocket': websocket})
""",
    "backend/web.py": """\
from django.urls import path

from apps.metrics import pages

urlpatterns = [path('', pages.dashboard), path('push/', pages.push)]
""",
    "apps/__init__.py": "",
    "apps/metrics/__init__.py": "",
    "apps/metrics/urls_ws.py": """\
from django.urls import re_path

from apps.metrics.sockets import MetricsSocket

patterns = [
    re_path(r"^ws/metrics/(?P<name>[-\\w]+)/$", MetricsSocket.as_asgi()),
]
""",
    "apps/metrics/publish.py": """\
from channels.layers import get_channel_layer

GROUP = "metrics"


async def publish(name, value):
    await get_channel_layer().group_send(
        GROUP, {"type": "metric.changed", "name": name, "value": value}
    )
""",
    "apps/metrics/pages.py": """\
from django.http import JsonResponse
from django.shortcuts import render

from .publish import publish


def dashboard(request):
    return render(request, "metrics/dashboard.html")


async def push(request):
    await publish(request.GET.get("name", "cpu"), request.GET.get("value", "0"))
    return JsonResponse({"ok": True})
""",
    "apps/metrics/sockets.py": """\
import asyncio
import contextlib
import logging

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from .publish import GROUP

log = logging.getLogger(__name__)


class MetricsSocket(AsyncJsonWebsocketConsumer):
    groups = [GROUP]
    beat = None

    async def connect(self):
        self.name = self.scope["url_route"]["kwargs"]["name"]
        self.user = self.scope["user"]
        await self.accept()
        await self.send_json({"hello": await self.label()})
        self.beat = asyncio.create_task(self.heartbeat())

    async def disconnect(self, code):
        if self.beat:
            self.beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.beat

    @classmethod
    async def decode_json(cls, text_data):
        with contextlib.suppress(ValueError):
            return await super().decode_json(text_data)

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        if text_data:
            await super().receive(text_data=text_data, **kwargs)

    async def receive_json(self, content, **kwargs):
        match content:
            case {"ask": str(what)}:
                await self.send_json({"answer": what.upper()})
            case _:
                log.info("not understood")

    async def metric_changed(self, event):
        if event["name"] == self.name:
            await self.send_json({"value": event["value"]})

    async def heartbeat(self):
        while True:
            await asyncio.sleep(1)
            await self.send_json({"beat": True})

    @database_sync_to_async
    def label(self):
        return self.user.get_username() or "nobody"
""",
    "apps/metrics/templates/metrics/dashboard.html": """\
{% load static %}
<!doctype html>
<html lang="en">
<head><title>Dashboard</title></head>
<body>
<output id="value"></output>
<script src="{% static 'metrics/socket.js' %}"></script>
<script>
  connect("/ws/metrics/cpu/", (data) => {
    document.getElementById("value").textContent = data.value;
  });
</script>
</body>
</html>
""",
    "apps/metrics/static/metrics/socket.js": """\
function connect(path, show) {
  const protocol = window.location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(protocol + "//" + window.location.host + path);
  socket.onmessage = (event) => show(JSON.parse(event.data));
  socket.onclose = () => setTimeout(() => connect(path, show), 2000);
  return socket;
}
""",
}

SHAPES: dict[str, dict[str, str]] = {
    "chat": CHAT,
    "board": BOARD,
    "one": ONE,
    "lab": LAB,
    "sync": SYNC,
    "dash": DASH,
    "hub": HUB,
    "darkroom": DARKROOM,
    "desk": DESK,
    "guild": GUILD,
    "arena": ARENA,
    "slate": SLATE,
    "metro": METRO,
    "trivia": TRIVIA,
    "observatory": OBSERVATORY,
    "couriers": COURIERS,
    "crew": CREW,
    "hearth": HEARTH,
    "chessclub": CHESSCLUB,
    "warehouse": WAREHOUSE,
    "booth": BOOTH,
    "estimates": ESTIMATES,
    "laundry": LAUNDRY,
    "apiary": APIARY,
    "yard": YARD,
    "quay": {**QUAY, "manage.py": MANAGE.format(settings="quay.settings")},
}
# Those that need their tables: see test_doctor_rows.
STORED: dict[str, dict[str, str]] = {
    "auction": AUCTION,
    "flatlist": FLATLIST,
    "bakehouse": BAKEHOUSE,
    "studio": STUDIO,
    "greenhouse": GREENHOUSE,
    "helpline": HELPLINE,
    "lounge": LOUNGE,
    "ward": WARD,
}


def write(shape: str, changes: Iterable[Change], folder: Path) -> Path:
    """A project of a shape, with changes; the folder."""
    files: dict[str, str | bytes | None] = {**(SHAPES | STORED)[shape]}
    for path, old, new in changes:
        if old is not None:
            text = files[path]
            assert isinstance(text, str) and isinstance(new, str)
            assert old in text, f"{path} of {shape} does not hold {old!r}"
            new = text.replace(old, new)
        files[path] = new
    for path, text in files.items():
        if text is not None:
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder

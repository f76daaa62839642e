"""Interpreters and who hears them: a package of an odd name, below ``src``.

Its mistakes are those that nobody saw when the project was first written.
"""

from __future__ import annotations

Change = tuple[str, str | None, str | None]
HOME = "src/zz9_booth/"
ASGI, SETTINGS = f"{HOME}conf/asgi.py", f"{HOME}conf/settings.py"
SOCKETS, PAGES = f"{HOME}conf/sockets.py", f"{HOME}conf/urls.py"
BASE, CLAP = f"{HOME}consumers/base.py", f"{HOME}consumers/clap.py"
LISTEN, SPEAK = f"{HOME}consumers/listen.py", f"{HOME}consumers/speak.py"
LANGUAGE, PAGE = f"{HOME}middleware/language.py", f"{HOME}pages/booth.html"

BOOTH: dict[str, str] = {
    "manage.py": """\
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zz9_booth.conf.settings")

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
""",
    "pyproject.toml": """\
[project]
name = "zz9-booth"
version = "0.3"
dependencies = ["django>=5", "channels[daphne]>=4.1"]
""",
    f"{HOME}__init__.py": "",
    f"{HOME}conf/__init__.py": "",
    SETTINGS: """\
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DEBUG = True
SECRET_KEY = "dev-" * 12
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = ("daphne", "django.contrib.staticfiles")
MIDDLEWARE = ("django.middleware.common.CommonMiddleware",)
ROOT_URLCONF = "zz9_booth.conf.urls"
ASGI_APPLICATION = "zz9_booth.conf.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "src" / "zz9_booth" / "pages"],
    }
]
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
STATIC_URL = "/static/"
""",
    PAGES: """\
from django.shortcuts import render
from django.urls import path


def booth(request, room="main"):
    return render(request, "booth.html", {"room": room})


urlpatterns = [
    path("", booth, name="lobby"),
    path("booth/<slug:room>", booth, name="booth"),
]
""",
    SOCKETS: """\
from channels.routing import URLRouter
from django.urls import path, re_path

from zz9_booth import consumers

people = [
    re_path(r"^speak/(?P<room>[-\\w]+)$", consumers.SpeakConsumer.as_asgi()),
    re_path(r"^listen/(?P<room>[-\\w]+)$", consumers.ListenConsumer.as_asgi()),
]
machines = [path("clap", consumers.ClapConsumer.as_asgi())]

router = URLRouter([path("live/", URLRouter(people + machines))])
""",
    ASGI: """\
import os

from channels.routing import ProtocolTypeRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zz9_booth.conf.settings")


def build():
    http = get_asgi_application()
    from zz9_booth.conf.sockets import router
    from zz9_booth.middleware.language import LanguageMiddleware

    sockets = AllowedHostsOriginValidator(LanguageMiddleware(router))
    return ProtocolTypeRouter({"http": http, "websocket": sockets})


application = build()
""",
    f"{HOME}middleware/__init__.py": "",
    LANGUAGE: """\
from urllib.parse import parse_qs


class LanguageMiddleware:
    def __init__(self, inner):
        self.inner = inner

    async def __call__(self, scope, receive, send):
        query = parse_qs(scope["query_string"].decode("latin-1"))
        asked = query.get("lang", ["en"])[0]
        lang = asked if asked in {"en", "fr"} else "en"
        return await self.inner(dict(scope, lang=lang), receive, send)
""",
    f"{HOME}consumers/__init__.py": """\
from .clap import ClapConsumer
from .listen import ListenConsumer
from .speak import SpeakConsumer

__all__ = ["ClapConsumer", "ListenConsumer", "SpeakConsumer"]
""",
    BASE: """\
from channels.generic.websocket import AsyncJsonWebsocketConsumer


def group_of(room, lang):
    return f"booth.{room}.{lang}"


class RoomConsumer(AsyncJsonWebsocketConsumer):
    @property
    def room(self):
        return self.scope["url_route"]["kwargs"]["room"]

    @property
    def lang(self):
        return self.scope["lang"]

    @property
    def room_group(self):
        return group_of(self.room, self.lang)
""",
    SPEAK: """\
from .base import RoomConsumer


class SpeakConsumer(RoomConsumer):
    async def connect(self):
        await self.accept()

    async def receive_json(self, content, **kwargs):
        try:
            text = content["text"].strip()[:500]
        except (TypeError, KeyError, AttributeError):
            return
        await self.channel_layer.group_send(
            self.room_group, {"type": "line.said", "text": text}
        )
        await self.send_json({"saved": text})
""",
    LISTEN: """\
from .base import RoomConsumer


class ListenConsumer(RoomConsumer):
    async def connect(self):
        await self.channel_layer.group_add(self.room_group, self.channel_name)
        await self.accept()
        await self.send_json({"said": []})

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.room_group, self.channel_name)

    async def line_said(self, event):
        await self.send_json({"said": [event["text"]]})
""",
    CLAP: """\
from channels.generic.websocket import WebsocketConsumer


class ClapConsumer(WebsocketConsumer):
    def connect(self):
        self.claps = 0
        self.accept()
        self.send(text_data="welcome")

    def receive(self, text_data=None, bytes_data=None):
        self.claps += 1
        self.send(text_data=str(self.claps))
""",
    PAGE: """\
<!doctype html>
<title>{{ room }}</title>
<main id="booth" data-room="{{ room }}"></main>
<ul id="lines"></ul>
<input id="line"> <button id="say">Say</button> <button id="clap">Clap</button>
<script>
const room = document.querySelector("#booth").dataset.room;
const scheme = location.protocol.replace("http", "ws");
const base = `${scheme}//${location.host}/live`;

function listen(pause) {
  const ears = new WebSocket(`${base}/listen/${room}?lang=en`);
  ears.onopen = () => { pause = 1000; };
  ears.onmessage = ({ data }) => {
    for (const text of JSON.parse(data).said) {
      const item = document.createElement("li");
      item.textContent = text;
      document.querySelector("#lines").append(item);
    }
  };
  ears.onclose = () => {
    const next = Math.min(pause * 2, 30000);
    setTimeout(() => listen(next), pause + Math.random() * 500);
  };
}
listen(1000);

const speaker = new WebSocket(`${base}/speak/${room}?lang=en`);
speaker.onmessage = ({ data }) => { console.log("saved", JSON.parse(data).saved); };
speaker.onclose = () => { document.querySelector("#say").disabled = true; };
document.querySelector("#say").onclick = () => {
  const text = document.querySelector("#line").value;
  if (speaker.readyState !== WebSocket.OPEN) return;
  speaker.send(JSON.stringify({ text: text, lang: "en" }));
};

const hands = new WebSocket(`${base}/clap`);
hands.onmessage = ({ data }) => { document.querySelector("#clap").title = data; };
hands.onclose = () => { document.querySelector("#clap").disabled = true; };
document.querySelector("#clap").onclick = () => {
  if (hands.readyState === WebSocket.OPEN) hands.send("clap");
};
</script>
""",
}

# Several at once, none of which hides another: each with its file.
SEVERAL: list[tuple[str, str, dict[str, str], tuple[Change, ...]]] = [
    (
        "read",
        "booth",
        {
            "routing-kwarg-name-differs": BASE,
            "auth-query-string-is-bytes": LANGUAGE,
            "group-names-differ": SPEAK,
            "consumer-missing-await-on-send": LISTEN,
            "install-channels-without-daphne-extra": "pyproject.toml",
            "consumer-sync-sleep-blocks-other-sync-consumers": CLAP,
        },
        (
            (
                BASE,
                'return self.scope["url_route"]["kwargs"]["room"]',
                'captured = self.scope["url_route"]["kwargs"]\n'
                '        return captured.get("slug", "main")',
            ),
            (
                LANGUAGE,
                'scope["query_string"].decode("latin-1")',
                'str(scope["query_string"])',
            ),
            (SPEAK, "import RoomConsumer", "import RoomConsumer, group_of"),
            (SPEAK, "self.room_group", "group_of(self.lang, self.room)"),
            (
                LISTEN,
                'await self.send_json({"said": [event',
                'return self.send_json({"said": [event',
            ),
            ("pyproject.toml", "channels[daphne]", "channels"),
            (CLAP, "from channels", "import threading\n\nfrom channels"),
            (
                CLAP,
                "        self.claps += 1",
                "        threading.Event().wait(0.5)\n        self.claps += 1",
            ),
        ),
    ),
    (
        "said",
        "booth",
        {
            "routing-room-name-not-matched-by-w": SOCKETS,
            "consumer-json-encoded-twice": SPEAK,
            "client-sends-another-key": PAGE,
        },
        (
            (SOCKETS, "speak/(?P<room>[-\\w]+)", "speak/(?P<room>[a-zA-Z0-9_]+)"),
            (
                SPEAK,
                'self.send_json({"saved": text})',
                'self.send_json(await self.encode_json({"saved": text}))',
            ),
            (PAGE, "{ text: text, lang", "{ line: text, lang"),
            (SPEAK, 'content["text"]', 'content["text"][: len(content["lang"]) * 99]'),
        ),
    ),
]
WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (  # the question mark in brackets
        "booth",
        "routing-query-string-in-pattern",
        SOCKETS,
        (
            (
                SOCKETS,
                "listen/(?P<room>[-\\w]+)$",
                "listen/(?P<room>[-\\w]+)[?]lang=(?P<lang>\\w\\w)$",
            ),
        ),
    ),
    (  # in a base, and with an accept() of its own
        "booth",
        "consumer-generic-websocket-connect-overridden",
        BASE,
        (
            (
                BASE,
                "    @property\n    def room(",
                "    async def websocket_connect(self, message):\n"
                "        await self.accept()\n\n    @property\n    def room(",
            ),
        ),
    ),
    (  # before the send that comes too early because of it
        "booth",
        "consumer-accept-not-called",
        CLAP,
        ((CLAP, "self.accept()", "self.accept"),),
    ),
)

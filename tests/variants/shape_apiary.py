# ruff: noqa: E501  (the project's own lines)
"""Right projects whose sockets live in classes of their own, in files of their own."""

from __future__ import annotations

_SITE = {
    "manage.py": """\
#!/usr/bin/env python
import os
import sys


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apiary.settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
""",
    "apiary/__init__.py": "",
    "apiary/settings.py": """\
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "django-insecure-bees"
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = ["daphne", "django.contrib.staticfiles", "yards"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "apiary.urls"
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
]
ASGI_APPLICATION = "apiary.asgi.application"
STATIC_URL = "/static/"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
""",
    "apiary/urls.py": """\
from django.urls import path
from yards import views

urlpatterns = [
    path("yards/<slug:yard>/", views.yard, name="yard"),
    path("hives/<slug:hive>/", views.hive, name="hive"),
]
""",
    "apiary/asgi.py": """\
import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apiary.settings")
http = get_asgi_application()

from yards.consumers import HiveConsumer, YardConsumer  # noqa: E402

application = ProtocolTypeRouter({
    "http": http,
    "websocket": AllowedHostsOriginValidator(URLRouter([
        path("ws/yards/<slug:yard>/", YardConsumer.as_asgi()),
        path("ws/hives/<slug:hive>/", HiveConsumer.as_asgi()),
    ])),
})
""",
    "yards/__init__.py": "",
    "yards/views.py": """\
from django.shortcuts import render


def yard(request, yard):
    return render(request, "yards/yard.html", {"yard": yard})


def hive(request, hive):
    return render(request, "yards/hive.html", {"hive": hive})
""",
}

APIARY = {
    **_SITE,
    "yards/consumers.py": """\
from channels.generic.websocket import AsyncJsonWebsocketConsumer


class YardConsumer(AsyncJsonWebsocketConsumer):
    \"\"\"The weights of all hives of a yard, and what its keepers say.\"\"\"

    async def connect(self):
        self.group = "yard." + self.scope["url_route"]["kwargs"]["yard"]
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.send_json({"type": "reading", "hive": "north", "value": 31.5})

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content):
        if content.get("type") == "say":
            text = str(content.get("text", "")).strip()
            if text:
                await self.channel_layer.group_send(
                    self.group, {"type": "yard.said", "text": text}
                )
        elif content.get("type") == "weigh":
            await self.channel_layer.group_send(
                self.group,
                {"type": "yard.weighed", "hive": str(content.get("hive", "north")), "value": 30.0},
            )

    async def yard_said(self, event):
        await self.send_json({"type": "note", "text": event["text"]})

    async def yard_weighed(self, event):
        await self.send_json(
            {"type": "reading", "hive": event["hive"], "value": event["value"]}
        )


class HiveConsumer(AsyncJsonWebsocketConsumer):
    \"\"\"One hive: its queen, and its swarms.\"\"\"

    async def connect(self):
        self.hive = self.scope["url_route"]["kwargs"]["hive"]
        self.group = "hive." + self.hive
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.send_json({"kind": "queen", "mark": "blue", "age": 2})

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content):
        if content.get("kind") == "swarm":
            await self.channel_layer.group_send(
                self.group, {"type": "hive.swarmed", "tree": str(content.get("tree", ""))}
            )

    async def hive_swarmed(self, event):
        await self.send_json({"kind": "swarmed", "tree": event["tree"]})
""",
    "yards/templates/yards/yard.html": """\
{% load static %}<!doctype html>
<title>{{ yard }}</title>
<ul id="hives" data-yard="{{ yard }}"></ul>
<ol id="notes"></ol>
<p id="state"></p>
<form id="say"><input name="text" autocomplete="off"><button>Say</button></form>
<button id="weigh" type="button">Weigh</button>
<script type="module" src="{% static 'yards/js/yard.js' %}"></script>
""",
    "yards/templates/yards/hive.html": """\
{% load static %}<!doctype html>
<title>{{ hive }}</title>
<p id="queen" data-hive="{{ hive }}"></p>
<ol id="swarms"></ol>
<p id="state"></p>
<form id="swarm"><input name="tree"><button>Swarm!</button></form>
<script type="module" src="{% static 'yards/js/hive.js' %}"></script>
""",
    "yards/static/yards/js/net/live.js": """\
// A socket that speaks in events.
export class LiveSocket extends EventTarget {
  #ws = null;
  #url;

  constructor(path) {
    super();
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#url = `${scheme}//${location.host}${path}`;
  }

  open() {
    this.#ws = new WebSocket(this.#url);
    this.#ws.addEventListener('open', () => this.dispatchEvent(new Event('ready')));
    this.#ws.addEventListener('message', (e) => this.#hear(JSON.parse(e.data)));
    this.#ws.addEventListener('close', (e) => {
      this.dispatchEvent(new CustomEvent('lost', { detail: e.code }));
    });
  }

  #hear({ type, ...detail }) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  send(kind, fields = {}) {
    this.#ws.send(JSON.stringify({ type: kind, ...fields }));
  }

  close() {
    this.#ws.close(1000);
  }
}
""",
    "yards/static/yards/js/yard.js": """\
import { LiveSocket } from './net/live.js';

const hives = document.getElementById('hives');
const notes = document.getElementById('notes');
const state = document.getElementById('state');
const form = document.getElementById('say');
const live = new LiveSocket('/ws/yards/' + hives.dataset.yard + '/');

function row(name) {
  let item = hives.querySelector(`[data-hive="${name}"]`);
  if (!item) {
    item = document.createElement('li');
    item.dataset.hive = name;
    hives.append(item);
  }
  return item;
}

live.addEventListener('ready', () => {
  state.textContent = 'connected';
  live.send('weigh', { hive: 'north' });
});
live.addEventListener('lost', ({ detail }) => {
  state.textContent = `gone (${detail})`;
});
live.addEventListener('reading', ({ detail }) => {
  row(detail.hive).textContent = `${detail.hive}: ${detail.value} kg`;
});
live.addEventListener('note', (event) => {
  const item = document.createElement('li');
  item.textContent = event.detail.text;
  notes.append(item);
});

form.addEventListener('submit', (event) => {
  event.preventDefault();
  live.send('say', { text: form.elements.text.value });
  form.reset();
});
document.getElementById('weigh').addEventListener('click', () => {
  live.send('weigh', { hive: 'south' });
});
window.addEventListener('pagehide', () => live.close());
live.open();
""",
    "yards/static/yards/js/net/channel.js": """\
// A socket that calls back.
const PAUSE = 1500;

export default class Channel {
  #socket;
  #handlers;
  #path;

  constructor(path, { handlers = {}, onState = () => {} } = {}) {
    this.#path = path;
    this.#handlers = handlers;
    this.onState = onState;
  }

  get #address() {
    const url = new URL(this.#path, location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    url.hash = '';
    return url.href;
  }

  connect() {
    const socket = new WebSocket(this.#address);
    socket.onopen = () => this.onState('open');
    socket.onmessage = this.#receive;
    socket.onclose = () => {
      this.onState('closed');
      setTimeout(() => this.connect(), PAUSE);
    };
    this.#socket = socket;
    return this;
  }

  #receive = (event) => {
    const message = JSON.parse(event.data);
    this.#handlers[message.kind]?.(message);
  };

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  post(message) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }
}
""",
    "yards/static/yards/js/hive.js": """\
import Channel from './net/channel.js';

const queen = document.querySelector('#queen');
const swarms = document.querySelector('#swarms');

const handlers = {
  queen: showQueen,
  swarmed({ tree }) {
    const item = document.createElement('li');
    item.textContent = tree;
    swarms.append(item);
  },
};

function showQueen(message) {
  queen.textContent = `${message.mark}, ${message.age} years`;
}

const channel = new Channel(`/ws/hives/${queen.dataset.hive}/`, {
  handlers,
  onState: (word) => {
    document.querySelector('#state').textContent = word;
  },
}).connect();

document.querySelector('#swarm').addEventListener('submit', (event) => {
  event.preventDefault();
  channel.post({ kind: 'swarm', tree: event.target.elements.tree.value });
});
""",
}

YARD = {
    **_SITE,
    "yards/consumers.py": """\
import json

from channels.generic.websocket import AsyncWebsocketConsumer


class YardConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        self.group = "yard." + self.scope["url_route"]["kwargs"]["yard"]
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.send(text_data=json.dumps({"type": "welcome", "yard": self.group}))

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        data = json.loads(text_data)
        match data.get("type"):
            case "say":
                await self.say(data)
            case "typing":
                await self.channel_layer.group_send(self.group, {"type": "yard.typing"})

    async def say(self, data):
        await self.channel_layer.group_send(
            self.group, {"type": "yard.line", "text": data["text"], "by": data["by"]}
        )

    async def yard_line(self, event):
        await self.send(text_data=json.dumps(
            {"type": "line", "text": event["text"], "by": event["by"]}
        ))

    async def yard_typing(self, event):
        await self.send(text_data=json.dumps({"type": "typing"}))


class HiveConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.send(text_data=json.dumps({"event": "age", "years": 2}))

    async def receive(self, text_data=None, bytes_data=None):
        data = json.loads(text_data)
        if data["event"] == "older":
            await self.send(text_data=json.dumps({"event": "age", "years": 3}))
""",
    "yards/templates/yards/yard.html": """\
{% load static %}<!doctype html>
<title>{{ yard }}</title>
<ol id="lines" data-yard="{{ yard }}"></ol>
<p id="state"></p>
<form id="say"><input name="by"><input name="text" autocomplete="off"><button>Say</button></form>
<script type="module" src="{% static 'yards/js/main.js' %}"></script>
""",
    "yards/templates/yards/hive.html": """\
{% load static %}<!doctype html>
<title>{{ hive }}</title>
<p id="age" data-hive="{{ hive }}"></p>
<button id="older">Older</button>
<script src="{% static 'yards/js/hive-socket.js' %}"></script>
<script>
  const age = document.getElementById('age');
  const live = new HiveSocket('/ws/hives/' + age.dataset.hive + '/', {
    events: {
      age: (message) => show(message),
    },
  });
  function show(message) {
    age.textContent = message.years + ' years';
  }
  document.getElementById('older').addEventListener('click', () => live.emit('older'));
</script>
""",
    "yards/static/yards/js/chat-socket.js": """\
export class ChatSocket {
  #ws = null;
  #listeners = new Map();
  #queue = [];

  constructor(url) {
    this.url = url;
  }

  connect() {
    this.#ws = new WebSocket(this.url);
    this.#ws.onopen = () => {
      for (const text of this.#queue.splice(0)) this.#ws.send(text);
    };
    this.#ws.onmessage = ({ data }) => {
      const { type, ...fields } = JSON.parse(data);
      this.#emit(type, fields);
    };
    this.#ws.onclose = () => setTimeout(() => this.connect(), 2000);
    return this;
  }

  send(kind, fields) {
    const text = JSON.stringify({ type: kind, ...fields });
    if (this.#ws?.readyState === WebSocket.OPEN) this.#ws.send(text);
    else this.#queue.push(text);
  }

  on(kind, fn) {
    if (!this.#listeners.has(kind)) this.#listeners.set(kind, new Set());
    this.#listeners.get(kind).add(fn);
    return this;
  }

  #emit(kind, fields) {
    for (const fn of this.#listeners.get(kind) ?? []) fn(fields);
  }
}
""",
    "yards/static/yards/js/chat.js": """\
import { ChatSocket } from './chat-socket.js';

const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
const { yard } = document.getElementById('lines').dataset;

export const chat = new ChatSocket(`${scheme}://${location.host}/ws/yards/${yard}/`);
""",
    "yards/static/yards/js/main.js": """\
import { chat } from './chat.js';

const lines = document.getElementById('lines');
const form = document.getElementById('say');
let fade;

function show(message) {
  const item = document.createElement('li');
  item.textContent = `${message.by}: ${message.text}`;
  lines.append(item);
}

chat
  .on('welcome', ({ yard }) => {
    document.title = yard;
  });
chat.on('line', show);
chat.on('typing', () => {
  document.getElementById('state').textContent = 'somebody types';
  clearTimeout(fade);
  fade = setTimeout(() => {
    document.getElementById('state').textContent = '';
  }, 3000);
});
chat.connect();

form.elements.text.addEventListener('input', () => chat.send('typing'));
form.addEventListener('submit', (event) => {
  event.preventDefault();
  chat.send('say', { by: form.elements.by.value, text: form.elements.text.value });
  form.elements.text.value = '';
});
""",
    "yards/static/yards/js/hive-socket.js": """\
class HiveSocket {
  constructor(path, { events = {} } = {}) {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    this.events = events;
    this.ws = new WebSocket(scheme + '//' + location.host + path);
    this.ws.addEventListener('message', (e) => this.receive(JSON.parse(e.data)));
  }

  receive(message) {
    const hear = this.events[message.event];
    if (hear) hear(message);
  }

  emit(name, extra) {
    if (this.ws.readyState !== WebSocket.OPEN) return;
    this.ws.send(JSON.stringify({ event: name, ...extra }));
  }
}
""",
}

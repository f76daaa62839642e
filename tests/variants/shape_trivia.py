# ruff: noqa: E501  (the projects' own lines)
"""A quiz: synchronous JSON consumers with heirs, a table of actions, no rows."""

from __future__ import annotations

TRIVIA = {
    "game/__init__.py": "",
    "game/apps.py": """\
from django.apps import AppConfig


class GameConfig(AppConfig):
    name = 'game'
    verbose_name = 'Trivia'
""",
    "game/consumers.py": """\
import json

from asgiref.sync import async_to_sync
from channels.generic.websocket import JsonWebsocketConsumer

from .engine import RuleError, lobby


class MatchConsumer(JsonWebsocketConsumer):
    \"\"\"Base of everybody who sits at a match.\"\"\"

    actions = {}

    def connect(self):
        code = self.scope['url_route']['kwargs']['code']
        self.match = lobby.match(code)
        self.group = f'match_{code}'
        async_to_sync(self.channel_layer.group_add)(self.group, self.channel_name)
        self.accept()
        self.joined()

    def disconnect(self, close_code):
        async_to_sync(self.channel_layer.group_discard)(self.group, self.channel_name)
        self.left()

    @classmethod
    def decode_json(cls, text_data):
        try:
            return json.loads(text_data)
        except json.JSONDecodeError:
            return {}

    def receive_json(self, content, **kwargs):
        action = content.get('action') if isinstance(content, dict) else None
        name = self.actions.get(action)
        if name is None:
            self.send_json({'kind': 'error', 'reason': f'no such action: {action}'})
            return
        try:
            getattr(self, name)(content)
        except RuleError as error:
            self.send_json({'kind': 'error', 'reason': str(error)})

    def broadcast(self, kind, **payload):
        async_to_sync(self.channel_layer.group_send)(
            self.group, {'type': 'match.message', 'kind': kind, 'payload': payload},
        )

    def match_message(self, event):
        self.send_json({'kind': event['kind'], **event['payload']})

    # Hooks -----------------------------------------------------------------
    def joined(self):
        pass

    def left(self):
        pass


class PlayerConsumer(MatchConsumer):
    actions = {'name': 'take_name', 'answer': 'take_answer'}
    name = None

    def joined(self):
        self.send_json({'kind': 'who', 'taken': list(self.match.scores)})

    def left(self):
        if self.name:
            self.match.leave(self.name)
            self.broadcast('scores', table=self.match.table())

    def take_name(self, content):
        name = str(content.get('name') or '').strip()[:20]
        if not name or self.name:
            raise RuleError('a name, once')
        self.match.enter(name)
        self.name = name
        self.send_json({'kind': 'welcome', 'name': name})
        self.broadcast('scores', table=self.match.table())

    def take_answer(self, content):
        if self.name is None:
            raise RuleError('who are you?')
        right = self.match.answer(self.name, content.get('choice'))
        self.send_json({'kind': 'verdict', 'right': right})
        self.broadcast('scores', table=self.match.table())


class HostConsumer(MatchConsumer):
    \"\"\"The quiz master: asks, and sees everything.\"\"\"

    actions = {'next': 'ask', 'finish': 'finish'}

    def joined(self):
        self.send_json({'kind': 'scores', 'table': self.match.table()})

    def ask(self, content):
        question = self.match.advance()
        if question is None:
            self.finish(content)
            return
        self.broadcast('question', number=self.match.position, **question.public())

    def finish(self, content):
        self.broadcast('over', table=self.match.table())
        lobby.forget(self.match.code)
""",
    "game/engine.py": """\
\"\"\"The rules. Nothing here knows of sockets.\"\"\"
from __future__ import annotations

import threading
from dataclasses import dataclass, field

from .questions import Question, shuffled


class RuleError(Exception):
    \"\"\"A player did what the rules do not allow.\"\"\"


@dataclass
class Match:
    code: str
    questions: list[Question]
    scores: dict[str, int] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    position: int = -1

    @property
    def current(self) -> Question | None:
        if 0 <= self.position < len(self.questions):
            return self.questions[self.position]
        return None

    def enter(self, name: str) -> None:
        if name in self.scores:
            raise RuleError('this name is taken')
        self.scores[name] = 0

    def leave(self, name: str) -> None:
        self.scores.pop(name, None)
        self.answered.discard(name)

    def advance(self) -> Question | None:
        self.position += 1
        self.answered.clear()
        return self.current

    def answer(self, name: str, choice: int) -> bool:
        if self.current is None:
            raise RuleError('no question is asked')
        if name in self.answered:
            raise RuleError('one answer each')
        self.answered.add(name)
        right = choice == self.current.right
        if right:
            self.scores[name] += 1
        return right

    def table(self) -> list[dict]:
        ranking = sorted(self.scores.items(), key=lambda pair: -pair[1])
        return [{'name': name, 'points': points} for name, points in ranking]


class Lobby:
    \"\"\"All matches of this process.\"\"\"

    def __init__(self) -> None:
        self._matches: dict[str, Match] = {}
        self._lock = threading.Lock()

    def match(self, code: str) -> Match:
        with self._lock:
            if code not in self._matches:
                self._matches[code] = Match(code, shuffled(len(code)))
            return self._matches[code]

    def forget(self, code: str) -> None:
        with self._lock:
            self._matches.pop(code, None)


lobby = Lobby()
""",
    "game/questions.py": """\
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Question:
    text: str
    answers: tuple[str, ...]
    right: int

    def public(self) -> dict:
        \"\"\"The question without its solution.\"\"\"
        return {'text': self.text, 'answers': list(self.answers)}


POOL = (
    Question('Capital of Australia?', ('Sydney', 'Canberra', 'Perth'), 1),
    Question('Legs of a spider?', ('6', '8', '10'), 1),
    Question('Largest planet?', ('Jupiter', 'Saturn', 'Earth'), 0),
)


def shuffled(seed: int) -> list[Question]:
    questions = list(POOL)
    Random(seed).shuffle(questions)
    return questions
""",
    "game/routing.py": """\
from django.urls import re_path

from .consumers import HostConsumer, PlayerConsumer

websocket_urlpatterns = [
    re_path(r'^ws/play/(?P<code>[A-Z]{4})/$', PlayerConsumer.as_asgi()),
    re_path(r'^ws/host/(?P<code>[A-Z]{4})/$', HostConsumer.as_asgi()),
]
""",
    "game/static/game/socket.js": """\
'use strict';

function connect(path) {
  var listeners = {};
  var scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
  var socket = new WebSocket(scheme + location.host + path);

  socket.addEventListener('message', function (event) {
    var msg = JSON.parse(event.data);
    (listeners[msg.kind] || []).forEach(function (listener) { listener(msg); });
  });
  socket.addEventListener('close', function (event) {
    if (!event.wasClean) document.body.classList.add('lost');
  });

  return {
    on: function (kind, listener) {
      (listeners[kind] = listeners[kind] || []).push(listener);
    },
    act: function (action, extra) {
      socket.send(JSON.stringify(Object.assign({action: action}, extra)));
    },
    stop: function () { socket.close(1000, 'over'); }
  };
}

function showScores(table) {
  var list = document.getElementById('scores');
  list.innerHTML = '';
  table.forEach(function (row) {
    var item = document.createElement('li');
    item.textContent = row.name + ': ' + row.points;
    list.appendChild(item);
  });
}
""",
    "game/templates/game/host.html": """\
{% extends 'game/layout.html' %}
{% block body %}
<p>Players go to <code>/play/{{ code }}/</code></p>
<button id="next">Next question</button>
<button id="finish">Finish</button>
<ol id="scores"></ol>
{% endblock %}
{% block script %}
<script>
  const quiz = connect("{{ '/ws/host/' }}{{ code }}/");
  for (const action of ['next', 'finish'])
    document.getElementById(action).onclick = () => quiz.act(action);
  quiz.on('scores', msg => showScores(msg.table));
  quiz.on('over', msg => { showScores(msg.table); quiz.stop(); });
</script>
{% endblock %}
""",
    "game/templates/game/index.html": """\
{% extends 'game/layout.html' %}
{% block body %}
<form method="post" action="{% url 'game:start' %}">
  {% csrf_token %}
  <button>New match</button>
</form>
{% endblock %}
""",
    "game/templates/game/layout.html": """\
{% load static %}
<!DOCTYPE html>
<html>
<head>
  <meta charset="utf-8">
  <title>Trivia{% block title %}{% endblock %}</title>
</head>
<body>
  {% block body %}{% endblock %}
  <script src="{% static 'game/socket.js' %}"></script>
  {% block script %}{% endblock %}
</body>
</html>
""",
    "game/templates/game/play.html": """\
{% extends 'game/layout.html' %}
{% block title %} - {{ code }}{% endblock %}
{% block body %}
<form id="enter"><input id="name" maxlength="20"><button>Play</button></form>
<h2 id="question"></h2>
<div id="answers"></div>
<p id="verdict"></p>
<ol id="scores"></ol>
{% endblock %}
{% block script %}
<script>
  const quiz = connect('/ws/play/{{ code }}/');
  const answers = document.getElementById('answers');

  document.getElementById('enter').onsubmit = function (e) {
    e.preventDefault();
    quiz.act('name', {name: document.getElementById('name').value});
  };

  quiz.on('welcome', msg => { document.getElementById('enter').hidden = true; });
  quiz.on('question', msg => {
    document.getElementById('question').textContent = (msg.number + 1) + '. ' + msg.text;
    document.getElementById('verdict').textContent = '';
    answers.innerHTML = '';
    msg.answers.forEach((answer, choice) => {
      const button = document.createElement('button');
      button.textContent = answer;
      button.onclick = () => quiz.act('answer', {choice});
      answers.appendChild(button);
    });
  });
  quiz.on('verdict', msg => {
    document.getElementById('verdict').textContent = msg.right ? 'Right!' : 'No.';
  });
  quiz.on('scores', msg => showScores(msg.table));
  quiz.on('over', msg => { showScores(msg.table); quiz.stop(); });
  quiz.on('error', msg => { document.getElementById('verdict').textContent = msg.reason; });
</script>
{% endblock %}
""",
    "game/tests/__init__.py": "",
    "game/tests/test_sockets.py": """\
from channels.testing import WebsocketCommunicator
from django.test import SimpleTestCase

from trivia.asgi import application

HEADERS = [(b'origin', b'http://localhost')]


class PlayTest(SimpleTestCase):
    async def test_a_round(self):
        player = WebsocketCommunicator(application, '/ws/play/QUIZ/', headers=HEADERS)
        host = WebsocketCommunicator(application, '/ws/host/QUIZ/', headers=HEADERS)
        for one in (player, host):
            connected, _ = await one.connect()
            assert connected
        self.assertEqual((await player.receive_json_from())['kind'], 'who')
        self.assertEqual((await host.receive_json_from())['table'], [])
        await player.send_json_to({'action': 'name', 'name': 'ann'})
        self.assertEqual((await player.receive_json_from())['kind'], 'welcome')
        scores = await host.receive_json_from()
        self.assertEqual(scores['table'], [{'name': 'ann', 'points': 0}])
        await player.disconnect()
        await host.disconnect()
""",
    "game/urls.py": """\
from django.urls import path, re_path

from . import views

app_name = 'game'
urlpatterns = [
    path('', views.index, name='index'),
    path('start/', views.start, name='start'),
    re_path(r'^play/(?P<code>[A-Z]{4})/$', views.play, name='play'),
    re_path(r'^host/(?P<code>[A-Z]{4})/$', views.host, name='host'),
]
""",
    "game/views.py": """\
import secrets
import string

from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST


def index(request):
    return render(request, 'game/index.html')


@require_POST
def start(request):
    code = ''.join(secrets.choice(string.ascii_uppercase) for _ in range(4))
    request.session['hosting'] = code
    return redirect('game:host', code=code)


def play(request, code):
    return render(request, 'game/play.html', {'code': code})


def host(request, code):
    return render(request, 'game/host.html', {'code': code})
""",
    "manage.py": """\
#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'trivia.settings')

if __name__ == '__main__':
    execute_from_command_line(sys.argv)
""",
    "trivia/__init__.py": "",
    "trivia/asgi.py": """\
import os

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import SessionMiddlewareStack
from django.core.asgi import get_asgi_application

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'trivia.settings')
django.setup(set_prefix=False)

import game.routing

application = ProtocolTypeRouter({
    'http': get_asgi_application(),
    'websocket': AllowedHostsOriginValidator(
        SessionMiddlewareStack(URLRouter(game.routing.websocket_urlpatterns)),
    ),
})
""",
    "trivia/settings.py": """\
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.getenv('SECRET_KEY', 'insecure-dev-key')
DEBUG = os.getenv('DEBUG', '1') == '1'
ALLOWED_HOSTS = os.getenv('HOSTS', 'localhost,127.0.0.1').split(',')

INSTALLED_APPS = [
    'daphne',
    'django.contrib.sessions',
    'django.contrib.staticfiles',
    'game.apps.GameConfig',
]
MIDDLEWARE = [
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.middleware.common.CommonMiddleware',
    'django.middleware.csrf.CsrfViewMiddleware',
]
SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies'
ROOT_URLCONF = 'trivia.urls'
ASGI_APPLICATION = 'trivia.asgi.application'
TEMPLATES = [{
    'BACKEND': 'django.template.backends.django.DjangoTemplates',
    'APP_DIRS': True,
    'OPTIONS': {'context_processors': ['django.template.context_processors.request']},
}]
STATIC_URL = '/static/'
CHANNEL_LAYERS = {
    'default': {
        'BACKEND': 'channels.layers.InMemoryChannelLayer',
        'CONFIG': {'capacity': 500},
    },
}
""",
    "trivia/urls.py": """\
from django.urls import include, path

urlpatterns = [path('', include('game.urls'))]
""",
}

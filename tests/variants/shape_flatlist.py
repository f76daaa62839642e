# ruff: noqa: E501
"""A shopping list for flat-mates: a tutorial's reader, and tests for pytest."""

from __future__ import annotations

FLATLIST = {
    "manage.py": """\
#!/usr/bin/env python
\"\"\"Django's command-line utility for administrative tasks.\"\"\"
import os
import sys


def main():
    \"\"\"Run administrative tasks.\"\"\"
    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'flatlist.settings')
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)


if __name__ == '__main__':
    main()
""",
    "pytest.ini": """\
[pytest]
DJANGO_SETTINGS_MODULE = flatlist.settings
python_files = test_*.py
""",
    "requirements.txt": """\
django>=5.2,<5.3
channels[daphne]>=4.3
pytest
pytest-django
pytest-asyncio
""",
    "flatlist/__init__.py": "",
    "flatlist/settings.py": """\
\"\"\"Django settings for flatlist project.\"\"\"
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get('SECRET_KEY', 'only-for-the-kitchen-table')
DEBUG = os.environ.get('DEBUG', '1') == '1'
ALLOWED_HOSTS = ['localhost', '127.0.0.1']

INSTALLED_APPS = [
    'daphne',
    'django.contrib.auth',
    'django.contrib.contenttypes',
    'django.contrib.sessions',
    'django.contrib.messages',
    'django.contrib.staticfiles',
    'shopping',
]

MIDDLEWARE = [
    'django.middleware.security.SecurityMiddleware',
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.middleware.common.CommonMiddleware',
    'django.middleware.csrf.CsrfViewMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
    'django.contrib.messages.middleware.MessageMiddleware',
]

ROOT_URLCONF = 'flatlist.urls'

TEMPLATES = [
    {
        'BACKEND': 'django.template.backends.django.DjangoTemplates',
        'DIRS': [],
        'APP_DIRS': True,
        'OPTIONS': {
            'context_processors': [
                'django.template.context_processors.request',
                'django.contrib.auth.context_processors.auth',
                'django.contrib.messages.context_processors.messages',
            ],
        },
    },
]

ASGI_APPLICATION = 'flatlist.asgi.application'

CHANNEL_LAYERS = {
    'default': {
        'BACKEND': 'channels.layers.InMemoryChannelLayer',
    },
}

DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.sqlite3',
        'NAME': BASE_DIR / 'db.sqlite3',
        'TEST': {'NAME': BASE_DIR / 'test_db.sqlite3'},
    }
}

USE_TZ = True
STATIC_URL = 'static/'
DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'
""",
    "flatlist/urls.py": """\
from django.urls import include, path

urlpatterns = [
    path('', include('shopping.urls')),
]
""",
    "flatlist/asgi.py": """\
\"\"\"ASGI config for flatlist project.\"\"\"
import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'flatlist.settings')
# Initialize Django ASGI application early to ensure the AppRegistry
# is populated before importing code that may import ORM models.
django_asgi_app = get_asgi_application()

from shopping.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter({
    'http': django_asgi_app,
    'websocket': AllowedHostsOriginValidator(
        AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
    ),
})
""",
    "shopping/__init__.py": "",
    "shopping/migrations/__init__.py": "",
    "shopping/migrations/0001_initial.py": """\
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='Thing',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('flat', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=80)),
                ('bought', models.BooleanField(default=False)),
            ],
        ),
    ]
""",
    "shopping/models.py": """\
from django.db import models


class Thing(models.Model):
    flat = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    bought = models.BooleanField(default=False)

    def __str__(self):
        return self.name
""",
    "shopping/routing.py": """\
from django.urls import re_path

from . import consumers

websocket_urlpatterns = [
    re_path(r'ws/flat/(?P<flat>\\w+)/$', consumers.ListConsumer.as_asgi()),
    re_path(r'ws/bell/(?P<flat>\\w+)/$', consumers.BellConsumer.as_asgi()),
]
""",
    "shopping/consumers.py": """\
import json

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer, WebsocketConsumer
from asgiref.sync import async_to_sync

from .models import Thing


class ListConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.flat = self.scope['url_route']['kwargs']['flat']
        self.flat_group_name = 'flat_%s' % self.flat

        # Join the flat's group
        await self.channel_layer.group_add(self.flat_group_name, self.channel_name)
        await self.accept()
        await self.send_json({'action': 'all', 'things': await self.get_things()})

    async def disconnect(self, close_code):
        # Leave the flat's group
        await self.channel_layer.group_discard(self.flat_group_name, self.channel_name)

    @classmethod
    async def decode_json(cls, text_data):
        try:
            return await super().decode_json(text_data)
        except ValueError:
            return {}

    async def receive_json(self, content):
        if not isinstance(content, dict):
            return
        action = content.get('action')
        if action == 'add':
            name = str(content.get('name', '')).strip()[:80]
            if not name:
                await self.send_json({'action': 'error', 'text': 'Nothing to add'})
                return
            thing = await self.add_thing(name)
            await self.channel_layer.group_send(
                self.flat_group_name, {'type': 'thing_added', 'thing': thing}
            )
        elif action == 'bought':
            number = content.get('id')
            if isinstance(number, int) and await self.mark_bought(number):
                await self.channel_layer.group_send(
                    self.flat_group_name, {'type': 'thing_bought', 'id': number}
                )

    async def thing_added(self, event):
        await self.send_json({'action': 'added', 'thing': event['thing']})

    async def thing_bought(self, event):
        await self.send_json({'action': 'bought', 'id': event['id']})

    async def list_cleared(self, event):
        await self.send_json({'action': 'cleared'})

    @database_sync_to_async
    def get_things(self):
        return list(Thing.objects.filter(flat=self.flat, bought=False).values('id', 'name'))

    @database_sync_to_async
    def add_thing(self, name):
        thing = Thing.objects.create(flat=self.flat, name=name)
        return {'id': thing.pk, 'name': thing.name}

    @database_sync_to_async
    def mark_bought(self, number):
        return Thing.objects.filter(flat=self.flat, pk=number).update(bought=True)


class BellConsumer(WebsocketConsumer):
    \"\"\"The door bell: who rings is heard by everybody of the flat.\"\"\"

    def connect(self):
        self.bell_group = 'bell_' + self.scope['url_route']['kwargs']['flat']
        async_to_sync(self.channel_layer.group_add)(self.bell_group, self.channel_name)
        self.accept()

    def disconnect(self, close_code):
        async_to_sync(self.channel_layer.group_discard)(self.bell_group, self.channel_name)

    def receive(self, text_data=None, bytes_data=None):
        async_to_sync(self.channel_layer.group_send)(
            self.bell_group, {'type': 'bell.rings'}
        )

    def bell_rings(self, event):
        self.send(text_data=json.dumps({'ring': True}))
""",
    "shopping/urls.py": """\
from django.urls import path

from . import views

urlpatterns = [
    path('', views.index, name='index'),
    path('flat/<slug:flat>/', views.flat, name='flat'),
    path('flat/<slug:flat>/clear/', views.clear, name='clear'),
]
""",
    "shopping/views.py": """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from .models import Thing


def index(request):
    return render(request, 'shopping/index.html')


def flat(request, flat):
    return render(request, 'shopping/flat.html', {'flat': flat.replace('-', '_')})


@require_POST
def clear(request, flat):
    \"\"\"Throw away what was bought and tell the others.\"\"\"
    Thing.objects.filter(flat=flat).delete()
    channel_layer = get_channel_layer()
    async_to_sync(channel_layer.group_send)('flat_%s' % flat, {'type': 'list.cleared'})
    return redirect('flat', flat=flat)
""",
    "shopping/templates/shopping/index.html": """\
<!DOCTYPE html>
<html>
<head>
    <meta charset="utf-8">
    <title>Flat list</title>
</head>
<body>
    <h1>Which flat?</h1>
    <p><a href="{% url 'flat' 'attic' %}">The attic</a></p>
    <p><a href="{% url 'flat' 'garden' %}">The garden flat</a></p>
</body>
</html>
""",
    "shopping/templates/shopping/flat.html": """\
{% load static %}
<!DOCTYPE html>
<html>
<head>
    <meta charset="utf-8">
    <title>Shopping for {{ flat }}</title>
</head>
<body>
    <h1>Shopping for {{ flat }}</h1>
    <p id="state">connecting …</p>
    <ul id="things"></ul>
    <input id="thing-input" type="text" maxlength="80">
    <button id="thing-submit" type="button">Add</button>
    <button id="bell" type="button">Ring the bell</button>
    <form method="post" action="{% url 'clear' flat %}">
        {% csrf_token %}
        <button>Clear the list</button>
    </form>
    {{ flat|json_script:"flat-name" }}
    <script src="{% static 'shopping/list.js' %}"></script>
    <script src="{% static 'shopping/bell.js' %}"></script>
</body>
</html>
""",
    "shopping/static/shopping/list.js": """\
var flatName = JSON.parse(document.getElementById('flat-name').textContent);
var scheme = window.location.protocol === 'https:' ? 'wss://' : 'ws://';
var listUrl = scheme + window.location.host + '/ws/flat/' + flatName + '/';
var listSocket = null;
var waitTime = 1000;

function showThing(thing) {
    var li = document.createElement('li');
    li.id = 'thing-' + thing.id;
    li.textContent = thing.name;
    li.onclick = function () {
        if (listSocket.readyState === WebSocket.OPEN) {
            listSocket.send(JSON.stringify({'action': 'bought', 'id': thing.id}));
        }
    };
    document.getElementById('things').appendChild(li);
}

function setState(text) {
    document.getElementById('state').textContent = text;
}

function connect() {
    listSocket = new WebSocket(listUrl);

    listSocket.onopen = function () {
        waitTime = 1000;
        setState('connected');
    };

    listSocket.onmessage = function (e) {
        var data = JSON.parse(e.data);
        if (data.action === 'all') {
            document.getElementById('things').textContent = '';
            data.things.forEach(showThing);
        } else if (data.action === 'added') {
            showThing(data.thing);
        } else if (data.action === 'bought') {
            var li = document.getElementById('thing-' + data.id);
            if (li) {
                li.remove();
            }
        } else if (data.action === 'cleared') {
            document.getElementById('things').textContent = '';
        } else if (data.action === 'error') {
            setState(data.text);
        }
    };

    listSocket.onclose = function () {
        setState('lost, trying again');
        setTimeout(connect, waitTime);
        waitTime = Math.min(waitTime * 2, 30000);
    };
}

connect();

document.querySelector('#thing-submit').onclick = function () {
    var input = document.querySelector('#thing-input');
    if (listSocket.readyState === WebSocket.OPEN) {
        listSocket.send(JSON.stringify({'action': 'add', 'name': input.value}));
        input.value = '';
    }
};
""",
    "shopping/static/shopping/bell.js": """\
(function () {
    var flat = JSON.parse(document.getElementById('flat-name').textContent);
    var proto = window.location.protocol === 'https:' ? 'wss' : 'ws';
    var bell = document.getElementById('bell');
    var socket;

    function open() {
        socket = new WebSocket(proto + '://' + window.location.host + '/ws/bell/' + flat + '/');
        socket.addEventListener('message', function (event) {
            var message = JSON.parse(event.data);
            if (message.ring) {
                document.title = 'Somebody rings!';
            }
        });
        socket.addEventListener('close', function () {
            setTimeout(open, 3000);
        });
    }

    bell.addEventListener('click', function () {
        if (socket.readyState === WebSocket.OPEN) {
            socket.send('ring');
        }
    });

    open();
}());
""",
    "tests/__init__.py": "",
    "tests/test_sockets.py": """\
import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator

from flatlist.asgi import application
from shopping.models import Thing

HEADERS = [(b'origin', b'http://localhost')]


def communicator(path):
    return WebsocketCommunicator(application, path, headers=HEADERS)


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_greeting():
    await database_sync_to_async(Thing.objects.create)(flat='attic', name='milk')
    socket = communicator('/ws/flat/attic/')
    connected, _ = await socket.connect()
    assert connected
    greeting = await socket.receive_json_from()
    assert [thing['name'] for thing in greeting['things']] == ['milk']
    await socket.disconnect()


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_two_flatmates_see_the_same():
    anna = communicator('/ws/flat/attic/')
    bert = communicator('/ws/flat/attic/')
    assert (await anna.connect())[0]
    assert (await bert.connect())[0]
    await anna.receive_json_from()
    await bert.receive_json_from()
    await anna.send_json_to({'action': 'add', 'name': 'bread'})
    assert (await bert.receive_json_from())['thing']['name'] == 'bread'
    assert (await anna.receive_json_from())['action'] == 'added'
    await anna.disconnect()
    await bert.disconnect()


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_cleared_from_outside():
    socket = communicator('/ws/flat/garden/')
    connected, _ = await socket.connect()
    assert connected
    await socket.receive_json_from()
    await get_channel_layer().group_send('flat_garden', {'type': 'list.cleared'})
    assert await socket.receive_json_from() == {'action': 'cleared'}
    await socket.disconnect()


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_nothing_is_refused():
    socket = communicator('/ws/flat/attic/')
    connected, _ = await socket.connect()
    assert connected
    await socket.receive_json_from()
    await socket.send_json_to({'action': 'add', 'name': ' '})
    assert (await socket.receive_json_from())['action'] == 'error'
    await socket.disconnect()


@pytest.mark.asyncio
async def test_bell():
    socket = communicator('/ws/bell/attic/')
    connected, _ = await socket.connect()
    assert connected
    await socket.send_to(text_data='ring')
    assert await socket.receive_json_from() == {'ring': True}
    await socket.disconnect()
""",
}

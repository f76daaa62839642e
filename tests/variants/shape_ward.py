# ruff: noqa: E501  (the projects' own lines)
"""A ward board, begun with Channels 2: prototypes, signals, a worker, supervisor."""

from __future__ import annotations

WARD = {
    "README.rst": """\
Wardline
========

The board on the wall of each ward: beds, alarms, notes. Started in 2018 on Channels 2.

Laptop::

    pip install -r requirements/base.txt
    python manage.py migrate
    python manage.py createsuperuser
    python manage.py runserver

Server: see ``deploy/``. Two programs run, the web server and the pager
(``python manage.py runworker pager``).
""",
    "deploy/nginx.conf": """\
upstream wardline {
    server 127.0.0.1:8000;
}

map $http_upgrade $connection_upgrade {
    default upgrade;
    ''      close;
}

server {
    listen 443 ssl;
    server_name board.stmary.example;
    ssl_certificate /etc/ssl/board.pem;
    ssl_certificate_key /etc/ssl/board.key;

    location /static/ {
        alias /srv/wardline/static/;
    }

    location /ws/ {
        proxy_pass http://wardline;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_read_timeout 120s;
    }

    location / {
        proxy_pass http://wardline;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
    }
}
""",
    "deploy/supervisord.conf": """\
[supervisord]
nodaemon=false
logfile=/var/log/wardline/supervisord.log

[fcgi-program:web]
socket=tcp://127.0.0.1:8000
directory=/srv/wardline/app
command=/srv/wardline/venv/bin/daphne -u /run/wardline/web%(process_num)d.sock --fd 0 --access-log - --proxy-headers wardline.asgi:application
numprocs=2
process_name=web%(process_num)d
environment=DJANGO_SETTINGS_MODULE="wardline.settings.prod"
autostart=true
autorestart=true
stdout_logfile=/var/log/wardline/web.log
redirect_stderr=true

[program:pager]
directory=/srv/wardline/app
command=/srv/wardline/venv/bin/python manage.py runworker pager
environment=DJANGO_SETTINGS_MODULE="wardline.settings.prod"
autostart=true
autorestart=true
stdout_logfile=/var/log/wardline/pager.log
redirect_stderr=true
""",
    "manage.py": """\
#!/usr/bin/env python
import os
import sys

if __name__ == '__main__':
    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'wardline.settings.dev')
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
""",
    "requirements/base.txt": """\
Django>=5.2,<5.3
channels>=4.2,<5
daphne>=4.1
channels_redis>=4.2
""",
    "requirements/production.txt": """\
-r base.txt
psycopg[binary]
redis
""",
    "staff/__init__.py": "",
    "staff/admin.py": """\
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from .models import Member

admin.site.register(Member, UserAdmin)
""",
    "staff/apps.py": """\
from django.apps import AppConfig


class StaffConfig(AppConfig):
    name = 'staff'
""",
    "staff/migrations/__init__.py": "",
    "staff/models.py": """\
from django.contrib.auth.models import AbstractUser
from django.db import models


class Member(AbstractUser):
    \"\"\"Who may look at a board. The badge is what stands on the coat.\"\"\"

    badge = models.CharField(max_length=12, blank=True)

    def __str__(self):
        return self.get_full_name() or self.username
""",
    "wardline/__init__.py": "",
    "wardline/asgi.py": """\
\"\"\"
ASGI entry point: used by daphne and, through ASGI_APPLICATION, by runserver.
\"\"\"
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'wardline.settings.prod')
http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from wardline import routing  # noqa: E402

application = ProtocolTypeRouter({
    'http': http,
    'websocket': AllowedHostsOriginValidator(
        AuthMiddlewareStack(
            URLRouter(routing.websocket)
        )
    ),
    'channel': ChannelNameRouter(routing.channels),
})
""",
    "wardline/routing.py": """\
\"\"\"All that is no page: sockets of the apps, and the channels of the workers.\"\"\"
from channels.routing import URLRouter
from django.urls import re_path

from wards import consumers, routing

websocket = [
    re_path(r'^ws/', URLRouter(routing.websocket_urlpatterns)),
]

channels = {
    'pager': consumers.PagerConsumer.as_asgi(),
}
""",
    "wardline/settings/__init__.py": "",
    "wardline/settings/base.py": """\
import os

BASE_DIR = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def root(*parts):
    return os.path.join(BASE_DIR, *parts)


DEBUG = False

DJANGO_APPS = (
    'django.contrib.admin',
    'django.contrib.auth',
    'django.contrib.contenttypes',
    'django.contrib.sessions',
    'django.contrib.messages',
    'django.contrib.staticfiles',
)
CHANNELS_APPS = (
    'daphne',
    'channels',
)
LOCAL_APPS = (
    'staff.apps.StaffConfig',
    'wards.apps.WardsConfig',
)
INSTALLED_APPS = CHANNELS_APPS + DJANGO_APPS + LOCAL_APPS

MIDDLEWARE = (
    'django.middleware.security.SecurityMiddleware',
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.middleware.common.CommonMiddleware',
    'django.middleware.csrf.CsrfViewMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
    'django.contrib.messages.middleware.MessageMiddleware',
)

ROOT_URLCONF = 'wardline.urls'
ASGI_APPLICATION = 'wardline.asgi.application'

TEMPLATES = [
    {
        'BACKEND': 'django.template.backends.django.DjangoTemplates',
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

AUTH_USER_MODEL = 'staff.Member'
LOGIN_URL = 'login'
LOGIN_REDIRECT_URL = 'wards:index'

SESSION_ENGINE = 'django.contrib.sessions.backends.cache'
SESSION_COOKIE_AGE = 12 * 60 * 60  # a shift

DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
USE_TZ = True
TIME_ZONE = 'Europe/Dublin'

STATIC_URL = '/static/'
""",
    "wardline/settings/dev.py": """\
from .base import *  # noqa: F401,F403
from .base import root

DEBUG = True
SECRET_KEY = 'laptop'
ALLOWED_HOSTS = ['localhost', '127.0.0.1', '[::1]']

DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.sqlite3',
        'NAME': root('wardline.sqlite3'),
        'TEST': {'NAME': root('test.sqlite3')},
    },
}

CACHES = {
    'default': {
        'BACKEND': 'django.core.cache.backends.locmem.LocMemCache',
    },
}

CHANNEL_LAYERS = {
    'default': {
        'BACKEND': 'channels.layers.InMemoryChannelLayer',
    },
}
""",
    "wardline/settings/prod.py": """\
import os

from .base import *  # noqa: F401,F403

SECRET_KEY = os.environ['WARDLINE_SECRET_KEY']
ALLOWED_HOSTS = ['board.stmary.example']
CSRF_TRUSTED_ORIGINS = ['https://board.stmary.example']

DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.postgresql',
        'NAME': 'wardline',
        'USER': 'wardline',
        'HOST': os.environ.get('WARDLINE_DB_HOST', ''),
        'PASSWORD': os.environ.get('WARDLINE_DB_PASSWORD', ''),
    },
}

REDIS_URL = os.environ.get('WARDLINE_REDIS_URL', 'redis://127.0.0.1:6379/2')

CACHES = {
    'default': {
        'BACKEND': 'django.core.cache.backends.redis.RedisCache',
        'LOCATION': REDIS_URL,
    },
}

CHANNEL_LAYERS = {
    'default': {
        'BACKEND': 'channels_redis.core.RedisChannelLayer',
        'CONFIG': {
            'hosts': [REDIS_URL],
            'capacity': 500,
        },
    },
}

STATIC_ROOT = '/srv/wardline/static/'

SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

LOGGING = {
    'version': 1,
    'disable_existing_loggers': False,
    'handlers': {'console': {'class': 'logging.StreamHandler'}},
    'root': {'handlers': ['console'], 'level': 'INFO'},
}
""",
    "wardline/urls.py": """\
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, re_path

urlpatterns = [
    re_path(r'^admin/', admin.site.urls),
    re_path(r'^login/$', auth_views.LoginView.as_view(), name='login'),
    re_path(r'^logout/$', auth_views.LogoutView.as_view(), name='logout'),
    re_path(r'^', include('wards.urls')),
]
""",
    "wards/__init__.py": "",
    "wards/admin.py": """\
from django.contrib import admin

from .models import Alarm, Bed, Note, Ward

admin.site.register((Ward, Bed, Alarm, Note))
""",
    "wards/apps.py": """\
from django.apps import AppConfig


class WardsConfig(AppConfig):
    name = 'wards'

    def ready(self):
        from . import signals  # noqa: F401
""",
    "wards/broadcast.py": """\
\"\"\"From the synchronous side (views, signals, commands) to the boards.\"\"\"
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

DESK = 'alarm_desk'


def ward_group(code):
    return 'ward_%s' % code


def tell_ward(code, kind, payload):
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(ward_group(code), {
        'type': 'ward.update',
        'kind': kind,
        'payload': payload,
    })


def tell_desk(alarm):
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(DESK, {'type': 'desk.alarm', 'alarm': alarm})
""",
    "wards/consumers.py": """\
import asyncio
import logging
from urllib.parse import parse_qs

from asgiref.sync import async_to_sync
from channels.consumer import AsyncConsumer, SyncConsumer
from channels.exceptions import StopConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer, AsyncWebsocketConsumer, JsonWebsocketConsumer,
)
from django.utils import timezone

from . import services
from .broadcast import DESK, ward_group
from .models import Alarm, Bed, Note, Ward

logger = logging.getLogger(__name__)


class BoardConsumer(JsonWebsocketConsumer):
    \"\"\"The board of one ward. Synchronous: it was written for Channels 2.\"\"\"

    group = None
    commands = {'state': 'set_state', 'note': 'add_note'}

    def connect(self):
        self.member = self.scope['user']
        code = self.scope['url_route']['kwargs']['code']
        self.ward = Ward.objects.filter(code=code).first()
        if not self.member.is_authenticated or self.ward is None:
            self.close()
            return
        self.group = ward_group(code)
        async_to_sync(self.channel_layer.group_add)(self.group, self.channel_name)
        self.accept()
        self.send_json({
            'kind': 'beds',
            'payload': [bed.to_dict() for bed in self.ward.beds.all()],
        })

    def disconnect(self, code):
        if self.group:
            async_to_sync(self.channel_layer.group_discard)(
                self.group, self.channel_name)

    @classmethod
    def decode_json(cls, text_data):
        try:
            return super().decode_json(text_data)
        except ValueError:
            return None

    def receive_json(self, content, **kwargs):
        command = content.get('do') if isinstance(content, dict) else None
        if not isinstance(command, str) or command not in self.commands:
            self.send_json({'kind': 'error', 'payload': 'no such command'})
            return
        getattr(self, self.commands[command])(content)

    def set_state(self, content):
        state = content.get('state')
        bed = self.ward.beds.filter(label=str(content.get('bed'))).first()
        if bed is None or state not in dict(Bed.STATES):
            self.send_json({'kind': 'error', 'payload': 'no such bed or state'})
            return
        bed.state = state
        bed.save()

    def add_note(self, content):
        text = str(content.get('text') or '').strip()[:200]
        if text:
            Note.objects.create(ward=self.ward, author=self.member, text=text)

    def ward_update(self, event):
        self.send_json({'kind': event['kind'], 'payload': event['payload']})


class AlarmDeskConsumer(AsyncJsonWebsocketConsumer):
    \"\"\"All open alarms of the house, for the desk at the entrance.\"\"\"

    async def connect(self):
        self.member = self.scope['user']
        if not self.member.is_authenticated:
            await self.close()
            return
        asked = parse_qs(self.scope['query_string'].decode())
        self.level = asked.get('level', [None])[0]
        await self.channel_layer.group_add(DESK, self.channel_name)
        await self.accept()
        for alarm in await services.open_alarms(self.level):
            await self.send_json({'kind': 'alarm', 'payload': alarm})

    async def disconnect(self, code):
        await self.channel_layer.group_discard(DESK, self.channel_name)

    @classmethod
    async def decode_json(cls, text_data):
        try:
            return await super().decode_json(text_data)
        except ValueError:
            return None

    async def receive_json(self, content, **kwargs):
        number = content.get('answer') if isinstance(content, dict) else None
        if not isinstance(number, int):
            await self.send_json({'kind': 'error', 'payload': 'which alarm?'})
            return
        done = await services.answer_alarm(number, self.member)
        await self.send_json({'kind': 'answered', 'payload': done})

    async def desk_alarm(self, event):
        alarm = event['alarm']
        if self.level in (None, alarm['level']):
            await self.send_json({'kind': 'alarm', 'payload': alarm})


class MonitorConsumer(AsyncConsumer):
    \"\"\"A monitor at a bed sends its pulse as plain text, every few seconds.\"\"\"

    async def websocket_connect(self, event):
        self.bed = int(self.scope['url_route']['kwargs']['bed'])
        if not await services.bed_exists(self.bed):
            await self.send({'type': 'websocket.close'})
            return
        await self.send({'type': 'websocket.accept'})
        await self.send({'type': 'websocket.send', 'text': 'ready'})

    async def websocket_receive(self, event):
        text = event.get('text') or ''
        if not text.isdigit():
            await self.send({'type': 'websocket.send', 'text': 'not understood'})
            return
        pulse = int(text)
        if not 40 <= pulse <= 140:
            await self.channel_layer.send('pager', {
                'type': 'pager.call',
                'bed': self.bed,
                'pulse': pulse,
            })
        await self.send({'type': 'websocket.send', 'text': 'noted'})

    async def websocket_disconnect(self, event):
        raise StopConsumer()


class ClockConsumer(AsyncWebsocketConsumer):
    \"\"\"The time, for all walls alike.\"\"\"

    ticking = None

    async def connect(self):
        await self.accept()
        self.ticking = asyncio.create_task(self.tick())

    async def disconnect(self, code):
        if self.ticking:
            self.ticking.cancel()

    async def tick(self):
        while True:
            await self.send(text_data=timezone.localtime().strftime('%H:%M:%S'))
            await asyncio.sleep(1)


class PagerConsumer(SyncConsumer):
    \"\"\"Runs in the worker: turns what a monitor has seen into an alarm.\"\"\"

    def pager_call(self, message):
        bed = Bed.objects.filter(pk=message['bed']).first()
        if bed is None:
            logger.warning('no bed %s', message['bed'])
            return
        Alarm.objects.create(
            bed=bed, level='red', reason='pulse %d' % message['pulse'])
""",
    "wards/management/__init__.py": "",
    "wards/management/commands/__init__.py": "",
    "wards/management/commands/discharge.py": """\
from django.core.management.base import BaseCommand

from wards.models import Bed


class Command(BaseCommand):
    help = 'Frees the beds that have been cleaned. For cron, at six in the morning.'

    def handle(self, *args, **options):
        count = Bed.objects.filter(state=Bed.CLEANING).update(state=Bed.FREE)
        self.stdout.write('%d beds are free' % count)
""",
    "wards/migrations/__init__.py": "",
    "wards/models.py": """\
from django.conf import settings
from django.db import models


class Ward(models.Model):
    code = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=60)

    class Meta:
        ordering = ('code',)

    def __str__(self):
        return self.name


class Bed(models.Model):
    FREE, TAKEN, CLEANING = 'free', 'taken', 'cleaning'
    STATES = ((FREE, 'free'), (TAKEN, 'taken'), (CLEANING, 'being cleaned'))

    ward = models.ForeignKey(Ward, related_name='beds', on_delete=models.CASCADE)
    label = models.CharField(max_length=8)
    state = models.CharField(max_length=10, choices=STATES, default=FREE)

    class Meta:
        ordering = ('label',)

    def __str__(self):
        return self.label

    def to_dict(self):
        return {'id': self.pk, 'label': self.label, 'state': self.state}


class Alarm(models.Model):
    LEVELS = (('amber', 'amber'), ('red', 'red'))

    bed = models.ForeignKey(Bed, related_name='alarms', on_delete=models.CASCADE)
    level = models.CharField(max_length=5, choices=LEVELS)
    reason = models.CharField(max_length=80)
    raised = models.DateTimeField(auto_now_add=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ('-raised',)

    def to_dict(self):
        return {
            'id': self.pk,
            'ward': self.bed.ward.code,
            'bed': self.bed.label,
            'level': self.level,
            'reason': self.reason,
            'raised': self.raised.isoformat(),
            'answered': self.answered_by_id is not None,
        }


class Note(models.Model):
    ward = models.ForeignKey(Ward, related_name='notes', on_delete=models.CASCADE)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    text = models.CharField(max_length=200)
    written = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ('-written',)

    def to_dict(self):
        return {'author': str(self.author), 'text': self.text}
""",
    "wards/routing.py": """\
from django.urls import re_path

from . import consumers

websocket_urlpatterns = [
    re_path(r'^ward/(?P<code>[-\\w]+)/$', consumers.BoardConsumer.as_asgi()),
    re_path(r'^alarms/$', consumers.AlarmDeskConsumer.as_asgi()),
    re_path(r'^monitor/(?P<bed>\\d+)/$', consumers.MonitorConsumer.as_asgi()),
    re_path(r'^clock/$', consumers.ClockConsumer.as_asgi()),
]
""",
    "wards/services.py": """\
\"\"\"What the asynchronous consumers need of the database.\"\"\"
from channels.db import database_sync_to_async

from .models import Alarm, Bed


@database_sync_to_async
def open_alarms(level=None):
    alarms = Alarm.objects.filter(answered_by=None).select_related('bed__ward')
    if level:
        alarms = alarms.filter(level=level)
    return [alarm.to_dict() for alarm in alarms]


@database_sync_to_async
def answer_alarm(number, member):
    \"\"\"Whether there was such an alarm, and nobody else was quicker.\"\"\"
    alarm = Alarm.objects.filter(pk=number, answered_by=None).first()
    if alarm is None:
        return False
    alarm.answered_by = member
    alarm.save(update_fields=['answered_by'])
    return True


@database_sync_to_async
def bed_exists(number):
    return Bed.objects.filter(pk=number).exists()
""",
    "wards/signals.py": """\
from functools import partial

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from .broadcast import tell_desk, tell_ward
from .models import Alarm, Bed, Note


@receiver(post_save, sender=Bed)
def bed_changed(sender, instance, **kwargs):
    transaction.on_commit(
        partial(tell_ward, instance.ward.code, 'bed', instance.to_dict()))


@receiver(post_save, sender=Alarm)
def alarm_changed(sender, instance, **kwargs):
    alarm = instance.to_dict()

    def tell():
        tell_ward(alarm['ward'], 'alarm', alarm)
        tell_desk(alarm)

    transaction.on_commit(tell)


@receiver(post_save, sender=Note)
def note_written(sender, instance, created, **kwargs):
    if created:
        transaction.on_commit(
            partial(tell_ward, instance.ward.code, 'note', instance.to_dict()))
""",
    "wards/static/wards/css/board.css": """\
body { font: 18px/1.4 sans-serif; margin: 0 2em; }
.free { color: green; }
.taken { color: navy; }
.cleaning { color: gray; }
""",
    "wards/static/wards/js/board.js": """\
(function () {
  'use strict';

  function Board(element) {
    this.rows = {};
    this.beds = document.getElementById('beds');
    this.alarms = document.getElementById('alarms');
    this.notes = document.getElementById('notes');
    this.trouble = document.getElementById('trouble');
    this.feed = new WardFeed('/ws/ward/' + element.getAttribute('data-code') + '/');
    this.feed.onMessage = this.handle.bind(this);
    this.feed.onState = this.connected.bind(this);
  }

  Board.prototype.handle = function (message) {
    switch (message.kind) {
      case 'beds': message.payload.forEach(this.showBed, this); break;
      case 'bed': this.showBed(message.payload); break;
      case 'alarm': this.showAlarm(message.payload); break;
      case 'note': this.showNote(message.payload); break;
      case 'error': this.complain(message.payload); break;
    }
  };

  Board.prototype.showBed = function (bed) {
    var self = this;
    var row = this.rows[bed.id];
    if (!row) {
      row = this.rows[bed.id] = document.createElement('tr');
      row.onclick = function () {
        var next = {free: 'taken', taken: 'cleaning', cleaning: 'free'};
        self.feed.tell({do: 'state', bed: bed.label, state: next[row.className]});
      };
      this.beds.appendChild(row);
    }
    row.className = bed.state;
    row.textContent = bed.label + ' ' + bed.state;
  };

  Board.prototype.showAlarm = function (alarm) {
    var id = 'alarm-' + alarm.id;
    var item = document.getElementById(id);
    if (!item) {
      item = document.createElement('li');
      item.id = id;
      this.alarms.appendChild(item);
    }
    item.className = alarm.answered ? 'answered' : alarm.level;
    item.textContent = alarm.bed + ': ' + alarm.reason;
  };

  Board.prototype.showNote = function (note) {
    var item = document.createElement('li');
    item.textContent = note.author + ': ' + note.text;
    this.notes.insertBefore(item, this.notes.firstChild);
  };

  Board.prototype.complain = function (text) {
    this.trouble.hidden = false;
    this.trouble.textContent = text;
  };

  Board.prototype.connected = function (up) {
    this.trouble.hidden = up;
    this.trouble.textContent = up ? '' : 'The board is not connected.';
  };

  var board = new Board(document.getElementById('board'));
  board.feed.open();

  document.getElementById('note-form').addEventListener('submit', function (event) {
    var input = document.getElementById('note-text');
    event.preventDefault();
    board.feed.tell({do: 'note', text: input.value});
    input.value = '';
  });
}());
""",
    "wards/static/wards/js/feed.js": """\
/* A socket that comes back. Old style on purpose: the walls run an old browser. */
(function (window) {
  'use strict';

  function WardFeed(path) {
    this.path = path;
    this.socket = null;
    this.tries = 0;
    this.onMessage = null;
    this.onPlain = null;
    this.onState = null;
  }

  WardFeed.prototype.url = function () {
    var scheme = window.location.protocol === 'https:' ? 'wss://' : 'ws://';
    return scheme + window.location.host + this.path;
  };

  WardFeed.prototype.open = function () {
    var self = this;
    this.socket = new WebSocket(this.url());

    this.socket.onopen = function () {
      self.tries = 0;
      self.state(true);
    };
    this.socket.onmessage = function (event) {
      if (self.onPlain) {
        self.onPlain(event.data);
      } else if (self.onMessage) {
        self.onMessage(JSON.parse(event.data));
      }
    };
    this.socket.onclose = function () {
      self.state(false);
      self.tries += 1;
      window.setTimeout(function () { self.open(); }, Math.min(30000, 1000 * self.tries));
    };
  };

  WardFeed.prototype.state = function (up) {
    if (this.onState) { this.onState(up); }
  };

  WardFeed.prototype.tell = function (message) {
    if (this.socket && this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  };

  window.WardFeed = WardFeed;
}(window));
""",
    "wards/templates/registration/login.html": """\
{% extends 'wards/base.html' %}
{% block content %}
<form method="post">
  {% csrf_token %}
  {{ form.as_p }}
  <button>Log in</button>
</form>
{% endblock %}
""",
    "wards/templates/wards/base.html": """\
{% load static %}
<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>{% block title %}Wardline{% endblock %}</title>
  <link rel="stylesheet" href="{% static 'wards/css/board.css' %}">
</head>
<body>
<header>
  <a href="{% url 'wards:index' %}">Wardline</a>
  <time id="clock"></time>
  {% if user.is_authenticated %}
  <form method="post" action="{% url 'logout' %}">{% csrf_token %}<button>{{ user }}: log out</button></form>
  {% endif %}
</header>
{% block content %}{% endblock %}
<script src="{% static 'wards/js/feed.js' %}"></script>
<script>
  var clock = new WardFeed('/ws/clock/');
  clock.onPlain = function (text) { document.getElementById('clock').textContent = text; };
  clock.open();
</script>
{% block scripts %}{% endblock %}
</body>
</html>
""",
    "wards/templates/wards/board.html": """\
{% extends 'wards/base.html' %}
{% load static %}
{% block title %}{{ ward.name }}{% endblock %}
{% block content %}
<h1>{{ ward.name }}</h1>
<div id="board" data-code="{{ ward.code }}">
  <table><tbody id="beds"></tbody></table>
  <ul id="alarms"></ul>
  <ul id="notes">
  {% for note in notes %}<li>{{ note.author }}: {{ note.text }}</li>{% endfor %}
  </ul>
  <form id="note-form">
    <input id="note-text" maxlength="200" autocomplete="off">
    <button>Add note</button>
  </form>
  <p id="trouble" hidden></p>
</div>
{% endblock %}
{% block scripts %}
<script src="{% static 'wards/js/board.js' %}"></script>
{% endblock %}
""",
    "wards/templates/wards/desk.html": """\
{% extends 'wards/base.html' %}
{% block title %}Alarm desk{% endblock %}
{% block content %}
<h1>Open alarms</h1>
<p><a href="?">all</a> <a href="?level=red">red only</a></p>
<ul id="alarms"></ul>
{% endblock %}
{% block scripts %}
<script>
  var list = document.getElementById('alarms');
  var desk = new WardFeed('/ws/alarms/' + window.location.search);

  desk.onMessage = function (message) {
    if (message.kind !== 'alarm') { return; }
    var alarm = message.payload;
    var item = document.getElementById('alarm-' + alarm.id);
    if (alarm.answered) {
      if (item) { list.removeChild(item); }
      return;
    }
    item = document.createElement('li');
    item.id = 'alarm-' + alarm.id;
    item.textContent = alarm.ward + ' ' + alarm.bed + ': ' + alarm.reason;
    var button = document.createElement('button');
    button.textContent = 'Going';
    button.onclick = function () { desk.tell({answer: alarm.id}); };
    item.appendChild(button);
    list.appendChild(item);
  };
  desk.open();
</script>
{% endblock %}
""",
    "wards/templates/wards/index.html": """\
{% extends 'wards/base.html' %}
{% block content %}
<ul>
{% for ward in wards %}
  <li><a href="{% url 'wards:board' ward.code %}">{{ ward.name }}</a></li>
{% empty %}
  <li>There are no wards yet.</li>
{% endfor %}
</ul>
<p><a href="{% url 'wards:desk' %}">Alarm desk</a></p>
{% endblock %}
""",
    "wards/templates/wards/monitor.html": """\
{% extends 'wards/base.html' %}
{% block content %}
<h1>Monitor of bed {{ bed.label }}</h1>
<input id="pulse" type="number" value="72">
<output id="answer"></output>
{% endblock %}
{% block scripts %}
<script>
  var scheme = window.location.protocol === 'https:' ? 'wss://' : 'ws://';
  var monitor = new WebSocket(scheme + window.location.host + '/ws/monitor/{{ bed.pk }}/');
  var sending = null;

  monitor.onopen = function () {
    sending = setInterval(function () {
      monitor.send(document.getElementById('pulse').value);
    }, 5000);
  };
  monitor.onmessage = function (event) {
    document.getElementById('answer').textContent = event.data;
  };
  monitor.onclose = function () { clearInterval(sending); };
  window.addEventListener('beforeunload', function () { monitor.close(); });
</script>
{% endblock %}
""",
    "wards/tests/__init__.py": "",
    "wards/tests/test_live.py": """\
from urllib.request import urlopen

from channels.testing import ChannelsLiveServerTestCase


class LiveTests(ChannelsLiveServerTestCase):
    def test_the_login_page_has_the_clock(self):
        with urlopen(self.live_server_url + '/login/') as page:
            self.assertIn('/ws/clock/', page.read().decode('utf-8'))
""",
    "wards/tests/test_sockets.py": """\
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import TransactionTestCase

from wardline.asgi import application
from wards.models import Alarm, Bed, Ward


class SocketTests(TransactionTestCase):
    def setUp(self):
        self.nurse = get_user_model().objects.create_user('joyce', password='pw')
        self.ward = Ward.objects.create(code='st-anne', name='St Anne')
        self.bed = Bed.objects.create(ward=self.ward, label='A1')
        self.client.force_login(self.nurse)

    def socket(self, path):
        cookie = '%s=%s' % (
            settings.SESSION_COOKIE_NAME,
            self.client.cookies[settings.SESSION_COOKIE_NAME].value,
        )
        return WebsocketCommunicator(application, path, headers=[
            (b'origin', b'http://localhost'),
            (b'cookie', cookie.encode('ascii')),
        ])

    async def test_the_board_shows_its_beds(self):
        board = self.socket('/ws/ward/st-anne/')
        connected, _ = await board.connect()
        self.assertTrue(connected)
        message = await board.receive_json_from()
        self.assertEqual(message['kind'], 'beds')
        self.assertEqual(message['payload'][0]['label'], 'A1')
        await board.disconnect()

    async def test_a_bed_that_changes_is_shown(self):
        board = self.socket('/ws/ward/st-anne/')
        await board.connect()
        await board.receive_json_from()
        await board.send_json_to({'do': 'state', 'bed': 'A1', 'state': 'taken'})
        message = await board.receive_json_from()
        self.assertEqual(message['payload']['state'], 'taken')
        await board.disconnect()

    async def test_the_desk_hears_of_alarms(self):
        desk = self.socket('/ws/alarms/')
        await desk.connect()
        await sync_to_async(Alarm.objects.create)(
            bed=self.bed, level='red', reason='fell')
        message = await desk.receive_json_from()
        self.assertEqual(message['payload']['reason'], 'fell')
        await desk.disconnect()

    async def test_a_monitor_is_answered(self):
        monitor = self.socket('/ws/monitor/%d/' % self.bed.pk)
        connected, _ = await monitor.connect()
        self.assertTrue(connected)
        self.assertEqual(await monitor.receive_from(), 'ready')
        await monitor.send_to(text_data='72')
        self.assertEqual(await monitor.receive_from(), 'noted')
        await monitor.disconnect()

    async def test_strangers_stay_outside(self):
        desk = WebsocketCommunicator(application, '/ws/alarms/', headers=[
            (b'origin', b'http://localhost'),
        ])
        connected, _ = await desk.connect()
        self.assertFalse(connected)
""",
    "wards/urls.py": """\
from django.urls import re_path

from . import views

app_name = 'wards'
urlpatterns = [
    re_path(r'^$', views.index, name='index'),
    re_path(r'^ward/(?P<code>[-\\w]+)/$', views.board, name='board'),
    re_path(r'^desk/$', views.desk, name='desk'),
    re_path(r'^monitor/(?P<bed>\\d+)/$', views.monitor, name='monitor'),
    re_path(r'^api/wards/(?P<code>[-\\w]+)/beds/$', views.api_beds, name='api-beds'),
    re_path(r'^api/alarms/$', views.api_alarms, name='api-alarms'),
]
""",
    "wards/views.py": """\
import json

from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods

from .models import Alarm, Bed, Ward


@login_required
def index(request):
    return render(request, 'wards/index.html', {'wards': Ward.objects.all()})


@login_required
def board(request, code):
    ward = get_object_or_404(Ward, code=code)
    return render(request, 'wards/board.html', {
        'ward': ward,
        'notes': ward.notes.select_related('author')[:10],
    })


@login_required
def desk(request):
    return render(request, 'wards/desk.html')


@login_required
def monitor(request, bed):
    return render(request, 'wards/monitor.html', {'bed': get_object_or_404(Bed, pk=bed)})


@require_GET
@login_required
def api_beds(request, code):
    ward = get_object_or_404(Ward, code=code)
    return JsonResponse({'beds': [bed.to_dict() for bed in ward.beds.all()]})


@require_http_methods(['GET', 'POST'])
@login_required
def api_alarms(request):
    if request.method == 'GET':
        alarms = Alarm.objects.filter(answered_by=None).select_related('bed__ward')
        return JsonResponse({'alarms': [alarm.to_dict() for alarm in alarms]})
    try:
        data = json.loads(request.body)
        bed = Bed.objects.get(pk=data['bed'])
        reason = str(data['reason'])[:80]
    except (ValueError, KeyError, TypeError, Bed.DoesNotExist):
        return JsonResponse({'error': 'bad alarm'}, status=400)
    alarm = Alarm.objects.create(bed=bed, level='amber', reason=reason)
    return JsonResponse(alarm.to_dict(), status=201)
""",
}

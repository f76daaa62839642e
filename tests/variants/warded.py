# ruff: noqa: E501  (the projects' own lines)
"""Mistakes in the ward board, of the kinds that were not named at first sight."""

from __future__ import annotations

from shapes import Change

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "ward",
        "routing-file-in-wrong-folder",
        "wardline/routing.py",
        (
            ("wards/routing.py", None, None),
            (
                "routing.py",
                None,
                (
                    "from django.urls import re_path\n"
                    "\n"
                    "from wards import consumers\n"
                    "\n"
                    "websocket_urlpatterns = [\n"
                    "    re_path(r'^ward/(?P<code>[-\\w]+)/$', consumers.BoardConsumer.as_asgi()),\n"
                    "    re_path(r'^alarms/$', consumers.AlarmDeskConsumer.as_asgi()),\n"
                    "    re_path(r'^monitor/(?P<bed>\\d+)/$', consumers.MonitorConsumer.as_asgi()),\n"
                    "    re_path(r'^clock/$', consumers.ClockConsumer.as_asgi()),\n"
                    "]\n"
                ),
            ),
        ),
    ),
    (
        "ward",
        "routing-prefix-twice",
        "wards/routing.py",
        (("wards/routing.py", "r'^clock/$'", "r'^ws/clock/$'"),),
    ),
    (
        "ward",
        "routing-host-in-pattern",
        "wards/routing.py",
        (("wards/routing.py", "r'^alarms/$'", "r'^localhost:8000/alarms/$'"),),
    ),
    (
        "ward",
        "test-testcase-with-database-consumer",
        "wards/tests/test_sockets.py",
        (
            (
                "wards/tests/test_sockets.py",
                "from django.test import TransactionTestCase",
                "from django.test import TestCase",
            ),
            (
                "wards/tests/test_sockets.py",
                ("class SocketTests(TransactionTestCase):\n    def setUp(self):\n"),
                ("class SocketTests(TestCase):\n    def setUp(self):\n"),
            ),
        ),
    ),
    (
        "ward",
        "test-forgets-the-greeting",
        "wards/tests/test_sockets.py",
        (
            (
                "wards/tests/test_sockets.py",
                "        self.assertEqual(await monitor.receive_from(), 'ready')\n",
                "",
            ),
        ),
    ),
    (
        "ward",
        "test-communicator-shared-between-tests",
        "wards/tests/test_sockets.py",
        (
            (
                "wards/tests/test_sockets.py",
                "    async def test_strangers_stay_outside(self):\n",
                (
                    "    async def test_strangers_see_the_time(self):\n"
                    "        connected, _ = await CLOCK.connect()\n"
                    "        self.assertTrue(connected)\n"
                    "\n"
                    "    async def test_the_time_goes_on(self):\n"
                    "        first = await CLOCK.receive_from()\n"
                    "        second = await CLOCK.receive_from(timeout=3)\n"
                    "        self.assertNotEqual(first, second)\n"
                    "\n"
                    "    async def test_strangers_stay_outside(self):\n"
                ),
            ),
            (
                "wards/tests/test_sockets.py",
                ("\n\nclass SocketTests"),
                (
                    "\n"
                    "CLOCK = WebsocketCommunicator(application, '/ws/clock/', headers=[\n"
                    "    (b'origin', b'http://localhost'),\n"
                    "])\n"
                    "\n"
                    "\n"
                    "class SocketTests"
                ),
            ),
        ),
    ),
    (
        "ward",
        "test-arguments-like-httpcommunicator",
        "wards/tests/test_sockets.py",
        (
            (
                "wards/tests/test_sockets.py",
                (
                    "        desk = WebsocketCommunicator(application, '/ws/alarms/', headers=[\n"
                    "            (b'origin', b'http://localhost'),\n"
                    "        ])\n"
                ),
                "        desk = WebsocketCommunicator(application, method='GET', path='/ws/alarms/')\n",
            ),
        ),
    ),
    (
        "ward",
        "redis-package-missing",
        "requirements/base.txt",
        (("requirements/base.txt", "channels_redis>=4.2\n", "django-redis\n"),),
    ),
    (
        "ward",
        "origin-allowed-hosts-star",
        "wardline/settings/prod.py",
        (
            (
                "wardline/settings/prod.py",
                "ALLOWED_HOSTS = ['board.stmary.example']",
                "ALLOWED_HOSTS = os.environ.get('WARDLINE_HOSTS', '*').split(',')",
            ),
        ),
    ),
    (
        "ward",
        "auth-anonymous-users-accepted",
        "wards/consumers.py",
        (
            (
                "wards/consumers.py",
                (
                    "        self.member = self.scope['user']\n"
                    "        if not self.member.is_authenticated:\n"
                    "            await self.close()\n"
                    "            return\n"
                    "        asked"
                ),
                (
                    "        self.member = self.scope['user']\n"
                    "        if not self.member:\n"
                    "            await self.close()\n"
                    "            return\n"
                    "        asked"
                ),
            ),
        ),
    ),
    (
        "ward",
        "auth-migrations-not-applied",
        "wards/migrations/0002_note_urgent.py",
        (
            (
                "wards/models.py",
                "    written = models.DateTimeField(auto_now_add=True)\n",
                (
                    "    written = models.DateTimeField(auto_now_add=True)\n"
                    "    urgent = models.BooleanField(default=False)\n"
                ),
            ),
            (
                "wards/migrations/0002_note_urgent.py",
                None,
                (
                    "from django.db import migrations, models\n"
                    "\n"
                    "\n"
                    "class Migration(migrations.Migration):\n"
                    "\n"
                    "    dependencies = [\n"
                    "        ('wards', '0001_initial'),\n"
                    "    ]\n"
                    "\n"
                    "    operations = [\n"
                    "        migrations.AddField(\n"
                    "            model_name='note',\n"
                    "            name='urgent',\n"
                    "            field=models.BooleanField(default=False),\n"
                    "        ),\n"
                    "    ]\n"
                ),
            ),
        ),
    ),
    (
        "ward",
        "worker-with-inmemory-layer",
        "wardline/settings/prod.py",
        (
            (
                "wardline/settings/prod.py",
                (
                    "        'BACKEND': 'channels_redis.core.RedisChannelLayer',\n"
                    "        'CONFIG': {\n"
                    "            'hosts': [REDIS_URL],\n"
                    "            'capacity': 500,\n"
                    "        },\n"
                ),
                (
                    "        'BACKEND': 'channels.layers.InMemoryChannelLayer',\n"
                    "        'CONFIG': {'capacity': 500},\n"
                ),
            ),
            ("deploy/supervisord.conf", "numprocs=2", "numprocs=1"),
        ),
    ),
    (
        "ward",
        "db-allow-async-unsafe",
        "deploy/supervisord.conf",
        (
            (
                "deploy/supervisord.conf",
                (
                    "numprocs=2\n"
                    "process_name=web%(process_num)d\n"
                    'environment=DJANGO_SETTINGS_MODULE="wardline.settings.prod"'
                ),
                (
                    "numprocs=2\n"
                    "process_name=web%(process_num)d\n"
                    'environment=DJANGO_SETTINGS_MODULE="wardline.settings.prod",DJANGO_ALLOW_ASYNC_UNSAFE="1"'
                ),
            ),
        ),
    ),
    (
        "ward",
        "app-ready-queries-the-database",
        "wards/apps.py",
        (
            (
                "wards/apps.py",
                "        from . import signals  # noqa: F401\n",
                (
                    "        from . import signals  # noqa: F401\n"
                    "        wards = self.get_model('Ward').objects\n"
                    "        self.codes = set(wards.values_list('code', flat=True))\n"
                ),
            ),
        ),
    ),
    (
        "ward",
        "deploy-daphne-argument-without-colon",
        "deploy/supervisord.conf",
        (
            (
                "deploy/supervisord.conf",
                "wardline.asgi:application",
                "wardline.asgi.application",
            ),
        ),
    ),
    (
        "ward",
        "origin-allowed-hosts-empty-in-production",
        "wardline/settings/base.py",
        (
            (
                "wardline/settings/prod.py",
                "ALLOWED_HOSTS = ['board.stmary.example']\n",
                "",
            ),
            (
                "wardline/settings/base.py",
                "DEBUG = False\n",
                ("DEBUG = False\nALLOWED_HOSTS = []\n"),
            ),
        ),
    ),
    (
        "ward",
        "nginx-static-alias-elsewhere",
        "deploy/nginx.conf",
        (
            (
                "wardline/settings/prod.py",
                "'/srv/wardline/static/'",
                "'/srv/wardline/assets/'",
            ),
        ),
    ),
    (
        "ward",
        "install-channels-without-daphne-extra",
        "requirements/base.txt",
        (("requirements/base.txt", "daphne>=4.1\n", ""),),
    ),
    (
        "ward",
        "client-reads-another-key",
        "wards/templates/wards/desk.html",
        (
            (
                "wards/templates/wards/desk.html",
                "var alarm = message.payload;",
                "var alarm = message.alarm;",
            ),
        ),
    ),
    (
        "ward",
        "db-related-object-touched-later",
        "wards/consumers.py",
        (
            (
                "wards/services.py",
                (
                    "    alarms = Alarm.objects.filter(answered_by=None).select_related('bed__ward')\n"
                    "    if level:\n"
                    "        alarms = alarms.filter(level=level)\n"
                    "    return [alarm.to_dict() for alarm in alarms]\n"
                ),
                (
                    "    alarms = Alarm.objects.filter(answered_by=None)\n"
                    "    if level:\n"
                    "        alarms = alarms.filter(level=level)\n"
                    "    return list(alarms)\n"
                ),
            ),
            (
                "wards/consumers.py",
                ("'payload': alarm})\n\n    async def disconnect"),
                ("'payload': alarm.to_dict()})\n\n    async def disconnect"),
            ),
        ),
    ),
    (
        "ward",
        "client-element-not-there",
        "wards/static/wards/js/board.js",
        (
            (
                "wards/templates/wards/board.html",
                '<ul id="alarms"></ul>',
                '<ul class="alarms"></ul>',
            ),
        ),
    ),
    (
        "ward",
        "db-model-instance-in-event",
        "wards/signals.py",
        (
            (
                "wards/signals.py",
                "partial(tell_ward, instance.ward.code, 'bed', instance.to_dict()))",
                "partial(tell_ward, instance.ward.code, 'bed', instance))",
            ),
        ),
    ),
    (
        "ward",
        "redis-url-without-scheme",
        "wardline/settings/prod.py",
        (
            (
                "wardline/settings/prod.py",
                "'redis://127.0.0.1:6379/2'",
                "'127.0.0.1:6379/2'",
            ),
        ),
    ),
    (
        "ward",
        "client-form-without-csrf-token",
        "wards/templates/wards/base.html",
        (
            (
                "wards/templates/wards/base.html",
                "{% csrf_token %}<button>",
                "<button>",
            ),
        ),
    ),
    (
        "ward",
        "client-template-tag-not-loaded",
        "wards/templates/wards/board.html",
        (("wards/templates/wards/board.html", "{% load static %}\n", ""),),
    ),
    (
        "ward",
        "group-capacity-exceeded",
        "wards/consumers.py",
        (
            (
                "wards/consumers.py",
                "        done = await services.answer_alarm(number, self.member)\n",
                "        alarm = {'type': 'desk.alarm', 'alarm': {'level': 'red'}}\n"
                "        for _ in range(200):\n"
                "            await self.channel_layer.group_send(DESK, alarm)\n"
                "        done = await services.answer_alarm(number, self.member)\n",
            ),
        ),
    ),
)
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "ward",
        "hosts-that-the-environment-names",
        (
            (
                "wardline/settings/prod.py",
                "ALLOWED_HOSTS = ['board.stmary.example']",
                "ALLOWED_HOSTS = list(filter(None, os.environ.get('WARDLINE_HOSTS', '').split(',')))",
            ),
        ),
    ),
    (
        "ward",
        "a-layer-that-the-environment-names",
        (
            (
                "wardline/settings/prod.py",
                "os.environ.get('WARDLINE_REDIS_URL', 'redis://127.0.0.1:6379/2')",
                "os.environ['WARDLINE_REDIS_URL']",
            ),
        ),
    ),
)

# ruff: noqa: E501  (the projects' own lines)
"""Mistakes of learners in the checkpoints of steps 12 to 18.

What was missing each time: layers that the environment chooses, events of an unknown
type beside others, models that a page is checked by, and what others than a consumer
are given to call.
"""

from __future__ import annotations

from fourth import Right, Wrong

WRONG: list[Wrong] = [
    (  # the user of a request is fetched when it is touched
        12,
        "db-orm-in-async-consumer",
        "master_app/views.py",
        (
            (
                "master_app/views.py",
                "def publish(request):",
                "async def publish(request):",
            ),
            (
                "master_app/views.py",
                "    async_to_sync(readings.publish)(message.value)",
                "    await readings.publish(message.value)",
            ),
            ("master_app/views.py", "from asgiref.sync import async_to_sync\n", ""),
        ),
    ),
    (  # the import stands in a method that Django does not call
        13,
        "app-signals-never-imported",
        "master_app/apps.py",
        (
            (
                "master_app/alerts.py",
                None,
                "from django.contrib.auth.models import User\n"
                "from django.db.models.signals import post_save\n"
                "from django.dispatch import receiver\n\n\n"
                "@receiver(post_save, sender=User)\n"
                "def greet(sender, instance, **kwargs):\n"
                "    print('welcome', instance)\n",
            ),
            (
                "master_app/apps.py",
                "    def ready(self):",
                "    def on_ready(self):\n"
                "        from master_app import alerts  # noqa: F401\n\n"
                "    def ready(self):",
            ),
        ),
    ),
    (
        14,
        "worker-router-name-differs",
        "webapp/asgi.py",
        (
            (
                "webapp/asgi.py",
                "ChannelNameRouter({MEASURE: MeasureConsumer.as_asgi()})",
                "ChannelNameRouter(\n        dict(measures=MeasureConsumer.as_asgi()),\n    )",
            ),
            (
                "webapp/asgi.py",
                "from master_app.jobs import MEASURE  # noqa: E402\n",
                "",
            ),
        ),
    ),
    (
        14,
        "consumer-handler-without-event",
        "master_app/workers.py",
        (
            (
                "master_app/workers.py",
                "async def measure_load(self, job):",
                "async def measure_load(self, id, type):",
            ),
            ("master_app/workers.py", "jobs.take(job)", "jobs.take({'id': id})"),
        ),
    ),
    (
        14,
        "worker-no-channel-entry",
        "webapp/asgi.py",
        (
            (
                "webapp/asgi.py",
                "    'channel': ChannelNameRouter",
                "    'channels': ChannelNameRouter",
            ),
        ),
    ),
    (
        14,
        "worker-list-layer-gives-up",
        "webapp/settings.py",
        (
            (
                "webapp/settings.py",
                "        'CONFIG': {'hosts': [\n            {'address': REDIS_URL, 'socket_timeout': None},\n        ]},\n",
                "        'CONFIG': {'hosts': [REDIS_URL]},\n",
            ),
        ),
    ),
    (
        13,
        "db-migration-missing",
        "master_app/migrations/0001_reading.py",
        (("master_app/migrations/__init__.py", None, None),),
    ),
    (
        18,
        "group-event-without-key",
        "counter/consumers.py",
        (
            (
                "counter/consumers.py",
                "await self.send_json(event['message'])",
                "await self.send_json(event['call'])",
            ),
        ),
    ),
    (
        18,
        "group-names-differ",
        "counter/calls.py",
        (
            (
                "counter/consumers.py",
                "self.joined = [calls.GROUP, *sessions.groups(self.scope)]",
                "self.joined = ['screens', *sessions.groups(self.scope)]",
            ),
        ),
    ),
    (
        17,
        "client-sends-another-key",
        "master_app/messages.py",
        (
            (
                "master_app/messages.py",
                "Annotated[Hello | Publish | Ack,",
                "Annotated[Hello | Publish,",
            ),
        ),
    ),
    (
        12,
        "client-method-without-this",
        "master_app/static/master_app/page.js",
        (
            (
                "master_app/static/master_app/page.js",
                "onEnd: () => location.reload(),",
                "onEnd: location.reload,",
            ),
        ),
    ),
    (
        12,
        "load-task-cannot-be-cancelled",
        "master_app/sessions.py",
        (
            (
                "master_app/sessions.py",
                "        try:\n            await look(list(here))\n        except Exception:  # whatever it is, the next turn comes\n            logger.exception('The sessions could not be looked at.')\n",
                "        with suppress(BaseException):  # whatever it is, the next turn comes\n            await look(list(here))\n",
            ),
            (
                "master_app/sessions.py",
                "from functools import partial",
                "from contextlib import suppress\nfrom functools import partial",
            ),
        ),
    ),
    (
        16,
        "nginx-without-upgrade-headers",
        "deploy/nginx.conf",
        (
            (
                "deploy/nginx.conf",
                "map $http_upgrade $connection_upgrade {\n    default upgrade;\n    '' close;\n}\n\n",
                "",
            ),
        ),
    ),
    (
        16,
        "deploy-proxy-header-misnamed",
        "webapp/settings.py",
        (
            (
                "webapp/settings.py",
                "('HTTP_X_FORWARDED_PROTO', 'https')",
                "('HTTP_X_FORWARDED_PROTOCOL', 'https')",
            ),
        ),
    ),
    (
        12,
        "db-lazy-queryset-returned",
        "master_app/sessions.py",
        (
            (
                "master_app/sessions.py",
                "return set(living.values_list('pk', flat=True)), active.in_bulk(pks)",
                "return living.values_list('pk', flat=True), active.in_bulk(pks)",
            ),
        ),
    ),
    (
        17,
        "settings-logging-refused",
        "webapp/settings.py",
        (
            (
                "webapp/settings.py",
                "'handlers': ['lines'], 'level': 'INFO', 'propagate'",
                "'handlers': ['line'], 'level': 'INFO', 'propagate'",
            ),
        ),
    ),
    (
        17,
        None,
        "master_app/sockets.py",
        (
            (
                "master_app/sockets.py",
                "metrics.CLOSED.labels(self.code).inc()",
                "metrics.CLOSED.inc()",
            ),
        ),
    ),
]

RIGHT: list[Right] = [
    (
        17,
        "a partial hears the signal",
        (
            (
                "master_app/leaving.py",
                "            loop = asyncio.get_running_loop()\n            signal.signal(\n                signal.SIGTERM,\n                lambda *_: loop.call_soon_threadsafe(begin),\n            )\n",
                '            loop = asyncio.get_running_loop()\n            signal.signal(signal.SIGTERM, partial(heard, loop))\n\n\ndef heard(loop, number, frame):\n    """Let the loop begin, outside of the signal handler."""\n    loop.call_soon_threadsafe(begin)\n',
            ),
            (
                "master_app/leaving.py",
                "import signal\n",
                "import signal\nfrom functools import partial\n",
            ),
            (
                "master_app/sockets.py",
                "        logger.info(what, extra={'facts': {'user': self.user, **facts}})",
                "        noted = {'user': self.user} | facts\n        logger.info(what, extra={'facts': noted})",
            ),
        ),
    ),
    (
        18,
        "everyone at once",
        (
            (
                "counter/pulse.py",
                "        for consumer in list(here):\n            await consumer.send_json({'type': 'pulse'})\n",
                "        pulse = {'type': 'pulse'}\n        await asyncio.gather(*(one.send_json(pulse) for one in tuple(here)))\n",
            ),
            (
                "counter/consumers.py",
                "        match message:\n            case Since(call=known):\n                for call in await calls.since(known):\n                    await self.send_json(call)\n            case Seen():\n                self.unseen = 0\n            case Next(desk=desk) if self.scope['user'].is_staff:\n                await database_sync_to_async(calls.make)(desk)\n            case Next():\n                await self.send_json({'type': 'no', 'why': 'Staff only.'})\n",
                "        if isinstance(message, Since):\n            for call in await calls.since(message.call):\n                await self.send_json(call)\n        elif isinstance(message, Seen):\n            self.unseen = 0\n        elif self.scope['user'].is_staff:\n            await database_sync_to_async(calls.make)(message.desk)\n        else:\n            await self.send_json({'type': 'no', 'why': 'Staff only.'})\n",
            ),
            (
                "counter/consumers.py",
                "from counter.messages import Next, Seen, Since, incoming",
                "from counter.messages import Seen, Since, incoming",
            ),
        ),
    ),
    (
        8,
        "a route for what a narrower one leaves over",
        (
            (
                "master_app/routing.py",
                "    path('ws/readings/', ReadingsConsumer.as_asgi()),\n",
                "    path('ws/readings/', ReadingsConsumer.as_asgi()),\n    path('ws/readings/<int:number>/', ReadingsConsumer.as_asgi()),\n    path('ws/readings/<str:name>/', ReadingsConsumer.as_asgi()),\n",
            ),
        ),
    ),
]

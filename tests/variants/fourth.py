# ruff: noqa: E501  (the projects' own lines)
"""Mistakes of a fourth batch, in the checkpoints themselves, of every step.

What was missing each time: messages that a class describes, events that a class
makes, queries behind managers and properties, and what stands in a helper.
"""

from __future__ import annotations

from shapes import Change

READINGS, CONSUMERS = "master_app/readings.py", "master_app/consumers.py"
Wrong = tuple[int, str | None, str, tuple[Change, ...]]
Right = tuple[int, str, tuple[Change, ...]]

NEW = """\
    last = next(numbers)
    return {'type': 'reading', 'id': last, 'value': value}
"""
DATACLASS = (
    (
        READINGS,
        "from itertools",
        "from dataclasses import asdict, dataclass\nfrom itertools",
    ),
    (
        READINGS,
        "def new(",
        "@dataclass\nclass Reading:\n    id: int\n    value: int\n    type: str = 'reading'\n\n\ndef new(",
    ),
)
EVENT = """\
@dataclass
class Event:
    reading: dict
    type: str = '{kind}'


async def publish(value):
    await get_channel_layer().group_send(GROUP, asdict(Event(new(value))))


async def _publish("""
DATACLASS_EVENT = (
    READINGS,
    "from itertools",
    "from dataclasses import asdict, dataclass\nfrom itertools",
)

ASGI, MIDDLEWARE = "webapp/asgi.py", "master_app/middleware.py"
MODELS = "master_app/models.py"
TYPED = (
    (READINGS, "from itertools", "from typing import TypedDict\nfrom itertools"),
    (
        READINGS,
        "def new(",
        "class Event(TypedDict):\n    type: str\n    reading: dict\n    at: object\n\n\ndef new(",
    ),
    (
        READINGS,
        "{'type': 'readings.new', 'reading': new(value)}",
        "Event(type='readings.new', reading=new(value), at={at})",
    ),
)


def typed(moment: str) -> tuple[Change, ...]:
    """The event as a typed dict, with a moment in it."""
    imports = (
        READINGS,
        "from channels.layers",
        "from django.utils.timezone import now\nfrom channels.layers",
    )
    return (imports, *((f, old, new.replace("{at}", moment)) for f, old, new in TYPED))


FRESH = """\
from channels.middleware import BaseMiddleware
from django.contrib.auth import get_user_model


class Fresh(BaseMiddleware):
    {kind}def again(self, user):
        people = get_user_model()._default_manager
        return {wait}people.filter(pk=user.pk).{first}()

    async def __call__(self, scope, receive, send):
        if scope['user'].is_authenticated:
            scope = {{**scope, 'user': {wait}self.again(scope['user'])}}
        return await super().__call__(scope, receive, send)
"""
FRESH_ASGI = (
    (
        ASGI,
        "URLRouter(websocket_urlpatterns)",
        "Fresh(URLRouter(websocket_urlpatterns))",
    ),
    (
        ASGI,
        "from master_app.routing",
        "from master_app.middleware import Fresh  # noqa: E402\nfrom master_app.routing",
    ),
)
MANAGER = (
    (
        MODELS,
        "class Reading(",
        "class Readings(models.Manager):\n    @property\n    def last(self):\n        return self.aggregate(last=models.Max('id'))['last'] or 0\n\n\nclass Reading(",
    ),
    (MODELS, "db_index=True)\n", "db_index=True)\n    objects = Readings()\n"),
)
LAST, PAGE = (
    "last = await readings.newest()",
    "    return [message(reading) for reading in page if reading.id not in known]",
)

ROUTING, SETTINGS, VIEWS = (
    "master_app/routing.py",
    "webapp/settings.py",
    "master_app/views.py",
)
WORKERS, ORIGINS, COMPOSE = (
    "master_app/workers.py",
    "master_app/origins.py",
    "compose.yaml",
)
CLIENTS = "master_app/tests/clients.py"


def routed(prefix: str) -> tuple[Change, ...]:
    """Routes that a loop makes."""
    text = f"""\
from django.urls import re_path

from master_app import consumers

SOCKETS = {{'whole1': consumers.PracticeConsumer}}

websocket_urlpatterns = [
    re_path('{prefix}ws/' + name + '/$', one.as_asgi())
    for name, one in SOCKETS.items()
]
"""
    return ((ROUTING, None, text),)


def coded(many: int) -> tuple[Change, ...]:
    """Close codes as members of an enumeration."""
    return (
        (CONSUMERS, "import time\n", "import time\nfrom enum import IntEnum\n"),
        (
            CONSUMERS,
            "LARGEST = ",
            f"class Why(IntEnum):\n    MANY = {many}\n\n\nLARGEST = ",
        ),
        (CONSUMERS, "close(4429)", "close(Why.MANY)"),
    )


def viewed(call: str) -> tuple[Change, ...]:
    """A view that is a class, with the broadcast as an attribute of it."""
    text = """\
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.shortcuts import render
from django.views import View

from master_app import readings


def page(request):
    return render(request, 'master_app/page.html')


class Publish(View):
    tell = staticmethod(async_to_sync(readings.publish))

"""
    return (
        (
            VIEWS,
            None,
            text
            + call
            + "\n        return HttpResponse(status=204)\n\n\npublish = Publish.as_view()\n",
        ),
    )


def layered(hosts: str) -> tuple[Change, ...]:
    """A layer that a function makes."""
    return (
        (
            SETTINGS,
            "CHANNEL_LAYERS = {",
            f"def layer(url):\n    return {{'BACKEND': 'channels_redis.core.RedisChannelLayer', 'CONFIG': {{'hosts': {hosts}}}}}\n\n\nCHANNEL_LAYERS = {{",
        ),
        (
            SETTINGS,
            "'default': {\n",
            "'default': layer(REDIS_URL) if REDIS_URL else {\n",
        ),
        (
            SETTINGS,
            "        'BACKEND': 'channels_redis.pubsub.RedisPubSubChannelLayer',\n        'CONFIG': {'hosts': [REDIS_URL]},\n    } if REDIS_URL else {\n",
            "",
        ),
    )


def checked(answer: str) -> tuple[Change, ...]:
    """A check of the origin of the project's own."""
    text = f"""\
from channels.security.websocket import OriginValidator


class Ours(OriginValidator):
    def valid_origin(self, parsed_origin):
        return {answer}
"""
    return (
        (ORIGINS, None, text),
        (ASGI, "from channels.security.websocket import OriginValidator\n", ""),
        (ASGI, "OriginValidator(", "Ours("),
        (
            ASGI,
            "from master_app.routing",
            "from master_app.origins import Ours  # noqa: E402\nfrom master_app.routing",
        ),
    )


def worked(name: str) -> tuple[Change, ...]:
    """The router's table in another module."""
    return (
        (
            WORKERS,
            "round(psutil.cpu_percent()))\n",
            f"round(psutil.cpu_percent()))\n\n\nALL = {{{name}: MeasureConsumer}}\n",
        ),
        (
            ASGI,
            "{MEASURE: MeasureConsumer.as_asgi()}",
            "{\n        name: one.as_asgi() for name, one in ALL.items()\n    }",
        ),
        (ASGI, "import MeasureConsumer", "import ALL"),
    )


def composed(target: str) -> tuple[Change, ...]:
    """A server whose arguments stand below its entrypoint."""
    text = f"""\
services:
  web:
    build: .
    entrypoint: ["python", "-m", "daphne"]
    command:
      - --bind
      - 0.0.0.0
      - {target}
  worker:
    build: .
    command: python manage.py runworker measure --layer jobs
"""
    return ((COMPOSE, None, text),)


HANDED = ("master_app/fanout.py", "list(here)  # others come and go meanwhile", "here")

STORED = """\
    reading = Reading.objects.create(value=value)
    transaction.on_commit(lambda: tell(message(reading)))
"""


def stored(then: str) -> tuple[Change, ...]:
    """A transaction as a decorator, and what is done in it."""
    text = f"    reading = Reading(value=value)\n    reading.save()\n    {then}\n"
    return (
        (READINGS, "def store(", "@transaction.atomic\ndef store("),
        (READINGS, STORED, text),
    )


COLUMN = (
    MODELS,
    "    moment =",
    "    unit = models.CharField(max_length=8, default='%')\n    moment =",
)
COLUMN_ADDED = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('master_app', '0001_reading')]
    operations = [
        migrations.AddField('reading', 'unit', models.CharField(default='%', max_length=8)),
    ]
"""

LIVE, PRESENCE, JOBS = (
    "master_app/static/master_app/live.js",
    "master_app/presence.py",
    "master_app/jobs.py",
)
OPENED, CLOSED = (
    "    this.socket.onopen = () => this.onState('connected');\n",
    "this.socket.onclose = () => this.wait();",
)


def greeted(where: str) -> tuple[Change, ...]:
    """A greeting by a method that calls the socket by another name."""
    return (
        (
            LIVE,
            "  wait() {",
            "  greet() {\n    const { socket: own } = this;\n    own.send('hi');\n  }\n\n  wait() {",
        ),
        (
            LIVE,
            OPENED,
            OPENED + "    this.greet();\n"
            if where == "after"
            else OPENED.replace("this.on", "this.greet() || this.on"),
        ),
    )


def timed(end: str) -> tuple[Change, ...]:
    """A timer for each connection."""
    return (
        (LIVE, OPENED, "    this.socket.onopen = () => this.begin();\n"),
        (
            LIVE,
            "  wait() {",
            f"  begin() {{\n    this.onState('connected');\n    this.ping = setInterval(() => this.send('ping'), 5000);\n  }}\n\n  wait() {{\n    {end}",
        ),
    )


AGAIN = (LIVE, CLOSED, "this.socket.addEventListener('close', () => this.again());")
CAUGHT = (
    PRESENCE,
    "        await asyncio.sleep(TURN)\n        try:\n",
    "        try:\n            await asyncio.sleep(TURN)\n",
)
TAKE = "        return await redis.set(f'job:{job[\"id\"]}', '', nx=True, ex=EXPIRY)\n"
KEPT = "batch.set(f'here:{consumer.channel_name}', '', px=EXPIRY)"

PUBLISH = "publish = database_sync_to_async(store)  # the same, for async code\n"
AWAITED = """\
async def publish(value):
    async with transaction.atomic():
        reading = await Reading.objects.acreate(value=value)
    tell = get_channel_layer().group_send
    await tell(GROUP, {'type': 'readings.new', 'reading': message(reading)})
"""

LEAVING = "group_discard(\n            readings.GROUP, self.channel_name"

WRONG: list[Wrong] = [
    (
        10,
        "group-no-discard",
        CONSUMERS,
        ((CONSUMERS, LEAVING, LEAVING.replace("readings.GROUP", "'reading'")),),
    ),
    (
        11,
        "settings-channel-layer-config-unknown",
        SETTINGS,
        ((SETTINGS, "{'hosts': [REDIS_URL]}", "{'host': REDIS_URL}"),),
    ),
    (13, "db-orm-in-async-consumer", READINGS, ((READINGS, PUBLISH, AWAITED),)),
    (
        10,
        "group-message-without-type",
        READINGS,
        ((READINGS, "'type': 'readings.new', ", ""),),
    ),
    (
        10,
        "group-sends-raw-websocket-event",
        READINGS,
        ((READINGS, "readings.new", "websocket.send"),),
    ),
    (7, "client-send-before-open", LIVE, greeted("after")),
    (7, "client-timer-for-each-connection", LIVE, timed("")),
    (
        7,
        "client-reconnects-without-pause",
        LIVE,
        (
            AGAIN,
            (
                LIVE,
                "  wait() {",
                "  again() {\n    this.onState('gone');\n    this.open();\n  }\n\n  wait() {",
            ),
        ),
    ),
    (
        11,
        "load-task-cannot-be-cancelled",
        PRESENCE,
        (
            CAUGHT,
            (
                PRESENCE,
                "except RedisError",
                "except (RedisError, asyncio.CancelledError)",
            ),
        ),
    ),
    (
        11,
        "redis-key-never-expires",
        PRESENCE,
        ((PRESENCE, KEPT, "batch.set('here:' + consumer.channel_name, '1')"),),
    ),
    (
        14,
        "worker-job-taken-twice",
        JOBS,
        (
            (
                JOBS,
                TAKE,
                "        key = 'job:' + job['id']\n        if await redis.get(key) is not None:\n            return\n        return await redis.set(key, '1', ex=EXPIRY)\n",
            ),
        ),
    ),
    (
        16,
        "deploy-proxy-header-misnamed",
        SETTINGS,
        ((SETTINGS, "'HTTP_X_FORWARDED_PROTO'", "'X_FORWARDED_PROTO'"),),
    ),
    (
        13,
        "db-migration-missing",
        MODELS,
        (
            (
                MODELS,
                "class Reading",
                "class Place(models.Model):\n    name = models.TextField()\n\n\nclass Reading",
            ),
        ),
    ),
    (13, "db-told-before-commit", READINGS, stored("tell(message(reading))")),
    (6, "routing-leading-slash-in-pattern", ROUTING, routed("^/")),
    (8, "consumer-close-code-not-allowed", CONSUMERS, coded(429)),
    (
        9,
        "test-communicator-call-not-awaited",
        CLIENTS,
        (
            (
                CLIENTS,
                "accepted, code = await guest.connect(timeout=SECONDS)\n    assert accepted, f'{path} refuses with {code}'",
                "if not guest.connect(timeout=SECONDS):\n        raise AssertionError(path)",
            ),
        ),
    ),
    (
        10,
        "group-async-view-with-async-to-sync",
        VIEWS,
        viewed(
            "    async def post(self, request):\n        self.tell(int(request.POST['value']))"
        ),
    ),
    (11, "redis-hosts-is-a-string", SETTINGS, layered("url")),
    (12, "origin-validator-missing", ORIGINS, checked("parsed_origin is not None")),
    (14, "worker-router-name-differs", WORKERS, worked("'measurements'")),
    (15, "load-set-changes-while-iterated", "master_app/fanout.py", (HANDED,)),
    (16, "deploy-daphne-with-wsgi", COMPOSE, composed("webapp.wsgi:application")),
    (11, "redis-message-not-serialisable", READINGS, typed("now()")),
    (
        12,
        "auth-middleware-queries-synchronously",
        MIDDLEWARE,
        (
            *FRESH_ASGI,
            (MIDDLEWARE, None, FRESH.format(kind="", wait="", first="first")),
        ),
    ),
    (
        13,
        "db-orm-in-async-consumer",
        MODELS,
        (
            *MANAGER,
            (
                CONSUMERS,
                LAST,
                "from master_app.models import Reading\n        last = Reading.objects.last",
            ),
        ),
    ),
    (13, "db-lazy-queryset-returned", READINGS, ((READINGS, PAGE, "    return page"),)),
    (
        13,
        "db-lazy-queryset-returned",
        READINGS,
        ((READINGS, PAGE, "    return (message(one) for one in page)"),),
    ),
    (
        8,
        "db-model-instance-in-event",
        CONSUMERS,
        (
            *DATACLASS,
            (
                READINGS,
                NEW,
                "    last = next(numbers)\n    return Reading(last, value)\n",
            ),
        ),
    ),
    (
        10,
        "group-handler-missing-closes-everyone",
        CONSUMERS,
        (
            DATACLASS_EVENT,
            (READINGS, "async def publish(", EVENT.format(kind="reading.new")),
        ),
    ),
]
RIGHT: list[Right] = [
    (
        10,
        "same-group",
        ((CONSUMERS, LEAVING, LEAVING.replace("readings.GROUP", "'readings'")),),
    ),
    (
        13,
        "row-and-event",
        (
            (
                READINGS,
                PUBLISH,
                AWAITED.replace(
                    "async with transaction.atomic():", "if value is not None:"
                ),
            ),
        ),
    ),
    (7, "greeting-when-open", greeted("then")),
    (7, "timer-that-ends", timed("clearInterval(this.ping);\n    ")),
    (
        7,
        "pause-elsewhere",
        (
            AGAIN,
            (
                LIVE,
                "  wait() {",
                "  again() {\n    setTimeout(() => this.open(), 500);\n  }\n\n  wait() {",
            ),
        ),
    ),
    (
        11,
        "cancelled",
        (
            CAUGHT,
            (
                PRESENCE,
                "except RedisError",
                "except asyncio.CancelledError:\n            raise\n        except BaseException",
            ),
        ),
    ),
    (
        11,
        "expires-later",
        (
            (
                PRESENCE,
                KEPT,
                "batch.set(f'here:{consumer.channel_name}', '1')\n            batch.pexpire(f'here:{consumer.channel_name}', EXPIRY)",
            ),
        ),
    ),
    (
        14,
        "asked-and-set",
        (
            (
                JOBS,
                TAKE,
                "        key = 'job:' + job['id']\n        if not await redis.set(key, '1', ex=EXPIRY, nx=True):\n            return False\n        return True\n",
            ),
        ),
    ),
    (
        13,
        "migrated",
        (COLUMN, ("master_app/migrations/0002_unit.py", None, COLUMN_ADDED)),
    ),
    (
        13,
        "told-on-commit",
        (
            *stored("transaction.on_commit(partial(tell, message(reading)))"),
            (READINGS, "from asgiref", "from functools import partial\n\nfrom asgiref"),
        ),
    ),
    (6, "routes-of-a-loop", routed("^")),
    (8, "enumerated-codes", coded(4429)),
    (
        10,
        "view-with-a-wrapper",
        viewed(
            "    def post(self, request):\n        self.tell(int(request.POST['value']))"
        ),
    ),
    (11, "layer-of-a-function", layered("[url]")),
    (12, "own-check", checked("super().valid_origin(parsed_origin)")),
    (14, "router-of-a-loop", worked("jobs.MEASURE")),
    (16, "entrypoint", composed("webapp.asgi:application")),
    (11, "typed-dict", typed("now().isoformat()")),
    (
        12,
        "middleware",
        (
            *FRESH_ASGI,
            (
                MIDDLEWARE,
                None,
                FRESH.format(kind="async ", wait="await ", first="afirst"),
            ),
        ),
    ),
    (
        13,
        "manager",
        (
            *MANAGER,
            (
                CONSUMERS,
                LAST,
                "last = await database_sync_to_async(lambda: Reading.objects.last)()",
            ),
            (
                CONSUMERS,
                "from pydantic",
                "from channels.db import database_sync_to_async\nfrom master_app.models import Reading\nfrom pydantic",
            ),
        ),
    ),
    (
        13,
        "list-in-a-thread",
        (
            (
                READINGS,
                PAGE,
                "    fresh = (one for one in page if one.id not in known)\n"
                "    return list(map(message, fresh))",
            ),
        ),
    ),
    (
        8,
        "dataclass",
        (
            *DATACLASS,
            (
                READINGS,
                NEW,
                "    last = next(numbers)\n    return asdict(Reading(last, value))\n",
            ),
        ),
    ),
    (
        10,
        "dataclass-event",
        (
            DATACLASS_EVENT,
            (READINGS, "async def publish(", EVENT.format(kind="readings.new")),
        ),
    ),
]

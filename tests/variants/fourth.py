# ruff: noqa: E501  (the projects' own lines)
"""Mistakes of a fourth batch, in the checkpoints themselves, of every step.

What was missing each time: messages that a class describes, events that a class
makes, queries behind managers and properties, and what stands in a helper.
"""

from __future__ import annotations

from shapes import Change

READINGS, CONSUMERS = "master_app/readings.py", "master_app/consumers.py"
Wrong = tuple[int, str, str, tuple[Change, ...]]
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

WRONG: list[Wrong] = [
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
                "    return list(map(message, page.exclude(id__in=known)))",
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

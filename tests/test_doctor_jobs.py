"""Rules on workers and their jobs that read the source: right and wrong spellings."""

from __future__ import annotations

from pathlib import Path

import pytest
from looked import Files, evidence, said

from tutor.doctor.rules.groups import jobs, workers
from tutor.doctor.rules.suites import testing

ASGI = """\
from channels.routing import ChannelNameRouter, ProtocolTypeRouter
from orders import work
from orders.names import PRINT
application = ProtocolTypeRouter({
    "channel": ChannelNameRouter({
        PRINT: work.Printer.as_asgi(),
    }),
})
"""
WORK = """\
from channels.consumer import SyncConsumer
class Printer(SyncConsumer):
    def print_order(self, message):
        pass
"""
NAMES = 'PRINT = "print"\n'
SEND = """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from orders.names import PRINT
def order(request):
    layer = get_channel_layer("slow")
    async_to_sync(layer.send)(PRINT, {"type": "print.order", "id": 1})
"""
BY_HAND = """\
from channels.layers import get_channel_layer
LAYER = get_channel_layer("slow")
async def ask(channel, what, **more):
    await LAYER.send(channel, {**more, "type": what})
async def order(request):
    await ask("print", what="print.order", id=1)
"""
LAYERS = """\
import os
MEMORY = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
REDIS = {"BACKEND": "channels_redis.core.RedisChannelLayer"}
CHANNEL_LAYERS = {
    "default": REDIS if os.environ.get("R") else MEMORY,
    "slow": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
}
"""
SHOP = {
    "shop/asgi.py": ASGI,
    "shop/settings.py": "",
    "orders/work.py": WORK,
    "orders/names.py": NAMES,
    "orders/views.py": SEND,
}
WORKER = "web: daphne shop.asgi:application\nwork: python manage.py runworker "
JOBS: dict[str, tuple[Files, str | None, str | None, int | None]] = {
    "right": ({}, None, None, None),
    "right through a function": ({"orders/views.py": BY_HAND}, None, None, None),
    "right with a worker": (
        {"Procfile": WORKER + "print --layer slow"},
        None,
        None,
        None,
    ),
    "right with two workers": (
        {"Procfile": WORKER + "print mail --layer=slow\n"},
        None,
        None,
        None,
    ),
    "a handler of another name": (
        {"orders/work.py": WORK.replace("print_order", "print")},
        "worker-handler-missing",
        "orders/work.py",
        2,
    ),
    "the same through a function": (
        {
            "orders/views.py": BY_HAND,
            "orders/work.py": WORK.replace("print_order", "order_print"),
        },
        "worker-handler-missing",
        "orders/work.py",
        2,
    ),
    "a dispatch of its own": (
        {"orders/work.py": WORK.replace("print_order", "dispatch")},
        None,
        None,
        None,
    ),
    "a router with another name": (
        {"shop/asgi.py": ASGI.replace("PRINT:", '"printer":')},
        "worker-router-name-differs",
        "shop/asgi.py",
        6,
    ),
    "one of two jobs with a letter too few": (
        {"orders/later.py": SEND.replace("PRINT,", '"prin",')},
        "worker-listens-to-another-name",
        "orders/later.py",
        6,
    ),
    "a router made elsewhere": (
        {
            "shop/asgi.py": ASGI.replace(
                "{\n        PRINT", "work.table or {\n        PRINT"
            )
        },
        None,
        None,
        None,
    ),
    "a worker with another name": (
        {"Procfile": WORKER + "printer --layer slow"},
        "worker-listens-to-another-name",
        "Procfile",
        2,
    ),
    "a worker with a variable": ({"Procfile": WORKER + "$NAMES"}, None, None, None),
    "a worker on the default layer": (
        {"Procfile": WORKER + "print"},
        "worker-on-another-layer",
        "Procfile",
        2,
    ),
    "a worker without names": (
        {"Procfile": WORKER + "-v 2"},
        "worker-without-channel-names",
        "Procfile",
        2,
    ),
    "no worker": (
        {"Procfile": "web: daphne shop.asgi:application"},
        "worker-not-started",
        "Procfile",
        1,
    ),
    "no worker in one unit": (
        {"a.service": "[Service]\nExecStart=daphne shop.asgi:application\n"},
        None,
        None,
        None,
    ),
    "memory": (
        {"shop/settings.py": LAYERS},
        "worker-with-inmemory-layer",
        "shop/settings.py",
        4,
    ),
    "memory unless": (
        {"shop/settings.py": LAYERS.replace('"slow": {', '"slow": REDIS or {')},
        None,
        None,
        None,
    ),
    "memory in development": (
        {"shop/settings.py": LAYERS, "shop/production.py": "CHANNEL_LAYERS = {}\n"},
        None,
        None,
        None,
    ),
    "memory below an if": (
        {"shop/settings.py": LAYERS + "if REDIS:\n    CHANNEL_LAYERS = {}\n"},
        None,
        None,
        None,
    ),
}


@pytest.mark.parametrize("name", JOBS)
def test_jobs(name: str, tmp_path: Path) -> None:
    files, *expected = JOBS[name]
    found = said(jobs.rules(evidence(tmp_path, SHOP | files)))
    assert found == ([tuple(expected)] if expected[0] else [])


def test_a_worker_without_its_command(tmp_path: Path) -> None:
    seen = evidence(tmp_path, SHOP, commands=["runserver"])
    assert said(jobs.rules(seen))[0][0] == "worker-command-unknown"


def test_what_a_library_has_changed_is_told_last() -> None:
    assert workers.LATEST > testing.RANK


@pytest.mark.parametrize("wrong", [True, False])
def test_a_router_of_names_takes_a_dict(wrong: bool, tmp_path: Path) -> None:
    held = "[('print', work.Printer.as_asgi())]"
    listed = ASGI.replace("{\n        PRINT: work.Printer.as_asgi(),\n    }", held)
    files = {"shop/asgi.py": listed if wrong else ASGI}
    seen = evidence(tmp_path, SHOP | files)
    seen.walk["protocols"]["channel"] = {}
    found = said(workers.rules(seen))
    assert found == [("asgi-router-without-mapping", "shop/asgi.py", 5)] * wrong

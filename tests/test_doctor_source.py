"""Rules that read the source and nothing else: right spellings, and wrong ones."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from looked import LEAF, MODELS, USER, evidence, said

from tutor.doctor.rules.browser import scripts
from tutor.doctor.rules.consumers import crashes, dates, threads, unset
from tutor.doctor.rules.database import related
from tutor.doctor.rules.groups import packed, within
from tutor.doctor.rules.project import causes
from tutor.doctor.rules.python import bindings
from tutor.doctor.rules.routing import narrow, routes

TOUCHED = {
    "if user.groups.count(): pass": True,
    "names = sorted(self.scope['user'].groups.values_list('name'))": True,
    "for one in user.groups.all(): pass": True,
    "self.names = {g.name for g in self.scope.get('user').groups.filter(x=1)}": True,
    "if not user.has_perm('orders.see'): return": True,
    "row = await Order.objects.aget(pk=1); self.name = row.shop.name": True,
    "row = await Order.objects.order_by('at').afirst(); str(row.shop)": True,
    "async for one in user.groups.all(): pass": False,
    "names = [g async for g in user.groups.all()]": False,
    "if await user.groups.acount(): pass": False,
    "if not await sync_to_async(user.has_perm)('orders.see'): return": False,
    "n = await sync_to_async(lambda: len(user.groups.all()))()": False,
    "row = await Order.objects.select_related('shop').aget(pk=1); row.shop": False,
    "row = await Order.objects.aget(pk=1); self.pk = row.shop_id; row.at": False,
    "row = await Order.objects.aget(pk=1); row.shop = None": False,
    "self.query = user.groups.all()": False,
    "await self.channel_layer.group_add(user.username, self.channel_name)": False,
}


@pytest.mark.parametrize("line", TOUCHED)
def test_what_a_row_leads_to(line: str, tmp_path: Path) -> None:
    files = {
        "orders/sockets.py": USER.replace("HERE", line),
        "orders/models.py": MODELS,
    }
    found = said(related.rules(evidence(tmp_path, files)))
    wrong = [("db-related-object-touched-later", "orders/sockets.py", 7)]
    assert found == (wrong if TOUCHED[line] else [])


INSIDE = """\
from channels.generic.websocket import AsyncJsonWebsocketConsumer
class Orders(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content):
        await self.channel_layer.group_send("all", {"type": "order.made"})
    async def order_made(self, event):
        await self.send_json({"kind": "new"})
"""


@pytest.mark.parametrize(
    ("names", "inside"),
    [
        ("", {"order.made"}),
        ("def later():\n    return None\n", {"order.made"}),
        ("class Kind:\n    MADE = 'order.made'\n", set()),
        ("MADE = 'order.made'\n", set()),
    ],
)
def test_a_type_with_a_name_may_be_a_clients_word(
    names: str, inside: set[str], tmp_path: Path
) -> None:
    files = {"orders/sockets.py": INSIDE, "orders/names.py": names}
    assert within.only_inside(evidence(tmp_path, files)) == inside


@pytest.mark.parametrize(
    ("text", "is_ours"),
    [
        ("const one = 1;\n", True),
        ("/*! A library v3 | its license */\nconst one = 1;\n", False),
        (f"const one = '{'1' * 3000}';\n", False),
        ("/*! Bundled */\nnew WebSocket('ws://' + location.host + '/ws/');\n", True),
    ],
)
def test_a_library_is_passed_over(text: str, is_ours: bool, tmp_path: Path) -> None:
    seen = evidence(tmp_path, {"orders/static/one.js": text})
    assert bool(scripts.texts(seen)) is is_ours


def test_a_key_that_stands_twice(tmp_path: Path) -> None:
    text = "SAME = {'a': 1, 'a': 1}\n"
    text += "LAYERS = {\n    'one': {},\n    'one': {'b': 2},\n}\n"
    seen = evidence(tmp_path, {"shop/settings.py": text})
    wanted = ("python-defined-twice", "shop/settings.py", 4)
    assert wanted in said(bindings.rules(seen)) and len([*bindings.rules(seen)]) == 1


def test_a_method_that_python_names(tmp_path: Path) -> None:
    text = "class ShopConfig:\n    def ready():\n        pass\n"
    seen = evidence(tmp_path, {"shop/apps.py": text})
    told = "ShopConfig.ready() takes 0 positional arguments but 1 was given"
    link = {"type": "TypeError", "text": told, "bases": [], "frames": []}
    found = causes.cause(seen, [link], "apps", (None, None))
    assert found[:2] == ("python-arguments-differ", ("shop/apps.py", 2))


@pytest.mark.parametrize("held", ['scope["url_route"]', "scope"])
def test_what_a_route_captures_is_deeper(held: str, tmp_path: Path) -> None:
    text = "class Orders:\n    def connect(self):\n"
    text += f'        self.shop = self.{held}["shop"]\n'
    at = {"file": "orders/sockets.py", "line": 3, "name": "connect", "own": True}
    link = {"type": "KeyError", "module": "builtins", "text": "'shop'", "at": at}
    link |= {"bases": ["KeyError", "Exception"], "frames": [at]}
    seen = evidence(tmp_path, {"orders/sockets.py": text})
    leaf = LEAF | {"steps": [{"regex": "", "names": ["shop"]}]}
    found = crashes.explain(seen, crashes.Crash([link], "websocket.connect", "", leaf))
    assert found is not None and found.slug == "routing-kwarg-name-differs"
    assert "['kwargs']" in found.hint


def test_stop_iteration_is_no_stop_consumer(tmp_path: Path) -> None:
    text = "def websocket_disconnect(self, event):\n\n    raise StopIteration\n"
    seen = evidence(tmp_path, {"orders/sockets.py": text})
    at = {"file": "orders/sockets.py", "line": 3, "name": "x", "own": True}
    link = {"type": "StopIteration", "module": "builtins", "text": "", "at": at}
    link |= {"bases": ["Exception"], "frames": [at]}
    crash = crashes.Crash([link], "websocket.disconnect", "", LEAF)
    found = crashes.explain(seen, crash)
    assert found is not None and found.slug == "consumer-no-stopconsumer"


def test_what_only_json_consumers_have_is_told(tmp_path: Path) -> None:
    text = INSIDE.replace("AsyncJsonWebsocketConsumer", "AsyncWebsocketConsumer")
    seen = evidence(tmp_path, {"orders/sockets.py": text})
    at = {"file": "orders/sockets.py", "line": 6, "name": "order_made", "own": True}
    told = "'Orders' object has no attribute 'send_json'"
    link = {"type": "AttributeError", "module": "builtins", "text": told, "at": at}
    link |= {"bases": ["Exception"], "frames": [at]}
    crash = crashes.Crash([link], "websocket.receive", "json", LEAF)
    found = crashes.explain(seen, crash)
    assert found is not None and found.hint == unset.OF_JSON


UNCHECKED = "consumer-unvalidated-input-closes-socket"


@pytest.mark.parametrize(
    ("line", "kind", "told", "slug"),
    [
        (
            "await self.send({'text': 'x'})",
            "KeyError",
            "'type'",
            "consumer-send-type-misspelled",
        ),
        (
            "await self.send({'type': x['type']})",
            "KeyError",
            "'type'",
            UNCHECKED,
        ),
        ("dice(6, 1)", "ValueError", "empty range", None),
        (
            "a = json.loads(event); dice(a['n'])",
            "TypeError",
            'can only concatenate str (not "int") to str',
            UNCHECKED,
        ),
        ("dice('a')", "TypeError", 'can only concatenate str (not "int")', None),
        ("self.close()", "TypeError", "'bool' object is not callable", None),
        (
            "await Order.objects.acreate(shop=event['text'])",
            "ValueError",
            'Cannot assign "\'a\'": "Order.shop" must be a "Shop" instance.',
            "db-object-expected",
        ),
        (
            "await Order.objects.acreate(**event)",
            "TypeError",
            "Order() got unexpected keyword arguments: 'odd'",
            "db-field-unknown",
        ),
        (
            "await self.accept(self.scope['subprotocols'][0])",
            "IndexError",
            "list index out of range",
            "consumer-subprotocol-not-offered",
        ),
        ("a, b = event.split(':')", "ValueError", "not enough values", UNCHECKED),
    ],
)
def test_what_python_says_of_a_line(
    line: str, kind: str, told: str, slug: str | None, tmp_path: Path
) -> None:
    text = "class Orders:\n    async def websocket_receive(self, event):\n"
    text += f"        {line}\n"
    seen = evidence(tmp_path, {"orders/sockets.py": text})
    at = {"file": "orders/sockets.py", "line": 3, "name": "x", "own": True}
    link = {"type": kind, "module": "builtins", "text": told, "at": at}
    link |= {"bases": [kind], "frames": [at]}
    leaf = LEAF | {"steps": []}
    crash = crashes.Crash([link], "websocket.receive", "json", leaf)
    found = crashes.explain(seen, crash)
    assert found is not None and found.slug == slug


@pytest.mark.parametrize(
    ("sent", "odd"), [("{'n', 1}", 1), ("{'n': {1, 2}}", 1), ("{'n': 1}", 0)]
)
def test_a_set_has_no_form_in_json(sent: str, odd: int, tmp_path: Path) -> None:
    text = INSIDE.replace('{"kind": "new"}', sent)
    seen = evidence(tmp_path, {"orders/sockets.py": text})
    assert len([*dates.rules(seen)]) == odd


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("ws/{room}/", "routing-parameter-misspelled"),
        ("ws/:room/", "routing-parameter-misspelled"),
        ("ws/<str:room>/", None),
    ],
)
def test_a_parameter_as_others_write_it(
    text: str, slug: str | None, tmp_path: Path
) -> None:
    step = {"text": text, "pattern": "RoutePattern", "hidden": False, "endpoint": True}
    leaf = LEAF | {"steps": [step | {"sample": text, "names": []}], "sample": text}
    seen = evidence(tmp_path, {"orders/routing.py": "routes = []\n"})
    found = [one.slug for one in routes._pattern(seen, leaf, 0)]
    assert found == ([slug] if slug else [])


@pytest.mark.parametrize(("key", "wrong"), [("shop_name", True), ("shop", False)])
def test_a_name_at_a_route_of_numbers(key: str, wrong: bool, tmp_path: Path) -> None:
    text = f"ws/<int:{key}>/"
    step = {"text": text, "regex": f"^ws/(?P<{key}>[0-9]+)/$", "names": [key]}
    files = {"shop/urls.py": f"routes = [path('<slug:{key}>/', page, name='shop')]\n"}
    seen = evidence(tmp_path, files, urlconf="shop.urls")
    seen.leaves[0] = LEAF | {"steps": [step]}
    found = [one.slug for one in narrow.rules(seen)]
    assert found == ["routing-room-name-not-matched-by-w"] * wrong


SAVED = """\
from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from orders.models import Order

@receiver(post_save, sender=Order)
def heard(sender, instance, **kwargs):
    def push():
        layer = get_channel_layer()
        async_to_sync(layer.group_send)("all", {"type": "new", "x": HERE})
    transaction.on_commit(push)
"""


@pytest.mark.parametrize(
    ("value", "wrong"),
    [("instance.at", True), ("instance.pk", False), ("instance.at.isoformat()", False)],
)
def test_a_function_in_a_receiver_has_its_row(
    value: str, wrong: bool, tmp_path: Path
) -> None:
    heard = "from asgiref.sync import async_to_sync\n" + SAVED.replace("HERE", value)
    seen = evidence(tmp_path, {"orders/heard.py": heard, "orders/models.py": MODELS})
    slug = "redis-message-not-serialisable"
    assert said(packed.rules(seen)) == [(slug, "orders/heard.py", 12)] * wrong
    outer = seen.source.functions["orders.heard.heard"]
    inner = outer.module.resolve(ast.Name("push"), outer)
    assert inner == "orders.heard.heard.<locals>.push"


VIEW = """\
import asyncio
from threading import Thread
from channels.layers import get_channel_layer
from django.db import transaction
async def told(): ...
def publish(request):
    layer = get_channel_layer()
    HERE
"""
LOST, ASYNC = "group-view-without-async-to-sync", "python-async-method-not-awaited"


@pytest.mark.parametrize(
    ("line", "slug"),
    [
        ("Thread(target=layer.group_send, args=('a', {})).start()", LOST),
        ("loop = asyncio.get_event_loop().run_until_complete(HIM)", LOST),
        ("transaction.on_commit(told)", ASYNC),
        ("Thread(target=print).start()", None),
        ("transaction.on_commit(publish)", None),
        ("asyncio.get_event_loop().run_until_complete(told())", None),
    ],
)
def test_who_awaits_what_a_thread_is_given(
    line: str, slug: str | None, tmp_path: Path
) -> None:
    view = VIEW.replace("HERE", line).replace("HIM", "layer.group_send('a', {})")
    found = said(threads.rules(evidence(tmp_path, {"orders/views.py": view})))
    assert found == ([(slug, "orders/views.py", 8)] if slug else [])

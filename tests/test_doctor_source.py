"""Rules that read the source and nothing else: right spellings, and wrong ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tutor.doctor import rules
from tutor.doctor.answers import Answers, Client
from tutor.doctor.child import Told
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access import users
from tutor.doctor.rules.browser import scripts
from tutor.doctor.rules.consumers import crashes, unset
from tutor.doctor.rules.database import related, tables
from tutor.doctor.rules.deployment import commands, proxy
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.groups import jobs, within, workers
from tutor.doctor.rules.project import application, apps, causes
from tutor.doctor.rules.project import said as words
from tutor.doctor.rules.python import bindings, slips
from tutor.doctor.rules.suites import testing
from tutor.doctor.source import Source

Files = dict[str, str]
LEAF = {
    "is": "consumer",
    "sample": "/ws/orders/",
    "consumer": "orders.sockets.Orders",
    "steps": [{"regex": "^ws/orders/$"}],
}
SETTINGS: dict[str, Any] = {
    "module": "shop.settings",
    "middleware": [],
    "debug": True,
    "static": "/static/",
    "layers": {"default": {}, "slow": {}},
}


def evidence(project: Path, files: Files, **settings: Any) -> Evidence:
    """What would be known of a project that was looked at; nothing is run."""
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    walk = {
        "kind": "walk",
        "protocols": {"http": {}, "websocket": {}},
        "leaves": [LEAF],
    }
    walk["origins"] = settings.pop("origins", None)
    there = settings.pop("commands", ("runserver", "runworker"))
    events = [
        {"kind": "settings", **SETTINGS, **settings},
        {"kind": "templates", "folders": ["orders/templates"]},
        {"kind": "static", "folders": ["orders/static"]},
        walk,
        *({"kind": "command", "name": name} for name in there),
    ]
    knocked = Client("c1", "/ws/orders/", None, 101)
    return Evidence(
        project,
        project,
        Told(events),
        Source(project, project),
        answers=Answers([knocked]),
        target="shop.asgi:application",
    )


def said(found: Iterable[Found]) -> list[tuple[str | None, str | None, int | None]]:
    return [(one.slug, *one.place) for one in found]


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


USER = """\
from channels.generic.websocket import AsyncWebsocketConsumer
from asgiref.sync import sync_to_async
from orders.models import Order
class Orders(AsyncWebsocketConsumer):
    async def connect(self):
        user = self.scope["user"]
        HERE
"""
MODELS = """\
from django.db import models
class Shop(models.Model):
    name = models.TextField()
class Order(models.Model):
    shop = models.ForeignKey(Shop, models.CASCADE)
    at = models.DateTimeField()
"""
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


READY = """\
from django.apps import AppConfig
class OrdersConfig(AppConfig):
    def ready(self):
        from orders.models import Order, count
        HERE
"""


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("Order.objects.count()", True),
        ("count()", True),
        ("self.count = count", False),
        ("from orders import signals", False),
        ("self.query = Order.objects.all()", False),
    ],
)
def test_an_app_that_gets_ready(line: str, wrong: bool, tmp_path: Path) -> None:
    models = MODELS + "def count():\n    return Order.objects.count()\n"
    files = {"orders/apps.py": READY.replace("HERE", line), "orders/models.py": models}
    found = said(tables.rules(evidence(tmp_path, files)))
    right = [("app-ready-queries-the-database", "orders/apps.py", 5)] if wrong else []
    assert found == right


def test_a_query_at_the_start_that_may_fail_is_advice(tmp_path: Path) -> None:
    lines = "try:\n            Order.objects.count()\n        except Exception:\n"
    files = {"orders/apps.py": READY.replace("HERE", f"{lines}            pass")}
    files["orders/models.py"] = MODELS
    (found,) = tables.rules(evidence(tmp_path, files))
    assert found.milder


VIEWS = """\
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.shortcuts import render
from django.views.generic import TemplateView
HERE
"""
FUNCTION = "def page(request):\n    return render(request, 'orders/all.html')"
KIND = """\
class Page(LoginRequiredMixin, TemplateView):
    template_name = 'orders/all.html'
"""
BARE = """\
from channels.generic.websocket import AsyncWebsocketConsumer
class Orders(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
"""
PAGE = {
    "orders/templates/orders/all.html": "<script src='{% static 'orders/all.js' %}'>",
    "orders/static/orders/all.js": "new WebSocket(`ws://${location.host}/ws/orders/`);",
    "orders/sockets.py": BARE,
}
STRANGERS: dict[str, tuple[Files, dict[str, Any], bool]] = {
    "a guarded page": ({"orders/views.py": f"@login_required\n{FUNCTION}"}, {}, True),
    "a guarded class": ({"orders/views.py": KIND}, {}, True),
    "a middleware": (
        {"orders/views.py": FUNCTION},
        {"middleware": [users.MIDDLEWARE]},
        True,
    ),
    "an open page": ({"orders/views.py": FUNCTION}, {}, False),
    "two pages, one open": (
        {
            "orders/views.py": f"@login_required\n{FUNCTION}",
            "orders/open.py": FUNCTION.replace("page", "other"),
        },
        {},
        False,
    ),
    "a consumer that looks": (
        {
            "orders/views.py": f"@login_required\n{FUNCTION}",
            "orders/sockets.py": USER.replace("HERE", "if not user.pk: return"),
        },
        {},
        False,
    ),
    "a consumer that only keeps": (
        {
            "orders/views.py": f"@login_required\n{FUNCTION}",
            "orders/sockets.py": USER.replace("HERE", "await self.accept()"),
        },
        {},
        True,
    ),
    "a consumer that asks whether there is one": (
        {
            "orders/views.py": f"@login_required\n{FUNCTION}",
            "orders/sockets.py": USER.replace("HERE", "if user: await self.accept()"),
        },
        {},
        True,
    ),
    "a consumer that lets look": (
        {
            "orders/views.py": f"@login_required\n{FUNCTION}",
            "orders/sockets.py": BARE.replace(
                "self.accept()", "doors.look(self.scope)"
            ),
        },
        {},
        False,
    ),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_whoever_knocks(name: str, tmp_path: Path) -> None:
    files, settings, wrong = STRANGERS[name]
    views = {
        file: VIEWS.replace("HERE", text)
        if file.endswith(("views.py", "open.py"))
        else text
        for file, text in files.items()
    }
    found = said(users.rules(evidence(tmp_path, PAGE | views, **settings)))
    file = "orders/sockets.py"
    line = 5 if "def connect" in files.get(file, "") else 3  # that, or the class
    expected = [("auth-anonymous-users-accepted", file, line)]
    assert found == (expected if wrong else [])


TOKEN = """\
from urllib.parse import parse_qs
from django.conf import settings
from IMPORTED
class Tokens:
    async def __call__(self, scope, receive, send):
        given = parse_qs(scope["query_string"].decode())
        scope["who"] = HERE
"""
LASTS = "rest_framework.authtoken.models import Token"


@pytest.mark.parametrize(
    ("imported", "asked", "wrong"),
    [
        (LASTS, 'given["token"][0]', True),
        (LASTS, 'await find(given.get("access_token"))', True),
        (LASTS, 'given.get("ticket")', False),
        (LASTS, 'given.get("key")', False),
        ("orders import find", 'await find(given["token"][0])', False),
        ("orders import find", 'given["token"] == ["s3cret"]', True),
        ("orders import find", 'given.get("token", [""])[0] == settings.TOKEN', True),
        ("orders import find", 'given["room"] == ["lobby"]', False),
        ("orders import find", 'given.get("token", "") != ""', False),
    ],
)
def test_a_secret_in_a_url(
    imported: str, asked: str, wrong: bool, tmp_path: Path
) -> None:
    text = TOKEN.replace("IMPORTED", imported).replace("HERE", asked)
    found = said(users.rules(evidence(tmp_path, {"orders/tokens.py": text})))
    assert found == (
        [("auth-token-in-the-url", "orders/tokens.py", 7)] if wrong else []
    )


@pytest.mark.parametrize(
    ("origins", "debug", "wrong"),
    [
        (["https://localhost"], True, True),
        (["http://localhost"], True, True),
        (["https://127.0.0.1:8000"], True, True),
        (["http://localhost:8000"], True, False),
        (["https://localhost", "http://localhost:5173"], True, False),
        (["https://localhost", "localhost"], True, False),
        (["https://shop.example"], True, False),
        (["https://localhost"], False, False),
        (["localhost", "127.0.0.1"], True, False),
        (None, True, False),
    ],
)
def test_origins_in_development(
    origins: list[str] | None, debug: bool, wrong: bool, tmp_path: Path
) -> None:
    files = {"shop/asgi.py": f"\nORIGINS = {origins!r}\n"}
    seen = evidence(tmp_path, files, origins=origins, debug=debug)
    slug = "origin-validator-scheme-or-port-mismatch"
    assert said(users.rules(seen)) == ([(slug, "shop/asgi.py", 2)] if wrong else [])


@pytest.mark.parametrize(
    ("debug", "secure", "wrong"),
    [(True, True, True), (False, True, False), (True, False, False)],
)
def test_a_cookie_for_https(
    debug: bool, secure: bool, wrong: bool, tmp_path: Path
) -> None:
    files = {"shop/settings.py": f"SESSION_COOKIE_SECURE = {secure}\n"}
    found = said(users.rules(evidence(tmp_path, files, debug=debug, secure=secure)))
    slug = "auth-session-cookie-secure-over-http"
    assert found == ([(slug, "shop/settings.py", 1)] if wrong else [])


SITE = """\
upstream behind { server 127.0.0.1:8001; }
server {
    listen 80;
    location / { proxy_pass http://behind; }
    HERE
}
"""
SERVED: dict[str, tuple[Files, dict[str, Any], str, bool]] = {
    "nowhere": ({}, {}, "", True),
    "an alias": ({}, {}, "location /static/ { alias /srv/static/; }", False),
    "a pattern": ({}, {}, "location ~ \\.js$ { root /srv/static; }", False),
    "another server": ({}, {}, "location /static/ { proxy_pass http://files; }", False),
    "whitenoise": ({}, {"middleware": ["whitenoise.middleware.W"]}, "", False),
    "elsewhere": ({}, {"static": "https://cdn.example/"}, "", False),
    "a view": (
        {"shop/urls.py": "from django.views.static import serve\n"},
        {},
        "",
        False,
    ),
}


@pytest.mark.parametrize("name", SERVED)
def test_static_files(name: str, tmp_path: Path) -> None:
    files, settings, more, wrong = SERVED[name]
    site = {"nginx.conf": SITE.replace("HERE", more)}
    seen = evidence(tmp_path, files | site, **settings)
    slug = "deploy-static-files-under-daphne"
    found = [one for one in said(proxy.rules(seen)) if one[0] == slug]
    assert found == ([(slug, "nginx.conf", 4)] if wrong else [])


WSGI = """\
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
APP = "from shop.routing import application\nother = object()\n"
STARTED: list[tuple[str, str | None]] = [
    ("daphne shop.asgi:application", None),
    ("daphne shop.asgi", "deploy-daphne-argument-without-colon"),
    ("daphne shop/asgi.py", "deploy-daphne-argument-without-colon"),
    ("daphne $APP", None),
    ("daphne other.asgi:application", None),
    ("daphne shop.asgi:channel_layer", "deploy-daphne-channel-layer-target"),
    ("uvicorn shop.asgi:app", "deploy-daphne-channel-layer-target"),
    ("daphne shop.wsgi:application", "deploy-daphne-with-wsgi"),
    ("gunicorn shop.wsgi:application -k uvicorn.workers.W", "deploy-daphne-with-wsgi"),
    ("uvicorn --interface wsgi shop.wsgi:application", "deploy-gunicorn-wsgi"),
    ("gunicorn shop.wsgi:application", "deploy-gunicorn-wsgi"),
    ("gunicorn shop.wsgi & daphne shop.asgi:application", None),
    ("uvicorn --lifespan on shop.asgi:application", "deploy-uvicorn-lifespan-on"),
    ("uvicorn --lifespan=auto shop.asgi:application", None),
    ("DJANGO_SETTINGS_MODULE=shop.prod daphne x.y:z", "deploy-settings-variable-wins"),
    ("DJANGO_SETTINGS_MODULE=shop.settings daphne x.y:z", None),
    ("DJANGO_SETTINGS_MODULE=elsewhere.settings daphne x.y:z", None),
    ("daphne --root-path /shop -p 8001 a.b:c", "deploy-root-path-breaks-routes"),
    ("daphne --root-path '' -p 8001 a.b:c", None),
    ("daphne -p 8001 a.b:c", None),
    ("daphne -p 8000 a.b:c", "nginx-502-upstream-down"),
    ("daphne -p $PORT a.b:c", None),
    ("gunicorn -b 127.0.0.1:8001 a.b:c", None),
]


@pytest.mark.parametrize(("command", "slug"), STARTED)
def test_the_command_of_a_server(
    command: str, slug: str | None, tmp_path: Path
) -> None:
    files = {
        "shop/asgi.py": APP,
        "shop/routing.py": "application = object()\n",
        "shop/settings.py": "",
        "shop/wsgi.py": WSGI,
        "Procfile": f"web: {command}\n",
    }
    if "a.b:c" in command:
        files["nginx.conf"] = SITE.replace("HERE", "")
    found = said(commands.rules(evidence(tmp_path, files)))
    file, line = (
        ("nginx.conf", 1) if slug == "nginx-502-upstream-down" else ("Procfile", 1)
    )
    assert found == ([(slug, file, line)] if slug else [])


@pytest.mark.parametrize(
    ("procfile", "harms"),
    [
        ("", True),
        ("web: uvicorn shop.asgi:application\n", False),
        ("web: daphne shop.asgi:application\n", False),
        ("web: gunicorn -k uvicorn.workers.UvicornWorker shop.asgi\n", False),
        ("web: gunicorn shop.wsgi\n", True),
        ("web: daphne a.b:c\nlook: python manage.py runserver\n", True),
    ],
)
def test_a_project_that_another_server_serves_needs_no_app(
    procfile: str, harms: bool, tmp_path: Path
) -> None:
    files = {"shop/settings.py": "", "Procfile": procfile}
    seen = evidence(tmp_path, files, asgi="shop.asgi.application", commands=())
    staticfiles = "django.contrib.staticfiles"
    runserver = {"name": "runserver", "owner": staticfiles, "bases": []}
    seen.look = Told([*seen.look.events, {"kind": "command", **runserver}])
    (found,) = apps.rules(seen)
    assert found.slug == "install-channels-without-daphne-extra"
    assert bool(found.milder) is not harms


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        ("location /shop/ { proxy_pass http://behind; }", False),
        ("location /shop/ { proxy_pass http://behind/; }", True),
        ("location ~ ^/shop { proxy_pass http://behind; }", False),
    ],
)
def test_a_prefix_and_the_proxy(place: str, wrong: bool, tmp_path: Path) -> None:
    files = {
        "nginx.conf": SITE.replace("HERE", place),
        "Procfile": "web: daphne -p 8001 --root-path /shop a.b:c\n",
    }
    found = said(commands.rules(evidence(tmp_path, files)))
    assert found == (
        [("deploy-root-path-breaks-routes", "Procfile", 1)] if wrong else []
    )


STORES = """\
from channels.generic.websocket import WebsocketConsumer
from orders.models import Order
class Orders(WebsocketConsumer):
    def connect(self):
        ASKED
        self.accept()
    def receive(self, text_data):
        Order(by=self.scope["user"], text=text_data).save()
"""
WHO = "<channels.auth.UserLazyObject object at 0x7f>"
NO_USER = f'Cannot assign "{WHO}": "Order.by" must be a "User" instance.'
NO_NUMBER = f"Field 'id' expected a number but got {WHO}."
NO_ROW = "Django doesn't provide a DB representation for AnonymousUser."
ASKS = "if not self.scope['user'].is_authenticated: return self.close()"


@pytest.mark.parametrize(
    ("asked", "text", "signed", "nobody"),
    [
        ("pass", NO_USER, False, True),
        ("pass", NO_NUMBER, False, True),
        ("pass", NO_ROW, False, True),
        ("pass", "could not convert string to float: 'x'", False, False),
        ("pass", NO_USER, True, False),
        (ASKS, NO_USER, False, False),
    ],
)
def test_nobody_is_stored_as_a_user(
    asked: str, text: str, signed: bool, nobody: bool, tmp_path: Path
) -> None:
    files = {"orders/sockets.py": STORES.replace("ASKED", asked)}
    at = {"file": "orders/sockets.py", "line": 8, "name": "receive", "own": True}
    link = {"type": "ValueError", "module": "builtins", "text": text, "at": at}
    link |= {"bases": ["ValueError", "Exception"], "frames": [at]}
    leaf = LEAF | {"chain": ["channels.auth.AuthMiddleware"]}
    crash = crashes.Crash([link], "websocket.receive", "json", leaf, False, signed)
    found = crashes.explain(evidence(tmp_path, files), crash)
    slug = "auth-anonymous-users-accepted"
    assert (found is not None and found.slug == slug) is nobody
    assert not nobody or found.place == ("orders/sockets.py", 8)


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
    ("given", "is_missing"),
    [
        ("os.environ", True),
        ("dict(os.environ)", True),
        ("os.environ.copy()", True),
        ("{**dotenv_values('.env'), **os.environ}", True),
        ("dotenv_values('.env') | os.environ", True),
        ("{'KEY2': 1}", False),
        ("dict(KEY2=1)", False),
    ],
)
def test_a_variable_is_missing_from_what_was_made_of_the_environment(
    given: str, is_missing: bool, tmp_path: Path
) -> None:
    text = f"import os\nfrom dotenv import dotenv_values\nENV = {given}\nENV['KEY']\n"
    seen = evidence(tmp_path, {"shop/settings.py": text})
    links = [{"type": "KeyError", "text": "'KEY'"}]
    place = ("shop/settings.py", 4)
    assert words.is_of_the_environment(seen, links, place) is is_missing


def test_what_django_says_of_a_receiver_without_keywords(tmp_path: Path) -> None:
    text = "Signal receivers must accept keyword arguments (**kwargs)."
    link = {"type": "ValueError", "text": text, "module": "builtins", "frames": []}
    links: list[dict[str, Any]] = [{**link, "bases": ["ValueError"], "at": None}]
    seen, place = evidence(tmp_path, {}), ("orders/signals.py", 9)
    found = causes.cause(seen, links, "the apps", place)
    assert found[:2] == ("python-arguments-differ", place)


@pytest.mark.parametrize(
    ("name", "odd"), [("SETTINGS_MODULE", 0), ("SETTINGS_MODEL", 1)]
)
def test_a_setting_that_django_sets_itself(name: str, odd: int, tmp_path: Path) -> None:
    text = f"from django.conf import settings\nNAME = settings.{name}\n"
    seen = evidence(tmp_path, {"orders/views.py": text}, defaults=["DEBUG"])
    assert len([*slips.rules(seen)]) == odd


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


def test_an_empty_key_ends_the_loading_of_apps(tmp_path: Path) -> None:
    text = 'import os\nSECRET_KEY = os.getenv("KEY")\n'
    seen = evidence(tmp_path, {"shop/settings.py": text})
    said = "The SECRET_KEY setting must not be empty."
    link = {"type": "ImproperlyConfigured", "text": said, "bases": [], "frames": []}
    found = causes.cause(seen, [link], "apps", (None, None))
    assert found[:2] == ("settings-variable-missing", ("shop/settings.py", 2))


@pytest.mark.parametrize(
    ("kind", "said", "slug", "place"),
    [
        (
            "TypeError",
            "AuthMiddlewareStack() missing 1 required positional argument: 'inner'",
            "python-arguments-differ",
            ("shop/asgi.py", 3),
        ),
        (
            "AttributeError",
            "'list' object has no attribute 'callback'",
            "routing-entry-is-no-route",
            ("shop/routing.py", 2),
        ),
    ],
)
def test_what_python_says_while_it_loads(
    kind: str, said: str, slug: str, place: tuple[str, int], tmp_path: Path
) -> None:
    files = {
        "shop/asgi.py": "from channels.routing import URLRouter\n"
        "from shop.routing import every\nURLRouter(every)\n",
        "shop/routing.py": "from orders.routing import one\nevery = [one]\n",
        "orders/routing.py": "one = []\n",
    }
    seen = evidence(tmp_path, files)
    link = {"type": kind, "text": said, "bases": [], "frames": []}
    assert causes.cause(seen, [link], "asgi", ("shop/asgi.py", 3))[:2] == (slug, place)


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


def test_a_middleware_that_nobody_has_called(tmp_path: Path) -> None:
    text = "from x import Guard, Stack\n\napplication = Stack(\n    Guard\n)\n"
    seen = evidence(tmp_path, {"shop/asgi.py": text})
    told = "Guard() takes 1 positional argument but 3 were given"
    link = {"type": "TypeError", "module": "builtins", "text": told, "at": None}
    link |= {"bases": ["Exception"], "frames": []}
    crash = crashes.Crash([link], "websocket.connect", "", LEAF)
    found = crashes.explain(seen, crash)
    assert found is not None and found.slug == "python-function-not-called"
    assert found.place == ("shop/asgi.py", 4)


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


def test_a_star_below_puts_its_own_settings_in_place(tmp_path: Path) -> None:
    files = {
        "shop/base.py": "\nNAME = 1\n",
        "shop/settings.py": "NAME = OTHER = 2\nfrom shop.base import *\n",
    }
    seen = evidence(tmp_path, files)
    assert seen.setting("NAME") == ("shop/base.py", 2)
    assert seen.setting("OTHER") == ("shop/settings.py", 1)


def test_stop_iteration_is_no_stop_consumer(tmp_path: Path) -> None:
    text = "def websocket_disconnect(self, event):\n\n    raise StopIteration\n"
    seen = evidence(tmp_path, {"orders/sockets.py": text})
    at = {"file": "orders/sockets.py", "line": 3, "name": "x", "own": True}
    link = {"type": "StopIteration", "module": "builtins", "text": "", "at": at}
    link |= {"bases": ["Exception"], "frames": [at]}
    crash = crashes.Crash([link], "websocket.disconnect", "", LEAF)
    found = crashes.explain(seen, crash)
    assert found is not None and found.slug == "consumer-no-stopconsumer"


def test_what_follows_from_another_mistake_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for follows, cause in rules._FOLLOWS.items():
        found = [Found(follows, "", ("a.py", 1)), Found(cause, "", ("b.py", 1))]
        monkeypatch.setattr(rules, "_judged", lambda _, found=found: [*found])
        assert [one.slug for one in rules.judge(evidence(tmp_path, {}))] == [cause]
    assert {"consumer-python-text-for-json", "consumer-name-hides-method"} < {
        *rules._FOLLOWS.values()
    }


def test_a_list_among_the_apps_is_told(tmp_path: Path) -> None:
    seen = evidence(tmp_path, {"shop/settings.py": "INSTALLED_APPS = []\n"})
    told = "'list' object has no attribute 'rpartition'"
    link = {"type": "AttributeError", "text": told, "bases": [], "frames": []}
    found = causes.cause(seen, [link], "apps", (None, None))
    assert found[:2] == ("apps-name-misspelled", ("shop/settings.py", 1))
    assert "no text" in found[2]


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


def test_a_comma_behind_the_router_is_told(tmp_path: Path) -> None:
    text = "from channels.routing import ProtocolTypeRouter\n"
    files = {"shop/asgi.py": text + "application = ProtocolTypeRouter({}),\n"}
    seen = evidence(tmp_path, files)
    walk = {"kind": "walk", "type": "builtins.tuple"}
    seen = replace(seen, look=Told([walk]))
    found = [one for one in application.rules(seen) if "comma" in one.hint]
    assert said(found) == [("asgi-application-reassigned-below", "shop/asgi.py", 2)]

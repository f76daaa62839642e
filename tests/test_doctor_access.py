"""Rules on who may knock that read the source: right and wrong spellings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from looked import LEAF, USER, Files, evidence, said

from tutor.doctor.rules.access import users
from tutor.doctor.rules.consumers import crashes

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
    ("debug", "name", "secure", "wrong"),
    [
        (True, "SESSION_COOKIE_SECURE", True, True),
        (False, "SESSION_COOKIE_SECURE", True, False),
        (True, "SESSION_COOKIE_SECURE", False, False),
        (True, "CSRF_COOKIE_SECURE", True, True),
        (True, "SECURE_SSL_REDIRECT", True, True),
        (False, "SECURE_SSL_REDIRECT", True, False),
    ],
)
def test_what_is_for_https_only(
    debug: bool, name: str, secure: bool, wrong: bool, tmp_path: Path
) -> None:
    files = {"shop/settings.py": f"{name} = {secure}\n"}
    active = [name] * secure
    found = said(users.rules(evidence(tmp_path, files, debug=debug, secure=active)))
    slug = "auth-session-cookie-secure-over-http"
    assert found == ([(slug, "shop/settings.py", 1)] if wrong else [])


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

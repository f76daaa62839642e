"""Rules on settings, apps and imports that read the source: right and wrong ones."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from looked import MODELS, evidence, said

from tutor.doctor import rules
from tutor.doctor.child import Told
from tutor.doctor.rules.database import tables
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.project import application, causes, checks, paths
from tutor.doctor.rules.project import said as words
from tutor.doctor.rules.python import imported, namely, slips

ADMIN, SHOP = "apps-admin-without-its-parts", "shop/settings.py"
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
        (
            "TypeError",
            "ASGIHandler.__call__() missing 3 required positional arguments: "
            "'scope', 'receive', and 'send'",
            "python-arguments-differ",
            ("shop/asgi.py", 3),
        ),
        (
            "TypeError",
            "'module' object is not callable",
            "python-module-mixed-up",
            ("shop/asgi.py", 3),
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


def test_a_pattern_among_the_routes(tmp_path: Path) -> None:
    files = {
        "shop/asgi.py": "from channels.routing import URLRouter\n"
        "from shop.routing import every\nURLRouter(every)\n",
        "shop/routing.py": "\nevery = ['ws/', object()]\n",
    }
    seen = evidence(tmp_path, files)
    told = "'str' object has no attribute 'callback'"
    link = {"type": "AttributeError", "text": told, "bases": [], "frames": []}
    found = causes.cause(seen, [link], "asgi", ("shop/asgi.py", 3))
    assert found[:2] == ("routing-entry-is-no-route", ("shop/routing.py", 2))


def test_a_star_below_puts_its_own_settings_in_place(tmp_path: Path) -> None:
    files = {
        "shop/base.py": "\nNAME = 1\n",
        "shop/settings.py": "NAME = OTHER = 2\nfrom shop.base import *\n",
    }
    seen = evidence(tmp_path, files)
    assert seen.setting("NAME") == ("shop/base.py", 2)
    assert seen.setting("OTHER") == ("shop/settings.py", 1)


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


def test_a_comma_behind_the_router_is_told(tmp_path: Path) -> None:
    text = "from channels.routing import ProtocolTypeRouter\n"
    files = {"shop/asgi.py": text + "application = ProtocolTypeRouter({}),\n"}
    seen = evidence(tmp_path, files)
    walk = {"kind": "walk", "type": "builtins.tuple"}
    seen = replace(seen, look=Told([walk]))
    found = [one for one in application.rules(seen) if "comma" in one.hint]
    assert said(found) == [("asgi-application-reassigned-below", "shop/asgi.py", 2)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("No module named 'a.midleware'", 2),
        ("module 'a.middleware' has no attribute 'Sesion'", 3),
        ('Module "a.backends" does not define a "Own" attribute/class', 4),
        ("No module named 'a.other'", None),
        ("No module named 'shop.urls'", None),
        ("No module named 'a'", None),
    ],
)
def test_a_path_in_the_settings_leads_nowhere(
    text: str, line: int | None, tmp_path: Path
) -> None:
    settings = (
        "MIDDLEWARE = [\n    'a.midleware.Auth',\n    'a.middleware.Sesion']\n"
        "BACKENDS = ['a.backends.Own']\nROOT_URLCONF = 'shop.urls'\n"
    )
    seen = evidence(tmp_path, {"shop/settings.py": settings})
    seen.look.events.append({"kind": "settings", "module": "shop.settings"})
    link = {"text": text, "frames": [{"own": False}]}
    found = paths.cause(seen, [link])
    right = (paths.SLUG, ("shop/settings.py", line))
    assert (found[:2] if found else None) == (right if line else None)


@pytest.mark.parametrize(
    ("got", "slug"),
    [
        ("AttributeError: 'A' object has no attribute 'ursl'. Did you mean: 'urls'?",
         "python-attribute-misspelled"),
        ("AttributeError: 'Settings' object has no attribute 'HOSTS'",
         "settings-name-unknown"),
        ("AttributeError: 'A' object has no attribute 'ursl'", None),
        ("NameError: name 'ursl' is not defined. Did you mean: 'urls'?", None),
    ],
)  # fmt: skip
def test_what_an_exception_says_for_itself(got: str, slug: str | None) -> None:
    assert namely.named(Found(None, got, ("a.py", 1))).slug == slug
    assert namely.named(Found(None, got)).slug is None
    assert namely.named(Found("other", got, ("a.py", 1))).slug == "other"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("admin.E408", "'x' must be in MIDDLEWARE in order", [(ADMIN, SHOP, 1)]),
        ("admin.E403", "A 'DjangoTemplates' must be configured", [(ADMIN, SHOP, 2)]),
        ("models.E001", "'x' must be in MIDDLEWARE", [(None, SHOP, 1)]),
        ("models.E001", "something else", []),
        ("staticfiles.E002", "MIDDLEWARE should not contain it", [(None, SHOP, 1)]),
    ],
)  # fmt: skip
def test_what_the_checks_refuse(
    name: str, text: str, found: list[tuple[str | None, str, int]], tmp_path: Path
) -> None:
    settings = "MIDDLEWARE = []\nINSTALLED_APPS = []\n"
    seen = evidence(tmp_path, {"shop/settings.py": settings})
    names = ["MIDDLEWARE", "INSTALLED_APPS"]
    seen.look.events.append(
        {"kind": "settings", "module": "shop.settings", "names": names}
    )
    problem = {"id": name, "text": text, "level": 40}
    seen.look.events.append({"kind": "problems", "found": [problem]})
    assert said(checks.rules(seen)) == found


def test_checks_that_fail_themselves_by_a_setting(tmp_path: Path) -> None:
    seen = evidence(tmp_path, {"shop/settings.py": "TEMPLATES = []\n"})
    link = {"type": "E", "module": "builtins", "text": "Check your TEMPLATES setting."}
    names = ["TEMPLATES"]
    seen.look.events.extend(
        [
            {"kind": "settings", "module": "shop.settings", "names": names},
            {"kind": "failed", "stage": "problems", "error": [link]},
        ]
    )
    assert said(checks.rules(seen)) == [(None, "shop/settings.py", 1)]


def test_checks_that_fail_over_the_folders_of_files(tmp_path: Path) -> None:
    seen = evidence(tmp_path, {"shop/settings.py": "A = 1\nSTATICFILES_DIRS = 2\n"})
    frames = [{"module": "django.contrib.staticfiles.finders"}]
    link = {"type": "TypeError", "module": "builtins", "text": "x", "frames": frames}
    seen.look.events.append({"kind": "failed", "stage": "problems", "error": [link]})
    assert said(checks.rules(seen)) == [(None, "shop/settings.py", 2)]


@pytest.mark.parametrize(
    ("line", "is_wrong"),
    [
        ("request.PSOT['value']", True),
        ("request.POSTS", True),
        ("request.usr.is_authenticated", True),
        ("request.POST['value']", False),
        ("request.tenant", False),
        ("request.auser()", False),
        ("request.users, setattr(request, 'users', [])", False),
        ("request.post", False),
        ("other.PSOT", False),
    ],
)
def test_a_request_has_no_such_attribute(
    line: str, is_wrong: bool, tmp_path: Path
) -> None:
    view = f"def publish(request, other):\n    return {line}\n"
    found = said(namely.rules(evidence(tmp_path, {"shop/views.py": view})))
    assert found == ([(namely.SLUG, "shop/views.py", 2)] if is_wrong else [])


IN_TESTS, OF_SHOP = (
    "shop/tests.py",
    {"shop/__init__.py": "", "shop/rooms.py": "A = 1\n"},
)


@pytest.mark.parametrize(
    ("line", "is_wrong"),
    [
        ("from shop.rooms import B", True),
        ("from .rooms import B", True),
        ("from shop.room import A", True),
        ("def test_it():\n    from shop import room", True),
        ("from channels.testing import WebSocketCommunicator", True),
        ("from channels.test import WebsocketCommunicator", True),
        ("from django.test import TransactionalTestCase", True),
        ("from shop.rooms import A", False),
        ("from shop import rooms", False),
        ("from shop.rooms import *", False),
        ("try:\n    from shop.rooms import B\nexcept ImportError:\n    B = 2", False),
        ("from others.rooms import B", False),
        ("from channels.testing import WebsocketCommunicator", False),
        ("from django.test import TransactionTestCase, utils", False),
        ("from django.db.models import CharField", False),
    ],
)
def test_an_import_of_a_file_that_no_server_reads(
    line: str, is_wrong: bool, tmp_path: Path
) -> None:
    seen = evidence(tmp_path, {**OF_SHOP, IN_TESTS: f"{line}\n"})
    versions = {name: version(name) for name in ("django", "channels")}
    seen.look.events.append({"kind": "versions", "found": versions})
    at = 1 + line.startswith("def")
    wrong = [("python-name-not-defined", IN_TESTS, at)] if is_wrong else []
    assert said(imported.rules(seen)) == wrong


SCRIPT = (
    "HERE\nfrom orders.models import Order\nif __name__ == '__main__':\n    Order()\n"
)


def test_a_script_that_names_its_settings_is_one(tmp_path: Path) -> None:
    first = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')"
    flat = SCRIPT.partition("if")[0].replace("HERE", first)
    seen = evidence(tmp_path, {"tell.py": flat, "orders/models.py": MODELS})
    assert said(imported.rules(seen)) == [(None, "tell.py", 2)]


@pytest.mark.parametrize(
    ("first", "slug"),
    [
        ("import sys", "settings-module-not-set"),
        ("os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')", None),
        ("django.setup()", ""),
        ("application = get_wsgi_application()", ""),
        ("from shop.asgi import application", ""),
    ],
)
def test_a_script_needs_a_django_that_is_ready(
    first: str, slug: str | None, tmp_path: Path
) -> None:
    script = SCRIPT.replace("HERE", first)
    asgi = "application = get_asgi_application()\nfrom orders import models\n"
    files = {"shop/__init__.py": "", "shop/asgi.py": asgi}
    seen = evidence(tmp_path, {**files, "tell.py": script, "orders/models.py": MODELS})
    found = [(slug, "tell.py", 2)] if slug != "" else []
    assert said(imported.rules(seen)) == found

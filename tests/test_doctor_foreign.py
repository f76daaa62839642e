"""What other people's projects have that is odd, and does no harm, or less."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tutor import doctor
from tutor.doctor import rules
from tutor.doctor.source import Source, calls, queries

sys.path.insert(0, str(Path(__file__).parent / "variants"))
import shapes

pytestmark = pytest.mark.takes(25)

Told = list[tuple[str | None, str, str | None]]


def told(changes: tuple[shapes.Change, ...], folder: Path) -> Told:
    """What is said of a quay with changes."""
    found = doctor.diagnose(shapes.write("quay", changes, folder / "quay"))
    return [(one.slug, one.severity, one.file) for one in found.findings]


def test_an_import_that_is_too_early_and_needs_no_model_is_advice(
    tmp_path: Path,
) -> None:
    routes = "from berths.routing import SOCKETS\n"
    ready = "pages = get_asgi_application()\n"
    changes = (
        ("quay/asgi.py", routes, ""),
        ("quay/asgi.py", ready, routes + ready),
    )
    slug = "asgi-consumers-imported-before-get-asgi-application"
    assert told(changes, tmp_path) == [(slug, "advice", "quay/asgi.py")]


def test_a_model_with_another_order_needs_no_other_table(tmp_path: Path) -> None:
    model = """\
from django.db import models


class Ship(models.Model):
    name = models.CharField(max_length=20)
    seen = models.DateTimeField({})

    class Meta:
        ordering = ["name"]
"""
    initial = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Ship",
            [
                ("id", models.AutoField(primary_key=True)),
                ("name", models.CharField(max_length=20)),
                ("seen", models.DateTimeField()),
            ],
        )
    ]
"""
    base: tuple[shapes.Change, ...] = (
        ("berths/migrations/__init__.py", None, ""),
        ("berths/migrations/0001_initial.py", None, initial),
        (
            "quay/settings.py",
            'STATIC_URL = "static/"',
            'STATIC_URL = "static/"\n'
            'DEFAULT_AUTO_FIELD = "django.db.models.AutoField"\n'
            'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3",'
            ' "NAME": "db.sqlite3"}}',
        ),
    )
    for given, severity in (("auto_now=True", "advice"), ("null=True", "error")):
        models = ("berths/models.py", None, model.format(given))
        found = told((*base, models), tmp_path / severity)
        assert found == [("db-migration-missing", severity, "berths/models.py")]


def test_the_marks_of_a_merge_are_shown(tmp_path: Path) -> None:
    text = "MIDDLEWARE = [\n"
    marks = '<<<<<<< HEAD\n    "a",\n=======\n    "b",\n>>>>>>> other\n'
    changes = (("quay/settings.py", text, text + marks),)
    found = doctor.diagnose(shapes.write("quay", changes, tmp_path / "quay")).findings
    assert [one.slug for one in found] == ["python-syntax-error"]
    settings = (tmp_path / "quay/quay/settings.py").read_text().splitlines()
    assert settings[(found[0].line or 0) - 1] == "<<<<<<< HEAD"
    assert "merge" in found[0].cause


def test_what_holds_an_object_in_an_object_is_sent_by_pages_only(
    tmp_path: Path,
) -> None:
    path, whole = "berths/consumers.py", 'self.band, {"type": "notice.seen"'
    changes = (
        (path, whole, 'self.band, {"type": "notice.seen", "of": content["a"]["b"]'),
        (path, 'content.get("user") if isinstance(content, dict) else None', '"x"'),
    )
    assert [one for one in told(changes, tmp_path) if one[1] == "error"] == []


def test_a_rule_that_fails_leaves_the_others_their_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(seen: object) -> list[rules.Found]:
        raise LookupError("lost")

    monkeypatch.setattr(rules.pages, "rules", fail)
    validator = "AllowedHostsOriginValidator(URLRouter(SOCKETS))"
    changes = (("quay/asgi.py", validator, "URLRouter(SOCKETS)"),)
    with pytest.warns(RuntimeWarning, match="the rules of pages could not look"):
        found = told(changes, tmp_path)
    assert ("origin-validator-missing", "error", "quay/asgi.py") in found


@pytest.mark.parametrize(
    ("made", "asks"),
    [
        ("await self.row()", True),
        ("await database_sync_to_async(Ship.objects.get)(pk=1)", True),
        ("await self.other()", False),
    ],
)
def test_a_row_that_a_method_gives_is_saved(
    made: str, asks: bool, tmp_path: Path
) -> None:
    (tmp_path / "ships.py").write_text(f"""\
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import models


class Ship(models.Model):
    name = models.TextField()


class Desk(AsyncWebsocketConsumer):
    async def receive(self, text_data):
        ship = {made}
        ship.save()

    @database_sync_to_async
    def row(self):
        return Ship.objects.get(pk=1)

    def other(self):
        return self.scope["other"]
""")
    source = Source(tmp_path, tmp_path)
    method = source.classes["ships.Desk"].methods["receive"]
    found = [queries.queries(call, method) for call in calls.calls(method.node)]
    assert any(found) is asks


def test_what_still_imports_something_does_not_hang(tmp_path: Path) -> None:
    parts = [f"part{number}" for number in range(20)]  # as of a package on a slow disk
    changes = [
        ("quay/settings.py", 'SECRET_KEY = "quay"', 'import slow\nSECRET_KEY = "quay"')
    ]
    imports = "".join(f"import slow.{name}\n" for name in parts)
    files = {"__init__": imports}
    files |= dict.fromkeys(parts, "import time\n\ntime.sleep(0.35)\n")
    given = [(f"slow/{name}.py", None, text) for name, text in files.items()]
    assert told((*changes, *given), tmp_path) == []


def test_a_thread_of_its_own_may_sleep(tmp_path: Path) -> None:
    path, said = "berths/consumers.py", "    def radio_said(self, event):\n"
    start = f"{said}        Thread(target=self.count_down).start()\n"
    slow = "    def count_down(self):\n        time.sleep(1)\n\n"
    changes: tuple[shapes.Change, ...] = (
        (
            path,
            "import json\n",
            "import json\nimport time\nfrom threading import Thread\n",
        ),
        (path, said, slow + start),
    )
    assert told(changes, tmp_path / "thread") == []
    called = (path, "Thread(target=self.count_down).start()", "self.count_down()")
    slug = "consumer-sync-sleep-blocks-other-sync-consumers"
    assert slug in [one[0] for one in told((*changes, called), tmp_path / "called")]


@pytest.mark.parametrize(
    "key",
    [
        'os.environ.get("A_KEY_THAT_NOBODY_HAS")',
        'os.getenv("A_KEY_THAT_NOBODY_HAS").strip()',
        """read('Environment variable "A_KEY_THAT_NOBODY_HAS" not set')""",
    ],
)
def test_a_key_that_the_environment_lacks(key: str, tmp_path: Path) -> None:
    read = "def read(text):\n    raise LookupError(text)\n\n\n"
    given, page = 'SECRET_KEY = "quay"', "    return render("
    changes: tuple[shapes.Change, ...] = (
        ("quay/settings.py", given, f"import os\n\n\n{read}SECRET_KEY = {key}"),
        ("berths/views.py", page, f"    bool(settings.SECRET_KEY)\n{page}"),
        ("berths/views.py", "from", "from django.conf import settings\nfrom"),
    )
    found = told(changes, tmp_path)
    assert ("settings-variable-missing", "error", "quay/settings.py") in found
    assert None not in [one[0] for one in found]


def test_settings_that_another_file_names_first(tmp_path: Path) -> None:
    names = 'import os\n\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "{}")\n'
    changes = (
        ("quay/__init__.py", None, "from . import jobs\n"),
        ("quay/jobs.py", None, names.format("harbour.settings")),
    )
    slug = "asgi-settings-module-of-another-project"
    assert told(changes, tmp_path) == [(slug, "error", "quay/jobs.py")]


def test_a_table_of_an_app_without_migrations(tmp_path: Path) -> None:
    model = "from django.db import models\n\n\nclass Ship(models.Model):\n    pass\n"
    path, joined = "berths/consumers.py", '        self.band = "notices"\n'
    asks = "        from berths.models import Ship\n        Ship.objects.count()\n"
    database = '{"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "q.db"}}'
    static = 'STATIC_URL = "static/"'
    changes = (
        ("berths/models.py", None, model),
        (path, joined, joined + asks),
        ("quay/settings.py", static, f"{static}\nDATABASES = {database}"),
    )
    found = ("db-migration-missing", "error", "berths/models.py")
    assert found in told(changes, tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        '"/ws" + location.pathname',
        '"/ws/{% if band %}radio{% else %}notices{% endif %}/"',
    ],
)
def test_a_path_that_only_its_page_knows(path: str, tmp_path: Path) -> None:
    page, given = "berths/templates/berths/radio.html", "`${scheme}://${location.host}"
    whole = f"{given}/ws/radio/?band=16`"
    changes = ((page, whole, f"{given}` + {path}"),)
    assert told(changes, tmp_path / "path") == []
    changes = ((page, whole, f"{given}/ws/telex/`"),)
    slug = "client-path-differs-from-route"
    assert told(changes, tmp_path / "lost") == [(slug, "error", page)]


@pytest.mark.parametrize("server", ["uvicorn", "daphne"])
def test_servers_let_other_close_codes_through(server: str, tmp_path: Path) -> None:
    path, said = (
        "berths/consumers.py",
        '        self.send_json({"user": event["user"]})\n',
    )
    changes: tuple[shapes.Change, ...] = (
        (path, said, f"{said}        self.close(code=1001)\n"),
        ("quay/settings.py", '"daphne", ', ""),
        ("Procfile", None, f"web: {server} quay.asgi:application\n"),
    )
    slugs = [slug for slug, *_ in told(changes, tmp_path)]
    assert ("consumer-close-code-not-allowed" in slugs) is (server == "daphne")


def test_an_origin_of_https_is_right_where_compose_opens_its_port(
    tmp_path: Path,
) -> None:
    usual = "AllowedHostsOriginValidator"
    changes: tuple[shapes.Change, ...] = (
        ("quay/asgi.py", f"import {usual}", "import OriginValidator"),
        (
            "quay/asgi.py",
            f"{usual}(URLRouter(SOCKETS))",
            'OriginValidator(\n    URLRouter(SOCKETS), ["https://localhost"])',
        ),
    )
    slug = "origin-validator-scheme-or-port-mismatch"
    assert slug in [one[0] for one in told(changes, tmp_path / "plain")]
    ports = 'services:\n  door:\n    image: nginx\n    ports: ["80:80", "443:443"]\n'
    compose = ("docker-compose.yml", None, ports)
    assert told((*changes, compose), tmp_path / "tls") == []


def test_a_location_that_takes_its_prefix_away_leads_to_the_sockets(
    tmp_path: Path,
) -> None:
    lines = """server {
    location / {
        proxy_pass http://pages;
    }
    location /live/ {
        proxy_pass http://web:8000/;
        proxy_set_header Upgrade PASSED;
    }
}
"""
    slug = "nginx-without-upgrade-headers"
    for name, value in (("right", "upgrade"), ("wrong", '""')):
        conf = ("nginx/default.conf", None, lines.replace("PASSED", value))
        found = [one[0] for one in told((conf,), tmp_path / name)]
        assert (slug in found) is (name == "wrong")


def test_a_host_of_the_environment_is_not_known(tmp_path: Path) -> None:
    hosts = "[os.getenv('A_HOST_THAT_NOBODY_HAS')]"
    changes = (
        (
            "quay/settings.py",
            "ALLOWED_HOSTS = []",
            f"import os\n\nALLOWED_HOSTS = {hosts}",
        ),
    )
    slugs = [slug for slug, *_ in told(changes, tmp_path)]
    assert "origin-public-host-not-allowed" not in slugs


def test_a_site_is_served_with_the_settings_that_asgi_py_names(tmp_path: Path) -> None:
    """``manage.py`` names others, for development: no proxy stands before those."""
    conf = """server {
    server_name quay.example.org;
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header Host $host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
    }
}
"""
    live = "from .settings import *\n\nALLOWED_HOSTS = ['{}']\nSESSION_COOKIE_AGE = 9\n"
    named = ("quay/asgi.py", '"quay.settings"', '"quay.live"')
    hosts = ("quay/settings.py", "ALLOWED_HOSTS = []", "ALLOWED_HOSTS = ['localhost']")
    for host, wrong in (("quay.example.org", []), ("quay.example.com", ["live"])):
        settings = ("quay/live.py", None, live.format(host))
        changes = (("deploy/nginx.conf", None, conf), settings, named, hosts)
        found = told(changes, tmp_path / host)
        slug = "origin-public-host-not-allowed"
        files = [file for named, _, file in found if named == slug]
        assert files == [f"quay/{one}.py" for one in wrong]


@pytest.mark.parametrize(
    ("more", "severity"), [("", "advice"), ("LIMIT = 3\n", "error")]
)
def test_an_empty_file_beside_a_folder_is_advice(
    more: str, severity: str, tmp_path: Path
) -> None:
    stub = "from django import forms\n\n# Create your forms here.\n"
    changes = (
        ("berths/forms.py", None, stub + more),
        ("berths/forms/__init__.py", None, ""),
    )
    slug = "python-module-beside-package"
    assert told(changes, tmp_path) == [(slug, severity, "berths/forms.py")]


@pytest.mark.parametrize("cancels", [True, False])
def test_whom_an_exception_ends_cannot_cancel(cancels: bool, tmp_path: Path) -> None:
    radio = "class RadioConsumer("
    tide = """class Tide(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        self.task = asyncio.create_task(self.tick())

    async def disconnect(self, code):
        self.task.cancel()

    async def tick(self):
        while True:
            await asyncio.sleep(9)

    async def receive(self, text_data=None, bytes_data=None):
        [][0]


"""
    if not cancels:
        tide = tide.replace("self.task.cancel()", "pass").replace("[][0]", "pass")
    path, route = "berths/routing.py", "SOCKETS = [\n"
    sea = '    re_path(r"^ws/tide/$", consumers.Tide.as_asgi()),\n'
    changes: tuple[shapes.Change, ...] = (
        ("berths/consumers.py", "import json\n", "import asyncio\nimport json\n"),
        ("berths/consumers.py", radio, tide + radio),
        (path, route, route + sea),
    )
    slugs = [slug for slug, *_ in told(changes, tmp_path)]
    assert ("consumer-background-task-not-cancelled" in slugs) is not cancels

"""Rules on what a project is shipped with: each case is right but for one change."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from looked import Files, evidence, said

from tutor.doctor.child import Told
from tutor.doctor.rules.consumers import threads
from tutor.doctor.rules.database import stored
from tutor.doctor.rules.deployment import (
    collecting,
    commands,
    composed,
    deployed,
    envfiles,
    interpreters,
    listed,
    options,
    passing,
    ports,
    publichosts,
    whereabouts,
)
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.groups import keeping, oneprocess, spreading
from tutor.doctor.rules.project import imports, switches

BASE: Files = {
    "shop/settings.py": "STATIC_ROOT = BASE_DIR / 'collected'\nMIDDLEWARE = []\n",
    "shop/asgi.py": "application = 1\n",
    "orders/static/orders/live.js": "",
    "orders/sockets.py": "class Orders:\n    def say(self):\n"
    "        self.channel_layer.group_send('a', {})\n",
}
UNIT = """\
[Service]
WorkingDirectory=/srv/shop
ExecStart=/srv/v/bin/daphne -p 8001 shop.asgi:application
"""
PROGRAM = "[program:a]\ndirectory=/a\ncommand=/v/daphne shop.asgi:application\n"
SITE = """\
server {
    listen 443 ssl;
    server_name shop.example;
    location /static/ { alias /srv/shop/collected/; }
    location / { proxy_set_header Host $host; proxy_pass http://127.0.0.1:8001; }
}
"""
IMAGE = """\
FROM python:3.12
COPY . /app
RUN python manage.py collectstatic
CMD ["daphne", "-b", "0.0.0.0", "shop.asgi:application"]
"""
COMPOSE = """\
services:
  cache:
    image: redis:7
    ports: ["6380:6379"]
  web:
    build: .
    ports: ["80:8000"]
    environment: {REDIS_URL: "redis://cache:6379/0"}
  work:
    build: .
    command: celery -A shop worker
    environment: {REDIS_URL: "redis://cache:6379/0"}
"""
ORIGINS = """\
from channels.security.websocket import OriginValidator
application = OriginValidator(app, ["https://shop.example"])
"""
APPS = "INSTALLED_APPS = ['orders']\n"
SESSIONS = 'SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"\n'
PROD = 'CHANNEL_LAYERS = {"default": {}}\n'
LAYERS = """\
CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
"""
MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
TASK = """\
from celery import shared_task
from django.db import transaction
from orders.models import Order


@shared_task
def tell(pk):
    pass


def sell(request):
    with transaction.atomic():
        order = Order.objects.create()
    tell.delay(order.pk)
"""
ROUTES = "websocket_urlpatterns = []\n"
PLACES = """\
if os.environ.get("CLOUD"):
    DEBUG, SECURE = False, True
    DEBUG = False
    ALLOWED_HOSTS = ["shop.example"]
else:
    DEBUG = True
    ALLOWED_HOSTS = []
"""
TAKES = """\
from redis import Redis
redis = Redis()


def take(key):
    return redis.set(key, "", nx=True, ex=60)


def work(key):
    if take(key):
        print(key)
"""
ONLINE = """\
from channels.generic.websocket import AsyncJsonWebsocketConsumer
online = {}


class Orders(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept()
        online.setdefault("all", set()).add(self.scope["user"].username)
        await self.send_json({"type": "here", "who": sorted(online["all"])})
"""
CACHED = """\
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.core.cache import cache


class Orders(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept()
        who = await cache.aget("who", [])
        await cache.aset("who", [*who, 1])
"""
NAMED = """\
upstream shop { server 127.0.0.1:8001; }
server { location / { proxy_pass http://shop; } }
"""
UNITS = {"a.service": UNIT, "nginx.conf": SITE}
CONTAINERS = {"Dockerfile": IMAGE, "compose.yaml": COMPOSE}
LISTED = {**CONTAINERS, "requirements.txt": "whitenoise==6\n"}
WHITE = {"middleware": ["whitenoise.middleware.WhiteNoiseMiddleware"]}
HERE = {"layers": {"default": {"CONFIG": {"hosts": ["redis://localhost:6379"]}}}}
READS = {"shop/settings.py": "import os\nCHANNEL_LAYERS = a('REDIS_URL')\n"}
SEVERAL = "layer-inmemory-several-processes"
WRONG_FOLDER = "deploy-daphne-from-wrong-directory"
NO_FILES = "deploy-static-files-under-daphne"
# module, files, settings; then file, what is changed there, and what is then wrong
CASES: list[tuple[Any, Files, dict[str, Any], str, str, str, str]] = [
    (whereabouts, UNITS, {}, "a.service", "/srv/shop", "/srv", WRONG_FOLDER),
    (whereabouts, UNITS, {}, "a.service", "/srv/shop", "/srv/shop/shop", WRONG_FOLDER),
    (whereabouts, UNITS, {}, "a.service", "/srv/shop", "/opt/shop", ""),
    (
        whereabouts,
        {"a.conf": PROGRAM},
        {},
        "a.conf",
        "directory=/a\n",
        "",
        WRONG_FOLDER,
    ),
    (
        whereabouts,
        {"a.conf": PROGRAM, "Dockerfile": 'WORKDIR /app\nCMD ["supervisord", "-n"]\n'},
        {},
        "a.conf",
        "directory=/a\n",
        "",
        "",
    ),
    (
        keeping,
        {"orders/jobs.py": TAKES},
        {},
        "orders/jobs.py",
        " nx=True,",
        "",
        "worker-job-taken-twice",
    ),
    (
        oneprocess,
        {"orders/sockets.py": ONLINE, "run.sh": "uvicorn shop.asgi -w 1"},
        {},
        "run.sh",
        "-w 1",
        "-w 3",
        SEVERAL,
    ),
    (
        oneprocess,
        {"orders/sockets.py": ONLINE, "run.sh": "uvicorn shop.asgi -w 3"},
        {},
        "orders/sockets.py",
        'self.scope["user"].username',
        "self",
        "",
    ),
    (
        oneprocess,
        {"orders/sockets.py": CACHED, "run.sh": "uvicorn shop.asgi -w 1"},
        {},
        "run.sh",
        "-w 1",
        "-w 3",
        SEVERAL,
    ),
    (
        oneprocess,
        {"orders/sockets.py": CACHED, "run.sh": "uvicorn shop.asgi -w 3"},
        {},
        "shop/settings.py",
        "MIDDLEWARE",
        "CACHES = {'default': {'BACKEND': 'django.core.cache.backends.redis.R'}}\n_",
        "",
    ),
    (
        oneprocess,
        {"shop/prod.py": SESSIONS, "run.sh": "uvicorn shop.asgi -w 3"},
        {},
        "shop/prod.py",
        "cached_db",
        "cache",
        SEVERAL,
    ),
    (
        threads,
        {"orders/views.py": TASK},
        {},
        "orders/views.py",
        "def tell",
        "async def tell",
        "python-async-method-not-awaited",
    ),
    (
        passing,
        {"nginx.conf": NAMED},
        {},
        "nginx.conf",
        "http://shop",
        "http://django",
        "nginx-502-upstream-down",
    ),
    (passing, {"nginx.conf": NAMED}, {}, "nginx.conf", "http://shop", "http://a.b", ""),
    (
        listed,
        {"requirements.txt": "channels[daphne]\npsycopg[binary]\n"},
        {},
        "requirements.txt",
        "psycopg[binary]\n",
        "",
        "install-package-missing",
    ),
    (
        interpreters,
        UNITS,
        {},
        "a.service",
        "/srv/v/bin",
        "v/bin",
        "deploy-program-not-on-path",
    ),
    (
        switches,
        {"shop/prod.py": PLACES},
        {},
        "shop/prod.py",
        '["shop.example"]',
        "[]",
        "origin-allowed-hosts-empty-in-production",
    ),
    (
        switches,
        {"shop/prod.py": PLACES + "ALLOWED_HOSTS += HOSTS\n"},
        {},
        "shop/prod.py",
        '["shop.example"]',
        "[]",
        "",
    ),
    (
        publichosts,
        {"nginx.conf": SITE, "shop/asgi.py": ORIGINS},
        {},
        "shop/asgi.py",
        "https:",
        "http:",
        "origin-validator-scheme-or-port-mismatch",
    ),
    (
        spreading,
        {"shop/settings.py": LAYERS, "run.sh": "uvicorn shop.asgi --workers 1"},
        {"layers": MEMORY},
        "run.sh",
        "1",
        "3",
        SEVERAL,
    ),
    (
        spreading,
        {"shop/settings.py": LAYERS, "run.sh": "uvicorn shop.asgi --workers 3"},
        {"layers": MEMORY},
        "shop/settings.py",
        "\nCHANNEL_LAYERS =",
        "\nif TESTING:\n    CHANNEL_LAYERS =",
        "",
    ),
    (stored, {"orders/views.py": TASK}, {}, "", "", "", ""),
    (
        stored,
        {"orders/views.py": TASK},
        {},
        "orders/views.py",
        "    tell.delay",
        "        tell.delay",
        "db-told-before-commit",
    ),
    (
        commands,
        {"run.sh": "uvicorn --port 8000 shop.asgi:application"},
        {},
        "run.sh",
        "--port",
        "-p",
        "deploy-daphne-options-refused",
    ),
    (
        ports,
        CONTAINERS,
        {},
        "compose.yaml",
        "80:8000",
        "8000:80",
        "nginx-502-upstream-down",
    ),
    (
        envfiles,
        CONTAINERS,
        {},
        "compose.yaml",
        "cache:6379",
        "cache:6380",
        "redis-server-not-running",
    ),
    (
        composed,
        {**CONTAINERS, **READS},
        HERE,
        "compose.yaml",
        'worker\n    environment: {REDIS_URL: "redis://cache:6379/0"}',
        "worker",
        "redis-server-not-running",
    ),
    (
        composed,
        {**CONTAINERS, **READS},
        HERE,
        "compose.yaml",
        'environment: {REDIS_URL: "redis://cache:6379/0"}\n',
        "env_file: .env\n",
        "",
    ),
    (
        collecting,
        CONTAINERS,
        WHITE,
        "shop/settings.py",
        "STATIC_ROOT",
        "# STATIC_ROOT",
        "deploy-static-root-missing",
    ),
    (collecting, CONTAINERS, WHITE, "Dockerfile", "RUN python", "# python", ""),
    (
        collecting,
        CONTAINERS,
        WHITE,
        "Dockerfile",
        "RUN python manage.py collectstatic\n",
        "",
        NO_FILES,
    ),
    (collecting, CONTAINERS, {}, "", "", "", ""),
    (collecting, LISTED, {}, "", "", "", NO_FILES),
    (
        collecting,
        LISTED,
        {},
        "compose.yaml",
        "web:\n    build: .\n",
        "web:\n    build: .\n    volumes: [files:/app/collected]\n",
        "",
    ),
    (
        deployed,
        {"compose.yaml": COMPOSE.replace("REDIS_URL: ", "HOSTS: 'a.b'\n#")},
        {},
        "compose.yaml",
        "a.b",
        "a.b,b.b",
        "origin-allowed-hosts-with-scheme-or-port",
    ),
    (
        deployed,
        {"shop/prod.py": f"from shop.base import *\n{PROD}", "shop/base.py": APPS},
        {},
        "shop/prod.py",
        "from shop.base import *\n",
        "",
        "apps-own-app-missing",
    ),
    (
        deployed,
        {"shop/prod.py": PROD},
        {},
        "shop/prod.py",
        "CHANNEL_LAYERS",
        "LAYERS",
        "settings-channel-layers-missing",
    ),
]


def look(project: Path, module: Any, files: Files, settings: Any) -> list[str | None]:
    """The mistakes that a module finds; in production DEBUG is off."""
    seen = evidence(project, {**BASE, **files}, **settings)
    there = seen.source.modules.get("shop.prod") or seen.source.modules["shop.settings"]
    layers = {"default": {}} if "CHANNEL_LAYERS" in there.lines else None
    event = {
        "kind": "deployed",
        "module": there.name,
        "layers": layers if there.name == "shop.prod" else {"default": {}},
        "hosts": re.findall(r"HOSTS: '(.*)'", files.get("compose.yaml", "")) or ["a.b"],
        "debug": False,
        "static": "/static/",
        "static_root": "/x/collected" if "STATIC_ROOT" in there.lines else None,
        "secure": False,
        "databases": {"default": ["django.db.backends.postgresql", "db"]},
        "lists": {},
        "broken": [],
    }
    seen.deployed = Told([event])
    found: list[Found]
    if module is ports:
        found = [*ports.rules(seen, commands.commands(project))]
    else:
        found = [*module.rules(seen)]
    return [slug for slug, *_ in said(found)]


@pytest.mark.parametrize(
    ("module", "files", "settings", "file", "old", "new", "slug"), CASES
)
def test_a_project_is_right_but_for_one_change(
    module: Any,
    files: Files,
    settings: dict[str, Any],
    file: str,
    old: str,
    new: str,
    slug: str,
    tmp_path: Path,
) -> None:
    whole = {**BASE, **files}
    if file:
        assert old in whole[file]
        changed = {**files, file: whole[file].replace(old, new)}
        if slug:
            assert look(tmp_path / "right", module, files, settings) == []
        files = changed
    wanted = [slug] if slug else []
    assert look(tmp_path / "changed", module, files, settings) == wanted


def test_uvicorn_takes_none_of_the_options_of_others() -> None:
    uvicorn = pytest.importorskip("uvicorn.main")
    own = {name for one in uvicorn.main.params for name in one.opts}
    assert not own & options._OF_OTHERS
    assert all(name.startswith("--") for name in own if name.startswith("-"))


def test_a_list_that_another_module_has_is_asked_of_the_wrong_one(
    tmp_path: Path,
) -> None:
    files = {"shop/urls.py": "urlpatterns = []\n", "shop/routing.py": ROUTES}
    seen, place = evidence(tmp_path, {**BASE, **files}), ("shop/asgi.py", 1)
    found = imports.cannot_import(seen, "websocket_urlpatterns", "shop.urls", place)
    assert found == ("routing-list-name-differs", place, "shop/routing.py has it.")


@pytest.mark.parametrize("debug", [True, False])
def test_debug_is_off_in_production(debug: bool, tmp_path: Path) -> None:
    files = {"shop/prod.py": f"DEBUG = {debug}\n{PROD}"}
    assert look(tmp_path, deployed, files, {}) == ([None] if debug else [])

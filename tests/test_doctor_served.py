"""Rules on servers and proxies that read a project: right and wrong spellings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from looked import Files, evidence, said

from tutor.doctor.child import Told
from tutor.doctor.rules.deployment import (
    addresses,
    behind,
    commands,
    composed,
    deployed,
    nginxwords,
    proxy,
    secrets,
)
from tutor.doctor.rules.groups import jobs
from tutor.doctor.rules.project import apps

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


LOCATION = """\
location /ws/ {
        proxy_pass http://behind;
        proxy_set_header Host $host;
    }"""
WORDS = {
    LOCATION: None,
    LOCATION.replace("behind;", "behind"): 6,  # the next word is taken for a part
    LOCATION.replace("$host;", "$host"): 7,
    LOCATION.replace("http://behind", "$scheme://behind"): None,
    LOCATION.replace("http", "ws"): 6,
    LOCATION.replace("http://behind", "behind"): 6,
    LOCATION.replace("http://behind", "$behind"): None,
    LOCATION.replace("Host $host", "Host: $host extra"): 7,
    LOCATION.replace("Host $host", "Connection 'keep alive'"): None,
    LOCATION.replace("proxy_set_header", "proxy_set_headers"): 7,
    LOCATION.replace("proxy_set_header Host $host", "proxy_ssl_certificate a"): None,
    LOCATION.replace("$host;", "$host\n{% endif %}"): None,  # a template
    "server_name a.example\n        b.example;": None,
}


@pytest.mark.parametrize("place", WORDS)
def test_what_nginx_cannot_read(place: str, tmp_path: Path) -> None:
    seen = evidence(tmp_path, {"nginx.conf": SITE.replace("HERE", place)})
    line = WORDS[place]
    found = said(nginxwords.rules(seen))
    assert found == ([("nginx-file-refused", "nginx.conf", line)] if line else [])


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
    (
        "gunicorn shop.wsgi:application -k uvicorn_worker.UvicornWorker",
        "deploy-daphne-with-wsgi",
    ),
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


STREAM = {"class": "logging.StreamHandler", "formatter": "plain"}
TABLE = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"()": "shop.logs.Plain"}},
    "handlers": {
        "lines": STREAM,
        "file": {"class": "logging.FileHandler", "filename": "/nowhere/a.log"},
        "other": {"class": "watchtower.CloudWatchLogHandler"},
    },
    "root": {"handlers": ["lines", "file", "other"], "level": "INFO"},
}
TABLES: list[tuple[dict[str, Any], str | None]] = [
    ({}, None),
    ({"disable_existing_loggers": True}, "settings-logging-hides-consumer-errors"),
    ({"root": {"handlers": ["line"]}}, "settings-logging-refused"),
    ({"root": {"level": "CRITICAL"}}, "settings-logging-hides-consumer-errors"),
    ({"handlers": {"lines": {"class": "logging.Lines"}}}, "settings-logging-refused"),
    ({"formatters": {}}, "settings-logging-refused"),
    ({"version": 2}, "settings-logging-refused"),
]


def test_the_logging_of_other_settings(tmp_path: Path) -> None:
    tables = json.dumps([{**TABLE, **change} for change, _ in TABLES])
    asked = "import json, sys; from tutor.doctor.inside import deployed as d; "
    asked += "print(json.dumps([d.logged(one) for one in json.loads(sys.argv[1])]))"
    words = [sys.executable, "-c", asked, tables]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    seen = evidence(tmp_path, {"shop/prod.py": "LOGGING = {}\n"})
    found = [
        [one.slug for one in deployed._logging(seen, {"module": "shop.prod", **event})]
        for event in [{"logging": one} for one in json.loads(told)]
    ]
    assert found == [[slug] if slug else [] for _, slug in TABLES]


@pytest.mark.parametrize(
    ("ignored", "value", "wrong"),
    [
        ("*.pyc\n", "4u8xkd02m9qvn27zpl3a7", True),
        ("*.pyc\n.env\n", "4u8xkd02m9qvn27zpl3a7", False),
        (".env*\n", "4u8xkd02m9qvn27zpl3a7", False),
        ("*.pyc\n", "change-me-before-you-deploy", False),
    ],
)
def test_a_key_that_git_keeps(
    ignored: str, value: str, wrong: bool, tmp_path: Path
) -> None:
    settings = 'import os\nSECRET_KEY = os.environ["SECRET_KEY"]\n'
    files = {"shop/settings.py": settings, ".gitignore": ignored}
    seen = evidence(tmp_path, {**files, ".env": f"A=1\nSECRET_KEY={value}\n"})
    found = [("deploy-secret-in-the-repository", ".env", 2)]
    assert said(secrets.rules(seen)) == (found if wrong else [])


TLS = "listen 443 ssl;\n    ssl_certificate a.pem;"


@pytest.mark.parametrize(
    ("old", "new", "options", "found"),
    [
        ("listen 80;", TLS, "-p 8001", None),
        ("listen 80;", TLS.replace(" ssl;", ";"), "-p 8001", (None, "nginx.conf", 3)),
        ("HERE", "", "--ping-interval 30", None),
        ("HERE", "", "--ping-interval 60", ("nginx-idle-socket-cut", "Procfile", 1)),
        ("HERE", "", "--ping-interval 0", ("nginx-idle-socket-cut", "Procfile", 1)),
        ("HERE", "proxy_read_timeout 5m;", "--ping-interval 60", None),
    ],
)
def test_what_nginx_asks_and_how_long_it_waits(
    old: str, new: str, options: str, found: Any, tmp_path: Path
) -> None:
    site = SITE.replace(old, new).replace("HERE", "")
    files = {"nginx.conf": site, "Procfile": f"web: daphne {options} a.b:c\n"}
    seen = evidence(tmp_path, files)
    assert said(behind.rules(seen)) == ([found] if found else [])


IN_MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
UNIT = "[Service]\nHERE\nExecStart=/srv/bin/{}\n"
WEB, WORK = UNIT.format("daphne a.b:c"), UNIT.format("python manage.py runworker mail")
PLAIN = "services:\n  web:\n    command: daphne a.b:c\n"
PLAIN += "  work:\n    command: python manage.py runworker mail\n"
DB = "Environment=REDIS_URL=redis://r:6379/0"
APART, ALONE = "worker-on-another-layer", "worker-with-inmemory-layer"


@pytest.mark.parametrize(
    ("web", "work", "slug"),
    [
        (DB, DB, None),
        (DB, "Environment=REDIS_URL=redis://r:6379", None),
        (DB, "Environment=REDIS_URL=redis://r:6379/1", APART),
        (DB, "", ALONE),
        (DB, "EnvironmentFile=/etc/a.env", None),
        (DB, "Environment=REDIS_URL=redis://other:6379/1", None),
        ("EnvironmentFile=/etc/a.env", "EnvironmentFile=/etc/a.env", None),
        ("", "", None),
    ],
)
@pytest.mark.parametrize("composed_of", [False, True])
def test_a_worker_is_told_the_server_s_redis(
    web: str, work: str, slug: str | None, composed_of: bool, tmp_path: Path
) -> None:
    settings = 'import os\nCHANNEL_LAYERS = {} if os.environ.get("REDIS_URL") else {}\n'
    files = {"shop/settings.py": settings}
    if composed_of:
        told = [
            "    env_file: a.env\n"
            if one.startswith("EnvironmentFile")
            else f"    environment: [{one.partition('=')[2]}]\n"
            if one
            else ""
            for one in (web, work)
        ]
        files["compose.yaml"] = PLAIN.replace("  work:", told[0] + "  work:") + told[1]
    else:
        files["a.service"] = WEB.replace("HERE", web)
        files["b.service"] = WORK.replace("HERE", work)
    seen = evidence(tmp_path, files, layers=IN_MEMORY)
    assert [one.slug for one in composed.rules(seen)] == ([slug] if slug else [])


@pytest.mark.parametrize(
    ("host", "locked"),
    [
        (["cache", 6379], True),
        ("redis://cache:6379/0", True),
        ("redis://:x@cache:6379/0", False),
        (["other", 6379], False),
    ],
)
def test_settings_name_a_redis_that_asks_for_a_password(
    host: object, locked: bool, tmp_path: Path
) -> None:
    compose = "services:\n  cache:\n    image: redis:7\n"
    compose += "    command: redis-server --requirepass x\n"
    prod = {"shop/prod.py": "CHANNEL_LAYERS = {}\n", "compose.yaml": compose}
    seen = evidence(tmp_path, prod)
    layers = {"default": {"CONFIG": {"hosts": [host]}}}
    seen.deployed = Told(
        [{"kind": "deployed", "module": "shop.prod", "layers": layers}]
    )
    found = [("redis-password-missing", "shop/prod.py", 1)]
    assert said(composed.rules(seen)) == (found if locked else [])


def test_a_worker_and_no_entry_for_channels(tmp_path: Path) -> None:
    files = {"Procfile": "work: python manage.py runworker mail\n"}
    assert not said(jobs.rules(evidence(tmp_path, files))), "nobody has a job for it"
    sends = "from channels.layers import get_channel_layer\nasync def ask():\n"
    sends += "    await get_channel_layer().send('mail', {'type': 'go'})\n"
    found = [("worker-no-channel-entry", "Procfile", 1)]
    assert said(jobs.rules(evidence(tmp_path, {**files, "shop/a.py": sends}))) == found


def test_a_remark_mentions_no_command(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("  # when running collectstatic\n/static/\n")
    assert not commands.mentioned(tmp_path, "collectstatic")
    (tmp_path / "Procfile").write_text("release: python manage.py collectstatic\n")
    assert commands.mentioned(tmp_path, "collectstatic")


@pytest.mark.parametrize(
    ("header", "wrong"),
    [
        ('("HTTP_X_FORWARDED_PROTO", "https")', False),
        ('("HTTP_X_FORWARDED_SSL", "on")', False),
        ("None", False),
        ('("HTTP_X_FORWARDED_PROTO", "on")', True),
        ('"HTTP_X_FORWARDED_PROTO"', True),
        ('("X-Forwarded-Proto", "https")', True),
    ],
)
def test_what_says_that_a_page_came_by_https(
    header: str, wrong: bool, tmp_path: Path
) -> None:
    files = {"shop/settings.py": f"SECURE_PROXY_SSL_HEADER = {header}\n"}
    found = [("deploy-proxy-header-misnamed", "shop/settings.py", 1)]
    assert said(proxy.rules(evidence(tmp_path, files))) == (found if wrong else [])


@pytest.mark.parametrize(
    ("user", "path", "wrong"),
    [
        ("User=shop", "/run/daphne.sock", True),
        ("User=root", "/run/daphne.sock", False),
        ("", "/run/daphne.sock", False),
        ("User=shop", "/srv/shop/daphne.sock", False),
    ],
)
def test_a_socket_where_root_alone_makes_files(
    user: str, path: str, wrong: bool, tmp_path: Path
) -> None:
    unit = UNIT.format(f"daphne -u {path} a.b:c").replace("HERE", user)
    found = [("deploy-unix-socket-directory-missing", "a.service", 3)]
    seen = evidence(tmp_path, {"a.service": unit})
    assert said(addresses.rules(seen)) == (found if wrong else [])

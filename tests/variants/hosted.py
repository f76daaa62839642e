"""A chat on other machines: what it is told there, and what its pages send."""

from __future__ import annotations

from shapes import Change
from sheets import COMPOSE, NGINX, ROOM, SECURE, UNIT, served

SETTINGS, YAML, CONF = "mysite/settings.py", "docker-compose.yml", "nginx/chat.conf"
CADDYFILE = """\
chat.example.org {
    handle_path /static/* {
        root * /srv/chat/files
        file_server
    }
    handle {
        reverse_proxy 127.0.0.1:8000
    }
}
"""
NAMED = 'ALLOWED_HOSTS = ["localhost", "chat.example.org"]'
BY_NAME = 'os.environ.get("HOSTS", "localhost").split(",")'
ORIGINS = 'os.environ.get("TRUSTED", "http://localhost").split(",")'
KEY = 'os.environ.get("KEY", "for-development")'
READS = """\
import json

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST


@require_POST
def leave(request):
    gone = json.loads(request.body)["room"]
    return HttpResponse(gone)
"""
STAR = "from .settings import *\n"
BASE = """\
<!DOCTYPE html>
<script>
    document.getElementById('chat-log').title = 'x';
</script>
{% block body %}{% endblock %}
"""


def asked(name: str, by: str) -> Change:
    """A setting that the environment gives."""
    lines = f"from pathlib import Path\nimport os\n{name} = {by}\n"
    return (SETTINGS, "from pathlib import Path\n", lines)


def hosted(*changes: Change) -> tuple[Change, ...]:
    """A chat whose containers name its hosts."""
    return (
        ("mysite/settings.py", "ALLOWED_HOSTS = []", f"ALLOWED_HOSTS = {BY_NAME}"),
        (
            SETTINGS,
            "from pathlib import Path\n",
            "from pathlib import Path\nimport os\n",
        ),
        (SETTINGS, "DEBUG = True", 'DEBUG = os.environ.get("DEBUG", "1") == "1"'),
        SECURE,
        (CONF, None, NGINX),
        (YAML, None, COMPOSE),
        (YAML, "cache\n", 'cache\n      HOSTS: chat.example.org\n      DEBUG: "0"\n'),
        *changes,
    )


def by_caddy(*changes: Change) -> tuple[Change, ...]:
    """A chat behind Caddy."""
    return (
        (SETTINGS, "ALLOWED_HOSTS = []", NAMED),
        SECURE,
        ("Caddyfile", None, CADDYFILE),
        ("chat.service", None, UNIT),
        *changes,
    )


def posts(key: str) -> tuple[Change, ...]:
    """A page that posts a text of JSON."""
    told = "headers: {'X-CSRFToken': '{{ csrf_token }}'}, method: 'POST'"
    body = f"body: JSON.stringify({{{key}: roomName}})"
    script = f"chatSocket.onerror = () => fetch('/chat/leave/', {{{told}, {body}}});"
    route = '    path("leave/", views.leave),\n    path("<str'
    return (
        (ROOM, "</script>", f"{script}</script>"),
        ("chat/urls.py", '    path("<str', route),
        ("chat/views.py", "from django.shortcuts import render\n", READS),
    )


WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (  # the container is told all but its hosts
        "chat",
        "origin-public-host-not-allowed",
        YAML,
        hosted((YAML, "      HOSTS: chat.example.org\n", "")),
    ),
    (  # the default has its scheme, what it is given has none
        "chat",
        "deploy-trusted-origin-without-scheme",
        YAML,
        hosted(
            asked("CSRF_TRUSTED_ORIGINS", ORIGINS),
            (YAML, "cache\n", "cache\n      TRUSTED: chat.example.org\n"),
        ),
    ),
    (  # it asks by a name that only the container's variable leaves out
        "chat",
        "operate-probe-behind-the-host-check",
        YAML,
        hosted(
            (
                YAML,
                "    environment:",
                "    healthcheck: {test: curl -f http://localhost:8000/}\n"
                "    environment:",
            )
        ),
    ),
    (
        "chat",
        "deploy-secret-in-the-repository",
        YAML,
        hosted(
            (SETTINGS, '"django-insecure-abc"', KEY),
            (YAML, "cache\n", "cache\n      KEY: 8f2b1c9d7e6a5f4b3c2d1e0f9a8b7c6d\n"),
        ),
    ),
    (  # the volume lies elsewhere in nginx's own container
        "chat",
        "nginx-static-alias-elsewhere",
        CONF,
        served((CONF, "alias /files/", "alias /app/files/")),
    ),
    (
        "chat",
        "nginx-without-host",
        CONF,
        served((CONF, "Host $host", "Host $proxy_host")),
    ),
    (
        "chat",
        "origin-public-host-not-allowed",
        SETTINGS,
        by_caddy((SETTINGS, "chat.example.org", "chat.example.com")),
    ),
    (
        "chat",
        "nginx-static-alias-elsewhere",
        "Caddyfile",
        by_caddy(("Caddyfile", "/srv/chat/files", "/srv/chat/static")),
    ),
    (
        "chat",
        "nginx-without-host",
        "Caddyfile",
        by_caddy(("Caddyfile", "8000\n", "8000 {\n header_up Host 127.0.0.1\n}\n")),
    ),
    (  # the settings are a folder, and nothing stands in the folder itself
        "chat",
        "deploy-settings-variable-wins",
        "chat.service",
        (
            ("conf/__init__.py", None, ""),
            ("conf/live/__init__.py", None, ""),
            (
                "chat.service",
                None,
                f"{UNIT}Environment=DJANGO_SETTINGS_MODULE=conf.live\n",
            ),
        ),
    ),
    (
        "chat",
        "client-body-not-as-the-view-reads-it",
        ROOM,
        posts("name"),
    ),
    (  # its script stands below, and its element in the page above
        "chat",
        "client-script-before-element",
        "chat/templates/base.html",
        (
            ("chat/templates/base.html", None, BASE),
            (
                ROOM,
                "<!DOCTYPE html>\n",
                "{% extends 'base.html' %}{% block body %}\n",
            ),
            (ROOM, "</script>\n", "</script>\n{% endblock %}\n"),
        ),
    ),
    (
        "chat",
        "client-form-method-refused",
        ROOM,
        (
            (
                ROOM,
                "<script>",
                "<form action='/out/'><button>x</button></form><script>",
            ),
            (
                "mysite/urls.py",
                '    path("admin/"',
                '    path("out/", LogoutView.as_view()),\n    path("admin/"',
            ),
            (
                "mysite/urls.py",
                "from django.urls",
                "from django.contrib.auth.views import LogoutView\nfrom django.urls",
            ),
        ),
    ),
)
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    ("chat", "told-its-hosts", hosted()),
    ("chat", "behind-caddy", by_caddy()),
    ("chat", "posts-what-is-read", posts("room")),
    (
        "chat",
        "files-elsewhere",
        (
            ("Procfile", None, "web: daphne -b :: -p $PORT mysite.asgi:application"),
            ("mysite/live.py", None, f'{STAR}STATIC_URL = "//cdn.example/"\n'),
            ("mysite/asgi.py", '"mysite.settings"', '"mysite.live"'),
            ("chat/static/a.js", None, "export {};\n"),
        ),
    ),
)

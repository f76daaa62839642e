"""A project behind an nginx: with its own words for it where it has some, else ours."""

from __future__ import annotations

import http.client
from contextlib import suppress
from pathlib import Path

from websockets.exceptions import InvalidStatus

from tutor import nginx, sites
from tutor.checks import talk
from tutor.checks.talk import PRACTICE
from tutor.report import Refusal
from tutor.servers import Server

NAME = nginx.NAME
LOGIN, SCRIPT = "/accounts/login/", "/static/master_app/page.js"
FORGED = "203.0.113.9"  # an address that belongs to nobody

# What is used where the project has no words for nginx of its own.
SITE = f"""
map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
upstream daphne {{ server 127.0.0.1:8001; }}
server {{ listen 80; return 301 https://$host$request_uri; }}
server {{
    listen 443 ssl;
    server_name {NAME};
    ssl_certificate /etc/ssl/certs/board.pem;
    ssl_certificate_key /etc/ssl/private/board.key;
    location /static/ {{ alias /srv/board/staticfiles/; }}
    location / {{
        proxy_pass http://daphne;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-For $remote_addr;
    }}
}}
"""


def site_of(project: Path) -> str:
    """The project's own words for nginx; ours where it has none."""
    for path in (project / nginx.FILE, *sorted(project.rglob("*nginx*"))):
        if path.is_file():
            with suppress(OSError, UnicodeDecodeError):
                text = path.read_text(encoding="utf-8")
                if "server" in text and "proxy_pass" in text:
                    return text
    return SITE


def through(
    project: Path, server: Server, before: int
) -> tuple[dict[str, object], bool | None]:
    """Come through nginx, with TLS.

    Args:
        project: a copy of the project.
        server: its Daphne, which runs.
        before: how many sockets this one has seen end.

    Returns:
        What came, by what was asked for; whether an address that a client made up was
        believed, None where nobody came through.
    """
    try:
        with nginx.front(project, site_of(project), [server]) as front:
            return _asked(front, server, before)
    except Refusal as refusal:
        return {"nginx": str(refusal).splitlines()[-1]}, None


def _asked(
    front: nginx.Front, server: Server, before: int
) -> tuple[dict[str, object], bool]:
    came: dict[str, object] = {}
    secure, plain = front.entry("https"), front.entry("http")
    for what, entry, path in (
        ("http", plain, "/"),
        ("page", secure, LOGIN),
        ("script", secure, SCRIPT),
    ):
        came[what] = None
        with suppress(OSError, http.client.HTTPException):
            link = sites.link(entry)
            more = {"Host": NAME, "X-Forwarded-For": FORGED}
            link.request("GET", path, headers=more)
            came[what] = link.getresponse().status
            link.close()
    greeting = came["socket"] = talk.run(_greeted(secure))
    # When the last socket's end has been logged, all that was asked before it has.
    ends = before + isinstance(greeting, str)
    server.child.wait_for(lambda out: out.count("WSDISCONNECT") >= ends, 5)
    return came, FORGED in server.child.text


async def _greeted(entry: sites.Entry) -> object:
    """The status of a handshake; the greeting, where it succeeds."""
    opened = talk.opened(entry.ws + PRACTICE, entry.url, at=entry)
    try:
        async with opened as socket:
            return await talk.hear(socket)
    except InvalidStatus as refused:
        return refused.response.status_code
    except (OSError, EOFError, TimeoutError):
        return None

"""The Host that nginx tells Django, where it is a name that is written out.

Pages are asked for by that name whatever the browser's was; the origin of a socket is
still the browser's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.deployed import WORD
from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import Directive, Site, location, sites
from tutor.doctor.rules.deployment import caddy
from tutor.doctor.rules.deployment.publichosts import any_in, is_public
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.project.asgi import called

RANK = 60
TRIED = "reading the words for nginx"
_PLAIN = re.compile(r"[\w.-]+(?::\d+)?|\[[\da-f:]+\](?::\d+)?", re.I)


def rules(seen: Evidence) -> Iterator[Found]:
    """A Host that Django refuses, or that only hides that the site's own is refused."""
    lists = [one["hosts"] for one in seen.deployed.all("deployed")]
    lists = lists or [seen.settings.get("hosts")]
    known = [[str(host) for host in one] for one in lists if isinstance(one, list)]
    if not known or len(known) < len(lists):
        return
    if any(not one or WORD in "".join(one) for one in known):
        return
    guarded = called(seen, "AllowedHostsOriginValidator") is not None
    for site in sites(seen.project):
        for server in site.servers():
            yield from _literal(known, site, server, guarded)
    for file, block, names in caddy.sites(seen.project):
        told = caddy.host_of(block)
        if told is not None:
            yield from _said(known, file, told, told.args[1], names, guarded)


def _literal(
    known: list[list[str]], site: Site, server: Directive, guarded: bool
) -> Iterator[Found]:
    taken = location(server, "/")
    headers = (taken.headers() if taken and taken.all("proxy_pass") else None) or {}
    told = headers.get("host")
    value = told.args[1].strip("'\"") if told and len(told.args) == 2 else ""
    if told is None:
        return
    names = [name for one in server.all("server_name") for name in one.args]
    yield from _said(known, site.file, told, value, names, guarded)


def _said(
    known: list[list[str]],
    file: str,
    told: Directive,
    value: str,
    names: list[str],
    guarded: bool,
) -> Iterator[Found]:
    if not _PLAIN.fullmatch(value):
        return
    public = [name for name in names if is_public(name)]
    refused = not any(any_in(hosts, [_bare(value)]) for hosts in known)
    hidden = guarded and bool(public)
    if refused or (hidden and not any(any_in(hosts, public) for hosts in known)):
        got = f"Invalid HTTP_HOST header: '{value}'"
        if not refused:
            got = f"a socket of a page on {public[0]} is refused; Host is {value}"
        yield Found(
            "nginx-without-host",
            got,
            (file, told.line),
            RANK,
            TRIED,
            "proxy_set_header Host $host, and the site's own name in ALLOWED_HOSTS",
        )


def _bare(host: str) -> str:
    return re.sub(r":\d+$", "", host)

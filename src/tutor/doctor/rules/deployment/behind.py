"""What nginx asks behind it, and how long it waits: which server takes the sockets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.commands import SERVERS, Command, commands
from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import Directive, Site, location, sites
from tutor.doctor.rules.deployment.proxy import TRIED as READ
from tutor.doctor.rules.deployment.served import (
    RANK,
    WSGI,
    found,
    meant_by,
    serves_sockets,
)
from tutor.doctor.rules.found import Found

_HERE = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\]):(\d+)|unix:([^:]+)")


_PINGS = ("--ping-interval", "--ws-ping-interval")  # of daphne, of uvicorn
_USUAL = 60  # seconds that nginx waits, unless it is told otherwise


def rules(seen: Evidence) -> Iterator[Found]:
    for site in sites(seen.project):
        for server in site.servers():
            yield from _misread(site, server)
    yield from _pages_only(seen)
    yield from _rarely(seen)


def _misread(site: Site, server: Directive) -> Iterator[Found]:
    """What nginx takes for plain HTTP."""
    if server.all("ssl_certificate") and not (server.speaks_tls or server.all("ssl")):
        for at in server.all("listen"):
            if at.args and at.args[0].rpartition(":")[2] == "443":
                got = "plain HTTP on port 443: a browser that speaks https gets no page"
                spot = site.file, at.line
                yield Found(None, got, spot, RANK + 2, READ, "listen 443 ssl;")
                return


def _rarely(seen: Evidence) -> Iterator[Found]:
    """A server that pings more rarely than nginx has patience."""
    paths = [leaf["sample"] for leaf in seen.leaves if leaf["is"] == "consumer"]
    if not paths:
        return
    waits = [
        limit.seconds if (limit := taken.value("proxy_read_timeout")) else _USUAL
        for site in sites(seen.project)
        for server in site.servers()
        for taken in [location(server, paths[0])]
        if taken is not None and taken.all("proxy_pass")
    ]
    for one in commands(seen.project) if waits and None not in waits else ():
        pings = [int(v) for v in one.values(*_PINGS) if v.isdecimal()]
        least = min(wait for wait in waits if wait is not None)
        if one.program in SERVERS and pings and not 0 < pings[-1] < least:
            got = f"a ping each {pings[-1]} s, and nginx waits {least:.0f} s"
            expected = "pings before nginx's proxy_read_timeout is over"
            yield found("nginx-idle-socket-cut", got, one, expected, 12)
            return


def _pages_only(seen: Evidence) -> Iterator[Found]:
    """Sockets that nginx passes on to a server that knows pages only."""
    told = [one for one in commands(seen.project) if one.program in SERVERS]
    paths = [leaf["sample"] for leaf in seen.leaves if leaf["is"] == "consumer"]
    if not any(map(serves_sockets, told)):
        return  # there is no other one: this is seen elsewhere
    for address in _asked(seen, paths[:1]):
        there = [one for one in told if address in (one.ports() or ())]
        if there and not any(map(serves_sockets, there)):
            one = there[0]
            if all(_knows_pages(seen, other) for other in there):
                got = "sockets get 404: a WSGI server knows pages only"
                expected = f"a server that carries sockets: daphne {seen.target}"
                yield found("deploy-gunicorn-wsgi", got, one, expected)
                return


def _knows_pages(seen: Evidence, one: Command) -> bool:
    return one.program == "gunicorn" and meant_by(seen, one) == WSGI


def _asked(seen: Evidence, paths: list[str]) -> Iterator[str]:
    """The ports and the sockets' files of this machine that get such a path."""
    for site in sites(seen.project) if paths else ():
        for server in site.servers():
            taken = location(server, paths[0])
            for passed in taken.all("proxy_pass") if taken else ():
                name = passed.args[0].partition("://")[2] if passed.args else ""
                name = name if name.startswith("unix:") else name.partition("/")[0]
                for address in site.upstream(name):
                    if match := _HERE.match(address):
                        yield match[1] or match[2]

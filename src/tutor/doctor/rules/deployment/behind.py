"""Which server takes the sockets behind nginx, where several are started."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.commands import SERVERS, Command, commands
from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import location, sites
from tutor.doctor.rules.deployment.served import WSGI, found, meant_by, serves_sockets
from tutor.doctor.rules.found import Found

_HERE = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\]):(\d+)|unix:([^:]+)")


def rules(seen: Evidence) -> Iterator[Found]:
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

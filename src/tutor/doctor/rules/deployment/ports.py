"""The ports that a proxy asks, against those on which the started servers listen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tutor.doctor import services
from tutor.doctor.commands import SERVERS, Command, mentioned
from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import Directive, location, sites
from tutor.doctor.rules.deployment import caddy, inside
from tutor.doctor.rules.deployment.served import RANK, TRIED
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.startfiles import is_image

_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\]|(?=:))(?::(\d+))?")


def rules(seen: Evidence, told: Sequence[Command]) -> Iterator[Found]:
    yield from _nobody_there(seen, told)
    yield from _other_port(seen, told)
    yield from inside.rules(seen, told)


def _nobody_there(seen: Evidence, told: Sequence[Command]) -> Iterator[Found]:
    """A port of this machine that nginx asks, and on which no server listens."""
    served = [one for one in told if one.program in SERVERS and not _apart(one)]
    # A platform that gives a Procfile its port has no nginx of ours before it.
    others = [one for one in served if not _given_by_platform(one)]
    served = others or served
    ports: set[str] = set()
    for one in served:
        listens = one.ports()
        if listens is None:
            return
        ports |= {_plain(port) for port in listens}
    if not served:
        return
    for who, addresses, at in _proxies(seen, ports):
        asked = [_asked(address) for address in addresses]
        if not all(asked) or any(one in ports for one in asked):
            continue
        # Which socket a server has may stand in a file of its own.
        unseen = any("/" in one for one in asked) and "/" not in "".join(ports)
        if unseen and not _asks_in_vain(seen, served, at):
            continue
        shown, there = ", ".join(addresses), ", ".join(sorted(ports))
        yield Found(
            "nginx-502-upstream-down",
            f"{who} asks {shown}; the servers listen on {there}",
            at,
            RANK,
            TRIED,
            "the port on which the server listens",
        )
        return


def _proxies(seen: Evidence, ports: set[str]) -> Iterator[tuple[str, list[str], Place]]:
    """Who passes requests on, to which addresses, and where that is said."""
    for site in sites(seen.project):
        for server in site.servers():
            for passed in _passed(server):
                name = passed.args[0].partition("://")[2]
                name = name if name[:5] == "unix:" else name.partition("/")[0]
                at: Place = (site.file, site.line(name) or passed.line)
                yield "nginx", site.upstream(name), at
    every = [*caddy.asked(seen.project)]
    if any(_asked(address) in ports for _, _, address in every):
        return  # others may ask for a frontend, or for another site
    for file, line, address in every:
        yield "Caddy", [address], (file, line)


def _asks_in_vain(seen: Evidence, served: Sequence[Command], at: Place) -> bool:
    """Whether a location for sockets asks a file of which no started server knows.

    Daphne has no file of settings of its own, so its port is all that there is.
    """
    paths = [leaf["sample"] for leaf in seen.leaves if leaf["is"] == "consumer"]
    if {one.program for one in served} != {"daphne"} or not paths:
        return False
    for site in sites(seen.project):
        for server in site.servers() if site.file == at[0] else ():
            taken = location(server, "/" + paths[0].lstrip("/"))
            for passed in taken.all("proxy_pass") if taken is not None else ():
                name = passed.args[0].partition("://")[2] if passed.args else ""
                if (site.line(name) or passed.line) == at[1]:
                    files = [one.rpartition("/")[2] for one in site.upstream(name)]
                    known = "|".join(map(re.escape, files))
                    apart = [each.file for each in sites(seen.project)]
                    return not mentioned(seen.project, known, apart)
    return False


def _asked(address: str) -> str:
    """The port of this machine, or the file of a socket; empty for other machines."""
    if address.startswith("unix:"):
        return _plain(address[5:].partition(":")[0])
    match = _LOOPBACK.fullmatch(address)
    return (match[1] or "80") if match else ""


def _plain(port: str) -> str:
    """A socket's file without its second name: /var/run is /run."""
    return port.removeprefix("/var") if port.startswith("/var/run/") else port


def _given_by_platform(one: Command) -> bool:
    told = one.values("-p", "--port", "-b", "--bind")
    return one.file.rpartition("/")[2].startswith("Procfile") and any(
        "PORT" in value for value in told
    )


def _other_port(seen: Evidence, told: Sequence[Command]) -> Iterator[Found]:
    """A service of compose that nginx asks at a port on which it does not listen."""
    listens: dict[str, set[str] | None] = {}
    for service in services.services(seen.project):
        for one in services.started(service, told):
            ports, before = one.ports(), listens.get(service.name, set())
            both = ports is None or before is None
            listens[service.name] = None if both else {*(ports or ()), *(before or ())}
    for file, line, address in caddy.asked(seen.project):
        host, _, port = address.partition(":")
        if (ports := listens.get(host)) and port.isdigit() and port not in ports:
            yield Found(
                "nginx-502-upstream-down",
                f"Caddy asks {address}; {host} listens on {', '.join(ports)}",
                (file, line),
                RANK,
                TRIED,
                "the port on which the server listens",
            )
            return
    for site in sites(seen.project) if listens else ():
        for passed in (one for server in site.servers() for one in _passed(server)):
            name = passed.args[0].partition("://")[2].partition("/")[0]
            for address in site.upstream(name):
                host, _, port = address.partition(":")
                there = listens.get(host) if host else None
                if there and port.isdigit() and port not in there:
                    yield Found(
                        "nginx-502-upstream-down",
                        f"nginx asks {address}; {host} listens on {', '.join(there)}",
                        (site.file, site.line(name) or passed.line),
                        RANK,
                        TRIED,
                        "the port on which the server listens",
                    )
                    return


def _apart(one: Command) -> bool:
    """Whether a server has an address of its own: a container's."""
    return "compose" in one.file.rpartition("/")[2].lower() or is_image(one.file)


def _passed(server: Directive) -> Iterator[Directive]:
    for inner in server.block:
        if inner.name == "proxy_pass" and inner.args:
            yield inner
        yield from _passed(inner)

"""Who asks whom among the containers of compose: a proxy, and the server behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from tutor.doctor import services
from tutor.doctor.commands import Command
from tutor.doctor.compose import Service
from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import Directive, sites
from tutor.doctor.rules.deployment import caddy
from tutor.doctor.rules.deployment.served import RANK, TRIED
from tutor.doctor.rules.found import Found, Place

SLUG = "nginx-502-upstream-down"
_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\]):\d+")
_PORT = re.compile(r"traefik\..*\.loadbalancer\.server\.port(?:\s*[=:]\s*[\"']?(\d+))?")


def rules(seen: Evidence, told: Sequence[Command]) -> Iterator[Found]:
    every = list(services.services(seen.project))
    served = [one for one in every if services.started(one, told)]
    if not served or any("network_mode" in one.keys for one in every):
        return
    yield from _asked(seen, told, every, served)
    yield from _by_label(seen, told, served)
    yield from _published(seen, told, served)


def _asked(
    seen: Evidence, told: Sequence[Command], every: list[Service], served: list[Service]
) -> Iterator[Found]:
    """A proxy that asks itself, or a service that there is not."""
    asked = [
        ("nginx", address, (site.file, site.line(name) or passed.line))
        for site in sites(seen.project)
        for server in site.servers()
        for passed in _passed(server)
        for name in [passed.args[0].partition("://")[2].partition("/")[0]]
        for address in site.upstream(name)
    ]
    asked += [("caddy", at, (file, n)) for file, n, at in caddy.asked(seen.project)]
    files = {one.file for one in every}
    texts = "".join((seen.project / f).read_text("utf-8", "replace") for f in files)
    names = {one.name for one in served}
    # Whoever reaches our server may lead to others, too, in a network of their own.
    found = any(address.partition(":")[0] in names for _, address, _ in asked)
    for who, address, place in asked:
        host = address.partition(":")[0]
        own = bool(_LOOPBACK.fullmatch(address))
        nobody = re.fullmatch(r"[a-z][a-z0-9_-]*", host) and not re.search(
            rf"(?<![\w./-]){re.escape(host)}(?![\w./-])", texts
        )
        proxies = [one for one in every if one not in served and _has(one, who, place)]
        alone = not any(services.started(one, told, services.ANY) for one in proxies)
        if proxies and alone and (own or (nobody and not found and host != "unix")):
            yield Found(
                SLUG,
                f"{who} asks {address}, which is its own container"
                if own
                else f"host not found in upstream {address!r}",
                place,
                RANK,
                TRIED,
                f"the name of the service with the server: {served[0].name}",
            )
            return


def _has(service: Service, who: str, place: Place) -> bool:
    """Whether a service is such a proxy, and is given the file of its words."""
    image = re.fullmatch(r"(?:[\w.-]+/)*(\w+)(?:[:@-].*)?", service.text("image"))
    file = PurePosixPath(str(place[0]))
    if image is None or (image[1] != who and not image[1].startswith(who)):
        return service.context != "." and PurePosixPath(service.context) in file.parents
    volumes = service.keys.get("volumes", ([], 0))[0]
    given = {
        str(PurePosixPath(service.file).parent / volume.partition(":")[0])
        for volume in (volumes if isinstance(volumes, list) else [])
    }
    return any(str(one) in given for one in (file, *file.parents[:-1]))


def _passed(server: Directive) -> Iterator[Directive]:
    for inner in server.block:
        if inner.name == "proxy_pass" and inner.args:
            yield inner
        yield from _passed(inner)


def _by_label(
    seen: Evidence, told: Sequence[Command], served: list[Service]
) -> Iterator[Found]:
    """A label that names a port for Traefik on which the server does not listen."""
    for service in served:
        listens = [one.ports() for one in services.started(service, told)]
        ports = {port for one in listens for port in one or ()}
        labels = service.keys.get("labels", ([], 0))[0]
        given = [*labels] if isinstance(labels, list) else []
        given += [f"{k}={value}" for k, (value, _) in service.below("labels").items()]
        for label in given:
            match = _PORT.fullmatch(label)
            if match and match[1] and None not in listens and match[1] not in ports:
                text = (seen.project / service.file).read_text("utf-8", "replace")
                lines = enumerate(text.splitlines(), 1)
                line = next((n for n, one in lines if _PORT.search(one)), service.line)
                yield Found(
                    SLUG,
                    f"Traefik asks port {match[1]}; {service.name} listens on "
                    + ", ".join(sorted(ports)),
                    (service.file, line),
                    RANK,
                    TRIED,
                    "the port on which the server listens",
                )
                return


def _published(
    seen: Evidence, told: Sequence[Command], served: list[Service]
) -> Iterator[Found]:
    """Ports that compose opens, and none of them leads to where the server listens."""
    for service in served:
        image = seen.project / (service.dockerfile or "")
        text = image.read_text("utf-8", "replace") if image.is_file() else ""
        if re.search(r"nginx|caddy|supervisor", service.text("command") + text):
            continue  # another server may listen there
        listens = [one.ports() for one in services.started(service, told)]
        ports = {port for one in listens for port in one or ()}
        given, line = service.keys.get("ports", ([], 0))
        texts = [*given] if isinstance(given, list) else []
        inner = [text.partition("/")[0].rpartition(":")[2] for text in texts]
        plain = all(one.isdigit() for one in [*inner, *ports])
        if inner and ports and plain and None not in listens and not {*inner} & ports:
            yield Found(
                SLUG,
                f"{texts[0]} leads to port {inner[0]}; {service.name} listens on "
                + ", ".join(sorted(ports)),
                (service.file, line),
                RANK,
                TRIED,
                f"the port on which the server listens: {min(ports)}",
            )
            return

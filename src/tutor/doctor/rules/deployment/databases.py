"""The database of a service of compose: in a container localhost is that container."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.commands import commands, known
from tutor.doctor.compose import Service
from tutor.doctor.deployed import VARIABLE
from tutor.doctor.evidence import Evidence
from tutor.doctor.handed import PROGRAMS, to_service
from tutor.doctor.rules.deployment.envfiles import LOCAL
from tutor.doctor.rules.deployment.places import place
from tutor.doctor.rules.deployment.served import TRIED
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.services import services, started

RANK = 66
_IMAGES = {
    "postgresql": re.compile(r"(?:[\w./-]+/)?(?:postgres|postgis|timescaledb)\b"),
    "mysql": re.compile(r"(?:[\w./-]+/)?(?:mysql|mariadb)\b"),
}
_ENGINES = {"postgis": "postgresql"}
_URL = re.compile(
    r"(?:postgres(?:ql)?|postgis|mysql)(?:\+\w+)?://(?:[^@/]*@)?(?P<host>[\w.-]+)"
)
_NAMES = re.compile(r"(?i)(?:^|_)(?:DATABASE|DB|POSTGRES|PG|MYSQL|SQL)")


def rules(seen: Evidence) -> Iterator[Found]:
    if "websocket" not in (seen.walk.get("protocols") or {}):
        return
    every = list(services(seen.project))
    told = commands(seen.project)
    for file in dict.fromkeys(one.file for one in every):
        here = [one for one in every if one.file == file]
        servers = {
            one.name: engine
            for one in here
            for engine, image in _IMAGES.items()
            if image.match(one.text("image"))
        }
        for one in here if servers else ():
            if started(one, told, PROGRAMS) and "network_mode" not in one.keys:
                found = list(_of(seen, one, servers))
                yield from found[:1]
                if found:
                    return


def _of(seen: Evidence, one: Service, servers: dict[str, str]) -> Iterator[Found]:
    given: dict[str, tuple[str, Place]] = {
        key: (value.value, (value.file, value.line))
        for key, value in to_service(seen.project, one).items()
    }
    if "env_file" in one.keys and not given:
        return  # who knows what it says
    for key, (text, line) in one.below("environment").items():
        given[key] = text, (one.file, line)
    hosts = [(key, text, at) for key, (text, at) in given.items() if _NAMES.search(key)]
    for key, text, at in hosts:
        match = _URL.match(text)
        plain = text if re.search(r"HOST(?:NAME)?$|SERVER$|ADDR$", key.upper()) else ""
        if (match["host"] if match else plain) in LOCAL:
            yield _nobody(at, servers)
            return
    if any(not known(text) or not text for _, text, _ in hosts):
        return
    names = "|".join(map(re.escape, servers))
    if any(re.search(rf"(?:^|[@/])(?:{names})\b", text) for text, _ in given.values()):
        return
    yield from _by_default(seen, one, servers)


def _by_default(
    seen: Evidence, one: Service, servers: dict[str, str]
) -> Iterator[Found]:
    """Settings that ask this machine, since the container is told nothing else."""
    begun = started(one, commands(seen.project), PROGRAMS)
    modules = {each.env[VARIABLE][0] for each in begun if VARIABLE in each.env}
    every = seen.deployed.all("deployed")
    for settings in every if modules or len(every) == 1 else ():
        if modules and settings["module"] not in modules:
            continue
        engine, host = settings["databases"].get("default", ("", ""))
        kind = engine.rpartition(".")[2]
        if _ENGINES.get(kind, kind) in servers.values() and host in LOCAL:
            yield _nobody(place(seen, settings, "DATABASES"), servers)
            return
    own = seen.settings.get("module")
    here = (seen.settings.get("databases") or {}).get("default") or {}
    kind = str(here.get("engine", "")).rpartition(".")[2]
    is_here = not every and modules <= {own} and here.get("host") in LOCAL
    if is_here and _ENGINES.get(kind, kind) in servers.values():
        yield _nobody(seen.setting("DATABASES"), servers)


def _nobody(at: Place, servers: dict[str, str]) -> Found:
    return Found(
        None,
        "connection to server at localhost failed: Connection refused",
        at,
        RANK,
        TRIED,
        f"the name of the service with the database: {', '.join(servers)}",
        "In a container localhost is that container itself.",
    )

"""Services of compose, one against the other: Redis, and who asks it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tutor.doctor.commands import MOST, Command, commands, known
from tutor.doctor.compose import FILE, Service
from tutor.doctor.evidence import Evidence
from tutor.doctor.handed import PROGRAMS
from tutor.doctor.rules.deployment.places import layers_there
from tutor.doctor.rules.deployment.served import TRIED, serves_sockets
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.groups.spreading import MEMORY, backends, configuring
from tutor.doctor.services import services, started

RANK = 66
IMAGE = re.compile(r"(?:[\w./-]+/)?(?:redis|valkey)\b")
_OLD = re.compile(r"(?:[\w./-]+/)?redis:v?([0-4])(?:[.-]|$)")
_WORKS = re.compile(r"\b(?:celery|runworker|rqworker|dramatiq|huey)\b")
_LOCKS = re.compile(r"(?mi)^\s*requirepass\s+\S")
_URL = re.compile(r"rediss?://(?P<given>[^@/]*@)?(?P<host>[\w.-]+)(?::\d+)?(?:/\w*)?$")

_LOCKED = "redis-password-missing"
_REFUSES = "HELLO must be called with the client already authenticated"
_PARTS = re.compile(r"rediss?://(?P<host>[^/$]+)(?:/(?P<db>\d*))?")
_MORE = re.compile(r"env_file|EnvironmentFile|PassEnvironment|\bx-|<<:|extends|: \*\w")


def rules(seen: Evidence) -> Iterator[Found]:
    if "websocket" not in (seen.walk.get("protocols") or {}):
        return
    every = list(services(seen.project))
    for file in dict.fromkeys(one.file for one in every):
        here = [one for one in every if one.file == file]
        locked = {one.name for one in here if asks_for_password(seen.project, one)}
        for one in here if locked else ():
            yield from _without_password(one, locked)
        yield from [*_asked_without(seen, locked)][:1]
        yield from _untold(seen, here)
    if any("channels_redis" in text for text in backends(seen)):
        for one in every:
            yield from _too_old(one)
    yield from [*_apart(seen)][:1]


def _apart(seen: Evidence) -> Iterator[Found]:
    """A worker that is told another Redis than the server, or none: it has no jobs."""
    told = commands(seen.project)
    workers = [one for one in told if one.program == "runworker"]
    for server in [one for one in told if serves_sockets(one)] if workers else ():
        for key, (value, _) in server.env.items():
            ours = _PARTS.fullmatch(value)
            for one in workers if ours and _asks(seen, key) else ():
                text, line = one.env.get(key, ("", one.line))
                other, db = _PARTS.fullmatch(text), str(ours and (ours["db"] or 0))
                if other and ours and other["host"] == ours["host"]:
                    if (other["db"] or "0") != db:
                        got = f"{key} is {text}, and the server's is {value}"
                        slug, right = "worker-on-another-layer", value
                        yield _of_worker(one, slug, got, line, right)
                elif not text and _is_alone(seen, one):
                    got = f"it is not told {key}: its layer is in its own memory"
                    slug, right = "worker-with-inmemory-layer", f"{key} as the server's"
                    yield _of_worker(one, slug, got, line, right)


def _of_worker(one: Command, slug: str, got: str, line: int, right: str) -> Found:
    return Found(slug, got, (one.file, line), RANK, TRIED, right)


def _asks(seen: Evidence, key: str) -> bool:
    """Whether the settings of the layers ask for a variable."""
    return any(f'"{key}"' in text or f"'{key}'" in text for text in _texts(seen))


def _texts(seen: Evidence) -> list[str]:
    return [module.text for module in configuring(seen)]


def _is_alone(seen: Evidence, one: Command) -> bool:
    """Whether a worker has a layer in memory here, and nothing else tells it more."""
    text = (seen.project / one.file).read_text("utf-8", "replace")
    whole = FILE.fullmatch(PurePosixPath(one.file).name) or one.file.endswith(
        ".service"
    )
    layers = seen.settings.get("layers")
    used = layers.values() if isinstance(layers, dict) else ()
    memory = [isinstance(x, dict) and x.get("BACKEND") == MEMORY for x in used]
    return bool(whole and memory) and all(memory) and not _MORE.search(text)


def _asked_without(seen: Evidence, locked: set[str]) -> Iterator[Found]:
    """Such a Redis by its name and port alone, in the settings that servers have."""
    for one in seen.deployed.all("deployed") if locked else ():
        layers = one["layers"] if isinstance(one["layers"], dict) else {}
        for layer in layers.values():
            config = layer.get("CONFIG") if isinstance(layer, dict) else None
            hosts = config.get("hosts") if isinstance(config, dict) else None
            for host in hosts if isinstance(hosts, list) else ():
                name = str(host[0]) if isinstance(host, list) and host else str(host)
                match = _URL.fullmatch(name)
                if (match["host"] if match and not match["given"] else name) in locked:
                    place = layers_there(seen)
                    right = f"redis://:password@{match['host'] if match else name}:6379"
                    yield Found(_LOCKED, _REFUSES, place, RANK, TRIED, right)


def published(one: Service, port: str) -> str:
    """Which port of a container this machine has under another number; "" if none."""
    told = one.keys.get("ports", ([], 0))[0]
    for text in told if isinstance(told, list) else ():
        *_, outer, inner = ["", *text.partition("/")[0].split(":")]
        if outer.rpartition("}")[2] == port and inner.isdigit() and inner != port:
            return inner
    return ""


def _untold(seen: Evidence, here: list[Service]) -> Iterator[Found]:
    """A worker's container that is not told where Redis is, as the server's is."""
    redis = {one.name for one in here if IMAGE.match(one.text("image"))}
    told = commands(seen.project)
    for server in [one for one in here if started(one, told, PROGRAMS)]:
        for key, (value, _) in server.below("environment").items():
            match = _URL.fullmatch(value)
            asked = any(f'"{key}"' in t or f"'{key}'" in t for t in _settings(seen))
            if (match["host"] if match else value) not in redis or not asked:
                continue
            for one in here:
                own = _WORKS.search(one.text("command")) and one.dockerfile
                if own and own == server.dockerfile and not _knows(one, key):
                    yield Found(
                        "redis-server-not-running",
                        f"{one.name} is not told {key}, so it asks its own container",
                        (one.file, one.line),
                        RANK,
                        TRIED,
                        f"{key} in its environment, as {server.name} has it",
                    )
                    return


def _settings(seen: Evidence) -> Iterator[str]:
    """The texts of the settings, where their layer asks this machine by itself."""
    layers = str(seen.settings.get("layers"))
    if "localhost" in layers or "127.0.0.1" in layers:
        yield from (module.text for module in configuring(seen))


def _knows(one: Service, key: str) -> bool:
    """Whether a service may be told a variable: by its own list, or a file."""
    said = one.keys.get("environment", ("", 0))[0]
    return "env_file" in one.keys or key in one.below("environment") or key in said


def asks_for_password(project: Path, one: Service) -> bool:
    """Whether a Redis does: by its option, an image's variable, or its own file."""
    if not IMAGE.match(one.text("image")):
        return False
    command = one.text("command")
    option = re.search(r"--requirepass\s+[^\s'\"]", command)
    variable = one.text("environment.REDIS_PASSWORD")
    return bool(option or variable) or any(map(_LOCKS.search, _files(project, one)))


def _files(project: Path, one: Service) -> Iterator[str]:
    """The project's files that a container sees, and its command names."""
    volumes = one.keys.get("volumes", ([], 0))[0]
    for volume in volumes if isinstance(volumes, list) else ():
        here, _, there = volume.partition(":")
        there = there.partition(":")[0]
        path = project / PurePosixPath(one.file).parent / here
        with suppress(OSError):
            named = bool(there) and there.rstrip("/") in one.text("command")
            if named and path.is_file() and path.stat().st_size <= MOST:
                yield path.read_text("utf-8", "replace")


def _too_old(one: Service) -> Iterator[Found]:
    """An image of a Redis that lacks what the layer waits with."""
    match = _OLD.match(one.text("image"))
    if match:
        yield Found(
            "redis-server-too-old",
            "unknown command 'BZPOPMIN'",
            (one.file, one.keys["image"][1]),
            RANK,
            TRIED,
            f"Redis 5 or newer, and not {match[1]}",
        )


def _without_password(one: Service, locked: set[str]) -> Iterator[Found]:
    """A URL of such a Redis, with nothing before the @."""
    for value, line in one.below("environment").values():
        match = _URL.fullmatch(value) if known(value) else None
        if match and match["host"] in locked and not match["given"]:
            yield Found(
                _LOCKED,
                _REFUSES,
                (one.file, line),
                RANK,
                TRIED,
                f"redis://:password@{match['host']}:6379",
            )
            return

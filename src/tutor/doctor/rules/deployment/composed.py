"""Services of compose, one against the other: Redis, and who asks it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tutor.doctor.commands import MOST, commands, known
from tutor.doctor.compose import Service
from tutor.doctor.evidence import Evidence
from tutor.doctor.handed import PROGRAMS
from tutor.doctor.rules.deployment.served import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.groups.spreading import backends, configuring
from tutor.doctor.services import services, started

RANK = 66
IMAGE = re.compile(r"(?:[\w./-]+/)?(?:redis|valkey)\b")
_OLD = re.compile(r"(?:[\w./-]+/)?redis:v?([0-4])(?:[.-]|$)")
_WORKS = re.compile(r"\b(?:celery|runworker|rqworker|dramatiq|huey)\b")
_LOCKS = re.compile(r"(?mi)^\s*requirepass\s+\S")
_URL = re.compile(r"rediss?://(?P<given>[^@/]*@)?(?P<host>[\w.-]+)(?::\d+)?(?:/\w*)?$")


def rules(seen: Evidence) -> Iterator[Found]:
    if "websocket" not in (seen.walk.get("protocols") or {}):
        return
    every = list(services(seen.project))
    for file in dict.fromkeys(one.file for one in every):
        here = [one for one in every if one.file == file]
        locked = {one.name for one in here if asks_for_password(seen.project, one)}
        for one in here if locked else ():
            yield from _without_password(one, locked)
        yield from _untold(seen, here)
    if any("channels_redis" in text for text in backends(seen)):
        for one in every:
            yield from _too_old(one)


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
                "redis-password-missing",
                "HELLO must be called with the client already authenticated",
                (one.file, line),
                RANK,
                TRIED,
                f"redis://:password@{match['host']}:6379",
            )
            return

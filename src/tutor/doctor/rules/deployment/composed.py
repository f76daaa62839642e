"""Services of compose, one against the other: Redis, and who asks it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tutor.doctor.commands import MOST, known
from tutor.doctor.compose import Service
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.deployment.served import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.groups.spreading import backends
from tutor.doctor.services import services

RANK = 66
IMAGE = re.compile(r"(?:[\w./-]+/)?(?:redis|valkey)\b")
_OLD = re.compile(r"(?:[\w./-]+/)?redis:v?([0-4])(?:[.-]|$)")
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
    if any("channels_redis" in text for text in backends(seen)):
        for one in every:
            yield from _too_old(one)


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

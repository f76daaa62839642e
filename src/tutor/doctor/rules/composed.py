"""Services of compose, one against the other: Redis, and who asks it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tutor.doctor.commands import Command, commands, known
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.commands import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.spreading import backends

RANK = 66
_IMAGE = re.compile(r"\s+image:\s*[\"']?(?:[\w./-]+/)?(?:redis|valkey)\b")
COMPOSE = ("compose*.y*ml", "docker-compose*.y*ml", "*/compose*.y*ml")
_OLD = re.compile(r"\s+image:\s*[\"']?(?:[\w./-]+/)?redis:v?([0-4])(?:[.\-\"'\s]|$)")
_SERVICE = re.compile(r"(\s+)[\"']?([\w.-]+)[\"']?:\s*(?:#.*|&\w+)?$")
# What makes a Redis ask for a password: its own option, and a variable of an image.
_LOCKED = re.compile(
    r"--requirepass\b(?![\"',\s]+(?:[\"']{2}|$))|\bREDIS_PASSWORD\b\s*[:=]\s*[^\s]"
)
_URL = re.compile(r"rediss?://(?P<given>[^@/]*@)?(?P<host>[\w.-]+)(?::\d+)?(?:/\w*)?$")


@dataclass
class _Service:
    """A service, and what stands in it."""

    name: str
    lines: list[str] = field(default_factory=list)


def rules(seen: Evidence) -> Iterator[Found]:
    if "websocket" not in (seen.walk.get("protocols") or {}):
        return
    told = [one for one in commands(seen.project) if _is_compose(one.file)]
    for file in dict.fromkeys(one.file for one in told):
        text = (seen.project / file).read_text("utf-8", "replace")
        locked = {one.name for one in _services(text) if _asks_for_password(one)}
        for one in told if locked else ():
            if one.file == file:
                yield from _without_password(one, locked)
    if any("channels_redis" in text for text in backends(seen)):
        for folder in sorted({seen.project, seen.home}):
            for path in (path for name in COMPOSE for path in folder.glob(name)):
                yield from _too_old(seen, path)


def _is_compose(file: str) -> bool:
    name = file.rpartition("/")[2].lower()
    return "compose" in name and name.endswith((".yml", ".yaml"))


def _services(text: str) -> Iterator[_Service]:
    """The blocks right below ``services:``."""
    inside, deep = False, 0
    service: _Service | None = None
    for line in text.splitlines():
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        if not line[0].isspace():
            if service is not None:
                yield service
            inside, deep, service = bare.startswith("services:"), 0, None
            continue
        match = _SERVICE.match(line)
        if inside and match and (deep in (0, len(match[1]))):
            if service is not None:
                yield service
            deep, service = len(match[1]), _Service(match[2])
        elif service is not None:
            service.lines.append(line)
    if service is not None:
        yield service


def _asks_for_password(service: _Service) -> bool:
    is_redis = any(map(_IMAGE.match, service.lines))
    return is_redis and any(map(_LOCKED.search, service.lines))


def _too_old(seen: Evidence, path: Path) -> Iterator[Found]:
    """An image of a Redis that lacks what the layer waits with."""
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        if match := _OLD.match(line):
            yield Found(
                "redis-server-too-old",
                "unknown command 'BZPOPMIN'",
                (path.relative_to(seen.project).as_posix(), number),
                RANK,
                TRIED,
                f"Redis 5 or newer, and not {match[1]}",
            )
            return


def _without_password(one: Command, locked: set[str]) -> Iterator[Found]:
    """A URL of such a Redis, with nothing before the @."""
    for value, line in one.env.values():
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

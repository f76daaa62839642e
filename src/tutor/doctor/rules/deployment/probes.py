"""The health check of a container, which asks by an address that Django refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.commands import SERVERS, commands, files
from tutor.doctor.deployed import WORD
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.deployment.served import TRIED
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.services import services, started
from tutor.doctor.startfiles import is_image, logical_lines

RANK = 66
DOOR = "django.middleware.common.CommonMiddleware"
_ASKS = re.compile(
    r"https?://(?P<host>localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)(?::\d+)?"
    r"(?P<path>/[^\s\"';)]*)?"
)
_NAMES_A_HOST = re.compile(r"[\"']?\bHost[\"']?\s*[:,]", re.I)
_CURL = re.compile(r"\bcurl\b")
# Without it, curl is content with any answer.
_FAILS = re.compile(r"\s(?:--fail\b|--fail-with-body\b|-[a-zA-Z]*f)")


def rules(seen: Evidence) -> Iterator[Found]:
    chain = [str(name) for name in seen.settings.get("middleware") or []]
    before = chain[: chain.index(DOOR)] if DOOR in chain else []
    own = any(name in seen.source.classes for name in before)
    if DOOR not in chain or own:  # one of its own may answer further out
        return
    for text, place in _probes(seen):
        match = _ASKS.search(text)
        if match is None or _NAMES_A_HOST.search(text):
            continue
        if _CURL.search(text) and not _FAILS.search(text):
            continue
        for one in seen.deployed.all("deployed"):
            hosts = [str(host) for host in one["hosts"] or []]
            known = bool(hosts) and WORD not in "".join(hosts) and not one["debug"]
            if known and not {match["host"], "*"} & {*hosts}:
                yield Found(
                    "operate-probe-behind-the-host-check",
                    f"400 Bad Request: {match['host']!r} is none of {', '.join(hosts)}",
                    place,
                    RANK,
                    TRIED,
                    "a probe that names a host of ours, or is answered further out",
                )
                return


def _probes(seen: Evidence) -> Iterator[tuple[str, Place]]:
    """What asks the servers of containers whether they are well, and where."""
    told = commands(seen.project)
    for service in services(seen.project):
        check = "healthcheck.test"
        if check in service.keys and started(service, told):
            yield service.text(check), (service.file, service.keys[check][1])
    images = {one.file for one in told if one.program in SERVERS}
    for path in files(seen.project):
        file = path.relative_to(seen.project).as_posix()
        if file not in images or not is_image(file):
            continue
        for line, said in logical_lines(path.read_text("utf-8", "replace")):
            word, _, rest = said.strip().partition(" ")
            if word.upper() == "HEALTHCHECK":
                yield rest, (file, line)

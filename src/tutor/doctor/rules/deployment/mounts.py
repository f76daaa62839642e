"""The static files that one container collects, and nginx serves from another.

They share a volume: it holds what lies at its place in the container that fills it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePosixPath

from tutor.doctor.commands import MOST, commands, files, mentioned
from tutor.doctor.compose import Service
from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import Directive, Site, sites
from tutor.doctor.rules.deployment.https import set_in_settings
from tutor.doctor.rules.deployment.proxy import RANK, TRIED, filled
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.services import services, started
from tutor.doctor.source.walking import walk

SLUG = "nginx-static-alias-elsewhere"
_NGINX = re.compile(r"(?:[\w./-]+/)?nginx(?:[:@-]|$)")
# Who writes down how the tables are made writes down the files, too.
_PREPARES = r"\bmanage\.py\b\W+migrate\b"
_NAMED = re.compile(r"[A-Za-z0-9][\w.-]*")  # a volume, and no path


def rules(seen: Evidence) -> Iterator[Found]:
    every = list(services(seen.project))
    proxies = [one for one in every if _NGINX.match(one.text("image"))]
    told = commands(seen.project)
    own = [one for one in every if started(one, told)]
    names = filled(seen)
    if len(proxies) != 1 or not own or not names or _is_told(seen):
        return
    for site, one, folder in _served(seen):
        mounts = [*_mounts(proxies[0])]
        there = [m for m in mounts if _is_in(folder, m[1])]
        if not there:
            continue  # it is looked at elsewhere
        volume, at = max(there, key=lambda m: len(m[1]))
        theirs = [(o, to) for o in own for name, to in _mounts(o) if name == volume]
        inner = PurePosixPath(folder).relative_to(at)
        whole = [PurePosixPath(to, inner) for _, to in theirs]
        if theirs and not any(path.name in names for path in whole):
            place: Place = site.file, one.line
            if PurePosixPath(theirs[0][1]).name not in names:
                service = theirs[0][0]
                place = service.file, service.keys["volumes"][1]
            got = f"nginx has {whole[0]}/ of {theirs[0][0].name}"
            expected = f"the folder that collectstatic fills: {names[-1]}/"
            yield Found(SLUG, got, place, RANK + 4, TRIED, expected)
            return
        if theirs and mentioned(seen.project, _PREPARES) and not is_collected(seen):
            service = theirs[0][0]
            image = service.dockerfile
            there_is = image is not None and (seen.project / image).is_file()
            yield Found(
                SLUG,
                f"the volume {volume} stays empty: nobody runs collectstatic",
                (image, None) if there_is else (service.file, service.line),
                RANK + 4,
                TRIED,
                "python manage.py collectstatic --noinput, where the image is built",
            )
            return


def _served(seen: Evidence) -> Iterator[tuple[Site, Directive, str]]:
    """The folders in which nginx looks for static files, and where that is said."""
    for site in sites(seen.project):
        for server in site.servers():
            for one in server.all("location"):
                if one.args[-1].strip("/") != "static" or len(one.args) > 2:
                    continue
                for told in (*one.all("alias"), *one.all("root")):
                    path = told.args[0] if told.args else "$"
                    if "$" not in path:
                        added = one.args[-1] if told.name == "root" else ""
                        yield site, told, f"{path.rstrip('/')}/{added.strip('/')}"


def _mounts(one: Service) -> Iterator[tuple[str, str]]:
    """The volumes that a service has by their names, and where."""
    told = one.keys.get("volumes", ("", 0))[0]
    for text in told if isinstance(told, list) else ():
        name, _, rest = text.partition(":")
        if rest and _NAMED.fullmatch(name):
            yield name, rest.partition(":")[0].rstrip("/")


def _is_in(folder: str, at: str) -> bool:
    return PurePosixPath(folder).is_relative_to(at)


def _is_told(seen: Evidence) -> bool:
    """Whether the environment may say where the files are collected."""
    return any(
        "environ" in ast.unparse(assigned.value) or isinstance(node, ast.JoinedStr)
        for name, _, assigned in set_in_settings(seen)
        if name == "STATIC_ROOT"
        for node in walk(assigned.value)
    )


def is_collected(seen: Evidence) -> bool:
    """Whether the command is named anywhere, be it in words for people."""
    for path in files(seen.project):
        with suppress(OSError, UnicodeDecodeError):
            text = path.read_text("utf-8") if path.stat().st_size <= MOST else ""
            called = path.suffix != ".py" or "call_command" in text
            if "collectstatic" in text and called:
                return True
    return False

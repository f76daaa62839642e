"""The static files of pages: whether they are collected, and served by anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.commands import commands, files, mentioned
from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import sites
from tutor.doctor.rules.browser import scripts
from tutor.doctor.rules.deployment import caddy
from tutor.doctor.rules.deployment.mounts import is_collected
from tutor.doctor.rules.deployment.proxy import serves_files
from tutor.doctor.rules.deployment.served import (
    RANK,
    TRIED,
    found,
    served_by,
    serves_sockets,
)
from tutor.doctor.rules.found import Found
from tutor.doctor.services import services, started

# Where files go that no folder of this machine or of a container has.
_AWAY = ("storages.", "cloudinary", "s3boto", "s3storage", "gcloud", "azure")


def rules(seen: Evidence) -> Iterator[Found]:
    url = str(seen.settings.get("static") or "")
    texts = [module.text.lower() for module in seen.source.modules.values()]
    away = any(word in text for word in _AWAY for text in texts)
    elsewhere = any("//" in str(one["static"]) for one in seen.deployed.all("deployed"))
    if away or elsewhere or "//" in url:
        return
    yield from _no_root(seen)
    own = (one for one in scripts.texts(seen) if not one.is_built)
    alone = not sites(seen.project) and not any(caddy.asked(seen.project))
    if url.startswith("/") and alone and any(one.is_static for one in own):
        yield from [*_on_a_platform(seen, url), *_in_a_container(seen, url)][:1]


def _no_root(seen: Evidence) -> Iterator[Found]:
    """Files are collected, or served by nginx, and no settings say where they lie."""
    roots = [one["static_root"] for one in seen.deployed.all("deployed")]
    roots.append((seen.look.get("static") or {}).get("root"))
    if any(roots) or any(
        "STATIC_ROOT" in {*one.lines, *one.changed}
        for one in seen.source.modules.values()
    ):
        return
    servers = [one for site in sites(seen.project) for one in site.servers()]
    places = [at for server in servers for at in server.all("location")]
    aliased = any(p.args[-1].strip("/") == "static" and p.all("alias") for p in places)
    if aliased or mentioned(seen.project, r"\bcollectstatic\b"):
        yield Found(
            "deploy-static-root-missing",
            "staticfiles, without having set the STATIC_ROOT setting",
            seen.setting("STATIC_URL"),
            RANK + 3,
            TRIED,
            "STATIC_ROOT = BASE_DIR / 'staticfiles'",
        )


def _on_a_platform(seen: Evidence, url: str) -> Iterator[Found]:
    """A platform on which one server is asked for all."""
    for one in commands(seen.project) if not serves_files(seen) else ():
        named = one.file.rpartition("/")[2].startswith("Procfile")
        if named and serves_sockets(one) and served_by(seen, one):
            yield found(
                "deploy-static-files-under-daphne",
                f"Not Found: {url}",
                one,
                "WhiteNoise in the project, where no nginx serves them",
                5,
            )
            return


def _in_a_container(seen: Evidence, url: str) -> Iterator[Found]:
    """A container of which nobody sees the files, or into which nobody puts them."""
    every = seen.deployed.all("deployed")
    if not every or any(one["debug"] for one in every):
        return  # in development Django serves them itself
    served = serves_files(seen)
    finders = "WHITENOISE_USE_FINDERS" in (seen.settings.get("names") or [])
    if served and (finders or is_collected(seen) or _is_there(seen)):
        return
    if not served and not _is_installed(seen):
        return  # who serves them may stand elsewhere
    told = commands(seen.project)
    for service in services(seen.project):
        image = service.dockerfile or ""
        own = [one for one in started(service, told) if serves_sockets(one)]
        if own and "volumes" not in service.keys and (seen.project / image).is_file():
            slug, got = "deploy-static-files-under-daphne", f"Not Found: {url}"
            if served:
                expected = "collectstatic --noinput, where the image is built"
                yield found(slug, got, own[0], expected, 5)
            else:
                place, expected = seen.setting("MIDDLEWARE"), "WhiteNoise in MIDDLEWARE"
                yield Found(slug, got, place, RANK + 5, TRIED, expected)
            return


def _is_installed(seen: Evidence) -> bool:
    """Whether the project's lists of packages have WhiteNoise."""
    return any(
        "whitenoise" in path.read_text("utf-8", "replace").lower()
        for path in files(seen.project)
        if re.fullmatch(r"requirements.*\.txt|pyproject\.toml|Pipfile", path.name)
    )


def _is_there(seen: Evidence) -> bool:
    """Whether the folder with the collected files is a part of the project."""
    roots = [str(one["static_root"]) for one in seen.deployed.all("deployed")]
    return any((seen.home / one.rpartition("/")[2]).is_dir() for one in roots)

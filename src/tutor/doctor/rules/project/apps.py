"""The installed apps, against what a project that wants sockets needs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.commands import commands, of_manage
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.source.walking import walk

RANK = 20


def wants_sockets(seen: Evidence) -> bool:
    """Whether anything in the project is meant for sockets."""
    return bool(
        seen.aim >= 2
        or seen.source.consumers()
        or seen.settings.get("asgi")
        or seen.settings.get("layers")
        or seen.walk.get("protocols")
        or "channels" in packages(seen)
    )


def packages(seen: Evidence) -> list[str]:
    """The apps by their package."""
    return [str(app).partition(".")[0] for app in seen.settings.get("apps") or []]


def rules(seen: Evidence) -> Iterator[Found]:
    names = packages(seen)
    place = seen.setting("INSTALLED_APPS")
    owner = next(
        (c for c in seen.look.all("command") if c["name"] == "runserver"), None
    )
    if owner is None or any(base.startswith("daphne.") for base in owner["bases"]):
        return
    tried, expected = "python manage.py runserver", "runserver belongs to Daphne"
    got = f"runserver belongs to {owner['owner']}"
    if "daphne" in names:
        apps = [str(app) for app in seen.settings["apps"]]
        daphne = names.index("daphne")
        slug = "apps-other-runserver-wins"
        if any(a.startswith("django.contrib.staticfiles") for a in apps[:daphne]):
            slug = "apps-daphne-after-staticfiles"
            got = (
                "(daphne.E001) Daphne must be listed before django.contrib.staticfiles"
            )
        yield Found(slug, got, _daphne(seen, place), RANK, tried, expected)
    elif wants_sockets(seen) and "daphne" in installed(seen):
        first = bool(names) and names[0] == "channels"
        slug = "apps-only-channels-as-in-v3-guides" if first else "apps-daphne-missing"
        milder = _started_otherwise(seen)
        yield Found(slug, got, place, RANK, tried, expected, milder=milder)
    elif wants_sockets(seen):
        slug, milder = "install-channels-without-daphne-extra", _started_otherwise(seen)
        yield Found(slug, got, place, RANK, tried, expected, milder=milder)


def _started_otherwise(seen: Evidence) -> str:
    """What is said where the project's own files start a server of sockets, always."""
    started = list(commands(seen.project))
    if any(one.program == "runserver" and of_manage(one) for one in started):
        return ""
    for one in started:
        if one.server in ("daphne", "uvicorn", "hypercorn"):
            return (
                f"{one.file} starts {one.program}, which needs no app. Whoever takes "
                "runserver meanwhile gets 404 for each socket."
            )
    return ""


def _daphne(seen: Evidence, place: Place) -> Place:
    """Where 'daphne' was added, if that is in another file than the list itself."""
    name = str(seen.settings.get("module"))
    while name in seen.source.modules:
        module = seen.source.modules[name]
        for node in walk(module.tree):
            if isinstance(node, ast.Constant) and str(node.value).startswith("daphne"):
                return place if module.file == place[0] else (module.file, node.lineno)
        name = next(iter(module.stars), "")
    return place


def installed(seen: Evidence) -> dict[str, str]:
    found: dict[str, str] = (seen.look.get("versions") or {}).get("found", {})
    return found

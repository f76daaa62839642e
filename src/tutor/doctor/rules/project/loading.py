"""What keeps a project from being loaded at all: settings, apps, the ASGI module."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import NOWHERE, Found, Place, deepest, last_line
from tutor.doctor.rules.project import paths
from tutor.doctor.rules.project.causes import cause
from tutor.doctor.rules.project.hiddensettings import hidden_from_servers
from tutor.doctor.rules.project.imports import MISSING
from tutor.doctor.rules.project.standard import shadowed
from tutor.doctor.source.walking import walk

RANK = 10
REFUSED = "settings-logging-refused"
UNMADE = re.compile(
    r"Unable to configure (?:\w+)(?: '([^']+)')?|"
    r"dictionary doesn't specify a version|Unsupported version: .*"
)
ENOUGH = 2.0  # seconds of its own at one place, where the machine left it no more


def rules(seen: Evidence) -> Iterator[Found]:
    """The first thing that failed, in the order in which a project is loaded."""
    for stage in ("django", "manage.py", "settings", "apps"):
        event = seen.failed(seen.look, stage)
        if event:
            yield explain(seen, event["error"], stage)
            return
    hang = seen.look.get("hang") or seen.serve.get("hang")
    if hang and (seen.place(_own(hang))[0] or not seen.walk.get("protocols")):
        yield _hang(seen, hang)
        return
    if not seen.look.get("settings"):
        named = seen.look.get("settings-module")
        if named and not named["name"]:
            yield Found(
                "settings-module-not-set",
                "Requested setting INSTALLED_APPS, but settings are not configured.",
                (f"{seen.prefix}manage.py", None),
                RANK,
                *_STAGES["manage.py"],
            )
            return
        slug: str | None = None
        place: Place = (f"{seen.prefix}manage.py", None)
        if named:
            hidden = shadowed(seen)
            if hidden:
                yield hidden
                return
            # It ended while the settings were loaded, of its own will or not.
            slug = "settings-exit" if seen.look.code in range(128) else None
            known = seen.source.modules.get(named["name"])
            place = known.file if known else None, None
        got, tried = _end(seen), "loading the settings"
        yield Found(slug, got, place, RANK, tried, "settings that load")
        return
    asgi = seen.failed(seen.look, "asgi") or seen.failed(seen.look, "urls")
    if asgi and asgi["stage"] == "asgi" and not _names_nothing(seen, asgi["error"]):
        yield explain(seen, asgi["error"], "asgi")
        return
    unseen = hidden_from_servers(seen) if not asgi else None
    if unseen is not None:
        known_as, place, hint = unseen
        got = "'Settings' object has no attribute 'ROOT_URLCONF'"
        yield Found(known_as, got, place, RANK, *_STAGES["asgi"], hint)
        return
    served = seen.failed(seen.alone or seen.serve, "daphne", "asgi")
    if served and not (asgi and asgi["stage"] == "asgi"):
        yield explain(seen, served["error"], served["stage"])
        return
    if asgi and asgi["stage"] == "urls":
        yield explain(seen, asgi["error"], "urls")


def _names_nothing(seen: Evidence, links: list[Event]) -> bool:
    """Whether ASGI_APPLICATION itself is wrong, which other rules explain."""
    named = str(seen.settings.get("asgi") or "")
    module, _, name = named.rpartition(".")
    root = links[-1] if links else {}
    if deepest(links) is not None:
        return False
    if (
        root.get("type") == "AttributeError"
        and f"has no attribute '{name}'" in root["text"]
    ):
        return True
    missing = MISSING.search(root.get("text", ""))
    return bool(missing and (module + ".").startswith(missing[1] + "."))


def _own(hang: Event) -> Event | None:
    """Where the project itself was; None where it had been imported, and we look."""
    return next((f for f in reversed(hang["frames"]) if f["own"]), None)


def _hang(seen: Evidence, hang: Event) -> Found:
    said = RANK, f"loading the project ({hang['stage']})", "a project that loads"
    if hang["lived"] < hang["seconds"] and hang["stood"] < ENOUGH:
        got = "no end yet: other programs left it no processor. Try again without them"
        return Found(None, got, NOWHERE, *said)
    spent = min(hang["lived"], hang["seconds"])
    got = f"no end after {spent:.0f} seconds"
    return Found("project-hangs-while-loading", got, seen.place(_own(hang)), *said)


def _end(seen: Evidence) -> str:
    lines = [line for line in seen.look.out.splitlines() if line.strip()]
    return lines[-1][-300:] if lines else f"it ended with status {seen.look.code}"


def explain(seen: Evidence, links: list[Event], stage: str) -> Found:
    """Name the cause of an exception that was raised while loading."""
    place = seen.place(deepest(links))
    got = last_line(links)
    tried, expected = _STAGES[stage]
    logs = unlogged(seen, links, seen.setting("LOGGING")) if not place[1] else None
    if logs:
        return Found(
            REFUSED, logs[1], logs[0], RANK, tried, "a LOGGING that can be made"
        )
    slug, at, hint = cause(seen, links, stage, place)
    if slug == paths.SLUG and links[0]["type"] == "ImproperlyConfigured":
        got = last_line(links[:1])  # Django's own words
    if slug is None or at[0] is None:
        where, said = _named(seen, links, at, got)
        if where != at:
            return Found(None, said, where, RANK, tried, expected)
    return Found(slug, got, at, RANK, tried, expected, hint)


def unlogged(seen: Evidence, links: list[Event], at: Place) -> tuple[Place, str] | None:
    """The part of LOGGING of which logging could make nothing, and what it says."""
    every = " ".join(link["text"] for link in links)
    unmade = UNMADE.search(every)
    if unmade is None:
        return None
    file, line = at
    got = last_line(links)
    said = got if unmade[0] in got else f"{unmade[0]}: {got}"
    module = seen.source.by_file(file or "")
    for value in module.values.get("LOGGING", []) if module else ():
        for node in walk(value):
            if unmade[1] and getattr(node, "value", None) == unmade[1]:
                return (file, getattr(node, "lineno", line)), said
    return (file, line), said


def _named(
    seen: Evidence, links: list[Event], place: Place, got: str
) -> tuple[Place, str]:
    """Where a part of the settings is written that Django could not make."""
    kind = (
        re.match(r"(\w+)\(\) takes no arguments", links[-1]["text"]) if links else None
    )
    for name in seen.settings.get("middleware") or () if kind else ():
        one = seen.source.classes.get(str(name))
        if one is not None and kind and one.name == kind[1]:
            return (one.module.file, one.node.lineno), got
    return place, got


_STAGES = {
    "django": ("importing Django", "a Django that is installed"),
    "manage.py": ("python manage.py check", "a command that runs"),
    "settings": ("loading the settings", "settings that load"),
    "apps": ("loading the apps in INSTALLED_APPS", "apps that load"),
    "asgi": (
        "importing the ASGI module as daphne does",
        "a module with an application",
    ),
    "daphne": ("importing Daphne", "a Daphne that is installed"),
    "urls": ("loading the pages' URLs", "URLs that load"),
}

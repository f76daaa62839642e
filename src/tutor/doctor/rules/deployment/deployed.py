"""What holds on the machine that a project is deployed to: settings of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tutor.doctor.child import Event
from tutor.doctor.commands import assigned, commands, known
from tutor.doctor.evidence import Evidence
from tutor.doctor.handed import handed
from tutor.doctor.rules.deployment.places import place
from tutor.doctor.rules.deployment.served import TRIED as READ
from tutor.doctor.rules.found import Found, Place, last_line
from tutor.doctor.rules.groups.jobs import MEMORY
from tutor.doctor.rules.groups.sent import jobs
from tutor.doctor.rules.project import layers
from tutor.doctor.source.walking import walk

RANK = 66
ADVICE = 80
TRIED = "loading the settings that the server is started with"
UNSAFE = "DJANGO_ALLOW_ASYNC_UNSAFE"


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _unsafe(seen)
    for one in seen.deployed.all("deployed"):
        if _goes_on_elsewhere(seen, one["module"]):
            continue
        yield from _hosts(seen, one)
        yield from _memory(seen, one)
        yield from _layers(seen, one)
        yield from _over_http(seen, one)


def _unsafe(seen: Evidence) -> Iterator[Found]:
    """The variable that allows queries in the loop, set for a server."""
    for file, line, value in assigned(seen.project, UNSAFE):
        if value and known(value):
            yield Found(
                "db-allow-async-unsafe",
                f"{UNSAFE} is set",
                (file, line),
                ADVICE,
                READ,
                "a database that is asked from a thread",
            )
            return


def _hosts(seen: Evidence, one: Event) -> Iterator[Found]:
    """All hosts, or none."""
    hosts = one["hosts"] if isinstance(one["hosts"], list) else []
    where = place(seen, one, "ALLOWED_HOSTS")
    expected = "the plain names under which the site is visited"
    if "*" in hosts and seen.walk.get("protocols") and not one["debug"]:
        slug, got = "origin-allowed-hosts-star", "a foreign origin is let in"
        yield Found(slug, got, where, ADVICE, TRIED, expected)
    # What is handed to it is known where a file of the project does that.
    if (
        not hosts
        and not one["debug"]
        and (handed(seen.project) or not _is_told_elsewhere(seen, where))
    ):
        slug = "origin-allowed-hosts-empty-in-production"
        got = "every page and socket is refused"
        yield Found(slug, got, where, RANK, TRIED, expected)


def _over_http(seen: Evidence, one: Event) -> Iterator[Found]:
    """A cookie for https alone, where all origins that are trusted begin with http."""
    origins = one["lists"].get("CSRF_TRUSTED_ORIGINS") or []
    if one["secure"] and origins and all(o.startswith("http://") for o in origins):
        yield Found(
            "auth-session-cookie-secure-over-http",
            f"pages come from {origins[0]}, and the cookie is for https only",
            place(seen, one, "SESSION_COOKIE_SECURE"),
            ADVICE,
            TRIED,
            "https, or SESSION_COOKIE_SECURE = False",
        )


def _goes_on_elsewhere(seen: Evidence, name: str) -> bool:
    """Whether settings take more from a file that only the other machine has."""
    names = [name]
    for one in names:  # it grows
        module = seen.source.modules.get(one)
        for node in walk(module.tree) if module is not None else ():
            if isinstance(node, ast.Try) and any(
                isinstance(inner, ast.Import | ast.ImportFrom) for inner in node.body
            ):
                return True
        names += [
            star for star in (module.stars if module else ()) if star not in names
        ]
    return False


def _is_told_elsewhere(seen: Evidence, where: Place) -> bool:
    """Whether a list of hosts is asked from somewhere, such as the environment."""
    module = seen.source.by_file(where[0] or "")
    if module is None:
        return False
    given = module.values.get("ALLOWED_HOSTS", [])
    plain = (ast.List, ast.Tuple, ast.Constant, ast.expr_context)
    changed = "ALLOWED_HOSTS" in module.changed
    return changed or any(
        not isinstance(node, plain) for value in given for node in walk(value)
    )


def _memory(seen: Evidence, one: Event) -> Iterator[Found]:
    """Jobs for a worker that is started there, over a layer in memory."""
    named: Any = one["layers"] if isinstance(one["layers"], dict) else {}
    inner = {
        alias
        for alias, layer in named.items()
        if isinstance(layer, dict) and layer.get("BACKEND") == MEMORY
    }
    listened = {
        name
        for command in commands(seen.project)
        if command.program == "runworker"
        and command.env.get("DJANGO_SETTINGS_MODULE", (one["module"],))[0]
        == one["module"]
        for name in command.plain
    }
    for job in jobs(seen) if inner and listened else ():
        if job.channel in listened and job.layer in inner:
            yield Found(
                "worker-with-inmemory-layer",
                f"the layer {job.layer} is in the memory of each process",
                place(seen, one, "CHANNEL_LAYERS"),
                RANK,
                TRIED,
                "a layer that processes share: channels_redis",
            )
            return


def _layers(seen: Evidence, one: Event) -> Iterator[Found]:
    """Layers that cannot be made of what the settings say of them."""
    for broken in one["broken"]:
        slug = layers.error(one["layers"][broken["alias"]], broken["error"])
        absent = "No module named" in " ".join(
            link["text"] for link in broken["error"]
        )  # here, where nobody needs it
        if slug is not None and (not absent or slug.endswith("v1-backends")):
            yield Found(
                slug,
                last_line(broken["error"][:1]),
                place(seen, one, "CHANNEL_LAYERS"),
                RANK,
                TRIED,
                "a channel layer that can be made",
            )

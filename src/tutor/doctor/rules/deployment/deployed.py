"""What holds on the machine that a project is deployed to: settings of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from tutor.doctor.child import Event
from tutor.doctor.commands import Command, assigned, commands, known
from tutor.doctor.deployed import VARIABLE, named
from tutor.doctor.evidence import Evidence
from tutor.doctor.handed import given, handed
from tutor.doctor.rules.deployment.elsewhere import names_hosts
from tutor.doctor.rules.deployment.places import place
from tutor.doctor.rules.deployment.served import TRIED as READ
from tutor.doctor.rules.deployment.served import serves_sockets
from tutor.doctor.rules.found import Found, Place, last_line
from tutor.doctor.rules.groups.jobs import MEMORY
from tutor.doctor.rules.groups.sent import jobs, under
from tutor.doctor.rules.project import layers
from tutor.doctor.rules.project.hiddensettings import unshared
from tutor.doctor.rules.project.loading import REFUSED, unlogged
from tutor.doctor.source.walking import walk

RANK = 66
ADVICE = 80
TRIED = "loading the settings that the server is started with"
_UNITS = (".service", ".conf", ".ini")  # of systemd, and of supervisor
_FILLED = re.compile(r"\bCHANNEL_LAYERS\s*[\[.]")
UNSAFE = "DJANGO_ALLOW_ASYNC_UNSAFE"


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _unsafe(seen)
    for one in seen.deployed.all("deployed"):
        if _goes_on_elsewhere(seen, one["module"]):
            continue
        if cause := unshared(seen, one["module"]):
            slug, where, hint = cause
            got, expected = "INSTALLED_APPS is empty", "the settings that all share"
            yield Found(slug, got, where, RANK - 1, TRIED, expected, hint)
            continue
        yield from _debug(seen, one)
        yield from _hosts(seen, one)
        yield from _memory(seen, one)
        yield from _layers(seen, one)
        yield from _over_http(seen, one)
        yield from _logging(seen, one)
    yield from _memory_of_units(seen)


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


def _debug(seen: Evidence, one: Event) -> Iterator[Found]:
    """``DEBUG = True`` in settings that are called those of production."""
    module = seen.source.modules[one["module"]]
    given = module.values.get("DEBUG", [])
    named = re.search(r"(?:^|[._])(?:prod|production|live)$", module.name)
    if named and len(given) == 1 and getattr(given[0], "value", None) is True:
        got = "a page that fails shows the settings to strangers"
        where = module.file, given[0].lineno
        yield Found(None, got, where, RANK, TRIED, "DEBUG = False")


def _hosts(seen: Evidence, one: Event) -> Iterator[Found]:
    """All hosts, or none."""
    hosts = one["hosts"] if isinstance(one["hosts"], list) else []
    where = place(seen, one, "ALLOWED_HOSTS")
    for key, told in given(seen.project).items():
        if told.value in ("*", *hosts) and key in names_hosts(seen):
            where = told.file, told.line  # it says so, and they only ask
    if isinstance(one["hosts"], str):
        slug = "origin-allowed-hosts-is-a-string"
        got = "The ALLOWED_HOSTS setting must be a list or a tuple."
        yield Found(slug, got, where, RANK, TRIED, "a list: .split(',') of the text")
        return
    expected = "the plain names under which the site is visited"
    if "*" in hosts and seen.walk.get("protocols") and not one["debug"]:
        slug, got = "origin-allowed-hosts-star", "a foreign origin is let in"
        yield Found(slug, got, where, ADVICE, TRIED, expected)
    for host in hosts:
        if re.fullmatch(r"[\w.-]+(?:\s*,\s*|\s+)[\w.,\s-]+", host):
            slug = "origin-allowed-hosts-with-scheme-or-port"
            got = f"one host by the name of {host!r}"
            yield Found(slug, got, where, RANK, TRIED, expected)
            break
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


def _logging(seen: Evidence, one: Event) -> Iterator[Found]:
    """A table of which logging makes nothing, or that silences the server's log."""
    told, where = one.get("logging") or {}, place(seen, one, "LOGGING")
    if logs := unlogged(seen, told.get("error") or [], where):
        right = "a LOGGING that can be made"
        yield Found(REFUSED, logs[1], logs[0], RANK, TRIED, right)
    if told.get("hidden"):
        slug, got = (
            "settings-logging-hides-consumer-errors",
            "daphne.server says nothing",
        )
        yield Found(slug, got, where, RANK, TRIED, "'disable_existing_loggers': False")


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


def _memory_of_units(seen: Evidence) -> Iterator[Found]:
    """The same of what units are started with, whatever is in use here."""
    units = [one for one in commands(seen.project) if one.file.endswith(_UNITS)]
    listened = {name for o in units if o.program == "runworker" for name in o.plain}
    sent = [job for job in jobs(seen) if job.channel in listened] if listened else []
    for one in units if sent else ():
        if one.program != "runworker" and not serves_sockets(one):
            continue
        name, line = _settings_of(seen, one)
        fixed = _fixed_layers(seen, name) if name else None
        for job in sent if fixed is not None else ():
            backend = under(under(fixed, job.layer), "BACKEND")
            if isinstance(backend, ast.Constant) and backend.value == MEMORY:
                yield Found(
                    "worker-with-inmemory-layer",
                    f"the layer {job.layer} of {name} is in each process's memory",
                    (one.file, line),
                    RANK,
                    READ,
                    "settings with a layer that processes share: channels_redis",
                )
                return


def _settings_of(seen: Evidence, one: Command) -> tuple[str, int]:
    """The settings that a unit names, or else its program; and where."""
    if given := one.env.get(VARIABLE):
        return given
    text = (seen.project / one.file).read_text("utf-8", "replace")
    if not one.file.endswith(".service") or re.search(
        r"(?m)^\s*(?:EnvironmentFile|PassEnvironment)\s*=", text
    ):
        return "", one.line
    asgi = seen.source.modules.get((one.target or "").partition(":")[0])
    if one.program == "runworker":
        return seen.settings_name, one.line
    return named(asgi.text) if asgi is not None else "", one.line


def _fixed_layers(seen: Evidence, name: str) -> ast.expr | None:
    """The layers of some settings, where they are the same whatever is set."""
    file, _ = seen.source.setting(name, "CHANNEL_LAYERS") or (None, None)
    module = seen.source.by_file(file or "")
    if module is None or _goes_on_elsewhere(seen, name):
        return None
    if VARIABLE in handed(seen.project) or _FILLED.search(module.text):
        return None
    given = module.values.get("CHANNEL_LAYERS", [])
    plain = [one for one in module.tree.body if getattr(one, "value", None) in given]
    changed = "CHANNEL_LAYERS" in module.changed
    return given[0] if len(given) == 1 and plain and not changed else None


def _layers(seen: Evidence, one: Event) -> Iterator[Found]:
    """Layers that cannot be made of what the settings say of them, or none at all."""
    used = seen.settings.get("layers") and layers.uses_layer(seen)
    if used and one["layers"] is None:  # an empty one may be filled elsewhere
        yield Found(
            "settings-channel-layers-missing",
            "get_channel_layer() returns None",
            (seen.source.modules[one["module"]].file, None),
            RANK,
            TRIED,
            "CHANNEL_LAYERS with a layer named default",
            "They stand in other settings than those that servers are started with.",
        )
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

"""The commands in a project's files, against what its modules hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tutor.doctor.commands import (
    SERVERS,
    Command,
    commands,
    known,
    mentioned,
    of_manage,
    variables,
)
from tutor.doctor.evidence import Evidence
from tutor.doctor.handed import handed
from tutor.doctor.proxies import Directive, location, sites
from tutor.doctor.recipes import asked, recipes
from tutor.doctor.rules.browser import socketurls
from tutor.doctor.rules.browser.pages import path_of
from tutor.doctor.rules.deployment import options, ports
from tutor.doctor.rules.deployment.served import (
    RANK,
    TRIED,
    WSGI,
    found,
    served_by,
    serves_sockets,
)
from tutor.doctor.rules.found import Found
from tutor.doctor.services import replaced, services

ASGI = ("ProtocolTypeRouter()", "get_asgi_application()")
_LAYER = "get_channel_layer()"
# A server that is started in a file which nobody here can read.
_STARTED = r"\b(daphne|uvicorn)[\"',]*\s+[\"']?(-|[\w.]+:\w)"


def rules(seen: Evidence) -> Iterator[Found]:
    told = commands(seen.project)
    for one in told:
        yield from _unknown(seen, one)
        yield from _settings(seen, one)
        if one.program in SERVERS:
            yield from _target(seen, one)
            yield from _lifespan(seen, one)
            yield from _root_path(seen, one)
    for one in recipes(seen.project):
        yield from _unknown(seen, one)
        if one.program in SERVERS:
            yield from _target(seen, one)
    for file, line, key, value in variables(seen.project):
        if key == "DJANGO_SETTINGS_MODULE":
            yield from _nowhere(seen, value, line, file)
    for service in services(seen.project):
        if given := service.below("environment").get("DJANGO_SETTINGS_MODULE"):
            yield from _nowhere(seen, *given, service.file)
    if told_by := handed(seen.project).get("DJANGO_SETTINGS_MODULE"):
        yield from _nowhere(seen, told_by.value, told_by.line, told_by.file)
    yield from _script_name(seen)
    yield from _pages_only(seen, [*told, *asked(seen.project)])
    yield from ports.rules(seen, told)


def _unknown(seen: Evidence, one: Command) -> Iterator[Found]:
    """A command of ``manage.py`` that no app has: a server, or one that is misspelt.

    Other settings, in production, may have an app that has any other name.
    """
    there = (seen.look.get("commands") or {}).get("names") or []
    if not of_manage(one) or not there or one.program in there:
        return
    near = seen.near(one.program, there, 0.8)
    if (one.program in SERVERS or near) and known(one.program):
        got = f"Unknown command: {one.program!r}"
        whole = " ".join([one.program, *one.words])
        right = whole if one.program in SERVERS else str(near)
        yield found("deploy-command-unknown", got, one, right)


def _target(seen: Evidence, one: Command) -> Iterator[Found]:
    """What a server is told to serve."""
    target = one.target
    right = seen.target or "package.asgi:application"
    needs = {
        "daphne": "ValueError: not enough values to unpack (expected 2, got 1)",
        "uvicorn": f'Import string "{target}" must be in format "<module>:<attribute>"',
    }
    if one.program in needs and target is not None and ":" not in target:
        got = needs[one.program]
        yield found("deploy-daphne-argument-without-colon", got, one, right)
    if said := options.refused(seen, one):
        where = "-b 127.0.0.1 -p" if one.program == "daphne" else "--port"
        expected = f"{one.program} {where} 8000 {right}"
        yield found("deploy-daphne-options-refused", said, one, expected)
    meant = served_by(seen, one)
    if meant is None:
        return
    module, name, stands_for = meant
    there = seen.source.modules[module]
    if not there.stars and name not in there.lines:
        got = f"AttributeError: module {module!r} has no attribute {name!r}"
        yield found("deploy-daphne-channel-layer-target", got, one, right)
    if stands_for.endswith(_LAYER):
        got = "TypeError: 'RedisChannelLayer' object is not callable"
        yield found("deploy-daphne-channel-layer-target", got, one, right)
    if stands_for == WSGI and serves_sockets(one):
        got = f"{module}:{name} is the WSGI application"
        yield found("deploy-daphne-with-wsgi", got, one, right)
    if worker := options.unknown_worker(one):
        got = f"class uri {worker!r} invalid or not found"
        expected = f"-k uvicorn.workers.UvicornWorker, or daphne {right}"
        yield found("deploy-gunicorn-asgi-default-worker", got, one, expected)
    served = f"{module}:{name}" == seen.target or stands_for.endswith(ASGI)
    if served and options.takes_wsgi_only(seen, one):
        got = "TypeError: __call__() missing 1 required positional argument: 'send'"
        expected = f"-k uvicorn.workers.UvicornWorker, or daphne {right}"
        yield found("deploy-gunicorn-asgi-default-worker", got, one, expected)


def _lifespan(seen: Evidence, one: Command) -> Iterator[Found]:
    """A server that insists on what only some applications know."""
    protocols = seen.walk.get("protocols")
    insists = one.value("--lifespan") == "on" and one.target == seen.target
    if insists and protocols and "lifespan" not in protocols:
        got = "ValueError: No application configured for scope type 'lifespan'"
        expected = "--lifespan auto, which is the default"
        yield found("deploy-uvicorn-lifespan-on", got, one, expected)


def _settings(seen: Evidence, one: Command) -> Iterator[Found]:
    """Settings that a variable of a command names and nobody has."""
    if told := one.env.get("DJANGO_SETTINGS_MODULE"):
        yield from _nowhere(seen, *told, one.file)


def _nowhere(seen: Evidence, name: str, line: int, file: str) -> Iterator[Found]:
    if not re.fullmatch(r"\w+(\.\w+)+", name):
        return
    there = seen.source.modules.get(name)
    if there is not None and there.is_package and not there.tree.body:
        inner = [one for one in seen.source.modules if one.startswith(f"{name}.")]
        yield Found(
            "deploy-settings-variable-wins",
            f"{name} is empty: SECRET_KEY, INSTALLED_APPS and all else is missing",
            (file, line),
            RANK,
            TRIED,
            f"one of {', '.join(sorted(inner))}" if inner else "settings",
        )
    own = {module.partition(".")[0] for module in seen.source.modules}
    if name.partition(".")[0] in own and name not in seen.source.modules:
        near = seen.near(name, seen.source.modules, 0.6)
        yield Found(
            "deploy-settings-variable-wins",
            f"ModuleNotFoundError: No module named {name!r}",
            (file, line),
            RANK,
            TRIED,
            "a module of the project",
            f"The project has {near}." if near else "",
        )


def _root_path(seen: Evidence, one: Command) -> Iterator[Found]:
    """A prefix that the server waits for, and that no path has that comes to it."""
    prefix = (one.value("--root-path") or "").rstrip("/")
    path = _unreached(seen, prefix)
    if path:
        got = f"ValueError: No route found for path {path!r}."
        expected = f"a proxy that keeps {prefix}, or no --root-path"
        yield found("deploy-root-path-breaks-routes", got, one, expected)


def _script_name(seen: Evidence) -> Iterator[Found]:
    """The same by a setting, which runserver hands to Daphne."""
    prefix = str(seen.settings.get("script_name") or "").rstrip("/")
    path = _unreached(seen, prefix)
    if path and "daphne" in (seen.settings.get("apps") or []):
        yield Found(
            "deploy-root-path-breaks-routes",
            f"ValueError: No route found for path {path!r}.",
            seen.setting("FORCE_SCRIPT_NAME"),
            RANK,
            "reading the settings",
            f"a proxy that keeps {prefix}, or no FORCE_SCRIPT_NAME",
        )


def _unreached(seen: Evidence, prefix: str) -> str:
    """A path of a socket that comes without the prefix, by every proxy."""
    paths = [leaf["sample"] for leaf in seen.leaves if leaf["is"] == "consumer"]
    proxies = [server for site in sites(seen.project) for server in site.servers()]
    if not prefix or not known(prefix) or not paths:
        return ""
    if not proxies and not _knocked_without(seen, prefix):
        return ""
    for server in proxies:
        taken = location(server, prefix + paths[0])
        if taken is None or (_below(taken, prefix) and not _strips(taken)):
            return ""  # it comes as it was asked for
    return str(paths[0])


def _knocked_without(seen: Evidence, prefix: str) -> bool:
    """Whether the pages' scripts knock at paths that do not begin with a prefix."""
    asked = [path_of(socket.url) for socket in socketurls.sockets(seen)]
    return bool(asked) and all(
        path is not None
        and path[:1] == "/"
        and path[1:2].isalnum()
        and not path.startswith(f"{prefix}/")
        for path in asked
    )


def _below(taken: Directive, prefix: str) -> bool:
    """Whether a location is made for a prefix; a pattern may be."""
    words = taken.args or [""]
    return words[0] in ("~", "~*") or words[-1].rstrip("/").startswith(prefix)


def _strips(taken: Directive) -> bool:
    for passed in taken.all("proxy_pass"):
        address = passed.args[0].partition("://")[2] if passed.args else ""
        if "/" in address and not address.startswith("unix:"):
            return True
    return bool(taken.all("rewrite"))


def _pages_only(seen: Evidence, told: Sequence[Command]) -> Iterator[Found]:
    """Servers for pages only, in a project that has sockets."""
    if "websocket" not in (seen.walk.get("protocols") or {}):
        return
    idle = replaced(seen.project, told)
    if any(serves_sockets(one) for one in told if one.file not in idle):
        return
    for one in told:
        meant = served_by(seen, one)
        if serves_sockets(one) or not meant or meant[2] != WSGI:
            continue
        unread = idle if one.program == "gunicorn" else {*idle, one.file}
        if one.file not in idle and not mentioned(seen.project, _STARTED, unread):
            got = "sockets get 404: a WSGI server knows pages only"
            expected = f"a server that carries sockets: daphne {seen.target}"
            yield found("deploy-gunicorn-wsgi", got, one, expected)

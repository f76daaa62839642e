"""Settings that load, and yet are wrong for sockets."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import NOWHERE, Found, Place, last_line
from tutor.doctor.rules.project import apps, misnamed, pageware, secret
from tutor.doctor.rules.project.apps import installed, packages, wants_sockets
from tutor.doctor.source.walking import walk

RANK = 20


def rules(seen: Evidence) -> Iterator[Found]:
    if not seen.settings:
        return
    yield from misnamed.rules(seen)
    yield from pageware.rules(seen)
    yield from secret.rules(seen)
    yield from apps.rules(seen)
    yield from _asgi(seen)
    yield from _hosts(seen)
    yield from _test_database(seen)
    yield from _logging(seen)
    yield from _versions(seen)


def like(seen: Evidence, name: str) -> str | None:
    """A setting of another name that was meant to be this one."""
    names = [n for n in seen.settings.get("names", []) if n != name]
    own = {
        n
        for m in seen.source.modules.values()
        for n in m.lines
        if n.isupper() or ("_" in n and f"{m.name}.{n}" not in seen.source.functions)
    }
    candidates = [n for n in [*names, *sorted(own)] if n not in _KNOWN]
    by_case = [n for n in candidates if n.upper() == name]
    begun = [n for n in names if n.startswith("ASGI_") and name.startswith("ASGI_")]
    return next(iter(by_case + begun), None) or seen.near(name, candidates, 0.8)


_KNOWN = {"WSGI_APPLICATION", "ASGI_APPLICATION", "CHANNEL_LAYERS"}


def _asgi(seen: Evidence) -> Iterator[Found]:
    named = seen.settings.get("asgi")
    tried, expected = (
        "python manage.py runserver",
        "ASGI_APPLICATION names an application",
    )
    place = seen.setting("ASGI_APPLICATION")
    if named is None:
        other = like(seen, "ASGI_APPLICATION")
        later = seen.settings.get("layers") or seen.source.consumers()
        if other or later or seen.walk.get("protocols") or seen.aim >= 3:
            got = (
                "You have not set ASGI_APPLICATION, which is needed to run the server."
            )
            at = seen.setting(other) if other else _beside(seen)
            hint = f"The settings have {other}, which nobody reads." if other else ""
            if "daphne" in packages(seen) or other:
                yield Found(
                    "settings-asgi-application-missing",
                    got,
                    at,
                    RANK + 1,
                    tried,
                    expected,
                    hint,
                )
        return
    if not isinstance(named, str):
        yield Found(
            "settings-asgi-application-is-no-text",
            f"it is {named!r}",
            place,
            RANK + 1,
            tried,
            expected,
        )
        return
    slug = _wrong_path(seen, named)
    if slug:
        failed = seen.failed(seen.look, "asgi")
        got = last_line(failed["error"]) if failed else f"ASGI_APPLICATION = {named!r}"
        yield Found(slug, got, place, RANK + 1, tried, expected)


def _beside(seen: Evidence) -> Place:
    """The file in which ASGI_APPLICATION would stand, beside what Django wrote."""
    return seen.setting_file("WSGI_APPLICATION", "ROOT_URLCONF", "INSTALLED_APPS"), None


def _wrong_path(seen: Evidence, named: str) -> str | None:
    """Why a dotted path names no ASGI application; None where it names one."""
    module, _, name = named.rpartition(".")
    modules = seen.source.modules
    if ":" in named:
        return "settings-asgi-application-colon"
    if "/" in named or named.endswith(".py"):
        return "settings-asgi-application-is-a-path"
    if named in modules or not module:
        return "settings-asgi-application-without-name"
    failed = seen.failed(seen.look, "asgi")
    if module in modules:
        there = name in modules[module].lines
        if there and failed and _without(failed["error"], module, name):
            return "asgi-application-name-missing"  # no run comes to that line
        if there or not failed:
            wsgi = "wsgi.WSGIHandler" in seen.walk.get("type", "")
            return "settings-asgi-application-is-wsgi" if wsgi else None
        root = (seen.failed(seen.look, "asgi") or {"error": [{}]})["error"][-1]
        if "has no attribute" not in root.get("text", ""):
            return None
        if "rout" in module.rpartition(".")[2]:
            return "settings-asgi-application-old-routing-path"
        return "asgi-application-name-missing"
    if not seen.failed(seen.look, "asgi"):
        return None
    if module.endswith("routing"):
        return "settings-asgi-application-old-routing-path"
    return "settings-asgi-application-misspelled"


def _without(links: list[Event], module: str, name: str) -> bool:
    text = links[0].get("text", "") if links else ""
    return text == f"module {module!r} has no attribute {name!r}"


def _test_database(seen: Evidence) -> Iterator[Found]:
    """A file that the tests delete, and that is no test's: the project's own."""
    for one in (seen.settings.get("databases") or {}).values():
        if one.get("name") and one["name"] == one.get("test"):
            yield Found(
                "test-database-is-the-real-one",
                f"TEST and the project both have {Path(one['name']).name}",
                seen.setting("DATABASES"),
                RANK + 7,
                "reading DATABASES",
                "a name of its own for the tests' database",
            )
            return


def _star(seen: Evidence) -> Place | None:
    """Where the star is put among the hosts, if that is not where they begin."""
    for module in seen.source.modules.values():
        if not {"ALLOWED_HOSTS"} & {*module.lines, *module.changed}:
            continue
        for node in walk(module.tree):
            call = node.value if isinstance(node, ast.Expr) else None
            name = getattr(node, "target", getattr(call, "func", None))
            added = isinstance(node, ast.AugAssign) or isinstance(call, ast.Call)
            if added and name is not None and isinstance(node, ast.stmt):
                words = [getattr(one, "value", None) for one in walk(node)]
                if ast.unparse(name).startswith("ALLOWED_HOSTS") and "*" in words:
                    return module.file, node.lineno
    return None


def _hosts(seen: Evidence) -> Iterator[Found]:
    hosts = seen.settings.get("hosts") or []
    place = seen.setting("ALLOWED_HOSTS")
    tried, expected = (
        "reading ALLOWED_HOSTS",
        "the plain names under which the site is visited",
    )
    if not wants_sockets(seen) or not isinstance(hosts, list):
        return
    for host in hosts:
        if (
            "://" in str(host)
            or re.search(r"[^\]:]:\d+$", str(host))
            or "/" in str(host)
        ):
            yield Found(
                "origin-allowed-hosts-with-scheme-or-port",
                f"{host!r}",
                place,
                RANK + 5,
                tried,
                expected,
            )
            return
    if "*" in hosts and seen.walk.get("protocols"):
        yield Found(
            "origin-allowed-hosts-star",
            "a foreign origin is let in",
            _star(seen) or place,
            80,
            tried,
            expected,
        )
    local = {"localhost", "127.0.0.1", "[::1]", ".localhost", "*", "0.0.0.0"}
    told = [one for one in hosts if isinstance(one, str)]  # None: of the environment
    if told and seen.settings.get("debug") and not local & set(told):
        got = f"a page on localhost is refused; allowed are {', '.join(told)}"
        yield Found(
            "origin-public-host-not-allowed", got, place, RANK + 6, tried, expected
        )
    if not hosts and not seen.settings.get("debug"):
        yield Found(
            "origin-allowed-hosts-empty-in-production",
            "every page and socket is refused",
            place,
            RANK + 5,
            tried,
            expected,
        )


def _logging(seen: Evidence) -> Iterator[Found]:
    told = seen.serve.get("logging") or {}
    if told.get("hidden") or told.get("level", 0) > logging.ERROR:
        yield Found(
            "settings-logging-hides-consumer-errors",
            "the logger daphne.server is disabled",
            seen.setting("LOGGING"),
            RANK + 3,
            "asking the server's logger",
            "a logger that prints errors",
        )


def _versions(seen: Evidence) -> Iterator[Found]:
    version = installed(seen).get("channels", "")
    if version and int(version.partition(".")[0]) < 4:
        yield Found(
            "install-pinned-channels-3",
            f"channels {version}",
            NOWHERE,
            80,
            "asking for the installed versions",
            "channels 4",
        )
    started = seen.serve.get("environment") or {}
    if seen.settings.get("unsafe") or started.get("unsafe"):
        yield Found(
            "db-allow-async-unsafe",
            "DJANGO_ALLOW_ASYNC_UNSAFE is set",
            _written(seen, "DJANGO_ALLOW_ASYNC_UNSAFE"),
            80,
            "reading the environment",
            "a database that is asked from a thread",
        )


def _written(seen: Evidence, text: str) -> Place:
    """Where a text stands in the source."""
    for module in seen.source.modules.values():
        for node in walk(module.tree):
            named = node.value if isinstance(node, ast.Constant) else None
            if isinstance(node, ast.keyword):  # os.environ.update(NAME="true")
                named = node.arg
            if named == text and isinstance(node, (ast.Constant, ast.keyword)):
                return module.file, node.lineno
    return NOWHERE

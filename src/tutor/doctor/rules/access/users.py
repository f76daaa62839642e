"""Who is let in: visitors without a login, cookies, origins."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access import (
    lasting,
    membership,
    signed,
    tokens,
    turned,
    unknown,
)
from tutor.doctor.rules.access.admission import asks, scope_read
from tutor.doctor.rules.browser.expressions import ANY, HOST
from tutor.doctor.rules.browser.pages import filled_in, leads_to
from tutor.doctor.rules.browser.scripts import texts
from tutor.doctor.rules.browser.socketurls import sockets
from tutor.doctor.rules.deployment.https import speaks_tls_here
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.source import Class, Function
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk
from tutor.doctor.texts import text_of

RANK = 72
GUARDS = (
    "django.contrib.auth.decorators.",
    "django.contrib.admin.views.decorators.staff_member_required",
)
MIXINS = "django.contrib.auth.mixins."
MIDDLEWARE = "django.contrib.auth.middleware.LoginRequiredMiddleware"
OPEN = "django.contrib.auth.decorators.login_not_required"
_OF_THE_PATH = {"url_route", "path", "user"}  # and no ticket, no cookie
_FOREIGN = re.compile(r"(wss?:|https?:)?//[\w.]")
_LOCAL = re.compile(r"(https?)://(localhost|127\.0\.0\.1|\[::1\])(?::(\d+))?$")


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _strangers(seen)
    yield from turned.rules(seen)
    yield from signed.rules(seen)
    yield from membership.rules(seen)
    yield from _secure_cookie(seen)
    yield from tokens.rules(seen)
    yield from lasting.rules(seen)
    yield from unknown.rules(seen)
    yield from _origins(seen)


def _strangers(seen: Evidence) -> Iterator[Found]:
    """Whoever knocks gets in where only pages behind a login knock."""
    for file, leaf in _knocks(seen):
        views = list(_views(seen, file))
        if not views or not all(_guarded(seen, view) for view in views):
            continue
        one = seen.consumer_class(leaf.get("consumer")) if leaf else None
        if leaf is None or one is None or asks(one):
            continue
        if got := _answered(seen, leaf, one):
            method = one.method("connect") or one.method("websocket_connect")
            where = method or one
            yield Found(
                "auth-anonymous-users-accepted",
                got,
                (where.module.file, where.node.lineno),
                RANK,
                f"a knock on {leaf['sample']} without a cookie",
                "403 Forbidden, as its page asks for a login",
            )


def _answered(seen: Evidence, leaf: Event, one: Class) -> str:
    """What a stranger got who came to a consumer; empty where it may have been asked.

    What is refused for its path alone would be let in with another path.
    """
    for client in seen.answers.clients:
        if client.path != leaf["sample"]:
            continue
        if (client.status, client.closed) == (101, None):
            return "101 Switching Protocols"
        events = (e for e in seen.serve.events if e.get("conn") == client.tag)
        sent = [e for e in events if e["kind"] == "sent"]
        place = seen.place(sent[-1]["at"]) if sent else (None, None)
        function = seen.function_at(place) if place[0] else None
        own = function is not None and function.owner in one.line_of_ancestors
        read = scope_read(one)  # who takes the user means to ask
        if own and client.status == 403 and "user" in read and read <= _OF_THE_PATH:
            return "refused for its path, and never asked who it is"
    return ""


def _knocks(seen: Evidence) -> Iterator[tuple[str, Event | None]]:
    """The files that open sockets, each with the route to which that leads.

    Where a script of the project's own opens them for its pages, each page names a
    path at least.
    """
    for socket in sockets(seen):
        yield socket.given[0], leads_to(seen, socket.url) or filled_in(seen, socket.url)
    for leaf in seen.leaves:
        route = "".join(step.get("text", "").strip("^$") for step in leaf["steps"])
        fixed = re.split(r"[(<\\\[]", route)[0].strip("/")
        beside = [one["sample"].lstrip("/") for one in seen.leaves if one is not leaf]
        if not fixed or any(path.startswith(fixed) for path in beside):
            continue
        named = re.compile(rf"""['"`]/{re.escape(fixed)}/""")
        for script in texts(seen):
            if not script.is_static and named.search(script.text):
                yield script.file, leaf


def _views(seen: Evidence, file: str) -> Iterator[Function | Class]:
    """The views that show a file: a template, or a script that one loads."""
    names = {file}
    if file.endswith(".js"):
        last = file.rpartition("/")[2]
        names = set()
        for folder in (seen.look.get("templates") or {}).get("folders", []):
            for path in sorted((seen.home / folder).rglob("*.html")):
                with suppress(OSError):
                    if last in text_of(path):
                        names.add(path.relative_to(seen.project).as_posix())
    for function in seen.source.all_functions():
        if function.owner is None and any(
            isinstance(node, ast.Constant) and _names(node.value, names)
            for node in walk(function.node)
        ):
            yield function
    for one in seen.source.classes.values():
        given = one.attributes.get("template_name")
        if isinstance(given, ast.Constant) and _names(given.value, names):
            yield one


def _names(value: object, files: set[str]) -> bool:
    """Whether a text is the name of one of some templates."""
    return isinstance(value, str) and any(file.endswith("/" + value) for file in files)


def _guarded(seen: Evidence, view: Function | Class) -> bool:
    """Whether a view asks for a login."""
    if isinstance(view, Class):
        guards = {*view.library_bases(), *map(view.module.resolve, _decorated(view))}
    else:
        guards = set(view.decorators())
    if MIDDLEWARE in (seen.settings.get("middleware") or []) and OPEN not in guards:
        return True
    return any(
        guard and guard != OPEN and guard.startswith((*GUARDS, MIXINS))
        for guard in guards
    )


def _decorated(one: Class) -> list[ast.expr]:
    """What stands above a class, also what it hands to ``method_decorator``."""
    found: list[ast.expr] = []
    for decorator in one.node.decorator_list:
        found += decorator.args if isinstance(decorator, ast.Call) else [decorator]
    return found


def _secure_cookie(seen: Evidence) -> Iterator[Found]:
    """Cookies for https, or a way there, and pages that come over http."""
    active = seen.settings.get("secure") or []
    if active and seen.settings.get("debug"):
        name = active[0]
        place = seen.setting(name)
        redirects = "SECURE_SSL_REDIRECT" not in active
        if place[1] is not None and not speaks_tls_here(seen, redirects):
            got = "the cookie of the session is for https only"
            if name != "SESSION_COOKIE_SECURE":
                got = f"{name} holds in development, where pages come over http"
            yield Found(
                "auth-session-cookie-secure-over-http",
                got,
                place,
                RANK,
                "reading the settings",
                f"https, or {name} = False in development",
            )


def _origins(seen: Evidence) -> Iterator[Found]:
    """In development: origins of this machine, and none that its server has."""
    allowed = [str(one) for one in seen.walk.get("origins") or []]
    bare = [one for one in allowed if one.startswith("//")]
    if bare:
        yield Found(
            "origin-validator-scheme-or-port-mismatch",
            f"every page is refused; no origin is like {bare[0]!r}",
            _written(seen, bare[0]),
            RANK,
            "reading the list of the origins",
            f"the host alone: {bare[0].strip('/')!r}",
        )
    found = [match for one in allowed if (match := _LOCAL.match(one))]
    if not seen.settings.get("debug") or not found or speaks_tls_here(seen):
        return
    others = [one for one in allowed if not _LOCAL.match(one)]
    if any(not re.match(r"https?://\w", one) for one in others):
        return  # a bare host, which lets in every port of it
    if others and not _own_page(seen):
        return  # another site, that may be the one that is meant
    elsewhere = any(one[1] == "http" and one[3] not in (None, "80") for one in found)
    if elsewhere and (not _own_page(seen) or any(_served(one) for one in found)):
        return
    yield Found(
        "origin-validator-scheme-or-port-mismatch",
        f"a page of http://{found[0][2]}:8000 is refused; allowed is {allowed[0]}",
        _written(seen, allowed[0]),
        RANK,
        "reading the list of the origins",
        f"http://{found[0][2]}:8000, as the browser shows it",
    )


def _served(origin: re.Match[str]) -> bool:
    """Whether Django's own pages come from there in development."""
    return origin[3] is not None and origin[3].startswith("80") and origin[3] != "80"


def _own_page(seen: Evidence) -> bool:
    """Whether pages of the project itself open sockets, to where they come from."""
    return any(
        HOST in one.url or not _FOREIGN.match(one.url.lstrip(ANY))
        for one in sockets(seen)
    )


def _written(seen: Evidence, text: str) -> Place:
    """Where an origin is written; else the module with the application."""
    for module in seen.source.modules.values():
        for node in walk(module.tree) if not is_aside(module.file) else ():
            if isinstance(node, ast.Constant) and node.value == text:
                return module.file, node.lineno
    return seen.asgi_file, None

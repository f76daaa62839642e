"""The application, walked from its outermost object down to the consumers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found, at
from tutor.doctor.rules.project.asgi import (
    RANK,
    assigned,
    called,
    elsewhere,
    not_called,
    router_place,
    websocket_place,
)
from tutor.doctor.rules.routing import routes
from tutor.doctor.source import Function
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk


def rules(seen: Evidence) -> Iterator[Found]:
    if not seen.walk:
        return
    yield from _unlisted(seen)
    yield from _order(seen)
    yield from _router(seen)
    yield from routes.rules(seen)
    yield from _inside_out(seen)
    yield from _origin(seen)


_NEEDS = (
    ("channels.auth.AuthMiddleware", "channels.sessions.SessionMiddleware"),
    ("channels.sessions.SessionMiddleware", "channels.sessions.CookieMiddleware"),
)


def _inside_out(seen: Evidence) -> Iterator[Found]:
    """Middleware that is asked before the one whose work it needs."""
    for leaf in seen.leaves:
        chain = leaf.get("chain", [])
        for name, needed in _NEEDS:
            outside = chain[: chain.index(name)] if name in chain else [needed]
            if not all(one.startswith("channels.") for one in outside):
                continue  # others may do that work, too
            if needed in outside:
                continue
            first, last = (one.rpartition(".")[2] for one in (name, needed))
            call = called(seen, f".{first}")
            yield Found(
                "auth-middleware-order",
                f"{first} is asked before {last}",
                call.place if call else websocket_place(seen),
                RANK + 2,
                "walking the application",
                f"{last} outside of {first}",
            )
            return


UNLISTED = 24  # its pages fail, whatever its routes are like


def _unlisted(seen: Evidence) -> Iterator[Found]:
    """The app of a routed consumer, whose pages nobody finds as it is not listed."""
    own = (seen.look.get("own-apps") or {}).get("found")
    served = [
        folder
        for kind in ("templates", "static")
        for folder in (seen.look.get(kind) or {}).get("folders", [])
    ]
    for leaf in seen.leaves if own is not None else ():
        parts = (leaf.get("consumer") or "").split(".")
        for depth in range(len(parts) - 1, 0, -1):
            app = "/".join(parts[:depth])
            if any(app == one["file"] for one in own or ()):
                break
            for kind in ("templates", "static"):
                folder = f"{app}/{kind}"
                if folder not in served and (seen.home / folder).is_dir():
                    got = f"nobody looks into {folder}"
                    place = seen.setting("INSTALLED_APPS")
                    tried, expected = "asking for the apps", f"an app {app}"
                    slug = "apps-own-app-missing"
                    yield Found(slug, got, place, UNLISTED, tried, expected)
                    return


def _order(seen: Evidence) -> Iterator[Found]:
    """Consumers that were imported before Django was ready; so far it does no harm."""
    if not_called(seen):
        return  # Django is never ready then; that is said
    modules = {one.module.name for one in seen.source.consumers()}
    for event in seen.serve.all("early"):
        first = seen.place(event["first"])
        if event["module"] in modules and first[0] == seen.asgi_file:
            slug = "asgi-consumers-imported-before-get-asgi-application"
            got = f"{event['module']} is imported before Django is set up"
            yield Found(
                slug,
                got,
                first,
                75,
                "importing the ASGI module as daphne does",
                "get_asgi_application() first, then the routes",
                milder="They import no model yet, so nothing fails. "
                "The first model that they import ends the server at its start.",
            )
            return


def _router(seen: Evidence) -> Iterator[Found]:
    walk = seen.walk
    protocols = walk.get("protocols")
    tried, expected = (
        "walking the application",
        "a ProtocolTypeRouter with http and websocket",
    )
    if protocols is None:
        yield from _no_router(seen, tried, expected)
        return
    place = router_place(seen)
    for key in ("websocket", "http"):
        if key in protocols:
            continue
        other = next(
            (
                k
                for k in protocols
                if k not in ("http", "websocket", "channel", "lifespan")
            ),
            None,
        )
        hint = f"The key is written {other!r}." if other else ""
        yield Found(
            f"asgi-no-{key}-entry",
            f"No application configured for scope type '{key}'",
            place,
            RANK + (1 if key == "http" else 0),
            tried,
            expected,
            hint,
        )
    http = protocols.get("http") or {}
    if http.get("is") == "not-called":
        yield Found(
            "asgi-get-asgi-application-not-called",
            "get_asgi_application() takes 0 positional arguments but 3 were given",
            place,
            RANK,
            tried,
            "get_asgi_application() with parentheses",
        )
    elif http.get("type", "").startswith("django.core.handlers.wsgi"):
        yield Found(
            "asgi-wsgi-under-http", "a WSGI application", place, RANK, tried, expected
        )


def _no_router(seen: Evidence, tried: str, expected: str) -> Iterator[Found]:
    call = called(seen, "ProtocolTypeRouter")
    got = "Django can only handle ASGI/HTTP connections, not websocket."
    if "asgi.ASGIHandler" not in seen.walk.get("type", ""):
        got = f"the application is {seen.walk.get('type')}"
    other = elsewhere(seen, call)
    maker = seen.source.functions.get(seen.walk.get("type", ""))
    if maker is not None and call and any(n is call.node for n in walk(maker.node)):
        place, hint = assigned(seen, "application"), f"Write {maker.name}()."
        slug = "python-function-not-called"
        yield Found(slug, got, place, RANK, tried, expected, hint)
    elif "routing.ProtocolTypeRouter" in seen.walk.get("type", "") and call is not None:
        yield Found(
            "asgi-router-without-mapping",
            "what it is given is no dict",
            call.place,
            RANK,
            tried,
            expected,
        )
    elif other is not None:
        place, hint = other
        slug = "asgi-application-name-missing"
        yield Found(slug, got, place, RANK, tried, expected, hint)
    elif call is not None and (
        call.module.name == seen.asgi_module or _had(seen, call.module.name)
    ):
        yield Found(
            "asgi-application-reassigned-below",
            got,
            assigned(seen, "application"),
            RANK,
            tried,
            expected,
            "A comma behind its last bracket makes a tuple of it: delete the comma."
            if seen.walk.get("type") == "builtins.tuple"
            else "",
        )
    elif seen.walk.get("router-only"):
        yield Found(
            "asgi-no-http-entry",
            "No application for pages: the router of sockets stands alone",
            assigned(seen, "application"),
            RANK,
            tried,
            expected,
        )
    elif seen.source.consumers() or seen.aim >= 4:
        place = assigned(seen, "application")
        yield Found("asgi-left-as-generated", got, place, RANK, tried, expected)


def _had(seen: Evidence, router: str) -> bool:
    """Whether the ASGI module imports its application, and gives it another value."""
    module = seen.source.modules.get(seen.asgi_module)
    served = seen.target.partition(":")[2] or "application"
    return module is not None and any(
        isinstance(node, ast.ImportFrom)
        and any((one.asname or one.name) == served for one in node.names)
        and (node.module or "").rpartition(".")[2] == router.rpartition(".")[2]
        and served in module.values
        for node in module.tree.body
    )


def _turned_away(seen: Evidence, path: str) -> bool:
    """Whether every stranger is refused there, wherever he comes from.

    So it is no check of the origin that has refused a foreign page; the browser of
    somebody who has logged in hands that page his cookie.
    """
    own = [one.status for one in seen.answers.clients if one.path == path]
    asks = any(
        isinstance(node, ast.Constant) and node.value in ("origin", b"origin", "Origin")
        for module in seen.source.modules.values()
        if not is_aside(module.file)
        for node in walk(module.tree)
    )
    chains = [*seen.leaf_of(path).get("chain", [])]
    chains += seen.walk["protocols"]["websocket"].get("chain", [])
    cookies = any("SessionMiddleware" in name for name in chains)
    return bool(own) and set(own) == {403} and cookies and not asks


def _origin(seen: Evidence) -> Iterator[Found]:
    """Whether a page of another site is let in."""
    if "websocket" not in (seen.walk.get("protocols") or {}):
        return
    if "*" in (seen.settings.get("hosts") or []):
        return
    chain = seen.walk["protocols"]["websocket"].get("chain", [])
    checked = any(_checks(seen, name) for name in chain) or all(
        any(_checks(seen, name) for name in leaf["chain"]) for leaf in seen.leaves
    )
    statuses = {
        status
        for path, status in seen.answers.foreign.items()
        if checked or status != 403 or not _turned_away(seen, path)
    }
    if 101 in statuses or (not checked and 403 not in statuses):
        status = (
            "101 Switching Protocols" if 101 in statuses else "no check of the origin"
        )
        own = _own_validator(seen, chain) if checked else None
        place = at(own, own.node) if own is not None else websocket_place(seen)
        yield Found(
            "origin-validator-missing",
            status,
            place,
            70,
            "a knock with Origin: http://evil.example",
            "403 Forbidden",
            f"The check in {own.name}() lets every origin in." if own else "",
        )


def _checks(seen: Evidence, name: str) -> bool:
    """Whether a part of the application is a check of the origin, or an heir of it."""
    one = seen.source.classes.get(name)
    bases = one.library_bases() if one is not None else {name}
    return any("OriginValidator" in base for base in bases)


def _own_validator(seen: Evidence, chain: list[str]) -> Function | None:
    """The method with which the project itself decides about an origin."""
    chains = [chain, *(leaf["chain"] for leaf in seen.leaves)]
    names = {name for one in chains for name in one}
    for one in seen.source.classes.values():
        if one.dotted not in names:
            continue
        for name in ("valid_origin", "validate_origin", "match_allowed_origin"):
            method = one.method(name)
            if method is not None:
                return method
    return None

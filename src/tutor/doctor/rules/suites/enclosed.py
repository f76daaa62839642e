"""What a test puts around a consumer, and what the consumer finds in its scope then."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access.admission import scope_read
from tutor.doctor.rules.browser import dialogue
from tutor.doctor.rules.browser.expressions import ANY
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.rules.groups.groupnames import given
from tutor.doctor.rules.suites.expected import expects_a_refusal, raising
from tutor.doctor.rules.suites.talks import DEEP, Talk
from tutor.doctor.rules.suites.testing import RANK
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.defaults import asked, filled_in
from tutor.doctor.source.flow import Frame, body, bound_at, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.values import values
from tutor.doctor.source.walking import walk

ROUTER = "channels.routing.URLRouter"
# What stands around an application, and what it puts into the scope.
_AROUND = {
    "channels.auth.AuthMiddlewareStack": {"user", "session", "cookies"},
    "channels.auth.AuthMiddleware": {"user"},
    "channels.sessions.SessionMiddlewareStack": {"session", "cookies"},
    "channels.sessions.SessionMiddleware": {"session"},
    "channels.sessions.CookieMiddleware": {"cookies"},
    "channels.security.websocket.AllowedHostsOriginValidator": set[str](),
    "channels.security.websocket.OriginValidator": set[str](),
}
_NO_ROUTE = ("ValueError", "Exception", "BaseException")


def rules(seen: Evidence, function: Function, talk: Talk) -> Iterator[Found]:
    """A consumer without what stands before it: made here, or given to a helper."""
    maker = talk.where.function
    alone_there = replace(talk, where=filled_in(Frame(maker)))
    if maker is not function and _lacks(seen, alone_there, function):
        return  # it is the helper's own, and told there
    place = (function.module.file, talk.since or talk.made.lineno)
    missing = _lacks(seen, talk, function)
    for key in sorted(missing):
        yield Found(
            "test-consumer-without-urlrouter",
            f"KeyError: {key!r}",
            place,
            RANK + 1,
            TRIED,
            "the whole application, or a URLRouter around the consumer"
            if "url_route" in missing
            else f"AuthMiddlewareStack around the router, or scope[{key!r}] set",
        )
    path = _unknown_path(seen, talk)
    expected = expects_a_refusal(function) or raising(function, _NO_ROUTE)
    if path and not missing and not expected:
        yield Found(
            "test-path-without-route",
            f"ValueError: No route found for path {path.lstrip('/')!r}.",
            place,
            RANK,
            TRIED,
            "the path of a route, as it is written there",
        )


def _lacks(seen: Evidence, talk: Talk, function: Function) -> set[str]:
    """What the consumer that is tested reads, and nobody puts into its scope."""
    node = given(talk.made, 0, "application")
    where, made, put = _inside(talk.where, node)
    owner = alone(seen, talk)
    needs = _needs(owner) if owner is not None else set()
    if owner is None and _is_router(where, made) and _is_plain(where, made):
        path = path_of(talk.where, given(talk.made, 1, "path"))
        routes = dialogue.leaves(seen, f"ws://host{path}") if path else []
        ends = {leaf.get("consumer") for leaf in routes}
        owner = seen.consumer_class(ends.pop()) if len(ends) == 1 else None
        needs = _needs(owner) & scope_read(owner) - {"url_route"} if owner else set()
    told = _told(function) - _late(function, talk)
    maker = talk.where.function
    return needs - put - told - (_told(maker) if maker is not function else set())


def _inside(
    where: Frame, node: ast.expr | None
) -> tuple[Frame, ast.expr | None, set[str]]:
    """What stands in the known middleware, and what that puts into the scope."""
    put = set[str]()
    while node is not None:
        where, node = unfold(where, node)
        if isinstance(node, ast.Name):
            where, node = _of_module(where, node)
        name = ""
        if isinstance(node, ast.Call) and node.args:
            name = where.module.resolve(node.func, where.function) or ""
        if name not in _AROUND or not isinstance(node, ast.Call):
            break
        put |= _AROUND[name]
        node = node.args[0]
    return where, node, put


def _of_module(where: Frame, node: ast.Name) -> tuple[Frame, ast.expr]:
    """What a module of the project calls so: this one, or the one it has it from."""
    module, name = where.module, node.id
    path, _, own = module.names.get(name, "").rpartition(".")
    if own and path in module.source.modules:
        module, name = module.source.modules[path], own
    held = module.values.get(name, [])
    taken = where.function.values.get(node.id) or node.id in where.given
    return (where, node) if taken or len(held) != 1 else (Frame(body(module)), held[0])


def _is_router(where: Frame, node: ast.expr | None) -> bool:
    return isinstance(node, ast.Call) and (
        where.module.resolve(node.func, where.function) == ROUTER
    )


def _is_plain(where: Frame, node: ast.expr | None) -> bool:
    """Whether a router has the project's own list, with no middleware in it."""
    listed = node.args[0] if isinstance(node, ast.Call) and node.args else None
    bound = bound_at(where.function, listed) if listed is not None else None
    return (
        bound is not None
        and not is_aside(bound[0].file)
        and "iddleware" not in bound[0].text
        and "Auth" not in bound[0].text
    )


def _unknown_path(seen: Evidence, talk: Talk) -> str:
    """The path that is asked for, where the project has no such route."""
    where, made, _ = _inside(talk.where, given(talk.made, 0, "application"))
    name = where.module.resolve(made, where.function) or ""
    whole = name == "channels.routing.ProtocolTypeRouter()"
    if not whole and not (_is_router(where, made) and _is_plain(where, made)):
        return ""
    path = path_of(talk.where, given(talk.made, 1, "path")) or ""
    known = [leaf for leaf in seen.leaves if leaf.get("steps")]
    if not path or len(known) < len(seen.leaves) or not known:
        return ""
    if ANY in path and any(_begins(leaf, path.partition(ANY)[0]) for leaf in known):
        return ""  # who knows what stands there
    if not whole and isinstance(made, ast.Call):
        routed = {leaf.get("consumer") for leaf in known}
        bound = bound_at(where.function, made.args[0])
        own = [
            module.resolve(node.value) or ""
            for module, name in ([bound] if bound else [])
            for listed in module.values[name]
            for node in walk(listed)
            if isinstance(node, ast.Attribute) and node.attr == "as_asgi"
        ]
        if not own or not {*own} <= routed:
            return ""  # it may be a list that the application has not
    routes = dialogue.leaves(seen, f"ws://host{path}")
    return "" if routes else path.replace(ANY, "…")


def _begins(leaf: Event, head: str) -> bool:
    """Whether a route may begin as a path does: its own first letters, or theirs."""
    sample = "/" + str(leaf["sample"]).lstrip("/")
    return sample.startswith(head)


def path_of(where: Frame, node: ast.expr | None) -> str | None:
    """The path that a test asks for, unknown parts marked; None where it is unknown."""
    told = values(where, node) or frozenset()
    if len(told) != 1:
        made = unfold(where, node)[1] if node is not None else None
        parts = made.values if isinstance(made, ast.JoinedStr) else [made]
        texts = [getattr(part, "value", None) for part in parts]
        if not isinstance(texts[0], str):
            return None
        told = frozenset(
            ["".join(one if isinstance(one, str) else ANY for one in texts)]
        )
    (known,) = told
    return known if known.startswith("/") else f"/{known}"


def alone(seen: Evidence, talk: Talk) -> Class | None:
    """The consumer that a communicator is given with no router around it."""
    node = given(talk.made, 0, "application")
    where, made, _ = _inside(talk.where, node)
    name = where.module.resolve(made, where.function) or ""
    owner = seen.source.classes.get(name.removesuffix(".as_asgi()"))
    if owner is not None and name.endswith(".as_asgi()"):
        return owner
    return next(_chosen(seen, where, made), None)


def _chosen(seen: Evidence, where: Frame, made: ast.expr | None) -> Iterator[Class]:
    """``(A if bell else B).as_asgi()``, the choice under a name perhaps."""
    if not (isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute)):
        return
    inside, held = asked(where, made.func.value)
    every = inside.function.values.get(getattr(held, "id", ""), [held])
    for one in every if made.func.attr == "as_asgi" else ():
        for part in (one.body, one.orelse) if isinstance(one, ast.IfExp) else (one,):
            there, node = asked(inside, part)
            name = there.module.resolve(node, there.function) or ""
            if (owner := seen.source.classes.get(name)) is not None:
                yield owner


def _needs(owner: Class) -> set[str]:
    """What a consumer takes from its scope, which others have put there."""
    return {
        str(node.slice.value)
        for one in owner.line_of_ancestors
        for method in one.methods.values()
        for node in walk(method.node)
        if isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value in ("url_route", "user", "session")
        and method.module.resolve(node.value, method) == "self.scope"
    }


def words(function: Function) -> set[str]:
    """The texts in a function: a test may fill the scope itself."""
    return {
        node.value
        for node in walk(function.node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _late(function: Function, talk: Talk) -> set[str]:
    """What a test puts into the scope only after its client has connected."""
    began = talk.line("connect")
    late = {
        id(target.slice): str(getattr(target.slice, "value", ""))
        for node in walk(function.node)
        if isinstance(node, ast.Assign) and began is not None and node.lineno > began
        for target in node.targets
        if isinstance(target, ast.Subscript)
        and ast.unparse(target.value) == f"{talk.name}.scope"
    }
    said = {
        node.value
        for node in walk(function.node)
        if isinstance(node, ast.Constant) and id(node) not in late
    }
    return {*late.values()} - said


def _told(function: Function, depth: int = 0) -> set[str]:
    """The texts in a function, and in the helpers that it calls."""
    found = words(function)
    for call in calls.calls(function.node) if depth < DEEP else ():
        target = calls.target_of(call, function)
        if target is not None and is_aside(target.module.file):
            found |= _told(target, depth + 1)
    return found

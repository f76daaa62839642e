"""What the project's own tests get wrong, as their source shows it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.rules.suites.expected import expects_a_refusal
from tutor.doctor.rules.suites.headers import (
    left_out,
    names_origin,
    unlike_asgi,
    written,
)
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.defaults import filled_in
from tutor.doctor.source.flow import Frame, called, returned, unfold, yielded
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 80  # a project that does not work comes first
COMMUNICATORS = {
    "channels.testing.WebsocketCommunicator",
    "channels.testing.websocket.WebsocketCommunicator",
}
# What asks an application for something else than a WebSocket.
_OTHERS = {
    "asgiref.testing.ApplicationCommunicator",
    *(f"channels.testing.{name}Communicator" for name in ("Application", "Http")),
    "channels.testing.application.ApplicationCommunicator",
    "channels.testing.http.HttpCommunicator",
}
ROUTES = {"django.urls.path", "django.urls.re_path"}
_UNAWAITED = {"unittest.TestCase", "unittest.case.TestCase"}


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _classes_routed(seen)
    for function in seen.source.functions.values():
        for call in calls.calls(function.node):
            name = calls.name_of(call, function)
            if name in COMMUNICATORS:
                yield from _communicator(seen, function, call)
            elif name in _OTHERS:
                yield from _bare(seen, function, call)
        if function.is_async:
            yield from _never_awaited(function)
            yield from _tuples(function)


def a_class(known: Class, spot: Place) -> Found:
    """A consumer's class, where an application belongs."""
    return Found(
        "test-consumer-without-as-asgi",
        f"TypeError: {known.name}() takes no arguments",
        spot,
        RANK,
        TRIED,
        f"{known.name}.as_asgi()",
    )


def wrong_headers(spot: Place) -> Found:
    """Headers that are not as ASGI has them: pairs of bytes, in small letters."""
    return Found(
        "test-headers-as-str-or-capitalised",
        "connected is False",
        spot,
        RANK,
        TRIED,
        "(b'origin', b'http://localhost')",
    )


def _classes_routed(seen: Evidence) -> Iterator[Found]:
    """A route of a test's own that ends at a class; others are seen as they run."""
    for module in seen.source.modules.values():
        for node in walk(module.tree) if is_aside(module.file) else ():
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            known = seen.source.classes.get(module.resolve(node.args[1]) or "")
            if module.resolve(node.func) in ROUTES and known and known.kind:
                yield a_class(known, (module.file, node.lineno))


def _never_awaited(function: Function) -> Iterator[Found]:
    """``async def test_…`` in a class that calls it and drops the coroutine."""
    owner = function.owner
    if owner is None or not function.name.startswith("test"):
        return
    if owner.library_bases() & _UNAWAITED:
        yield Found(
            "test-async-method-on-unittest-testcase",
            "a test that passes, whatever it says",
            at(function, function.node),
            RANK,
            TRIED,
            "a class that awaits its tests",
        )


def _tuples(function: Function) -> Iterator[Found]:
    """A test of what ``connect()`` returns as a whole: a tuple, always true."""
    for node in walk(function.node):
        tested: ast.expr | None = None
        if isinstance(node, ast.Assert):
            tested = node.test
        elif (
            isinstance(node, ast.Call)
            and node.args
            and getattr(node.func, "attr", "") in ("assertTrue", "assertFalse")
        ):
            tested = node.args[0]
        while isinstance(tested, ast.UnaryOp) and isinstance(tested.op, ast.Not):
            tested = tested.operand
        if isinstance(tested, ast.Name):
            values = function.values.get(tested.id, [])
            tested = values[0] if len(values) == 1 else None
        call = tested.value if isinstance(tested, ast.Await) else None
        where = Frame(function, function.owner)
        if isinstance(call, ast.Call) and (helper := called(where, call)):
            results = returned(helper.function)
            inner = getattr(results[0], "value", None) if len(results) == 1 else None
            where, call = (helper, inner) if inner is not None else (where, call)
        talk = isinstance(call, ast.Call) and talks_of(call, where.function, where)
        if talk == "connect" or _with_its_message(node, function):
            yield Found(
                "test-asserts-the-connect-tuple",
                "a tuple is true, whatever the answer",
                at(function, node),
                RANK - 1,
                TRIED,
                "connected, _ = await client.connect()",
            )


def _with_its_message(node: ast.AST, function: Function) -> bool:
    """``assert (connected, "refused")``: the brackets make a pair of it."""
    held = node.test if isinstance(node, ast.Assert) else None
    first = held.elts[0] if isinstance(held, ast.Tuple) and held.elts else None
    return isinstance(first, ast.Name) and any(
        isinstance(one, ast.Assign)
        and isinstance(one.targets[0], ast.Tuple)
        and first.id in [getattr(elt, "id", "") for elt in one.targets[0].elts]
        and ".connect(" in ast.unparse(one.value)
        for one in walk(function.node)
    )


def talks_of(call: ast.Call, function: Function, frame: Frame | None = None) -> str:
    """The method of a communicator that is called; empty for other calls."""
    if not isinstance(call.func, ast.Attribute):
        return ""
    where, node = unfold(frame or Frame(function, function.owner), call.func.value)
    if isinstance(node, ast.Name) and node.id in where.given:  # it is asked there
        where, node = where.given[node.id]
    given = where.function.values.get(getattr(node, "id", ""), [])
    if len(given) == 1:  # a helper may have made it
        where, node = unfold(where, given[0])
    if isinstance(node, ast.Name):  # a fixture of pytest
        fixture = where.module.source.functions.get(f"{where.module.name}.{node.id}")
        marks = fixture.decorators() if fixture is not None else []
        if fixture is not None and any(one.endswith("fixture") for one in marks):
            results = [*returned(fixture), *yielded(fixture)]
            if len(results) == 1:
                where, node = unfold(Frame(fixture), results[0])
    made = where.module.resolve(node, where.function) or ""
    return call.func.attr if made.removesuffix("()") in COMMUNICATORS else ""


def _communicator(
    seen: Evidence, function: Function, call: ast.Call
) -> Iterator[Found]:
    """The application that a communicator is given, and its headers."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    application = call.args[0] if call.args else named.get("application")
    given = function.module.resolve(application, function) or ""
    frame = Frame(function, function.owner)
    full = filled_in(frame)
    if application is not None:
        where, node = unfold(full, application)
        given = where.module.resolve(node, where.function) or given
    headers = call.args[2] if len(call.args) > 2 else named.get("headers")
    inside, asked = frame, headers
    if headers is not None:
        inside, headers = written(frame, headers)
    origin = headers is not None and names_origin(headers)
    if origin and asked is not None and left_out(seen, function, asked):
        origin = False
    wrong = None
    if asked is not None and headers is not None:
        listed = isinstance(headers, ast.List)
        wrong = unlike_asgi(inside, headers) if listed else unlike_asgi(full, asked)
    known = seen.source.classes.get(given)
    if known is not None and known.kind:
        yield a_class(known, at(function, call))
    elif wrong is not None:
        yield wrong_headers(at(wrong[0].function, wrong[1]))
    elif (
        not origin
        and given.endswith("ProtocolTypeRouter()")
        and _asks_for_origins(seen)
        and not expects_a_refusal(function)
    ):
        yield Found(
            "test-no-origin-header",
            "connected is False",
            at(function, call),
            RANK,
            TRIED,
            "headers=[(b'origin', b'http://localhost')]",
        )


def _bare(seen: Evidence, function: Function, call: ast.Call) -> Iterator[Found]:
    """The class of a worker, or of another consumer, for an application."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    application = call.args[0] if call.args else named.get("application")
    name = function.module.resolve(application, function) or ""
    known = seen.source.classes.get(name)
    if known is not None and known.kind:
        yield a_class(known, at(function, call))


def _asks_for_origins(seen: Evidence) -> bool:
    """Whether the application lets only some origins in, as it runs or is written."""
    modules = seen.source.modules.values()
    named = [name for module in modules for name in module.names.values()]
    known = seen.walk.get("origins") is not None
    return known or any(name.endswith("OriginValidator") for name in named)

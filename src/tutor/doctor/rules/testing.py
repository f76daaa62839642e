"""What the project's own tests get wrong, as their source shows it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, calls

RANK = 80  # a project that does not work comes first
COMMUNICATORS = {
    "channels.testing.WebsocketCommunicator",
    "channels.testing.websocket.WebsocketCommunicator",
}
_AWAITED = {
    *("connect", "disconnect", "send_to", "send_json_to"),
    *("receive_from", "receive_json_from", "receive_nothing"),
}
_UNAWAITED = {"unittest.TestCase", "unittest.case.TestCase"}


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.functions.values():
        if function.is_async:
            yield from _never_awaited(function)
            yield from _tuples(function)
            yield from _dropped(function)
            for call in calls.calls(function.node):
                if calls.name_of(call, function) in COMMUNICATORS:
                    yield from _communicator(seen, function, call)


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
    for node in ast.walk(function.node):
        tested: ast.expr | None = None
        if isinstance(node, ast.Assert):
            tested = node.test
        elif (
            isinstance(node, ast.Call)
            and node.args
            and getattr(node.func, "attr", "") == "assertTrue"
        ):
            tested = node.args[0]
        if isinstance(tested, ast.Name):
            values = function.values.get(tested.id, [])
            tested = values[0] if len(values) == 1 else None
        if isinstance(tested, ast.Await) and isinstance(tested.value, ast.Call):
            owner, _, method = calls.name_of(tested.value, function).rpartition(".")
            if method == "connect" and owner.removesuffix("()") in COMMUNICATORS:
                yield Found(
                    "test-asserts-the-connect-tuple",
                    "a test that passes, whatever the answer",
                    at(function, node),
                    RANK,
                    TRIED,
                    "connected, _ = await client.connect()",
                )


def _dropped(function: Function) -> Iterator[Found]:
    """A communicator's call that stands alone, or whose result is kept, unawaited."""
    for node in ast.walk(function.node):
        call = node.value if isinstance(node, (ast.Expr, ast.Assign)) else None
        if not isinstance(call, ast.Call):
            continue
        owner, _, method = calls.name_of(call, function).rpartition(".")
        if method in _AWAITED and owner.removesuffix("()") in COMMUNICATORS:
            yield Found(
                "test-communicator-call-not-awaited",
                "cannot unpack non-iterable coroutine object"
                if method == "connect"
                else f"coroutine '{method}' was never awaited",
                at(function, call),
                RANK - 1,
                TRIED,
                f"await client.{method}(...)",
            )


def _communicator(
    seen: Evidence, function: Function, call: ast.Call
) -> Iterator[Found]:
    """The application that a communicator is given, and its headers."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    application = call.args[0] if call.args else named.get("application")
    given = function.module.resolve(application, function) or ""
    headers = call.args[2] if len(call.args) > 2 else named.get("headers")
    if isinstance(headers, ast.Name):
        found = function.values.get(headers.id) or function.module.values.get(
            headers.id, []
        )
        headers = found[0] if len(found) == 1 else headers
    known = seen.source.classes.get(given)
    if known is not None and known.kind:
        yield Found(
            "test-consumer-without-as-asgi",
            f"TypeError: {known.name}() takes no arguments",
            at(function, call),
            RANK,
            TRIED,
            f"{known.name}.as_asgi()",
        )
    elif headers is not None and _unlike_asgi(headers):
        yield Found(
            "test-headers-as-str-or-capitalised",
            "connected is False",
            at(function, headers),
            RANK,
            TRIED,
            "(b'origin', b'http://localhost')",
        )
    elif (
        headers is None
        and given.endswith("ProtocolTypeRouter()")
        and not _expects_a_refusal(function)
    ):
        yield Found(
            "test-no-origin-header",
            "connected is False",
            at(function, call),
            RANK,
            TRIED,
            "headers=[(b'origin', b'http://localhost')]",
        )


def _unlike_asgi(headers: ast.expr) -> bool:
    """Whether a literal list names a header by a text, or with a capital letter."""
    for pair in getattr(headers, "elts", ()):
        for part in getattr(pair, "elts", ())[:1]:
            value = getattr(part, "value", b"")
            if isinstance(value, str):
                return True
            if isinstance(value, bytes) and value != value.lower():
                return True
    return False


def _expects_a_refusal(function: Function) -> bool:
    """Whether a test says that somebody stays outside."""
    for node in ast.walk(function.node):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.UnaryOp):
            return True
        if getattr(getattr(node, "func", None), "attr", "") in (
            "assertFalse",
            "assertEqual",
            "assertIs",
        ):
            return True
    return False

"""What a communicator answers only who awaits it, and nobody does."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.unused import used_as_a_value
from tutor.doctor.rules.consumers.waiting import unawaited
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.suites.testing import RANK, talks_of
from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import own_nodes

_ITS_OWN = {"send_json_to", "receive_json_from", "send_to", "receive_from"}
_ITS_OWN |= {"receive_nothing"}
_AWAITED = {
    *("connect", "disconnect", "send_to", "send_json_to"),
    *("receive_from", "receive_json_from", "receive_nothing"),
}

_VERBS = {"get", "post", "put", "patch", "delete", "head", "options"}
_VERBS |= {"alogin", "alogout", "aforce_login"}
_CLIENTS = (
    "self.async_client",
    "django.test.AsyncClient()",
    "django.test.client.AsyncClient()",
)


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.functions.values():
        if function.is_async:
            yield from _uncalled(function)
            yield from _dropped(function, [*unawaited(function), *_given(function)])
        elif function.name.startswith("test") and is_aside(function.module.file):
            yield from _dropped(function, _at_once(function))


def _uncalled(function: Function) -> Iterator[Found]:
    """``await talk.connect``: the method itself, which nobody has called."""
    for node in own_nodes(function.node) if is_aside(function.module.file) else ():
        held = node.value if isinstance(node, ast.Await) else None
        if isinstance(held, ast.Attribute) and held.attr in _ITS_OWN | {"connect"}:
            yield Found(
                "python-function-not-called",
                "TypeError: object method can't be used in 'await' expression",
                at(function, node),
                RANK - 1,
                TRIED,
                f"await {ast.unparse(held)}()",
            )


def _given(function: Function) -> list[tuple[ast.Call, bool]]:
    """The calls whose results a coroutine returns as they are."""
    return [
        (node.value, True)
        for node in own_nodes(function.node)
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Call)
    ]


def _at_once(function: Function) -> list[tuple[ast.Call, bool]]:
    """The calls whose results a plain function unpacks, or does not keep."""
    return [
        (node.value, True)
        for node in own_nodes(function.node)
        if isinstance(node, ast.Expr)
        or (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple))
        if isinstance(node.value, ast.Call)
    ]


def _asks_a_page(call: ast.Call, function: Function) -> bool:
    """Whether Django's asynchronous client is called, whoever has made it."""
    if not isinstance(call.func, ast.Attribute) or not function.is_async:
        return False
    where, node = unfold(Frame(function, function.owner), call.func.value)
    made = where.module.resolve(node, where.function) or ""
    return made in _CLIENTS


def _is_helper(call: ast.Call, function: Function) -> bool:
    """Whether a call makes a coroutine of a function of the project's own."""
    target = calls.target_of(call, function)
    return (
        target is not None
        and target.is_async
        and not target.decorators()
        and not any(isinstance(one, ast.Yield) for one in own_nodes(target.node))
    )


def _dropped(function: Function, every: list[tuple[ast.Call, bool]]) -> Iterator[Found]:
    """A communicator's call of which the coroutine is used as if it were the answer."""
    for call, alone in every:
        method = talks_of(call, function)
        named = getattr(call.func, "attr", "")
        if is_aside(function.module.file) and named in _ITS_OWN:
            method = named  # whoever has made it, nothing else is called so
        read = alone or call in used_as_a_value(function)
        if read and named in _VERBS and _asks_a_page(call, function):
            yield Found(
                "test-communicator-call-not-awaited",
                f"coroutine '{named}' was never awaited",
                at(function, call),
                RANK - 1,
                TRIED,
                f"await client.{named}(...)",
                "An AsyncClient asks for nothing before it is awaited.",
            )
        elif read and is_aside(function.module.file) and _is_helper(call, function):
            yield Found(
                "consumer-missing-await-on-send",
                f"coroutine '{named or ast.unparse(call.func)}' was never awaited",
                at(function, call),
                RANK - 1,
                TRIED,
                f"await {ast.unparse(call.func)}(...)",
            )
        elif method in _AWAITED:
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

"""Coroutines that nobody awaits."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers import inloops, unused
from tutor.doctor.rules.dispatch import choices
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.source import Function, calls, known
from tutor.doctor.source.walking import walk


def lost(seen: Evidence, function: Function) -> Iterator[Found]:
    """Coroutines that nobody awaits: calls that stand alone as a statement."""
    for call in (
        *unused.alone(function.node),
        *inloops.listed(function),
        *unused.used_as_a_value(function),
        *unused.kept(function),
        *unused.tested(function),
        *unused.put(function),
        *unused.later(function),
        *unused.said(function),
    ):
        name = calls.makes_coroutine(call, function) or _looked_up(call, function)
        if not name:
            continue
        place = at(function, call)
        end = name.removesuffix("()").rpartition(".")[2]
        slug = (
            slug_of_lost(seen, place, function, end) or "consumer-missing-await-on-send"
        )
        yield Found(
            slug,
            f"coroutine '{end}' was never awaited",
            place,
            47,
            TRIED,
            "every coroutine is awaited",
            "In a plain def, call the function without its wrapper."
            if end in _WRAPS and not function.is_async
            else "",
        )


_WRAPS = {name.rpartition(".")[2] for name in known.TO_THREAD}


def _looked_up(call: ast.Call, function: Function) -> str:
    """The name of a call that chooses its coroutine function: in a table of some."""
    if not isinstance(call.func, ast.Name | ast.Subscript):
        return ""
    owner = function.owner
    for one in (owner, *(owner.heirs if owner is not None else ())):
        found = choices(call, function, one)
        if found:
            every = all(choice.function.is_async for choice in found)
            return ast.unparse(call.func) if every else ""
    return ""


def slug_of_lost(
    seen: Evidence, place: Place, function: Function | None, end: str
) -> str | None:
    """Which mistake it is that a coroutine was thrown away at a line."""
    if function is None:
        return None
    layer = end in ("group_send", "group_add", "group_discard")
    target: Function | None = None
    for node in seen.nodes_at(place):
        if isinstance(node, ast.Call):
            name = calls.name_of(node, function)
            if [getattr(one, "id", "") for one in node.args][1:] == ["receive", "send"]:
                return "auth-middleware-forgets-the-application"
            if (
                name == known.TO_SYNC
                and node.args
                and isinstance(node.args[0], ast.Call)
            ):
                return "group-async-to-sync-around-the-call"
            if (
                name in known.TO_THREAD
                and node.args
                and isinstance(node.args[0], ast.Call)
            ):
                return "db-wrapper-around-the-result"
            layer = layer or calls.is_layer(name)
            if name.removesuffix("()") in known.TO_THREAD and node.args:
                inner = function.module.resolve(node.args[0], function) or ""
                layer = layer or calls.is_layer(inner)
            if name.rpartition(".")[2] == end:
                target = calls.target_of(node, function) or target
    layer = layer or (target is not None and _tells_a_group(target))
    if layer:
        if function.is_async:
            return "group-send-not-awaited"
        if function.owner is not None and function.owner.kind.startswith("sync"):
            return "group-sync-consumer-without-async-to-sync"
        return "group-view-without-async-to-sync"
    owner = function.owner
    if end in ("sleep",):
        return "consumer-asyncio-sleep-not-awaited"
    if owner is not None and owner.kind.startswith("sync"):
        method = owner.method(end)
        if method is not None and method.is_async:
            return "consumer-async-handlers-in-sync-consumer"
    target = target or (owner.method(end) if owner else None)
    if target is not None and any(d in known.TO_THREAD for d in target.decorators()):
        return "db-decorated-function-not-awaited"
    if end == "__call__" and owner is not None and owner.kind:
        return None  # the consumer's own
    if end in known.ASYNC_ORM | _WRAPS | {"SyncToAsync", "__call__"}:
        return "db-decorated-function-not-awaited"
    return None


def _tells_a_group(function: Function, depth: int = 0) -> bool:
    """Whether a function of the project only calls the channel layer, or one that does.

    One that waits for something else as well is more than another name for that call.
    """
    if any(
        isinstance(node, ast.Await)
        and isinstance(node.value, ast.Call)
        and not _is_of_a_group(node.value, function, depth)
        for node in walk(function.node)
    ):
        return False
    return any(
        _is_of_a_group(call, function, depth) for call in calls.calls(function.node)
    )


def _is_of_a_group(call: ast.Call, function: Function, depth: int) -> bool:
    if calls.is_layer(calls.name_of(call, function)):
        return True
    target = calls.target_of(call, function)
    return target is not None and depth < 3 and _tells_a_group(target, depth + 1)

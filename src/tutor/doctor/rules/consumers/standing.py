"""Calls in which a thread only stands still for a while, in whatever function."""

from __future__ import annotations

import ast

from tutor.doctor.source import Function, calls, known
from tutor.doctor.source.walking import walk

DEEP = 3
_WAITS = {"threading.Event().wait", "threading.Condition().wait", "select.select"}


def stands(call: ast.Call, function: Function, depth: int = 0) -> bool:
    """Whether a call waits for time to pass: by itself, or in what it calls."""
    name = calls.name_of(call, function)
    if name in known.SLEEPS:
        return True
    if name in _WAITS:
        # Without a limit it waits for somebody, not for a time.
        return bool(call.args or call.keywords)
    if calls.inner_call(call, function) == known.TO_SYNC:
        given = call.func.args[:1] if isinstance(call.func, ast.Call) else []
        return any(function.module.resolve(g, function) in _SLOW for g in given)
    target = calls.target_of(call, function) if depth < DEEP else None
    if target is None or target is function or target.is_async:
        return False
    if target.owner is not None and target.owner is function.owner:
        return False  # a method next to it, which is looked at itself
    again = {
        id(part)
        for node in walk(target.node)
        if isinstance(node, ast.ExceptHandler)
        for part in walk(node)
    }  # a pause before the next try is for bad days only
    return any(
        stands(one, target, depth + 1)
        for one in calls.calls(target.node)
        if id(one) not in again
    )


_SLOW = {"asyncio.sleep", "anyio.sleep"}

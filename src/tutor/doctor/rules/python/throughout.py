"""A coroutine that an async function gives back instead of awaiting it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.lost import slug_of_lost
from tutor.doctor.rules.found import GENERIC, HANDLERS, TRIED, Found, at
from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import called_function, every_call
from tutor.doctor.source.walking import own_nodes, walk

RANK = 47
_ASGI = ["scope", "receive", "send"]


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        if not function.is_async:
            continue
        for node in own_nodes(function.node):
            call = node.value if isinstance(node, ast.Return) else None
            if not isinstance(call, ast.Call):
                continue
            name = calls.makes_coroutine(call, function) or _passes_on(call, function)
            if name and _is_the_end(seen, function):
                end = name.rpartition(".")[2]
                place = at(function, call)
                slug = slug_of_lost(seen, place, function, end)
                yield Found(
                    slug or "consumer-missing-await-on-send",
                    f"coroutine '{end}' was never awaited",
                    place,
                    RANK,
                    TRIED,
                    f"return await {ast.unparse(call.func)}(…)",
                )


def _passes_on(call: ast.Call, function: Function) -> str:
    """``return self.app(scope, receive, send)``: the next application, not awaited."""
    given = [getattr(one, "id", "") for one in call.args]
    name = calls.name_of(call, function) or ast.unparse(call.func)
    return name if function.name == "__call__" and given[1:] == _ASGI[1:] else ""


def _is_the_end(seen: Evidence, function: Function) -> bool:
    """Whether all who call a function await it once, and drop what it gives back."""
    if function.name in (*GENERIC, *HANDLERS, "__call__", "dispatch"):
        return function.owner is not None
    callers = seen.sites.callers(function)
    if not callers and _hears(seen, function):
        return True
    return bool(callers) and all(_drops(one, function) for one in callers)


def _hears(seen: Evidence, function: Function) -> bool:
    """Whether a consumer's method is called by the type of a message alone."""
    if function.owner is None or not function.owner.kind.startswith("async"):
        return False
    nodes = (n for m in seen.source.modules.values() for n in walk(m.tree))
    texts = (node.value for node in nodes if isinstance(node, ast.Constant))
    return any(
        isinstance(text, str) and text.replace(".", "_") == function.name
        for text in texts
    )


def _drops(caller: Function, function: Function) -> bool:
    """Whether each call of a function is a statement of its own there."""
    done = {
        id(node.value.value if isinstance(node.value, ast.Await) else node.value)
        for node in walk(caller.node)
        if isinstance(node, ast.Expr)
    }
    every = every_call(caller.node)
    wrappers = {id(call.func) for call in every}  # async_to_sync(f)(…)
    mine = [
        call
        for call in every
        if id(call) not in wrappers and called_function(call, caller)[0] is function
    ]
    return bool(mine) and all(id(one) in done for one in mine)

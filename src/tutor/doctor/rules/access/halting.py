"""Middleware that hands nothing on, and what is asked in the wrong order."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access import tooearly
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function
from tutor.doctor.source.walking import walk

RANK = 45


def rules(seen: Evidence) -> Iterator[Found]:
    """A middleware before some route, which says nothing and calls nobody."""
    yield from tooearly.rules(seen)
    for function in seen.source.all_functions():
        if function.name == "__call__":
            yield from _exchanged(function)
    before = {str(kind) for leaf in seen.leaves for kind in leaf.get("chain") or ()}
    for name in sorted(before):
        owner = seen.source.classes.get(name)
        method = owner.method("__call__") if owner is not None else None
        if owner is None or owner.kind or method is None or not method.is_async:
            continue
        for call in _handing(method):
            yield Found(
                "python-arguments-differ",
                "TypeError: __call__() missing required positional argument: 'send'",
                at(method, call),
                RANK,
                TRIED,
                f"await {ast.unparse(call.func)}(scope, receive, send)",
            )
            break
        if _keeps_all(method):
            yield Found(
                "auth-middleware-forgets-the-application",
                f"{owner.name} neither calls what it stands before, nor answers",
                at(method, method.node),
                RANK,
                TRIED,
                "return await self.inner(scope, receive, send)",
            )


def _exchanged(method: Function) -> Iterator[Found]:
    """``super().__call__(receive, scope, send)``: its own three, in another order."""
    names = [one.arg for one in method.node.args.args][1:]
    for node in walk(method.node):
        if not isinstance(node, ast.Call) or len(names) != 3 or node.keywords:
            continue
        given = [getattr(one, "id", "") for one in node.args]
        if given != names and sorted(given) == sorted(names):
            yield Found(
                "python-arguments-differ",
                f"{', '.join(given)} are given where {', '.join(names)} are taken",
                at(method, node),
                RANK - 6,
                TRIED,
                f"{ast.unparse(node.func)}({', '.join(names)})",
            )


def _handing(method: Function) -> Iterator[ast.Call]:
    """Awaited calls of the next application that give it less than it takes."""
    told = method.node.args
    names = [one.arg for one in (*told.posonlyargs, *told.args)][1:]
    for node in walk(method.node):
        call = node.value if isinstance(node, ast.Await) else None
        if not isinstance(call, ast.Call) or call.keywords or len(names) != 3:
            continue
        given = [getattr(one, "id", "") for one in call.args]
        named = ast.unparse(call.func)
        following = named == "super().__call__" or (
            named.startswith(f"{method.self_name}.")
            and method.owner is not None
            and method.owner.method(named.rpartition(".")[2]) is None
        )
        if following and given and given == names[: len(given)] and len(given) < 3:
            yield call


def _keeps_all(method: Function) -> bool:
    """Whether a call's ``send`` is of no use: not called, and given to nobody."""
    told = method.node.args
    names = [one.arg for one in (*told.posonlyargs, *told.args)]
    if next(_handing(method), None) is not None:
        return False  # it hands on, and too little of it
    used = {node.id for node in walk(method.node) if isinstance(node, ast.Name)}
    return len(names) == 4 and told.vararg is None and names[3] not in used

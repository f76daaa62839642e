"""Queries that run only when their rows are asked for: looped over, or tested."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.database import fields
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.source import Function, calls, managers
from tutor.doctor.source.flow import returned
from tutor.doctor.source.known import TO_THREAD
from tutor.doctor.source.walking import own_nodes, walk

RANK = 49  # before what a crash at the same line is taken for
CALLED = "You cannot call this from an async context"
LOOPS = {
    f"builtins.{name}" for name in ("list", "set", "tuple", "sorted", "len", "bool")
}
PASSING = {f"builtins.{name}()" for name in ("map", "filter", "iter", "enumerate")}
LAZY = {
    *("all", "filter", "exclude", "order_by", "reverse", "distinct", "annotate"),
    *("values", "values_list", "select_related", "prefetch_related", "only", "defer"),
}


def looped(seen: Evidence, function: Function) -> Iterator[Found]:
    """A query that runs when it is looped over, or tested, in async code."""
    for node in own_nodes(function.node):
        held = _run(node, function)
        if isinstance(held, ast.Name):
            values = _given(function, held.id)
            held = values[0] if len(values) == 1 else None
        if held is None:
            continue
        slug = "db-orm-in-async-consumer"
        place = at(function, node if hasattr(node, "lineno") else held)
        lazy = not isinstance(held, ast.Await) and is_lazy(seen, function, held)
        if isinstance(held, ast.Await) and isinstance(held.value, ast.Call):
            slug = "db-lazy-queryset-returned"
            made = _made_in_thread(seen, held.value, function)
            lazy = made is not None
            place = made or place  # what is to be mended stands there
        if lazy:
            expected = "a list made in the thread, or async for"
            yield Found(slug, CALLED, place, RANK, TRIED, expected)


def _made_in_thread(seen: Evidence, call: ast.Call, function: Function) -> Place | None:
    """Where a function that a call runs in a thread returns a lazy query."""
    target, run = calls.target_of(call, function), call
    if calls.inner_call(call, function) in TO_THREAD and isinstance(
        call.func, ast.Call
    ):
        run, target = call.func, None
    if calls.name_of(run, function) in TO_THREAD and run.args:
        target = calls.target_of(ast.Call(run.args[0], [], []), function)
    elif target is None or not TO_THREAD & set(target.decorators()):
        return None
    given = returned(target) if target is not None else []
    if target is None or not given:
        return None
    lazy = all(is_lazy(seen, target, one) for one in given)
    return at(target, given[0]) if lazy else None


def made_lazily(seen: Evidence, function: Function, place: Place) -> Place | None:
    """Where the query comes from that something of a line runs, out of a thread."""
    for node in seen.nodes_at(place):
        values = _given(function, node.id) if isinstance(node, ast.Name) else []
        for one in (node, *values):
            if isinstance(one, ast.Await) and isinstance(one.value, ast.Call):
                made = _made_in_thread(seen, one.value, function)
                if made is not None:
                    return made
    return None


def _run(node: ast.AST, function: Function) -> ast.expr | None:
    """What has to have its rows: it is looped over, counted or tested."""
    held: ast.expr | None = None
    if isinstance(node, ast.For) or (
        isinstance(node, ast.comprehension) and not node.is_async
    ):
        held = node.iter
    elif isinstance(node, ast.Call) and node.args:
        held = node.args[0] if calls.name_of(node, function) in LOOPS else None
    elif isinstance(node, (ast.If, ast.While)):
        held = node.test
        if isinstance(held, ast.UnaryOp) and isinstance(held.op, ast.Not):
            held = held.operand
    return held.value if isinstance(held, ast.NamedExpr) else held


def _given(function: Function, name: str) -> list[ast.expr]:
    """What a name is given in a function, by a statement or on the way."""
    found = [*function.values.get(name, [])]
    for node in walk(function.node):
        if isinstance(node, ast.NamedExpr) and node.target.id == name:
            found.append(node.value)
    return found


def is_lazy(
    seen: Evidence, function: Function, node: ast.expr, names: tuple[str, ...] = ()
) -> bool:
    """Whether an expression is a query that has not run yet, or runs through one."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return node.slice.step is None and is_lazy(seen, function, node.value, names)
    if isinstance(node, ast.Name):
        values = function.values.get(node.id, []) if node.id not in names else []
        inner = (*names, node.id)
        others = [one for one in values if not _comes_from(one, node.id)]
        return bool(others) and all(
            is_lazy(seen, function, one, inner) for one in others
        )
    if isinstance(node, ast.GeneratorExp):
        return is_lazy(seen, function, node.generators[0].iter, names)
    path = function.module.resolve(node, function) or ""
    if isinstance(node, ast.Call) and path in PASSING and node.args:
        return is_lazy(seen, function, node.args[-1], names)
    if isinstance(node, ast.Call) and fields.is_query(path, seen.source):
        return True
    asked = managers.asked_of(function, path.removesuffix("()"))
    way = asked[2] if asked is not None else ""
    return path.endswith("()") and way.rpartition(".")[2] in LAZY


def _comes_from(node: ast.expr, name: str) -> bool:
    """Whether a query is what a name stood for before: ``page = page[:100]``."""
    while isinstance(node, (ast.Call, ast.Attribute, ast.Subscript)):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
            return False
        if isinstance(node, ast.Attribute) and node.attr not in LAZY:
            return False
        node = node.func if isinstance(node, ast.Call) else node.value
    return isinstance(node, ast.Name) and node.id == name

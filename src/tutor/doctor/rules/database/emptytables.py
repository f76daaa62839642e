"""Queries that give None where a table is empty, and what is made of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.source import Function, calls, managers
from tutor.doctor.source.flow import returned
from tutor.doctor.source.walking import child_nodes, walk

RANK = 63
DEEP = 3
_NARROW = ("filter", "exclude", "get", "for_", "by_", "search")
_RAISES = {"latest", "earliest", "alatest", "aearliest"}
_NONE = {"first", "last", "afirst", "alast"}
_TOTALS = {f"django.db.models.{name}" for name in ("Max", "Min", "Sum", "Avg")}
_COUNTS = {f"builtins.{name}" for name in ("max", "min", "int", "float", "round")}
_STORES = {"save", "asave", "create", "acreate", "get_or_create", "aget_or_create"}
_OPS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        if _is_tried(function):
            continue
        caught = any(map(_is_tried, seen.sites.callers(function)))
        for node in walk(function.node):
            place = _of_a_row(node, function, caught) or _of_a_number(node, function)
            if place is not None and not _is_made(function, place):
                yield Found(
                    "db-empty-table-forgotten",
                    "there is nothing yet, and so None or DoesNotExist",
                    place,
                    RANK,
                    TRIED,
                    "a value for the table that is empty",
                )
                return


def _is_made(function: Function, place: Place) -> bool:
    """Whether a row is stored above, so that the table has one."""
    return any(
        getattr(call.func, "attr", "") in _STORES and call.lineno < (place[1] or 0)
        for call in calls.calls(function.node)
    )


def _is_tried(function: Function) -> bool:
    return any(isinstance(n, ast.Try) and n.handlers for n in walk(function.node))


def _asked(node: ast.expr, function: Function) -> str:
    """The last step of a query that takes all of a table; empty for others."""
    call = node.value if isinstance(node, ast.Await) else node
    if not isinstance(call, ast.Call):
        return ""
    path = calls.name_of(call, function)
    model, found, way = path.partition(".objects.")
    if not found or not managers.is_model(function.module.source, model):
        return ""
    steps = way.replace("()", "").split(".")
    return "" if any(s.startswith(_NARROW) for s in steps) else steps[-1]


def _of_a_row(node: ast.AST, function: Function, caught: bool) -> Place | None:
    """``Reading.objects.first().value``, and ``latest()`` that nobody catches."""
    if isinstance(node, ast.Attribute):
        read = isinstance(node.ctx, ast.Load) and _asked(node.value, function) in _NONE
        return at(function, node) if read else None
    if isinstance(node, ast.Call) and not caught:
        return at(function, node) if _asked(node, function) in _RAISES else None
    return None


def _of_a_number(node: ast.AST, function: Function) -> Place | None:
    """``Reading.objects.aggregate(last=Max("id"))["last"] + 1``."""
    parts: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, _OPS):
        parts = [node.left, node.right]
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], _ORDERS):
        parts = [node.left, *node.comparators]
    elif isinstance(node, ast.Call) and calls.name_of(node, function) in _COUNTS:
        parts = node.args
    for part in parts:
        place = _total(part, function)
        if place is not None:
            return place
    return None


def _total(node: ast.expr, function: Function, depth: int = 0) -> Place | None:
    """Where a number is made of all rows, and of no row is None."""
    if depth > DEEP:
        return None
    if isinstance(node, ast.Await):
        return _total(node.value, function, depth)
    if isinstance(node, ast.Name):
        values = function.values.get(node.id, [])
        if len(values) != 1 or _is_tested(node.id, function):
            return None
        return _total(values[0], function, depth + 1)
    if isinstance(node, ast.Subscript):
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        ends = ("aggregate", "aaggregate")
        if isinstance(call, ast.Call) and _ends(call, function) in ends:
            given = [*call.args, *(word.value for word in call.keywords)]
            return (
                at(function, node) if any(_bare(g, function) for g in given) else None
            )
    target = calls.target_of(node, function) if isinstance(node, ast.Call) else None
    if target is not None:
        found = [_total(one, target, depth + 1) for one in returned(target)]
        return found[0] if found and all(found) else None
    return None


def _ends(call: ast.Call, function: Function) -> str:
    path = calls.name_of(call, function)
    return path.rpartition(".")[2] if ".objects." in path else ""


def _bare(node: ast.expr, function: Function) -> bool:
    """Whether a total says nothing of the case that there is no row."""
    if not isinstance(node, ast.Call):
        return False
    name = function.module.resolve(node.func, function) or ""
    known = name.replace("django.db.models.aggregates.", "django.db.models.")
    return known in _TOTALS and not any(w.arg == "default" for w in node.keywords)


def _is_tested(name: str, function: Function) -> bool:
    """Whether somebody asks whether it is there."""
    for node in walk(function.node):
        tests: list[ast.AST] = []
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            tests = [node.test]
        elif isinstance(node, ast.BoolOp):
            tests = [*node.values]
        elif isinstance(node, ast.Compare) and isinstance(
            node.ops[0], ast.Is | ast.IsNot
        ):
            tests = [*child_nodes(node)]
        if any(
            getattr(n, "id", "") == name for test in tests for n in [test, *walk(test)]
        ):
            return True
    return False

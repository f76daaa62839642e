"""Rows that a thread has fetched, and what they lead to, which async code then asks."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.database.related import LINKS, asked_later
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.known import TO_THREAD
from tutor.doctor.source.walking import own_nodes, walk

DEEP = 3
_FETCHED_TOO = ("select_related", "prefetch_related", "values", "values_list", "only")
_MADE = ("builtins.list", "builtins.sorted", "builtins.tuple", "builtins.reversed")


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        if function.is_async:
            yield from _rows(seen, function)


def _rows(seen: Evidence, function: Function) -> Iterator[Found]:
    """``for row in await rows(): row.owner.name``, or a method of the row does so."""
    names = {
        target.id: model
        for target, held in _loops(function)
        if isinstance(target, ast.Name)
        and (model := _listed(seen, function, held)) is not None
    }
    for node in own_nodes(function.node) if names else ():
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        model = names.get(getattr(node.value, "id", ""))
        link = _leads(model, node.attr) if model is not None else ""
        if link:
            yield asked_later(function, node, link)
            return


def _loops(function: Function) -> Iterator[tuple[ast.expr, ast.expr]]:
    for node in own_nodes(function.node):
        if isinstance(node, (ast.For, ast.comprehension)):
            yield node.target, node.iter


def _listed(seen: Evidence, function: Function, held: ast.expr) -> Class | None:
    """The model of the rows in a list that a helper makes in a thread."""
    if isinstance(held, ast.Name):
        given = function.values.get(held.id, [])
        held = given[0] if len(given) == 1 else held
    call = held.value if isinstance(held, ast.Await) else None
    target = calls.target_of(call, function) if isinstance(call, ast.Call) else None
    if target is None or not TO_THREAD & set(target.decorators()):
        return None
    returns = [n.value for n in walk(target.node) if isinstance(n, ast.Return)]
    if not returns or not all(_is_list(one, target) for one in returns):
        return None
    models = set()
    for node in walk(target.node):
        if isinstance(node, ast.Attribute):
            if node.attr in _FETCHED_TOO:
                return None
            if node.attr == "objects":
                models.add(target.module.resolve(node.value, target) or "")
    (named,) = models if len(models) == 1 else ("",)
    model = seen.source.classes.get(named)
    if model is None or any("objects" in k.attributes for k in model.line_of_ancestors):
        return None  # a manager of its own may fetch more
    own = {getattr(node, "attr", "") for node in walk(target.node)}
    return None if own & _links(model) else model


def _is_list(value: ast.expr | None, function: Function) -> bool:
    """Whether a value is a list of a query's rows, each as it is."""
    if isinstance(value, ast.ListComp):
        return ast.unparse(value.elt) == ast.unparse(value.generators[0].target)
    return isinstance(value, ast.Call) and calls.name_of(value, function) in _MADE


def _links(model: Class) -> set[str]:
    return {
        name
        for one in model.line_of_ancestors
        for name, given in one.attributes.items()
        if isinstance(given, ast.Call)
        and (one.module.resolve(given.func) or "") in LINKS
    }


def _leads(model: Class, name: str, depth: int = 0) -> str:
    """The link that an attribute of a row is, or that a method of it touches."""
    links = _links(model)
    if name in links:
        return name
    method = model.method(name)
    if method is None or method.is_async or depth > DEEP:
        return ""
    for node in walk(method.node):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Load)
            and getattr(node.value, "id", "") == method.self_name
            and (found := _leads(model, node.attr, depth + 1))
        ):
            return found
    return ""

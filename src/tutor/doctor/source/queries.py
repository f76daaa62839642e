"""What asks the database: calls, the methods of rows, properties that are read."""

from __future__ import annotations

import ast
import re

from tutor.doctor.source import known
from tutor.doctor.source.calls import name_of, target_of
from tutor.doctor.source.managers import asked_of, is_manager, is_model, manager_of
from tutor.doctor.source.syntax import Function
from tutor.doctor.source.walking import walk

_OF_ROWS = ("save", "delete", "refresh_from_db")
_GIVES_A_ROW = re.compile(r"(.+)\.objects\.(?:a?get|a?create|a?first|a?last)$")


def is_row(node: ast.expr, function: Function) -> bool:
    """Whether a name is certainly one row: it is said so, or a method gives one."""
    if not isinstance(node, ast.Name):
        return False
    for one in walk(function.node):
        if isinstance(one, ast.AnnAssign) and getattr(one.target, "id", "") == node.id:
            kind = function.module.resolve(one.annotation, function) or ""
            return is_model(function.module.source, kind)
    given = function.node.args
    for arg in (*given.args, *given.kwonlyargs):
        if arg.arg == node.id and arg.annotation is not None:
            kind = function.module.resolve(arg.annotation, function) or ""
            return is_model(function.module.source, kind)
    made = function.values.get(node.id, [])
    return bool(made) and all(_gives_a_row(one, function) for one in made)


def _gives_a_row(node: ast.expr, function: Function) -> bool:
    if not (isinstance(node, ast.Await) and isinstance(node.value, ast.Call)):
        return False
    call = node.value
    if isinstance(call.func, ast.Call):  # a wrapper around what is called
        parts = call.func.args[:1]
        names = [function.module.resolve(one, function) or "" for one in parts]
        return any(_is_of_a_row(name, function) for name in names)
    target = target_of(call, function)
    if target is None:
        return False
    given = [one.value for one in walk(target.node) if isinstance(one, ast.Return)]
    return bool(given) and all(
        isinstance(one, ast.Call) and _is_of_a_row(name_of(one, target), target)
        for one in given
    )


def _is_of_a_row(name: str, function: Function) -> bool:
    match = _GIVES_A_ROW.fullmatch(name)
    return match is not None and is_model(function.module.source, match[1])


def queries(call: ast.Call, function: Function) -> bool:
    """Whether a call asks the database, at once and synchronously."""
    name = name_of(call, function)
    base, _, method = name.rpartition(".")
    if name in known.SHORTCUTS:
        return True
    if method in known.SYNC_ORM and (
        asked_of(function, base) is not None
        or (base.partition(".")[0] == "self" and _of_manager(base, function))
    ):
        return True
    held = call.func.value if isinstance(call.func, ast.Attribute) else None
    of_row = getattr(call.func, "attr", "") in _OF_ROWS
    if of_row and held is not None and is_row(held, function):
        return True
    if method in _OF_ROWS and base.endswith("()"):
        return is_model(function.module.source, base[:-2]) or ".objects.aget()" in base
    if (
        name in ("builtins.list", "builtins.len", "builtins.sorted", "builtins.bool")
        and call.args
    ):
        inner = function.module.resolve(call.args[0], function) or ""
        return (
            ".objects" in inner
            and is_model(function.module.source, inner.split(".objects")[0])
            and not isinstance(call.args[0], ast.Await)
        )
    return False


def _of_manager(base: str, function: Function) -> bool:
    """Whether a path in a manager is a query: ``self``, ``self.filter()``, …"""
    rest = base.split(".")[1:]
    return is_manager(function.owner) and all(
        one.removesuffix("()") in known.INSTANCES | {"get_queryset", "values"}
        for one in rest
    )


def property_of(node: ast.AST, function: Function) -> Function | None:
    """The property that is read: the consumer's own, or that of a manager."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
        return None
    source, found = function.module.source, None
    base = function.module.resolve(node.value, function) or ""
    if base == "self" and function.owner is not None:
        found = function.owner.method(node.attr)
    elif (asked := asked_of(function, base)) is not None and not asked[2]:
        manager = manager_of(source, *asked[:2])
        found = manager.method(node.attr) if manager is not None else None
    kinds = found.decorators() if found is not None else []
    return found if any("property" in one for one in kinds) else None

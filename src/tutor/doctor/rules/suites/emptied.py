"""Texts in a test that are empty, at least once: written so, or one of a list."""

from __future__ import annotations

import ast

from tutor.doctor.source import Function
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.walking import walk

PARAMETRIZE = "pytest.mark.parametrize"


def may_be_empty(function: Function, node: ast.expr) -> bool:
    """Whether what a test sends is certainly empty, for one of its values."""
    if isinstance(node, ast.Constant):
        return not node.value
    if isinstance(node, ast.Call) and not (node.args or node.keywords):
        made = function.module.resolve(node.func, function)
        return made in ("builtins.str", "builtins.bytes")
    if not isinstance(node, ast.Name):
        return False
    listed = [*_looped(function, node.id), *_parametrized(function, node.id)]
    for one in listed if not _is_asked(function, node.id) else ():
        _, values = unfold(Frame(function), one)
        held = getattr(values, "elts", [])
        if any(
            isinstance(value, ast.Constant) and value.value in ("", b"", None)
            for value in held
        ):
            return True
    given = function.values.get(node.id, [])
    return not listed and len(given) == 1 and may_be_empty(function, given[0])


def _is_asked(function: Function, name: str) -> bool:
    """Whether something depends on what a name is."""
    return any(
        isinstance(inner, ast.Name) and inner.id == name
        for node in walk(function.node)
        if isinstance(node, (ast.If, ast.IfExp))
        for inner in walk(node.test)
    )


def _looped(function: Function, name: str) -> list[ast.expr]:
    """What a name goes through: ``for text in ("", "x"):``."""
    found: list[ast.expr] = []
    for node in walk(function.node):
        if not isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            continue
        if isinstance(node.target, ast.Name) and node.target.id == name:
            found.append(node.iter)
        elif isinstance(node.target, ast.Tuple):
            parts = [getattr(one, "id", "") for one in node.target.elts]
            if name in parts:
                found += _column(function, node.iter, parts.index(name))
    return found


def _column(function: Function, rows: ast.expr, number: int) -> list[ast.expr]:
    """What one of several names goes through: ``for code, text in bad.items()``."""
    frame = Frame(function)
    if isinstance(rows, ast.Call) and isinstance(rows.func, ast.Attribute):
        held = rows.func.value
        made = function.values.get(getattr(held, "id", ""), [])
        table = made[0] if len(made) == 1 else unfold(frame, held)[1]
        if rows.func.attr != "items" or not isinstance(table, ast.Dict):
            return []
        keys = [one for one in table.keys if one is not None]
        return [ast.Tuple(table.values if number else keys, ast.Load())]
    parts = [
        getattr(one, "elts", []) for one in getattr(unfold(frame, rows)[1], "elts", [])
    ]
    if any(len(one) <= number for one in parts):
        return []
    return [ast.Tuple([one[number] for one in parts], ast.Load())]


def _parametrized(function: Function, name: str) -> list[ast.expr]:
    """What pytest gives an argument of a test."""
    return [
        call.args[1]
        for call in function.node.decorator_list
        if isinstance(call, ast.Call)
        and len(call.args) > 1
        and function.module.resolve(call.func) == PARAMETRIZE
        and isinstance(call.args[0], ast.Constant)
        and call.args[0].value == name
    ]

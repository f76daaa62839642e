"""Calls that a comprehension makes, and whose results nobody takes out of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.source import Function
from tutor.doctor.source.walking import own_nodes, walk

# They take each result, and await none.
_TAKES = ("list", "tuple", "set", "any", "all", "deque", "len", "bool", "sum")


def listed(function: Function) -> Iterator[ast.Call]:
    """``[group_discard(one, …) for one in groups]`` as a statement of its own."""
    read = {
        node.id
        for node in walk(function.node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    for node in own_nodes(function.node):
        unread = isinstance(node, ast.Assign) and all(
            isinstance(one, ast.Name) and one.id not in read for one in node.targets
        )
        value: ast.AST | None = None
        if isinstance(node, ast.Expr | ast.Assign):
            value = node.value if unread or isinstance(node, ast.Expr) else None
        while (
            isinstance(value, ast.Call)
            and (getattr(value.func, "id", "") or getattr(value.func, "attr", ""))
            in _TAKES
            and value.args
        ):
            value = value.args[0]
        made = isinstance(value, ast.ListComp | ast.SetComp | ast.GeneratorExp)
        element = getattr(value, "elt", None) if made else None
        if isinstance(element, ast.Call):
            yield element

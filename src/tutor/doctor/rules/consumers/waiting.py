"""Calls whose coroutine nobody awaits: what is done with it instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.source import Function
from tutor.doctor.source.walking import child_nodes, own_nodes

_HOLDS = (ast.List, ast.Tuple, ast.Set, ast.ListComp, ast.SetComp, ast.GeneratorExp)
_USES = (
    *(ast.Compare, ast.Subscript, ast.Attribute, ast.FormattedValue, ast.BinOp),
    *(ast.BoolOp, ast.UnaryOp, ast.Assert, ast.If, ast.While),
)
# What looks into a value at once; other functions may await what they are given.
_LOOKS = {"str", "int", "float", "len", "print", "bool", "list", "dict", "loads"}


def unawaited(function: Function) -> Iterator[tuple[ast.Call, bool]]:
    """The calls that are used as if they had their answer, or not at all.

    With each: whether it stands where a coroutine never does any good.  A call that
    is kept under a name may be awaited later.
    """
    above: dict[ast.AST, ast.AST] = {}
    nodes = [*own_nodes(function.node)]
    for node in (function.node, *nodes):
        above.update(dict.fromkeys(child_nodes(node), node))
    for node in nodes:
        if isinstance(node, ast.Call):
            around = above[node]
            if isinstance(around, ast.Assign):
                yield node, False
            elif (
                isinstance(around, ast.Expr)
                or (_uses(node, around) and not isinstance(above[around], ast.Await))
                or (isinstance(around, _HOLDS) and _kept(above, around, nodes))
            ):
                yield node, True


def _uses(node: ast.expr, around: ast.AST) -> bool:
    """Whether something looks into the value of an expression."""
    if isinstance(around, ast.Call):
        name = getattr(around.func, "attr", getattr(around.func, "id", ""))
        return node in around.args and (name in _LOOKS or name.startswith("assert"))
    if isinstance(around, ast.IfExp):
        return node is around.test
    return isinstance(around, _USES)


def _kept(above: dict[ast.AST, ast.AST], node: ast.AST, nodes: list[ast.AST]) -> bool:
    """Whether a list of coroutines gets a name, and is only looked into later."""
    around = above[node]
    if not isinstance(around, ast.Assign):
        return isinstance(node, ast.expr) and _uses(node, around)
    names = {one.id for one in around.targets if isinstance(one, ast.Name)}
    used = [
        one
        for one in nodes
        if isinstance(one, ast.Name)
        and one.id in names
        and isinstance(one.ctx, ast.Load)
    ]
    return bool(used) and all(
        _uses(one, above[one]) and not _awaited(above, one) for one in used
    )


def _awaited(above: dict[ast.AST, ast.AST], node: ast.AST) -> bool:
    """Whether an expression is a part of one that is awaited."""
    while node in above and isinstance(node, ast.expr):
        if isinstance(node, ast.Await):
            return True
        node = above[node]
    return False

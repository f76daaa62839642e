"""Rows that a consumer keeps: fetched in one method, and used in another."""

from __future__ import annotations

import ast
from collections.abc import Callable

from tutor.doctor.evidence import Evidence
from tutor.doctor.source import Class, Function
from tutor.doctor.source.known import TO_THREAD
from tutor.doctor.source.walking import walk

Links = Callable[[Evidence, Function, ast.expr], set[str]]


def links(seen: Evidence, function: Function, row: ast.expr, of: Links) -> set[str]:
    """What a row in an attribute of ``self`` leads to, and was not fetched with it.

    Args:
        seen: the evidence.
        function: where the row is used.
        row: an expression that may be such an attribute.
        of: says the same of the expression that fetches the row.
    """
    owner = function.owner
    if owner is None or not isinstance(row, ast.Attribute):
        return set()
    if getattr(row.value, "id", None) != function.self_name:
        return set()
    given = [
        (where, value)
        for where, value in owner.assigned(row.attr)
        if not (isinstance(value, ast.Constant) and value.value is None)
    ]
    if not given:
        return set()
    found = set.intersection(*(of(seen, where, value) for where, value in given))
    return {name for name in found if not _in_a_thread(owner, row.attr, name)}


def _in_a_thread(owner: Class, row: str, name: str) -> bool:
    """Whether a method that runs in a thread touches it: then the row has it."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == name
        and getattr(node.value, "attr", "") == row
        for one in owner.line_of_ancestors
        for method in one.methods.values()
        if TO_THREAD & set(method.decorators())
        for node in walk(method.node)
    )

"""Rows that async code hands to a plain function, which asks for more of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import Frame, bind
from tutor.doctor.source.walking import own_nodes


def touched(
    call: ast.Call, function: Function, rows: Mapping[str, set[str]]
) -> Iterator[str]:
    """What a call's function touches of a row, that was not fetched with it.

    Args:
        call: a call that runs where it stands.
        function: where it stands.
        rows: the names of rows, each with what it leads to.
    """
    target = calls.target_of(call, function)
    if target is None or target.is_async or target.node.decorator_list:
        return
    given = bind(target, call, call.args, Frame(function, function.owner))
    for node in own_nodes(target.node):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        held = given.get(getattr(node.value, "id", ""))
        row = getattr(held[1], "id", "") if held is not None else ""
        if node.attr in rows.get(row, ()):
            yield node.attr
            return

"""The exceptions that a test awaits."""

from __future__ import annotations

import ast

from tutor.doctor.source import Function
from tutor.doctor.source.walking import walk


def raising(function: Function, kinds: tuple[str, ...]) -> list[tuple[int, int]]:
    """The lines in which an exception of some kind is awaited."""
    found = []
    for node in walk(function.node):
        types: list[ast.expr | None] = []
        if isinstance(node, ast.Try):
            types = [one.type for one in node.handlers]
            lines = node.lineno, node.body[-1].end_lineno or node.lineno
        elif isinstance(node, ast.With | ast.AsyncWith):
            lines = node.lineno, node.end_lineno or node.lineno
            for item in node.items:
                call = item.context_expr
                if isinstance(call, ast.Call):
                    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
                    if name in ("assertRaises", "raises", "suppress"):
                        types += call.args
        names = {
            (function.module.resolve(part, function) or "").rpartition(".")[2]
            for one in types
            for part in getattr(one, "elts", [one])
        }
        if names & set(kinds):
            found.append(lines)
    return found

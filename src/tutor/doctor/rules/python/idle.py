"""A program whose main function nobody calls."""

from __future__ import annotations

import ast

from tutor.doctor.evidence import Evidence


def never_called(seen: Evidence, file: str | None) -> int | None:
    """The line at which a file should start what it defines, and does not.

    ``if __name__ == 'main':`` is never true; ``main`` without brackets calls nothing.
    """
    module = seen.source.by_file(file or "")
    functions: list[ast.FunctionDef] = []
    line = None
    for node in module.tree.body if module is not None else ():
        if isinstance(node, ast.FunctionDef):
            functions.append(node)
        if isinstance(node, ast.If) and not _may_be_true(node.test):
            line = node.lineno
        elif any(isinstance(one, ast.Call) for one in _run(node)):
            return None
        elif isinstance(node, ast.If):
            line = node.body[0].lineno
    return (line or functions[-1].lineno) if functions else None


def _may_be_true(test: ast.expr) -> bool:
    """Whether it is not the name of the module, compared with what it never is."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return True
    sides = [test.left, *test.comparators]
    values = [one.value for one in sides if isinstance(one, ast.Constant)]
    named = [one.id for one in sides if isinstance(one, ast.Name)]
    plain = named == ["__name__"] and isinstance(test.ops[0], ast.Eq)
    return not plain or values == ["__main__"]


def _run(node: ast.stmt) -> list[ast.AST]:
    """What a statement runs by itself: no function's body."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
        return []
    return [*ast.walk(node)]

"""What the statements of a module define: classes, functions and names."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.source import walking
from tutor.doctor.source.syntax import Class, Def, Function, Module
from tutor.doctor.source.walking import child_nodes


class Definitions(ast.NodeVisitor):
    """Enter the classes and functions of a module into the index."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.owner: Class | None = None
        self.outer: Function | None = None

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        made = Class(node.name, node, self.module)
        self.module.source.classes.setdefault(made.dotted, made)
        for statement in node.body:
            if isinstance(statement, ast.Assign):
                for target in statement.targets:
                    if isinstance(target, ast.Name):
                        made.attributes[target.id] = statement.value
            elif (
                isinstance(statement, ast.AnnAssign)
                and statement.value is not None
                and isinstance(statement.target, ast.Name)
            ):
                made.attributes[statement.target.id] = statement.value
        before, self.owner = self.owner, made
        outer, self.outer = self.outer, None
        self.generic_visit(node)
        self.owner, self.outer = before, outer

    def _function(self, node: Def) -> None:
        made = Function(node.name, node, self.module, self.owner, outer=self.outer)
        if self.outer is not None:
            made.owner = self.outer.owner
            made.names.update(self.outer.names)
            made.values.update(self.outer.values)
        for statement in statements(node):
            bind(statement, self.module, made.names, made.values, {})
        if self.outer is None:
            if self.owner is not None:
                self.owner.methods[node.name] = made
            self.module.source.functions[made.dotted] = made
        else:
            self.module.source.functions[
                f"{self.outer.dotted}.<locals>.{node.name}"
            ] = made
        before, self.outer = self.outer, made
        self.generic_visit(node)
        self.outer = before

    visit_FunctionDef = _function
    visit_AsyncFunctionDef = _function


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements of a body and of its branches, but of no inner definition."""
    for child in child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield child
            continue
        yield child
        if not isinstance(child, (ast.expr, ast.Lambda)):
            yield from statements(child)


def bind(
    node: ast.AST,
    module: Module,
    names: dict[str, str],
    values: dict[str, list[ast.expr]],
    lines: dict[str, int],
) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            names[bound] = alias.name if alias.asname else bound
            lines[bound] = node.lineno
    elif isinstance(node, ast.ImportFrom):
        base = base_of(node, module)
        for alias in node.names:
            if alias.name == "*":
                module.stars.append(base)
            else:
                names[alias.asname or alias.name] = f"{base}.{alias.name}"
                lines[alias.asname or alias.name] = node.lineno
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        lines[node.name] = node.lineno
    elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and node.value is not None:
                values.setdefault(target.id, []).append(node.value)
                if isinstance(node, ast.AugAssign):
                    module.changed.setdefault(target.id, node.lineno)
                else:
                    lines[target.id] = node.lineno
            elif isinstance(target, ast.Tuple | ast.List):  # one, two = make(), make()
                for name, value in walking.paired(target, node.value):
                    if isinstance(name, ast.Name):
                        values.setdefault(name.id, []).append(value)
                        lines[name.id] = node.lineno
    elif isinstance(node, ast.With | ast.AsyncWith):
        for item in node.items:
            if isinstance(item.optional_vars, ast.Name):
                values.setdefault(item.optional_vars.id, []).append(item.context_expr)


def base_of(node: ast.ImportFrom, module: Module) -> str:
    """The module that ``from … import`` asks, by its whole name."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    keep = len(parts) - node.level + (1 if module.is_package else 0)
    return ".".join([*parts[: max(keep, 0)], *([node.module] if node.module else [])])

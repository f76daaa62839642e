"""The names of a module: defined twice, imported once, given a value in vain."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TypeGuard

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.source import Function, Module
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import own_nodes, walk

RANK = 57
OF_TESTS = 80


def rules(seen: Evidence) -> Iterator[Found]:
    for module in seen.source.modules.values():
        if "migrations" in module.file.split("/"):
            continue
        yield from _twice(module)
        yield from _keys(module)
        yield from _imported_once(seen, module)
        if not is_aside(module.file):
            yield from _no_global(seen, module)


def rank(module: Module) -> int:
    return OF_TESTS if is_aside(module.file) else RANK


def _twice(module: Module) -> Iterator[Found]:
    """The same name in one body: the last one counts, and nobody calls the first."""
    bodies = [module.tree.body]
    bodies += [n.body for n in walk(module.tree) if isinstance(n, ast.ClassDef)]
    for body in bodies:
        first: dict[str, ast.stmt] = {}
        for node in body:
            if not isinstance(node, _DEFINED) or node.name == "_":
                continue
            before = first.setdefault(node.name, node)
            if before is node or _decorated(before) or _decorated(node):
                continue
            names = {n.id for n in walk(module.tree) if isinstance(n, ast.Name)}
            if body is module.tree.body and node.name in names - {node.name}:
                continue
            yield Found(
                "python-defined-twice",
                f"{node.name} of line {before.lineno} is not there any more",
                (module.file, node.lineno),
                rank(module),
                TRIED,
                "one definition of each name",
            )


def _keys(module: Module) -> Iterator[Found]:
    """``{"websocket": one, "websocket": other}``: the last one counts."""
    for node in walk(module.tree):
        held: dict[str, ast.expr] = {}
        pairs = zip(node.keys, node.values, strict=True) if _is_dict(node) else ()
        for key, value in pairs:
            name = getattr(key, "value", None)
            if not isinstance(key, ast.Constant) or not isinstance(name, str):
                continue
            before = held.setdefault(name, value)
            if ast.dump(before) == ast.dump(value):
                continue
            yield Found(
                "python-defined-twice",
                f"{name!r} of line {before.lineno} is not there any more",
                (module.file, key.lineno),
                rank(module),
                TRIED,
                "one value for each key",
            )


def _is_dict(node: ast.AST) -> TypeGuard[ast.Dict]:
    return isinstance(node, ast.Dict)


_DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _decorated(node: ast.stmt) -> bool:
    return bool(getattr(node, "decorator_list", ()))


def _globals(module: Module) -> set[str]:
    """The names of a module that some function of it gives new values."""
    return {
        name
        for function in _functions(module)
        for node in own_nodes(function.node)
        if isinstance(node, ast.Global)
        for name in node.names
    }


def _functions(module: Module) -> list[Function]:
    return [f for f in module.source.functions.values() if f.module is module]


def _imported_once(seen: Evidence, module: Module) -> Iterator[Found]:
    """``from readings import last``: a number that stays what it was then."""
    for node in module.tree.body:
        if not isinstance(node, ast.ImportFrom):
            continue
        for alias in node.names:
            name = alias.asname or alias.name
            base = module.names.get(name, "").rpartition(".")[0]
            source = seen.source.modules.get(base)
            if source is None or alias.name not in source.values:
                continue
            if alias.name in _globals(source) and _is_read(module, name):
                yield Found(
                    "python-name-imported-once",
                    f"{name} stays what it was when {module.name} was imported",
                    (module.file, node.lineno),
                    rank(module),
                    TRIED,
                    f"import {base}, and {base.rpartition('.')[2]}.{alias.name}",
                )
                return


def _is_read(module: Module, name: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name and _loads(node)
        for function in _functions(module)
        if name not in function.values
        for node in walk(function.node)
    )


def _loads(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _no_global(seen: Evidence, module: Module) -> Iterator[Found]:
    """A function gives a value to a name of its module, and has one of its own then."""
    changed = _globals(module)
    for function in _functions(module):
        own = {one.arg for one in walk(function.node) if isinstance(one, ast.arg)}
        plain = {name for name, _ in _given(function, ast.Assign, ast.AnnAssign)}
        added = dict(_given(function, ast.AugAssign))
        for name, node in [*added.items(), *_given(function, ast.Assign)]:
            first = module.values.get(name, [])
            if name in own | changed or not first or function.owner is not None:
                continue
            lost = name in added and name not in plain
            kept = len(first) == 1 and _is_nothing(first[0])
            if lost or (kept and _is_needed(seen, function, name)):
                yield Found(
                    "python-global-missing",
                    f"UnboundLocalError: {name}"
                    if lost
                    else f"{name} of the module stays {ast.unparse(first[0])}",
                    (module.file, node.lineno),
                    RANK,
                    TRIED,
                    f"global {name}",
                )
                return


def _given(
    function: Function, *kinds: type[ast.stmt]
) -> Iterable[tuple[str, ast.stmt]]:
    """The names that a function's own statements of some kinds give a value."""
    if any(isinstance(n, ast.Global | ast.Nonlocal) for n in own_nodes(function.node)):
        return
    if ".<locals>." in function.dotted:
        return
    for node in own_nodes(function.node):
        if not isinstance(node, kinds):
            continue
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name):
                yield target.id, node


def _is_nothing(node: ast.expr) -> bool:
    """Whether a value only stands there until there is a better one."""
    return isinstance(node, ast.Constant) and not node.value


def _is_needed(seen: Evidence, function: Function, name: str) -> bool:
    """Whether the module's own name is read by anybody else."""
    module = function.module
    if any(
        isinstance(node, ast.Name) and node.id == name and _loads(node)
        for other in _functions(module)
        if other is not function and name not in other.values
        for node in walk(other.node)
    ):
        return True
    dotted, stored, read = f"{module.name}.{name}", False, False
    for other in seen.source.modules.values():
        for node in walk(other.tree):
            if not isinstance(node, ast.Attribute) or node.attr != name:
                continue
            if other.resolve(node.value) == module.name:
                stored |= not isinstance(node.ctx, ast.Load)
                read |= isinstance(node.ctx, ast.Load)
        read |= dotted in other.names.values()
    return read and not stored

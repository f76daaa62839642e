"""A table of the settings that another settings file changes in place."""

from __future__ import annotations

import ast
from collections.abc import Collection

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place
from tutor.doctor.source.walking import walk

_CHANGES = ("update", "setdefault", "pop", "clear", "popitem")


def place(seen: Evidence, name: str, keys: Collection[str]) -> Place:
    """Where a table was given one of some keys at last, or where it is written.

    ``CHANNEL_LAYERS["default"]["BACKEND"] = …`` stands below ``from .base import *``.

    Args:
        seen: the evidence.
        name: the setting.
        keys: the keys that have to do with what is wrong.
    """
    module = seen.settings.get("module") or seen.settings_name
    return _changed(seen, module, name, {*keys}, set()) or seen.setting(name)


def _changed(
    seen: Evidence, where: str, name: str, keys: set[str], done: set[str]
) -> Place | None:
    module = seen.source.modules.get(where)
    if module is None or where in done:
        return None
    done.add(where)
    begun = module.lines.get(name, 0)
    lines = [
        node.lineno
        for node in walk(module.tree)
        if isinstance(node, ast.stmt)
        and node.lineno > begun
        and _changes(node, name)
        and (_fills(node) or keys & _words(node))
    ]
    if lines:
        return module.file, max(lines)
    if name in module.values:
        return None
    base = module.names.get(name, "").rpartition(".")[0]
    for below in (base, *reversed(module.stars)):
        found = _changed(seen, below, name, keys, done)
        if found is not None:
            return found
        written = seen.source.modules.get(below)
        if written is not None and name in written.values:
            return None
    return None


def _changes(node: ast.stmt, name: str) -> bool:
    """Whether a statement changes something in a table."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        targets = node.targets
    elif isinstance(node, ast.AugAssign):
        targets = [node.target]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        if isinstance(called, ast.Attribute) and called.attr in _CHANGES:
            return _root(called.value) == name
    return any(
        _root(one) == name for one in targets if isinstance(one, ast.Subscript)
    ) or (isinstance(node, ast.AugAssign) and _root(node.target) == name)


def _fills(node: ast.stmt) -> bool:
    """Whether a statement gives a whole entry: ``NAME["default"] = …``."""
    return isinstance(node, ast.Assign) and any(
        isinstance(one, ast.Subscript) and isinstance(one.value, ast.Name)
        for one in node.targets
    )


def _root(node: ast.expr) -> str:
    """The name at the beginning of ``name["a"]["b"]``."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return getattr(node, "id", "")


def _words(node: ast.stmt) -> set[str]:
    """The keys that a statement names, as texts or as names of arguments."""
    found = {str(one.value) for one in walk(node) if isinstance(one, ast.Constant)}
    return found | {str(one.arg) for one in walk(node) if isinstance(one, ast.keyword)}

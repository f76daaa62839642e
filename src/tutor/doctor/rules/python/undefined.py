"""Names that nothing defines, in code that nobody has run yet."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.source import Module
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import kept, walk

RANK, OF_TESTS = 62, 80
_THERE = {
    *dir(builtins),
    *("__file__", "__path__", "__class__", "__module__", "__qualname__"),
    *("__annotations__", "__builtins__", "__conditional_annotations__"),
    *("unicode", "basestring", "xrange", "long", "raw_input", "WindowsError"),
    "frozendict",
}


def rules(seen: Evidence) -> Iterator[Found]:
    for module in seen.source.modules.values():
        names = _lost(module) if not module.stars else {}
        for name, line in sorted(names.items(), key=lambda one: one[1])[:1]:
            yield Found(
                "python-name-not-defined",
                f"NameError: name {name!r} is not defined",
                (module.file, line),
                OF_TESTS if is_aside(module.file) else RANK,
                TRIED,
                "a name that is imported or assigned in this file",
            )


def _lost(module: Module) -> dict[str, int]:
    """The names that only a run of their line would miss, and where they stand."""
    if "except NameError" in module.text or "globals()" in module.text:
        return {}
    # Kept with the tree, which is made of the same text.
    lost = kept(module.tree, "_undefined", lambda _: _undefined(module))
    return _places(module, {*lost}) if lost else {}


def _undefined(module: Module) -> set[str]:
    """The names that are asked for in some scope, and made in none."""
    try:
        top = symtable.symtable(module.text, module.file, "exec")
    except (SyntaxError, ValueError, RecursionError):
        return set()
    known, asked = set(_THERE), set[str]()
    for table in _tables(top):
        for symbol in table.get_symbols():
            made = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
            if made and (table is top or symbol.is_declared_global()):
                known.add(symbol.get_name())
            if symbol.is_referenced() and (table is top or symbol.is_global()):
                asked.add(symbol.get_name())
    return asked - known


def _tables(top: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield top
    for inner in top.get_children():
        yield from _tables(inner)


def _places(module: Module, lost: set[str]) -> dict[str, int]:
    """Where such names stand first, but for what only checkers of types read."""
    notes = {
        id(part)
        for node in walk(module.tree)
        for note in (
            getattr(node, "annotation", None),
            getattr(node, "returns", None),
        )
        if isinstance(note, ast.AST)
        for part in walk(note)
    }
    found: dict[str, int] = {}
    for node in walk(module.tree):
        if (
            isinstance(node, ast.Name)
            and node.id in lost
            and isinstance(node.ctx, ast.Load)
            and id(node) not in notes
        ):
            found[node.id] = min(node.lineno, found.get(node.id, node.lineno))
    return found

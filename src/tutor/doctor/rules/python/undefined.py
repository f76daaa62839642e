"""Names that nothing defines, in code that nobody has run yet."""

from __future__ import annotations

import ast
import builtins
import difflib
import symtable
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.source import Function, Module
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import kept, own_nodes, walk

RANK, OF_TESTS = 62, 80
_THERE = {
    *dir(builtins),
    *("__file__", "__path__", "__class__", "__module__", "__qualname__"),
    *("__annotations__", "__builtins__", "__conditional_annotations__"),
    *("unicode", "basestring", "xrange", "long", "raw_input", "WindowsError"),
    "frozendict",
}

_LIBRARIES = {"django", "channels", "asgiref", "asyncio", "json", "random", "time"}
_LIBRARIES |= {"uuid", "datetime", "logging", "os", "re", "secrets", "math"}


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.functions.values():
        yield from _of_libraries(function)
        yield from _awaits(function)
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


def _of_libraries(function: Function) -> Iterator[Found]:
    """``transaction.on_comit``: a name that a library's module has nearly so."""
    nodes = list(walk(function.node))
    own = {node.arg for node in nodes if isinstance(node, ast.arg)}
    for node in nodes:
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        name = node.value.id
        path = function.module.names.get(name, "")
        known = _names_of(path) if path.partition(".")[0] in _LIBRARIES else ()
        if not known or node.attr in known or name in own or name in function.values:
            continue
        near = difflib.get_close_matches(node.attr, known, 1, 0.8)
        if near and isinstance(node.ctx, ast.Load):
            yield Found(
                "python-attribute-misspelled",
                f"AttributeError: module {path!r} has no attribute {node.attr!r}",
                (function.module.file, node.lineno),
                OF_TESTS if is_aside(function.module.file) else RANK,
                TRIED,
                repr(near[0]),
            )
            return


def _awaits(function: Function) -> Iterator[Found]:
    """``await`` in a plain function, of a file that the server never reads."""
    for node in own_nodes(function.node) if not function.is_async else ():
        if isinstance(node, ast.Await | ast.AsyncWith):
            yield Found(
                "consumer-await-outside-async",
                "SyntaxError: 'await' outside async function",
                (function.module.file, node.lineno),
                OF_TESTS if is_aside(function.module.file) else RANK,
                TRIED,
                f"async def {function.name}",
            )
            return


@cache
def _names_of(path: str) -> frozenset[str]:
    """The names in a library's module; none where that is unknown, or makes some up."""
    found = sys.modules.get(path)
    if found is None and path.startswith(("django.", "channels.", "asgiref.")):
        with suppress(Exception):  # it may be one of another version's
            found = import_module(path)
    if found is None or hasattr(found, "__getattr__"):
        return frozenset()
    return frozenset(dir(found))


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

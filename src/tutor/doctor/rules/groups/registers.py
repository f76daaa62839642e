"""Dictionaries of a module in which consumers are entered, and never struck out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function
from tutor.doctor.source.flow import bound_at
from tutor.doctor.source.walking import walk

RANK = 66
_MADE = ("dict", "defaultdict", "OrderedDict")
_LESS = ("pop", "popitem", "clear")
_INNER = ("remove", "discard")  # of what a key leads to, such as a set
_MORE = ("add", "append")

Key = tuple[str, str]  # the module, and the name in it


def rules(seen: Evidence) -> Iterator[Found]:
    """``here[self.channel_name] = self``, and nothing that takes it out."""
    entered: dict[Key, tuple[Function, ast.AST]] = {}
    left: set[Key] = set()
    for function in seen.source.all_functions():
        for node in walk(function.node):
            if (key := _enters(node, function)) is not None:
                entered.setdefault(key, (function, node))
            left |= {*_leaves(node, function)}
    for key, (function, node) in entered.items():
        if key not in left:
            yield Found(
                "load-consumers-never-forgotten",
                f"{key[1]} keeps every consumer that ever was",
                at(function, node),
                RANK,
                TRIED,
                "what enters, leaves",
            )


def _enters(node: ast.AST, function: Function) -> Key | None:
    """The dictionary in which a consumer enters itself, if one does here."""
    if function.owner is None or not function.owner.kind:
        return None
    if isinstance(node, ast.Assign):
        targets = [one for one in node.targets if isinstance(one, ast.Subscript)]
        if not _is_self(node.value, function):
            targets = [one for one in targets if _is_own(one.slice, function)]
        return next((k for t in targets if (k := _named(function, t.value))), None)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if not any(_is_self(given, function) for given in node.args):
        return None
    held = node.func.value
    if node.func.attr == "setdefault":
        return _named(function, held)
    # here[room].add(self), here.setdefault(room, set()).add(self)
    inner = held.func if isinstance(held, ast.Call) else held
    if node.func.attr in _MORE and isinstance(inner, ast.Subscript | ast.Attribute):
        return _named(function, inner.value)
    return None


def _leaves(node: ast.AST, function: Function) -> Iterator[Key]:
    """The dictionaries out of which something is taken here, or may be."""
    if isinstance(node, ast.Delete):
        held = [one.value for one in node.targets if isinstance(one, ast.Subscript)]
    elif isinstance(node, ast.Attribute) and node.attr in _LESS:
        held = [node.value]
    elif isinstance(node, ast.Attribute) and node.attr in _INNER:
        # Whatever it is taken out of: here[room], here.get(room), a name for it.
        held = [part for part in walk(function.node) if isinstance(part, ast.expr)]
    elif isinstance(node, ast.Global):
        names = [ast.Name(name, ast.Load()) for name in node.names]
        held = [ast.copy_location(one, function.node) for one in names]
    else:
        return
    for one in held:
        if (key := _named(function, one)) is not None:
            yield key


def _is_self(node: ast.AST, function: Function) -> bool:
    return isinstance(node, ast.Name) and node.id == function.self_name


def _is_own(node: ast.AST, function: Function) -> bool:
    """Whether an expression is the consumer's channel, which no other one has."""
    own = isinstance(node, ast.Attribute) and _is_self(node.value, function)
    return own and getattr(node, "attr", "") == "channel_name"


def _named(function: Function, node: ast.expr) -> Key | None:
    """The dictionary of a module that an expression names."""
    if not isinstance(node, ast.Name | ast.Attribute):
        return None
    found = bound_at(function, node)
    if found is None:
        name = getattr(node, "id", "")
        if name in function.values or name not in function.module.values:
            return None
        found = function.module, name
    module, name = found
    made = module.values.get(name, [])
    return (module.name, name) if made and all(map(_is_dictionary, made)) else None


def _is_dictionary(node: ast.expr) -> bool:
    """Whether it begins as a dictionary that holds what is in it: no weak one."""
    if isinstance(node, ast.Call):
        func = node.func
        return getattr(func, "attr", getattr(func, "id", "")) in _MADE
    return isinstance(node, ast.Dict)

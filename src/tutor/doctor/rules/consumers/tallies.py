"""A count that is to be a limit, and only ever grows."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function, Module
from tutor.doctor.source.flow import bound_at
from tutor.doctor.source.walking import walk

RANK = 66
_MADE = {"Counter", "defaultdict", "dict"}
_LESS = {"subtract", "pop", "popitem", "clear", "update"}


def rules(seen: Evidence) -> Iterator[Found]:
    """``here[user] += 1`` for each socket, and nothing that takes it back."""
    for owner in seen.source.consumers():
        yield from _for_itself(owner)
    more: dict[tuple[str, str], tuple[Function, ast.AST]] = {}
    less: set[tuple[str, str]] = set()
    limits: set[tuple[str, str]] = set()
    for function in seen.source.all_functions():
        for node in walk(function.node):
            if isinstance(node, ast.AugAssign):
                key = _key(function, node.target)
                if key and isinstance(node.op, ast.Add) and _is_socket(function):
                    more.setdefault(key, (function, node))
                elif key:
                    less.add(key)
            elif isinstance(node, ast.Assign | ast.Delete):
                less |= {key for t in node.targets if (key := _key(function, t))}
            elif isinstance(node, ast.Attribute) and node.attr in _LESS:
                if named := _named(function, node.value):
                    less.add(named)
            elif isinstance(node, ast.Compare) and isinstance(
                node.ops[0], ast.Gt | ast.GtE | ast.Lt | ast.LtE
            ):
                sides = [node.left, *node.comparators]
                limits |= {key for one in sides if (key := _key(function, one))}
    for key, (function, node) in more.items():
        if key in limits and key not in less:
            yield Found(
                "load-consumers-never-forgotten",
                f"{key[1]} counts every socket that ever was",
                at(function, node),
                RANK,
                TRIED,
                "who is counted, is taken off when they leave",
            )


_COMES_AND_GOES = ("connect", "websocket_connect", "disconnect", "websocket_disconnect")


def _for_itself(owner: Class) -> Iterator[Found]:
    """``self.online += 1`` where a client comes, of a number on the class.

    It makes a number of the one consumer's own, which is 1 for each of them.
    """
    for name, value in owner.attributes.items():
        if type(getattr(value, "value", None)) is not int:
            continue
        steps = [
            (method, node)
            for one in (*owner.line_of_ancestors, *owner.heirs)
            for method in one.methods.values()
            for node in walk(method.node)
            if isinstance(node, ast.Attribute)
            and node.attr == name
            and not isinstance(node.ctx, ast.Load)
        ]
        own = [
            (method, node)
            for method, node in steps
            if method.name in _COMES_AND_GOES
            and getattr(node.value, "id", "") == method.self_name
            and any(
                isinstance(one, ast.AugAssign) and one.target is node
                for one in method.node.body
            )
        ]
        begun = [one for one in own if _is_socket(one[0])]
        if begun and len(own) == len(steps):
            method, node = begun[0]
            yield Found(
                "consumer-counts-for-itself",
                f"1 for everyone: {owner.name}.{name} stays as it is",
                at(method, node),
                RANK,
                TRIED,
                f"{owner.name}.{name} += 1, or a number of the module's",
            )
            return


def _is_socket(function: Function) -> bool:
    begins = ("connect", "websocket_connect", "__call__")
    return bool(function.owner and function.owner.kind and function.name in begins)


def _key(function: Function, node: ast.expr) -> tuple[str, str] | None:
    return _named(function, node.value) if isinstance(node, ast.Subscript) else None


def _named(function: Function, node: ast.expr) -> tuple[str, str] | None:
    """The collection of a module that an expression names."""
    found: tuple[Module, str] | None = bound_at(function, node)
    module, name = function.module, getattr(node, "id", "")
    if found is not None:
        module, name = found
    elif isinstance(node, ast.Attribute):
        other = module.source.modules.get(module.resolve(node.value, function) or "")
        module, name = (other, node.attr) if other else (module, "")
    elif name in function.values or name not in module.values:
        return None
    made = module.values.get(name, [])
    is_one = any(
        isinstance(value, ast.Dict)
        or (isinstance(value, ast.Call) and _end(value.func) in _MADE)
        for value in made
    )
    return (module.name, name) if is_one else None


def _end(node: ast.expr) -> str:
    return str(getattr(node, "attr", getattr(node, "id", "")))

"""A method that a base leaves to its heirs, and that no heir has."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.source import Class, Function
from tutor.doctor.source.walking import walk

RANK = 62
_ERROR = "NotImplementedError"


def rules(seen: Evidence) -> Iterator[Found]:
    """``raise NotImplementedError`` is all that a consumer does with what it calls."""
    routed = {leaf.get("consumer") for leaf in seen.leaves}
    caught = any(
        isinstance(node, ast.ExceptHandler)
        and node.type is not None
        and _ERROR in ast.unparse(node.type)
        for module in seen.source.modules.values()
        for node in walk(module.tree)
    )
    for owner in seen.source.consumers():
        if owner.dotted not in routed or caught:
            continue
        for name, method in _left_open(owner):
            yield Found(
                None,
                f"{_ERROR}: {owner.name} has no {name}() of its own",
                _meant(owner, name),
                RANK,
                TRIED,
                f"{name}() in {owner.name}, for {method.owner.name} calls it"
                if method.owner
                else name,
            )
            return


def called_of_self(family: Iterable[Class]) -> set[str]:
    """The names that the methods of some classes call of themselves."""
    return {
        node.func.attr
        for one in family
        for method in one.methods.values()
        for node in walk(method.node)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and getattr(node.func.value, "id", "") == method.self_name
    }


def _left_open(owner: Class) -> Iterator[tuple[str, Function]]:
    """The methods of its bases that a consumer calls, and that only raise."""
    line = owner.line_of_ancestors
    for name in sorted(called_of_self(line)):
        known = [one.methods[name] for one in line if name in one.methods]
        if known and all(map(_only_raises, known)):
            yield name, known[0]


def _only_raises(method: Function) -> bool:
    body = [
        one
        for one in method.node.body
        if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
    ]
    raised = body[0].exc if len(body) == 1 and isinstance(body[0], ast.Raise) else None
    kind = raised.func if isinstance(raised, ast.Call) else raised
    return getattr(kind, "id", "") == _ERROR


def _meant(owner: Class, name: str) -> Place:
    """The method of a consumer that has almost this name; else its class."""
    others = {
        one
        for one in owner.methods
        if one.startswith(f"{name}_") or one.endswith(f"_{name}")
    } or {*difflib.get_close_matches(name, owner.methods, 1, 0.7)}
    for other in sorted(others):
        return at(owner.methods[other], owner.methods[other].node)
    return owner.module.file, owner.node.lineno

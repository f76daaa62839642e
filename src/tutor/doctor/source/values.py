"""The texts that an expression may be worth, wherever their parts are written."""

from __future__ import annotations

import ast
import itertools
import re

from tutor.doctor.source.calls import name_of
from tutor.doctor.source.flow import (
    DEEP,
    MOST,
    VALUE,
    Frame,
    body,
    bound_at,
    called,
    filled,
    returned,
)
from tutor.doctor.source.walking import walk

ANY = "\x00"  # stands for what only a run would tell
Values = frozenset[str]


def values(frame: Frame, node: ast.expr | None, depth: int = 0) -> Values | None:
    """The texts that an expression may be, unknown parts marked; None for unknown."""
    if node is None or depth > DEEP:
        return None
    if isinstance(node, ast.Constant):
        return frozenset([str(node.value)])
    if isinstance(node, ast.JoinedStr):
        parts = [
            values(frame, getattr(one, "value", None), depth + 1)
            if isinstance(one, ast.FormattedValue)
            else frozenset([str(getattr(one, "value", ""))])
            for one in node.values
        ]
        return _joined(parts)
    if isinstance(node, ast.BinOp):
        return _operation(frame, node, depth)
    if isinstance(node, ast.IfExp):
        return _either(frame, [node.body, node.orelse], depth)
    if isinstance(node, ast.BoolOp):
        return _either(frame, node.values, depth)
    if isinstance(node, ast.NamedExpr | ast.Await):
        return values(frame, node.value, depth + 1)
    if isinstance(node, ast.Call):
        return _of_call(frame, node, depth)
    if isinstance(node, ast.Name):
        return _of_name(frame, node, depth)
    if isinstance(node, ast.Attribute):
        return _of_attribute(frame, node, depth)
    return None


def _joined(parts: list[Values | None]) -> Values | None:
    """Every text that parts make; None where nothing of it is known."""
    each = [sorted(part) if part else [ANY] for part in parts]
    made = {"".join(one) for one in itertools.islice(itertools.product(*each), MOST)}
    return frozenset(made) if any(text.strip(ANY) for text in made) else None


def _either(frame: Frame, nodes: list[ast.expr], depth: int) -> Values | None:
    found = [values(frame, node, depth + 1) for node in nodes if not _is_empty(node)]
    if any(one is None for one in found) or (nodes and not found):
        return None
    return frozenset().union(*(one for one in found if one))


def _is_empty(node: ast.expr) -> bool:
    """Whether it is ``None``: what stands there until there is a text."""
    return isinstance(node, ast.Constant) and node.value is None


def _operation(frame: Frame, node: ast.BinOp, depth: int) -> Values | None:
    left = values(frame, node.left, depth + 1)
    if isinstance(node.op, ast.Mod) and left is not None:
        right = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        return _filled(frame, left, r"%[sdr]", list(right), depth)
    if not isinstance(node.op, ast.Add):
        return None
    return _joined([left, values(frame, node.right, depth + 1)])


def _filled(
    frame: Frame, texts: Values, hole: str, given: list[ast.expr], depth: int
) -> Values | None:
    """Texts with their holes filled, in order."""
    filled = [values(frame, one, depth + 1) for one in given]
    found: set[str] = set()
    for text in texts:
        fixed = re.split(hole, text)
        parts: list[Values | None] = [frozenset([fixed[0]])]
        for number, piece in enumerate(fixed[1:]):
            parts.append(filled[number] if number < len(filled) else None)
            parts.append(frozenset([piece]))
        made = _joined(parts)
        if made is None:
            return None
        found |= made
    return frozenset(found)


def _of_call(frame: Frame, node: ast.Call, depth: int) -> Values | None:
    name = name_of(node, frame.function)
    if name == "builtins.str" and node.args:
        return values(frame, node.args[0], depth + 1)
    target = called(frame, node)
    if target is not None:
        return _either(target, returned(target.function), depth)
    if not isinstance(node.func, ast.Attribute):
        return None
    base = values(frame, node.func.value, depth + 1)
    if node.func.attr == "format" and base is not None:
        if node.keywords:
            return frozenset(re.sub(r"\{.*?\}", ANY, text) for text in base)
        return _filled(frame, base, r"\{.*?\}", node.args, depth)
    if node.func.attr == "join" and base and len(base) == 1 and node.args:
        held = getattr(node.args[0], "elts", None)
        if held:
            parts = [values(frame, one, depth + 1) for one in held]
            between = [one for part in parts for one in (base, part)][1:]
            return _joined(list(between))
    return None


def _of_name(frame: Frame, node: ast.Name, depth: int) -> Values | None:
    if node.id in frame.given:
        site, value = frame.given[node.id]
        return values(site, value, depth + 1)
    assigned = frame.function.values.get(node.id)
    if assigned:
        return _either(frame, assigned, depth)
    for inner in walk(frame.function.node):
        if isinstance(inner, ast.NamedExpr) and inner.target.id == node.id:
            return values(frame, inner.value, depth + 1)
        if (
            isinstance(inner, (ast.For, ast.AsyncFor))
            and isinstance(inner.target, ast.Name)
            and inner.target.id == node.id
        ):
            return _elements(frame, inner.iter, depth)
        if isinstance(inner, ast.arg) and inner.arg == node.id:
            return None
    return _bound(frame, node, depth)


def _elements(frame: Frame, node: ast.expr, depth: int) -> Values | None:
    """What is in a list that is written out, here or in what returns it."""
    if depth > DEEP:
        return None
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        each = [
            _elements(frame, one.value, depth + 1)
            if isinstance(one, ast.Starred)
            else values(frame, one, depth + 1)
            for one in node.elts
            if not _is_empty(one)
        ]
        if any(one is None for one in each):
            return None
        return frozenset().union(*(one for one in each if one))
    if isinstance(node, ast.Call):
        target = called(frame, node)
        if target is not None:
            each = [
                _elements(target, one, depth + 1) for one in returned(target.function)
            ]
            if all(one is not None for one in each):
                return frozenset().union(*(one for one in each if one))
        return None
    where, found = filled(frame, node)
    return _elements(where, found, depth + 1) if found is not node else None


def _of_attribute(frame: Frame, node: ast.Attribute, depth: int) -> Values | None:
    if node.attr == "value":  # of an enumeration's member
        inner = values(frame, node.value, depth + 1)
        if inner is not None:
            return inner
    own = isinstance(node.value, ast.Name) and (
        node.value.id in (frame.function.self_name, "cls")
    )
    owner = frame.owner if own else None
    if owner is None:
        named = frame.module.resolve(node.value, frame.function) or ""
        owner = frame.module.source.classes.get(named.removesuffix("()"))
        if owner is None:
            return _bound(frame, node, depth)
    if node.attr == "value" and VALUE in frame.given:
        return values(*frame.given[VALUE], depth + 1)
    method = owner.method(node.attr)
    if method is not None and any("property" in one for one in method.decorators()):
        return _either(Frame(method, owner), returned(method), depth)
    given = owner.assigned(node.attr)
    if given:
        each = [
            values(Frame(where, owner), one, depth + 1)
            for where, one in given
            if not _is_empty(one)
        ]
        if any(one is None for one in each) or not each:
            return None
        return frozenset().union(*(one for one in each if one))
    for one in owner.line_of_ancestors:
        if node.attr in one.attributes:
            return values(Frame(body(one.module)), one.attributes[node.attr], depth + 1)
    return None


def _bound(frame: Frame, node: ast.expr, depth: int) -> Values | None:
    """What a module gives a name."""
    bound = bound_at(frame.function, node)
    if bound is None:
        return None
    module, name = bound
    return _either(Frame(body(module)), module.values[name], depth)

"""The names of groups: whether what is sent to is what is joined, and may be one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.source import Function, Module, calls

DEEP = 5
ANY = "\x00"  # stands for what only a run would tell


def given(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """An argument of a call, by its place or by its name."""
    if len(call.args) > position:
        return call.args[position]
    return next((k.value for k in call.keywords if k.arg == name), None)


def group_of(call: ast.Call) -> ast.expr | None:
    """The group that a call of the channel layer names."""
    return given(call, 0, "group")


def listed(seen: Evidence) -> Iterator[tuple[Function, ast.expr]]:
    """The groups that consumers name in their attribute ``groups``."""
    for owner in seen.source.consumers():
        given, methods = owner.attributes.get("groups"), [*owner.methods.values()]
        for node in getattr(given, "elts", [given] if given else []):
            if methods:
                yield methods[0], node


def misnamed(seen: Evidence) -> Place | None:
    """Where a group of ``groups`` has a name that no group may have."""
    for function, node in listed(seen):
        name = _pattern(function, node)
        if name and re.search(rf"[^\w.\-{ANY}]", name, re.ASCII):
            return origin(function, node)
    return None


def rules(
    seen: Evidence,
    sends: list[tuple[Function, ast.Call]],
    adds: list[tuple[Function, ast.Call]],
) -> Iterator[Found]:
    joined = {_pattern(f, group_of(c)) for f, c in adds}
    joined |= {_pattern(f, node) for f, node in listed(seen)}
    if not joined or None in joined:
        return
    for function, call in sends:
        node = group_of(call)
        name = _pattern(function, node)
        if name is None and _bare(function, node, adds):
            name = ANY
        elif name is None or any(_meet(name, str(pattern)) for pattern in joined):
            continue
        if name:
            shown = ", ".join(sorted(str(p).replace(ANY, "…") for p in joined))
            yield Found(
                "group-names-differ",
                f"nobody is in {name.replace(ANY, '…')!r}",
                at(function, call),
                66,
                TRIED,
                f"one of {shown}",
            )


def _meet(one: str, other: str) -> bool:
    """Whether two names with unknown parts can be the same."""
    for name, pattern in ((one, other), (other, one)):
        if ANY not in name:
            fits = ".*".join(map(re.escape, pattern.split(ANY)))
            return re.fullmatch(fits, name) is not None
    begins = one.partition(ANY)[0], other.partition(ANY)[0]
    ends = one.rpartition(ANY)[2], other.rpartition(ANY)[2]
    return (begins[0].startswith(begins[1]) or begins[1].startswith(begins[0])) and (
        ends[0].endswith(ends[1]) or ends[1].endswith(ends[0])
    )


def _bare(
    function: Function, node: ast.expr | None, adds: list[tuple[Function, ast.Call]]
) -> bool:
    """Whether an event goes to what the joined group's name is only made of."""
    if not isinstance(node, ast.Attribute) or function.owner is None:
        return False
    for where, call in adds:
        group = group_of(call)
        if where.owner is not function.owner or not isinstance(group, ast.Attribute):
            return False
        made = [value for _, value in function.owner.assigned(group.attr)]
        parts = {
            ast.unparse(inner)
            for value in made
            if isinstance(value, (ast.JoinedStr, ast.BinOp))
            for inner in ast.walk(value)
            if isinstance(inner, ast.Attribute)
        }
        if group.attr == node.attr or ast.unparse(node) not in parts:
            return False
    return bool(adds)


def _pattern(function: Function, node: ast.expr | None, depth: int = 0) -> str | None:
    """A group's name with its unknown parts marked; None where all is unknown."""
    if node is None or depth > DEEP:
        return None
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(v.value)
            if isinstance(v, ast.Constant)
            else _pattern(function, getattr(v, "value", None), depth + 1) or ANY
            for v in node.values
        )
    if isinstance(node, ast.BinOp):
        left = _pattern(function, node.left, depth + 1)
        if isinstance(node.op, ast.Mod) and left is not None:
            return re.sub(r"%[sdr]", ANY, left)
        right = _pattern(function, node.right, depth + 1)
        both = (left or ANY) + (right or ANY)
        return both if both.strip(ANY) else None
    made = _result(function, node)
    if made is not None:
        return _pattern(made[0], made[1], depth + 1)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        left = _pattern(function, node.func.value, depth + 1)
        return (
            re.sub(r"\{.*?\}", ANY, left)
            if left and node.func.attr == "format"
            else None
        )
    values: list[ast.expr] = []
    if isinstance(node, ast.Name) and node.id in function.values:
        values = function.values[node.id]
    elif (bound := bound_at(function, node)) is not None:
        values = bound[0].values[bound[1]]
    elif isinstance(node, ast.Attribute) and function.owner is not None:
        found = function.owner.assigned(node.attr)
        if len(found) == 1:
            return _pattern(found[0][0], found[0][1], depth + 1)
        values = [
            one.attributes[node.attr]
            for one in function.module.source.classes.values()
            if function.owner in one.line_of_ancestors
            or one in function.owner.line_of_ancestors
            if node.attr in one.attributes
        ]
    return _pattern(function, values[0], depth + 1) if len(values) == 1 else None


def _result(
    function: Function, node: ast.expr | None
) -> tuple[Function, ast.expr] | None:
    """What a call of a function of the project returns, where that is one thing."""
    if not isinstance(node, ast.Call):
        return None
    name = calls.name_of(node, function)
    target = function.module.source.functions.get(name)
    if target is None and name.startswith("self.") and function.owner is not None:
        target = function.owner.method(name[5:])
    returned = [
        inner.value
        for inner in ast.walk(target.node if target else ast.Pass())
        if isinstance(inner, ast.Return) and inner.value is not None
    ]
    return (target, returned[0]) if target and len(returned) == 1 else None


def origin(function: Function, node: ast.expr, depth: int = 0) -> Place | None:
    """Where the text of a group's name is written; None where that is unknown."""
    if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp)):
        return at(function, node)
    bound, made = bound_at(function, node), _result(function, node)
    if bound:
        return bound[0].file, bound[0].lines[bound[1]]
    if made:
        return origin(*made, depth + 1) if depth < DEEP else None
    values: list[tuple[Function, ast.expr]] = []
    if isinstance(node, ast.Name):
        values = [(function, value) for value in function.values.get(node.id, [])]
    elif isinstance(node, ast.Attribute) and function.owner is not None:
        values = function.owner.assigned(node.attr)
    if len(values) != 1 or depth > DEEP:
        return None
    return origin(*values[0], depth + 1)


def bound_at(function: Function, node: ast.expr) -> tuple[Module, str] | None:
    """The module in which an expression's name is given its value, and that name."""
    path, _, name = (function.module.resolve(node, function) or "").rpartition(".")
    module = function.module.source.modules.get(path)
    return (module, name) if module is not None and name in module.values else None


def text_of(function: Function, node: ast.expr | None) -> str | None:
    """A text with its unknown parts marked, wherever it is written; None for others."""
    return _pattern(function, node)

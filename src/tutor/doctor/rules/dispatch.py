"""What a call runs that chooses its function by a word: in a table, or by a name.

``HANDLERS[kind](self, message)``, ``self.handlers.get(kind)``, ``getattr(self,
f"on_{kind}")``: each word with its function, and with what that is given.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tutor.doctor.messagekeys import named
from tutor.doctor.source import Class, Function, known
from tutor.doctor.source.flow import Frame, body, bound_at, unfold
from tutor.doctor.source.walking import walk

DEEP = 4
_WRAPPERS = {known.TO_SYNC, *known.TO_THREAD}


@dataclass(frozen=True)
class Choice:
    """One function that a call may run.

    Args:
        word: by which it is chosen.
        function: the function, or a method.
        places: its parameters, in the order of what the call gives.
    """

    word: str
    function: Function
    places: tuple[str, ...]

    def given(self, call: ast.Call, argument: ast.expr) -> str | None:
        """The parameter that gets an argument of a call; None where none does."""
        for place, one in zip(self.places, call.args, strict=False):
            if isinstance(one, ast.Starred):
                break
            if one is argument:
                return place
        return next((w.arg for w in call.keywords if w.value is argument), None)


def choices(call: ast.Call, method: Function, owner: Class | None) -> list[Choice]:
    """The functions that a call may run, by their words; none for other calls.

    Args:
        call: what a method calls.
        method: the method.
        owner: the class of its ``self``.
    """
    found: list[Choice] = []
    for one in _alternatives(_bare(call.func, method), method, 0):
        found += _looked_up(one, method, owner)
    return found


def chosen_by(call: ast.Call, method: Function) -> ast.expr | None:
    """What such a call chooses by; None where something takes what no table has."""
    every = [*_alternatives(_bare(call.func, method), method, 0)]
    if len(every) == 1 and isinstance(every[0], ast.Call):
        name = every[0]
        if getattr(name.func, "id", "") == "getattr" and _refuses(name.args[2:]):
            every = [*_alternatives(name.args[1], method, 0)]
    node = every[0] if len(every) == 1 else None
    if isinstance(node, ast.JoinedStr):
        holes = [one for one in node.values if isinstance(one, ast.FormattedValue)]
        return holes[0].value if len(holes) == 1 else None
    if isinstance(node, ast.Subscript):
        return node.slice
    if isinstance(node, ast.Call) and table_of(node) and _refuses(node.args[1:]):
        return node.args[0]
    return None


def _refuses(default: list[ast.expr]) -> bool:
    """Whether nothing takes the place of what is not there."""
    return all(getattr(one, "value", ...) is None for one in default)


def _bare(func: ast.expr, method: Function) -> ast.expr:
    """``sync_to_async(handler)``: the handler."""
    if isinstance(func, ast.Call) and func.args:
        name = method.module.resolve(func.func, method) or ""
        return func.args[0] if name in _WRAPPERS else func
    return func


def _alternatives(node: ast.expr, method: Function, deep: int) -> Iterator[ast.expr]:
    """What stands behind a name, and each side of ``TABLE.get(kind) or unknown``."""
    if deep > DEEP:
        return
    if isinstance(node, ast.Name):
        for one in named(node.id, method):
            yield from _alternatives(one, method, deep + 1)
    elif isinstance(node, ast.BoolOp):
        for one in node.values:
            yield from _alternatives(one, method, deep + 1)
    elif isinstance(node, ast.NamedExpr | ast.IfExp):
        inner = node.value if isinstance(node, ast.NamedExpr) else node.body
        yield from _alternatives(inner, method, deep + 1)
    else:
        yield node


def _looked_up(
    node: ast.expr, method: Function, owner: Class | None
) -> Iterator[Choice]:
    """The functions behind one expression that looks one up."""
    table = table_of(node)
    if table is not None:
        for where, word, value in entries(Frame(method, owner), table):
            yield from _entry(where, word, value, owner)
        yield from _registered(table, method)
        return
    if not (
        owner is not None
        and isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "getattr"
        and len(node.args) > 1
        and getattr(node.args[0], "id", "") == method.self_name
    ):
        return
    for name in _alternatives(node.args[1], method, 0):
        table = table_of(name)
        if table is not None:
            for _, word, value in entries(Frame(method, owner), table):
                target = owner.method(str(getattr(value, "value", "")))
                if target is not None:
                    yield _bound(word, target)
        else:
            yield from _fitting(name, owner)


def table_of(node: ast.expr) -> ast.expr | None:
    """The table in ``TABLE[kind]`` and ``TABLE.get(kind)``."""
    if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
        return node.value
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get"
        and node.args
        and not isinstance(node.args[0], ast.Constant)
    ):
        return node.func.value
    return None


def entries(
    frame: Frame, node: ast.expr, depth: int = 0
) -> Iterator[tuple[Frame, str, ast.expr]]:
    """The words of a table that is written out, each with what stands there."""
    where, held = _written(frame, node)
    if not isinstance(held, ast.Dict) or depth > DEEP:
        return
    for key, value in zip(held.keys, held.values, strict=True):
        if key is None:
            yield from entries(where, value, depth + 1)
            continue
        _, word = unfold(where, key)
        if isinstance(word, ast.Constant) and isinstance(word.value, str):
            yield where, word.value, value


def _registered(table: ast.expr, method: Function) -> Iterator[Choice]:
    """``@handles("say")``: what a decorator of the project puts into a table."""
    name = getattr(table, "id", getattr(table, "attr", ""))
    every = method.module.source.functions
    for target in every.values():
        for mark in target.node.decorator_list:
            word = mark.args[0] if isinstance(mark, ast.Call) and mark.args else None
            if not (isinstance(mark, ast.Call) and isinstance(word, ast.Constant)):
                continue
            by = every.get(target.module.resolve(mark.func) or "")
            if by is not None and any(
                isinstance(node, ast.Subscript)
                and isinstance(node.ctx, ast.Store)
                and getattr(node.value, "id", getattr(node.value, "attr", "")) == name
                for node in walk(by.node)
            ):
                yield _plain(str(word.value), target)


def _written(frame: Frame, node: ast.expr) -> tuple[Frame, ast.expr]:
    """Where a table is written out: it is read by a key, so it counts as changed."""
    if isinstance(node, ast.Name):
        given = frame.function.values.get(node.id, [])
        bound = None if given else bound_at(frame.function, node)
        if bound is not None:
            frame, given = Frame(body(bound[0])), bound[0].values[bound[1]]
        if len(given) == 1:
            return unfold(frame, given[0])
    func = getattr(getattr(node, "value", None), "func", None)
    if isinstance(node, ast.Attribute) and getattr(func, "id", "") == "type":
        own = ast.Name(frame.function.self_name or "", ast.Load())
        return unfold(frame, ast.Attribute(own, node.attr, ast.Load()))
    return unfold(frame, node)


def _entry(
    where: Frame, word: str, value: ast.expr, owner: Class | None
) -> Iterator[Choice]:
    """What stands in a table: a function, a method, one that has its object."""
    if isinstance(value, ast.Attribute) and (
        getattr(value.value, "id", "") == where.function.self_name
    ):
        target = owner.method(value.attr) if owner is not None else None
        if target is not None:
            yield _bound(word, target)
        return
    held = where.owner or owner
    if isinstance(value, ast.Name) and held is not None:
        target = held.method(value.id)
        if target is not None and _stands_in_class(where, value, held):
            yield _plain(word, target)
            return
    source = where.module.source
    found = source.functions.get(where.module.resolve(value, where.function) or "")
    if found is not None:
        yield _plain(word, found)


def _stands_in_class(where: Frame, value: ast.expr, owner: Class) -> bool:
    """Whether a name is written in the body of a class, and so is that of a method."""
    return where.function.name == "<module>" and any(
        value is node
        for one in owner.line_of_ancestors
        for given in one.attributes.values()
        for node in walk(given)
    )


def _fitting(name: ast.expr, owner: Class) -> Iterator[Choice]:
    """``f"on_{kind}"``: the methods whose names begin so, or end so."""
    parts: list[ast.expr] = [name]
    if isinstance(name, ast.JoinedStr):
        parts = list(name.values)
    elif isinstance(name, ast.BinOp) and isinstance(name.op, ast.Add):
        parts = [name.left, name.right]
    elif isinstance(name, ast.BinOp) and isinstance(name.left, ast.Constant):
        before, hole, after = str(name.left.value).partition("%s")
        parts = [ast.Constant(before), name.right, ast.Constant(after)] if hole else []
    texts = [getattr(one, "value", None) for one in parts]
    fixed = [one if isinstance(one, str) else "" for one in texts]
    plain = [isinstance(one, ast.Constant) for one in parts]
    if plain.count(False) != 1 or not any(fixed):
        return
    hole_at = plain.index(False)
    before, after = "".join(fixed[:hole_at]), "".join(fixed[hole_at + 1 :])
    names = {name for one in owner.line_of_ancestors for name in one.methods}
    for own in sorted(names):
        target = owner.method(own)
        fits = own.startswith(before) and own.endswith(after)
        if target is not None and fits and len(own) > len(before) + len(after):
            yield _bound(own[len(before) : len(own) - len(after)], target)


def _bound(word: str, target: Function) -> Choice:
    return Choice(word, target, _parameters(target)[1:])


def _plain(word: str, target: Function) -> Choice:
    return Choice(word, target, _parameters(target))


def _parameters(target: Function) -> tuple[str, ...]:
    told = target.node.args
    return tuple(one.arg for one in (*told.posonlyargs, *told.args))

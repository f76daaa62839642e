"""How a value travels: through parameters, calls and inheritance.

A function that sends is often given its group and its type by whoever calls it, and
a base class asks its heirs.  So an expression is followed in a frame: a function,
what ``self`` is in it, and what its parameters were given.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tutor.doctor.source import known, walking
from tutor.doctor.source.calls import name_of, target_of
from tutor.doctor.source.syntax import Class, Function, Module
from tutor.doctor.source.walking import child_nodes, kept, walk

DEEP = 7
VALUE = "self.value"  # what an enumeration's member is worth
OF_TEXTS = {"format", "format_map", "join", "replace", "strip", "lower", "upper"}
MOST = 12  # values of one expression, frames of one function


@dataclass(frozen=True)
class Frame:
    """A function as it runs.

    Args:
        function: the function.
        owner: the class of ``self``: the function's own, or an heir of it.
        given: what the parameters are given, and by whom.
    """

    function: Function
    owner: Class | None = None
    given: Mapping[str, tuple[Frame, ast.expr]] = field(default_factory=dict)

    @property
    def module(self) -> Module:
        return self.function.module


def body(module: Module) -> Function:
    """The statements of a module as a function, which its import runs."""
    empty = ast.arguments([], [], None, [], [], None, [])
    node = ast.FunctionDef("<module>", empty, module.tree.body, [], lineno=1)
    return Function("<module>", node, module)


def every_call(node: ast.AST) -> Sequence[ast.Call]:
    """The calls in a body, those of its lambdas too; none of inner functions."""
    return walking.kept(node, "_every_call", _every_call)


def _every_call(node: ast.AST) -> Iterator[ast.Call]:
    for child in child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _every_call(child)


def called_function(
    call: ast.Call, function: Function
) -> tuple[Function | None, list[ast.expr]]:
    """The function of the project that a call runs, or will, and its arguments."""
    name = name_of(call, function)
    wrappers = {known.TO_SYNC, *known.TO_THREAD}
    if name == "functools.partial" or name in wrappers:
        return _named(call.args[0], function) if call.args else None, call.args[1:]
    func: ast.expr = call.func
    if isinstance(func, ast.Name):
        values = function.values.get(func.id, [])
        func = values[0] if len(values) == 1 else func
    if isinstance(func, ast.Call) and func.args:
        if name_of(func, function) in wrappers:
            return _named(func.args[0], function), call.args
        if name_of(func, function) == "functools.partial":
            return _named(func.args[0], function), [*func.args[1:], *call.args]
    return target_of(call, function), call.args


def _named(node: ast.expr, function: Function) -> Function | None:
    return target_of(ast.Call(node, [], []), function)


def bind(
    function: Function, call: ast.Call, arguments: list[ast.expr], site: Frame
) -> dict[str, tuple[Frame, ast.expr]]:
    """The parameters of a function with what a call gives them."""
    arguments_of = function.node.args
    names = [one.arg for one in arguments_of.posonlyargs + arguments_of.args]
    static = "builtins.staticmethod" in function.decorators()
    if function.owner is not None and not static:
        names = names[1:]
    found = {}
    for name, value in zip(names, arguments, strict=False):
        if isinstance(value, ast.Starred):
            break
        found[name] = (site, value)
    found |= {one.arg or "**": (site, one.value) for one in call.keywords}
    return found


def called(frame: Frame, node: ast.Call) -> Frame | None:
    """The function of the project that a call runs, as it runs then."""
    target = None
    func = node.func
    if (
        isinstance(func, ast.Attribute)
        and isinstance(func.value, ast.Name)
        and func.value.id == frame.function.self_name
        and frame.owner is not None
    ):
        target = frame.owner.method(func.attr)
    target = target or target_of(node, frame.function)
    if target is None:
        return _of_member(frame, node)
    owner = frame.owner if target.owner in line(frame.owner) else target.owner
    return Frame(target, owner, bind(target, node, node.args, frame))


def _of_member(frame: Frame, node: ast.Call) -> Frame | None:
    """A method of an enumeration's member: ``Group.TEAM.of(name)``."""
    if not isinstance(node.func, ast.Attribute):
        return None
    dotted = frame.module.resolve(node.func.value, frame.function) or ""
    kind = frame.module.source.classes.get(dotted.rpartition(".")[0])
    member = kind.attributes.get(dotted.rpartition(".")[2]) if kind else None
    target = kind.method(node.func.attr) if kind and member is not None else None
    if kind is None or target is None or member is None:
        return None
    given = bind(target, node, node.args, frame)
    return Frame(target, kind, {**given, VALUE: (Frame(body(kind.module)), member)})


def each(frame: Frame, node: ast.expr) -> list[tuple[Frame, ast.expr]]:
    """What a name stands for in turn, in a loop over a list that is written out."""
    for loop in walk(frame.function.node):
        if (
            isinstance(node, ast.Name)
            and isinstance(loop, (ast.For, ast.AsyncFor))
            and getattr(loop.target, "id", "") == node.id
        ):
            return _elements(*filled(frame, loop.iter))
    return []


def _elements(frame: Frame, node: ast.expr) -> list[tuple[Frame, ast.expr]]:
    """What a list that is written out holds, also what it takes from others."""
    found: list[tuple[Frame, ast.expr]] = []
    for one in getattr(node, "elts", ()):
        if isinstance(one, ast.Starred):
            found += _elements(*unfold(frame, one.value))
        else:
            found.append((frame, one))
    return found


def filled(frame: Frame, node: ast.expr) -> tuple[Frame, ast.expr]:
    """Where a list is written out; an attribute may have been an empty one before."""
    owner = frame.owner
    if (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == frame.function.self_name
        and owner is not None
    ):
        given = owner.assigned(node.attr)
        full = [(f, v) for f, v in given if getattr(v, "elts", None) != []]
        if len(full) == 1:
            return unfold(Frame(full[0][0], owner), full[0][1])
    return unfold(frame, node)


def line(owner: Class | None) -> list[Class]:
    return owner.line_of_ancestors if owner is not None else []


def returned(function: Function) -> list[ast.expr]:
    """What a function returns."""
    return [
        node.value
        for node in walk(function.node)
        if isinstance(node, ast.Return) and node.value is not None
    ]


def yielded(function: Function) -> list[ast.expr]:
    """What a function yields."""
    return [
        node.value
        for node in walk(function.node)
        if isinstance(node, ast.Yield) and node.value is not None
    ]


def bound_at(function: Function, node: ast.expr) -> tuple[Module, str] | None:
    """The module in which an expression's name is given its value, and that name."""
    path, _, name = (function.module.resolve(node, function) or "").rpartition(".")
    module = function.module.source.modules.get(path)
    return (module, name) if module is not None and name in module.values else None


def unfold(frame: Frame, node: ast.expr, depth: int = 0) -> tuple[Frame, ast.expr]:
    """Where an expression is written out: behind names, parameters and calls."""
    if depth > DEEP:
        return frame, node
    if isinstance(node, ast.Name):
        if is_changed(node.id, frame.function):
            return frame, node
        if node.id in frame.given:
            return unfold(*frame.given[node.id], depth + 1)
        found = frame.function.values.get(node.id, [])
        if len(found) == 1:
            return unfold(frame, found[0], depth + 1)
        bound = bound_at(frame.function, node) if not found else None
        if bound and len(bound[0].values[bound[1]]) == 1:
            value = bound[0].values[bound[1]][0]
            return unfold(Frame(body(bound[0])), value, depth + 1)
    elif isinstance(node, ast.Attribute):
        found_at = _attribute(frame, node)
        if found_at is not None:
            return unfold(*found_at, depth + 1)
    elif isinstance(node, ast.Call):
        target = called(frame, node)
        results = returned(target.function) if target else []
        if target is not None and len(results) == 1:
            return unfold(target, results[0], depth + 1)
    elif isinstance(node, ast.Await | ast.NamedExpr):
        return unfold(frame, node.value, depth + 1)
    return frame, node


def _attribute(frame: Frame, node: ast.Attribute) -> tuple[Frame, ast.expr] | None:
    """Where the one value of an attribute is written."""
    owner = frame.owner
    if not (
        isinstance(node.value, ast.Name)
        and node.value.id in (frame.function.self_name, "cls")
    ):
        named = frame.module.resolve(node.value, frame.function) or ""
        owner = frame.module.source.classes.get(named.removesuffix("()"))
    if owner is None:
        bound = bound_at(frame.function, node)
        if bound is None or len(bound[0].values[bound[1]]) != 1:
            return None
        return Frame(body(bound[0])), bound[0].values[bound[1]][0]
    if node.attr == "value" and VALUE in frame.given:
        return frame.given[VALUE]
    method = owner.method(node.attr)
    results = returned(method) if method is not None else []
    if method is not None and any("property" in d for d in method.decorators()):
        return (Frame(method, owner), results[0]) if len(results) == 1 else None
    given = owner.assigned(node.attr)
    if len(given) == 1:
        return Frame(given[0][0], owner), given[0][1]
    for one in owner.line_of_ancestors if not given else ():
        if node.attr in one.attributes:
            return Frame(body(one.module), one), one.attributes[node.attr]
    return None


def is_changed(name: str, function: Function) -> bool:
    """Whether something is put into what a name stands for after it was made."""
    return name in kept(function.node, "_changed", _changed)


def _changed(node: ast.AST) -> Iterator[str]:
    for one in walk(node):
        if (
            isinstance(one, (ast.Subscript, ast.Attribute))
            and isinstance(one.value, ast.Name)
            and getattr(one, "attr", "") not in OF_TEXTS
        ):
            yield one.value.id

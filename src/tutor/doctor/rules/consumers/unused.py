"""Calls whose results nobody uses, or uses as they are: a coroutine is lost then."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.source import Function, calls, known
from tutor.doctor.source.walking import child_nodes, walk


def kept(function: Function) -> Iterator[ast.Call]:
    """Calls whose result has a name that is tested or shown, and never handed on."""
    for node in walk(function.node):
        if not (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and isinstance(node.targets[0], ast.Name)
        ):
            continue
        name, used = node.targets[0].id, False
        for outer in walk(function.node):
            parts = [*child_nodes(outer)]
            if isinstance(outer, _TESTS):
                continue
            if isinstance(outer, ast.Call) and getattr(outer.func, "id", "") in _SHOWN:
                continue
            used = used or any(
                isinstance(p, ast.Name) and p.id == name and isinstance(p.ctx, ast.Load)
                for p in parts
            )
        if not used:
            yield node.value


def later(function: Function) -> Iterator[ast.Call]:
    """Calls in a lambda for somebody who calls it later, and awaits nothing."""
    for call in calls.calls(function.node):
        if calls.name_of(call, function).endswith(_CALL_LATER):
            for given in [*call.args, *(word.value for word in call.keywords)]:
                if isinstance(given, ast.Lambda) and isinstance(given.body, ast.Call):
                    yield given.body


_CALL_LATER = (
    "transaction.on_commit",
    ".call_later",
    ".call_soon",
    ".call_soon_threadsafe",
    ".add_done_callback",
    "threading.Timer",
)


def said(function: Function) -> Iterator[ast.Call]:
    """Calls whose result stands in a message as it is."""
    for call in calls.calls(function.node):
        name = calls.name_of(call, function)
        if name == f"{known.TO_SYNC}()":  # async_to_sync(layer.group_send)(…)
            wrapped = getattr(call.func, "args", [])[:1]
            name = "".join(function.module.resolve(w, function) or "" for w in wrapped)
        if name.rpartition(".")[2] not in _MESSAGES:
            continue
        for held in [one for given in call.args for one in walk(given)]:
            for value in held.values if isinstance(held, ast.Dict) else ():
                made = value
                if isinstance(value, ast.Name):
                    given_once = function.values.get(value.id, [])
                    made = given_once[0] if len(given_once) == 1 else value
                yield from (n for n in _branches(made) if isinstance(n, ast.Call))
        names = {getattr(one, "id", "") for one in call.args}
        for node in walk(function.node):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                kept = node.targets[0]  # event["here"] = counted(redis)
                if (
                    isinstance(kept, ast.Subscript)
                    and {getattr(kept.value, "id", None)} <= names
                ):
                    yield node.value


_MESSAGES = ("send_json", "dumps", "group_send", "JsonResponse")


def put(function: Function) -> Iterator[ast.Call]:
    """Calls whose result is put into a scope as it is: the user of a middleware."""
    for node in walk(function.node) if function.is_async else ():
        given: list[ast.expr] = []
        if isinstance(node, ast.Assign) and any(map(_is_scope, node.targets)):
            given = [node.value]
        elif isinstance(node, ast.Call) and any(
            map(_is_scope, [*node.args, node.func])
        ):
            given = [word.value for word in node.keywords if word.arg]
            given += [v for one in node.args for v in getattr(one, "values", ())]
        elif isinstance(node, ast.Dict) and any(
            key is None and _is_scope(value)
            for key, value in zip(node.keys, node.values, strict=True)
        ):
            given = node.values
        for one in given:
            value = one
            if isinstance(one, ast.Name):
                made = function.values.get(one.id, [])
                value = made[0] if len(made) == 1 else one
            yield from (n for n in _branches(value) if isinstance(n, ast.Call))


def _branches(node: ast.expr) -> Iterator[ast.expr]:
    """What an expression may be: ``f() if name else None`` is one of two."""
    if isinstance(node, ast.IfExp):
        yield from (*_branches(node.body), *_branches(node.orelse))
    elif isinstance(node, ast.BoolOp):
        yield from (inner for one in node.values for inner in _branches(one))
    else:
        yield node


def _is_scope(node: ast.expr) -> bool:
    """Whether an expression is a scope, one of its entries or one of its methods."""
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        if getattr(node, "attr", "") == "scope":
            return True
        node = node.value
    return isinstance(node, ast.Name) and node.id == "scope"


def tested(function: Function) -> Iterator[ast.Call]:
    """Calls that are asked whether they are true: a coroutine always is."""
    for node in walk(function.node):
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            yield from _asked(node.test)


def _asked(node: ast.expr) -> Iterator[ast.Call]:
    """``may(user)``, ``not may(user)``, ``user and may(user)``, ``role() == "x"``."""
    if isinstance(node, ast.UnaryOp):
        yield from _asked(node.operand)
    elif isinstance(node, ast.BoolOp):
        yield from (call for one in node.values for call in _asked(one))
    elif isinstance(node, ast.Compare):
        yield from _asked(node.left)
    elif isinstance(node, ast.Call):
        yield node


_TESTS = (ast.If, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.FormattedValue)
_SHOWN = ("bool", "str", "len", "print", "repr", "list", "int")
_OF_COROUTINES = {"send", "close", "throw", "add_done_callback", "cancel", "result"}
_PLAINLY = {"asdict", "dumps", "str", "len", "dict", "list", "repr", "print", "bool"}


def used_as_a_value(function: Function) -> Iterator[ast.Call]:
    """Calls whose result has a name, under which nothing ever awaits it.

    What is given to another function may be awaited there; its attributes, its keys
    and what is made of it by a function of Python's own say that it is not.
    """
    above = {
        id(child): node for node in walk(function.node) for child in child_nodes(node)
    }
    names: dict[str, list[ast.AST]] = {}
    for node in walk(function.node):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            names.setdefault(node.id, []).append(above[id(node)])
    for node in walk(function.node):
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            continue
        target = node.targets[0]
        if not isinstance(target, ast.Name) or len(node.targets) > 1:
            continue
        uses = names.get(target.id, [])
        values = function.values.get(target.id, [])
        if uses and len(values) == 1 and all(map(_is_plain, uses)):
            yield node.value


def _is_plain(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        end = getattr(node.func, "attr", "") or getattr(node.func, "id", "")
        return end in _PLAINLY
    if isinstance(node, ast.Attribute):
        return node.attr not in _OF_COROUTINES
    return isinstance(node, ast.Subscript)


def _made(value: ast.expr) -> Iterator[ast.expr]:
    """What a statement makes and drops: ``send(one), send(two)``, ``x and send(x)``."""
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        for one in value.elts:
            yield from _made(one)
    elif isinstance(value, ast.IfExp):
        yield from (*_made(value.body), *_made(value.orelse))
    elif isinstance(value, ast.BoolOp):
        yield from _made(value.values[-1])
    else:
        yield value


def alone(node: ast.AST) -> Iterator[ast.Call]:
    for child in child_nodes(node):
        if isinstance(
            child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        ):
            continue
        if isinstance(child, ast.Expr) or (
            isinstance(child, ast.Assign)
            and all(isinstance(t, ast.Name) and t.id == "_" for t in child.targets)
        ):
            yield from (one for one in _made(child.value) if isinstance(one, ast.Call))
        yield from alone(child)

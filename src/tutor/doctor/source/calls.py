"""What a call does: which function it runs, and whether it waits or blocks."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tutor.doctor.source import known, walking
from tutor.doctor.source.managers import asked_of, manager_of
from tutor.doctor.source.syntax import Class, Function
from tutor.doctor.source.walking import child_nodes, walk


def calls(node: ast.AST) -> Sequence[ast.Call]:
    """The calls that run when a body runs: none of inner functions and lambdas."""
    return walking.kept(node, "_calls", _calls)


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    for child in child_nodes(node):
        if isinstance(
            child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        ):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls(child)


def name_of(call: ast.Call, function: Function) -> str:
    """The dotted path of what is called; empty where it is not known."""
    name = function.module.resolve(call.func, function) or ""
    base, _, attribute = name.rpartition(".")
    if base != "self" or function.owner is None:
        return name
    return _kept_wrapper(function.owner, attribute) or name


def _kept_wrapper(owner: Class, attribute: str) -> str:
    """What a class attribute is, where it wraps a function: ``async_to_sync(f)``."""
    for one in owner.line_of_ancestors:
        given = one.attributes.get(attribute)
        while (
            isinstance(given, ast.Call)
            and given.args
            and (one.module.resolve(given.func) or "") == "builtins.staticmethod"
        ):
            given = given.args[0]
        if given is not None:
            made = one.module.resolve(given) or ""
            wrappers = {known.TO_SYNC, *known.TO_THREAD}
            return made if made.removesuffix("()") in wrappers else ""
    return ""


def target_of(call: ast.Call, function: Function) -> Function | None:
    """The function or method of the project that is called, where that is known."""
    name = name_of(call, function)
    source, owner = function.module.source, function.owner
    found = source.functions.get(name)
    if found is not None:
        return found
    base, _, method = name.rpartition(".")
    if base == "self" and owner is not None:
        return next(iter(owner.virtual(method)), None)
    if base == "builtins.super()" and owner is not None:
        above = [one for one in owner.line_of_ancestors if one is not owner]
        return next((o.methods[method] for o in above if method in o.methods), None)
    made = source.classes.get(base.removesuffix("()"))
    if made is not None and made.method(method) is not None:
        return made.method(method)
    asked = asked_of(function, base)
    manager = manager_of(source, *asked[:2]) if asked and not asked[2] else None
    return manager.method(method) if manager is not None else None


def is_layer(name: str) -> bool:
    """Whether a dotted path is a method of a channel layer."""
    base, _, method = name.rpartition(".")
    if method not in known.LAYER_METHODS:
        return False
    return base in known.LAYERS or base.endswith("channel_layer")


def inner_call(call: ast.Call, function: Function) -> str:
    """For ``f(g)(…)``: the dotted path of ``f``."""
    return name_of(call.func, function) if isinstance(call.func, ast.Call) else ""


def makes_coroutine(call: ast.Call, function: Function) -> str:
    """The name of the coroutine function that is called; empty for other calls."""
    name = name_of(call, function)
    if (
        inner_call(call, function) in known.TO_THREAD
        or name.removesuffix("()") in known.TO_THREAD
    ):
        return name if name.endswith("()") else ""
    if name in known.KNOWN_ASYNC or is_layer(name):
        return name
    method = name.rpartition(".")[2]
    if method in known.ASYNC_ORM:
        return name
    if name.startswith("self.") and name.count(".") == 1 and function.owner is not None:
        return name if _method_is_async(function.owner, method) else ""
    if name.startswith("builtins.super().") and function.owner is not None:
        if method not in known.CONSUMER_METHODS | known.INHERITED:
            return ""
        return name if function.owner.kind.startswith("async") else ""
    found = target_of(call, function)
    if found is not None and _is_async(found):
        return name
    return ""


def _method_is_async(owner: Class, method: str) -> bool:
    found = owner.virtual(method)
    if found:
        return _is_async(found[0])
    return owner.kind.startswith("async") and method in known.CONSUMER_METHODS


def _is_async(function: Function) -> bool:
    if any(name in known.TO_THREAD for name in function.decorators()):
        return True
    if not function.is_async:
        return False
    return not any(
        isinstance(n, (ast.Yield, ast.YieldFrom)) for n in walk(function.node)
    )


def blocks(name: str) -> str:
    """The mistake that a call of this name is in asynchronous code; empty for none."""
    if name in known.SLEEPS:
        return "consumer-time-sleep-in-async"
    for one in known.BLOCKING:
        if name == one or (one.endswith(".") and name.startswith(one)):
            return "consumer-blocking-call-in-async"
    return ""

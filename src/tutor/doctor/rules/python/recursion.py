"""Functions that call themselves whatever happens, also by way of others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.receivers import hears
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import child_nodes, walk

RANK = 51
DEEP = 4
# What is not done each time, or not at once.
_MAYBE = (
    *(ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.Match, ast.IfExp),
    *(ast.BoolOp, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp),
    *(ast.GeneratorExp, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
)
_ENDS = (ast.Return, ast.Raise, ast.Yield, ast.YieldFrom)


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        yield from _saved_again(function)
        for call, target in _always(function):
            if _leads_to(target, function, 0):
                yield _found(function, call, f"super().{function.name}, or a way out")
                return


def _saved_again(function: Function) -> Iterator[Found]:
    """A receiver of what is saved that saves it again, each time."""
    if not hears(function):
        return
    for statement in function.node.body:
        for call, _ in _calls(statement, False):
            if ast.unparse(call.func) in ("instance.save", "instance.asave"):
                hint = "save() sends the signal again, and so calls this receiver."
                cure = "filter(pk=instance.pk).update(...)"
                yield replace(_found(function, call, cure), hint=hint)
                return
        if any(isinstance(node, _ENDS) for node in walk(statement)):
            return


def _found(function: Function, call: ast.Call, expected: str) -> Found:
    said = "RecursionError: maximum recursion depth exceeded"
    where = at(function, call)
    return Found("python-method-calls-itself", said, where, RANK, TRIED, expected)


def _leads_to(function: Function, wanted: Function, depth: int) -> bool:
    if function is wanted:
        return True
    return depth < DEEP and any(
        _leads_to(target, wanted, depth + 1) for _, target in _always(function)
    )


def _always(function: Function) -> Iterator[tuple[ast.Call, Function]]:
    """The functions of the project that a function runs each time, and at once."""
    if function.node.decorator_list:
        return
    for statement in function.node.body:
        for call, awaited in _calls(statement, False):
            name = calls.name_of(call, function)
            target = calls.target_of(call, function)
            if target is None or target.is_async is not awaited:
                continue
            base, _, method = name.rpartition(".")
            owner = function.owner
            if base == "self" and owner is not None:
                if len(owner.virtual(method)) > 1:
                    continue  # whose it is, is not certain
            elif target.owner is not None:
                continue  # of another object, perhaps
            yield call, target
        if any(isinstance(node, _ENDS) for node in walk(statement)):
            return


def _calls(node: ast.AST, awaited: bool) -> Iterator[tuple[ast.Call, bool]]:
    """The calls of a statement, and whether each is awaited."""
    if isinstance(node, _MAYBE):
        return
    if isinstance(node, ast.Call):
        yield node, awaited
    for child in child_nodes(node):
        yield from _calls(child, isinstance(node, ast.Await))

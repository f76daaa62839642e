"""Plain functions where a coroutine is due: awaited, run, or wrapped."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.suites.testing import COMMUNICATORS
from tutor.doctor.source import Function, calls, known, typed
from tutor.doctor.source.flow import returned
from tutor.doctor.source.walking import own_nodes, walk

RANK = 58  # what was seen at run time comes first
TASKS = (
    *("asyncio.create_task", "asyncio.ensure_future", "asyncio.TaskGroup()"),
    *("asyncio.wait_for", "asyncio.shield", *sorted(known.RUNS)),
)


def rules(function: Function) -> Iterator[Found]:
    """What a function awaits or has run, and is of a plain ``def`` of the project."""
    for node in own_nodes(function.node):
        held, target = _awaited(node, function), None
        if isinstance(held, ast.Call):
            target = calls.target_of(held, function)
        if made := _made(held, function):
            yield Found(
                "consumer-await-on-no-coroutine",
                f"object {made} can't be used in 'await' expression",
                at(function, node),
                RANK,
                TRIED,
                "await before coroutines only",
            )
        elif target is not None and _is_plain(target):
            first = next(iter(returned(target)), None)
            kind = typed.type_of(first, target) or _made(first, target)
            yield Found(
                "consumer-await-on-no-coroutine",
                f"{target.name}() returns {kind or None}",
                at(function, node),
                RANK,
                TRIED,
                "await before coroutines only",
            )


def _awaited(node: ast.AST, function: Function) -> ast.expr | None:
    """``await f()``, ``asyncio.run(f())`` or ``async_to_sync(f)``: the call of f."""
    if isinstance(node, ast.Await):
        return node.value
    if not isinstance(node, ast.Call) or not node.args:
        return None
    name = calls.name_of(node, function)
    if name == known.TO_SYNC and isinstance(node.args[0], (ast.Name, ast.Attribute)):
        return ast.Call(node.args[0], [], [])
    return node.args[0] if name.startswith(TASKS) else None


def _is_plain(target: Function) -> bool:
    """Whether a function gives back nothing, or nothing that could be awaited."""
    unsure = (ast.Yield, ast.YieldFrom)
    heirs = target.owner.heirs if target.owner is not None else []
    if target.is_async or target.node.decorator_list:
        return False
    if isinstance(target.node.body[-1], ast.Raise):
        return False  # somebody is to write it
    if any(isinstance(node, unsure) for node in walk(target.node)):
        return False
    if any(target.name in one.methods for one in heirs):
        return False
    return all(
        typed.type_of(one, target) or _made(one, target) for one in returned(target)
    )


def _made(node: ast.expr | None, function: Function) -> str:
    """The communicator that an expression makes: it is no coroutine."""
    name = function.module.resolve(node, function) or "" if node is not None else ""
    made = name.removesuffix("()")
    return made.rpartition(".")[2] if made != name and made in COMMUNICATORS else ""

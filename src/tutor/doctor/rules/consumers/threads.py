"""Async functions that are handed to a thread, which only calls them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, calls

RANK = 47
# Which argument is called, by its number and by its name.
_CALLS = {
    "threading.Thread": (1, "target"),
    "threading.Timer": (1, "function"),
    "asyncio.to_thread": (0, "func"),
    "run_in_executor": (1, "func"),
    "_thread.start_new_thread": (0, "function"),
}


def rules(seen: Evidence) -> Iterator[Found]:
    """``Thread(target=self.tick)``: it gets a coroutine, and nothing of tick runs."""
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            name = calls.name_of(call, function)
            told = _CALLS.get(name) or _CALLS.get(getattr(call.func, "attr", ""))
            named = _given(call, *told) if told else None
            target = _named(named, function) if named is not None else None
            if target is not None and target.is_async:
                yield Found(
                    "python-async-method-not-awaited",
                    f"coroutine '{target.name}' was never awaited",
                    at(function, call),
                    RANK,
                    TRIED,
                    f"asyncio.create_task({ast.unparse(named or call)}(…))",
                    "A thread calls it like any function, and gets a coroutine.",
                )


def _given(call: ast.Call, number: int, word: str) -> ast.expr | None:
    named = [one.value for one in call.keywords if one.arg == word]
    placed = call.args[number : number + 1]
    given = next(iter([*named, *placed]), None)
    return given if isinstance(given, ast.Name | ast.Attribute) else None


def _named(node: ast.expr, function: Function) -> Function | None:
    """The function of the project that a name stands for."""
    return calls.target_of(ast.copy_location(ast.Call(node, [], []), node), function)

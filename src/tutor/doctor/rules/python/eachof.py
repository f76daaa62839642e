"""``for`` and ``async for``: each goes through what the other one does not."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, calls
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import own_nodes

RANK = 57
OF_TESTS = 80
_LOOPS = (ast.For, ast.AsyncFor, ast.comprehension)


def rules(seen: Evidence) -> Iterator[Found]:
    """Loops over a generator of the project's own, of the other kind."""
    for function in seen.source.functions.values():
        for node in own_nodes(function.node):
            call = node.iter if isinstance(node, _LOOPS) else None
            if not isinstance(call, ast.Call):
                continue
            target = calls.target_of(call, function)
            if target is None or target.node.decorator_list or not _yields(target):
                continue
            awaits = isinstance(node, ast.AsyncFor) or getattr(node, "is_async", False)
            if bool(awaits) == target.is_async:
                continue
            got = "TypeError: 'async_generator' object is not iterable"
            if awaits:
                got = "'async for' requires an object with __aiter__ method"
            yield Found(
                "python-for-or-async-for",
                got,
                at(function, call),
                OF_TESTS if is_aside(function.module.file) else RANK,
                TRIED,
                "for" if awaits else "async for",
            )


def _yields(function: Function) -> bool:
    return any(isinstance(n, ast.Yield) for n in own_nodes(function.node))

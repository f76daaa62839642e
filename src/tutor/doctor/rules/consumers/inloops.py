"""Loops whose results nobody takes out of them, and loops that wait for nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.rules.consumers.unheard import forever
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import own_nodes, walk

# They take each result, and await none.
_TAKES = ("list", "tuple", "set", "any", "all", "deque", "len", "bool", "sum")


def listed(function: Function) -> Iterator[ast.Call]:
    """``[group_discard(one, …) for one in groups]`` as a statement of its own."""
    read = {
        node.id
        for node in walk(function.node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    for node in own_nodes(function.node):
        unread = isinstance(node, ast.Assign) and all(
            isinstance(one, ast.Name) and one.id not in read for one in node.targets
        )
        value: ast.AST | None = None
        if isinstance(node, ast.Expr | ast.Assign):
            value = node.value if unread or isinstance(node, ast.Expr) else None
        while (
            isinstance(value, ast.Call)
            and (getattr(value.func, "id", "") or getattr(value.func, "attr", ""))
            in _TAKES
            and value.args
        ):
            value = value.args[0]
        made = isinstance(value, ast.ListComp | ast.SetComp | ast.GeneratorExp)
        element = getattr(value, "elt", None) if made else None
        if isinstance(element, ast.Call):
            yield element


def restless(function: Function) -> Iterator[Found]:
    """``while True`` that sends at each turn and waits for nothing: no send does."""
    loop = forever(function)
    waits = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.comprehension)
    waited = [n for n in walk(loop) if isinstance(n, waits)] if loop else []
    sent = [getattr(node, "value", None) for node in waited]
    owner = function.owner
    if loop is None or owner is None or not sent:
        return
    for call in sent:
        name = calls.name_of(call, function) if isinstance(call, ast.Call) else ""
        if name not in ("self.send", "self.send_json") or owner.method(name[5:]):
            return
    yield Found(
        "consumer-endless-loop-in-handler",
        "no other client gets a turn",
        at(function, loop),
        63,
        TRIED,
        "await asyncio.sleep(…) at each turn",
        "Nothing in this loop waits, and a send never does.",
    )

"""More events at once than a channel holds: a consumer that fills its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.groupnames import group_of
from tutor.doctor.rules.groups.workers import PUBSUB
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.known import TO_SYNC
from tutor.doctor.source.values import ANY, values
from tutor.doctor.source.walking import own_nodes, walk

RANK = 68
DEEP = 2  # methods that call one another
CAPACITY = 100  # of a channel, unless it is told otherwise
_PAUSES = ("asyncio.sleep", "time.sleep")


def rules(seen: Evidence) -> Iterator[Found]:
    most = _capacity(seen)
    for owner in seen.source.consumers() if most is not None else ():
        for method in owner.methods.values():
            for node in own_nodes(method.node):
                times = _times(method, node)
                sent = _sent(owner, method, node) if times > (most or 0) else None
                if sent is not None:
                    yield Found(
                        "group-capacity-exceeded",
                        f"{times} events for a channel that holds {most}",
                        at(method, sent),
                        RANK,
                        TRIED,
                        "one event with all of it, or fewer than that at once",
                    )
                    return


def _capacity(seen: Evidence) -> int | None:
    """How much a channel of the default layer holds; None where that has no limit."""
    named: Any = seen.settings.get("layers")
    layer = named.get("default") if isinstance(named, dict) else None
    if not isinstance(layer, dict) or layer.get("BACKEND") == PUBSUB:
        return None
    config = layer.get("CONFIG")
    told = config.get("capacity") if isinstance(config, dict) else None
    if isinstance(config, dict) and "channel_capacity" in config:
        return None
    return told if isinstance(told, int) else CAPACITY


def _times(function: Function, node: ast.AST) -> int:
    """How often a loop is run, where it is written: ``for number in range(200)``."""
    over = node.iter if isinstance(node, ast.For) else None
    if not isinstance(over, ast.Call):
        return 0
    if calls.name_of(over, function) != "builtins.range" or not over.args:
        return 0
    ends = [unfold(Frame(function, function.owner), one)[1] for one in over.args[:2]]
    numbers = [_number(one) for one in ends]
    if not all(isinstance(one, int) for one in numbers):
        return 0
    first, last = [0, *numbers][-2:]
    step = _number(over.args[2]) if len(over.args) > 2 else 1
    return len(range(first or 0, last or 0, step)) if step else 0


def _number(node: ast.expr) -> int | None:
    """A whole number that is written out; ``-1`` is an operation."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    value = getattr(node, "value", None)
    return value if isinstance(value, int) else None


def _sent(
    owner: Class, method: Function, loop: ast.AST, depth: int = 0
) -> ast.Call | None:
    """The event that a loop sends to its own consumer, which hears it only later."""
    told: ast.Call | None = None
    for call in (node for node in walk(loop) if isinstance(node, ast.Call)):
        if calls.name_of(call, method) in _PAUSES:
            return None
        inner = owner.method(getattr(call.func, "attr", "")) if depth < DEEP else None
        if _does(call, method, "group_send") and _joined(owner, method, call):
            told = told or call
        elif inner is not None and calls.name_of(call, method).startswith("self."):
            if any(calls.name_of(c, inner) in _PAUSES for c in calls.calls(inner.node)):
                return None
            told = told or (_sent(owner, inner, inner.node, depth + 1) and call)
    return told


def _does(call: ast.Call, function: Function, what: str) -> bool:
    """Whether a call is that of a layer's method, also through ``async_to_sync``."""
    func: ast.expr = call.func
    if isinstance(func, ast.Call) and func.args:
        if calls.name_of(func, function) != TO_SYNC:
            return False
        func = func.args[0]
    name = function.module.resolve(func, function) or ""
    return calls.is_layer(name) and name.endswith(f".{what}")


def _joined(owner: Class, method: Function, sent: ast.Call) -> bool:
    """Whether a consumer joins the group to which it sends."""
    mine = values(Frame(method, owner), group_of(sent)) or frozenset()
    for one in owner.line_of_ancestors:
        for other in one.methods.values():
            for call in calls.calls(other.node):
                if not _does(call, other, "group_add"):
                    continue
                joins = values(Frame(other, owner), group_of(call)) or frozenset()
                same = ast.dump(group_of(call) or call) == ast.dump(
                    group_of(sent) or sent
                )
                if same or any(ANY not in name for name in joins & mine):
                    return True
    return False

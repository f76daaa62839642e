"""An event that its own handler sends to the group again: it never comes to rest."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import written
from tutor.doctor.rules.found import GENERIC, HANDLERS, TRIED, Found, at
from tutor.doctor.rules.groups.groupnames import Call, given, group_of
from tutor.doctor.source import Function
from tutor.doctor.source.flow import Frame, called_function, unfold
from tutor.doctor.source.values import ANY, values
from tutor.doctor.source.walking import walk

RANK = 70
DEEP = 3  # functions from the handler to the call that sends

_MAY_NOT = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Match)
_IN_PART = (ast.IfExp, ast.BoolOp, ast.comprehension, ast.Lambda)
_ENDS = (ast.Return, ast.Raise, ast.Break, ast.Continue)


def rules(
    seen: Evidence, sends: Sequence[Call], adds: Sequence[Call]
) -> Iterator[Found]:
    """Handlers that cause, whatever happens, the event that they handle.

    Args:
        seen: the evidence.
        sends: the calls of ``group_send``, as they run.
        adds: the calls of ``group_add``.
    """
    for owner in seen.source.consumers():
        groups = {
            name
            for frame, call in adds
            if frame.owner is owner
            for name in values(frame, group_of(call)) or ()
        }
        for name, handler in owner.methods.items():
            if name in (*GENERIC, *HANDLERS):
                continue
            does = {id(call): mine for call, mine in _always(handler, DEEP)}
            for frame, call in sends:
                if id(call) not in does:
                    continue
                told = values(frame, group_of(call)) or frozenset()
                if told & groups and name == _kind(frame, call, handler):
                    yield Found(
                        "group-handler-sends-its-own-event",
                        f"each {name} causes another one, without an end",
                        at(handler, does[id(call)]),
                        RANK,
                        TRIED,
                        "self.send() or self.send_json(): to the one client",
                    )
                    return


def _kind(frame: Frame, call: ast.Call, handler: Function) -> str:
    """The name of the handler that an event is for; "" where it may be another."""
    node = given(call, 1, "message")
    if node is None:
        return ""
    where, found = unfold(frame, node)
    taken = [one.arg for one in handler.node.args.args[1:2]]
    if where.function is handler and _is_same(found, taken):
        return handler.name
    kind = (written(found, where.function) or {}).get("type")
    names = (values(where, kind) if kind is not None else None) or {ANY}
    return next(iter(names)).replace(".", "_") if len(names) == 1 else ""


def _is_same(node: ast.expr | None, taken: list[str]) -> bool:
    """Whether this is an event as it came, or a copy of it with the same type."""
    of: ast.expr | None = None
    other: list[str | None] = []
    if isinstance(node, ast.Name):
        return node.id in taken
    if isinstance(node, ast.Dict):  # {**event, "at": now}
        pairs = zip(node.keys, node.values, strict=True)
        of = next((value for key, value in pairs if key is None), None)
        other = _keys(node)
    elif isinstance(node, ast.BinOp) and isinstance(node.right, ast.Dict):
        of, other = node.left, _keys(node.right)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        of = node.func.value if node.func.attr == "copy" else None
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict":
        of = node.args[0] if node.args else None
        other = [word.arg for word in node.keywords]
    return of is not None and "type" not in other and _is_same(of, taken)


def _keys(node: ast.Dict) -> list[str | None]:
    return [getattr(key, "value", None) for key in node.keys]


def _always(function: Function, deep: int) -> Iterator[tuple[ast.Call, ast.Call]]:
    """The calls that are made whenever a function runs, by those it calls as well.

    Yields:
        A call, and that call of the function's own which leads there.
    """
    for call in _calls(function.node.body):
        yield call, call
        target, _ = called_function(call, function)
        if target is not None and target is not function and deep:
            yield from ((below, call) for below, _ in _always(target, deep - 1))


def _calls(body: Sequence[ast.stmt]) -> Iterator[ast.Call]:
    for statement in body:
        if isinstance(statement, (ast.With, ast.AsyncWith, ast.Try)):
            yield from _calls(statement.body)
        elif not isinstance(statement, _MAY_NOT):
            nodes = list(walk(statement))
            if not any(isinstance(node, _IN_PART) for node in nodes):
                yield from (node for node in nodes if isinstance(node, ast.Call))
        if any(isinstance(node, _ENDS) for node in walk(statement)):
            return

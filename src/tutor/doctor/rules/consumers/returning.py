"""Handlers that return what their client should hear, as a view would."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import written
from tutor.doctor.rules.found import HANDLERS, TRIED, Found, at
from tutor.doctor.rules.reach import reach
from tutor.doctor.source import Class, Function, calls, typed
from tutor.doctor.source.flow import Frame
from tutor.doctor.source.walking import own_nodes, walk

RANK = 57
_SENDS = {"send", "send_json", "base_send", "group_send", "send_bytes"}


def rules(seen: Evidence) -> Iterator[Found]:
    for owner in seen.source.consumers():
        raw = not owner.kind.endswith(("generic", "json"))
        for name in HANDLERS if raw else ("connect", "receive", "receive_json"):
            method = owner.methods.get(name)
            if method is None or method.node.decorator_list:
                continue  # what a decorator makes of it is not known
            if not _is_asked(owner, name):
                yield from _returned(owner, method)


def _is_asked(owner: Class, name: str) -> bool:
    """Whether the project calls a handler itself, and may take what it returns."""
    family = [kind for one in (owner, *owner.heirs) for kind in one.line_of_ancestors]
    return any(
        isinstance(node, ast.Attribute) and node.attr == name
        for one in family
        for method in one.methods.values()
        for node in walk(method.node)
    )


def _returned(owner: Class, method: Function) -> Iterator[Found]:
    for node in own_nodes(method.node):
        value = node.value if isinstance(node, ast.Return) else None
        if value is None or not _is_an_answer(value, method):
            continue
        if _message(value, method) or not _sends(owner, method):
            yield Found(
                "consumer-answer-returned",
                f"nothing: {ast.unparse(value)[:60]} is returned",
                at(method, node),
                RANK,
                TRIED,
                "a message that is sent",
            )
            return


def _is_an_answer(value: ast.expr, method: Function) -> bool:
    if isinstance(value, ast.Constant):
        return False  # a word for who reads it
    return typed.type_of(value, method) in ("dict", "str", "list")


def _message(value: ast.expr, method: Function) -> bool:
    """Whether it is a whole message for a server."""
    kind = getattr((written(value, method) or {}).get("type"), "value", None)
    return isinstance(kind, str) and kind.startswith("websocket.")


def _sends(owner: Class, method: Function) -> bool:
    """Whether a handler sends anything, in whatever it calls."""
    reached: list[Frame] = []
    reach(Frame(method, owner), reached)
    return any(
        calls.name_of(call, one.function).rpartition(".")[2] in _SENDS
        for one in reached
        for call in calls.calls(one.function.node)
    )

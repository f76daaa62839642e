"""Groups and their events, as the source writes them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules import groupnames
from tutor.doctor.rules.found import GENERIC, HANDLERS, TRIED, Found, at
from tutor.doctor.rules.groupnames import given, group_of
from tutor.doctor.rules.messages import written
from tutor.doctor.source import Function, calls, known
from tutor.doctor.source.index import is_aside


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _groups(seen)


def _groups(seen: Evidence) -> Iterator[Found]:
    """Events to groups: their type, their handler, the group's name, the channel."""
    sends: list[tuple[Function, ast.Call]] = []
    adds: list[tuple[Function, ast.Call]] = []
    discards = False
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            name = calls.name_of(call, function)
            inner = name.removesuffix("()") if name.endswith("()") else ""
            func = called_by(call, function)
            if inner == known.TO_SYNC and isinstance(func, ast.Call) and func.args:
                name = function.module.resolve(func.args[0], function) or ""
            method = name.rpartition(".")[2]
            if not calls.is_layer(name):
                continue
            if method == "group_send" and len(call.args) + len(call.keywords) > 1:
                sends.append((function, call))
            elif method == "group_add":
                adds.append((function, call))
            discards = discards or method == "group_discard"
    for function, call in sends:
        yield from _event(seen, function, call)
    for function, call in adds:
        yield from _join(function, call, discards)
    yield from groupnames.rules(seen, sends, adds)


def called_by(call: ast.Call, function: Function) -> ast.expr:
    """What is called, or what the one value of its name is."""
    if isinstance(call.func, ast.Name):
        values = function.values.get(call.func.id, [])
        return values[0] if len(values) == 1 else call.func
    return call.func


def _event(seen: Evidence, function: Function, call: ast.Call) -> Iterator[Found]:
    message = written(given(call, 1, "message"), function)
    if message is None:
        return
    place, expected = at(function, call), "a type that names a handler"
    kind = message.get("type")
    if kind is None:
        yield Found(
            "group-message-without-type",
            "Incoming message has no 'type' attribute",
            place,
            65,
            TRIED,
            expected,
        )
        return
    if not isinstance(kind, ast.Constant) or not isinstance(kind.value, str):
        return
    wanted = str(kind.value).replace(".", "_")
    got = f"No handler for message type {kind.value}"
    if wanted.startswith("websocket_") and wanted not in HANDLERS:
        yield Found("group-sends-raw-websocket-event", got, place, 65, TRIED, expected)
        return
    consumers = seen.source.consumers()
    if consumers and not (
        any(one.method(wanted) for one in consumers) or _heard(seen, kind.value)
    ):
        near = [(seen.near(wanted, one.methods, 0.5), one) for one in consumers]
        for name, one in near:
            if name and name not in (*HANDLERS, *GENERIC):
                place = one.module.file, one.methods[name].node.lineno
                break
        yield Found(
            "group-handler-missing-closes-everyone", got, place, 65, TRIED, expected
        )


def _heard(seen: Evidence, kind: str) -> bool:
    """Whether the project receives events itself, and asks for this type."""
    nodes = [
        node
        for module in seen.source.modules.values()
        if not is_aside(module.file)
        for node in ast.walk(module.tree)
    ]
    return any(
        isinstance(node, ast.Attribute) and node.attr == "new_channel" for node in nodes
    ) and any(
        isinstance(part, ast.Constant) and part.value == kind
        for node in nodes
        if isinstance(node, (ast.Compare, ast.match_case))
        for part in ast.walk(node)
    )


def _join(function: Function, call: ast.Call, discards: bool) -> Iterator[Found]:
    place = at(function, call)
    group, channel = group_of(call), given(call, 1, "channel")
    if group is not None and ast.unparse(group).endswith("channel_name"):
        yield Found(
            "group-add-arguments-swapped",
            "Group name must be a valid unicode string",
            place,
            65,
            TRIED,
            "group_add(group, channel)",
        )
    elif channel is not None and _other_channel(function, channel):
        yield Found(
            "group-wrong-channel-joined",
            "nothing: another channel was joined",
            place,
            66,
            TRIED,
            "self.channel_name",
        )
    if not discards and function.owner is not None and function.owner.kind:
        yield Found(
            "group-no-discard",
            "the group keeps channels that are gone",
            place,
            74,
            TRIED,
            "group_discard when a client leaves",
        )


def _other_channel(function: Function, node: ast.expr) -> bool:
    """Whether what joins a group is a text that is not the consumer's own channel."""
    if isinstance(node, (ast.Constant, ast.JoinedStr)):
        return True
    if not isinstance(node, ast.Attribute) or "channel" in node.attr:
        return False
    owner = function.owner
    if owner is None or ast.unparse(node.value) != function.self_name:
        return False
    made = [ast.unparse(value) for _, value in owner.assigned(node.attr)]
    return bool(made) and not any("channel" in text for text in made)

"""Tests that wait for what a group was told before anybody had joined it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.reach import inner, reach
from tutor.doctor.rules.routing.views import views
from tutor.doctor.rules.suites.communicators import behind
from tutor.doctor.rules.suites.inturn import LOOPS, repeats
from tutor.doctor.rules.suites.talks import Talk, talks
from tutor.doctor.rules.suites.testing import RANK
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import Frame, called_function
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

DEEP = 4
_POSTS = ("client.post", "client.put", "client.patch")


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.functions.values():
        if not is_aside(function.module.file):
            continue
        every = talks(Frame(function, function.owner))
        for talk in every.values():
            yield from _unheard(seen, function, talk, [*every.values()])


def _unheard(
    seen: Evidence, function: Function, talk: Talk, every: list[Talk]
) -> Iterator[Found]:
    """An event to a group that nobody has joined yet."""
    sent = [
        call
        for call in calls.calls(function.node)
        if _sends_to_all(seen, function, call)
    ]
    joined = talk.since if "connect" in talk.before else talk.line("connect")
    if joined is None or not sent or not talk.received or repeats(function, talk.name):
        return
    others = [one.line(name) for one in every for name in ("send_to", "send_json_to")]
    if any(others) or not all(call.lineno < joined for call in sent):
        return
    greetings = _sent_first(behind(seen, talk))
    received = [name for name in talk.before if name.startswith("receive_")]
    if greetings is not None and len(talk.received) + len(received) > greetings:
        yield Found(
            "test-broadcast-before-join",
            "TimeoutError",
            at(function, sent[0]),
            RANK - 2,
            TRIED,
            "a client that is connected before the event is sent",
        )


def _sends_to_all(seen: Evidence, function: Function, call: ast.Call) -> bool:
    """Whether a call tells a group something: itself, by a function, by a view."""
    name = calls.name_of(call, function)
    if calls.is_layer(name):
        return name.endswith(".group_send")
    target = called_function(call, function)[0]
    behind_it = (
        [target] if target is not None and not is_aside(target.module.file) else []
    )
    path = getattr(call.args[0], "value", None) if call.args else None
    if name.endswith(_POSTS) and isinstance(path, str):
        behind_it += views(seen, path.partition("?")[0])
    reached: list[Frame] = []
    for one in behind_it:
        reach(Frame(one, one.owner), reached)
    return any(
        calls.is_layer(inner(made, one.function))
        and inner(made, one.function).endswith(".group_send")
        for one in reached
        for made in calls.calls(one.function.node)
    )


def _sent_first(owner: Class | None) -> int | None:
    """How many messages a consumer sends a new client; None if that is not certain.

    What it only sends some of them is no greeting, unless it has another one, too.
    """
    methods = [owner.method(name) for name in ("websocket_connect", "connect") if owner]
    there = [one for one in methods if one is not None]
    least = [_sends(one, 0, always=True) for one in there]
    most = [_sends(one, 0, always=False) for one in there]
    if None in most:
        return None
    return sum(one or 0 for one in most) if any(least) else 0


def _sends(method: Function, depth: int, always: bool) -> int | None:
    """The messages that a method sends, itself or by others of its object.

    Args:
        method: a method of a consumer.
        depth: how many have led to it.
        always: count those alone that it sends whatever happens.
    """
    if depth > DEEP:
        return None
    plain = (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return, ast.AsyncWith, ast.With)
    sure = {
        id(node)
        for statement in method.node.body
        if isinstance(statement, plain)
        for node in walk(statement)
    }
    looped = {
        id(node)
        for loop in walk(method.node)
        if isinstance(loop, LOOPS)
        for node in walk(loop)
    }
    found = 0
    for call in calls.calls(method.node):
        if always and id(call) not in sure:
            continue
        name = calls.name_of(call, method)
        more: int | None = 0
        if name in ("self.send", "self.send_json"):
            silent = ("websocket.accept", "websocket.close")
            more = 0 if _kind(call) in silent else 1
        elif name.startswith("self.") and method.owner is not None:
            inner = method.owner.method(name[5:])
            more = _sends(inner, depth + 1, always) if inner is not None else 0
        if more is None or (more and id(call) in looped):
            return None
        found += more
    return found


def _kind(call: ast.Call) -> str:
    """The type of a message that is written out where it is sent."""
    first = call.args[0] if call.args else None
    for key, value in (
        zip(first.keys, first.values, strict=True)
        if isinstance(first, ast.Dict)
        else ()
    ):
        if getattr(key, "value", "") == "type":
            return str(getattr(value, "value", ""))
    return ""

"""A group that is sent to like a channel, and a channel like a group."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.groupnames import Call, given, group_of
from tutor.doctor.rules.groups.sent import received, sending
from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import Frame
from tutor.doctor.source.values import ANY, Values, values
from tutor.doctor.source.walking import walk

RANK = 66


def rules(seen: Evidence, sends: list[Call], adds: list[Call]) -> Iterator[Found]:
    """``send`` with the name of a group, ``group_send`` with that of a channel.

    Args:
        seen: the evidence.
        sends: the calls of ``group_send``, as they run.
        adds: the calls of ``group_add``.
    """
    yield from _like_a_channel(seen, adds)
    if any(_is_own(group_of(call)) for _, call in adds):
        return  # each channel has a group of its own name
    handed = _handed_on(seen)
    for frame, call in sends:
        node = group_of(call)
        if _is_own(node) or (node is not None and _asked(node, handed)):
            yield _found(frame.function, call, "group_send", "a channel", "send")
            return


def _like_a_channel(seen: Evidence, adds: list[Call]) -> Iterator[Found]:
    """What is sent to one channel, and bears the name of a group that is joined."""
    joined = [(frame, group_of(add)) for frame, add in adds]
    named = [(frame, node, values(frame, node)) for frame, node in joined if node]
    fetched = {*(seen.walk.get("channels") or {}), *received(seen)}
    for function in seen.source.all_functions():
        for call, name, _ in sending(function):
            if not (calls.is_layer(name) and name.endswith(".send")):
                continue
            node = given(call, 0, "channel")
            for one in seen.sites.frames(function) if node is not None else ():
                told = values(one, node)
                if told and told & fetched:
                    continue
                if any(_is_same(one, node, told, *other) for other in named):
                    yield _found(function, call, "send", "a group", "group_send")
                    return


def _is_same(
    mine: Frame,
    node: ast.expr | None,
    told: Values | None,
    frame: Frame,
    joined: ast.expr,
    names: Values | None,
) -> bool:
    """Whether a call names what another one joins: by one attribute, or one text."""
    if isinstance(node, ast.Attribute) and ast.unparse(node) == ast.unparse(joined):
        own = getattr(node.value, "id", "") == mine.function.self_name
        return not _is_own(node) and own and mine.owner is frame.owner is not None
    return bool(told and names and told == names and any(map(_has_text, told)))


def _has_text(name: str) -> bool:
    return len(name.replace(ANY, "")) > 1


def _is_own(node: ast.expr | None) -> bool:
    """``self.channel_name``, or what somebody has kept of it."""
    return isinstance(node, ast.Attribute) and node.attr == "channel_name"


def _handed_on(seen: Evidence) -> set[str]:
    """The keys under which messages carry the name of their sender's channel."""
    found: dict[str, list[bool]] = {}
    for function in seen.source.all_functions():
        for node in walk(function.node):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    word = str(getattr(key, "value", ""))
                    found.setdefault(word, []).append(_is_own(value))
    return {key for key, own in found.items() if all(own)}


def _asked(node: ast.expr, keys: set[str]) -> bool:
    """``message["reply_to"]``, under one of those keys."""
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get":
        return bool(node.args) and getattr(node.args[0], "value", ...) in keys
    key = node.slice if isinstance(node, ast.Subscript) else None
    return getattr(key, "value", ...) in keys


def _found(
    function: Function, call: ast.Call, method: str, given_one: str, wanted: str
) -> Found:
    return Found(
        "group-taken-for-a-channel",
        f"nobody hears it: {method}() is given the name of {given_one}",
        at(function, call),
        RANK,
        TRIED,
        f"{wanted}()",
    )

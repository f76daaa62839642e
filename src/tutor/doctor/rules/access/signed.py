"""Who has written a message, where the message itself says so."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import written
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.packed import events
from tutor.doctor.source import Class, Function
from tutor.doctor.source.walking import walk

SLUG = "auth-name-taken-from-the-client"
RANK = 71
DEEP = 4
_NAMES = {"user", "username", "user_name", "user_id", "author", "author_id"}
_NAMES |= {"sender", "sender_id", "from_user"}
_ASKED = ("is_authenticated", "is_anonymous")
_HEARS = ("receive_json", "receive", "websocket_receive")


def rules(seen: Evidence) -> Iterator[Found]:
    """``"user": content["user"]`` for a group, where everyone has logged in."""
    for function, message in events(seen):
        owner = function.owner
        if owner is None or not owner.kind or not _knows(owner):
            continue
        for key, value in (written(message, function) or {}).items():
            if key in _NAMES and _is_told(value, function):
                yield Found(
                    SLUG,
                    f"whoever sends it may write any {key!r} into it",
                    at(function, value),
                    RANK,
                    TRIED,
                    'self.scope["user"].username',
                )
                return


def _knows(owner: Class) -> bool:
    """Whether a consumer asks whether its client has logged in."""
    return any(
        isinstance(node, ast.Attribute) and node.attr in _ASKED
        for one in owner.line_of_ancestors
        for node in walk(one.node)
    )


def _is_told(node: ast.expr, function: Function, depth: int = 0) -> bool:
    """Whether a value is a part of what the client has sent."""
    if isinstance(node, ast.Name):
        made = function.values.get(node.id, [])
        return (
            depth < DEEP and len(made) == 1 and _is_told(made[0], function, depth + 1)
        )
    held: ast.expr | None = None
    key: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        held, key = node.value, node.slice
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get":
        held, key = getattr(node.func, "value", None), next(iter(node.args), None)
    if getattr(key, "value", None) not in _NAMES or not isinstance(held, ast.Name):
        return False
    given = [one.arg for one in function.node.args.args][1:2]
    made = function.values.get(held.id, [])
    sent = held.id in given and function.name in _HEARS
    read = [getattr(one, "func", None) for one in made]
    return _is_left(held.id, function) and (
        (sent and not made)
        or any(function.module.resolve(one, function) == "json.loads" for one in read)
    )


def _is_left(name: str, function: Function) -> bool:
    """Whether nothing is put into what the client has sent."""
    return not any(
        isinstance(node, ast.Subscript)
        and not isinstance(node.ctx, ast.Load)
        and getattr(node.value, "id", "") == name
        for node in walk(function.node)
    )

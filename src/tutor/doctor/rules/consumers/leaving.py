"""A consumer whose own farewell takes the place of the one that left the group."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.reach import inner, reach
from tutor.doctor.source import calls
from tutor.doctor.source.flow import Frame
from tutor.doctor.source.walking import walk

ENDS = ("disconnect", "websocket_disconnect")


def stays(frame: Frame) -> Iterator[Found]:
    """``disconnect`` without ``super()``, where a base or a mixin leaves the group.

    Args:
        frame: who joins, as it runs.
    """
    owner = frame.owner
    own = owner.method("disconnect") if owner is not None else None
    if owner is None or not owner.kind or own is None or own.owner is None:
        return
    above = [
        one.methods[name]
        for one in owner.line_of_ancestors
        for name in ENDS
        if name in one.methods and one.methods[name] is not own
    ]
    if not any(_leaves(Frame(one, owner)) for one in above):
        return  # it may leave in its own way
    ends = [method for name in ENDS if (method := owner.method(name))]
    if any(_leaves(Frame(one, owner)) or _asks_above(one.node) for one in ends):
        return
    yield Found(
        "group-no-discard",
        f"the disconnect of {own.owner.name} hides the one that leaves the group",
        at(own, own.node),
        72,
        TRIED,
        "await super().disconnect(code)",
    )


def _leaves(frame: Frame) -> bool:
    """Whether a method leaves a group, itself or by what it calls."""
    found: list[Frame] = []
    reach(frame, found)
    return any(
        inner(call, one.function).endswith(".group_discard")
        for one in found
        for call in calls.calls(one.function.node)
    )


def _asks_above(node: ast.AST) -> bool:
    """Whether a method asks the next class for its own."""
    return any(getattr(one, "id", "") == "super" for one in walk(node))

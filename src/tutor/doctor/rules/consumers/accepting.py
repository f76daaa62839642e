"""A consumer that says no word of acceptance, whoever comes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.reach import reach
from tutor.doctor.source import Class, Function, calls, known
from tutor.doctor.source.flow import Frame
from tutor.doctor.source.walking import walk

RANK = 61
PATIENCE = 5  # seconds for which Daphne waits for an answer
_SLEEPS = {"asyncio.sleep", "anyio.sleep", *known.SLEEPS}


def rules(seen: Evidence) -> Iterator[Found]:
    """``connect`` without ``accept()``: who is let in waits, and who is not goes."""
    for one in seen.source.consumers():
        for name in ("connect", "websocket_connect"):
            if name in one.methods:
                yield from _too_late(one.methods[name])
    for leaf in seen.leaves:
        owner = seen.consumer_class(leaf.get("consumer"))
        connect = owner.method("connect") if owner is not None else None
        if owner is None or connect is None or not owner.kind:
            continue
        if not any("WebsocketConsumer" in one for one in owner.library_bases()):
            continue
        said = {name for one in owner.line_of_ancestors for name in one.methods}
        if said <= {"connect", "disconnect"}:
            continue  # it is there to refuse
        if not _may_accept(owner, connect):
            yield Found(
                "consumer-never-accepts",
                "no handshake is ever answered with yes",
                at(connect, connect.node),
                RANK,
                TRIED,
                "await self.accept()",
            )
            return


def _too_late(connect: Function) -> Iterator[Found]:
    """Sleep before the answer: Daphne has dropped the connection by then."""
    slept = 0.0
    for statement in connect.node.body:
        for call in calls.calls(statement):
            said = ast.unparse(call)
            if calls.name_of(call, connect) == "self.accept" or ".accept'" in said:
                return
            asleep = calls.name_of(call, connect) in _SLEEPS and call.args
            time = getattr(call.args[0], "value", None) if asleep else None
            slept += time if isinstance(time, int | float) else 0
            if asleep and slept >= PATIENCE:
                yield Found(
                    "consumer-never-accepts",
                    "no answer: the connection is dropped after five seconds",
                    at(connect, call),
                    RANK,
                    TRIED,
                    "an answer at once",
                    f"It comes too late: {slept:g} seconds pass before it.",
                )
                return


def _may_accept(owner: Class, connect: Function) -> bool:
    """Whether anything that ``connect`` comes to may accept."""
    reached: list[Frame] = []
    reach(Frame(connect, owner), reached)
    for frame in reached:
        function = frame.function
        for call in calls.calls(function.node):
            given = [*call.args, *(one.value for one in call.keywords)]
            name = given[1] if len(given) > 1 else None
            if getattr(call.func, "id", "") == "getattr":
                if getattr(name, "value", "accept") == "accept":
                    return True
            elif any(getattr(one, "id", "") == function.self_name for one in given):
                return True  # somebody else may do it
        for node in walk(function.node):
            named = getattr(node, "attr", getattr(node, "id", ""))
            if isinstance(node, ast.Attribute | ast.Name) and named in (
                "accept",
                "super",
            ):
                return True
            if getattr(node, "value", "") == "websocket.accept":
                return True
    return any(
        one.method("websocket_connect") or one.method("dispatch")
        for one in owner.line_of_ancestors
    )

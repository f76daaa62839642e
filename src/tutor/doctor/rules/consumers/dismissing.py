"""The handler of the end, called where the socket should be closed."""

from __future__ import annotations

from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.reach import reach
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import Frame
from tutor.doctor.source.walking import walk

RANK = 66
_ENDS = ("disconnect", "websocket_disconnect")
_CLOSES = {"close", "base_send", "websocket_close"}


def rules(seen: Evidence) -> Iterator[Found]:
    """``await self.disconnect()``: it closes nothing."""
    for owner in seen.source.consumers():
        for method in owner.methods.values():
            if method.name in (*_ENDS, "close", "dispatch") or _closes(owner, method):
                continue
            for call in calls.calls(method.node):
                name = calls.name_of(call, method).removeprefix("self.")
                if name in _ENDS and owner.method(name) is not None:
                    yield Found(
                        "consumer-disconnect-called",
                        "nothing: the socket stays open",
                        at(method, call),
                        RANK,
                        TRIED,
                        "close()",
                    )
                    return


def _closes(owner: Class, method: Function) -> bool:
    """Whether anything that a method comes to closes the socket, or says so."""
    reached: list[Frame] = []
    reach(Frame(method, owner), reached)
    nodes = [node for one in reached for node in walk(one.function.node)]
    return any(
        getattr(node, "attr", "") in _CLOSES
        or getattr(node, "id", "") == "DenyConnection"
        or getattr(node, "value", "") == "websocket.close"
        for node in nodes
    )

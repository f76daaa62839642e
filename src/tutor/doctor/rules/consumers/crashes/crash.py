"""An exception, what was going on, and the places that it leads to."""

from __future__ import annotations

from dataclasses import dataclass

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place, deepest


@dataclass(frozen=True)
class Crash:
    """An exception, and what was going on.

    Args:
        links: the exception and its causes, outermost first.
        told: the type of the last message the application was given.
        phase: what the client had sent last: "", "json", "text", "typed" or "binary".
        leaf: the route that was knocked at.
        over: whether the consumer has closed, or deals with its client's leaving.
        signed: whether its client had signed in, as a user that we have made.
    """

    links: list[Event]
    told: str
    phase: str
    leaf: Event
    over: bool = True
    signed: bool = False


def deepest_own(links: list[Event]) -> Event | None:
    """The deepest frame of the project that is no middleware around the consumer."""
    for link in reversed(links):
        inside = [
            number
            for number, frame in enumerate(link["frames"])
            if frame["file"].endswith("channels/consumer.py")
            and frame["name"] in ("__call__", "dispatch", "app")
        ]
        if not inside:
            continue
        own = [frame for frame in link["frames"][inside[-1] :] if frame["own"]]
        return own[-1] if own else None
    return deepest(links)


def connecting(seen: Evidence, crash: Crash) -> Place | None:
    owner = seen.consumer_class(crash.leaf.get("consumer"))
    method = owner.method("connect") if owner else None
    return (method.module.file, method.node.lineno) if method else None


def from_async(seen: Evidence, crash: Crash) -> Place | None:
    """The line of asynchronous code from which a crash was reached."""
    for frame in reversed(crash.links[-1]["frames"]):
        place = seen.place(frame) if frame["own"] else (None, None)
        function = seen.function_at(place)
        if function is not None and function.is_async:
            return place
    return None


def handler_place(seen: Evidence, crash: Crash) -> Place:
    """The handler of the last message, in the consumer that was knocked at."""
    owner = seen.consumer_class(crash.leaf.get("consumer"))
    if owner is None:
        return None, None
    raw = crash.told.replace(".", "_")
    names = {
        "websocket_connect": ("connect",),
        "websocket_disconnect": ("disconnect",),
        "websocket_receive": ("receive", "receive_json"),
    }.get(raw, ())
    texts = str([link["text"] for link in crash.links])
    made = ("__init__",) if "__init__()" in texts else ()
    for name in (*made, raw, *names):
        method = owner.method(name)
        if method is not None:
            return method.module.file, method.node.lineno
    return owner.module.file, owner.node.lineno

"""A message that no handler takes."""

from __future__ import annotations

import ast

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.crashes.crash import Crash
from tutor.doctor.rules.consumers.lines import Cause
from tutor.doctor.rules.found import GENERIC, HANDLERS, Place
from tutor.doctor.rules.names import near_handler
from tutor.doctor.source import Class


def no_handler(seen: Evidence, crash: Crash, kind: str) -> Cause | None:
    owner = seen.consumer_class(crash.leaf.get("consumer"))
    place: Place = (owner.module.file, owner.node.lineno) if owner else (None, None)
    if not kind.startswith("websocket."):
        near = _near_method(seen, owner, kind.replace(".", "_"))
        return "group-handler-missing-closes-everyone", near or place, ""
    if kind not in ("websocket.connect", "websocket.receive", "websocket.disconnect"):
        return "group-sends-raw-websocket-event", place, ""
    again = _again(owner)
    if owner is not None and again is not None:
        hint = f"The class of line {again} is the one that is used."
        return "python-defined-twice", (owner.module.file, again), hint
    if owner is None or not any(one.methods for one in owner.line_of_ancestors):
        # At step 5 nobody has written it yet.
        others = any(
            name in (*GENERIC, *HANDLERS)
            for one in seen.source.consumers()
            for name in one.methods
        )
        fallen = owner is not None and any(
            f"{owner.module.name}.{name}" in seen.source.functions
            for name in (*GENERIC, *HANDLERS)
        )
        late = seen.aim >= 6 or others or fallen
        hint = "They stand outside the class: their indentation says so."
        known = "consumer-has-no-handlers", place, hint if fallen else ""
        return known if late else None
    wanted = kind.replace(".", "_")
    found = near_handler(seen, owner, wanted)
    if found:
        method = owner.method(found)
        at: Place = (method.module.file, method.node.lineno) if method else place
        slug = f"consumer-{kind.partition('.')[2]}-handler-misnamed"
        return slug, at, f"It is written {found}."
    outside = seen.source.functions.get(f"{owner.module.name}.{wanted}")
    if outside is not None:
        slug = f"consumer-{kind.partition('.')[2]}-handler-misnamed"
        hint = "It stands outside the class: its indentation says so."
        return slug, (outside.module.file, outside.node.lineno), hint
    # The other handlers may stand in a base class of the project's.
    having = [one for one in owner.line_of_ancestors if {*HANDLERS} & {*one.methods}]
    place = (having[0].module.file, having[0].node.lineno) if having else place
    if kind == "websocket.disconnect":
        return "consumer-no-disconnect-handler", place, ""
    return f"consumer-{kind.partition('.')[2]}-handler-misnamed", place, ""


def _again(owner: Class | None) -> int | None:
    """The line where the module has another class of a consumer's name."""
    body = owner.module.tree.body if owner is not None else []
    same = [
        node.lineno
        for node in body
        if isinstance(node, ast.ClassDef) and owner is not None
        if node.name == owner.name
    ]
    return same[-1] if len(same) > 1 else None


def _near_method(seen: Evidence, owner: Class | None, wanted: str) -> Place | None:
    """The method that was meant: the consumer's own, else the one most like it."""
    owners = [owner] if owner is not None else []
    for group in (owners, seen.source.consumers()):
        named = {
            name: method
            for one in group
            for name, method in one.methods.items()
            if name not in (*GENERIC, *HANDLERS)
        }
        name = seen.near(wanted, named, 0.4)
        if name:
            return named[name].module.file, named[name].node.lineno
    return None

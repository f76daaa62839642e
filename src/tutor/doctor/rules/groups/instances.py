"""What an event holds that its handler cannot write as JSON: rows, times, decimals."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import holds_models
from tutor.doctor.rules.database import fields
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.groupnames import given
from tutor.doctor.rules.groups.opened import parts
from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.values import values
from tutor.doctor.source.walking import walk

_ROW = "django.db.models.Model"


def rules(seen: Evidence, frame: Frame, call: ast.Call) -> Iterator[Found]:
    """An event of which a handler sends on a part as it is, and JSON knows none such.

    Args:
        seen: the evidence.
        frame: the function that sends it, as it runs.
        call: the call of ``group_send``.
    """
    node = given(call, 1, "message")
    where, found = unfold(frame, node) if node is not None else (frame, None)
    message = parts(where, found) or {}
    if "type" not in message:
        return
    for kind in values(*message["type"]) or ():
        for owner in seen.source.consumers():
            handler = owner.method(kind.replace(".", "_"))
            for key in sorted(_passed_on(handler)) if handler is not None else ():
                if key not in message:
                    continue
                origin, value = message[key]
                if not holds_models(seen.source, value, origin.function):
                    origin, value = unfold(origin, value)  # as the callers give it
                if got := _strange(seen, origin, value):
                    yield Found(
                        "db-model-instance-in-event",
                        got,
                        at(origin.function, value),
                        64,
                        TRIED,
                        "its fields, not the instance"
                        if got.startswith("a model")
                        else "text or numbers, such as str() of it",
                    )
                    return


def _strange(seen: Evidence, where: Frame, value: ast.expr) -> str:
    """What JSON says of a value; empty where it knows such."""
    if holds_models(seen.source, value, where.function):
        return "a model is not JSON serializable"
    kind = fields.held(value, where.function)
    if kind in ("", _ROW):
        return ""
    return f"Object of type {kind.rpartition('.')[2]} is not JSON serializable"


def _passed_on(handler: Function) -> set[str]:
    """The keys of an event whose values a handler writes as JSON, untouched."""
    found = set()
    owner = handler.owner
    own = owner is not None and owner.method("encode_json") is not None
    for call in calls.calls(handler.node):
        name = calls.name_of(call, handler)
        if name not in ("self.send_json", "json.dumps") or own:
            continue
        if any(word.arg in ("cls", "default") for word in call.keywords):
            continue
        nodes = [node for one in call.args for node in walk(one)]
        nodes += call.args
        taken = {id(n.value) for n in nodes if isinstance(n, ast.Attribute)}
        taken |= {id(one) for n in nodes if isinstance(n, ast.Call) for one in n.args}
        taken |= {
            id(one.value)
            for n in nodes
            if isinstance(n, ast.JoinedStr)
            for one in n.values
            if isinstance(one, ast.FormattedValue)
        }
        found |= {
            str(node.slice.value)
            for node in nodes
            if isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and id(node) not in taken
        }
    return found

"""The types of a group's events, which no client ever sees."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import written
from tutor.doctor.rules.groups.groupnames import given
from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import every_call
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.values import ANY, values
from tutor.doctor.source.walking import child_nodes, own_nodes, walk


def only_inside(seen: Evidence) -> set[str]:
    """Types of events that a handler takes apart, and that no client has heard."""
    heard = {
        kind
        for client in seen.answers.everyone
        for text in client.heard
        for kind in _kinds(text)
    }
    found = {kind for kind in types(seen) if kind not in heard}
    found = {kind for kind in found if not _is_passed_on(seen, kind)}
    return found and found - {*_said(seen, found)}


def _kinds(text: str | bytes) -> Iterator[str]:
    try:
        told = json.loads(text)
    except ValueError:
        return
    for value in told.values() if isinstance(told, dict) else ():
        if isinstance(value, str):
            yield value


def _said(seen: Evidence, kinds: set[str]) -> Iterator[str]:
    """Types that are said again: by a handler, by code that sends to no group, by name.

    What a name stands for may be a client's word, too: ``MessageType.JOINED``.
    """
    handlers = {kind.replace(".", "_") for kind in kinds}
    for function in seen.source.all_functions():
        sends = any(_is_group_send(c, function) for c in every_call(function.node))
        if not sends or function.node.name in handlers:
            for node in walk(function.node):
                word = node.value if isinstance(node, ast.Constant) else None
                if isinstance(word, str) and word in kinds:
                    yield word
    for module in seen.source.modules.values():
        for node in own_nodes(module.tree) if not is_aside(module.file) else ():
            word = getattr(node, "value", None)
            if isinstance(node, ast.Constant) and word in kinds:
                yield word


def types(seen: Evidence) -> Iterator[str]:
    """The types of all events that the project sends to groups."""
    for function in seen.source.all_functions():
        for call in every_call(function.node):
            if not _is_group_send(call, function):
                continue
            for frame in seen.sites.frames(function):
                message = written(given(call, 1, "message"), function) or {}
                kinds = values(frame, message.get("type")) or ()
                yield from (one for one in kinds if ANY not in one)


def _is_group_send(call: ast.Call, function: Function) -> bool:
    name = calls.name_of(call, function)
    if isinstance(call.func, ast.Call) and call.func.args:  # of async_to_sync
        name = function.module.resolve(call.func.args[0], function) or ""
    return calls.is_layer(name) and name.endswith(".group_send")


def _is_passed_on(seen: Evidence, kind: str) -> bool:
    """Whether a handler of such events may send one as it is."""
    name = kind.replace(".", "_")
    for owner in seen.source.consumers():
        method = owner.methods.get(name)
        names = {one.arg for one in method.node.args.args[1:2]} if method else set()
        for node in walk(method.node) if method else ():
            for part in child_nodes(node):
                if isinstance(part, ast.Name) and part.id in names:
                    if not (isinstance(node, ast.Subscript) and node.value is part):
                        return True
                    key = getattr(node.slice, "value", "")
                    if key == "type":
                        return True
    return False

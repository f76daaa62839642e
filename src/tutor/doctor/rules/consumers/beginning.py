"""How a consumer begins, and where it says that it is done."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.walking import own_nodes, walk

RANK = 48
_STOP = "channels.exceptions.StopConsumer"
_GOES_ON = ("websocket_connect", "connect", "websocket_receive", "receive")


def rules(seen: Evidence) -> Iterator[Found]:
    for owner in seen.source.consumers():
        if owner.kind.endswith(("generic", "json")):
            yield from _without_its_base(owner)
        for name in (*_GOES_ON, "receive_json"):
            if name in owner.methods:
                yield from _stops(owner.methods[name])


def _without_its_base(owner: Class) -> Iterator[Found]:
    """``__init__`` in place of the library's, which makes the list of groups."""
    made = owner.methods.get("__init__")
    if made is None or made.node.decorator_list:
        return
    family = [kind for one in (owner, *owner.heirs) for kind in one.line_of_ancestors]
    named = {name for one in family for name in one.attributes}
    set_here = {name for name, _ in made.self_values}
    asked = any(
        isinstance(node, ast.Attribute) and node.attr == "__init__"
        for node in walk(made.node)
    )
    if not asked and "groups" not in named | set_here:
        yield Found(
            "consumer-init-without-super",
            "TypeError: 'NoneType' object is not iterable",
            at(made, made.node),
            RANK,
            TRIED,
            "super().__init__(*args, **kwargs) in __init__",
        )


def _stops(method: Function) -> Iterator[Found]:
    """``raise StopConsumer`` while the client is there, and nobody has closed."""
    closes = [
        call.lineno
        for call in calls.calls(method.node)
        if calls.name_of(call, method) in ("self.close", "builtins.super().close")
        or (call.args and "websocket.close" in ast.unparse(call.args[0]))
        or "disconnect" in calls.name_of(call, method)
    ]
    for node in own_nodes(method.node):
        raised = node.exc if isinstance(node, ast.Raise) else None
        kind = raised.func if isinstance(raised, ast.Call) else raised
        if kind is None or method.module.resolve(kind, method) != _STOP:
            continue
        if not closes and not any(_asks(one) for one in walk(method.node)):
            yield Found(
                "consumer-stops-too-early",
                "silence: the socket stays open, and nobody listens",
                at(method, node),
                RANK,
                TRIED,
                "StopConsumer in websocket_disconnect, or close() before it",
            )
            return


def _asks(node: ast.AST) -> bool:
    """Whether a message's type is looked at: it may be that of the end."""
    return isinstance(node, ast.Constant) and node.value == "websocket.disconnect"

"""What a handler of a raw consumer looks for in its event, and no server puts in."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import HANDLERS, TRIED, Found, at
from tutor.doctor.source import Function
from tutor.doctor.source.walking import own_nodes

RANK = 49  # as sure as the KeyError
_HELD = {
    "websocket_connect": {"type"},
    "websocket_receive": {"type", "text", "bytes"},
    "websocket_disconnect": {"type", "code", "reason"},
}
_OF_THE_SCOPE = {"url_route", "user", "session", "path", "query_string", "headers"}
_OF_THE_SCOPE |= {"client", "cookies", "kwargs", "subprotocols"}


def rules(seen: Evidence) -> Iterator[Found]:
    """``event["message"]``, ``event["url_route"]``."""
    for owner in seen.source.consumers():
        if any(one.method("dispatch") for one in (owner, *owner.heirs)):
            continue
        for name in HANDLERS:
            if name in owner.methods:
                yield from _asked(owner.methods[name])


def _asked(method: Function) -> Iterator[Found]:
    event = next((one.arg for one in method.node.args.args[1:2]), "")
    nodes = own_nodes(method.node)
    stored = any(
        isinstance(node, ast.Name | ast.Subscript)
        and isinstance(node.ctx, ast.Store)
        and event in (getattr(node, "id", ""), getattr(_held(node)[0], "id", ""))
        for node in nodes
    )
    for node in nodes if event and not stored else ():
        held, word = _held(node)
        key = getattr(word, "value", None)
        if getattr(held, "id", "") != event or not isinstance(key, str):
            continue
        if key in _HELD[method.name]:
            continue
        there = " or ".join(sorted(_HELD[method.name] - {"type"})) or "its type alone"
        hint = f"The server tells {there} here."
        if key in _OF_THE_SCOPE:
            hint = f"{key} stands in self.scope."
        yield Found(
            "group-event-without-key",
            f"KeyError: {key!r}",
            at(method, node),
            RANK,
            TRIED,
            f"an event with {key}",
            hint,
        )
        return


def _held(node: ast.AST) -> tuple[ast.expr | None, ast.expr | None]:
    """What a key is looked for in, and the key."""
    if isinstance(node, ast.Subscript):
        return node.value, node.slice
    func = getattr(node, "func", None)
    if not isinstance(node, ast.Call) or not isinstance(func, ast.Attribute):
        return None, None
    asks = func.attr == "get" and bool(node.args)
    return (func.value, node.args[0]) if asks else (None, None)

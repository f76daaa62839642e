"""JSON that is parsed already, and given to ``json.loads``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import HANDLERS, TRIED, Found, at
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.walking import walk

RANK = 58


def rules(seen: Evidence) -> Iterator[Found]:
    """``json.loads(content)`` in ``receive_json``, which is given a dict."""
    for owner in seen.source.consumers():
        names: tuple[str, ...] = HANDLERS if owner.kind in ("async", "sync") else ()
        if owner.kind.endswith("json") and not _reads_its_own_way(owner):
            names = ("receive_json",)
        for name in names:
            if name in owner.methods:
                yield from again(owner.methods[name])


def _reads_its_own_way(owner: Class) -> bool:
    """Whether the project itself says what ``receive_json`` is given."""
    family = [kind for one in (owner, *owner.heirs) for kind in one.line_of_ancestors]
    return any(
        one.method("decode_json") is not None or one.method("receive") is not None
        for one in family
    )


def again(method: Function) -> Iterator[Found]:
    """Where a handler parses its first argument, which is a dict."""
    given = [one.arg for one in method.node.args.args][1:2]
    nodes = list(walk(method.node))
    asked = any(getattr(node, "id", "") == "isinstance" for node in nodes)
    for call in calls.calls(method.node):
        named = getattr(call.args[0], "id", "") if call.args else ""
        if named not in given or calls.name_of(call, method) != "json.loads":
            continue
        before = [
            node
            for node in nodes
            if isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Store)
            and node.id == named
            and node.lineno < call.lineno
        ]
        if not (before or asked):
            yield Found(
                "consumer-json-parsed-twice",
                "TypeError: the JSON object must be str, bytes or bytearray, not dict",
                at(method, call),
                RANK,
                TRIED,
                f"{named} as it is",
            )

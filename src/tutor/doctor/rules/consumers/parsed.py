"""JSON that is parsed already, and given to ``json.loads``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import HANDLERS, TRIED, Found, at
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.walking import walk

RANK = 58
_TEXT = re.compile(r"text_data\b|event(\[|\.get\()")  # as it has come


def rules(seen: Evidence) -> Iterator[Found]:
    """``json.loads(content)`` in ``receive_json``, which is given a dict."""
    for owner in seen.source.consumers():
        names: tuple[str, ...] = HANDLERS if owner.kind in ("async", "sync") else ()
        if owner.kind.endswith("json") and not _reads_its_own_way(owner):
            names = ("receive_json",)
        for name in ("receive", "websocket_receive"):
            if name in owner.methods:
                yield from _written_again(owner.methods[name])
        for name in names:
            if name in owner.methods:
                yield from again(owner.methods[name])


def _written_again(method: Function) -> Iterator[Found]:
    """``json.dumps(text_data)``, read as if it were parsed, and ``json.load()``."""
    nodes = [*walk(method.node)]
    for call in calls.calls(method.node):
        given = ast.unparse(call.args[0]) if call.args else ""
        name = calls.name_of(call, method) if _TEXT.match(given) else ""
        kept = [key for key, values in method.values.items() if values == [call]]
        if name == "json.load":
            got = "AttributeError: 'str' object has no attribute 'read'"
            yield _unparsed(method, call, got, given)
        elif name == "json.dumps" and any(_is_read(n, call, kept) for n in nodes):
            got = "AttributeError: 'str' object has no attribute 'get'"
            yield _unparsed(method, call, got, given)


def _unparsed(method: Function, call: ast.Call, got: str, given: str) -> Found:
    slug, right = "consumer-json-not-parsed", f"json.loads({given})"
    return Found(slug, got, at(method, call), RANK, TRIED, right)


def _is_read(node: ast.AST, call: ast.Call, names: list[str]) -> bool:
    """Whether what a call gives is asked for a key, or for its kind."""

    def is_it(one: ast.AST) -> bool:
        return one is call or getattr(one, "id", "") in names

    if isinstance(node, ast.Subscript):
        return isinstance(getattr(node.slice, "value", None), str) and is_it(node.value)
    func = node.func if isinstance(node, ast.Call) else None
    if isinstance(func, ast.Attribute):
        return func.attr == "get" and is_it(func.value)
    return (
        isinstance(func, ast.Name)
        and func.id == "isinstance"
        and any(is_it(one) for one in getattr(node, "args", ()))
    )


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

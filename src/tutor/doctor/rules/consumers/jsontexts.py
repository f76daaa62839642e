"""Expressions that are JSON already: a text that somebody has encoded."""

from __future__ import annotations

import ast

from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import returned
from tutor.doctor.source.walking import walk

DEEP = 4
_ENCODERS = {
    *("json.dumps", "ujson.dumps", "simplejson.dumps", "rapidjson.dumps"),
    "django.core.serializers.serialize",
}


def is_json_text(node: ast.expr, function: Function, depth: int = 0) -> bool:
    """Whether an expression is certainly a text of JSON."""
    if depth > DEEP:
        return False
    if isinstance(node, ast.Await):
        return is_json_text(node.value, function, depth)
    if isinstance(node, ast.Name):
        made = function.values.get(node.id, [])
        return len(made) == 1 and is_json_text(made[0], function, depth + 1)
    if not isinstance(node, ast.Call):
        return False
    name = calls.name_of(node, function)
    if name in _ENCODERS:
        return True
    target = calls.target_of(node, function)
    if target is None:
        # The library's own, by which send_json encodes.
        own = function.owner is not None and function.owner.kind.endswith("json")
        return own and name in ("self.encode_json", "cls.encode_json")
    given = returned(target)
    return bool(given) and all(is_json_text(g, target, depth + 1) for g in given)


def takes_texts(owner: Class) -> bool:
    """Whether a consumer's own sending knows what to do with a text of JSON."""
    encode = owner.method("encode_json")
    asks = encode is not None and any(
        getattr(node, "id", "") == "isinstance" for node in walk(encode.node)
    )
    return asks or owner.method("send_json") is not None

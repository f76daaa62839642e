"""A text that a model is given where it takes what was parsed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.models import is_message
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import walk

RANK = 58
_PARSED = ("validate_python", "model_validate", "parse_obj")


def rules(seen: Evidence) -> Iterator[Found]:
    """``adapter.validate_python(text_data)``: it wants a dict, and hears a text."""
    for owner in seen.source.consumers():
        for method in owner.methods.values():
            for call in calls.calls(method.node):
                base, _, name = calls.name_of(call, method).rpartition(".")
                known = seen.source.classes.get(base)
                ours = known is not None and is_message(known)
                if name not in _PARSED or not call.args:
                    continue
                if not (ours or base.endswith("TypeAdapter()")):
                    continue
                if _is_text(call.args[0], method):
                    right = "validate_json" if "python" in name else f"{name}_json"
                    yield Found(
                        "consumer-json-not-parsed",
                        "Input should be a valid dictionary",
                        at(method, call),
                        RANK,
                        TRIED,
                        f"{right.replace('parse_obj_json', 'parse_raw')}(…)",
                    )


def _is_text(node: ast.expr, method: Function) -> bool:
    """Whether an expression is what has come, as it has come."""
    if not isinstance(node, ast.Name):
        named = isinstance(node, ast.Subscript) and method.name == "websocket_receive"
        return named and getattr(getattr(node, "slice", None), "value", "") == "text"
    if method.name == "decode_json":
        text = "".join(one.arg for one in method.node.args.args[1:2])
    else:
        text = "text_data" if method.name == "receive" else ""
    stored = {
        one.id
        for one in walk(method.node)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    }
    return node.id == text and text not in stored

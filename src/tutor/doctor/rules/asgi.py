"""Where things stand in the ASGI module."""

from __future__ import annotations

import ast

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place

RANK = 40


def assigned(seen: Evidence, name: str) -> Place:
    module = seen.source.modules.get(seen.asgi_module)
    return (seen.asgi_file, module.lines.get(name) if module else None)


def called(seen: Evidence, name: str) -> ast.Call | None:
    """A call in the ASGI module, by the end of its resolved name."""
    module = seen.source.modules.get(seen.asgi_module)
    if module is None:
        return None
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        if (module.resolve(node.func) or "").endswith(name):
            return node
    return None


def websocket_line(call: ast.Call) -> int:
    for node in ast.walk(call):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "websocket":
                    return value.lineno
    return call.lineno

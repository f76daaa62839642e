"""What a template prints of a model's row that a view has given it."""

from __future__ import annotations

import ast

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import contexts
from tutor.doctor.source import Class, Function
from tutor.doctor.source.flow import Frame, unfold

_TEXTS = ("CharField", "SlugField", "TextField", "EmailField", "URLField", "UUIDField")
_ONE = ("get", "create", "first", "last", "latest", "earliest")


def is_text(seen: Evidence, file: str, name: str) -> bool:
    """Whether ``room.slug`` in a template is certainly a field that holds a text."""
    head, _, field = name.partition(".")
    found = [*contexts.given(seen, file, head)] if field and "." not in field else []
    return bool(found) and all(_of_row(*one, field) for one in found)


def _of_row(function: Function, value: ast.expr, field: str) -> bool:
    where, node = unfold(Frame(function, function.owner), value)
    if isinstance(node, ast.Name):  # unfold stops where something is read of it
        given = where.function.values.get(node.id, [])
        node = given[0] if len(given) == 1 else node
    model = _model(where.function, node) if isinstance(node, ast.Call) else None
    line = model.line_of_ancestors if model else []
    made = [one.attributes.get(field) for one in line]
    return any(
        isinstance(one, ast.Call) and ast.unparse(one.func).endswith(_TEXTS)
        for one in made
    )


def _model(function: Function, call: ast.Call) -> Class | None:
    """The model of which a call gives one row."""
    module = function.module
    name = module.resolve(call.func, function) or ""
    if name.endswith("get_object_or_404") and call.args:
        named = module.resolve(call.args[0], function) or ""
    else:
        named, _, method = name.partition(".objects.")
        if method not in _ONE:
            return None
    return module.source.classes.get(named.removesuffix("()"))

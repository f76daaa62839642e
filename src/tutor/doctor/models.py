"""Messages that a class describes: a pydantic model, a dataclass, a typed dict.

A consumer may read no key at all, and have each message checked against a class.
What a client would say then stands in the fields of that class.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tutor.doctor.source import Class, Function
from tutor.doctor.source.walking import walk

_PLAIN: dict[str, Any] = {
    **{"int": 1, "float": 1.5, "bool": True, "list": [], "dict": {}, "str": "hi"},
    **{"NonNegativeInt": 1, "PositiveInt": 1, "StrictInt": 1, "StrictStr": "hi"},
}
_LEAST = {"ge": 0, "gt": 1}  # what a limit of pydantic's adds to its number
DEEP = 3


def examples(method: Function) -> list[dict[str, Any]]:
    """A message for each class that a method tells apart, or checks against."""
    found: dict[str, Class] = {}
    for node in walk(method.node):
        for one in _asked(node, method):
            found.setdefault(one.dotted, one)
    made = [example(one) for one in found.values() if is_message(one)]
    made += [_of_form(one) for one in found.values() if is_form(one)]
    return [one for one in made if one]


def is_message(one: Class) -> bool:
    """Whether a class describes data that comes from outside: a pydantic model."""
    return any(base.startswith("pydantic.") for base in one.library_bases())


def is_form(one: Class) -> bool:
    """Whether a class names the fields of a message as attributes that are made."""
    return any(
        base.startswith(("django.forms.", "rest_framework.serializers."))
        for base in one.library_bases()
    )


def _of_form(one: Class) -> dict[str, Any]:
    """A message with the fields of a form."""
    found: dict[str, Any] = {}
    for owner in reversed(one.line_of_ancestors):
        for name, given in owner.attributes.items():
            kind = getattr(getattr(given, "func", None), "attr", "")
            if kind.endswith("Field"):
                number = kind.startswith(("Integer", "Float", "Decimal", "ModelChoice"))
                found[name] = 1 if number else "hi"
    return found


def _asked(node: ast.AST, method: Function) -> Iterator[Class]:
    """The classes of the project that a piece of a method knows messages by."""
    parts: list[ast.expr] = []
    if isinstance(node, ast.MatchClass):
        parts = [node.cls]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "isinstance" and len(node.args) > 1:
            parts = [*getattr(node.args[1], "elts", node.args[1:])]
        elif any(word.arg is None for word in node.keywords):
            parts = [node.func]  # Message(**content)
        elif node.args or any(word.arg == "data" for word in node.keywords):
            named = method.module.resolve(node.func, method) or ""
            known = method.module.source.classes.get(named)
            parts = [node.func] if known is not None and is_form(known) else []
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith(("model_validate", "validate_", "parse_"))
    ):
        parts = [node.func.value]
    for part in parts:
        dotted = method.module.resolve(part, method) or ""
        if dotted in method.module.source.classes:
            yield method.module.source.classes[dotted]
        elif dotted.startswith("pydantic.") and dotted.endswith("TypeAdapter()"):
            yield from _adapted(part, method)


def _adapted(part: ast.expr, method: Function) -> Iterator[Class]:
    """The classes in what a ``TypeAdapter`` is made of."""
    source, name = method.module.source, ast.unparse(part).rpartition(".")[2]
    for module in source.modules.values():
        for value in module.values.get(name, []) if name.isidentifier() else ():
            for node in walk(value):
                if isinstance(node, (ast.Name, ast.Attribute)):
                    dotted = module.resolve(node) or ""
                    if dotted in source.classes:
                        yield source.classes[dotted]


def example(one: Class, depth: int = 0) -> dict[str, Any]:
    """A message with the fields that a class asks for."""
    found: dict[str, Any] = {}
    for owner in reversed(one.line_of_ancestors):
        for node in owner.node.body:
            if (
                isinstance(node, ast.AnnAssign)
                and isinstance(node.target, ast.Name)
                and "ClassVar" not in ast.unparse(node.annotation)
            ):
                value = _value(owner, node.annotation, node.value, depth)
                found[node.target.id] = value
    return found


def _value(owner: Class, kind: ast.expr, given: ast.expr | None, depth: int = 0) -> Any:
    """A value that fits a field."""
    if isinstance(given, ast.Constant) and given.value is not ...:
        return given.value
    limits = given.keywords if isinstance(given, ast.Call) else []
    for word in limits:
        least = getattr(word.value, "value", None)
        if word.arg in _LEAST and isinstance(least, (int, float)):
            return least + _LEAST[word.arg]
    if isinstance(kind, ast.Constant) and isinstance(kind.value, str):
        kind = ast.parse(kind.value, mode="eval").body  # written as a text
    if isinstance(kind, ast.BinOp):
        return _value(owner, kind.left, None, depth)
    if isinstance(kind, ast.Subscript):
        name = ast.unparse(kind.value).rpartition(".")[2]
        first = next(iter(getattr(kind.slice, "elts", [kind.slice])))
        if name == "Literal":
            return first.value if isinstance(first, ast.Constant) else "hi"
        if name in ("Annotated", "Optional", "Union", "Required"):
            more = [*getattr(kind.slice, "elts", [None])][1:]
            return _value(owner, first, more[0] if more else None, depth)
        return _PLAIN.get(name, "hi")
    known = owner.module.source.classes.get(owner.module.resolve(kind) or "")
    if known is not None and is_message(known) and depth < DEEP:
        return example(known, depth + 1)
    return _PLAIN.get(ast.unparse(kind).rpartition(".")[2], "hi")

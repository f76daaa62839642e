"""The keys that a consumer reads of its messages, each with a value that may do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tutor.doctor.source import Function
from tutor.doctor.source.walking import kept, walk

DEEP = 4  # names that lead to one another
ANYTHING = "hi"
# What an event of ASGI holds, and what no client sends.
KNOWN = {"bytes", "user", "url_route", "kwargs", "code", "headers", "session"}
_NUMBERS = re.compile(r"(^|_)(id|pk|count|number|page|limit|amount|quantity|size)$")
TYPES: dict[str, Any] = {"int": 1, "float": 1.5, "bool": True, "list": [], "dict": {}}


@dataclass
class Heard:
    """What one consumer reads of its messages.

    Args:
        keys: the keys, with a value that may do.
        choices: a key and the values that are told apart.
        whole: messages as a ``match`` statement writes them.
        plain: texts that are no JSON.
    """

    keys: dict[str, Any] = field(default_factory=dict)
    choices: dict[tuple[str, str], None] = field(default_factory=dict)
    whole: list[dict[str, Any]] = field(default_factory=list)
    plain: dict[str, None] = field(default_factory=dict)


def keys(method: Function, heard: Heard) -> None:
    for node in walk(method.node):
        key = key_of(node, method)
        if key is None or key in KNOWN:
            continue
        inner = _inner(node, method)
        if inner is not None and inner not in KNOWN:
            before = heard.keys.get(inner)
            nested = before if isinstance(before, dict) else {}
            heard.keys[inner] = {**nested, key: _plain(key)}
        else:
            heard.keys.setdefault(key, _default(node, key))
    for node in walk(method.node):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            key = key_of(node.args[0], method)
            kind = node.func.id
            if kind == "isinstance" and len(node.args) > 1:
                kind = getattr(node.args[1], "id", "")
            if key in heard.keys and kind in TYPES:
                heard.keys[str(key)] = TYPES[kind]


def _default(node: ast.AST, key: str) -> Any:
    """A value like the one that a consumer takes where the key is missing."""
    instead: ast.AST | None = None
    if isinstance(node, ast.Call) and len(node.args) > 1:
        instead = node.args[1]
    elif isinstance(node, ast.BoolOp):
        instead = node.values[-1]
    if isinstance(instead, (ast.Dict, ast.List)):
        return {} if isinstance(instead, ast.Dict) else []
    value = getattr(instead, "value", None)
    return value if isinstance(value, (bool, int, float)) else _plain(key)


def _plain(key: str) -> Any:
    return 1 if _NUMBERS.search(key) else ANYTHING


def key_of(node: ast.AST | None, method: Function, depth: int = 0) -> str | None:
    """The key whose value an expression is: ``m["type"]``, ``m.get("type")``."""
    found: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        found = node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in ("get", "pop") and node.args:
            found = node.args[0]
        elif node.func.attr in ("lower", "upper", "strip", "replace"):
            return key_of(node.func.value, method, depth + 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
        return (
            key_of(node.args[0], method, depth + 1) if node.func.id == "str" else None
        )
    elif isinstance(node, ast.NamedExpr):
        return key_of(node.value, method, depth + 1)
    elif isinstance(node, ast.IfExp):
        return key_of(node.body, method, depth + 1)
    elif isinstance(node, ast.BoolOp):
        return key_of(node.values[0], method, depth + 1)
    elif isinstance(node, ast.Name) and depth < DEEP:
        for value in named(node.id, method):
            return key_of(value, method, depth + 1)
    if isinstance(found, ast.Constant) and isinstance(found.value, str):
        return found.value
    return None


def named(name: str, method: Function) -> Iterator[ast.expr]:
    """What a name is given in a method: by a statement, or on the way."""
    yield from method.values.get(name, [])
    for node in kept(method.node, "_on_the_way", _on_the_way):
        if node.target.id == name:
            yield node.value


def _on_the_way(node: ast.AST) -> Iterator[ast.NamedExpr]:
    return (one for one in walk(node) if isinstance(one, ast.NamedExpr))


def _inner(node: ast.AST, method: Function) -> str | None:
    """The key of what a key is read from: ``data`` of ``m["data"]["text"]``."""
    base: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        base = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        base = node.func.value
    return key_of(base, method)

"""The Python type of an expression, where that is certain."""

from __future__ import annotations

import ast

from tutor.doctor.source import known
from tutor.doctor.source.calls import name_of
from tutor.doctor.source.syntax import Function
from tutor.doctor.source.walking import walk


def type_of(node: ast.expr | None, function: Function, depth: int = 0) -> str:
    """The Python type of an expression where that is certain; else empty."""
    if node is None or depth > 6:
        return ""
    if isinstance(node, ast.Constant):
        return type(node.value).__name__
    simple: dict[type, str] = {
        ast.JoinedStr: "str",
        ast.Dict: "dict",
        ast.DictComp: "dict",
        ast.List: "list",
        ast.ListComp: "list",
        ast.Tuple: "tuple",
        ast.Set: "set",
        ast.Compare: "bool",
    }
    if type(node) in simple:
        return simple[type(node)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return "bool"
    if isinstance(node, ast.Await):
        return type_of(node.value, function, depth + 1)
    if isinstance(node, ast.Name):
        found = {
            type_of(v, function, depth + 1) for v in function.values.get(node.id, [])
        }
        if node.id not in function.values:
            found = {
                type_of(v, function, depth + 1)
                for v in function.module.values.get(node.id, [])
            }
        return found.pop() if len(found) == 1 else ""
    if isinstance(node, ast.BinOp):
        left = type_of(node.left, function, depth + 1)
        right = type_of(node.right, function, depth + 1)
        if isinstance(node.op, ast.Mod) and left == "str":
            return "str"
        return left if left == right else ""
    if isinstance(node, ast.IfExp):
        both = {type_of(n, function, depth + 1) for n in (node.body, node.orelse)}
        return both.pop() if len(both) == 1 else ""
    if isinstance(node, ast.Call):
        return _type_of_call(node, function, depth)
    return ""


def _type_of_call(node: ast.Call, function: Function, depth: int) -> str:
    name = name_of(node, function)
    if name == "builtins.next" and node.args:
        counted = function.module.resolve(node.args[0], function)
        return "int" if counted == "itertools.count()" else ""
    if name in known.RETURNS:
        return known.RETURNS[name]
    if ".objects" in name and name.endswith((".count", ".acount")):
        return "int"
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("encode",):
        return "bytes"
    if isinstance(node.func, ast.Attribute) and node.func.attr in (
        "format",
        "join",
        "decode",
    ):
        return "str"
    found = function.module.source.functions.get(name)
    if found is None and name.startswith("self.") and function.owner is not None:
        found = function.owner.method(name[5:])
    if found is None:
        return ""
    returned = {
        type_of(n.value, found, depth + 1)
        for n in walk(found.node)
        if isinstance(n, ast.Return)
    }
    return returned.pop() if len(returned) == 1 else ""

"""Whether a consumer asks who knocks, before it lets them in or does what they say."""

from __future__ import annotations

import ast

from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.walking import walk

DOORS = ("websocket_connect", "connect", "dispatch", "__call__", "__init__")
# What tells somebody from nobody.
ASKED = {
    *("is_authenticated", "is_anonymous", "is_active", "is_staff", "is_superuser"),
    *("has_perm", "has_perms", "has_module_perms", "groups", "user_permissions"),
}


def asks(one: Class) -> bool:
    """Whether a consumer looks at the user, or lets somebody else look.

    To keep the user for later is not to look: what is kept has to be used where the
    handshake is answered, or to be asked for what only a known user has.
    """
    line = one.line_of_ancestors
    if any(_hands_on(node) for kind in line for node in walk(kind.node)):
        return True
    named = [node for kind in line for node in walk(kind.node)]
    known = any(_is_user(node) for node in named)
    if known and any(getattr(node, "attr", "") in ASKED for node in named):
        return True
    return any(_uses(method, _kept(one)) for method in _at_the_door(one))


def _hands_on(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and any(
        isinstance(given, ast.Attribute) and given.attr == "scope"
        for given in node.args
    )


def _is_user(node: ast.AST) -> bool:
    """``scope["user"]`` or ``scope.get("user")``: the word itself."""
    return isinstance(node, ast.Constant) and node.value == "user"


def _at_the_door(one: Class) -> list[Function]:
    """The methods that run while a handshake waits for its answer."""
    found: list[Function] = []
    left = [method for name in DOORS if (method := one.method(name))]
    while left:
        method = left.pop()
        if method in found:
            continue
        found.append(method)
        for call in calls.calls(method.node):
            name = calls.name_of(call, method)
            inner = one.method(name[5:]) if name.startswith("self.") else None
            left += [inner] if inner else []
    return found


def _kept(one: Class) -> set[str]:
    """The names under which a consumer keeps its user, and does nothing else."""
    return {
        ast.unparse(target)
        for kind in one.line_of_ancestors
        for method in kind.methods.values()
        for node in walk(method.node)
        if isinstance(node, ast.Assign) and _only_user(node.value)
        for target in node.targets
    }


def _only_user(value: ast.expr) -> bool:
    """Whether an expression is the user alone."""
    if isinstance(value, ast.Call):
        got = getattr(value.func, "attr", "") == "get"
        return got and any(map(_is_user, value.args))
    return isinstance(value, ast.Subscript) and _is_user(value.slice)


def _uses(method: Function, names: set[str]) -> bool:
    """Whether a method does something with the user, besides keeping it."""
    kept: set[int] = set()
    for node in walk(method.node):
        if isinstance(node, ast.Assign) and _only_user(node.value):
            kept |= {id(one) for one in walk(node)}
        for empty in _empty_questions(node, names):
            kept |= {id(one) for one in [empty, *walk(empty)]}
    return any(
        id(node) not in kept and (_is_user(node) or _reads(node, names))
        for node in walk(method.node)
    )


def _empty_questions(node: ast.AST, names: set[str]) -> list[ast.AST]:
    """``user is None``, ``if user``: an AnonymousUser is there, and true.

    What is asked so, where a node asks it.
    """
    if (
        isinstance(node, ast.Compare)
        and all(isinstance(sign, ast.Is | ast.IsNot) for sign in node.ops)
        and all(getattr(one, "value", ...) is None for one in node.comparators)
    ):
        return [node]
    asked: list[ast.expr] = []
    if isinstance(node, ast.If | ast.IfExp | ast.Assert):
        asked = [node.test]
    elif isinstance(node, ast.BoolOp):
        asked = node.values
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        asked = [node.operand]
    return [one for one in asked if ast.unparse(one) in names or _only_user(one)]


def scope_read(one: Class) -> set[str]:
    """What a consumer reads of its scope while a handshake waits for its answer."""
    found = set[str]()
    for method in _at_the_door(one):
        for node in walk(method.node):
            key: ast.AST | None = None
            if isinstance(node, ast.Subscript) and _is_scope(node.value):
                key = node.slice
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                key = node.args[0] if _is_scope(node.func.value) and node.args else None
            if key is not None:
                found.add(str(getattr(key, "value", "")))
    return found


def _is_scope(node: ast.AST) -> bool:
    return "scope" in (getattr(node, "attr", ""), getattr(node, "id", ""))


def _reads(node: ast.AST, names: set[str]) -> bool:
    return (
        isinstance(node, ast.Name | ast.Attribute)
        and isinstance(node.ctx, ast.Load)
        and ast.unparse(node) in names
    )

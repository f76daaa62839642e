"""Middleware that asks for the user before anybody has looked who it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.rules.project.asgi import called
from tutor.doctor.source.walking import walk

RANK = 45


def rules(seen: Evidence) -> Iterator[Found]:
    """``MembersOnly(AuthMiddlewareStack(…))``: the outer one is asked first."""
    stack = called(seen, ".AuthMiddlewareStack")
    for node in walk(stack.module.tree) if stack is not None else ():
        if stack is None or not isinstance(node, ast.Call):
            continue
        if node.args[:1] != [stack.node]:
            continue
        name = stack.module.resolve(node.func) or ""
        known = seen.source.functions.get(name) or seen.source.classes.get(name)
        if known is not None and _reads(known.node):
            yield Found(
                "auth-middleware-order",
                f"{name.rpartition('.')[2]} is asked before AuthMiddleware",
                (stack.module.file, node.lineno),
                RANK,
                TRIED,
                "AuthMiddlewareStack outside of it",
            )


def _reads(outer: ast.AST) -> bool:
    """Whether the user is taken from the scope, and never put there."""
    taken = put = False
    for node in walk(outer):
        word: ast.AST | None = None
        if isinstance(node, ast.Subscript):
            word = node.slice
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get":
            word = node.args[0] if node.args else None
        if getattr(word, "value", "") == "user":
            stores = isinstance(getattr(node, "ctx", None), ast.Store)
            taken, put = taken or not stores, put or stores
    return taken and not put

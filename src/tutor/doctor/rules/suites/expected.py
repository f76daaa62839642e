"""What a test awaits that others would call a failure: exceptions, a refusal."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.rules.suites.headers import is_let_in
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import kept, walk

CODES = range(1000, 5000)  # with which a socket closes


def raising(function: Function, kinds: tuple[str, ...]) -> list[tuple[int, int]]:
    """The lines in which an exception of some kind is awaited."""
    found = []
    for node in kept(function.node, "_guards", _guards):
        types: list[ast.expr | None] = []
        if isinstance(node, ast.Try):
            types = [one.type for one in node.handlers]
            lines = node.lineno, node.body[-1].end_lineno or node.lineno
        else:
            lines = node.lineno, node.end_lineno or node.lineno
            for item in node.items:
                call = item.context_expr
                if isinstance(call, ast.Call):
                    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
                    if name in ("assertRaises", "raises", "suppress"):
                        types += call.args
        names = {
            (function.module.resolve(part, function) or "").rpartition(".")[2]
            for one in types
            for part in getattr(one, "elts", [one])
        }
        if names & set(kinds):
            found.append(lines)
    return found


def _guards(node: ast.AST) -> Iterator[ast.Try | ast.With | ast.AsyncWith]:
    for one in walk(node):
        if isinstance(one, ast.Try | ast.With | ast.AsyncWith):
            yield one


def expects_a_refusal(function: Function) -> bool:
    """Whether a test says that somebody stays outside, or one that uses a helper does.

    Of one that nobody is known to call, it is asked of any test beside it.
    """
    answered = is_let_in(function)
    alone = function.name.startswith("test") or answered
    users = [] if alone else _users(function)
    if users and all(one.name.startswith("test") for one in users):
        refused = [one for one in users if expects_a_refusal(one)]
        return bool(refused) and all(
            one in refused or not is_let_in(one) for one in users
        )
    for node in walk(function.node if alone else function.module.tree):
        if isinstance(node, ast.Assert) and _denies(node.test):
            return True
        said = getattr(getattr(node, "func", None), "attr", "")
        if said == "assertFalse" or (
            said in ("assertEqual", "assertIs") and not answered and _of_a_refusal(node)
        ):
            return True
    return False


def _users(function: Function) -> list[Function]:
    """The functions of its module that call a helper."""
    return [
        one
        for one in function.module.source.functions.values()
        if one.module is function.module
        and any(
            calls.target_of(call, one) is function for call in calls.calls(one.node)
        )
    ]


def _of_a_refusal(call: ast.AST) -> bool:
    """Whether an assertion is of who is let in: of a message's content, it is not."""
    given = [part for one in getattr(call, "args", ()) for part in walk(one)]
    for one in given:
        value = getattr(one, "value", None) if isinstance(one, ast.Constant) else None
        if value is False or (type(value) is int and value in CODES):
            return True
        if isinstance(one, ast.Name) and re.search(r"code|connect|accept", one.id):
            return True
        if getattr(one, "attr", "") == "connect":
            return True
    return False


def _denies(test: ast.expr) -> bool:
    """Whether an assertion says that something is not so; what is called, it asks."""
    if not isinstance(test, ast.UnaryOp) or not isinstance(test.op, ast.Not):
        return False
    asked = test.operand
    return not (isinstance(asked, ast.Call) and isinstance(asked.func, ast.Attribute))

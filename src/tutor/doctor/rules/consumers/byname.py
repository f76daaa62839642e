"""A method that is called by its name, which a client chooses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.walking import walk

RANK = 62
_CHOSEN = re.compile(r"receive")


def chosen(owner: Class) -> Iterator[Found]:
    """``getattr(self, content["action"])``: a client chooses what is called."""
    for method in owner.methods.values():
        for call in calls.calls(method.node):
            if (
                getattr(call.func, "id", "") != "getattr"
                or len(call.args) < 2
                or not isinstance(call.args[0], ast.Name)
                or call.args[0].id != method.self_name
            ):
                continue
            name = call.args[1]
            if getattr(getattr(name, "func", None), "id", "") == "str":
                name = next(iter(getattr(name, "args", ())), name)
            if isinstance(name, ast.Name):
                values = method.values.get(name.id, [])
                if _is_checked(method, name.id):
                    continue
                given = [a.arg for a in method.node.args.args]
                if not values and name.id not in given:
                    continue
                if not values and not _CHOSEN.search(method.name):
                    continue
                name = values[-1] if values else name
            if all(_is_own(owner, method, one) for one in _outcomes(name)):
                continue
            if any(isinstance(n, ast.JoinedStr | ast.BinOp) for n in walk(name)):
                continue  # put together: only what begins so can be called
            if any(getattr(n, "attr", "") == "type" for n in walk(name)):
                continue
            told = _CHOSEN.search(method.name) or _reads_a_client(method)
            taken = any(_takes(node) for node in walk(name))
            if told and (taken or isinstance(name, ast.Name)):
                yield Found(
                    "consumer-method-chosen-by-client",
                    "a client may have any method called: close, send, dispatch",
                    at(method, call),
                    RANK + 12,
                    TRIED,
                    "a table of what clients may ask for",
                )
                return


def _outcomes(value: ast.expr) -> list[ast.expr]:
    """What an expression may be worth: each branch of a choice."""
    if isinstance(value, ast.IfExp):
        return [*_outcomes(value.body), *_outcomes(value.orelse)]
    if isinstance(value, ast.BoolOp):
        return [one for part in value.values for one in _outcomes(part)]
    return [value]


def _is_own(owner: Class, method: Function, value: ast.expr) -> bool:
    """``self.actions.get(word)``: what comes out of a table is the project's own."""
    if isinstance(value, ast.Constant):
        return True
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        held = value.func.value if value.func.attr in ("get", "pop") else None
    else:
        held = value.value if isinstance(value, ast.Subscript) else None
    if isinstance(held, ast.Attribute):
        return getattr(held.value, "id", "") in (
            method.self_name,
            "cls",
            owner.node.name,
        ) and any(held.attr in one.attributes for one in owner.line_of_ancestors)
    if isinstance(held, ast.Name):
        made = method.values.get(held.id) or owner.module.values.get(held.id) or []
        _, written = unfold(Frame(method, owner), held)  # another module may hold it
        return any(isinstance(one, ast.Dict) for one in [*made, written])
    return False


def _takes(node: ast.AST) -> bool:
    """Whether a key of something is read."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant)
    return isinstance(node, ast.Call) and getattr(node.func, "attr", "") in (
        "get",
        "pop",
    )


def _reads_a_client(method: Function) -> bool:
    return any(
        calls.name_of(call, method).endswith("json.loads")
        for call in calls.calls(method.node)
    )


def _is_checked(method: Function, name: str) -> bool:
    """Whether a method asks for a name in a list, or how it begins."""
    for node in walk(method.node):
        if isinstance(node, ast.Compare) and getattr(node.left, "id", "") == name:
            if any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
                return True
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            held = getattr(node.func.value, "id", "") == name
            if held and node.func.attr in ("startswith", "endswith"):
                return True
    return False

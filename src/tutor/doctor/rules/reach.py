"""What a method comes to: itself, and all that it calls of the project's own."""

from __future__ import annotations

import ast

from tutor.doctor.rules.dispatch import choices
from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import Frame, called_function

DEEP = 4


def reach(frame: Frame, reached: list[Frame], depth: int = 0) -> None:
    """A method, and what it calls of the project's own."""
    if depth > DEEP or any(one.function is frame.function for one in reached):
        return
    reached.append(frame)
    for call in calls.calls(frame.function.node):
        target = called_function(call, frame.function)[0]
        name = calls.name_of(call, frame.function)
        if frame.owner is not None and name.startswith("self."):
            target = frame.owner.method(name[5:]) or target
        if frame.owner is not None and _is_any(call, frame.function):
            for one in frame.owner.line_of_ancestors:
                for method in one.methods.values():
                    reach(Frame(method, frame.owner), reached, depth + 1)
        for choice in choices(call, frame.function, frame.owner):
            own = frame.owner if choice.function.owner else None
            reach(Frame(choice.function, own), reached, depth + 1)
        if target is not None:
            reach(
                Frame(target, frame.owner if target.owner else None), reached, depth + 1
            )


def _is_any(call: ast.Call, function: Function) -> bool:
    """``getattr(self, name)``: any of its methods."""
    return (
        getattr(call.func, "id", "") == "getattr"
        and len(call.args) > 1
        and getattr(call.args[0], "id", "") == function.self_name
        and not isinstance(call.args[1], ast.Constant)
    )


def inner(call: ast.Call, function: Function) -> str:
    """What a call runs, behind ``async_to_sync``, too."""
    func = call.func
    if isinstance(func, ast.Call) and func.args:
        return function.module.resolve(func.args[0], function) or ""
    return calls.name_of(call, function)

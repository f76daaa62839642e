"""What a function's parameters are where a call leaves them out."""

from __future__ import annotations

import ast
from dataclasses import replace

from tutor.doctor.source.flow import Frame
from tutor.doctor.source.walking import walk


def filled_in(frame: Frame, call: ast.Call | None = None) -> Frame:
    """A function as it runs, with the defaults of what it is not given.

    Left out is ``None``, which stands for what the function finds itself, and what
    the function changes.

    Args:
        frame: the function, with what a call gives it.
        call: that call, if there is one.
    """
    if call is not None and (
        any(isinstance(one, ast.Starred) for one in call.args)
        or any(word.arg is None for word in call.keywords)
    ):
        return frame  # who knows what that gives
    told = frame.function.node.args
    names = [one.arg for one in (*told.posonlyargs, *told.args)]
    pairs = [*zip(names[::-1], told.defaults[::-1], strict=False)]
    named = zip(told.kwonlyargs, told.kw_defaults, strict=True)
    pairs += [(one.arg, value) for one, value in named if value is not None]
    bound = {
        node.id
        for node in walk(frame.function.node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    plain = Frame(frame.function, frame.owner)
    found = {
        name: (plain, value)
        for name, value in pairs
        if name not in bound and getattr(value, "value", ...) is not None
    }
    return replace(frame, given={**found, **frame.given})


def asked(frame: Frame, node: ast.expr) -> tuple[Frame, ast.expr]:
    """What a caller has given, where an expression is the name of a parameter."""
    while isinstance(node, ast.Name) and node.id in frame.given:
        if is_replaced(frame, node):
            break
        frame, node = frame.given[node.id]
    return frame, node


def is_replaced(frame: Frame, node: ast.expr) -> bool:
    """Whether a function gives a parameter something else than its caller has."""
    name = getattr(node, "id", "")
    return name in frame.given and name in frame.function.values

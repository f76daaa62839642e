"""What is unpacked into an event: ``{"type": "bid.new", **result}``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.rules.consumers.written import REST, written
from tutor.doctor.source.flow import (
    Frame,
    called_function,
    is_changed,
    returned,
    unfold,
)
from tutor.doctor.source.values import values


def opened(frame: Frame, node: ast.expr | None) -> dict[str, ast.expr] | None:
    """A message that is written out, with the keys of what it unpacks."""
    found = parts(frame, node)
    return None if found is None else {key: one for key, (_, one) in found.items()}


def parts(
    frame: Frame, node: ast.expr | None
) -> dict[str, tuple[Frame, ast.expr]] | None:
    """The same, and where each value is written."""
    told = _keywords(frame, node)
    if told is not None:
        return told
    message = written(node, frame.function)
    if message is None:
        return None
    plain = {key: (frame, value) for key, value in message.items()}
    more = [*_unpacked(node)] if REST in message else []
    held = _held(frame, more[0]) if len(more) == 1 else None
    if held is None or "type" in held:
        return plain
    del plain[REST]
    return {**held, **plain}


def _keywords(
    frame: Frame, node: ast.expr | None
) -> dict[str, tuple[Frame, ast.expr]] | None:
    """What a caller gives by name to a function that takes it all: ``**event``."""
    arguments = frame.function.node.args
    rest = arguments.kwarg.arg if arguments.kwarg is not None else ""
    name = getattr(node, "id", "")
    if not rest or name != rest or is_changed(name, frame.function):
        return None
    if not frame.given:
        return None
    taken = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    names = {one.arg for one in taken}
    found = {key: one for key, one in frame.given.items() if key not in names}
    kinds = values(*found["type"]) if "type" in found else None
    if kinds and len(kinds) == 1:
        found["type"] = frame, ast.Constant(next(iter(kinds)))
    return found


def _unpacked(node: ast.expr | None) -> Iterator[ast.expr]:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                yield value


def _held(frame: Frame, node: ast.expr) -> dict[str, tuple[Frame, ast.expr]] | None:
    """What is in a dict that is written out, or that a function returns."""
    told = _keywords(frame, node)
    if told is not None:
        return told if REST not in told else None
    where, made = unfold(frame, node)
    every: list[ast.expr] = [made]
    if isinstance(made, ast.Call):
        target, _ = called_function(made, where.function)
        if target is None:
            return None
        where, every = Frame(target, target.owner), returned(target)
    found: dict[str, tuple[Frame, ast.expr]] = {}
    for one in every:
        if not isinstance(one, ast.Dict):
            return None
        for key, value in zip(one.keys, one.values, strict=True):
            if not isinstance(key, ast.Constant):
                return None
            found[str(key.value)] = where, value
    return found if every else None

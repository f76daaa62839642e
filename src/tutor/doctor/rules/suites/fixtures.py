"""What a fixture of pytest gives a test."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.source import Function
from tutor.doctor.source.flow import Frame, bind
from tutor.doctor.source.walking import own_nodes


def of_fixture(frame: Frame, call: ast.Call) -> Frame | None:
    """The function that a fixture of pytest gives a test, as it runs when called."""
    function = frame.function
    arguments = function.node.args
    given = {one.arg for one in (*arguments.args, *arguments.kwonlyargs)}
    if not isinstance(call.func, ast.Name) or call.func.id not in given:
        return None
    for fixture in function.module.source.functions.values():
        made = [
            node.value
            for node in own_nodes(fixture.node)
            if isinstance(node, ast.Return | ast.Yield)
        ]
        if (
            fixture.name == call.func.id
            and any(one.endswith("fixture") for one in fixture.decorators())
            and len(made) == 1
            and isinstance(made[0], ast.Name)
        ):
            inner = f"{fixture.dotted}.<locals>.{made[0].id}"
            target = function.module.source.functions.get(inner)
            if target is not None:
                return Frame(target, None, bind(target, call, call.args, frame))
    return None


def asked_for(function: Function) -> Iterator[tuple[str, Function]]:
    """The project's fixtures that a test of pytest, or a fixture, is given by name."""
    if not (function.name.startswith("test") or _is_fixture(function)):
        return
    arguments = function.node.args
    names = {one.arg for one in (*arguments.args, *arguments.kwonlyargs)} - {"self"}
    for name in sorted(names):
        known = [
            one
            for one in function.module.source.functions.values()
            if one.name == name and one is not function and _is_fixture(one)
        ]
        own = [one for one in known if one.module is function.module] or known
        if len(own) == 1:
            yield name, own[0]


def _is_fixture(function: Function) -> bool:
    return any(one.endswith("fixture") for one in function.decorators())

"""What views give to templates under the names that stand in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import written
from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import Frame
from tutor.doctor.source.values import ANY, values

FILLED = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def given(seen: Evidence, file: str, name: str) -> Iterator[tuple[Function, ast.expr]]:
    """What is given under a name wherever a view names a template."""
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            if any(
                isinstance(argument, ast.Constant)
                and isinstance(argument.value, str)
                and argument.value
                and file.endswith("/" + argument.value)
                for argument in call.args
            ):
                for value in _context(call, function, name):
                    yield function, value


def _context(call: ast.Call, function: Function, name: str) -> Iterator[ast.expr]:
    """What a call gives a template under a name."""
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        value = (written(argument, function) or {}).get(name)
        if value is not None:
            yield value


def filled(seen: Evidence, file: str, text: str) -> dict[str, str]:
    """The names in a template that always stand for one and the same text."""
    found = {}
    for name in set(FILLED.findall(text)):
        every = [
            values(Frame(function, function.owner), value)
            for function, value in given(seen, file, name)
        ]
        texts = {one for each in every for one in each or (ANY,)}
        if len(texts) == 1 and not any(ANY in one for one in texts):
            found[name] = texts.pop()
    return found

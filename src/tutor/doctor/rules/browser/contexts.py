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
from tutor.doctor.source.walking import walk

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
    for one in seen.source.classes.values():
        named = getattr(one.attributes.get("template_name"), "value", "")
        method = one.methods.get("get_context_data")
        if method is not None and named and file.endswith(f"/{named}"):
            for value in _put_in(method, name):
                yield method, value


def _put_in(method: Function, name: str) -> Iterator[ast.expr]:
    """``context["room"] = …``, and ``super().get_context_data(room=…)``."""
    for node in walk(method.node):
        if isinstance(node, ast.Assign):
            keys = [
                getattr(getattr(t, "slice", None), "value", "") for t in node.targets
            ]
            if name in keys:
                yield node.value
        elif isinstance(node, ast.Call):
            yield from (word.value for word in node.keywords if word.arg == name)
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if getattr(key, "value", None) == name:
                    yield value


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

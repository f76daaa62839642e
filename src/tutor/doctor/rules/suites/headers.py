"""The headers that a test gives its client: whether ASGI's, and with an origin."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import Frame, is_changed, unfold
from tutor.doctor.source.walking import walk

Part = tuple[Frame, ast.expr]
_FILLS = ("append", "extend", "insert")


def written(frame: Frame, headers: ast.expr) -> Part:
    """The list that a client is given, with all that is put into it later."""
    where, found = unfold(frame, headers)
    if not isinstance(found, ast.Name):
        return where, found
    made = where.function.values.get(found.id, [])
    if not made or (len(made) == 1 and not is_changed(found.id, where.function)):
        return where, found
    parts = [part for one in made for part in _elements(where, one)]
    for node in walk(where.function.node):
        if not isinstance(node, ast.Attribute) or ast.unparse(node.value) != found.id:
            continue
        if node.attr not in _FILLS:
            return where, found  # who knows what becomes of it
    for node in walk(where.function.node):
        func = getattr(node, "func", None)
        if (
            isinstance(node, ast.Call)
            and isinstance(func, ast.Attribute)
            and ast.unparse(func.value) == found.id
            and node.args
        ):
            last = node.args[-1]
            parts += _elements(where, last) if func.attr == "extend" else [last]
    return where, ast.copy_location(ast.List(parts, ast.Load()), found)


def _elements(where: Frame, node: ast.expr) -> list[ast.expr]:
    """What a list holds; of a choice between two, what either holds."""
    if isinstance(node, ast.IfExp):
        return [*_elements(where, node.body), *_elements(where, node.orelse)]
    _, found = unfold(where, node)
    if isinstance(found, ast.List):
        return found.elts
    return [node]


def names_origin(headers: ast.expr) -> bool:
    """Whether headers may hold an origin: they do not if all are written out."""
    names = [getattr(pair, "elts", [None])[0] for pair in getattr(headers, "elts", ())]
    if not isinstance(headers, ast.List) or not all(
        isinstance(name, ast.Constant) for name in names
    ):
        return True
    return any(
        str(getattr(name, "value", "")).lower().strip("b'") == "origin"
        for name in names
    )


def left_out(seen: Evidence, function: Function, headers: ast.expr) -> bool:
    """Whether a helper adds its headers if asked to, and is not where one comes in.

    ``headers = […] if origin else []``, and ``client(path)`` in what says that the
    client is let in.
    """
    made = function.values.get(getattr(headers, "id", ""), [headers])
    chosen = made[0] if len(made) == 1 else None
    if not isinstance(chosen, ast.IfExp) or not isinstance(chosen.test, ast.Name):
        return False
    given, name = function.node.args, chosen.test.id
    names = [one.arg for one in given.args]
    defaults = dict(zip(names[::-1], given.defaults[::-1], strict=False))
    if name not in defaults or getattr(defaults[name], "value", True):
        return False
    place = names.index(name)
    return any(
        calls.target_of(call, other) is function
        and len(call.args) <= place
        and not {name, None} & {word.arg for word in call.keywords}
        for other in seen.source.functions.values()
        if is_let_in(other)
        for call in calls.calls(other.node)
    )


def is_let_in(function: Function) -> bool:
    """Whether a helper itself says that its client is let in."""
    return any(
        (isinstance(node, ast.Assert) and isinstance(node.test, ast.Name))
        or getattr(getattr(node, "func", None), "attr", "") == "assertTrue"
        for node in walk(function.node)
    )


def unlike_asgi(where: Frame, headers: ast.expr) -> Part | None:
    """The first name of a header that is a text, or has a capital letter."""
    if isinstance(headers, ast.IfExp):
        both = (headers.body, headers.orelse)
        return next(filter(None, (unlike_asgi(where, one) for one in both)), None)
    for node in walk(headers):
        if isinstance(node, ast.Name) and node is not headers:
            inside, found = unfold(where, node)
            if isinstance(found, (ast.Dict, ast.List)):
                wrong = unlike_asgi(inside, found)
                if wrong:
                    return wrong
    for name in _names(headers):
        value = getattr(name, "value", b"")
        if isinstance(value, str) or (
            isinstance(value, bytes) and value != value.lower()
        ):
            return where, name
    return None


def _names(headers: ast.expr) -> Iterator[ast.expr]:
    """The names of headers that are written out in a list, or in a table."""
    for pair in getattr(headers, "elts", ()):
        yield from getattr(pair, "elts", ())[:1]
    for node in walk(headers):
        if isinstance(node, ast.Dict):
            yield from (key for key in node.keys if key is not None)

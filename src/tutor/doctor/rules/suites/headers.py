"""The headers that a test gives its client: whether ASGI's, and with an origin."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.suites.fixtures import asked_for
from tutor.doctor.source import Function, calls
from tutor.doctor.source.defaults import asked, is_replaced
from tutor.doctor.source.flow import (
    Frame,
    body,
    bound_at,
    is_changed,
    returned,
    unfold,
    yielded,
)
from tutor.doctor.source.walking import walk

Part = tuple[Frame, ast.expr]
# Where it stands, its name, its value if that is known.
Header = tuple[Frame, ast.expr, Part | None]
DEEP = 5
_FILLS = ("append", "extend", "insert")
_READS = ("items", "keys", "values", "copy", "encode", "lower", "get")
_COPIES = ("builtins.list", "builtins.tuple", "builtins.dict", "builtins.sorted")
_READ = (b"origin", b"cookie")  # of which Channels decodes the value


def written(frame: Frame, headers: ast.expr) -> Part:
    """The list that a client is given, with all that is put into it later."""
    where, found = unfold(frame, headers)
    if not isinstance(found, ast.Name):
        return where, found
    for name, fixture in asked_for(where.function):
        results = [*returned(fixture), *yielded(fixture)]
        if name == found.id and name not in where.given and len(results) == 1:
            return unfold(Frame(fixture), results[0])
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
    """The first header with a text for bytes, or with a capital letter in its name.

    A table is none at all: its names alone are read from it.
    """
    if (table := _table(where, headers)) is not None:
        return table
    for inside, name, value in pairs(where, headers):
        told = _worth(inside, name)
        if isinstance(told, str) or (told is not None and told != told.lower()):
            return inside, name
        if value is not None and told in _READ and isinstance(_worth(*value), str):
            return value
    return None


def _table(where: Frame, headers: ast.expr) -> Part | None:
    """The table that a client is given for its list of pairs."""
    where, node = _behind(where, headers)
    if isinstance(node, ast.IfExp):
        return _table(where, node.body) or _table(where, node.orelse)
    is_made = where.module.resolve(node, where.function) == "builtins.dict()"
    filled = isinstance(node, ast.Dict) and bool(node.keys)
    return (where, node) if filled or is_made else None


def pairs(where: Frame, node: ast.expr, depth: int = 0) -> Iterator[Header]:
    """The headers that are written out: in a list, a table, or what is made of them."""
    where, node = _behind(where, node)
    if depth > DEEP:
        return
    inner: list[ast.expr] = []
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        for one in node.elts:
            held, pair = _behind(where, one)
            parts: list[ast.expr] = getattr(pair, "elts", [])
            if isinstance(one, ast.Starred):
                inner.append(one.value)
            elif len(parts) == 2:
                yield held, parts[0], (held, parts[1])
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                inner.append(value)
            else:
                yield where, key, (where, value)
    elif isinstance(node, ast.ListComp | ast.GeneratorExp):
        yield from _of_each(where, node, depth)
    elif isinstance(node, ast.IfExp):
        inner = [node.body, node.orelse]
    elif isinstance(node, ast.BoolOp):
        inner = node.values
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.BitOr):
        inner = [node.left, node.right]
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "items":
        inner = [getattr(node.func, "value", node)]
    elif isinstance(node, ast.Call) and len(node.args) == 1:
        made = where.module.resolve(node.func, where.function) or ""
        inner = node.args if made in _COPIES else []
    for one in inner:
        yield from pairs(where, one, depth + 1)


def _of_each(
    where: Frame, node: ast.ListComp | ast.GeneratorExp, depth: int
) -> Iterator[Header]:
    """``[(k.encode(), v) for k, v in table.items()]``: what it makes of each name."""
    loop = node.generators[0]
    made: list[ast.expr] = getattr(node.elt, "elts", [])
    taken = [getattr(one, "id", "") for one in getattr(loop.target, "elts", ())]
    if len(node.generators) > 1 or len(made) != 2 or len(taken) != 2:
        return
    for inside, name, _ in pairs(where, loop.iter, depth + 1):
        if isinstance(made[0], ast.Name) and made[0].id == taken[0]:
            yield inside, name, None
        func = getattr(made[0], "func", None)
        if isinstance(func, ast.Attribute) and ast.unparse(func.value) == taken[0]:
            same = ast.copy_location(ast.Attribute(name, func.attr, ast.Load()), name)
            yield inside, ast.copy_location(ast.Call(same, [], []), name), None


def _behind(frame: Frame, node: ast.expr) -> Part:
    """What a name stands for, as long as nothing is put into it later."""
    frame, node = asked(frame, node)
    if is_replaced(frame, node):
        return frame, node
    frame, node = unfold(frame, node)
    if isinstance(node, ast.Name) and not _is_filled(node.id, frame.function):
        given = frame.function.values.get(node.id, [])
        bound = None if given else bound_at(frame.function, node)
        if bound is not None:
            frame, given = Frame(body(bound[0])), bound[0].values[bound[1]]
        if len(given) == 1:
            return unfold(frame, given[0])
    return frame, node


def _is_filled(name: str, function: Function) -> bool:
    """Whether something is put into what a name stands for, or taken out of it."""
    return any(
        getattr(getattr(node, "value", None), "id", "") == name
        and (
            (isinstance(node, ast.Attribute) and node.attr not in _READS)
            or (isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load))
        )
        for node in walk(function.node)
    )


def _fixed(node: ast.JoinedStr) -> list[ast.expr]:
    """The parts of a text that are the same whatever is put into it."""
    return [one for one in node.values if isinstance(one, ast.Constant)]


def _worth(frame: Frame, node: ast.expr, depth: int = 0) -> str | bytes | None:
    """The text or the bytes that an expression certainly is; None for others."""
    if depth > DEEP:  # name = name.encode()
        return None
    frame, node = _behind(frame, node)
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(getattr(one, "value", "")) for one in _fixed(node))
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute):
        told = _worth(frame, node.func.value, depth + 1)
        if node.func.attr == "encode" and isinstance(told, str):
            return told.encode()
        if node.func.attr in ("lower", "casefold") and told is not None:
            return told.lower()
    named = frame.module.resolve(node.func, frame.function) or ""
    made = node.args[0] if named == "builtins.bytes" and node.args else None
    told = _worth(frame, made, depth + 1) if made is not None else None
    return told.encode() if isinstance(told, str) else None

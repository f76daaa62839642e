"""What fills the hole in a group's name: the number of a user, or what it is called."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.rules.groups.groupnames import Call, asked, group_of
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.values import ANY, values

RANK = 66
DEEP = 6
_NUMBER = re.compile(r"(.*_)?(id|pk)$")
_WORD = re.compile(r"(.*_)?(username|email|slug|first_name|get_username)$")
_OF_A_ROW = ("name", "title")


def rules(sends: list[Call], adds: list[Call], drops: list[Call]) -> Iterator[Found]:
    """``user_7`` is joined, and ``user_ada`` is told or left, with one text around.

    Args:
        sends: the calls of ``group_send``, as they run.
        adds: the calls of ``group_add``.
        drops: the calls of ``group_discard``.
    """
    for frame, call in sends:
        odd = _odd(frame, call, adds)
        if odd:
            yield _found("group-names-differ", frame, call, *odd)
            break
    for frame, call in drops:
        own = [one for one in adds if one[0].owner is frame.owner]
        odd = _odd(frame, call, own)
        if odd:
            yield _found("group-no-discard", frame, call, *odd)
            break


def _odd(frame: Frame, call: ast.Call, adds: list[Call]) -> tuple[str, str] | None:
    """What fills a group's name, and what filled it where it was joined."""
    joined = [(_shape(*one), *_filling(*one)) for one in adds]
    if not joined or any(shape is None for shape, *_ in joined):
        return None
    shape, (kind, said) = _shape(frame, call), _filling(frame, call)
    same = [(one, other) for text, one, other in joined if text == shape]
    if shape and kind and same and all(one and one != kind for one, _ in same):
        return said, same[0][1]
    return None


def _found(slug: str, frame: Frame, call: ast.Call, said: str, other: str) -> Found:
    got = f"{said} stands where {other} was joined"
    place = asked(frame, group_of(call), call)
    return Found(slug, got, place, RANK, TRIED, "the same part in both names")


def _shape(frame: Frame, call: ast.Call) -> str | None:
    """A name with one hole; None for others."""
    names = values(frame, group_of(call)) or frozenset()
    text = next(iter(names)) if len(names) == 1 else ""
    return text if text.count(ANY) == 1 and text != ANY else None


def _filling(frame: Frame, call: ast.Call) -> tuple[str, str]:
    """Whether a number or a word fills the hole, and what it is; empty if unknown."""
    node = group_of(call)
    where, made = _made(frame, node) if node is not None else (frame, None)
    holes: list[ast.expr] = []
    if isinstance(made, ast.JoinedStr):
        parts = [one for one in made.values if isinstance(one, ast.FormattedValue)]
        holes = [one.value for one in parts]
    elif isinstance(made, ast.BinOp):
        holes = [made.left, made.right]
    elif isinstance(made, ast.Call) and getattr(made.func, "attr", "") == "format":
        holes = made.args
    open_ones = [one for one in holes if values(where, one) is None]
    if len(open_ones) != 1:
        return "", ""
    return _kind(where, open_ones[0], 0)


def _made(frame: Frame, node: ast.expr) -> tuple[Frame, ast.expr]:
    """Where a name is put together; an attribute may have been None before."""
    where, made = unfold(frame, node)
    if (
        isinstance(made, ast.Attribute)
        and where.owner is not None
        and getattr(made.value, "id", "") == where.function.self_name
    ):
        given = where.owner.assigned(made.attr)
        full = [one for one in given if not isinstance(one[1], ast.Constant)]
        if len(full) == 1:
            return unfold(Frame(full[0][0], where.owner), full[0][1])
    return where, made


def _kind(frame: Frame, node: ast.expr, depth: int) -> tuple[str, str]:
    """The same of an expression, followed to where it is taken from somebody."""
    while isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and not node.args:
            node = node.func  # user.get_username()
        elif getattr(node.func, "id", "") == "str" and node.args:
            node = node.args[0]
        else:
            return "", ""
    key = _captured(node)
    if _WORD.match(key) or key.endswith(_OF_A_ROW):
        return "word", ast.unparse(node)
    if isinstance(node, ast.Attribute) and _named(node.attr):
        return _named(node.attr), ast.unparse(node)
    own = getattr(getattr(node, "value", None), "id", "") == frame.function.self_name
    if isinstance(node, ast.Attribute) and node.attr in _OF_A_ROW and not own:
        return "word", ast.unparse(node)
    if depth < DEEP and isinstance(node, ast.Name | ast.Attribute):
        if isinstance(node, ast.Name) and node.id in frame.given:
            return _kind(*frame.given[node.id], depth + 1)
        where, made = unfold(frame, node)
        if made is not node:
            return _kind(where, made, depth + 1)
    return "", ""


def _captured(node: ast.expr) -> str:
    """What a route has captured: the key in ``scope["url_route"]["kwargs"]["slug"]``.

    A number may be called anything; what is called a name is hardly a number.
    """
    key = node.slice if isinstance(node, ast.Subscript) else None
    held = node.value if isinstance(node, ast.Subscript) else None
    of_a_route = getattr(getattr(held, "slice", None), "value", "") == "kwargs"
    return str(getattr(key, "value", "")) if of_a_route else ""


def _named(name: str) -> str:
    return "number" if _NUMBER.match(name) else "word" if _WORD.match(name) else ""

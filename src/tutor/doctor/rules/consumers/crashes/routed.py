"""What a route has handed over, and its consumer takes for another kind."""

from __future__ import annotations

import ast
import re

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place

SLUG = "routing-kwarg-of-another-kind"
_KINDS = re.compile(
    r"can only concatenate str|not supported between instances of '(?:str|int)'|"
    r"unsupported operand type\(s\) for .*'(?:str|int)'|"
    r"'int' object (?:has no attribute|is not subscriptable|is not iterable)|"
    r"object of type 'int' has no len|argument of type 'int' is not|"
    r"'str' object cannot be interpreted as an integer|must be str, not int"
)


def is_of_another_kind(seen: Evidence, text: str, place: Place) -> bool:
    """Whether an exception is of a line that uses an argument of the route."""
    function = seen.function_at(place)
    if function is None or not _KINDS.search(text):
        return False
    for node in seen.nodes_at(place):
        made: list[ast.expr] = []
        if isinstance(node, ast.Subscript):
            made = [node]
        elif isinstance(node, ast.Name):
            made = function.values.get(node.id, [])
        elif isinstance(node, ast.Attribute) and function.owner is not None:
            mine = getattr(node.value, "id", "") == function.self_name
            made = [v for _, v in function.owner.assigned(node.attr)] if mine else []
        if any(map(_is_handed_over, made)):
            return True
    return False


def _is_handed_over(node: ast.expr) -> bool:
    """``scope["url_route"]["kwargs"]["room"]``, as it is."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr != "get":
            return False
        node = node.func.value
    elif isinstance(node, ast.Subscript):
        node = node.value
    else:
        return False
    return isinstance(node, ast.Subscript | ast.Name) and "kwargs" in ast.unparse(node)

"""What surely stands in the hole of a group's name, wherever it is taken from."""

from __future__ import annotations

import ast

from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.values import ANY
from tutor.doctor.source.walking import walk

_TITLES = ("title", "headline", "subject", "full_name")  # more than one word, often


def filling(frame: Frame, node: ast.expr) -> str:
    """What is surely in a name's one hole: the @ of an address, a title's space."""
    made = unfold(frame, node)[1]
    holes = [n.value for n in walk(made) if isinstance(n, ast.FormattedValue)]
    named = getattr(holes[0], "attr", "") if len(holes) == 1 else ""
    if named in _TITLES and any(
        isinstance(field := one.attributes.get(named), ast.Call)
        and ast.unparse(field.func).endswith(("CharField", "TextField"))
        for one in frame.module.source.classes.values()
    ):
        return " "
    return "@" if named == "email" else ANY

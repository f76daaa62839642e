"""A list that is replaced by what its own method returns, which is nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place
from tutor.doctor.source import Module
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 45
SLUG = "python-changed-in-place-assigned"
_OF = {
    ast.List: ("append", "insert", "extend", "remove", "sort", "reverse", "clear"),
    ast.ListComp: ("append", "insert", "extend", "remove", "sort", "reverse"),
    ast.Dict: ("update", "clear"),
    ast.Set: ("add", "update", "discard", "remove", "clear"),
}


def rules(seen: Evidence) -> Iterator[Found]:
    for place, text in _lost(seen):
        got = f"None, the result of {text}"
        yield Found(SLUG, got, place, RANK, TRIED, "the list itself")


def lost_list(seen: Evidence, links: list[Event]) -> tuple[str, Place, str] | None:
    """The same, where None is why a project does not load."""
    every = " ".join(link["text"] for link in links)
    if not any(text in every for text in ("NoneType", "must be a list or a tuple")):
        return None
    for place, text in _lost(seen):
        return SLUG, place, f"{text} returns None."
    return None


def _lost(seen: Evidence) -> Iterator[tuple[Place, str]]:
    for module in seen.source.modules.values():
        if is_aside(module.file):
            continue
        for node in walk(module.tree):
            value = getattr(node, "value", None)
            if not isinstance(node, ast.Assign) or not isinstance(value, ast.Call):
                continue
            if len(node.targets) == 1 and isinstance(value.func, ast.Attribute):
                name, method = ast.unparse(value.func.value), value.func.attr
                if name == ast.unparse(node.targets[0]) and method in _methods(
                    module, name
                ):
                    yield (module.file, node.lineno), ast.unparse(value.func) + "()"


def _methods(module: Module, name: str) -> set[str]:
    """What changes in place a name that some line of the module gives a list."""
    return {
        method
        for node in walk(module.tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and name in [ast.unparse(one) for one in _targets(node)]
        for method in _OF.get(type(node.value), ())
    }


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]

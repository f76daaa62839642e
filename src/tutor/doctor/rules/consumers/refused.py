"""What disconnect needs, and connect only sets for those whom it lets in."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.unset import read
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.walking import walk

RANK = 63


def rules(seen: Evidence) -> Iterator[Found]:
    """``self.group`` in disconnect, which a client that was refused never got."""
    for owner in seen.source.consumers():
        begin, leave = owner.method("connect"), owner.methods.get("disconnect")
        if not owner.kind.endswith(("generic", "json")) or not begin or not leave:
            continue
        refusals = [*_refusals(begin)]
        for node in read(leave) if refusals else ():
            if _is_late(owner, begin, node.attr, min(refusals)) and _runs(leave, node):
                yield Found(
                    "group-disconnect-needs-attribute-set-later",
                    f"AttributeError: {owner.name!r} object has no attribute "
                    f"{node.attr!r}",
                    at(leave, node),
                    RANK,
                    TRIED,
                    f"self.{node.attr} before connect refuses anybody",
                )
                return


def _refusals(begin: Function) -> Iterator[int]:
    """The lines at which connect closes, and comes back."""
    for branch in walk(begin.node):
        if not isinstance(branch, ast.If):
            continue
        for body in (branch.body, branch.orelse):
            inner = ast.Module(body, [])
            closes = [c for c in calls.calls(inner) if _closes(c, begin)]
            if closes and any(isinstance(one, ast.Return) for one in body):
                yield closes[0].lineno


def _closes(call: ast.Call, begin: Function) -> bool:
    return calls.name_of(call, begin) == "self.close"


def _is_late(owner: Class, begin: Function, name: str, line: int) -> bool:
    """Whether an attribute is set in connect alone, and only below a line."""
    family = [kind for one in (owner, *owner.heirs) for kind in one.line_of_ancestors]
    if any(name in one.attributes or name in one.methods for one in family):
        return False
    made = [pair for one in family for pair in one.assigned(name)]
    return bool(made) and all(
        function is begin and value.lineno > line for function, value in made
    )


def _runs(leave: Function, node: ast.AST) -> bool:
    """Whether whoever leaves comes to a line."""
    for one in walk(leave.node):
        if isinstance(one, ast.If | ast.Match | ast.Try):
            test = getattr(one, "test", None)
            bodies = [part for part in ast.iter_child_nodes(one) if part is not test]
            inner = [n for part in bodies for n in walk(part)]
            if any(n is node for n in inner):
                return False
        if isinstance(one, ast.Return) and one.lineno < getattr(node, "lineno", 0):
            return False
    return True

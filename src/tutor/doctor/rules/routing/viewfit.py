"""Views that cannot be called with what their routes hand them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import forms
from tutor.doctor.rules.found import NOWHERE, Found, Place
from tutor.doctor.source.walking import walk

RANK = 61
TRIED = "calling the view behind a route"


def rules(seen: Evidence) -> Iterator[Found]:
    """What the loaded routes say of their views; most projects' pages need a login."""
    for one in (seen.look.get("doors") or {}).get("unfit") or []:
        place = _of_view(seen, one)
        if one["method"] == "as_view":
            yield Found(
                "python-function-not-called",
                f"TypeError: {one['said']}",
                _bare(seen, one) or forms.route(seen, one["route"]) or place,
                RANK,
                TRIED,
                f"{one['owner'].rpartition('.')[2]}.as_view()",
            )
        elif place[0] is not None:
            yield Found(
                "python-arguments-differ",
                f"TypeError: {one['said']}",
                place,
                RANK,
                TRIED,
                f"the names that the route '{one['route']}' has",
            )
        return


def _of_view(seen: Evidence, one: Event) -> Place:
    """Where the view is written."""
    function = seen.source.functions.get(one["owner"])
    owner = seen.source.classes.get(one["owner"])
    if owner is not None:
        method = owner.method(one["method"])
        if method is not None:
            return method.module.file, method.node.lineno
        return owner.module.file, owner.node.lineno
    return (function.module.file, function.node.lineno) if function else NOWHERE


def _bare(seen: Evidence, one: Event) -> Place | None:
    """Where ``as_view`` of a class stands without brackets."""
    for module in seen.source.modules.values():
        if "as_view" not in module.text:
            continue
        called = {
            id(node.func) for node in walk(module.tree) if isinstance(node, ast.Call)
        }
        for node in walk(module.tree):
            if (
                isinstance(node, ast.Attribute)
                and node.attr == "as_view"
                and id(node) not in called
                and _is(seen, module.resolve(node.value), one["owner"])
            ):
                return module.file, node.lineno
    return None


def _is(seen: Evidence, name: str | None, owner: str) -> bool:
    """Whether a name stands for a class; Django's own are imported from elsewhere."""
    known = seen.source.classes.get(name or "")
    told = f"{known.module.name}.{known.name}" if known else name or ""
    return told == owner or told.rpartition(".")[2] == owner.rpartition(".")[2]

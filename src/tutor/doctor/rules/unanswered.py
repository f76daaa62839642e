"""Views that make an answer and do not give it back, on some of their ways."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.views import listed
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import own_nodes

RANK = 62
_ANSWERS = ("django.http.", "django.shortcuts.render", "django.shortcuts.redirect")
_KEEPS = ("django.views.decorators.", "django.contrib.auth.decorators.")


def rules(seen: Evidence) -> Iterator[Found]:
    for view in listed(seen):
        if not all(one.startswith(_KEEPS) for one in view.decorators()):
            continue  # who knows what a decorator makes of nothing
        for node in own_nodes(view.node):
            call = node.value if isinstance(node, ast.Expr) else None
            if isinstance(call, ast.Call) and _is_answer(call, view):
                yield Found(
                    "client-view-returns-nothing",
                    f"ValueError: The view {view.dotted} didn't return an HttpResponse",
                    at(view, view.node),
                    RANK,
                    TRIED,
                    f"return {ast.unparse(call.func)}(…)",
                )
                break


def _is_answer(call: ast.Call, view: Function) -> bool:
    """Whether a call makes an answer, and nothing else."""
    name = calls.name_of(call, view)
    return name.startswith(_ANSWERS) and name.rpartition(".")[2] != "get_object_or_404"

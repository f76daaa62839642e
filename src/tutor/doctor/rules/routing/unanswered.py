"""Views that nobody reaches, or that do not give back the answer they make."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.routing.views import listed
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import own_nodes, walk

RANK = 62
_ANSWERS = ("django.http.", "django.shortcuts.render", "django.shortcuts.redirect")
_KEEPS = ("django.views.decorators.", "django.contrib.auth.decorators.")


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _behind_a_slash(seen)
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


def _behind_a_slash(seen: Evidence) -> Iterator[Found]:
    """``path('/', page)``: it answers at //, and nobody does at /."""
    routes = (seen.look.get("urls") or {}).get("routes") or []
    modules = [m for m in seen.source.modules.values() if "urlpatterns" in m.lines]
    for module in modules if "/" in routes else ():
        for node in walk(module.tree):
            if (
                isinstance(node, ast.Call)
                and node.args
                and getattr(node.args[0], "value", "") == "/"
                and module.resolve(node.func) == "django.urls.path"
            ):
                yield Found(
                    "client-no-page-at-root",
                    "urls.W002: the route '/' begins with a slash",
                    (module.file, node.lineno),
                    RANK,
                    "GET /",
                    "path('', …)",
                )
                return


def _is_answer(call: ast.Call, view: Function) -> bool:
    """Whether a call makes an answer, and nothing else."""
    name = calls.name_of(call, view)
    return name.startswith(_ANSWERS) and name.rpartition(".")[2] != "get_object_or_404"

"""Views and consumers that nobody reaches, or that keep the answer they make."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.routing.places import route_place
from tutor.doctor.rules.routing.views import listed
from tutor.doctor.source import Function, calls
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import own_nodes, walk

RANK = 62
_ANSWERS = ("django.http.", "django.shortcuts.render", "django.shortcuts.redirect")
_KEEPS = ("django.views.decorators.", "django.contrib.auth.decorators.")


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _behind_a_slash(seen)
    yield from _unrouted(seen)
    yield from _same(seen)
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


def _unrouted(seen: Evidence) -> Iterator[Found]:
    """A view that shows a page, and of which nobody speaks, where / has none."""
    look = seen.look.get("urls") or {}
    module = seen.source.modules.get(str(seen.settings.get("urlconf")))
    own = [m for m in seen.source.modules.values() if not is_aside(m.file)]
    if look.get("root", 1) is not None or module is None:
        return
    said = {
        getattr(node, "attr", getattr(node, "id", getattr(node, "value", "")))
        for one in own
        for node in walk(one.tree)
        if isinstance(node, ast.Attribute | ast.Name | ast.Constant)
    }
    for view in seen.source.functions.values():
        names = [one.arg for one in view.node.args.args][:1]
        shows = any(
            calls.name_of(call, view) == "django.shortcuts.render"
            for call in calls.calls(view.node)
        )
        if view.owner or view.module not in own or names != ["request"] or not shows:
            continue
        if view.name not in said and not view.node.decorator_list:
            yield Found(
                "client-no-page-at-root",
                f"nobody routes {view.dotted}",
                (module.file, module.lines.get("urlpatterns")),
                RANK,
                "GET /",
                f"path('', {view.name})",
            )
            return


def _is_answer(call: ast.Call, view: Function) -> bool:
    """Whether a call makes an answer, and nothing else."""
    name = calls.name_of(call, view)
    return name.startswith(_ANSWERS) and name.rpartition(".")[2] != "get_object_or_404"


def _same(seen: Evidence) -> Iterator[Found]:
    """Two routes of one consumer, where another one is called like the second path."""
    routed = {leaf.get("consumer") for leaf in seen.leaves}
    idle = [
        one
        for one in seen.source.consumers()
        if one.dotted not in routed and not one.heirs and one.kind
    ]
    for leaf in seen.leaves if idle else ():
        mine = seen.consumer_class(leaf.get("consumer"))
        twice = [one for one in seen.leaves if one.get("consumer") == leaf["consumer"]]
        words = re.findall(r"[a-z]{4,}", leaf["sample"].lower())
        meant = [one for one in idle if any(word in one.name.lower() for word in words)]
        if mine is None or len(twice) < 2 or len(meant) != 1:
            continue
        if not any(word in mine.name.lower() for word in words):
            yield Found(
                None,
                f"{leaf['sample']} leads to {mine.name}, like {twice[0]['sample']}",
                route_place(seen, leaf),
                RANK,
                f"walking to the route {leaf['sample']}",
                f"{meant[0].name}.as_asgi()",
                f"No route leads to {meant[0].name}.",
            )
            return

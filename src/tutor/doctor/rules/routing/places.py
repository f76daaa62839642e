"""Where routes are written: each one, their list, and the router that is given it."""

from __future__ import annotations

import ast

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place, at
from tutor.doctor.rules.project.asgi import assigned
from tutor.doctor.source import Function
from tutor.doctor.source.flow import Frame, body, bound_at, every_call, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

ROUTES = (
    "django.urls.path",
    "django.urls.re_path",
    "django.urls.conf.path",
    "django.urls.conf.re_path",
    "django.urls.url",
)


def route_place(seen: Evidence, leaf: Event) -> Place:
    """Where a route is written: the call of path() or re_path() with its text."""
    texts = [step["text"] for step in leaf.get("steps", [])]
    consumer = (leaf.get("consumer") or "").rpartition(".")[2]
    best: Place = (None, None)
    score = 0
    for module in seen.source.modules.values():
        for node in walk(module.tree):
            if not isinstance(node, ast.Call) or not texts:
                continue
            if (module.resolve(node.func) or "") not in ROUTES:
                continue
            words = {n.id for n in walk(node) if isinstance(n, ast.Name)}
            words |= {n.attr for n in walk(node) if isinstance(n, ast.Attribute)}
            constants = [n.value for n in walk(node) if isinstance(n, ast.Constant)]
            here = 2 * (texts[-1] in constants) + (consumer in words)
            here = here or 2 * _makes(node, texts[-1])
            if here > score:
                best, score = (module.file, node.lineno), here
    if score:
        return best
    computed = [
        at(function, node)
        for function in [*seen.source.all_functions(), *bodies(seen)]
        if function.module.name != seen.settings.get("urlconf")
        for node in every_call(function.node)
        if (function.module.resolve(node.func, function) or "") in ROUTES
        and node.args
        and not isinstance(node.args[0], ast.Constant)
    ]
    return computed[0] if len(computed) == 1 and texts else routing_place(seen)


def _makes(call: ast.Call, text: str) -> bool:
    """Whether a route's text is put together of parts, and all of them stand in it."""
    given = call.args[0] if call.args else None
    if not isinstance(given, ast.JoinedStr | ast.BinOp):
        return False
    parts = [one.value for one in walk(given) if isinstance(one, ast.Constant)]
    told = [one for one in parts if isinstance(one, str) and one.strip("^$/")]
    return bool(told) and all(one in text for one in told)


def routing_place(seen: Evidence) -> Place:
    """The list of routes, or the router that is given it."""
    routers: list[Place] = []
    lists: list[tuple[int, Place]] = []
    for function in [*seen.source.all_functions(), *bodies(seen)]:
        for node in every_call(function.node):
            made = function.module.resolve(node.func, function)
            if made != "channels.routing.URLRouter":
                continue
            routers.append(at(function, node))
            given = node.args[0] if node.args else None
            where, held = unfold(Frame(function), given) if given else (None, None)
            if where is not None and isinstance(held, (ast.List, ast.Tuple)):
                lists.append((len(held.elts), at(where.function, held)))
    if lists:
        return min(lists)[1]
    return routers[0] if routers else assigned(seen, "application")


def bodies(seen: Evidence) -> list[Function]:
    """What each module of the application does as it is imported."""
    modules = seen.source.modules.values()
    return [body(module) for module in modules if not is_aside(module.file)]


def of_pages(seen: Evidence) -> Place | None:
    """Where a router of sockets is given the list of routes of Django's pages."""
    pages = {str(seen.settings.get("urlconf") or "")}
    for module in seen.source.modules.values():
        for call in every_call(module.tree):
            if (module.resolve(call.func) or "").endswith(".include"):
                words = [one for given in call.args for one in walk(given)]
                pages |= {str(getattr(one, "value", "")) for one in words}
    for function in [*seen.source.all_functions(), *bodies(seen)]:
        for node in every_call(function.node):
            made = function.module.resolve(node.func, function)
            if made == "channels.routing.URLRouter" and node.args:
                bound = bound_at(function, node.args[0])
                if bound is not None and bound[0].name in pages:
                    return at(function, node)
    return None


def url_place(seen: Evidence, route: str) -> Place:
    module = seen.source.modules.get(str(seen.settings.get("urlconf")))
    for one in [module, *seen.source.modules.values()]:
        if one is None or one.name.endswith("routing"):
            continue
        for node in walk(one.tree):
            if isinstance(node, ast.Constant) and node.value == route:
                return one.file, node.lineno
    return (module.file if module else None), None

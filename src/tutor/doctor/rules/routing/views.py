"""The views behind a path, as the project's lists of URLs name them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.source import Function, calls, known, queries
from tutor.doctor.source.walking import walk

VERBS = ("get", "post", "put", "patch", "delete", "head", "options")
_HTTP = "django.views.decorators.http."
_ALLOW = {
    "require_POST": {"POST"},
    "require_GET": {"GET"},
    "require_safe": {"GET", "HEAD"},
}
# Since Django 5 a link, which is a GET, logs nobody out.
_OF_DJANGO = {"django.contrib.auth.views.LogoutView.as_view()": {"POST", "OPTIONS"}}
_PLAIN = {
    "django.views.View",
    "django.views.generic.View",
    "django.views.generic.base.View",
}


def views(seen: Evidence, path: str) -> list[Function]:
    """The functions that may answer a path: views, and the methods of their classes."""
    return [one for found in _behind(seen, path) for one in found[0]]


def asked(seen: Evidence, path: str, verb: str) -> list[Function]:
    """The functions that answer a path that is asked for, by a pattern's route, too."""
    every = [one for found, _ in _behind(seen, path) for one in found] or [
        one
        for found, _ in _behind(seen, lambda call: _fits(_route(call), path.strip("/")))
        for one in found
    ]
    return [one for one in every if one.name in (verb, "dispatch") or not one.owner]


def _fits(route: str, path: str) -> bool:
    parts, given = route.split("/"), path.split("/")
    return len(parts) == len(given) and all(
        "<" in part or part == one for part, one in zip(parts, given, strict=True)
    )


def methods(seen: Evidence, path: str) -> set[str] | None:
    """The HTTP methods that are answered at a path; None where that is not certain."""
    found = [allowed for _, allowed in _behind(seen, path)] or [
        allowed
        for _, allowed in _behind(seen, lambda call: _may_be(_route(call), path))
    ]
    if not found or None in found:
        return None
    return {one for allowed in found for one in allowed or ()}


def behind_url(seen: Evidence, url: str, verb: str) -> list[Function]:
    """The functions that may answer a request that a script sends.

    Args:
        seen: the evidence.
        url: as a script makes it: signs that none has stand for what is not known,
            and a template's ``{% url %}`` for what it names.
        verb: its method, in capitals.
    """
    named = re.fullmatch(r"\{%\s*url\s+['\"]([\w:-]+)['\"].*%\}", url)
    path = re.sub(r"^[\w\x00]*:?//[^/]*", "", url).partition("?")[0]
    path = re.sub(r"^(?:\x02|\.{0,2}/)+", "", path).strip("/")
    if named:
        found = [*_behind(seen, lambda call: _named(call) == named[1].split(":")[-1])]
    elif re.search(r"\w", path) and "{" not in path:
        found = [*_behind(seen, path)] or [
            *_behind(seen, lambda call: _may_be(_route(call), path))
        ]
    else:
        return []
    every = [one for functions, _ in found for one in functions]
    return [
        one
        for one in every
        if one.name not in (*VERBS, "dispatch") or one.name == verb.lower()
    ]


def _named(call: ast.Call) -> str:
    given = [word.value for word in call.keywords if word.arg == "name"]
    return str(getattr(given[0], "value", "")) if given else ""


def _may_be(route: str, path: str) -> bool:
    """Whether a path with gaps is one of a route's with as many."""
    parts, wanted = route.split("/"), path.split("/")
    return len(wanted) >= len(parts) and all(
        ("<" in part) == (not one.isprintable() or one.isdigit())
        and ("<" in part or part == one)
        for part, one in zip(parts, wanted[-len(parts) :], strict=True)
    )


def _route(call: ast.Call) -> str:
    return str(getattr(call.args[0], "value", "")).strip("/")


def listed(seen: Evidence) -> list[Function]:
    """The functions, and the methods of classes, that any path leads to."""
    found = [one for every, _ in _behind(seen, None) for one in every]
    return [*{id(one): one for one in found}.values()]


def asks(function: Function) -> bool:
    """Whether a function waits for async code, or asks the database."""
    return any(
        calls.name_of(call, function) == f"{known.TO_SYNC}()"
        or queries.queries(call, function)
        for call in calls.calls(function.node)
    )


def _behind(
    seen: Evidence, path: str | Callable[[ast.Call], bool] | None
) -> Iterator[tuple[list[Function], set[str] | None]]:
    wanted = path.strip("/") if isinstance(path, str) else None
    for module in seen.source.modules.values():
        if "urlpatterns" not in module.lines:
            continue
        for node in walk(module.tree):
            if (
                not isinstance(node, ast.Call)
                or len(node.args) < 2
                or module.resolve(node.func) != "django.urls.path"
                or not isinstance(node.args[0], ast.Constant)
            ):
                continue
            route = _route(node)
            below = route and wanted and wanted.endswith(f"/{route}")
            fits = path(node) if callable(path) else wanted is None
            if fits or route == wanted or below:
                name = module.resolve(node.args[1]) or ""
                function = seen.source.functions.get(name)
                owner = seen.source.classes.get(name.removesuffix(".as_view()"))
                if function is not None:
                    yield [function], allowed_by(function)
                elif name in _OF_DJANGO:
                    yield [], _OF_DJANGO[name]
                elif owner is not None:
                    own = [m for v in (*VERBS, "dispatch") if (m := owner.method(v))]
                    plain = owner.library_bases() <= _PLAIN and not owner.method(
                        "dispatch"
                    )
                    yield own, {one.name.upper() for one in own} if plain else None


def allowed_by(function: Function) -> set[str] | None:
    """What the decorators of a view let in."""
    for node, name in zip(
        function.node.decorator_list, function.decorators(), strict=True
    ):
        if not name.startswith(_HTTP):
            continue
        if name.removeprefix(_HTTP) in _ALLOW:
            return _ALLOW[name.removeprefix(_HTTP)]
        listed = getattr(node, "args", [None])[0]
        told = [getattr(one, "value", None) for one in getattr(listed, "elts", ())]
        if told and all(isinstance(one, str) for one in told):
            return {str(one).upper() for one in told}
    return None

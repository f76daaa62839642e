"""Rows that a page shows to their members only, and a socket to everybody."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

SLUG = "auth-membership-not-checked"
RANK = 71
DEEP = 3
_ONE = ("get", "aget", "filter")
_SHORTCUTS = (
    "django.shortcuts.get_object_or_404",
    "django.shortcuts.aget_object_or_404",
)
_KEYS = {"pk", "id", "slug", "uuid", "code", "name", "title"}
_USERS = ("request.user", "self.request.user")


def rules(seen: Evidence) -> Iterator[Found]:
    """``Room.objects.get(pk=pk)``, where the page asks for ``members=user``, too."""
    kept = {one for function in _views(seen) for one in _of_members(function)}
    for owner in seen.source.consumers() if kept else ():
        methods = [m for one in owner.line_of_ancestors for m in one.methods.values()]
        family = [*methods]
        for method in methods:
            family += _called(method)
        words = _words(owner, family)
        for function in family if "url_route" in words else ():
            for call, model, keys in _queries(function):
                fields = {field for of, field in kept if of == model}
                if fields and not fields & (words | keys):
                    yield Found(
                        SLUG,
                        f"who is none of its {min(fields)} gets in, too",
                        at(function, call),
                        RANK,
                        TRIED,
                        f"{min(fields)}=self.scope['user'], as in the page's view",
                    )
                    return


def _views(seen: Evidence) -> Iterator[Function]:
    for function in seen.source.all_functions():
        socket = function.owner is not None and function.owner.kind
        if not socket and not is_aside(function.module.file):
            yield function


def _of_members(function: Function) -> Iterator[tuple[str, str]]:
    """The model and the field by which a view lets only some users see a row."""
    for call, model, keys in _queries(function):
        for word in call.keywords:
            if word.arg and ast.unparse(word.value) in _USERS and keys & _KEYS:
                field = function.module.source.classes[model].attributes.get(word.arg)
                if isinstance(field, ast.Call) and "ManyToMany" in ast.unparse(field):
                    yield model, word.arg


def _queries(function: Function) -> Iterator[tuple[ast.Call, str, set[str]]]:
    """The calls that look one row up: the model, and by what."""
    for call in calls.calls(function.node):
        name = calls.name_of(call, function)
        base, asks, method = name.partition(".objects.")
        if name in _SHORTCUTS and call.args:
            base = function.module.resolve(call.args[0], function) or ""
        elif not asks or method not in _ONE:
            continue
        keys = {str(word.arg) for word in call.keywords}
        if base in function.module.source.classes and keys:
            yield call, base, keys


def _called(function: Function, depth: int = 0) -> Iterator[Function]:
    """The project's functions that a method calls, and those that they call."""
    for call in calls.calls(function.node) if depth < DEEP else ():
        target = calls.target_of(call, function)
        if target is not None and target is not function:
            yield target
            yield from _called(target, depth + 1)


def _words(owner: Class, family: list[Function]) -> set[str]:
    """Every name that a consumer or what it calls has: one may ask in its own way."""
    trees = [one.node for one in owner.line_of_ancestors]
    return {
        str(getattr(node, name))
        for tree in [*trees, *(function.node for function in family)]
        for node in walk(tree)
        for name in ("attr", "id", "arg", "value")
        if isinstance(getattr(node, name, None), str)
    }

"""Who hears of it when something is stored: the receivers of Django's signals."""

from __future__ import annotations

import ast
from collections.abc import Callable

from tutor.doctor.evidence import Evidence
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import walk

_SAVED = "django.db.models.signals.post_save"
_STORES = ("create", "get_or_create", "update_or_create")


def stores_what_is_told(
    seen: Evidence, function: Function, tells: Callable[[Function], bool]
) -> bool:
    """Whether a function makes rows of which a receiver tells a group."""
    made = {
        base
        for call in calls.calls(function.node)
        for base, found, rest in [calls.name_of(call, function).partition(".objects.")]
        if found and rest in _STORES
    }
    return bool(made) and any(
        hears(one) & made and any(map(tells, [one, *_later(one)]))
        for one in seen.source.all_functions()
    )


def _later(function: Function) -> list[Function]:
    """What a function hands on to be run: ``on_commit(lambda: tell(row))``."""
    found = (
        function.module.source.functions.get(function.module.resolve(part.func) or "")
        for node in walk(function.node)
        if isinstance(node, ast.Lambda)
        for part in walk(node.body)
        if isinstance(part, ast.Call)
    )
    return [one for one in found if one is not None]


def hears(function: Function) -> set[str]:
    """The models of which a function hears when one of them was saved."""
    module = function.module
    return {
        module.resolve(word.value) or ""
        for one in function.node.decorator_list
        if isinstance(one, ast.Call)
        and module.resolve(one.func) == "django.dispatch.receiver"
        and any(
            module.resolve(part) == _SAVED
            for given in one.args
            for part in getattr(given, "elts", [given])
        )
        for word in one.keywords
        if word.arg == "sender"
    }

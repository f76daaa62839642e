"""Routes that code asks for by a name, or with values, that none of them has."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place
from tutor.doctor.source import Module
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 62
REVERSES = (
    *("django.urls.reverse", "django.urls.reverse_lazy"),
    *("django.urls.base.reverse", "django.urls.base.reverse_lazy"),
)
_REDIRECT = ("django.shortcuts.redirect", "django.shortcuts.resolve_url")
_OF_REDIRECT = ("permanent", "preserve_request")
_TARGETS = ("LOGIN_REDIRECT_URL", "LOGOUT_REDIRECT_URL")
# How many values stand in a row, and the names of the others.
Given = tuple[int, set[str]]


def rules(seen: Evidence) -> Iterator[Found]:
    doors = seen.look.get("doors") or {}
    names, takes = doors.get("names"), doors.get("takes") or []
    if names is None:
        return
    for module in seen.source.modules.values():
        for line, name, given in () if is_aside(module.file) else _asked(module):
            if name not in names:
                yield unknown(name, (module.file, line))
                return
            if given is not None and not fits(takes, name, given):
                yield unfit(name, (module.file, line))
                return
    for name in _TARGETS if doors.get("elsewhere") else ():
        at = seen.setting(name)
        holder = seen.source.by_file(at[0] or "")
        values = holder.values.get(name, []) if holder and at[1] else []
        told = getattr(values[-1], "value", None) if values else None
        if isinstance(told, str) and _is_name(told) and told not in names:
            yield unknown(told, at)
            return


def unknown(name: str, place: Place, rank: int = RANK) -> Found:
    return Found(
        "client-url-name-unknown",
        f"NoReverseMatch: Reverse for '{name}' not found.",
        place,
        rank,
        TRIED,
        f"a route with name='{name.rpartition(':')[2]}'",
    )


def unfit(name: str, place: Place, rank: int = RANK) -> Found:
    return Found(
        "client-url-name-unknown",
        f"NoReverseMatch: Reverse for '{name}' with these arguments not found.",
        place,
        rank,
        TRIED,
        f"the values that the route '{name}' takes",
    )


def fits(takes: Sequence[Any], name: str, given: Given) -> bool:
    """Whether a route of a name may be given so much.

    Args:
        takes: what each name takes: its names, and those that have a value.
        name: the one that is asked for.
        given: what it is given.
    """
    known = [told for one, told in takes if one == name]
    if not known or None in known:
        return True
    number, keywords = given
    for params, values in known:
        if number and not keywords and number == len(params):
            return True
        if not number and not (keywords ^ set(params)) - set(values):
            return True
    return False


def _is_name(text: str) -> bool:
    """Whether Django takes a text for a route's name, and for no address."""
    return bool(text) and "/" not in text and "." not in text


def _asked(module: Module) -> Iterator[tuple[int, str, Given | None]]:
    caught = [
        range(one.body[0].lineno, (one.body[-1].end_lineno or 0) + 1)
        for one in walk(module.tree)
        if isinstance(one, ast.Try)
    ]
    for node in walk(module.tree):
        told: tuple[str, Given | None] | None = None
        if isinstance(node, ast.Call):
            told = _called(module, node)
        elif isinstance(node, ast.Assign) and _holds(node.value):
            named = [getattr(one, "id", "") for one in node.targets]
            value = getattr(node.value, "value", "")
            told = (value, None) if "pattern_name" in named else None
        elif isinstance(node, ast.keyword) and node.arg == "pattern_name":
            value = getattr(node.value, "value", None)
            told = (value, None) if isinstance(value, str) else None
        line = getattr(node, "lineno", 0)
        if told is not None and not any(line in lines for lines in caught):
            yield line, *told


def _holds(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _called(module: Module, call: ast.Call) -> tuple[str, Given | None] | None:
    """The name that a call asks for, and what it is given; None where it is none."""
    function = module.resolve(call.func) or ""
    named = [*call.args[:1], *(w.value for w in call.keywords if w.arg == "viewname")]
    name = getattr(named[0], "value", None) if named else None
    if not isinstance(name, str) or not named or not _holds(named[0]):
        return None
    words = {word.arg: word.value for word in call.keywords}
    starred = None in words or any(isinstance(a, ast.Starred) for a in call.args)
    if function in _REDIRECT and _is_name(name):
        keywords = {word for word in words if word} - {*_OF_REDIRECT}
        return name, None if starred else (len(call.args) - 1, keywords)
    if function not in REVERSES or "urlconf" in words or len(call.args) > 1:
        return None
    rows, table = words.get("args"), words.get("kwargs")
    if starred or not isinstance(rows, ast.List | ast.Tuple | None):
        return name, None
    if any(isinstance(one, ast.Starred) for one in getattr(rows, "elts", ())):
        return name, None
    if table is None:
        return name, (len(getattr(rows, "elts", ())), set())
    keys = [getattr(key, "value", None) for key in getattr(table, "keys", [None])]
    if isinstance(table, ast.Call) and module.resolve(table.func) in (None, "dict"):
        keys = [word.arg for word in table.keywords]
    texts = {key for key in keys if isinstance(key, str)}
    return name, (0, texts) if len(texts) == len(keys) else None

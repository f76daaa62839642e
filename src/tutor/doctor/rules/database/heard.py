"""Receivers that tell a group what a transaction further out may still undo."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.receivers import hears
from tutor.doctor.rules.groups.spreading import tells
from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import body, every_call

RANK = 65
_SAVED = "django.db.models.signals.post_save.connect"
_WORD = "post_save"
_STORES = ("create", "get_or_create", "update_or_create")


def rules(
    seen: Evidence, blocks: Callable[[Function], list[ast.AST]]
) -> Iterator[Found]:
    """A row that is stored in a transaction, and told when it is stored.

    Args:
        seen: the evidence.
        blocks: finds what runs in a transaction.
    """
    every = [*seen.source.all_functions()]
    stored = {
        model
        for function in every
        for block in blocks(function)
        for call in calls.calls(block)
        if (model := _stored(call, function))
    }
    connected = _connected(seen) if stored else {}
    for function in every if stored else ():
        if not (hears(function) | connected.get(id(function), set())) & stored:
            continue
        for call in calls.calls(function.node):
            if tells(call, function):
                yield Found(
                    "db-told-before-commit",
                    "a group hears of what whoever stored it may still undo",
                    at(function, call),
                    RANK,
                    TRIED,
                    "transaction.on_commit(...)",
                )
                return


def _stored(call: ast.Call, function: Function) -> str:
    """The model of which a call stores a row; empty where it stores none."""
    name = calls.name_of(call, function)
    model, found, rest = name.partition(".objects.")
    if found:
        return model if rest in _STORES else ""
    held = call.func.value if isinstance(call.func, ast.Attribute) else None
    if held is None or getattr(call.func, "attr", "") != "save":
        return ""
    made = function.module.resolve(held, function) or ""
    return made.partition(".objects.")[0].removesuffix("()")


def _connected(seen: Evidence) -> dict[int, set[str]]:
    """The models of which functions hear by ``post_save.connect``."""
    found: dict[int, set[str]] = {}
    inner = [one for one in seen.source.all_functions() if _WORD in one.module.text]
    modules = {m.name: m for m in seen.source.modules.values() if _WORD in m.text}
    for where in (*map(body, modules.values()), *inner):
        for call in every_call(where.node):
            if calls.name_of(call, where) != _SAVED or not call.args:
                continue
            heard = calls.target_of(ast.Call(call.args[0], [], []), where)
            senders = [word.value for word in call.keywords if word.arg == "sender"]
            named = {where.module.resolve(one, where) or "" for one in senders}
            found.setdefault(id(heard), set()).update(named)
    return found

"""What is stored: models without their migration, and news that comes too early."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.rules.spreading import tells
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import own_nodes

RANK = 45  # before the queries that then fail
ATOMIC = ("django.db.transaction.atomic", "django.db.transaction.atomic()")
WRITES = {
    *("create", "save", "delete", "update", "get_or_create", "update_or_create"),
    *("bulk_create", "bulk_update"),
}


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _without_migration(seen)
    for function in seen.source.all_functions():
        yield from _before_the_commit(function)
        if function.is_async:
            yield from _awaited_transaction(function)


def _awaited_transaction(function: Function) -> Iterator[Found]:
    """A transaction in async code, where it has no asynchronous form."""
    for node in own_nodes(function.node):
        if isinstance(node, ast.With | ast.AsyncWith) and any(
            (function.module.resolve(item.context_expr, function) or "") in ATOMIC
            for item in node.items
        ):
            yield Found(
                "db-orm-in-async-consumer",
                "'Atomic' object does not support the asynchronous context manager"
                if isinstance(node, ast.AsyncWith)
                else "You cannot call this from an async context",
                at(function, node),
                RANK + 3,
                TRIED,
                "a transaction in a function that runs in a thread",
                "A transaction has no asynchronous form.",
            )


def _without_migration(seen: Evidence) -> Iterator[Found]:
    """A model that is not what the migrations make."""
    for one in (seen.look.get("migrations") or {}).get("missing", []):
        yield Found(
            "db-migration-missing",
            f"no migration says: {one['does']}",
            _model(seen, one["app"], one["model"], one["field"]),
            RANK,
            "comparing the models with the migrations",
            "a migration for each change",
        )
        return


def _model(seen: Evidence, app: str, model: str, field: str) -> Place:
    """Where a model is written, or its field."""
    for one in seen.source.classes.values():
        if one.name.lower() != model.lower() or app not in one.module.name.split("."):
            continue
        lines = [
            node.lineno
            for node in one.node.body
            if isinstance(node, ast.Assign)
            and any(getattr(target, "id", "") == field for target in node.targets)
        ]
        return one.module.file, next(iter(lines), one.node.lineno)
    return None, None


def _before_the_commit(function: Function) -> Iterator[Found]:
    """A group that is told of what a transaction may still undo."""
    blocks: list[ast.AST] = []
    if any(name.startswith(ATOMIC[0]) for name in function.decorators()):
        blocks = [function.node]
    for node in own_nodes(function.node):
        if isinstance(node, ast.With) and any(
            (function.module.resolve(item.context_expr, function) or "") in ATOMIC
            for item in node.items
        ):
            blocks.append(node)
    for block in blocks:
        inside = calls.calls(block)
        if not any(getattr(c.func, "attr", "") in WRITES for c in inside):
            continue
        for call in inside:
            if tells(call, function):
                yield Found(
                    "db-told-before-commit",
                    "a group hears of what may still be undone",
                    at(function, call),
                    RANK + 20,
                    TRIED,
                    "transaction.on_commit(...)",
                )
                return

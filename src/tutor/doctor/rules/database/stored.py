"""What is stored: models without their migration, and news that comes too early."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.database import heard
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.rules.groups.spreading import asks_a_worker, tells
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import own_nodes, walk

RANK = 45  # before the queries that then fail
ATOMIC = ("django.db.transaction.atomic", "django.db.transaction.atomic()")
WRITES = {
    *("create", "save", "delete", "update", "get_or_create", "update_or_create"),
    *("bulk_create", "bulk_update"),
}


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _without_migration(seen)
    yield from _no_package(seen)
    atomic = _each_request(seen)
    yield from heard.rules(seen, atomic_blocks)
    for function in seen.source.all_functions():
        yield from _before_the_commit(function, atomic)
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
    missing = (seen.look.get("migrations") or {}).get("missing", [])
    for one in sorted(missing, key=lambda one: not one["table"]):
        yield Found(
            "db-migration-missing",
            f"no migration says: {one['does']}",
            _model(seen, one["app"], one["model"], one["field"]),
            RANK if one["table"] else 90,
            "comparing the models with the migrations",
            "a migration for each change",
            milder=""
            if one["table"]
            else "What has changed needs no other table, so nothing fails.",
        )
        return


def _no_package(seen: Evidence) -> Iterator[Found]:
    """Migrations in a folder that Django takes for none, as it is no package."""
    for one in (seen.look.get("own-apps") or {}).get("found", []):
        folder = seen.home / one["file"] / "migrations"
        names = [p for p in sorted(folder.glob("*.py")) if _NUMBERED(p.name)]
        if names and not (folder / "__init__.py").exists():
            yield Found(
                "db-migration-missing",
                f"no such table: the migrations of {one['name']} are never applied",
                (names[0].relative_to(seen.project).as_posix(), None),
                RANK,
                "looking at the files",
                "a file __init__.py beside the migrations",
                f"There is no __init__.py in {one['file']}/migrations.",
            )
            return


_NUMBERED = re.compile(r"\d{4}_\w+\.py").fullmatch


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


def _each_request(seen: Evidence) -> bool:
    """Whether each view of a project runs in a transaction."""
    return any(
        isinstance(node, ast.Dict)
        and any(
            getattr(key, "value", "") == "ATOMIC_REQUESTS"
            and getattr(value, "value", False) is True
            for key, value in zip(node.keys, node.values, strict=True)
        )
        for module in seen.source.modules.values()
        if "ATOMIC_REQUESTS" in module.text
        for node in walk(module.tree)
    )


def _is_view(function: Function) -> bool:
    """Whether a function answers a request, as a view or for one."""
    given = [one.arg for one in function.node.args.args[:2]]
    of_class = function.owner is not None and any(
        base.startswith("django.views.") for base in function.owner.library_bases()
    )
    return not function.is_async and ("request" in given or of_class)


def _hears_a_save(function: Function) -> bool:
    """Whether a function is a receiver that runs inside of what saves."""
    return any(
        name.startswith("django.dispatch.receiver") for name in function.decorators()
    ) and "post_save" in "".join(map(ast.unparse, function.node.decorator_list))


def atomic_blocks(function: Function, atomic: bool = False) -> list[ast.AST]:
    """What runs in a transaction: a function, or what stands below its ``with``.

    Args:
        function: the function.
        atomic: whether each view does.
    """
    blocks: list[ast.AST] = []
    if atomic and _is_view(function):
        blocks = [function.node]
    if any(name.startswith(ATOMIC[0]) for name in function.decorators()):
        blocks = [function.node]
    for node in own_nodes(function.node):
        if isinstance(node, ast.With) and any(
            (function.module.resolve(item.context_expr, function) or "") in ATOMIC
            for item in node.items
        ):
            blocks.append(node)
    return blocks


def _before_the_commit(function: Function, atomic: bool) -> Iterator[Found]:
    """A group that is told of what a transaction may still undo."""
    if atomic and _hears_a_save(function):
        for call in calls.calls(function.node):
            if tells(call, function):
                yield Found(
                    "db-told-before-commit",
                    "a group hears of what its request may still undo",
                    at(function, call),
                    RANK + 20,
                    TRIED,
                    "transaction.on_commit(...)",
                )
                return
    for block in atomic_blocks(function, atomic):
        inside = calls.calls(block)
        if not any(getattr(c.func, "attr", "") in WRITES for c in inside):
            continue
        for call in inside:
            worker = asks_a_worker(call, function)
            if worker or tells(call, function):
                who = "a worker" if worker else "a group"
                yield Found(
                    "db-told-before-commit",
                    f"{who} hears of what may still be undone",
                    at(function, call),
                    RANK + 20,
                    TRIED,
                    "transaction.on_commit(...)",
                )
                return

"""What an async test stores under a transaction that is not around it.

pytest-django's ``django_db`` holds its transaction on the connection of pytest's own
thread; what a coroutine asks of the database, it asks in another thread, by another
connection (asgiref's ``SyncToAsync``; pytest-django, "Database access").
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.suites.communicators import behind
from tutor.doctor.rules.suites.marks import asked, fixtures, is_test, marks, query
from tutor.doctor.rules.suites.talks import talks
from tutor.doctor.rules.suites.testing import RANK
from tutor.doctor.source import Function, calls, known
from tutor.doctor.source.flow import Frame
from tutor.doctor.source.index import is_aside

# The fixtures of pytest-django that hold no transaction, and empty the tables.
NONE_HELD = {
    *("transactional_db", "live_server", "django_db_reset_sequences"),
    "django_db_serialized_rollback",
}
STORES = {
    *("create", "get_or_create", "update_or_create", "bulk_create", "save"),
    *("create_user", "create_superuser"),
}
DEEP = 3  # functions that call one another


def rules(seen: Evidence) -> Iterator[Found]:
    asides = [
        one for one in seen.source.functions.values() if is_aside(one.module.file)
    ]
    if any(_for_all(one) and _holds_none(seen, one) for one in asides):
        return
    for function in asides:
        if not (function.is_async and is_test(function)):
            continue
        every = [
            one
            for mark in marks(function)
            for one in (mark.elts if isinstance(mark, ast.List | ast.Tuple) else [mark])
        ]
        mark = next(filter(_opens, every), None)
        if _holds_none(seen, function):
            continue
        if mark is None and not _asks_for_it(seen, function):
            continue
        if _asks(function, STORES) or (
            _prepared(seen, function) and _met(seen, function)
        ):
            yield Found(
                "test-async-stores-outside-the-transaction",
                "what one test stores is there in the next one",
                at(function, mark or function.node),
                RANK,
                TRIED,
                "@pytest.mark.django_db(transaction=True)",
            )


def _opens(mark: ast.expr) -> bool:
    """Whether a mark opens the database, and holds a transaction."""
    call = mark if isinstance(mark, ast.Call) else None
    name = call.func if call is not None else mark
    return getattr(name, "attr", "") == "django_db" and not (
        call is not None
        and (
            call.args
            or any(
                one.arg in (None, "transaction", "reset_sequences")
                and getattr(one.value, "value", True)
                for one in call.keywords
            )
        )
    )


def _asks_for_it(seen: Evidence, function: Function, depth: int = 0) -> bool:
    """Whether it has the database by the fixture ``db``, as the mark gives it."""
    inner = fixtures(seen, function) if depth < DEEP else ()
    return "db" in asked(function) or any(
        _asks_for_it(seen, one, depth + 1) for one in inner
    )


def _for_all(function: Function) -> bool:
    """Whether it is a fixture that every test has, or a hook that may mark them all."""
    above = " ".join(map(ast.unparse, function.node.decorator_list))
    return "autouse" in above or function.name.startswith("pytest_")


def _holds_none(seen: Evidence, function: Function, depth: int = 0) -> bool:
    """Whether a fixture that is asked for holds no transaction."""
    if asked(function) & NONE_HELD or (
        function.name.startswith("pytest_")
        and "django_db" in ast.unparse(function.node)
    ):
        return True
    inner = fixtures(seen, function) if depth < DEEP else ()
    return any(_holds_none(seen, one, depth + 1) for one in inner)


def _asks(function: Function, methods: set[str], depth: int = 0) -> bool:
    """Whether a function asks the database so, itself or by others that it calls."""
    for call in calls.calls(function.node):
        name = calls.name_of(call, function)
        wrapped = call.func if isinstance(call.func, ast.Call) else None
        if wrapped and calls.name_of(wrapped, function) in known.TO_THREAD:
            parts = wrapped.args[:1]
            name = (function.module.resolve(parts[0], function) or "") if parts else ""
        base, _, method = name.rpartition(".")
        if ".objects" in f".{base}" and {method, method.removeprefix("a")} & methods:
            return True
        target = function.module.source.functions.get(name)
        target = target or calls.target_of(call, function)
        if target is None or target is function or depth == DEEP:
            continue
        if _asks(target, methods, depth + 1):
            return True
    return False


def _prepared(seen: Evidence, function: Function, depth: int = 0) -> bool:
    """Whether a fixture of the project stores something for a test."""
    inner = fixtures(seen, function) if depth < DEEP else ()
    return any(_asks(one, STORES) or _prepared(seen, one, depth + 1) for one in inner)


def _met(seen: Evidence, function: Function) -> bool:
    """Whether the test speaks with a consumer that asks the database."""
    for talk in talks(Frame(function, function.owner)).values():
        owner = behind(seen, talk)
        if owner is not None and any(
            _asks(one, known.SYNC_ORM) or query(one) for one in owner.methods.values()
        ):
            return True
    return False

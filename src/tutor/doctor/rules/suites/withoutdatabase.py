"""Tests that may not ask the database, and talk to a consumer that does."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.rules.reach import reach
from tutor.doctor.rules.suites.testing import RANK
from tutor.doctor.source import Class, Function, calls, known, queries
from tutor.doctor.source.flow import Frame
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.managers import asked_of
from tutor.doctor.source.walking import walk

_SIMPLE = {"django.test.SimpleTestCase", "django.test.testcases.SimpleTestCase"}


def rules(seen: Evidence) -> Iterator[Found]:
    """``SimpleTestCase`` around a consumer whose ``connect`` runs a query."""
    for owner in seen.source.classes.values():
        if not is_aside(owner.module.file) or not owner.library_bases() & _SIMPLE:
            continue
        if any("databases" in one.attributes for one in owner.line_of_ancestors):
            continue
        for name, test in owner.methods.items():
            talked = name.startswith("test") and any(_asks(one) for one in _met(test))
            if talked:
                yield Found(
                    "test-testcase-with-database-consumer",
                    "DatabaseOperationForbidden: queries are not allowed",
                    (owner.module.file, owner.node.lineno),
                    RANK - 1,
                    TRIED,
                    "TransactionTestCase",
                    "SimpleTestCase allows no query at all.",
                )
                return


def _met(test: Function) -> Iterator[Class]:
    """The consumers that a test makes applications of."""
    for node in walk(test.node):
        if isinstance(node, ast.Attribute) and node.attr == "as_asgi":
            dotted = test.module.resolve(node.value, test) or ""
            one = test.module.source.classes.get(dotted)
            if one is not None and one.kind:
                yield one


def _asks(owner: Class) -> bool:
    """Whether whoever connects lets a query run."""
    for name in ("connect", "websocket_connect"):
        method = owner.method(name)
        reached: list[Frame] = []
        if method is not None:
            reach(Frame(method, owner), reached)
        for frame in reached:
            if any(_goes_through(frame.function)):
                return True
            for call in calls.calls(frame.function.node):
                asked = calls.name_of(call, frame.function)
                base, _, last = asked.rpartition(".")
                waits = last in known.ASYNC_ORM and asked_of(frame.function, base)
                if waits or queries.queries(call, frame.function):
                    return True
    return False


def _goes_through(function: Function) -> Iterator[bool]:
    """Whether loops go through the rows of a query."""
    for node in walk(function.node):
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            path = function.module.resolve(node.iter, function) or ""
            yield asked_of(function, path.removesuffix("()")) is not None

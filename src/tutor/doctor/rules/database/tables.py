"""The database at the start of a process: asked too early, or behind its migrations."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.source import Function, calls, queries
from tutor.doctor.source.flow import body
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 49
CONFIG = "django.apps.AppConfig"
GOT = "Accessing the database during app initialization is discouraged."


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _early(seen)
    yield from _imported(seen)
    for event in seen.look.all("unapplied"):
        for one in event["found"][:1]:
            yield Found(
                "auth-migrations-not-applied",
                f"{one['name']} is not applied: the tables are those from before it",
                (seen.prefix + one["file"], None),
                RANK - 5,
                "python manage.py showmigrations",
                "a table for each model, with all its columns",
            )


def _early(seen: Evidence) -> Iterator[Found]:
    """A query at each start, also at that of ``migrate``: as it ran, or is written."""
    places = [
        seen.place(frame)
        for event in seen.look.all("early")
        for frame in event["frames"]
    ]
    places = [one for one in places if in_ready(seen, one)][:1]
    for function in () if places else seen.source.all_functions():
        if function.name == "ready" and _is_config(function):
            places += _written(seen, function)
    for place in places[:1]:
        slug, expected = "app-ready-queries-the-database", "a query on first use"
        caught = any(
            isinstance(node, ast.Try) and node.handlers for node in seen.nodes_at(place)
        )
        milder = "Its error is caught, so migrate goes on." if caught else ""
        yield Found(slug, GOT, place, RANK, TRIED, expected, milder=milder)


def _imported(seen: Evidence) -> Iterator[Found]:
    """A query of a module's own body, which whoever starts the project imports."""
    modules = seen.source.modules.values()
    asked = {star for one in modules for star in one.stars}
    asked |= {name for one in modules for name in one.names.values()}
    asked |= {name.rpartition(".")[0] for name in asked}
    for module in modules:
        if is_aside(module.file) or module.name not in asked:
            continue
        if ".migrations." in module.name or "django.setup" in module.text:
            continue
        whole = body(module)
        tried = [n for n in walk(module.tree) if isinstance(n, ast.Try | ast.If)]
        held = {id(node) for one in tried for node in walk(one)}
        for call in calls.calls(module.tree):
            if queries.queries(call, whole) and id(call) not in held:
                slug, expected = "db-query-while-importing", "a query on first use"
                yield Found(slug, GOT, at(whole, call), RANK, TRIED, expected)
                return


def _written(seen: Evidence, function: Function) -> Iterator[Place]:
    for call in calls.calls(function.node):
        other = seen.source.functions.get(calls.name_of(call, function))
        inner = [*calls.calls(other.node)] if other and not other.is_async else []
        if queries.queries(call, function) or any(
            other is not None and queries.queries(one, other) for one in inner
        ):
            yield at(function, call)


def _is_config(function: Function) -> bool:
    return function.owner is not None and CONFIG in function.owner.library_bases()


def in_ready(seen: Evidence, place: Place) -> bool:
    """Whether a line belongs to an app that gets ready."""
    function = seen.function_at(place)
    return function is not None and function.name == "ready" and _is_config(function)

"""Tests that pytest alone runs: what their marks have to tell it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.suites.communicators import behind
from tutor.doctor.rules.suites.configured import (
    imported,
    left_out,
    pytest_is_told,
    unfound,
)
from tutor.doctor.rules.suites.talks import talks
from tutor.doctor.rules.suites.testing import RANK
from tutor.doctor.source import Class, Function, Module, calls, known, queries
from tutor.doctor.source.flow import Frame, called_function
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.managers import is_model
from tutor.doctor.source.walking import walk

# The fixtures of pytest-django that open the database.
OPENS = {
    *("db", "transactional_db", "live_server", "admin_user", "admin_client"),
    *("django_db_reset_sequences", "django_db_serialized_rollback", "django_user"),
}
DEEP = 3  # functions that call one another


def rules(seen: Evidence) -> Iterator[Found]:
    awaits_itself = _awaits_itself(seen)
    opened = _opened_for_all(seen)
    yield from [*_unlooked(seen)][:1]
    for function in seen.source.functions.values():
        if not is_aside(function.module.file) or not is_test(function):
            continue
        if function.is_async and not awaits_itself:
            yield from _unmarked(function)
        if not opened:
            yield from _without_database(seen, function)


def _unlooked(seen: Evidence) -> Iterator[Found]:
    """Functions that pytest alone would run, in a file that it does not look into."""
    for module in seen.source.modules.values():
        name = module.file.rpartition("/")[2]
        own = [
            one
            for one in seen.source.functions.values()
            if one.module is module
            and one.owner is None
            and one.name.startswith("test_")
            and "<locals>" not in one.dotted
            and any(isinstance(node, ast.Assert) for node in walk(one.node))
        ]
        if (
            own
            and is_aside(module.file)
            and any(base.startswith("pytest") for base in module.names.values())
            and module.name not in imported(seen)
            and left_out(seen, name)
        ):
            yield unfound((module.file, own[0].node.lineno))


def is_test(function: Function) -> bool:
    """Whether pytest runs a function as a test, and nobody else does."""
    owner = function.owner
    return (
        function.name.startswith("test")
        and (owner is None or of_pytest(owner))
        and "<locals>" not in function.dotted
        and function.module.file.rpartition("/")[2].startswith("test")
    )


def _without_database(seen: Evidence, function: Function) -> Iterator[Found]:
    """A query in a test that has not asked for the database."""
    first = query(function) or _prepared(seen, function) or _knocked(seen, function)
    marked = any("django_db" in ast.unparse(one) for one in marks(function))
    if first is not None and not marked and not _opens(seen, function):
        yield Found(
            "test-pytest-without-django-db",
            "RuntimeError: Database access not allowed",
            at(function, function.node),
            RANK - 1,
            TRIED,
            "@pytest.mark.django_db, or a test case of Django",
        )


def _knocked(seen: Evidence, function: Function) -> ast.Call | None:
    """The first query that a consumer makes for whoever a test lets connect."""
    for talk in talks(Frame(function, function.owner)).values():
        if "connect" not in talk.before and talk.line("connect") is None:
            continue
        owner = behind(seen, talk)
        method = owner.method("connect") if owner is not None else None
        for statement in method.node.body if method is not None else ():
            if not isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign):
                break  # who knows whether the rest is done
            for call in calls.calls(statement):
                if method is not None and (
                    queries.queries(call, method)
                    or ((inner := calls.target_of(call, method)) and query(inner, 1))
                ):
                    return call
    return None


def query(function: Function, depth: int = 0) -> ast.Call | None:
    """The first call in a function that asks the database, itself or by others."""
    for node in walk(function.node):
        each = getattr(node, "iter", None)  # of a loop, or in a comprehension
        if not isinstance(each, ast.Call):
            continue
        model, manager, _ = calls.name_of(each, function).partition(".objects")
        if manager and is_model(function.module.source, model):
            return each
    for call in calls.calls(function.node):
        name = calls.name_of(call, function)
        base, _, method = name.rpartition(".")
        asks = method in known.ASYNC_ORM and ".objects" in f".{base}"
        if queries.queries(call, function) or asks:
            return call
        target = called_function(call, function)[0] if depth < DEEP else None
        if target is not None and target is not function and query(target, depth + 1):
            return call
    return None


def asked(function: Function) -> set[str]:
    """The names of the fixtures that a function asks for."""
    arguments = function.node.args
    names = {one.arg for one in arguments.args + arguments.kwonlyargs}
    for one in marks(function):
        if "usefixtures" in ast.unparse(one):
            names |= set(re.findall(r"\w+", ast.unparse(one)))
    return names


def fixtures(seen: Evidence, function: Function) -> list[Function]:
    """The project's own fixtures among them."""
    names = asked(function)
    return [
        other
        for other in seen.source.functions.values()
        if other.name in names and _is_fixture(other)
    ]


def _opens(seen: Evidence, function: Function, depth: int = 0) -> bool:
    """Whether a fixture that a function asks for opens the database."""
    if asked(function) & OPENS:
        return True
    inner = fixtures(seen, function)
    return depth < DEEP and any(_opens(seen, one, depth + 1) for one in inner)


def _prepared(seen: Evidence, function: Function, depth: int = 0) -> ast.Call | None:
    """The first query of the fixtures that a test asks for, and of theirs."""
    for one in fixtures(seen, function) if depth < DEEP else ():
        if one is not function and (
            found := query(one) or _prepared(seen, one, depth + 1)
        ):
            return found
    return None


def _is_fixture(function: Function) -> bool:
    return any(one.endswith("fixture") for one in _names(function))


def _names(function: Function) -> list[str]:
    """What stands above a function, without the arguments."""
    return [
        ast.unparse(one.func if isinstance(one, ast.Call) else one)
        for one in function.node.decorator_list
    ]


def _opened_for_all(seen: Evidence) -> bool:
    """Whether a fixture opens the database for every test, or a hook marks them."""
    for function in seen.source.functions.values():
        if not is_aside(function.module.file):
            continue
        above = " ".join(map(ast.unparse, function.node.decorator_list))
        if "autouse" in above and _opens(seen, function):
            return True
        if function.name.startswith("pytest_") and "django_db" in ast.unparse(
            function.node
        ):
            return True
    return False


def _unmarked(function: Function) -> Iterator[Found]:
    """``async def test_…``, and neither a test case nor pytest is told to await it."""
    if any(
        re.search(r"asyncio|anyio|trio", ast.unparse(one)) for one in marks(function)
    ):
        return
    yield Found(
        "test-pytest-without-asyncio-mark",
        "async def functions are not natively supported.",
        at(function, function.node),
        RANK - 2,
        TRIED,
        "@pytest.mark.asyncio, or a test case of Django",
    )


def of_pytest(owner: Class) -> bool:
    """Whether pytest alone looks into a class for tests."""
    return owner.name.startswith("Test") and not any(
        base != "builtins.object" for base in owner.library_bases()
    )


def marks(function: Function) -> list[ast.expr]:
    """What stands above a test, above its class, and what its module is marked with."""
    owner, name = function.owner, "pytestmark"
    of_class = [*owner.node.decorator_list] if owner else []
    if owner and name in owner.attributes:
        of_class.append(owner.attributes[name])
    above = [*function.node.decorator_list, *of_class, *_last(function.module, name)]
    named = [
        kept
        for one in above
        if isinstance(one, ast.Name)
        for kept in _last(function.module, one.id)
    ]  # ``with_db = pytest.mark.django_db``
    return above + named


def _last(module: Module, name: str) -> list[ast.expr]:
    """What a name is given last; all of it where something is added to it."""
    every = module.values.get(name, [])
    in_a_branch = not any(
        isinstance(node, ast.Assign) and node.value is every[-1]
        for node in module.tree.body
        if every
    )
    return every if name in module.changed or in_a_branch else every[-1:]


def _awaits_itself(seen: Evidence) -> bool:
    """Whether pytest is told somewhere to await every test."""
    if pytest_is_told(seen, r"""asyncio_mode\s*[=:]\s*["']?auto|anyio_mode"""):
        return True
    return any(
        module.file.endswith("conftest.py") and re.search(r"asyncio|anyio", module.text)
        for module in seen.source.modules.values()
    )

"""What one test leaves to the next: a client of another loop, a closed transaction."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.rules.suites.marks import query
from tutor.doctor.rules.suites.testcases import IN_TRANSACTION, chosen, ends
from tutor.doctor.rules.suites.testing import COMMUNICATORS, RANK
from tutor.doctor.source import Class, Function, Module, calls
from tutor.doctor.source.flow import Frame, body, returned, unfold, yielded
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

_TALKS = {
    *("connect", "disconnect", "send_to", "send_json_to", "send_input"),
    *("receive_from", "receive_json_from", "receive_nothing", "receive_output"),
}
_ONCE = ("setUpClass", "setUpTestData", "setUpModule", "setup_class", "setup_module")
_EACH = ("setUp", "asyncSetUp", "setup_method")


def rules(seen: Evidence) -> Iterator[Found]:
    for module in seen.source.modules.values():
        if is_aside(module.file):
            yield from _shared(module)
    yield from _by_fixture(seen)
    for owner in seen.source.classes.values():
        if owner.library_bases() & IN_TRANSACTION:
            yield from _closed(owner)


def _shared(module: Module) -> Iterator[Found]:
    """A communicator that is made once, and that several tests talk to."""
    tests = [
        one
        for one in module.source.functions.values()
        if one.module is module and one.is_async and one.name.startswith("test")
    ]
    if any(getattr(node, "arg", "") == "loop_scope" for node in walk(module.tree)):
        return  # pytest-asyncio keeps one loop for them
    for name, made in _made_once(module):
        talking = [one for one in tests if any(_talks_to(one, name))]
        if len(talking) > 1:
            yield Found(
                "test-communicator-shared-between-tests",
                "asyncio.exceptions.CancelledError",
                (module.file, made.lineno),
                RANK - 2,
                TRIED,
                "a communicator that each test makes for itself",
            )
            return


_WIDE = {"class", "module", "package", "session"}


def _by_fixture(seen: Evidence) -> Iterator[Found]:
    """A fixture of pytest that makes one communicator for several tests."""
    aside = [one for one in seen.source.functions.values() if is_aside(one.module.file)]
    for fixture in aside:
        wide = any(
            isinstance(one, ast.Call)
            and ast.unparse(one.func).endswith("fixture")
            and any(
                word.arg == "scope" and getattr(word.value, "value", "") in _WIDE
                for word in one.keywords
            )
            and not any(word.arg == "loop_scope" for word in one.keywords)
            for one in fixture.node.decorator_list
        )
        made = [*returned(fixture), *yielded(fixture)] if wide else []
        if len(made) != 1:
            continue
        where, node = unfold(Frame(fixture), made[0])
        name = where.module.resolve(node, where.function) or ""
        if name.removesuffix("()") not in COMMUNICATORS:
            continue
        asking = [
            one
            for one in aside
            if one.is_async
            and one.name.startswith("test")
            and fixture.name in {given.arg for given in one.node.args.args}
            and "loop_scope" not in one.module.text
        ]
        if len(asking) > 1:
            yield Found(
                "test-communicator-shared-between-tests",
                "asyncio.exceptions.CancelledError",
                (fixture.module.file, fixture.node.lineno),
                RANK - 2,
                TRIED,
                "a communicator that each test makes for itself",
            )


def _made_once(module: Module) -> Iterator[tuple[str, ast.expr]]:
    """What holds a communicator for the whole module, or a class, and how it is made.

    Its name is ``client`` for one of the module, and ``.client`` for one of a class.
    """
    for name, values in module.values.items():
        for value in values:
            if _makes(value, module):
                yield name, value
    for owner in module.source.classes.values():
        if owner.module is not module:
            continue
        for name, value in owner.attributes.items():
            if _makes(value, module):
                yield f".{name}", value
        for method in owner.methods.values():
            kept = {owner.name} | ({"cls"} if method.name in _ONCE else set())
            for node in walk(method.node):
                for target in node.targets if isinstance(node, ast.Assign) else ():
                    held = getattr(getattr(target, "value", None), "id", "")
                    if (
                        isinstance(node, ast.Assign)
                        and isinstance(target, ast.Attribute)
                        and held in kept
                        and _makes(node.value, module, method)
                    ):
                        yield f".{target.attr}", node.value


def _makes(value: ast.expr, module: Module, function: Function | None = None) -> bool:
    if not isinstance(value, ast.Call):
        return False
    where, made = unfold(Frame(function or body(module)), value)  # a helper of theirs
    name = where.module.resolve(made, where.function) or ""
    return name.removesuffix("()") in COMMUNICATORS


def _talks_to(test: Function, name: str) -> Iterator[ast.Call]:
    """The calls of a communicator that a test has not made."""
    for call in calls.calls(test.node):
        held = call.func.value if isinstance(call.func, ast.Attribute) else None
        given = test.values.get(getattr(held, "id", ""), [])
        if len(given) == 1 and isinstance(given[0], ast.Name | ast.Attribute):
            held = given[0]  # only another name for it
        if held is None or getattr(call.func, "attr", "") not in _TALKS:
            continue
        own = isinstance(held, ast.Name) and held.id == name and not _binds(test, name)
        of_class = isinstance(held, ast.Attribute) and f".{held.attr}" == name
        if own or (of_class and not _binds(test, ast.unparse(held))):
            yield call


def _binds(test: Function, name: str) -> bool:
    """Whether a test makes its own; what it puts on its class, the next one finds."""
    return any(
        isinstance(node, ast.Assign)
        and any(ast.unparse(target) == name for target in node.targets)
        and name.split(".")[0] in (name, "self")
        for node in walk(test.node)
    )


def _closed(owner: Class) -> Iterator[Found]:
    """A consumer's end closes the transaction that the tests of a class share."""
    tests = sorted(name for name in owner.methods if name.startswith("test"))
    ending = [name for name in tests if any(ends(owner.methods[name]))]
    later = tests[tests.index(ending[0]) + 1 :] if ending else []
    before = [one for name in _EACH if (one := owner.method(name)) is not None]
    asking = [
        one for one in (*before, *(owner.methods[name] for name in later)) if query(one)
    ]
    if later and asking:
        yield Found(
            "test-testcase-with-database-consumer",
            "ProgrammingError: Cannot operate on a closed database.",
            chosen(owner) or (owner.module.file, owner.node.lineno),
            RANK - 1,
            TRIED,
            "TransactionTestCase",
        )

"""What prepares a test, and is never run: by its test case, or by pytest."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.suites.configured import pytest_is_told
from tutor.doctor.rules.suites.testing import RANK
from tutor.doctor.source import Class, Function
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

# Of Django, Channels and unittest: those that hold no transaction for a whole class.
_NO_CLASS_DATA = {
    *("TransactionTestCase", "SimpleTestCase", "LiveServerTestCase"),
    *("StaticLiveServerTestCase", "ChannelsLiveServerTestCase"),
    *("IsolatedAsyncioTestCase",),
}
_PLAIN = "unittest.TestCase", "unittest.case.TestCase"


def rules(seen: Evidence) -> Iterator[Found]:
    called = {
        node.attr
        for module in seen.source.modules.values()
        for node in walk(module.tree)
        if isinstance(node, ast.Attribute) and not _is_super(node.value)
    }
    for owner in seen.source.classes.values():
        if "setUpTestData" not in called:
            yield from _no_class_data(owner)
        yield from _no_loop(owner, called)
        yield from _misspelled(owner, called)
    if not _awaits_fixtures(seen):
        yield from _never_awaited(seen)


def _is_super(node: ast.expr) -> bool:
    return getattr(getattr(node, "func", None), "id", "") == "super"


def _no_class_data(owner: Class) -> Iterator[Found]:
    """``setUpTestData`` in a class that is no ``TestCase`` of Django, nor its heirs."""
    method = owner.methods.get("setUpTestData")
    if method is None:
        return
    for one in (owner, *owner.heirs):
        bases = one.library_bases()
        known = all(base.startswith(_LIBRARIES) for base in bases)
        if not bases or not known or not all(map(_calls_it_not, bases)):
            return
    yield Found(
        "test-setuptestdata-never-called",
        "nobody calls setUpTestData",
        at(method, method.node),
        RANK - 2,
        TRIED,
        "setUp(), or django.test.TestCase",
    )


def _misspelled(owner: Class, called: set[str]) -> Iterator[Found]:
    """``def setup(self)``: unittest asks for setUp, in these letters."""
    bases = owner.library_bases()
    if not any(base.startswith(_LIBRARIES) for base in bases):
        return
    right = ("setUp", "tearDown", "setUpClass", "setUpTestData", "tearDownClass")
    for name, method in owner.methods.items():
        plain = name.replace("_", "").lower()
        meant = next((one for one in right if one.lower() == plain), name)
        if meant != name and name not in called and not method.node.decorator_list:
            yield Found(
                "test-setuptestdata-never-called",
                f"nobody calls {name}",
                at(method, method.node),
                RANK - 3,
                TRIED,
                meant,
                f"A test case calls {meant}, in these letters.",
            )
            return


def _no_loop(owner: Class, called: set[str]) -> Iterator[Found]:
    """``asyncSetUp``, or an async ``setUp``, in a test case that awaits tests alone."""
    bases = owner.library_bases()
    if not bases or not all(base.startswith(_LIBRARIES) for base in bases):
        return
    awaits = any(base.endswith("IsolatedAsyncioTestCase") for base in bases)
    for name in ("setUp", "asyncSetUp"):
        method = owner.methods.get(name)
        lost = name == "setUp" or (not awaits and name not in called)
        if method is None or not method.is_async or not lost:
            continue
        yield Found(
            "test-setuptestdata-never-called",
            f"nobody awaits {name}",
            at(method, method.node),
            RANK - 3,  # nothing in it runs, whatever else is wrong with it
            TRIED,
            "def setUp(self), with async_to_sync around what it awaits",
            "A test case of Django awaits its tests, and nothing that prepares them.",
        )
        return


_LIBRARIES = (
    "django.test",
    "django.contrib.staticfiles",
    "channels.testing",
    "unittest",
)


def _calls_it_not(base: str) -> bool:
    return base in _PLAIN or base.rpartition(".")[2] in _NO_CLASS_DATA


def _never_awaited(seen: Evidence) -> Iterator[Found]:
    """``@pytest.fixture`` above an ``async def``, where only asyncio's own is awaited.

    A test is given a coroutine, or a generator, in place of what it asks for.
    """
    asked = {
        one.arg
        for function in seen.source.functions.values()
        if is_aside(function.module.file)
        for one in function.node.args.args + function.node.args.kwonlyargs
    }
    for function in seen.source.functions.values():
        if (
            function.is_async
            and function.name in asked
            and is_aside(function.module.file)
            and _is_plain_fixture(function)
        ):
            yield Found(
                "test-pytest-without-asyncio-mark",
                f"async fixture {function.name!r}, with no plugin that handles it",
                at(function, function.node),
                RANK - 2,
                TRIED,
                "@pytest_asyncio.fixture, or asyncio_mode = auto",
                "A fixture has to be marked, too.",
            )
            return


def _is_plain_fixture(function: Function) -> bool:
    return any(
        (
            function.module.resolve(getattr(one, "func", one), function) or ""
        ).removesuffix("()")
        == "pytest.fixture"
        for one in function.node.decorator_list
    )


def _awaits_fixtures(seen: Evidence) -> bool:
    """Whether pytest is told to await what ``pytest.fixture`` marks, or may be."""
    if pytest_is_told(seen, r"""asyncio[_-]mode\s*[=:]\s*["']?auto|anyio|trio"""):
        return True
    return any(
        re.search(r"\banyio\b|\btrio\b|asyncio_mode|pytest_fixture_setup", module.text)
        for module in seen.source.modules.values()
        if is_aside(module.file)
    )

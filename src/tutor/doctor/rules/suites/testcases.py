"""Async tests: who awaits them, and what they do with the database."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import socketurls
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.rules.suites import withoutdatabase
from tutor.doctor.rules.suites.configured import imported, names_pytest, unfound
from tutor.doctor.rules.suites.talks import talks
from tutor.doctor.rules.suites.testing import COMMUNICATORS, RANK
from tutor.doctor.source import Class, Function, calls, known, queries
from tutor.doctor.source.flow import Frame
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import own_nodes, walk

LIVE = {
    *("django.test.LiveServerTestCase", "django.test.testcases.LiveServerTestCase"),
    "django.contrib.staticfiles.testing.StaticLiveServerTestCase",
}
CLIENTS = ("websockets.", "websocket.", "httpx_ws.")  # what opens a WebSocket
IN_TRANSACTION = {"django.test.TestCase", "django.test.testcases.TestCase"}


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _pages_only(seen)
    yield from withoutdatabase.rules(seen)
    yield from _never_run(seen)
    for function in seen.source.functions.values():
        if function.is_async and is_aside(function.module.file):
            yield from _queries(function)
            yield from _closed(function)


_OWN_NAMES = ("setUp", "tearDown", "asyncSetUp", "asyncTearDown", "runTest", "id")


def _never_run(seen: Evidence) -> Iterator[Found]:
    """A method of a test case that asserts something, and that nobody calls."""
    used = {
        node.attr
        for module in seen.source.modules.values()
        for node in walk(module.tree)
        if isinstance(node, ast.Attribute)
    }
    for owner in seen.source.classes.values():
        bases = [base.rpartition(".")[2] for base in owner.library_bases()]
        if not any(base.endswith("TestCase") for base in bases) or owner.heirs:
            continue
        for name, method in owner.methods.items():
            asserts = any(
                isinstance(node, ast.Assert)
                or getattr(getattr(node, "func", None), "attr", "").startswith("assert")
                for node in walk(method.node)
            )
            if (
                asserts
                and not name.startswith(("test", "_", *_OWN_NAMES))
                and name not in used
                and len(method.node.args.args) == 1
                and not method.node.decorator_list
            ):
                yield Found(
                    "test-never-run",
                    f"nobody calls {name}",
                    at(method, method.node),
                    RANK,
                    TRIED,
                    f"test_{name}",
                )
                return
        yield from _unlooked(seen, owner)


def _unlooked(seen: Evidence, owner: Class) -> Iterator[Found]:
    """Tests in a file whose name does not begin as the search for tests expects."""
    file = owner.module.file
    name = file.rpartition("/")[2]
    tests = [one for one in owner.methods if one.startswith("test")]
    asked = re.fullmatch(r"test.*\.py|conftest\.py|__init__\.py", name)
    by_pytest = re.fullmatch(r".*_tests?\.py", name) and names_pytest(seen)
    if not tests or asked or by_pytest or "tests" not in file.split("/"):
        return
    if owner.module.name not in imported(seen):
        yield unfound((file, owner.node.lineno))


def _pages_only(seen: Evidence) -> Iterator[Found]:
    """Django's own live server, asked for a WebSocket."""
    for owner in seen.source.classes.values():
        if not is_aside(owner.module.file) or not owner.library_bases() & LIVE:
            continue
        opened = [
            node
            for method in owner.methods.values()
            for node in walk(method.node)
            if isinstance(node, ast.Call)
            and (_opens(node, method) or _visits(seen, node, method))
        ]
        if opened:
            yield Found(
                "test-django-live-server",
                "server rejected WebSocket connection: HTTP 404",
                (owner.module.file, owner.node.lineno),
                RANK,
                TRIED,
                "channels.testing.ChannelsLiveServerTestCase",
            )


def _visits(seen: Evidence, call: ast.Call, function: Function) -> bool:
    """Whether a browser opens a page of the project whose scripts open a socket."""
    if getattr(call.func, "attr", "") not in ("goto", "get") or len(call.args) != 1:
        return False
    parts = list(walk(call.args[0]))
    if not any(getattr(part, "attr", "") == "live_server_url" for part in parts):
        return False
    texts = [
        str(part.value)
        for part in parts
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    text = "".join(texts).partition("?")[0]
    if text.strip("/") or any(
        isinstance(part, ast.Call) for part in parts if part is not call
    ):
        return False  # which view it is that answers there, nobody has asked
    root = seen.source.functions.get(str((seen.look.get("urls") or {}).get("root")))
    named = [
        str(node.value)
        for node in (walk(root.node) if root is not None else ())
        if isinstance(node, ast.Constant) and str(node.value).endswith(".html")
    ]
    return bool(named) and any(socketurls.sockets(seen))


def _opens(call: ast.Call, function: Function) -> bool:
    """Whether a call opens a WebSocket, itself or as a function of the tests does."""
    name = calls.name_of(call, function)
    target = calls.target_of(call, function)
    if target is None and isinstance(call.func, ast.Call):  # async_to_sync(f)(…)
        wrapped = [function.module.resolve(one, function) for one in call.func.args]
        found = [function.module.source.functions.get(one or "") for one in wrapped]
        target = next(iter(found), None)
    inner = calls.calls(target.node) if target is not None else ()
    names = [name, *(calls.name_of(one, target) for one in inner if target)]
    return any(
        (one.startswith(CLIENTS) and "connect" in one.lower())
        or one.endswith(".ws_connect")
        for one in names
    )


def _closed(function: Function) -> Iterator[Found]:
    """A query after a consumer has ended, which closes the test's transaction."""
    owner = function.owner
    if owner is None or not owner.library_bases() & IN_TRANSACTION:
        return
    left = min(ends(function), default=None)
    for call in calls.calls(function.node):
        name = calls.name_of(call, function)
        asks = (
            name.rpartition(".")[2] in known.ASYNC_ORM
            or calls.inner_call(call, function) in known.TO_THREAD
            or name.removesuffix("()") in known.TO_THREAD
        )
        if left is not None and asks and call.lineno > left:
            yield Found(
                "test-testcase-with-database-consumer",
                "ProgrammingError: Cannot operate on a closed database.",
                chosen(owner) or at(function, call),
                RANK - 2,
                TRIED,
                "TransactionTestCase",
            )
            return


def chosen(owner: Class) -> Place | None:
    """Where a base class of one's own, in another file, holds the transaction."""
    for one in owner.line_of_ancestors:
        named = {one.module.resolve(base) for base in one.node.bases}
        if named & IN_TRANSACTION and one.module is not owner.module:
            return one.module.file, one.node.lineno
    return None


def ends(function: Function) -> Iterator[int]:
    """Where a test lets a consumer end, itself or by a context manager of its own."""
    for call in calls.calls(function.node):
        owner, _, method = calls.name_of(call, function).rpartition(".")
        if method == "disconnect" and owner.removesuffix("()") in COMMUNICATORS:
            yield call.lineno
    for talk in talks(Frame(function, function.owner)).values():
        line = talk.line("disconnect")
        if line is not None:
            yield line
    for node in walk(function.node):
        if not isinstance(node, ast.AsyncWith):
            continue
        for item in node.items:
            name = function.module.resolve(item.context_expr, function) or ""
            helper = function.module.source.functions.get(name.removesuffix("()"))
            if helper is not None and any(
                isinstance(inner, ast.Attribute) and inner.attr == "disconnect"
                for inner in walk(helper.node)
            ):
                yield node.end_lineno or node.lineno


def _queries(function: Function) -> Iterator[Found]:
    """Synchronous queries in a test's own loop."""
    awaited = {
        id(node.value) for node in walk(function.node) if isinstance(node, ast.Await)
    }
    for call in calls.calls(function.node):
        if id(call) not in awaited and (
            queries.queries(call, function) or _asks(call, function)
        ):
            yield Found(
                "test-orm-called-synchronously",
                "SynchronousOnlyOperation: You cannot call this from an async context",
                at(function, call),
                RANK - 2,
                TRIED,
                "acreate(), aget(), acount(), or database_sync_to_async",
            )
            return


def _asks(call: ast.Call, function: Function) -> bool:
    """Whether a synchronous helper of the tests asks the database, whenever called."""
    target = calls.target_of(call, function)
    if target is None or target.is_async or not is_aside(target.module.file):
        return False
    if target.node.decorator_list or any(
        isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(target.node)
    ):
        return False  # its caller may get something else than it returns
    own = {id(node) for node in own_nodes(target.node)}
    return any(
        id(inner) in own and queries.queries(inner, target)
        for inner in calls.calls(target.node)
    )

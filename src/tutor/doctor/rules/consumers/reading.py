"""Calls that are lost, wrapped too late, or that block: read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers import inloops, plain
from tutor.doctor.rules.consumers.lines import of_middleware
from tutor.doctor.rules.consumers.lost import lost
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, calls, known, queries
from tutor.doctor.source.flow import returned
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import own_nodes, walk

_IN_A_TEST = 30  # after what is wrong with the project
# What a row of a table is asked for, whoever holds it, and gives back no function.
_SAVES = {"save", "delete", "refresh_from_db", "full_clean"}


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        yield from lost(seen, function)
        yield from _handed(seen, function)
        if function.is_async:
            yield from _blocking(seen, function)
            yield from inloops.restless(function)
    for function in seen.source.functions.values():
        if is_aside(function.module.file):
            for one in _handed(seen, function):
                yield replace(one, rank=one.rank + _IN_A_TEST)


def _handed(seen: Evidence, function: Function) -> Iterator[Found]:
    """What a wrapper, a task or an ``await`` is given."""
    yield from _wrapped(seen, function)
    yield from _unbracketed(function)
    yield from _uncalled(function)
    yield from plain.rules(function)


def _wrapped(seen: Evidence, function: Function) -> Iterator[Found]:
    """``async_to_sync(f())``: the call is finished before it is wrapped."""
    for call in calls.calls(function.node):
        name = calls.name_of(call, function)
        first = int(name.endswith(".run_in_executor"))  # after the pool
        inner = call.args[first] if len(call.args) > first else None
        kept = function.values.get(getattr(inner, "id", ""), [])
        made = kept[0] if len(kept) == 1 else inner
        if name == known.TO_SYNC and isinstance(made, ast.Call):
            if calls.makes_coroutine(made, function):
                yield Found(
                    "group-async-to-sync-around-the-call",
                    "nothing: the wrapper is given a finished call",
                    at(function, call),
                    44,
                    TRIED,
                    "async_to_sync(function)(arguments)",
                )
        elif name == f"{known.TO_SYNC}()" and function.is_async:
            yield Found(
                _to_sync(function),
                "You cannot use AsyncToSync in the same thread as an async event loop",
                at(function, call),
                48,
                TRIED,
                "await in an async function",
            )
        elif (
            (name in known.TO_THREAD or name == "asyncio.to_thread" or first)
            and isinstance(inner, ast.Call)
            and (
                queries.queries(inner, function)
                or getattr(inner.func, "attr", "") in _SAVES
                or _done(call, inner, function)
            )
        ):
            yield Found(
                "db-wrapper-around-the-result",
                "You cannot call this from an async context",
                at(function, call),
                48,
                TRIED,
                "the function, not its result",
            )


def _unbracketed(function: Function) -> Iterator[Found]:
    """``async_to_sync(f, x)``, ``await sync_to_async(f)``: what they make waits."""
    for node in own_nodes(function.node):
        call = node.value if isinstance(node, ast.Await | ast.Expr) else node
        if not isinstance(call, ast.Call):
            continue
        name = calls.name_of(call, function)
        named = call.args and isinstance(call.args[0], ast.Name | ast.Attribute)
        if not named or name not in (known.TO_SYNC, *known.TO_THREAD):
            continue
        short, given = name.rpartition(".")[2], ast.unparse(call.args[0])
        expected = f"{short}({given})(…)"
        hint = f"What {short} makes is a function, to be called: {expected}."
        if any(getattr(one, "value", None) is not True for one in call.args[1:]):
            got = f"{short}() is given {len(call.args)} arguments, and takes one"
            slug = "python-arguments-differ"
            yield Found(slug, got, at(function, call), 46, TRIED, expected, hint)
        elif call is not node:
            got = f"nobody calls what {short}({given}) makes"
            slug = "python-function-not-called"
            yield Found(slug, got, at(function, call), 46, TRIED, expected, hint)


def _uncalled(function: Function) -> Iterator[Found]:
    """``create_task(self.tick)``: a method is no coroutine before it is called."""
    for call in calls.calls(function.node):
        if not calls.name_of(call, function).startswith(plain.TASKS) or not call.args:
            continue
        given = call.args[0]
        if isinstance(given, (ast.Name, ast.Attribute)):
            target = calls.target_of(ast.Call(given, [], []), function)
            if target is not None and target.is_async:
                yield Found(
                    "consumer-task-not-called",
                    f"TypeError: a coroutine was expected, got {target.name}",
                    at(function, call),
                    46,
                    TRIED,
                    f"{ast.unparse(given)}()",
                )


def _done(call: ast.Call, inner: ast.Call, function: Function) -> bool:
    """Whether a wrapper is awaited, and given what a function has returned."""
    awaits = [n.value for n in walk(function.node) if isinstance(n, ast.Await)]
    awaits += [n.func for n in awaits if isinstance(n, ast.Call)]
    target = calls.target_of(inner, function)
    if target is None or target.is_async or call not in awaits:
        return False
    # A function that makes the function to be called is no result.
    return not any(_is_function(value, target) for value in returned(target))


def _is_function(value: ast.expr, function: Function) -> bool:
    """Whether what a function returns is, or may be, a function itself."""
    if not isinstance(value, ast.Name):
        return isinstance(value, ast.Lambda)
    arguments = function.node.args
    taken = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    inner = [n.name for n in walk(function.node) if isinstance(n, ast.FunctionDef)]
    if value.id in {*(one.arg for one in taken), *inner}:
        return True
    given = function.values.get(value.id, [])
    made = {"functools.partial", "builtins.getattr"}
    return any(
        isinstance(one, ast.Lambda)
        or (isinstance(one, ast.Call) and calls.name_of(one, function) in made)
        or (isinstance(one, ast.Name | ast.Attribute) and _names_one(one, function))
        for one in given or [value]
    )


def _names_one(node: ast.expr, function: Function) -> bool:
    return calls.target_of(ast.Call(node, [], []), function) is not None


def _to_sync(function: Function) -> str:
    """The mistake that ``async_to_sync`` is in an asynchronous function."""
    if function.owner is None or not function.owner.kind:
        return "group-async-view-with-async-to-sync"
    return "group-async-to-sync-in-async-consumer"


def _waits(call: ast.Call, name: str) -> str:
    """The mistake of what blocks where it is told how long to wait."""
    if name not in known.WAITING:
        return ""
    told = [w.value for w in call.keywords if w.arg == known.WAITING[name]]
    given = [*call.args, *told][:1]
    waits = any(getattr(one, "value", True) for one in given)
    return "consumer-blocking-call-in-async" if waits else ""


def _blocking(seen: Evidence, function: Function) -> Iterator[Found]:
    """Calls that stop the event loop, in async code or in what it calls."""
    asking: set[int] = set()  # what never comes further than to its first query
    for call, where, entry in _reached(function, function, 0, frozenset(), None):
        name = calls.name_of(call, where)
        later = 15 if id(entry) in asking else 0
        slug = calls.blocks(name) or _waits(call, name)
        if name in known.RUNS:
            yield Found(
                "consumer-asyncio-run-in-async",
                "this event loop is already running",
                at(where, call),
                48,
                TRIED,
                "await in an async function",
            )
        elif name == f"{known.TO_SYNC}()" and where is not function:
            yield Found(
                _to_sync(function),
                "You cannot use AsyncToSync in the same thread as an async event loop",
                at(function, entry),
                49 + later,
                TRIED,
                "await in an async function",
                f"It happens in {where.name}.",
            )
        elif slug:
            inside = where is function
            hint = "" if inside else f"It is called from {function.name}."
            yield Found(
                slug,
                f"{name} stops every other client",
                at(where, call),
                62 + later,
                TRIED,
                "nothing that blocks in async code",
                hint,
            )
        elif queries.queries(call, where):
            asking.add(id(entry))
            yield Found(
                "auth-middleware-queries-synchronously"
                if of_middleware(seen, function)
                else "db-orm-in-async-consumer",
                "You cannot call this from an async context",
                at(where, call),
                63,
                TRIED,
                "the asynchronous ORM, or a thread",
            )


def _at(node: ast.AST) -> ast.Call:
    """A call that stands where a property is read."""
    made = ast.Call(ast.Name("property", ast.Load()), [], [])
    return ast.copy_location(made, node)


def _awaits_a_query(call: ast.Call, function: Function) -> bool:
    """``await row.save()``: an await makes nothing asynchronous of Django's own."""
    if not queries.queries(call, function):
        return False
    base, _, method = calls.name_of(call, function).rpartition(".")
    model = base.partition(".objects")[0].removesuffix("()")
    owner = function.module.source.classes.get(model)
    return owner is not None and not any(
        method in one.methods or "objects" in one.attributes
        for one in owner.line_of_ancestors
    )


def _reached(
    function: Function,
    top: Function,
    depth: int,
    seen_names: frozenset[str],
    entry: ast.Call | None,
) -> Iterator[tuple[ast.Call, Function, ast.Call]]:
    """The calls of a function, and of the synchronous functions that it calls.

    With each: the function that it stands in, and the call of ``top`` that leads there.
    """
    awaited = {id(n.value) for n in walk(function.node) if isinstance(n, ast.Await)}
    for node in own_nodes(function.node) if depth < 3 else ():
        asked = queries.property_of(node, function)
        if asked is not None and asked.dotted not in seen_names:
            names = seen_names | {asked.dotted}
            yield from _reached(asked, top, depth + 1, names, entry or _at(node))
    for call in calls.calls(function.node):
        if id(call) not in awaited or _awaits_a_query(call, function):
            yield call, function, entry or call
        name = calls.name_of(call, function)
        local = f"{top.dotted}.<locals>.{name.rpartition('.')[2]}"
        target = calls.target_of(call, function)
        target = target or function.module.source.functions.get(local)
        if (
            target is None
            or target.is_async
            or depth > 3
            or target.dotted in seen_names
        ):
            continue
        if any(d in known.TO_THREAD for d in target.decorators()):
            continue
        names = seen_names | {target.dotted}
        yield from _reached(target, top, depth + 1, names, entry or call)

"""Calls that are lost, wrapped too late, or that block: read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.rules.lines import is_middleware
from tutor.doctor.source import Function, calls, known
from tutor.doctor.source.flow import returned
from tutor.doctor.source.walking import child_nodes, own_nodes, walk


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        yield from _lost(seen, function)
        yield from _wrapped(seen, function)
        yield from _uncalled(function)
        if function.is_async:
            yield from _blocking(seen, function)


def _lost(seen: Evidence, function: Function) -> Iterator[Found]:
    """Coroutines that nobody awaits: calls that stand alone as a statement."""
    for call in (
        *_alone(function.node),
        *_used_as_a_value(function),
        *_kept(function),
        *_put(function),
        *_later(function),
        *_said(function),
    ):
        name = calls.makes_coroutine(call, function)
        if not name:
            continue
        place = at(function, call)
        end = name.removesuffix("()").rpartition(".")[2]
        slug = (
            slug_of_lost(seen, place, function, end) or "consumer-missing-await-on-send"
        )
        yield Found(
            slug,
            f"coroutine '{end}' was never awaited",
            place,
            47,
            TRIED,
            "every coroutine is awaited",
        )


def _kept(function: Function) -> Iterator[ast.Call]:
    """Calls whose result has a name that is tested or shown, and never handed on."""
    for node in walk(function.node):
        if not (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and isinstance(node.targets[0], ast.Name)
        ):
            continue
        name, used = node.targets[0].id, False
        for outer in walk(function.node):
            parts = [*child_nodes(outer)]
            if isinstance(outer, _TESTS):
                continue
            if isinstance(outer, ast.Call) and getattr(outer.func, "id", "") in _SHOWN:
                continue
            used = used or any(
                isinstance(p, ast.Name) and p.id == name and isinstance(p.ctx, ast.Load)
                for p in parts
            )
        if not used:
            yield node.value


def _later(function: Function) -> Iterator[ast.Call]:
    """Calls in a lambda for somebody who calls it later, and awaits nothing."""
    for call in calls.calls(function.node):
        if calls.name_of(call, function).endswith(_CALL_LATER):
            for given in [*call.args, *(word.value for word in call.keywords)]:
                if isinstance(given, ast.Lambda) and isinstance(given.body, ast.Call):
                    yield given.body


_CALL_LATER = (
    "transaction.on_commit",
    ".call_later",
    ".call_soon",
    ".call_soon_threadsafe",
    ".add_done_callback",
    "threading.Timer",
)


def _said(function: Function) -> Iterator[ast.Call]:
    """Calls whose result stands in a message as it is."""
    for call in calls.calls(function.node):
        if calls.name_of(call, function).rpartition(".")[2] not in _MESSAGES:
            continue
        for held in [one for given in call.args for one in walk(given)]:
            for value in held.values if isinstance(held, ast.Dict) else ():
                made = value
                if isinstance(value, ast.Name):
                    given_once = function.values.get(value.id, [])
                    made = given_once[0] if len(given_once) == 1 else value
                yield from (n for n in _branches(made) if isinstance(n, ast.Call))


_MESSAGES = ("send_json", "dumps", "group_send", "JsonResponse")


def _put(function: Function) -> Iterator[ast.Call]:
    """Calls whose result is put into a scope as it is: the user of a middleware."""
    for node in walk(function.node) if function.is_async else ():
        given: list[ast.expr] = []
        if isinstance(node, ast.Assign) and any(map(_is_scope, node.targets)):
            given = [node.value]
        elif isinstance(node, ast.Call) and any(
            map(_is_scope, [*node.args, node.func])
        ):
            given = [word.value for word in node.keywords if word.arg]
            given += [v for one in node.args for v in getattr(one, "values", ())]
        elif isinstance(node, ast.Dict) and any(
            key is None and _is_scope(value)
            for key, value in zip(node.keys, node.values, strict=True)
        ):
            given = node.values
        for one in given:
            value = one
            if isinstance(one, ast.Name):
                made = function.values.get(one.id, [])
                value = made[0] if len(made) == 1 else one
            yield from (n for n in _branches(value) if isinstance(n, ast.Call))


def _branches(node: ast.expr) -> Iterator[ast.expr]:
    """What an expression may be: ``f() if name else None`` is one of two."""
    if isinstance(node, ast.IfExp):
        yield from (*_branches(node.body), *_branches(node.orelse))
    elif isinstance(node, ast.BoolOp):
        yield from (inner for one in node.values for inner in _branches(one))
    else:
        yield node


def _is_scope(node: ast.expr) -> bool:
    """Whether an expression is a scope, one of its entries or one of its methods."""
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        if getattr(node, "attr", "") == "scope":
            return True
        node = node.value
    return isinstance(node, ast.Name) and node.id == "scope"


_TESTS = (ast.If, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.FormattedValue)
_SHOWN = ("bool", "str", "len", "print", "repr", "list", "int")


_OF_COROUTINES = {"send", "close", "throw", "add_done_callback", "cancel", "result"}
_PLAINLY = {"asdict", "dumps", "str", "len", "dict", "list", "repr", "print", "bool"}


def _used_as_a_value(function: Function) -> Iterator[ast.Call]:
    """Calls whose result has a name, under which nothing ever awaits it.

    What is given to another function may be awaited there; its attributes, its keys
    and what is made of it by a function of Python's own say that it is not.
    """
    above = {
        id(child): node for node in walk(function.node) for child in child_nodes(node)
    }
    names: dict[str, list[ast.AST]] = {}
    for node in walk(function.node):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            names.setdefault(node.id, []).append(above[id(node)])
    for node in walk(function.node):
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            continue
        target = node.targets[0]
        if not isinstance(target, ast.Name) or len(node.targets) > 1:
            continue
        uses = names.get(target.id, [])
        values = function.values.get(target.id, [])
        if uses and len(values) == 1 and all(map(_is_plain, uses)):
            yield node.value


def _is_plain(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        end = getattr(node.func, "attr", "") or getattr(node.func, "id", "")
        return end in _PLAINLY
    if isinstance(node, ast.Attribute):
        return node.attr not in _OF_COROUTINES
    return isinstance(node, ast.Subscript)


def _alone(node: ast.AST) -> Iterator[ast.Call]:
    for child in child_nodes(node):
        if isinstance(
            child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        ):
            continue
        if (isinstance(child, ast.Expr) and isinstance(child.value, ast.Call)) or (
            isinstance(child, ast.Assign)
            and isinstance(child.value, ast.Call)
            and all(isinstance(t, ast.Name) and t.id == "_" for t in child.targets)
        ):
            yield child.value
        yield from _alone(child)


def slug_of_lost(
    seen: Evidence, place: Place, function: Function | None, end: str
) -> str | None:
    """Which mistake it is that a coroutine was thrown away at a line."""
    if function is None:
        return None
    layer = end in ("group_send", "group_add", "group_discard")
    target: Function | None = None
    for node in seen.nodes_at(place):
        if isinstance(node, ast.Call):
            name = calls.name_of(node, function)
            if [getattr(one, "id", "") for one in node.args][1:] == ["receive", "send"]:
                return None  # a middleware and what it wraps
            if (
                name == known.TO_SYNC
                and node.args
                and isinstance(node.args[0], ast.Call)
            ):
                return "group-async-to-sync-around-the-call"
            if (
                name in known.TO_THREAD
                and node.args
                and isinstance(node.args[0], ast.Call)
            ):
                return "db-wrapper-around-the-result"
            layer = layer or calls.is_layer(name)
            if name.rpartition(".")[2] == end:
                target = calls.target_of(node, function) or target
    layer = layer or (target is not None and _tells_a_group(target))
    if layer:
        if function.is_async:
            return "group-send-not-awaited"
        if function.owner is not None and function.owner.kind.startswith("sync"):
            return "group-sync-consumer-without-async-to-sync"
        return "group-view-without-async-to-sync"
    owner = function.owner
    if end in ("sleep",):
        return "consumer-asyncio-sleep-not-awaited"
    if owner is not None and owner.kind.startswith("sync"):
        method = owner.method(end)
        if method is not None and method.is_async:
            return "consumer-async-handlers-in-sync-consumer"
    target = target or (owner.method(end) if owner else None)
    if target is not None and any(d in known.TO_THREAD for d in target.decorators()):
        return "db-decorated-function-not-awaited"
    if end in known.ASYNC_ORM or end == "SyncToAsync" or end == "__call__":
        return "db-decorated-function-not-awaited"
    return None


def _tells_a_group(function: Function, depth: int = 0) -> bool:
    """Whether a function of the project only calls the channel layer, or one that does.

    One that waits for something else as well is more than another name for that call.
    """
    if any(
        isinstance(node, ast.Await)
        and isinstance(node.value, ast.Call)
        and not _is_of_a_group(node.value, function, depth)
        for node in walk(function.node)
    ):
        return False
    return any(
        _is_of_a_group(call, function, depth) for call in calls.calls(function.node)
    )


def _is_of_a_group(call: ast.Call, function: Function, depth: int) -> bool:
    if calls.is_layer(calls.name_of(call, function)):
        return True
    target = calls.target_of(call, function)
    return target is not None and depth < 3 and _tells_a_group(target, depth + 1)


def _wrapped(seen: Evidence, function: Function) -> Iterator[Found]:
    """``async_to_sync(f())``: the call is finished before it is wrapped."""
    for call in calls.calls(function.node):
        name = calls.name_of(call, function)
        inner = call.args[0] if call.args else None
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
            name in known.TO_THREAD
            and isinstance(inner, ast.Call)
            and (calls.queries(inner, function) or _done(call, inner, function))
        ):
            yield Found(
                "db-wrapper-around-the-result",
                "You cannot call this from an async context",
                at(function, call),
                48,
                TRIED,
                "the function, not its result",
            )


_TASKS = ("asyncio.create_task", "asyncio.ensure_future", "asyncio.TaskGroup()")


def _uncalled(function: Function) -> Iterator[Found]:
    """``create_task(self.tick)``: a method is no coroutine before it is called."""
    for call in calls.calls(function.node):
        if not calls.name_of(call, function).startswith(_TASKS) or not call.args:
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
    return not any(
        isinstance(value, (ast.Lambda, ast.Name)) for value in returned(target)
    )


def _to_sync(function: Function) -> str:
    """The mistake that ``async_to_sync`` is in an asynchronous function."""
    if function.owner is None or not function.owner.kind:
        return "group-async-view-with-async-to-sync"
    return "group-async-to-sync-in-async-consumer"


def _blocking(seen: Evidence, function: Function) -> Iterator[Found]:
    """Calls that stop the event loop, in async code or in what it calls."""
    for call, where, entry in _reached(function, function, 0, frozenset(), None):
        name = calls.name_of(call, where)
        slug = calls.blocks(name)
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
                49,
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
                62,
                TRIED,
                "nothing that blocks in async code",
                hint,
            )
        elif calls.queries(call, where):
            yield Found(
                "auth-middleware-queries-synchronously"
                if is_middleware(function)
                and not (function.owner and function.owner.kind)
                else "db-orm-in-async-consumer",
                "You cannot call this from an async context",
                at(where, call),
                63,
                TRIED,
                "the asynchronous ORM, or a thread",
            )


def _of_query(function: Function) -> str:
    """The mistake that a synchronous query is, by who makes it."""
    consumer = function.owner is not None and bool(function.owner.kind)
    if is_middleware(function) and not consumer:
        return "auth-middleware-queries-synchronously"
    return "db-orm-in-async-consumer"


def _at(node: ast.AST) -> ast.Call:
    """A call that stands where a property is read."""
    made = ast.Call(ast.Name("property", ast.Load()), [], [])
    return ast.copy_location(made, node)


def _awaits_a_query(call: ast.Call, function: Function) -> bool:
    """``await row.save()``: an await makes nothing asynchronous of Django's own."""
    if not calls.queries(call, function):
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
        asked = calls.property_of(node, function)
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

"""Async functions that a thread or the loop is to call, and that nobody awaits."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.spreading import is_task, program
from tutor.doctor.source import Class, Function, calls, typed

RANK = 47
# Which argument is called, by its number and by its name.
_CALLS = {
    "threading.Thread": (1, "target"),
    "threading.Timer": (1, "function"),
    "asyncio.to_thread": (0, "func"),
    "run_in_executor": (1, "func"),
    "_thread.start_new_thread": (0, "function"),
    "call_later": (1, "callback"),
    "call_at": (1, "callback"),
    "call_soon": (0, "callback"),
    "call_soon_threadsafe": (0, "callback"),
    "add_done_callback": (0, "fn"),
    "submit": (0, "fn"),
    "django.db.transaction.on_commit": (0, "func"),
}

_TELLS = "group-view-without-async-to-sync"
_POOLS = "aio_pool"
_COROUTINES = ("accept", "close", "send", "send_json")
_TASKS = ("asyncio.create_task", "asyncio.ensure_future", "asyncio.get_running_loop")


def rules(seen: Evidence) -> Iterator[Found]:
    """``Thread(target=self.tick)``: it gets a coroutine, and nothing of tick runs."""
    for owner in seen.source.consumers():
        if owner.kind.startswith("sync"):
            yield from _no_loop(owner)
    for function in seen.source.all_functions():
        if function.is_async and is_task(function):
            yield from _of_a_queue(seen, function)
        for call in calls.calls(function.node):
            name = calls.name_of(call, function)
            if name == "asyncio.gather":
                yield from _listed(function, call)
            told = _CALLS.get(name) or _CALLS.get(getattr(call.func, "attr", ""))
            named = _given(call, *told) if told else None
            target = _named(named, function) if named is not None else None
            own = _of_channels(named, function)
            layer = function.module.resolve(named, function) or "" if named else ""
            if calls.is_layer(layer) or _is_run(call, function):
                yield Found(
                    _TELLS,
                    "RuntimeError: There is no current event loop in thread"
                    if named is None
                    else f"coroutine '{layer.rpartition('.')[2]}' was never awaited",
                    at(function, call),
                    RANK,
                    TRIED,
                    "async_to_sync(layer.group_send)(group, event)",
                )
            elif own or (target is not None and target.is_async):
                yield Found(
                    "python-async-method-not-awaited",
                    f"coroutine '{target.name if target else own}' was never awaited",
                    at(function, call),
                    RANK,
                    TRIED,
                    f"asyncio.create_task({ast.unparse(named or call)}(…))",
                    "It is called like any function, and gives a coroutine back.",
                )


def _is_run(call: ast.Call, function: Function) -> bool:
    """``get_event_loop().run_until_complete(layer.group_send(…))``, in a thread."""
    name, told = calls.name_of(call, function), call.args[0] if call.args else None
    return (
        name == "asyncio.get_event_loop().run_until_complete"
        and isinstance(told, ast.Call)
        and calls.is_layer(calls.name_of(told, function))
        and ".management.commands." not in f".{function.module.name}"
        and not program(function.module)
    )


def _of_a_queue(seen: Evidence, function: Function) -> Iterator[Found]:
    """A task of Celery's, which calls it and awaits nothing; some pools may."""
    every = seen.source.modules.values()
    if "celery" in function.module.text and not any(_POOLS in m.text for m in every):
        yield Found(
            "python-async-method-not-awaited",
            f"coroutine '{function.name}' was never awaited",
            at(function, function.node),
            RANK,
            TRIED,
            f"def {function.name}, with async_to_sync for what it awaits",
            "A worker calls it like any function, and gets a coroutine back.",
        )


def _listed(function: Function, call: ast.Call) -> Iterator[Found]:
    """``gather([a(), b()])``: a list is nothing to be awaited."""
    kinds = {typed.type_of(one, function) for one in call.args}
    if len(call.args) == 1 and kinds & {"list", "tuple", "set"}:
        yield Found(
            "python-arguments-differ",
            "TypeError: gather() is given one list",
            at(function, call),
            RANK - 4,  # its coroutines are lost by it
            TRIED,
            "asyncio.gather(*…)",
            "It takes each coroutine by itself: write a star before the list.",
        )


def _no_loop(owner: Class) -> Iterator[Found]:
    """A task for the event loop, in a consumer whose methods run in threads."""
    for method in owner.methods.values():
        for call in calls.calls(method.node) if not method.is_async else ():
            if calls.name_of(call, method) in _TASKS:
                yield Found(
                    "consumer-async-handlers-in-sync-consumer",
                    "RuntimeError: no running event loop",
                    at(method, call),
                    RANK,
                    TRIED,
                    "an asynchronous consumer",
                    "A task needs the loop, and a synchronous consumer is in a thread.",
                )
                return


def _given(call: ast.Call, number: int, word: str) -> ast.expr | None:
    named = [one.value for one in call.keywords if one.arg == word]
    placed = call.args[number : number + 1]
    given = next(iter([*named, *placed]), None)
    if isinstance(given, ast.Call) and given.args:  # functools.partial(self.tick, 1)
        end = getattr(given.func, "attr", getattr(given.func, "id", ""))
        given = given.args[0] if end == "partial" else None
    return given if isinstance(given, ast.Name | ast.Attribute) else None


def _of_channels(node: ast.expr | None, function: Function) -> str:
    """The name of a coroutine that an async consumer has from the library."""
    owner = function.owner
    if not isinstance(node, ast.Attribute) or owner is None:
        return ""
    mine = getattr(node.value, "id", None) == function.self_name
    known = owner.kind.startswith("async") and node.attr in _COROUTINES
    return node.attr if mine and known and owner.method(node.attr) is None else ""


def _named(node: ast.expr, function: Function) -> Function | None:
    """The function of the project that a name stands for."""
    return calls.target_of(ast.copy_location(ast.Call(node, [], []), node), function)

"""What goes on too long, or is thrown away: handlers, blocking calls, tasks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from tutor.doctor.answers import Client
from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers import crashes
from tutor.doctor.rules.consumers.lost import slug_of_lost
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.source import Class, calls
from tutor.doctor.source.walking import walk

LONG = 0.25  # seconds of a loop that stands still
CRASHED = 1011  # the close code after an exception
RAISED = 500  # the status after one before the handshake was answered


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _unawaited(seen)
    yield from _blocked(seen)
    yield from _lost_tasks(seen)
    yield from _tasks(seen)


def busy(
    seen: Evidence, owner: Class | None, client: Client, told: list[str]
) -> Iterator[Found]:
    method = _handler(owner, told[-1])
    loop = _loop(method, owner) if method else None
    if loop is not None and method is not None:
        yield Found(
            "consumer-endless-loop-in-handler",
            "no answer to the knock",
            loop,
            54,
            f"a knock on {client.path}",
            "101 Switching Protocols",
        )


def endless(seen: Evidence, client: Client, told: list[str]) -> Found | None:
    """A handler that never comes back although its socket is open."""
    leaf = seen.leaf_of(client.path)
    owner = seen.consumer_class(leaf.get("consumer"))
    method = _handler(owner, told[-1] if told else "websocket.connect")
    if method is None:
        return None
    line = _loop(method, owner)
    if line is None:
        return None
    return Found(
        "consumer-endless-loop-in-handler",
        "no answer: the handler never comes back",
        line,
        54,
        f"a message to {client.path}",
        "each event gets its turn",
    )


def _handler(owner: Class | None, kind: str):  # type: ignore[no-untyped-def]
    if owner is None:
        return None
    raw = kind.replace(".", "_")
    short = raw.partition("_")[2]
    for name in (raw, short, f"{short}_json"):
        method = owner.method(name)
        if method is not None:
            return method
    return None


def _loop(method, owner: Class | None, depth: int = 0) -> Place | None:  # type: ignore[no-untyped-def]
    """The place of an endless loop in a method or in what it awaits."""
    for node in walk(method.node):
        if isinstance(node, ast.While) and (
            not isinstance(node.test, ast.Constant) or node.test.value
        ):
            return method.module.file, node.lineno
        if isinstance(node, ast.For | ast.AsyncFor):
            name = method.module.resolve(node.iter, method) or ""
            if name.startswith("itertools.") or isinstance(node, ast.AsyncFor):
                return method.module.file, node.lineno
    if depth > 2 or owner is None:
        return None
    aside = {
        id(given)
        for call in calls.calls(method.node)
        if calls.name_of(call, method).endswith(("create_task", "ensure_future"))
        for given in call.args
    }
    for call in calls.calls(method.node):
        name = calls.name_of(call, method) if id(call) not in aside else ""
        inner = owner.method(name[5:]) if name.startswith("self.") else None
        if inner is not None and inner.node is not method.node:
            found = _loop(inner, owner, depth + 1)
            if found:
                own = inner.module is method.module
                return (method.module.file, call.lineno) if own else found
    return None


_COROUTINES = (
    ("send", "consumer-missing-await-on-send"),
    ("accept", "consumer-missing-await-on-send"),
    ("close", "consumer-missing-await-on-send"),
    ("send_json", "consumer-missing-await-on-send"),
    ("sleep", "consumer-asyncio-sleep-not-awaited"),
    ("group_send", "group-send-not-awaited"),
    ("group_add", "group-send-not-awaited"),
    ("group_discard", "group-send-not-awaited"),
    ("SyncToAsync.__call__", "db-decorated-function-not-awaited"),
)


def _unawaited(seen: Evidence) -> Iterator[Found]:
    """Coroutines that were made and thrown away, as Python itself saw it."""

    for event in seen.serve.all("unawaited"):
        place = seen.place(event["at"])
        if place[0] is None:
            continue
        name = event["name"]
        end = name.rpartition(".")[2]
        slug = next(
            (s for n, s in _COROUTINES if n in (name, end)),
            "consumer-missing-await-on-send",
        )
        function = seen.function_at(place)
        better = slug_of_lost(seen, place, function, end)
        yield Found(
            better or slug,
            f"coroutine '{name}' was never awaited",
            place,
            45,
            "talking to the server",
            "every coroutine is awaited",
        )


def _blocked(seen: Evidence) -> Iterator[Found]:
    """The line at which the whole server stood still."""
    for event in seen.serve.all("blocked"):
        place = seen.place(event["at"])
        if (
            place[0] is None
            or event["seconds"] < LONG
            or event["at"]["name"] == "<module>"
        ):
            continue
        slug = "consumer-blocking-call-in-async"
        for node in seen.nodes_at(place):
            if isinstance(node, ast.Call):
                function = seen.function_at(place)
                module = seen.source.by_file(place[0])
                name = (module.resolve(node.func, function) if module else None) or ""
                slug = calls.blocks(name) or slug
        yield Found(
            slug,
            f"the whole server stood still for {event['seconds']:.1f} s",
            place,
            46,
            "a message, and a clock",
            "other clients are answered meanwhile",
        )


def _lost_tasks(seen: Evidence) -> Iterator[Found]:
    """Exceptions in tasks that nobody waits for."""
    prepared = seen.serve.get("prepared")
    for event in seen.serve.all("task-failed"):
        signed = bool(prepared and event["t"] > prepared["t"])
        crash = crashes.Crash(
            event["error"], "websocket.receive", "json", {}, signed=signed
        )
        found = crashes.explain(seen, crash)
        known = found is not None and found.slug is not None
        if event.get("unread") and not known and _is_of_elsewhere(event["error"]):
            continue
        if found and found.place[0]:
            yield replace(found, rank=found.rank + 3)


def _is_of_elsewhere(links: list[Event]) -> bool:
    """Whether a task ended with what the machine, a service or a client has done."""
    return any(
        link["module"] != "builtins" or {"OSError", "TimeoutError"} & {*link["bases"]}
        for link in links
    )


def _ends_itself(seen: Evidence, task: Event) -> bool:
    """Whether a task asks at each turn what another method of its consumer sets."""
    function = seen.function_at(seen.place(task))
    owner = function.owner if function is not None else None
    for loop in walk(function.node) if function is not None and owner else ():
        test = loop.test if isinstance(loop, ast.While) else None
        asked = (
            [node.attr for node in walk(test) if isinstance(node, ast.Attribute)]
            if test
            else []
        )
        for one in owner.line_of_ancestors if owner else ():
            for method in one.methods.values():
                if "disconnect" in method.name and {*asked} & {
                    n for n, _ in method.self_values
                }:
                    return True
    return False


def _is_dropped(seen: Evidence, task: Event) -> bool:
    """Whether nobody keeps the task of a module's function: so nobody can end it."""
    function = seen.function_at(seen.place(task))
    return (
        function is not None
        and function.owner is None
        and any(
            function is calls.target_of(given, where)
            for where in seen.source.all_functions()
            for node in walk(where.node)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
            if calls.name_of(node.value, where).endswith("create_task")
            for given in node.value.args[:1]
            if isinstance(given, ast.Call)
        )
    )


def _paths_of(seen: Evidence, task: Event) -> set[str]:
    """The paths of the consumers that have a task's function."""
    function = seen.function_at(seen.place(task))
    owner = function.owner if function is not None else None
    found: set[str] = set()
    for leaf in seen.leaves:
        one = seen.source.classes.get(str(leaf.get("consumer")))
        if one is not None and owner is not None and owner in one.line_of_ancestors:
            found.add(str(leaf["sample"]))
    return found


def _tasks(seen: Evidence) -> Iterator[Found]:
    """Tasks that outlive the consumers which started them."""
    last = seen.serve.get("tasks")
    behind = {client.path for client in seen.answers.members}
    clients = [
        client
        for client in seen.answers.everyone
        if client.status == 101 and (client.signed or client.path not in behind)
    ]
    paths = [one.path for one in clients]
    broken = [
        one.path
        for one in [*seen.answers.bare, *seen.answers.everyone]
        if one.closed == CRASHED or one.status == RAISED
    ]
    talked = min((paths.count(path) for path in paths), default=0)
    if not last or talked < 2:
        return
    for task in last["found"]:
        same = [t for t in last["found"] if t == task]
        # Whom an exception ends has no disconnect, where a task may be cancelled.
        left = sum(path in _paths_of(seen, task) for path in broken)
        if (
            len(same) >= talked
            and len(same) > left + 1
            and not _ends_itself(seen, task)
            and not _is_dropped(seen, task)
        ):
            yield Found(
                "consumer-background-task-not-cancelled",
                f"{len(same)} tasks {task['name']} go on after their clients have gone",
                seen.place(task),
                72,
                "closing every socket",
                "no task is left",
            )
            return

"""Methods that nobody calls, that are not async, or that share their state."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import GENERIC, HANDLERS, TRIED, Found, Place, at
from tutor.doctor.rules.names import NICKNAMES
from tutor.doctor.source import Class, Function, calls, known


def rules(seen: Evidence) -> Iterator[Found]:
    for owner in seen.source.consumers():
        yield from _sync_sleep(owner)
        yield from _handlers(seen, owner)
        yield from _shared(seen, owner)
        yield from _json_unreached(owner)


def _json_unreached(owner: Class) -> Iterator[Found]:
    """The library's ``receive`` calls ``receive_json``; another one may forget it."""
    receive, handler = owner.methods.get("receive"), owner.methods.get("receive_json")
    if not (owner.kind.endswith("json") and receive and handler):
        return
    called = {
        node.attr for node in ast.walk(receive.node) if isinstance(node, ast.Attribute)
    }
    if not called & {"receive_json", "receive"}:
        yield Found(
            "consumer-receive-hides-receive-json",
            "nobody calls receive_json",
            at(receive, receive.node),
            54,
            TRIED,
            "a receive that calls receive_json",
        )


def _sync_sleep(owner: Class) -> Iterator[Found]:
    """All synchronous consumers of a process share one thread."""
    if not owner.kind.startswith("sync"):
        return
    for method in owner.methods.values():
        for call in calls.calls(method.node):
            if calls.name_of(call, method) in known.SLEEPS:
                yield Found(
                    "consumer-sync-sleep-blocks-other-sync-consumers",
                    "every other synchronous consumer waits",
                    at(method, call),
                    55,
                    TRIED,
                    "handlers that are soon done",
                )


def _handlers(seen: Evidence, owner: Class) -> Iterator[Found]:
    """Methods that nobody calls because of their name, or that are not async."""
    generic = owner.kind.endswith(("generic", "json"))
    wanted = GENERIC[: 4 if owner.kind.endswith("json") else 3] if generic else HANDLERS
    used = _mentioned(seen)
    for name, method in owner.methods.items():
        place: Place = (owner.module.file, method.node.lineno)
        if name in wanted or name in HANDLERS:
            if (
                owner.kind.startswith("async")
                and not method.is_async
                and not _returns_awaitable(method)
            ):
                yield Found(
                    "consumer-handlers-not-async",
                    f"{name} is no async def",
                    place,
                    43,
                    TRIED,
                    "async def in an async consumer",
                )
            elif owner.kind.startswith("sync") and method.is_async:
                yield Found(
                    "consumer-async-handlers-in-sync-consumer",
                    f"coroutine '{name}' was never awaited",
                    place,
                    44,
                    TRIED,
                    "def in a synchronous consumer",
                )
            continue
        if name in used or name.startswith("__"):
            continue
        for right in wanted:
            if right in owner.methods:
                continue
            if near_handler_name(seen, name, right, generic):
                kind = right.removeprefix("websocket_").removesuffix("_json")
                yield Found(
                    f"consumer-{kind}-handler-misnamed",
                    f"nobody calls {name}",
                    place,
                    49 if kind == "connect" else 53,  # disconnect crashes then, too
                    TRIED,
                    f"a handler named {right}",
                )
                break


def near_handler_name(seen: Evidence, name: str, right: str, generic: bool) -> bool:
    """Whether ``name`` was meant to be the handler ``right``."""

    short = right.removeprefix("websocket_").removesuffix("_json")
    plain = name.lower().replace("_", "")
    if plain in NICKNAMES[short] and plain != "close":
        return True
    return seen.near(name, [right], 0.8) is not None


def _returns_awaitable(method: Function) -> bool:
    return any(
        isinstance(n, ast.Return) and n.value is not None for n in ast.walk(method.node)
    )


def _mentioned(seen: Evidence) -> set[str]:
    """Every attribute and every message type that the project names somewhere."""
    found: set[str] = set()
    for module in seen.source.modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value.replace(".", "_"))
    return found


MUTATING = {
    "append",
    "add",
    "update",
    "extend",
    "insert",
    "setdefault",
    "pop",
    "remove",
    "clear",
}


def _shared(seen: Evidence, owner: Class) -> Iterator[Found]:
    """A list or dict on the class that the consumers of all clients write into."""
    mutable = {
        name
        for one in owner.line_of_ancestors
        for name, value in one.attributes.items()
        if isinstance(value, (ast.List, ast.Dict, ast.Set))
        or (
            isinstance(value, ast.Call)
            and (one.module.resolve(value.func) or "").rpartition(".")[2]
            in ("list", "dict", "set", "deque", "defaultdict", "Counter")
        )
    } - {"groups"}
    for method in owner.methods.values():
        own = {name for name, _ in method.self_values}
        for node in ast.walk(method.node):
            name = _written(node, method, owner)
            if name in mutable and name not in own:
                if any(
                    name == n for f in owner.methods.values() for n, _ in f.self_values
                ):
                    continue
                yield Found(
                    "consumer-state-on-class",
                    f"all clients share {owner.name}.{name}",
                    at(method, node),
                    56,
                    TRIED,
                    "state that belongs to one client",
                )
                return


def _written(node: ast.AST, method: Function, owner: Class) -> str | None:
    target: ast.expr | None = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in MUTATING:
            if any(
                ast.unparse(a) in (method.self_name, f"{method.self_name}.channel_name")
                for a in node.args
            ):
                return None  # a register of the connected, which is shared on purpose
            target = node.func.value
    elif isinstance(node, (ast.Assign, ast.AugAssign)):
        found = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(found, ast.Subscript):
            target = found.value
    holders = (method.self_name, owner.name, "cls")
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return target.attr if target.value.id in holders else None
    return None

"""Methods that nobody calls, that are not async, or that share their state."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.standing import stands
from tutor.doctor.rules.found import GENERIC, HANDLERS, TRIED, Found, Place, at
from tutor.doctor.rules.groups.workers import works_alone
from tutor.doctor.rules.names import NICKNAMES
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.walking import kept, walk

_OF_JSON = ("decode_json", "encode_json")


def rules(seen: Evidence) -> Iterator[Found]:
    for owner in seen.source.consumers():
        yield from _sync_sleep(owner)
        yield from _handlers(seen, owner)
        yield from _shared(seen, owner)
        yield from _json_unreached(owner)
        yield from _login(owner)


def _json_unreached(owner: Class) -> Iterator[Found]:
    """The library's ``receive`` calls ``receive_json``; another one may forget it."""
    receive, handler = owner.method("receive"), owner.method("receive_json")
    if not (owner.kind.endswith("json") and receive and handler):
        return
    line = owner.line_of_ancestors  # a mixin's, too
    reached = [one.methods["receive"] for one in line if "receive" in one.methods]
    called = {
        node.attr
        for method in reached
        for node in walk(method.node)
        if isinstance(node, ast.Attribute)
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


LOGIN = (
    "django.contrib.auth.decorators.",
    "django.contrib.auth.mixins.",
    "django.contrib.admin.views.decorators.",
)


def _login(owner: Class) -> Iterator[Found]:
    """Decorators and mixins of views, which take a request."""
    held: list[tuple[Function | None, ast.expr]] = []
    held += [(None, one) for one in [*owner.node.decorator_list, *owner.node.bases]]
    for method in owner.methods.values():
        held += [(method, one) for one in method.node.decorator_list]
    for _, node in held:
        for part in walk(node):
            named = isinstance(part, (ast.Name, ast.Attribute))
            meant = (owner.module.resolve(part) or "") if named else ""  # type: ignore[arg-type]
            if meant.startswith(LOGIN):
                yield Found(
                    "auth-login-required-on-consumer",
                    f"{ast.unparse(part)} needs a request",
                    (owner.module.file, node.lineno),
                    43,
                    TRIED,
                    "a look at self.scope['user']",
                )
                return


def _sync_sleep(owner: Class) -> Iterator[Found]:
    """All synchronous consumers of a process share one thread."""
    if not owner.kind.startswith("sync") or works_alone(owner):
        return
    handed = _handed_on(owner)
    for name, method in owner.methods.items():
        for call in calls.calls(method.node) if name not in handed else ():
            if stands(call, method):
                yield Found(
                    "consumer-sync-sleep-blocks-other-sync-consumers",
                    "every other synchronous consumer waits",
                    at(method, call),
                    55,
                    TRIED,
                    "handlers that are soon done",
                )


def _handed_on(owner: Class) -> set[str]:
    """Methods that are given away, as to a thread of their own, and not called."""
    nodes = [one for method in owner.methods.values() for one in walk(method.node)]
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    return {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and id(node) not in called
    }


def _handlers(seen: Evidence, owner: Class) -> Iterator[Found]:
    """Methods that nobody calls because of their name, or that are not async."""
    generic = owner.kind.endswith(("generic", "json"))
    wanted = GENERIC[: 4 if owner.kind.endswith("json") else 3] if generic else HANDLERS
    used, begun = _mentioned(seen), _begun(seen)
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
        if owner.kind.startswith("sync") and method.is_async and name in used:
            yield from _async_event(seen, method)
        if name in used or name.startswith("__"):
            continue
        if name.startswith(begun) and not _takes_no_message(method):
            continue
        json = _OF_JSON if owner.kind.endswith("json") else ()
        for right in json:
            wrong = name not in json and owner.method(right) is None
            if wrong and seen.near(name, [right], 0.85):
                yield Found(
                    "consumer-receive-handler-misnamed",
                    f"nobody calls {name}",
                    place,
                    53,
                    TRIED,
                    f"a method named {right}",
                )
        for right in wanted:
            if owner.method(right) is not None:
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


def _takes_no_message(method: Function) -> bool:
    """Whether a method takes what ``connect`` or ``disconnect`` is given."""
    names = [one.arg for one in method.node.args.args[1:]]
    return names in ([], ["code"], ["close_code"])


def near_handler_name(seen: Evidence, name: str, right: str, generic: bool) -> bool:
    """Whether ``name`` was meant to be the handler ``right``."""

    short = right.removeprefix("websocket_").removesuffix("_json")
    plain = name.lower().replace("_", "")
    if plain in NICKNAMES[short] and plain != "close":
        return True
    if short == "receive" and name.startswith("receive_"):
        return True
    return seen.near(name, [right], 0.8) is not None


def _returns_awaitable(method: Function) -> bool:
    return any(
        isinstance(n, ast.Return) and n.value is not None for n in walk(method.node)
    )


def _async_event(seen: Evidence, method: Function) -> Iterator[Found]:
    """A handler of a group's event that a synchronous consumer calls, not awaits."""
    nodes = (n for m in seen.source.modules.values() for n in walk(m.tree))
    texts = (node.value for node in nodes if isinstance(node, ast.Constant))
    if any(str(text).replace(".", "_") == method.name for text in texts):
        yield Found(
            "consumer-async-handlers-in-sync-consumer",
            f"coroutine '{method.name}' was never awaited",
            at(method, method.node),
            44,
            TRIED,
            "def in a synchronous consumer",
        )


def _begun(seen: Evidence) -> tuple[str, ...]:
    """How names begin that are put together: ``getattr(self, f"on_{kind}")``."""
    trees = [module.tree for module in seen.source.modules.values()]
    return tuple(sorted({one for t in trees for one in kept(t, "_begun", _begins)}))


def _begins(tree: ast.AST) -> Iterator[str]:
    for node in walk(tree):
        begin: ast.expr | None = None
        if isinstance(node, ast.JoinedStr) and node.values:
            begin = node.values[0]
        elif isinstance(node, ast.BinOp):
            begin = node.left
        text = getattr(begin, "value", None)
        if isinstance(text, str) and text.partition("%")[0].endswith("_"):
            yield text.partition("%")[0]


def _mentioned(seen: Evidence) -> set[str]:
    """Every attribute and every message type that the project names somewhere."""
    trees = [module.tree for module in seen.source.modules.values()]
    return {one for tree in trees for one in kept(tree, "_mentioned", _mentions)}


def _mentions(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in walk(tree):
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
        for node in walk(method.node):
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
        elif isinstance(node, ast.AugAssign) and isinstance(found, ast.Attribute):
            target = found  # += changes a list itself
    holders = (method.self_name, owner.name, "cls")
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return target.attr if target.value.id in holders else None
    return None

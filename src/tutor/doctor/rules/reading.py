"""What the source says although the server kept silent: read as a syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.crashes import near_handler
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.source import Class, Function, calls

RANK = 61
HANDLERS = ("websocket_connect", "websocket_receive", "websocket_disconnect")
GENERIC = ("connect", "receive", "disconnect", "receive_json")
TRIED = "reading the source"


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        yield from _lost(seen, function)
        yield from _wrapped(seen, function)
        if function.is_async:
            yield from _blocking(seen, function)
    for owner in seen.source.consumers():
        yield from _sync_sleep(owner)
        yield from _handlers(seen, owner)
        yield from _shared(seen, owner)
        yield from _sends(seen, owner)
        yield from _after_close(seen, owner)
    yield from _groups(seen)


def at(function: Function, node: ast.AST) -> Place:
    return function.module.file, getattr(node, "lineno", None)


def _lost(seen: Evidence, function: Function) -> Iterator[Found]:
    """Coroutines that nobody awaits: calls that stand alone as a statement."""
    for call in _alone(function.node):
        name = calls.makes_coroutine(call, function)
        if not name:
            continue
        place = at(function, call)
        end = name.removesuffix("()").rpartition(".")[2]
        slug = (
            slug_of_lost(seen, place, function, end) or "consumer-missing-await-on-send"
        )
        yield Found(slug, f"coroutine '{end}' was never awaited", place, 47, TRIED,
                    "every coroutine is awaited")  # fmt: skip


def _alone(node: ast.AST) -> Iterator[ast.Call]:
    for child in ast.iter_child_nodes(node):
        if isinstance(
            child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        ):
            continue
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Call):
            yield child.value
        elif (
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
    for node in seen.nodes_at(place):
        if isinstance(node, ast.Call):
            name = calls.name_of(node, function)
            if (
                name == calls.TO_SYNC
                and node.args
                and isinstance(node.args[0], ast.Call)
            ):
                return "group-async-to-sync-around-the-call"
            if (
                name in calls.TO_THREAD
                and node.args
                and isinstance(node.args[0], ast.Call)
            ):
                return "db-wrapper-around-the-result"
            layer = layer or calls.is_layer(name)
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
    target = seen.source.functions.get(end) or (owner.method(end) if owner else None)
    if target is not None and any(d in calls.TO_THREAD for d in target.decorators()):
        return "db-decorated-function-not-awaited"
    if end in calls.ASYNC_ORM or end == "SyncToAsync" or end == "__call__":
        return "db-decorated-function-not-awaited"
    return None


def _wrapped(seen: Evidence, function: Function) -> Iterator[Found]:
    """``async_to_sync(f())``: the call is finished before it is wrapped."""
    for call in calls.calls(function.node):
        name = calls.name_of(call, function)
        inner = call.args[0] if call.args else None
        if name == calls.TO_SYNC and isinstance(inner, ast.Call):
            if calls.makes_coroutine(inner, function):
                yield Found("group-async-to-sync-around-the-call",
                            "nothing: the wrapper is given a finished call",
                            at(function, call), 44, TRIED, "async_to_sync(function)(arguments)")  # fmt: skip
        elif calls.inner_call(call, function) == calls.TO_SYNC and function.is_async:
            slug = "group-async-to-sync-in-async-consumer"
            if function.owner is None or not function.owner.kind:
                slug = "group-async-view-with-async-to-sync"
            yield Found(slug, "You cannot use AsyncToSync in the same thread as an async event loop",
                        at(function, call), 48, TRIED, "await in an async function")  # fmt: skip
        elif name in calls.TO_THREAD and isinstance(inner, ast.Call):
            if calls.queries(inner, function):
                yield Found("db-wrapper-around-the-result",
                            "You cannot call this from an async context",
                            at(function, call), 48, TRIED, "the function, not its result")  # fmt: skip


def _blocking(seen: Evidence, function: Function) -> Iterator[Found]:
    """Calls that stop the event loop, in async code or in what it calls."""
    for call, where, through in _reached(function, function, 0, frozenset()):
        name = calls.name_of(call, where)
        slug = calls.blocks(name)
        if slug:
            hint = f"It is called from {function.name}." if through else ""
            yield Found(slug, f"{name} stops every other client", at(where, call), 62, TRIED,
                        "nothing that blocks in async code", hint)  # fmt: skip
        elif calls.queries(call, where):
            yield Found("db-orm-in-async-consumer", "You cannot call this from an async context",
                        at(where, call), 63, TRIED, "the asynchronous ORM, or a thread")  # fmt: skip


def _sync_sleep(owner: Class) -> Iterator[Found]:
    """All synchronous consumers of a process share one thread."""
    if not owner.kind.startswith("sync"):
        return
    for method in owner.methods.values():
        for call in calls.calls(method.node):
            if calls.name_of(call, method) in calls.SLEEPS:
                yield Found("consumer-sync-sleep-blocks-other-sync-consumers",
                            "every other synchronous consumer waits", at(method, call), 55,
                            TRIED, "handlers that are soon done")  # fmt: skip


def _reached(
    function: Function, top: Function, depth: int, seen_names: frozenset[str]
) -> Iterator[tuple[ast.Call, Function, bool]]:
    """The calls of a function, and of the synchronous functions that it calls."""
    awaited = {id(n.value) for n in ast.walk(function.node) if isinstance(n, ast.Await)}
    for call in calls.calls(function.node):
        if id(call) not in awaited:
            yield call, function, function is not top
        name = calls.name_of(call, function)
        target = function.module.source.functions.get(name)
        if target is None and function.owner is not None:
            if name.startswith("self."):
                target = function.owner.method(name[5:])
            local = f"{top.dotted}.<locals>.{name.rpartition('.')[2]}"
            target = target or function.module.source.functions.get(local)
        if (
            target is None
            or target.is_async
            or depth > 3
            or target.dotted in seen_names
        ):
            continue
        if any(d in calls.TO_THREAD for d in target.decorators()):
            continue
        yield from _reached(target, top, depth + 1, seen_names | {target.dotted})


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
                yield Found("consumer-handlers-not-async", f"{name} is no async def", place, 43,
                            TRIED, "async def in an async consumer")  # fmt: skip
            elif owner.kind.startswith("sync") and method.is_async:
                yield Found("consumer-async-handlers-in-sync-consumer",
                            f"coroutine '{name}' was never awaited", place, 44, TRIED,
                            "def in a synchronous consumer")  # fmt: skip
            continue
        if name in used or name.startswith("__"):
            continue
        for right in wanted:
            if right in owner.methods:
                continue
            if near_handler_name(seen, name, right, generic):
                kind = right.removeprefix("websocket_").removesuffix("_json")
                yield Found(f"consumer-{kind}-handler-misnamed", f"nobody calls {name}", place, 53,
                            TRIED, f"a handler named {right}")  # fmt: skip
                break


def near_handler_name(seen: Evidence, name: str, right: str, generic: bool) -> bool:
    """Whether ``name`` was meant to be the handler ``right``."""
    from tutor.doctor.rules.crashes import _NICKNAMES

    short = right.removeprefix("websocket_").removesuffix("_json")
    plain = name.lower().replace("_", "")
    if plain in _NICKNAMES[short] and plain != "close":
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
        or (isinstance(value, ast.Call)
            and (one.module.resolve(value.func) or "").rpartition(".")[2]
            in ("list", "dict", "set", "deque", "defaultdict", "Counter"))
    } - {"groups"}  # fmt: skip
    for method in owner.methods.values():
        own = {name for name, _ in method.module.self_values(method)}
        for node in ast.walk(method.node):
            name = _written(node, method, owner)
            if name in mutable and name not in own:
                if any(name == n for f in owner.methods.values()
                       for n, _ in f.module.self_values(f)):  # fmt: skip
                    continue
                yield Found("consumer-state-on-class",
                            f"all clients share {owner.name}.{name}", at(method, node), 56,
                            TRIED, "state that belongs to one client")  # fmt: skip
                return


def _written(node: ast.AST, method: Function, owner: Class) -> str | None:
    target: ast.expr | None = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in MUTATING:
            if any(ast.unparse(a) in (method.self_name, f"{method.self_name}.channel_name")
                   for a in node.args):  # fmt: skip
                return None  # a register of the connected, which is shared on purpose
            target = node.func.value
    elif isinstance(node, (ast.Assign, ast.AugAssign)):
        found = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(found, ast.Subscript):
            target = found.value
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        if target.value.id in (method.self_name, owner.name, "cls"):
            return target.attr
    return None


def _sends(seen: Evidence, owner: Class) -> Iterator[Found]:
    """Messages in branches that nobody has reached: their type, keys and payload."""
    generic = owner.kind.endswith(("generic", "json"))
    for method in owner.methods.values():
        for call in calls.calls(method.node):
            name = calls.name_of(call, method)
            if name in ("self.send", "self.base_send") and owner.method("send") is None:
                if generic and name == "self.send":
                    yield from _generic_send(method, call)
                else:
                    yield from _raw_send(method, call)
            elif name == "self.send_json" and call.args:
                inner = call.args[0]
                if (
                    isinstance(inner, ast.Call)
                    and calls.name_of(inner, method) == "json.dumps"
                ):
                    yield Found("consumer-json-encoded-twice", "a quoted string",
                                at(method, call), 64, TRIED, "the dict itself")  # fmt: skip


def _dict(node: ast.expr | None, method: Function) -> dict[str, ast.expr] | None:
    """A message that is written out, by its keys."""
    if isinstance(node, ast.Name):
        values = method.values.get(node.id) or method.module.values.get(node.id) or []
        node = values[0] if len(values) == 1 and not _changed(node.id, method) else None
    if isinstance(node, ast.Dict) and all(
        isinstance(k, ast.Constant) for k in node.keys
    ):
        return {str(k.value): v for k, v in zip(node.keys, node.values, strict=True)}  # type: ignore[union-attr]
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "dict"
    ):
        return {k.arg: k.value for k in node.keywords if k.arg}
    return None


def _changed(name: str, method: Function) -> bool:
    """Whether a dict is given more keys after it was made."""
    for node in ast.walk(method.node):
        if isinstance(node, (ast.Subscript, ast.Attribute)) and (
            isinstance(node.value, ast.Name) and node.value.id == name
        ):
            return True
    return False


def _raw_send(method: Function, call: ast.Call) -> Iterator[Found]:
    message = _dict(call.args[0] if call.args else None, method)
    if message is None:
        return
    kind = message.get("type")
    if isinstance(kind, ast.Name):
        found = method.module.values.get(kind.id, [None])
        kind = found[0]
    value = kind.value if isinstance(kind, ast.Constant) else None
    place = at(method, call)
    expected = "a message that Daphne knows"
    if isinstance(value, str) and value not in (
        "websocket.accept", "websocket.send", "websocket.close",
        "websocket.http.response.start", "websocket.http.response.body"):  # fmt: skip
        yield Found("consumer-send-type-misspelled", f"nothing: {value!r} is unknown to Daphne",
                    place, 64, TRIED, expected)  # fmt: skip
    if value != "websocket.send":
        return
    if not {"text", "bytes"} & set(message):
        yield Found("consumer-text-key-misspelled",
                    f"nothing: the message holds {', '.join(k for k in message if k != 'type')}",
                    place, 64, TRIED, expected)  # fmt: skip
    yield from _typed(method, call, message.get("text"), message.get("bytes"))


def _generic_send(method: Function, call: ast.Call) -> Iterator[Found]:
    text = call.args[0] if call.args else None
    data = call.args[1] if len(call.args) > 1 else None
    for keyword in call.keywords:
        text = keyword.value if keyword.arg == "text_data" else text
        data = keyword.value if keyword.arg == "bytes_data" else data
    yield from _typed(method, call, text, data)


def _typed(
    method: Function, call: ast.Call, text: ast.expr | None, data: ast.expr | None
) -> Iterator[Found]:
    kind, place = calls.type_of(text, method), at(method, call)
    expected = "text is a str, bytes are bytes"
    if kind in ("int", "float", "bool"):
        zero = isinstance(text, ast.Constant) and not text.value
        slug = "consumer-int-zero-never-sent" if zero else "consumer-int-payload"
        yield Found(
            slug,
            f"'{kind}' object has no attribute 'encode'",
            place,
            64,
            TRIED,
            expected,
        )
    elif kind in ("dict", "list", "tuple", "set"):
        yield Found("consumer-dict-payload", f"'{kind}' object has no attribute 'encode'", place,
                    64, TRIED, expected)  # fmt: skip
    elif kind == "bytes":
        yield Found("consumer-bytes-under-text", "'bytes' object has no attribute 'encode'",
                    place, 64, TRIED, expected)  # fmt: skip
    if calls.type_of(data, method) == "str":
        yield Found("consumer-str-under-bytes", '"payload" must have type bytes', place, 64,
                    TRIED, expected)  # fmt: skip


def _after_close(seen: Evidence, owner: Class) -> Iterator[Found]:
    """Statements that send after a close in the same block, with no return between."""
    for method in owner.methods.values():
        for body in _bodies(method.node):
            closed = False
            for statement in body:
                if isinstance(statement, (ast.Return, ast.Raise)):
                    break
                kinds = _kinds(statement, method)
                if closed and kinds & {"send", "accept", "send_json"}:
                    yield Found("consumer-send-after-close",
                                "Attempt to send on a closed protocol", at(method, statement), 65,
                                TRIED, "return after close")  # fmt: skip
                    break
                closed = closed or (
                    _closes(statement, method) and not _leaves(statement)
                )


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for child in ast.walk(node):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(child, name, None)
            if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                yield body


def _kinds(statement: ast.stmt, method: Function) -> set[str]:
    """What a simple statement does to the socket."""
    if not isinstance(statement, (ast.Expr, ast.Assign)):
        return set()
    found = set()
    for call in calls.calls(statement):
        name = calls.name_of(call, method)
        if name == "self.send" and call.args:
            message = _dict(call.args[0], method) or {}
            kind = message.get("type")
            value = (
                str(kind.value) if isinstance(kind, ast.Constant) else "websocket.send"
            )
            found.add(value.rpartition(".")[2])
        elif name.startswith("self."):
            found.add(name[5:])
    return found


def _closes(statement: ast.stmt, method: Function) -> bool:
    if isinstance(statement, ast.If):
        return (
            any("close" in _kinds(inner, method) for inner in statement.body)
            and not any("close" in _kinds(inner, method) for inner in statement.orelse)
            and not statement.orelse
        )
    return "close" in _kinds(statement, method)


def _leaves(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and any(
        isinstance(inner, (ast.Return, ast.Raise)) for inner in statement.body
    )


def _groups(seen: Evidence) -> Iterator[Found]:
    """Events to groups: their type, their handler, the group's name, the channel."""
    sends: list[tuple[Function, ast.Call]] = []
    adds: list[tuple[Function, ast.Call]] = []
    discards = False
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            name, inner = (
                calls.name_of(call, function),
                calls.inner_call(call, function),
            )
            if (
                inner == calls.TO_SYNC
                and isinstance(call.func, ast.Call)
                and call.func.args
            ):
                name = function.module.resolve(call.func.args[0], function) or ""
            method = name.rpartition(".")[2]
            if not calls.is_layer(name):
                continue
            if method == "group_send" and len(call.args) + len(call.keywords) > 1:
                sends.append((function, call))
            elif method == "group_add":
                adds.append((function, call))
            discards = discards or method == "group_discard"
    for function, call in sends:
        yield from _event(seen, function, call)
    for function, call in adds:
        yield from _join(function, call, discards)
    yield from _group_names(sends, adds)


def _event(seen: Evidence, function: Function, call: ast.Call) -> Iterator[Found]:
    node = call.args[1] if len(call.args) > 1 else next(
        (k.value for k in call.keywords if k.arg == "message"), None)  # fmt: skip
    message = _dict(node, function)
    if message is None:
        return
    place, expected = at(function, call), "a type that names a handler"
    kind = message.get("type")
    if kind is None:
        yield Found("group-message-without-type", "Incoming message has no 'type' attribute",
                    place, 65, TRIED, expected)  # fmt: skip
        return
    if not isinstance(kind, ast.Constant):
        return
    wanted = str(kind.value).replace(".", "_")
    got = f"No handler for message type {kind.value}"
    if wanted.startswith("websocket_") and wanted not in HANDLERS:
        yield Found("group-sends-raw-websocket-event", got, place, 65, TRIED, expected)
        return
    consumers = seen.source.consumers()
    if consumers and not any(one.method(wanted) for one in consumers):
        near = [(seen.near(wanted, one.methods, 0.5), one) for one in consumers]
        for name, one in near:
            if name and name not in (*HANDLERS, *GENERIC):
                place = one.module.file, one.methods[name].node.lineno
                break
        yield Found(
            "group-handler-missing-closes-everyone", got, place, 65, TRIED, expected
        )


def _join(function: Function, call: ast.Call, discards: bool) -> Iterator[Found]:
    place = at(function, call)
    texts = [ast.unparse(a) for a in call.args]
    if len(texts) > 1 and texts[0].endswith("channel_name"):
        yield Found("group-add-arguments-swapped", "Group name must be a valid unicode string",
                    place, 65, TRIED, "group_add(group, channel)")  # fmt: skip
    elif len(call.args) > 1 and isinstance(call.args[1], ast.Constant):
        yield Found("group-wrong-channel-joined", "nothing: another channel was joined", place,
                    66, TRIED, "self.channel_name")  # fmt: skip
    if not discards and function.owner is not None and function.owner.kind:
        yield Found("group-no-discard", "the group keeps channels that are gone", place, 74,
                    TRIED, "group_discard when a client leaves")  # fmt: skip


def _group_names(
    sends: list[tuple[Function, ast.Call]], adds: list[tuple[Function, ast.Call]]
) -> Iterator[Found]:
    joined = {_pattern(f, c.args[0] if c.args else None) for f, c in adds}
    if not joined or None in joined:
        return
    for function, call in sends:
        name = _pattern(function, call.args[0] if call.args else None)
        if name is None or ANY in name:
            continue
        if not any(_fits(name, str(pattern)) for pattern in joined):
            shown = ", ".join(sorted(str(p).replace(ANY, "…") for p in joined))
            yield Found("group-names-differ", f"nobody is in {name!r}", at(function, call), 66,
                        TRIED, f"one of {shown}")  # fmt: skip


ANY = "\x00"  # stands for what only a run would tell


def _fits(name: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split(ANY))), name) is not None


def _pattern(function: Function, node: ast.expr | None, depth: int = 0) -> str | None:
    """A group's name with its unknown parts marked; None where all is unknown."""
    if node is None or depth > 5:
        return None
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(v.value) if isinstance(v, ast.Constant) else ANY for v in node.values
        )
    if isinstance(node, ast.BinOp):
        left = _pattern(function, node.left, depth + 1)
        if isinstance(node.op, ast.Mod) and left is not None:
            return re.sub(r"%[sdr]", ANY, left)
        right = _pattern(function, node.right, depth + 1)
        both = (left or ANY) + (right or ANY)
        return both if both.strip(ANY) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        left = _pattern(function, node.func.value, depth + 1)
        return (
            re.sub(r"\{.*?\}", ANY, left)
            if left and node.func.attr == "format"
            else None
        )
    values: list[ast.expr] = []
    if isinstance(node, ast.Name):
        values = (
            function.values.get(node.id) or function.module.values.get(node.id) or []
        )
        dotted = function.module.resolve(node) or ""
        module = function.module.source.modules.get(dotted.rpartition(".")[0])
        values = values or (
            module.values.get(dotted.rpartition(".")[2], []) if module else []
        )
    elif isinstance(node, ast.Attribute) and function.owner is not None:
        found = function.owner.assigned(node.attr)
        if len(found) == 1:
            return _pattern(found[0][0], found[0][1], depth + 1)
        given = function.owner.attributes.get(node.attr)
        values = [given] if given is not None else []
    return _pattern(function, values[0], depth + 1) if len(values) == 1 else None

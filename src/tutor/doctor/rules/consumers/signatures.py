"""Handlers that do not take what they are called with, or that send too early.

A consumer behind a login is never asked anything by a stranger, so what its handlers
are like is read, too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.parsed import again
from tutor.doctor.rules.found import GENERIC, HANDLERS, TRIED, Found, at
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import returned
from tutor.doctor.source.known import CONSUMER_METHODS
from tutor.doctor.source.walking import child_nodes, walk

RANK = 58  # what was seen at run time comes first
BARE = 48  # before what the lack of the call leads to
DEEP = 4
_SENDS = ("self.send", "self.send_json")
_LEAVES = (ast.Return, ast.Raise)


def rules(seen: Evidence) -> Iterator[Found]:
    routed = {leaf.get("consumer") for leaf in seen.leaves}
    for owner in seen.source.consumers():
        if owner.kind.endswith(("generic", "json")):
            yield from _generic(owner)
        else:
            yield from _raw(owner)
        if owner.dotted in routed:
            yield from _too_soon(owner)
        for method in owner.methods.values():
            yield from _uncalled(owner, method)
            yield from _unread(owner, method)


def _generic(owner: Class) -> Iterator[Found]:
    """What the library's own handlers of messages call, and with what."""
    # What the project's own handler of messages calls is its own affair.
    own = {
        name.removeprefix("websocket_"): owner.methods.get(
            name.removeprefix("websocket_")
        )
        for name in HANDLERS
        if not any(one.method(name) for one in (owner, *owner.heirs))
    }
    receive, leave = own.get("receive"), own.get("disconnect")
    if receive is not None and not takes(receive, 0, "text_data"):
        slug = "consumer-generic-receive-parameter-renamed"
        got = "receive() got an unexpected keyword argument 'text_data'"
        yield _found(slug, got, receive, "receive(self, text_data=None, …)")
    heard = owner.methods.get("receive_json") if owner.kind.endswith("json") else None
    mine = any(one.method("receive") for one in (owner, *owner.heirs))
    if heard is not None and not mine and not takes(heard, 1):
        slug = "consumer-generic-receive-parameter-renamed"
        got = "receive_json() cannot be called with the content alone"
        yield _found(slug, got, heard, "receive_json(self, content, **kwargs)")
    if leave is not None and not takes(leave, 1):
        slug = "consumer-generic-disconnect-without-code"
        got = "disconnect() cannot be called with the code"
        yield _found(slug, got, leave, "disconnect(self, code)")
    connect = own.get("connect")
    if connect is not None and not takes(connect, 0):
        slug = "consumer-generic-connect-with-event"
        got = "connect() missing 1 required positional argument"
        yield _found(slug, got, connect, "connect(self)")


def _raw(owner: Class) -> Iterator[Found]:
    """Handlers of a raw consumer are given the event."""
    for name in HANDLERS:
        method = owner.methods.get(name)
        if method is not None and not takes(method, 1):
            got = f"{name}() takes 1 positional argument but 2 were given"
            expected = f"{name}(self, event)"
            yield _found("consumer-handler-without-event", got, method, expected)


def _uncalled(owner: Class, method: Function) -> Iterator[Found]:
    """``await self.accept``: a method that is named, and not called."""
    for node in walk(method.node):
        named = node.value if isinstance(node, (ast.Await, ast.Expr)) else None
        if isinstance(node, ast.Return) and method.name in (*GENERIC, *HANDLERS):
            named = node.value  # nobody looks at what a handler gives back
        if not isinstance(named, ast.Attribute):
            continue
        name = method.module.resolve(named, method) or ""
        end = name.removeprefix("self.")
        inner = owner.method(end) if name == f"self.{end}" else None
        own = inner is not None and not inner.node.decorator_list
        library = inner is None and owner.kind and end in CONSUMER_METHODS
        if own or (library and name == f"self.{end}") or calls.is_layer(name):
            yield Found(
                "consumer-accept-not-called",
                "object method can't be used in 'await' expression",
                at(method, named),
                # A statement of its own is there for the call alone.
                BARE if isinstance(node, ast.Expr) else RANK - 1,
                TRIED,
                f"{end}() with parentheses",
            )


def _unread(owner: Class, method: Function) -> Iterator[Found]:
    """A key of a message that is still the text that has come."""
    if method.name != "receive" or not owner.kind.endswith(("generic", "json")):
        return
    texts = {"text_data"} | {
        name
        for name, values in method.values.items()
        if len(values) == 1 and _is_the_text(values[0])
    }
    if method.values.get("text_data"):
        texts.discard("text_data")  # it is given another value
    for node in walk(method.node):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript):
            held, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            held = node.func.value
            key = node.args[0] if node.func.attr == "get" and node.args else None
        text = isinstance(key, ast.Constant) and isinstance(key.value, str)
        if text and isinstance(held, ast.Name) and held.id in texts:
            yield Found(
                "consumer-json-not-parsed",
                "string indices must be integers, not 'str'",
                at(method, node),
                RANK,
                TRIED,
                "json.loads(text_data) before",
            )
            return


def _is_the_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BoolOp):
        return all(map(_is_the_text, node.values))
    if isinstance(node, ast.Constant):
        return node.value in ("", "{}")
    return isinstance(node, ast.Name) and node.id == "text_data"


def of_an_event(kind: str, joined: list[Class]) -> Iterator[Found]:
    """What is wrong with the handlers of a group's event, whoever sends it.

    Args:
        kind: the type of the event.
        joined: the consumers that are in a group.
    """
    wanted = kind.replace(".", "_")
    for owner in joined:
        method = owner.method(wanted)
        if method is None or wanted in (*HANDLERS, *GENERIC):
            continue
        if not takes(method, 1):
            got = f"{wanted}() takes 1 positional argument but 2 were given"
            expected = f"{wanted}(self, event)"
            yield _found("consumer-handler-without-event", got, method, expected)
            continue
        yield from again(method)
        yield from not_async(owner, method)


def not_async(owner: Class, method: Function) -> Iterator[Found]:
    """A plain handler in an async consumer, which awaits it."""
    if method.is_async or not owner.kind.startswith("async"):
        return
    if any(value for value in returned(method)) or method.node.decorator_list:
        return  # what it gives back may be awaited
    yield Found(
        "consumer-handlers-not-async",
        f"{method.name} is no async def",
        at(method, method.node),
        44,
        TRIED,
        "async def in an async consumer",
    )


def _found(slug: str, got: str, method: Function, expected: str) -> Found:
    return Found(slug, got, at(method, method.node), RANK, TRIED, expected)


def takes(method: Function, number: int, *keywords: str) -> bool:
    """Whether a method may be called with so many arguments, and these keywords."""
    if method.node.decorator_list:
        return True  # what a decorator makes of it is not known
    given = method.node.args
    places = [one.arg for one in given.posonlyargs + given.args][1:]
    if len(places) < number and given.vararg is None:
        return False
    names = {*places[number:], *(one.arg for one in given.kwonlyargs)}
    if not set(keywords) <= names and given.kwarg is None:
        return False
    needed = places[number : len(places) - len(given.defaults)]
    needed += [
        one.arg
        for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
        if default is None
    ]
    return set(needed) <= set(keywords)


def _too_soon(owner: Class) -> Iterator[Found]:
    """A message on the way of every client, and the handshake accepted after it."""
    connect = owner.method("connect")
    if connect is None or not owner.kind.endswith(("generic", "json")):
        return
    steps = list(_steps(owner, connect, 0))
    names = [name for name, _, _ in steps]
    if "self.accept" not in names:
        return
    for name, method, call in steps[names.index("self.accept") + 1 :]:
        if name == "self.accept":
            yield Found(
                "consumer-accepts-twice",
                "'NoneType' object has no attribute 'handshake_deferred'",
                at(method, call),
                RANK,
                TRIED,
                "accept() once",
            )
            return
    for name, method, call in steps[: names.index("self.accept")]:
        if name in _SENDS:
            yield Found(
                "consumer-send-before-accept",
                "Socket has not been accepted, so cannot send over it",
                at(method, call),
                RANK,
                TRIED,
                "accept(), and then the first message",
            )
            return


def _steps(
    owner: Class, method: Function, depth: int
) -> Iterator[tuple[str, Function, ast.Call]]:
    """What a method calls on its instance whatever happens, in order.

    What stands in a branch happens for some clients only; a block that always runs
    is no branch.
    """
    for call in _certain(method.node.body):
        name = calls.name_of(call, method)
        if not name.startswith("self.") or name.count(".") > 1:
            continue
        inner = owner.method(name.removeprefix("self."))
        if inner is None:
            yield name, method, call
        elif depth < DEEP and inner is not method:
            yield from _steps(owner, inner, depth + 1)


def _certain(body: list[ast.stmt]) -> Iterator[ast.Call]:
    """The calls of statements that always run, the innermost first."""
    for statement in body:
        if isinstance(statement, (ast.With, ast.AsyncWith, ast.Try)):
            yield from _certain(statement.body)
        elif isinstance(statement, (ast.If, ast.While)):
            yield from _inside(statement.test)
        elif isinstance(statement, (ast.Expr, ast.Assign, ast.AnnAssign, *_LEAVES)):
            yield from _inside(statement)
        if isinstance(statement, _LEAVES):
            return


def _inside(node: ast.AST) -> Iterator[ast.Call]:
    for child in child_nodes(node):
        if not isinstance(child, (ast.Lambda, ast.IfExp, ast.BoolOp)):
            yield from _inside(child)
    if isinstance(node, ast.Call):
        yield node

"""Fan-out by hand: a module's set of consumers, and the tasks that go through it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import walk

RANK = 66
ENTER = ("add", "append")
LEAVE = ("discard", "remove", "pop", "clear", "difference_update")
WAITS = (ast.Await, ast.AsyncFor, ast.AsyncWith)
STARTS = ("asyncio.create_task", "asyncio.ensure_future")
ENCODES = ("json.dumps",)
_LOOP = re.compile(r"asyncio\.get_(?:running|event)_loop\(\)\.create_task").fullmatch
TELLS = ("send", "send_text", "put", "put_nowait", "send_str", "write_message")
DEEP = 5

Key = tuple[str, str]  # the module, and the name in it


@dataclass
class Shared:
    """What becomes of one collection that a module holds."""

    enters: list[tuple[Function, ast.Call]] = field(default_factory=list)
    leaves: bool = False
    loops: list[tuple[Function, ast.For]] = field(default_factory=list)
    given: dict[int, Place] = field(default_factory=dict)  # to the function of a loop


def rules(seen: Evidence) -> Iterator[Found]:
    found = _collected(seen)
    for (_, name), shared in found.items():
        for function, call in shared.enters:
            if not shared.leaves:
                yield Found(
                    "load-consumers-never-forgotten",
                    f"{name} keeps every consumer that ever was",
                    at(function, call),
                    RANK,
                    TRIED,
                    "what enters, leaves",
                )
        for function, loop in shared.loops:
            yield from _changes(name, shared, function, loop)
            yield from _encoded(function, loop)
    known = {id(loop) for shared in found.values() for _, loop in shared.loops}
    for function in seen.source.all_functions():
        for node in walk(function.node):
            if isinstance(node, ast.For) and id(node) not in known and _tells(node):
                yield from _encoded(function, node)
            elif isinstance(node, ast.GeneratorExp | ast.ListComp):
                yield from _encoded_in(function, node)
        yield from _dropped(function)
        yield from goes_on(function)


def _changes(
    name: str, shared: Shared, function: Function, loop: ast.For
) -> Iterator[Found]:
    """A loop that waits, over what others change meanwhile."""
    plain = _over(loop.iter, function)[1]
    inside = [node for part in loop.body for node in walk(part)]
    waits = any(isinstance(node, WAITS) for node in inside)
    if plain and waits and (shared.enters or shared.leaves):
        yield Found(
            "load-set-changes-while-iterated",
            "RuntimeError: Set changed size during iteration",
            shared.given.get(id(loop)) or at(function, loop),
            RANK - 20,  # it crashes, so that it is the cause of what is seen
            TRIED,
            f"a loop over list({name})",
        )


def _tells(loop: ast.For) -> bool:
    """Whether a loop hands something to each of those that it goes through."""
    told = loop.target.id if isinstance(loop.target, ast.Name) else ""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in TELLS
        and getattr(node.func.value, "id", "") == told
        for part in loop.body
        for node in walk(part)
    )


def _encoded(function: Function, loop: ast.For) -> Iterator[Found]:
    """The same text, made anew for everyone."""
    mine = {node.id for node in walk(loop.target) if isinstance(node, ast.Name)}
    for node in (one for part in loop.body for one in walk(part)):
        if isinstance(node, ast.Assign):
            used = {one.id for one in walk(node.value) if isinstance(one, ast.Name)}
            if used & mine:
                mine |= {getattr(target, "id", "") for target in node.targets}
    for part in loop.body:
        for node in walk(part):
            if not (
                isinstance(node, ast.Call) and calls.name_of(node, function) in ENCODES
            ):
                continue
            used = {one.id for one in walk(node) if isinstance(one, ast.Name)}
            if not used & mine:
                yield Found(
                    "load-encoded-for-each-client",
                    "the same message is encoded for each client",
                    at(function, node),
                    RANK + 10,
                    TRIED,
                    "a text that is made once, before the loop",
                )


def _encoded_in(
    function: Function, node: ast.GeneratorExp | ast.ListComp
) -> Iterator[Found]:
    """``[one.send(json.dumps(event)) for one in here]``."""
    call, target = node.elt, node.generators[0].target
    if isinstance(call, ast.Await):
        call = call.value
    func = call.func if isinstance(call, ast.Call) else None
    held = getattr(func.value, "id", "") if isinstance(func, ast.Attribute) else ""
    if held and held == getattr(target, "id", None):
        loop = ast.For(target, node.generators[0].iter, [ast.Expr(call)], [])
        yield from _encoded(function, loop)


def _dropped(function: Function) -> Iterator[Found]:
    """A task that is started, and held by nobody."""
    for node in walk(function.node):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and (
                calls.name_of(node.value, function) in STARTS
                or _LOOP(calls.name_of(node.value, function))
            )
        ):
            yield Found(
                "load-task-not-kept",
                "nobody keeps the task that is started here",
                at(function, node),
                RANK + 8,
                TRIED,
                "a name, or a set, that holds the task",
            )


def goes_on(function: Function) -> list[Found]:
    """A loop without end that catches what is to end it, and goes on."""
    for loop in walk(function.node) if function.is_async else ():
        if not isinstance(loop, ast.While | ast.For) or not _is_endless(loop, function):
            continue
        for node in loop.body:
            place = _swallows(node, function)
            if place is not None:
                return [
                    Found(
                        "load-task-cannot-be-cancelled",
                        "the loop catches CancelledError and goes on",
                        at(function, place),
                        RANK + 6,
                        TRIED,
                        "except Exception",
                    )
                ]
    return []


def _swallows(node: ast.stmt, function: Function) -> ast.AST | None:
    """Where a statement that waits takes its own end for one error more."""
    if not isinstance(node, ast.Try | ast.With):
        return None
    if not any(isinstance(n, WAITS) for part in node.body for n in walk(part)):
        return None
    if isinstance(node, ast.With):
        for item in node.items:
            call = item.context_expr
            name = calls.name_of(call, function) if isinstance(call, ast.Call) else ""
            args = call.args if isinstance(call, ast.Call) else []
            if name == "contextlib.suppress" and _of_the_end(args, function):
                return node
        return None
    for handler in node.handlers:
        inside = [n for part in handler.body for n in walk(part)]
        if _catches_the_end(handler, function):
            ends = (ast.Raise, ast.Return, ast.Break)
            return None if any(isinstance(n, ends) for n in inside) else handler
    return None


def _is_endless(loop: ast.While | ast.For, function: Function) -> bool:
    """``while True``, or a count that goes on and on."""
    if isinstance(loop, ast.While):
        return isinstance(loop.test, ast.Constant)
    return function.module.resolve(loop.iter, function) == "itertools.count()"


def _catches_the_end(handler: ast.ExceptHandler, function: Function) -> bool:
    """Whether a handler takes ``CancelledError``, by whatever name."""
    if handler.type is None:
        return True
    return _of_the_end(getattr(handler.type, "elts", [handler.type]), function)


def _of_the_end(parts: list[ast.expr], function: Function) -> bool:
    names = {function.module.resolve(one, function) for one in parts}
    return bool(names & {"builtins.BaseException", "asyncio.CancelledError"})


def _collected(seen: Evidence) -> dict[Key, Shared]:
    """The collections of modules that hold consumers, and how they are used."""
    found: dict[Key, Shared] = defaultdict(Shared)
    held = set()
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            if not isinstance(call.func, ast.Attribute):
                continue
            key = _key(seen, call.func.value, function)
            if key is None:
                continue
            if call.func.attr in ENTER and _is_consumer(call, function):
                found[key].enters.append((function, call))
                held.add(key)
            elif call.func.attr in LEAVE:
                found[key].leaves = True
            if call.func.attr in ENTER and key[0] != function.module.name:
                held.add(key)
        for node in walk(function.node):
            if isinstance(node, ast.For):
                of, plain = _over(node.iter, function)
                if (key := _key(seen, of, function)) is not None:
                    found[key].loops.append((function, node))
                for frame in seen.sites.frames(function) if plain else ():
                    where, one = frame.given.get(getattr(of, "id", ""), (frame, of))
                    key = (
                        _key(seen, one, where.function) if where is not frame else None
                    )
                    if key is not None:
                        found[key].loops.append((function, node))
                        found[key].given[id(node)] = at(where.function, one)
    return {key: shared for key, shared in found.items() if key in held}


def _over(node: ast.expr, function: Function, depth: int = 0) -> tuple[ast.expr, bool]:
    """What a loop goes through, and whether it is that itself and no copy."""
    inner: ast.expr | None = None
    if isinstance(node, ast.GeneratorExp):
        inner = node.generators[0].iter
    elif isinstance(node, ast.Call) and node.args:
        if getattr(node.func, "id", "") not in ("enumerate", "iter", "zip", "map"):
            return node.args[0], False  # list(here)
        inner = node.args[-1 if getattr(node.func, "id", "") == "map" else 0]
    elif isinstance(node, ast.Name):
        given = function.values.get(node.id, [])
        inner = given[0] if given else None
    if inner is None or depth > DEEP:
        return node, isinstance(node, ast.Name | ast.Attribute)
    return _over(inner, function, depth + 1)


def _is_consumer(call: ast.Call, function: Function) -> bool:
    """Whether what is added is a consumer: ``self`` in one, or what is called so."""
    if len(call.args) != 1 or not isinstance(call.args[0], ast.Name):
        return False
    name = call.args[0].id
    if name == function.self_name:
        return function.owner is not None and bool(function.owner.kind)
    return name in ("consumer", "client")


def _key(seen: Evidence, node: ast.expr, function: Function) -> Key | None:
    """The collection of a module that an expression stands for."""
    module, name = function.module, ""
    if isinstance(node, ast.Name):
        inside = walk(function.node)
        arguments = {one.arg for one in inside if isinstance(one, ast.arg)}
        if node.id not in arguments and node.id not in function.values:
            name = node.id
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        dotted = module.resolve(node.value, function) or ""
        other = seen.source.modules.get(dotted)
        if other is not None:
            module, name = other, node.attr
    values = module.values.get(name, [])
    made = [one for one in values if _collects(one)]
    return (module.name, name) if made else None


def _collects(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("set", "list") and not node.args
    return isinstance(node, ast.List | ast.Set)

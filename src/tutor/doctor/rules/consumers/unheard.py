"""What consumers do that turn strangers away, as their source says it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from tutor.doctor.answers import Client
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.walking import child_nodes, walk

# Who overrides one of these may catch there what a handler raises.
AROUND = ("dispatch", "websocket_receive", "__call__")
BEGUN = ("connect", "receive", "receive_json", "websocket_connect", "websocket_receive")
_END = (1 << 30, 0)
LONG = 10  # seconds in which a client hears no answer
_ASIDE = ("create_task", "ensure_future")


def rules(seen: Evidence) -> Iterator[Found]:
    if not seen.answers.asked:
        return
    for owner in seen.source.consumers():
        if _is_closed(seen, owner):
            yield from _unchecked(owner)
            yield from kept_going(owner)
            yield from endless(owner, _stays(owner, seen, seen.answers.members))
            yield from _outlives(owner)


def _outlives(owner: Class) -> Iterator[Found]:
    """A raw consumer that hears of its client's leaving, and does not end."""
    method = owner.method("websocket_disconnect")
    if method is None or owner.kind not in ("async", "sync"):
        return
    below = [f for one in owner.line_of_ancestors for f in one.methods.values()]
    if any("StopConsumer" in ast.unparse(f.node) for f in below):
        return
    if any(owner.method(name) for name in ("dispatch", "__call__")):
        return
    if any(
        calls.name_of(c, method).startswith("builtins.super")
        for c in calls.calls(method.node)
    ):
        return
    yield Found(
        "consumer-no-stopconsumer",
        "Application instance took too long to shut down and was killed.",
        (method.module.file, method.node.lineno),
        56,
        TRIED,
        "a consumer that ends by itself",
    )


def _is_closed(seen: Evidence, owner: Class) -> bool:
    """Whether a route leads to a consumer, and no stranger could stay."""
    return bool(_samples(owner, seen)) and not _stays(owner, seen, seen.answers.clients)


def _stays(owner: Class, seen: Evidence, clients: list[Client]) -> bool:
    """Whether one of some clients was let in by a consumer, and answered."""
    samples = _samples(owner, seen)
    return any(
        (client.path in samples and client.status == 101 and client.closed is None)
        and not (client.signed and client.quiet)
        for client in clients
    )


def _samples(owner: Class, seen: Evidence) -> set[str]:
    """The paths at which our clients meet a consumer."""
    return {
        leaf["sample"].replace("^", "").replace("$", "")
        for leaf in seen.leaves
        if leaf.get("consumer") == owner.dotted
    }


def _unchecked(owner: Class) -> Iterator[Found]:
    """What a client says is taken apart, and nobody catches what that may raise."""
    if any(owner.method(name) for name in AROUND):
        return
    receive, json = owner.method("receive"), owner.method("receive_json")
    for method, look in ((receive, _loads), (json, _keys)):
        taken = [one.arg for one in method.node.args.args[1:2]] if method else []
        if method is None or not taken or method.node.decorator_list:
            continue
        bad = next(look(method, taken[0]), None)
        if bad is not None:
            yield Found(
                "consumer-unvalidated-input-closes-socket",
                f"{ast.unparse(bad)} of what a client sends, and nobody catches it",
                at(method, bad),
                78,
                TRIED,
                "an answer, and an open socket",
            )
            return


def _loads(method: Function, taken: str) -> Iterator[ast.expr]:
    """Calls of ``json.loads`` with the text as it came, outside of every ``try``."""
    safe = _caught(method)
    for call in calls.calls(method.node):
        if calls.name_of(call, method) == "json.loads" and id(call) not in safe:
            given = [*call.args, *(part for one in call.args for part in walk(one))]
            if any(_is_name(one, taken) for one in given):
                yield call


def _keys(method: Function, taken: str) -> Iterator[ast.expr]:
    """``content["key"]`` where nothing has looked at the content before."""
    safe, looked = _caught(method), [_END]
    for node in walk(method.node):
        held: list[ast.AST] = []
        if isinstance(node, ast.Call):
            # Somebody is given it, or asked whether it has the key.
            held = [*node.args, *(word.value for word in node.keywords)]
            held += [getattr(node.func, "value", node.func)]
        elif isinstance(node, ast.Compare):
            # Also behind what it guards: content["a"] if "a" in content else None.
            looked += [(0, 0) for one in node.comparators if _is_name(one, taken)]
        elif isinstance(node, ast.Match):
            held = [node.subject]
        looked += [_spot(one) for one in held if _is_name(one, taken)]
    for node in walk(method.node):
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.ctx, ast.Load)
            and isinstance(node.slice, ast.Constant)
            and _is_name(node.value, taken)
            and id(node) not in safe
            and _spot(node) < min(looked)
        ):
            yield node


def _spot(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _caught(method: Function) -> set[int]:
    """What stands in a ``try`` that catches something, or below ``suppress``."""
    found: set[int] = set()
    for node in walk(method.node):
        if (isinstance(node, ast.Try) and node.handlers) or (
            isinstance(node, (ast.With, ast.AsyncWith))
            and any("suppress" in ast.unparse(one) for one in node.items)
        ):
            found |= {id(part) for one in node.body for part in [one, *walk(one)]}
    return found


def kept_going(owner: Class) -> Iterator[Found]:
    """Endless tasks that a consumer starts, and that nothing of it ever cancels."""
    line = [
        method for one in owner.line_of_ancestors for method in one.methods.values()
    ]
    kept = {
        name
        for method in line
        for name, value in method.self_values
        if isinstance(value, ast.Call) and calls.name_of(value, method).endswith(_ASIDE)
    }
    for method in line:
        for node in walk(method.node):
            named = getattr(node, "attr", "") or getattr(node, "id", "")
            if "cancel" in named or "TaskGroup" in named:
                return
            given = node.args if isinstance(node, ast.Call) else []
            if any(
                isinstance(one, ast.Attribute) and one.attr in kept for one in given
            ):
                return  # somebody else is given the task, and may end it
    for method in line:
        for call in calls.calls(method.node):
            if not calls.name_of(call, method).endswith(_ASIDE) or not call.args:
                continue
            inner = _own(call.args[0], method, owner)
            if inner is not None and forever(inner) is not None:
                yield Found(
                    "consumer-background-task-not-cancelled",
                    f"{inner.name} goes on after its client has gone",
                    at(method, call),
                    72,
                    TRIED,
                    "cancel() when the client leaves",
                )
                return


def endless(owner: Class, entered: bool) -> Iterator[Found]:
    """Handlers that never come back, by themselves or in what they call.

    Where a member has ``entered``, connect() has come back, whatever it looks like.
    """
    for name in BEGUN:
        if entered and name.endswith("connect"):
            continue
        method = owner.method(name)
        place = _stuck(method, owner) if method is not None else None
        if place is not None:
            yield Found(
                "consumer-endless-loop-in-handler",
                f"{name} never comes back",
                place,
                54,
                TRIED,
                "each event gets its turn",
            )
            return


def _stuck(method: Function, owner: Class, depth: int = 0) -> Place | None:
    loop = forever(method) or _long(method)
    if loop is not None:
        return at(method, loop)
    found = calls.calls(method.node)
    aside = {
        id(given)
        for call in found
        if calls.name_of(call, method).endswith(_ASIDE)
        for given in call.args
    }
    for call in found if depth < 2 else ():
        inner = _own(call, method, owner) if id(call) not in aside else None
        if inner is None or inner is method or not inner.is_async:
            continue
        if _stuck(inner, owner, depth + 1) is not None:
            return at(method, call)
    return None


def _own(node: ast.expr, method: Function, owner: Class) -> Function | None:
    """The method of a consumer that a call runs."""
    name = calls.name_of(node, method) if isinstance(node, ast.Call) else ""
    return owner.method(name[5:]) if name.startswith("self.") else None


_NO_END = ("itertools.count()", "itertools.cycle()")


def forever(function: Function) -> ast.While | ast.For | None:
    """A loop of a function that nothing in it leaves."""
    for node in walk(function.node):
        if isinstance(node, ast.While):
            on = isinstance(node.test, ast.Constant) and bool(node.test.value)
        elif isinstance(node, ast.For):
            on = function.module.resolve(node.iter, function) in _NO_END
        else:
            continue
        if on and not any(map(_leaves, node.body)):
            return node
    return None


def _long(function: Function) -> ast.For | None:
    """``for left in range(60):`` that sleeps at each turn: a minute of nothing else."""
    for node in walk(function.node):
        if not isinstance(node, ast.For) or any(map(_leaves, node.body)):
            continue
        named = function.module.resolve(node.iter, function) == "builtins.range()"
        counts = _numbers(getattr(node.iter, "args", ())) if named else []
        sleeps = [
            number
            for call in calls.calls(node)
            if calls.name_of(call, function) == "asyncio.sleep"
            for number in _numbers(call.args)
        ]
        plain = 0 < len(counts) <= 3 and 0 not in counts[2:]
        turns = len(range(*map(int, counts))) if plain else 0
        if turns * sum(sleeps) >= LONG:
            return node
    return None


def _numbers(given: Iterable[ast.expr]) -> list[float]:
    """What is written out as numbers; nothing if one part is none."""
    try:
        found = [ast.literal_eval(one) for one in given]
    except ValueError:
        return []
    return found if all(type(one) in (int, float) for one in found) else []


def _leaves(node: ast.AST) -> bool:
    """Whether a statement may end the loop around it."""
    if isinstance(node, (ast.Break, ast.Return, ast.Raise)):
        return True
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return False
    return any(map(_leaves, child_nodes(node)))

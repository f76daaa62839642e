"""What stands at the line of a crash: a query, a sending, an await, a group's name."""

from __future__ import annotations

import ast
import re

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place
from tutor.doctor.rules.groups.groupnames import group_of, misnamed, origin, spread
from tutor.doctor.source import Function, calls, known
from tutor.doctor.source.flow import Frame, returned
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

Cause = tuple["str | None", Place, str]


def sends_there(seen: Evidence, place: Place) -> bool:
    """Whether a line of a synchronous consumer sends, by the library's own method."""
    function = seen.function_at(place)
    if function is None or function.owner is None:
        return False
    own = {f"self.{name}" for name in known.CONSUMER_METHODS}
    return function.owner.kind.startswith("sync") and any(
        isinstance(node, ast.Call) and calls.name_of(node, function) in own
        for node in seen.nodes_at(place)
    )


def query(seen: Evidence, place: Place) -> str:
    """Which synchronous use of the database stands at a line."""
    function = seen.function_at(place)
    source = " ".join(
        ast.unparse(n) for n in seen.nodes_at(place) if isinstance(n, ast.expr)
    )
    if "session" in source and ".save" in source:
        return "auth-session-saved-synchronously"
    if function is not None and of_middleware(seen, function):
        return "auth-middleware-queries-synchronously"
    if function is not None:
        if ".objects" not in source and _from_a_thread(seen, function, place):
            return "db-lazy-queryset-returned"
        for node in seen.nodes_at(place):
            name = (
                function.module.resolve(node, function)
                if isinstance(node, ast.Name)
                else None
            )
            if name and re.match(r"(asgiref\.sync|channels\.db)\.\w+\(\)\(\)", name):
                return "db-lazy-queryset-returned"
    return "db-orm-in-async-consumer"


def is_middleware(function: Function) -> bool:
    """Whether a function is an ASGI application that no consumer is."""
    names = [argument.arg for argument in function.node.args.args]
    return function.name == "__call__" or (
        function.owner is None and names[:1] == ["scope"]
    )


def of_middleware(seen: Evidence, function: Function, depth: int = 0) -> bool:
    """Whether a middleware is a function, or the only one that calls it."""
    if function.owner is not None and function.owner.kind:
        return False
    callers = seen.sites.callers(function) if depth < 3 else []
    return is_middleware(function) or (
        bool(callers) and all(of_middleware(seen, one, depth + 1) for one in callers)
    )


def _from_a_thread(seen: Evidence, function: Function, place: Place) -> bool:
    """Whether a line uses what a function that runs in a thread has returned."""
    found = seen.nodes_at(place)
    names = [node.id for node in found if isinstance(node, ast.Name)]
    given = [value for name in names for value in function.values.get(name, [])]
    for node in (*found, *given):
        call = node.value if isinstance(node, ast.Await) else None
        if isinstance(call, ast.Call):
            target = calls.target_of(call, function)
            if target and set(target.decorators()) & known.TO_THREAD:
                return True
    return False


def awaited_there(seen: Evidence, place: Place) -> Cause:
    """The project itself awaits what is no coroutine; the innermost one of a line."""
    function = seen.function_at(place)
    awaits = [
        node.value
        for node in reversed(seen.nodes_at(place))
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Call)
    ]
    if function is None:
        awaits = []
    for call in awaits:
        assert function is not None
        name = calls.name_of(call, function)
        targets = [target for target in [calls.target_of(call, function)] if target]
        if name.startswith("self.") and function.owner:
            targets = function.owner.virtual(name[5:])
        for target in targets:
            if target.owner is None and not target.is_async and not _waits(target):
                continue  # a plain function, of which nobody expects to wait
            if not target.is_async and not set(target.decorators()) & known.TO_THREAD:
                at: Place = (target.module.file, target.node.lineno)
                return "consumer-handlers-not-async", at, ""
        chosen = _chosen(call, function)
        for target in (chosen or _registered(seen)) if not targets else ():
            at = target.module.file, target.node.lineno
            return "consumer-handlers-not-async", at, ""
        if calls.makes_coroutine(call, function):
            continue
        if name.removesuffix("()") in known.TO_THREAD:
            return "db-wrapper-around-the-result", place, ""
        break
    return "consumer-await-on-no-coroutine", place, ""


def _waits(function: Function) -> bool:
    """Whether a function makes a coroutine and throws it away: it was to be async."""
    return not returned(function) and any(
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and bool(calls.makes_coroutine(node.value, function))
        for node in walk(function.node)
    )


def _chosen(call: ast.Call, function: Function) -> list[Function]:
    """Methods that are no coroutines, among those that a local name stands for."""
    owner = function.owner
    if not isinstance(call.func, ast.Name) or owner is None:
        return []
    values = function.values.get(call.func.id, [])
    nodes = [node for value in values for node in walk(value)]
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    return [
        method
        for node in nodes
        if isinstance(node, ast.Attribute)
        and id(node) not in called
        and ast.unparse(node.value) == function.self_name
        for method in owner.virtual(node.attr)
        if not method.is_async
    ]


def _registered(seen: Evidence) -> list[Function]:
    """Methods that are no coroutines, though a decorator of the project marks them."""
    return [
        method
        for owner in seen.source.consumers()
        for method in owner.methods.values()
        if owner.kind.startswith("async")
        and not method.is_async
        and any(one in seen.source.functions for one in method.decorators())
    ]


def group_name(seen: Evidence, place: Place) -> Cause:
    for node in seen.nodes_at(place):
        function = seen.function_at(place)
        group = None
        if isinstance(node, ast.Call) and function is not None:
            group = group_of(spread(Frame(function, function.owner), node))
        if group is not None:
            if ast.unparse(group).endswith("channel_name"):
                return "group-add-arguments-swapped", place, ""
            made = origin(function, group) if function else None
            return "group-name-not-allowed", made or misnamed(seen) or place, ""
    if place[0] is None:
        place = misnamed(seen) or place
    return "group-name-not-allowed", place, ""


# Methods without arguments that are read where their results are meant.
_BARE = re.compile(
    r"isoformat|strftime|total_seconds|model_dump\w*|to_dict|as_dict|to_json|"
    r"get_(?:username|full_name|short_name|absolute_url|\w+_display)"
)


def uncalled(seen: Evidence, place: Place) -> Place:
    """Where a method stands in a message that nobody has called."""
    there = seen.nodes_at(place)
    called = {id(node.func) for node in there if isinstance(node, ast.Call)}
    if any(_is_bare(node) and id(node) not in called for node in there):
        return place
    for module in seen.source.modules.values():
        for node in walk(module.tree) if not is_aside(module.file) else ():
            for value in node.values if isinstance(node, ast.Dict) else ():
                if _is_bare(value):
                    return module.file, value.lineno
    return place


def _is_bare(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and bool(_BARE.fullmatch(node.attr))


def of_pydantic(seen: Evidence, links: list[Event]) -> bool:
    """Whether what cannot be written as JSON is a message of the project."""
    named = re.search(r"Object of type (\w+) is not", links[-1]["text"])
    return any(
        named is not None
        and dotted.rpartition(".")[2] == named[1]
        and any(base.startswith("pydantic.") for base in one.library_bases())
        for dotted, one in seen.source.classes.items()
    )

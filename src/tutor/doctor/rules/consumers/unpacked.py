"""What a thread gives back beside other things, or an event holds for its handlers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import holds_models, written
from tutor.doctor.rules.database.lazy import CALLED, LOOPS, is_lazy
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.groupnames import given
from tutor.doctor.rules.groups.packed import sending_events
from tutor.doctor.rules.groups.spreading import backends
from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import returned, unfold
from tutor.doctor.source.known import TO_THREAD
from tutor.doctor.source.walking import own_nodes

RANK = 49


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        if function.is_async:
            yield from _lazy_parts(seen, function)
    if any("channels_redis" in text for text in backends(seen)):
        yield from _models(seen)


def _lazy_parts(seen: Evidence, function: Function) -> Iterator[Found]:
    """``keys, users = await found()``, where ``found`` returns a query among others."""
    for node in own_nodes(function.node):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Await):
            continue
        names = [getattr(one, "id", "") for one in getattr(node.targets[0], "elts", [])]
        call = node.value.value
        target = calls.target_of(call, function) if isinstance(call, ast.Call) else None
        if not names or target is None or not TO_THREAD & {*target.decorators()}:
            continue
        for result in returned(target):
            parts = getattr(result, "elts", [])
            for name, part in zip(names, parts, strict=False):
                if is_lazy(seen, target, part) and _is_run(name, function):
                    yield Found(
                        "db-lazy-queryset-returned",
                        CALLED,
                        at(target, part),
                        RANK,
                        TRIED,
                        "a list or a set made in the thread",
                    )
                    return


def _is_run(name: str, function: Function) -> bool:
    """Whether something has to have the rows behind a name."""
    for node in own_nodes(function.node):
        held: list[ast.expr] = []
        if isinstance(node, ast.Compare) and isinstance(
            node.ops[0], ast.In | ast.NotIn
        ):
            held = node.comparators
        elif isinstance(node, ast.For) or (
            isinstance(node, ast.comprehension) and not node.is_async
        ):
            held = [node.iter]
        elif isinstance(node, ast.If | ast.While | ast.IfExp):
            held = [node.test]
        elif isinstance(node, ast.Call) and calls.name_of(node, function) in LOOPS:
            held = node.args[:1]
        if any(getattr(one, "id", "") == name for one in held):
            return True
    return False


def _models(seen: Evidence) -> Iterator[Found]:
    """A model's instance in an event, as a caller hands it on."""
    for function, call in sending_events(seen):
        node = given(call, 1, "message")
        for frame in seen.sites.frames(function):
            where, found = unfold(frame, node) if node else (frame, None)
            for value in (written(found, where.function) or {}).values():
                origin, made = unfold(where, value)
                if made is value or not isinstance(made, ast.Call):
                    continue
                if holds_models(seen.source, made, origin.function):
                    yield Found(
                        "redis-message-not-serialisable",
                        "can not serialize a model",
                        at(origin.function, made),
                        RANK + 15,
                        TRIED,
                        "its fields, not the instance",
                    )
                    return

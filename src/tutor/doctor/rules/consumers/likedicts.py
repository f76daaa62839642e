"""Messages that are models, and are asked for keys; events, and their attributes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.models import is_message
from tutor.doctor.rules.found import HANDLERS, TRIED, Found, at
from tutor.doctor.rules.groups.within import types
from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import Frame, called, returned
from tutor.doctor.source.walking import own_nodes, walk

RANK = 58
DEEP = 5
SLUG = "consumer-model-read-like-dict"
_CHECKS = ("validate_json", "validate_python", "model_validate", "model_validate_json")


def rules(seen: Evidence) -> Iterator[Found]:
    events = {kind.replace(".", "_") for kind in types(seen)} | {*HANDLERS}
    for owner in seen.source.consumers():
        for method in owner.methods.values():
            if method.name in events and not method.node.decorator_list:
                yield from _of_an_event(method)
            for node in own_nodes(method.node):
                if isinstance(node, ast.Match):
                    yield from _matched(seen, method, node)


def _of_an_event(method: Function) -> Iterator[Found]:
    """``event.text``: an event is a dict."""
    taken = [one.arg for one in method.node.args.args[1:2]]
    stored = {
        node.id
        for node in walk(method.node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    for node in own_nodes(method.node):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in taken
            and node.value.id not in stored
            and not hasattr(dict, node.attr)
        ):
            yield Found(
                SLUG,
                f"AttributeError: 'dict' object has no attribute {node.attr!r}",
                at(method, node),
                RANK,
                TRIED,
                f"{ast.unparse(node.value)}[{node.attr!r}]",
            )
            return


def _matched(seen: Evidence, method: Function, node: ast.Match) -> Iterator[Found]:
    """``case {"type": "hello"}`` for what is a model: no case fits."""
    wrong = [one for one in node.cases if isinstance(one.pattern, ast.MatchMapping)]
    frames = seen.sites.frames(method)
    if wrong and all(_is_model(frame, node.subject, 0) for frame in frames):
        yield Found(
            SLUG,
            "nothing: a model is no mapping, so no case fits it",
            at(method, wrong[0].pattern),
            RANK,
            TRIED,
            "case Hello(after=number):",
        )


def _is_model(frame: Frame, node: ast.expr, depth: int) -> bool:
    """Whether an expression is certainly what a model has been made of."""
    if depth > DEEP:
        return False
    if isinstance(node, ast.Await | ast.NamedExpr):
        return _is_model(frame, node.value, depth + 1)
    if isinstance(node, ast.Name):
        if node.id in frame.given:
            return _is_model(*frame.given[node.id], depth + 1)
        made = frame.function.values.get(node.id, [])
        return bool(made) and all(_is_model(frame, one, depth + 1) for one in made)
    if not isinstance(node, ast.Call):
        return False
    base, _, name = calls.name_of(node, frame.function).rpartition(".")
    known = frame.module.source.classes.get(base)
    if name in _CHECKS and (
        base.endswith("TypeAdapter()") or (known is not None and is_message(known))
    ):
        return True
    target = called(frame, node)
    results = returned(target.function) if target is not None else []
    return bool(results) and all(
        _is_model(target, one, depth + 1) for one in results if target is not None
    )

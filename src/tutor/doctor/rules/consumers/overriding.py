"""Methods of the project's own in the place of a library's, which then does nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 56
OF_TESTS = 80
_HANDED = ("receive", "receive_json")
# What is called by Django or by unittest, and never awaited: by the base it stands in.
_CALLED = (
    ("django.core.management.base.", ("handle", "add_arguments", "execute")),
    ("django.core.management.", ("handle", "add_arguments", "execute")),
    ("django.apps.", ("ready",)),
    ("django.db.models.Model", ("save", "delete", "clean", "full_clean", "__str__")),
    ("django.db.models.base.Model", ("save", "delete", "clean", "__str__")),
    ("django.forms.", ("clean", "save", "is_valid", "__init__")),
    (
        "django.views.generic.",
        ("get_context_data", "get_queryset", "get_object", "form_valid"),
    ),
)
_OF_CASES = ("setUp", "tearDown", "setUpClass", "tearDownClass", "setUpTestData")


def rules(seen: Evidence) -> Iterator[Found]:
    for owner in seen.source.classes.values():
        if owner.kind.endswith(("generic", "json")):
            yield from _not_handed_on(owner)
        yield from _never_awaited(owner)


def _not_handed_on(owner: Class) -> Iterator[Found]:
    """``websocket_receive`` without ``super()``: nobody calls ``receive`` any more."""
    method = owner.methods.get("websocket_receive")
    idle = [one for name in _HANDED if (one := owner.method(name)) is not None]
    if method is None or not idle:
        return
    names = {
        getattr(node, "attr", "") or getattr(node, "value", "")
        for one in owner.line_of_ancestors
        for inner in one.methods.values()
        for node in walk(inner.node)
        if isinstance(node, ast.Attribute)
        or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    }
    # Whoever else says its name may call it.
    if names & {"websocket_receive", idle[0].name}:
        return
    yield Found(
        "consumer-generic-websocket-receive-overridden",
        f"nobody calls {idle[0].name}()",
        at(method, method.node),
        RANK,
        TRIED,
        "super().websocket_receive(message) in it",
    )


def _never_awaited(owner: Class) -> Iterator[Found]:
    """``async def handle``: who calls it awaits nothing, so it never runs."""
    bases = owner.library_bases()
    for method in owner.methods.values():
        if not method.is_async or not _is_called(method, bases):
            continue
        if not any(
            getattr(node, "attr", "") == method.name
            for one in owner.line_of_ancestors
            for other in one.methods.values()
            if other.name != method.name
            for node in walk(other.node)
        ):  # else a base of the project's own may await it
            yield Found(
                "python-async-method-not-awaited",
                f"coroutine '{owner.name}.{method.name}' was never awaited",
                at(method, method.node),
                OF_TESTS if is_aside(method.module.file) else RANK,
                TRIED,
                f"def {method.name}, with async_to_sync for what it awaits",
            )


def _is_called(method: Function, bases: set[str]) -> bool:
    """Whether a library calls a method and awaits nothing."""
    if method.node.decorator_list and not set(method.decorators()) <= {
        "builtins.classmethod"
    }:
        return False
    if method.name in _OF_CASES:
        return any(base.endswith("TestCase") for base in bases)
    return any(
        method.name in names and base.startswith(prefix)
        for prefix, names in _CALLED
        for base in bases
    )

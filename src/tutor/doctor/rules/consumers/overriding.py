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
NEVER = 40  # nothing of such a method runs, whatever is wrong in it
OF_TESTS = 80
_HANDED = {
    "websocket_receive": ("receive", "receive_json"),
    "websocket_connect": ("connect",),
}
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
    """A handler without ``super()``: nobody calls what it would call any more."""
    family = {
        one.dotted: one
        for heir in (owner, *owner.heirs)
        for one in heir.line_of_ancestors
    }
    names = {
        getattr(node, "attr", "") or getattr(node, "value", "")
        for one in family.values()
        for inner in one.methods.values()
        for node in walk(inner.node)
        if isinstance(node, ast.Attribute)
        or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    }
    for handler, handed in _HANDED.items():
        method = owner.methods.get(handler)
        idle = [f for n in handed for o in family.values() if (f := o.method(n))]
        # Whoever else says its name may call it.
        if method is None or not idle or names & {handler, idle[0].name}:
            continue
        yield Found(
            f"consumer-generic-{handler.replace('_', '-')}-overridden",
            f"nobody calls {idle[0].name}()",
            at(method, method.node),
            RANK,
            TRIED,
            f"super().{handler}(message) in it",
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
                OF_TESTS if is_aside(method.module.file) else NEVER,
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

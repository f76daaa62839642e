"""``kwargs.get("slug")`` where the route captures something of another name.

With square brackets that is a crash, which is seen.  ``get`` gives its default, for
every client the same.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function
from tutor.doctor.source.walking import walk

RANK = 45  # before the crash of what cannot do without it
_WAY = ("kwargs", "url_route")


def rules(seen: Evidence) -> Iterator[Found]:
    helpers = [f for f in seen.source.all_functions() if f.owner is None]
    by_helpers = {key for one in helpers for _, key in _asked(one)}
    for owner in seen.source.classes.values():
        leaves = [one for one in seen.leaves if _runs(seen, one.get("consumer"), owner)]
        captured = {
            name
            for leaf in leaves
            for step in leaf.get("steps") or ()
            for name in step["names"]
        }
        if not captured:
            continue
        family = {
            one.dotted: one
            for heir in (owner, *owner.heirs)
            for one in heir.line_of_ancestors
        }
        mine = [method for one in family.values() for method in one.methods.values()]
        read = by_helpers | {key for one in mine for _, key in _asked(one)}
        if any(map(_takes_all, mine)):
            continue
        # A route's own kwargs, or a middleware, may give more than it captures.
        unread = captured - read - _said(family.values())
        for method in owner.methods.values() if unread else ():
            for node, key in _asked(method):
                if isinstance(node, ast.Call) and key not in captured:
                    yield Found(
                        "routing-kwarg-name-differs",
                        f"no {key!r}: the route captures {', '.join(sorted(captured))}",
                        at(method, node),
                        RANK,
                        TRIED,
                        "the name that the route has",
                        f"The route captures {', '.join(sorted(captured))}.",
                    )
                    return


def _runs(seen: Evidence, consumer: str | None, owner: Class) -> bool:
    """Whether a route's consumer is of a class, or of one that inherits from it."""
    found = seen.consumer_class(consumer)
    return found is not None and owner in found.line_of_ancestors


def _said(family: Iterable[Class]) -> set[str]:
    """Every text in the methods of some classes: a key may be looked up by any way."""
    return {
        node.value
        for one in family
        for method in one.methods.values()
        for node in walk(method.node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _asked(method: Function) -> Iterator[tuple[ast.expr, str]]:
    """Where a method looks a name of the route up, and which."""
    for node in walk(method.node):
        held, key = _looked_up(node)
        if held is not None and isinstance(node, ast.expr) and _is_kwargs(held, method):
            yield node, key


def _takes_all(method: Function) -> bool:
    """Whether a method hands on all that the route captures, as ``**kwargs``."""
    nodes = list(walk(method.node))
    alone = {id(_looked_up(node)[0]) for node in nodes}
    alone |= {id(node.value) for node in nodes if isinstance(node, ast.Assign)}
    return any(
        isinstance(node, ast.Name | ast.Subscript | ast.Call)
        and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        and id(node) not in alone
        and _is_kwargs(node, method)
        for node in nodes
    )


def _looked_up(node: ast.AST) -> tuple[ast.expr | None, str]:
    """``held["key"]`` or ``held.get("key")``."""
    given: ast.expr | None = None
    held: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        held, given = node.value, node.slice
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get":
        held = getattr(node.func, "value", None)
        given = node.args[0] if node.args else None
    key = given.value if isinstance(given, ast.Constant) else None
    return (held, key) if isinstance(key, str) else (None, "")


def _is_kwargs(node: ast.expr, method: Function, depth: int = 0) -> bool:
    """Whether an expression is ``scope["url_route"]["kwargs"]``, by any name."""
    for wanted in _WAY:
        while isinstance(node, ast.Name) and depth < 5:
            made = method.values.get(node.id, [])
            if len(made) != 1:
                return False
            node, depth = made[0], depth + 1
        held, key = _looked_up(node)
        if held is None or key != wanted:
            return False
        node = held
    return True

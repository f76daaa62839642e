"""The keys without which a consumer can do nothing with a message."""

from __future__ import annotations

import ast
import re
from collections.abc import Generator, Iterator

from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.walking import child_nodes, walk

BEGIN = ("websocket_receive", "receive", "receive_json")
READS = re.compile(r"(^|\.)(loads|decode_json)$")
# What runs only sometimes, or later, or where a key may be missing.
_ASIDE = (
    *(ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.Match, ast.BoolOp),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda),
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
)


def parsed(method: Function) -> Iterator[tuple[ast.expr, set[str]]]:
    """What a method makes of a client's text, and what it calls that."""
    for node in walk(method.node):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            parts = [one for one in walk(node.value) if isinstance(one, ast.Call)]
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(READS.search(calls.name_of(one, method)) for one in parts):
                yield node.value, {t.id for t in targets if isinstance(t, ast.Name)}


def bare(node: ast.expr) -> ast.expr:
    """What is awaited, if anything is."""
    return node.value if isinstance(node, ast.Await) else node


def begins(owner: Class) -> Function | None:
    """The method that looks at a message first: not one that only hands it on."""
    for name in BEGIN:
        method = owner.method(name)
        if method is None:
            continue
        on = f"builtins.super().{name}"
        hands = any(
            calls.name_of(one, method) == on for one in calls.calls(method.node)
        )
        if not hands or any(parsed(method)) or owner.method("receive_json") is None:
            return method
    return None


def musts(owner: Class) -> frozenset[str]:
    """The keys without which the consumer's own handler of messages gives up."""
    method = begins(owner)
    if method is None:
        return frozenset()
    taken = {one.arg for one in method.node.args.args[1:2]}
    names = taken if method.name == "receive_json" else set()
    for value, called in parsed(method):
        names |= called if isinstance(bare(value), ast.Call) else set()
    return needed(method, names)


def needed(method: Function, names: set[str]) -> frozenset[str]:
    """The keys that a method takes out of a message whatever else the message holds.

    Args:
        method: who takes them.
        names: what it calls the message.
    """
    return needed_in(method.node, names)


def needed_in(part: ast.AST, names: set[str]) -> frozenset[str]:
    """The same for a part of a method."""
    found = {
        node.slice.value
        for node in _always(part, names)
        if isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and isinstance(node.value, ast.Name)
        and node.value.id in names
        and isinstance(node.slice, ast.Constant)
    }
    return frozenset(one for one in found if isinstance(one, str))


def _always(node: ast.AST, names: set[str]) -> Generator[ast.AST, None, bool]:
    """What runs below a node for every message: up to where some are done.

    Returns whether that was reached.
    """
    for child in child_nodes(node):
        if isinstance(child, ast.Try) and not _gives_up(child):
            return True
        if isinstance(child, _ASIDE):
            ends = any(isinstance(one, ast.Return | ast.Raise) for one in walk(child))
            if ends and not _is_guard(child, names):
                return True
        elif not isinstance(child, ast.ExceptHandler):
            yield child
            if (yield from _always(child, names)):
                return True
    return False


def _is_guard(node: ast.AST, names: set[str]) -> bool:
    """Whether an ``if`` turns away what is no message at all: ``if not data``."""
    if not isinstance(node, ast.If):
        return False
    test = node.test.operand if isinstance(node.test, ast.UnaryOp) else node.test
    asked = test.func if isinstance(test, ast.Call) else test
    return getattr(asked, "id", "") in {*names, "isinstance"}


def _gives_up(node: ast.Try) -> bool:
    """Whether all that a ``try`` catches ends the function."""
    ends = (ast.Return, ast.Raise)
    return all(
        any(isinstance(one, ends) for one in walk(handler)) for handler in node.handlers
    )

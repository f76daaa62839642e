"""What lies below a node of a syntax tree: found once, then kept with the node.

The rules look at the same few trees some hundred times, and never change them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
Kept = TypeVar("Kept")


def kept(
    node: Node, name: str, find: Callable[[Node], Iterable[Kept]]
) -> Sequence[Kept]:
    """What ``find`` yields for a node, kept under a name."""
    own = vars(node)
    if name not in own:
        own[name] = [*find(node)]
    found: list[Kept] = own[name]
    return found


def child_nodes(node: ast.AST) -> Sequence[ast.AST]:
    """As ``ast.iter_child_nodes``, without ``Load`` and ``Store``: a third of all."""
    return kept(node, "_child_nodes", _children)


def _children(node: ast.AST) -> list[ast.AST]:
    own, found = vars(node), []
    for name in node._fields:
        value = own.get(name)
        if isinstance(value, list):
            found += [one for one in value if isinstance(one, ast.AST)]
        elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
            found.append(value)
    return found


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """As ``ast.walk``, in its order."""
    # Not kept is the node itself: the two would hold each other.
    return chain((node,), kept(node, "_below", _below))


def _below(node: ast.AST) -> Iterator[ast.AST]:
    found = [*child_nodes(node)]
    for one in found:  # it grows
        yield one
        found.extend(child_nodes(one))


def own_nodes(node: ast.AST) -> Sequence[ast.AST]:
    """What runs when a body runs: nothing of inner functions and lambdas."""
    return kept(node, "_own_nodes", _own)


def _own(node: ast.AST) -> Iterator[ast.AST]:
    for child in child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield child
            yield from _own(child)


def paired(
    target: ast.expr, value: ast.expr | None
) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each target of an assignment with its value, also in ``one, two = 1, 2``."""
    names, given = getattr(target, "elts", None), getattr(value, "elts", None)
    if names is None and value is not None:
        yield target, value
        return
    names, given = names or [], given or []
    starred = any(isinstance(one, ast.Starred) for one in (*names, *given))
    if len(names) == len(given) and not starred:
        yield from zip(names, given, strict=True)

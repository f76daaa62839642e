"""What a test does again, and what it does with one client after the other."""

from __future__ import annotations

import ast

from tutor.doctor.source import Function
from tutor.doctor.source.walking import walk

LOOPS = (ast.For, ast.AsyncFor, ast.While)


def repeats(function: Function, client: str = "") -> bool:
    """Whether a function does something again.

    Args:
        function: a test.
        client: one of its clients: a loop over several, it too, repeats nothing.
    """
    return any(
        isinstance(node, LOOPS) and not (client and client in _clients(node))
        for node in walk(function.node)
    )


def in_turn(function: Function, known: set[str]) -> dict[str, list[str]]:
    """``for guest in (ada, bob)``: the clients that a name stands for in turn."""
    return {
        node.target.id: _clients(node)
        for node in walk(function.node)
        if isinstance(node, ast.For)
        and isinstance(node.target, ast.Name)
        and {*_clients(node)} & known
    }


def _clients(loop: ast.AST) -> list[str]:
    """The names in a list that a loop goes through, where it is written out there."""
    listed = getattr(getattr(loop, "iter", None), "elts", ())
    return [getattr(one, "id", "") for one in listed]

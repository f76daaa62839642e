"""A login that is asked for the wrong way round: who has none comes in."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, Place
from tutor.doctor.source import Class
from tutor.doctor.source.walking import own_nodes, walk

RANK = 40  # what comes after it has nobody to do it for
_DOORS = ("connect", "websocket_connect")
_ASKS = {"is_authenticated": True, "is_anonymous": False}


def rules(seen: Evidence) -> Iterator[Found]:
    """``if user.is_authenticated: await self.close()``, without a ``not``."""
    for owner in seen.source.consumers():
        spot = place(owner)
        if spot is not None:
            yield Found(
                "auth-anonymous-users-accepted",
                "who has logged in is refused, and nobody else",
                spot,
                RANK,
                TRIED,
                "if not user.is_authenticated: close, and return",
            )
            return


def place(owner: Class) -> Place | None:
    """Where a consumer refuses whoever has logged in."""
    for name in _DOORS:
        method = owner.methods.get(name)
        for node in own_nodes(method.node) if method is not None else ():
            if isinstance(node, ast.If) and _refuses(node) and _is_known(node.test):
                return owner.module.file, node.lineno
    return None


def _refuses(node: ast.If) -> bool:
    """Whether a branch closes the socket, and does nothing else for the client."""
    called = {
        getattr(inner.func, "attr", "")
        for one in node.body
        for inner in walk(one)
        if isinstance(inner, ast.Call)
    }
    return "close" in called and not called & {"accept", "send", "send_json"}


def _is_known(test: ast.expr) -> bool:
    """Whether a test is true for who has logged in."""
    turned = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    asked = test.operand if isinstance(test, ast.UnaryOp) else test
    name = getattr(asked, "attr", "")
    return isinstance(asked, ast.Attribute) and _ASKS.get(name) is (not turned)

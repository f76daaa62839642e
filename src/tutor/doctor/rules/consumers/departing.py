"""A raw consumer that ends for some of the clients that leave, and not for others."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source.walking import walk

RANK = 56
_NAME = "channels.exceptions.StopConsumer"


def rules(seen: Evidence) -> Iterator[Found]:
    """``raise StopConsumer`` below an ``if``: who leaves otherwise never ends."""
    for owner in seen.source.classes.values():
        method = owner.methods.get("websocket_disconnect")
        if method is None or owner.kind not in ("async", "sync"):
            continue
        raised = [
            node
            for node in walk(method.node)
            if isinstance(node, ast.Raise)
            and node.exc is not None
            and _NAME in (method.module.resolve(_bare(node.exc), method) or "")
        ]
        calls_super = any(getattr(n, "id", "") == "super" for n in walk(method.node))
        if raised and not calls_super and not _ends(method.node.body):
            yield Found(
                "consumer-no-stopconsumer",
                "Application instance took too long to shut down and was killed.",
                at(method, raised[0]),
                RANK,
                TRIED,
                "raise StopConsumer(), whoever leaves and however",
            )
            return


def _bare(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def _ends(body: Sequence[ast.stmt]) -> bool:
    """Whether statements raise something, whichever way they are gone through."""
    for node in body:
        if isinstance(node, ast.Return):
            return False
        if isinstance(node, ast.Raise | ast.Match | ast.While):
            return True  # of the last two we do not know
        if isinstance(node, ast.If) and _ends(node.body) and _ends(node.orelse):
            return True
        if isinstance(node, ast.With | ast.AsyncWith) and _ends(node.body):
            return True
        if isinstance(node, ast.Try) and (
            _ends(node.finalbody)
            or (
                _ends([*node.body, *node.orelse])
                and all(_ends(h.body) for h in node.handlers)
            )
        ):
            return True
    return False

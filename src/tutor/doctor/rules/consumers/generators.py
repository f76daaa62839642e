"""Handlers with ``yield`` in them: their call makes a generator, and runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import GENERIC, HANDLERS, TRIED, Found, at
from tutor.doctor.source.walking import own_nodes

RANK = 20  # that the handler crashes or says nothing is a consequence


def rules(seen: Evidence) -> Iterator[Found]:
    for owner in seen.source.consumers():
        for name, method in owner.methods.items():
            if name not in (*HANDLERS, *GENERIC) or method.decorators():
                continue
            for node in own_nodes(method.node):
                if isinstance(node, ast.Yield | ast.YieldFrom):
                    yield Found(
                        "consumer-handler-yields",
                        f"{name}() makes a generator, and nobody goes through it",
                        at(method, node),
                        RANK,
                        TRIED,
                        "a handler that sends what it has to say",
                    )
                    return

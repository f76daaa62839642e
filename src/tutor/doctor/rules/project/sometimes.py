"""A setting that a server needs, and that only development has."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Module
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 64
NEEDED = {
    "ASGI_APPLICATION": (
        "settings-asgi-application-missing",
        "Cannot find ASGI_APPLICATION setting.",
    ),
    "CHANNEL_LAYERS": (
        "settings-channel-layers-missing",
        "get_channel_layer() returns None",
    ),
}


def rules(seen: Evidence) -> Iterator[Found]:
    for name, (slug, got) in NEEDED.items():
        holders = [
            one
            for one in seen.source.modules.values()
            if name in {*one.lines, *one.changed} and not is_aside(one.file)
        ]
        # Production may have settings of its own.
        line = _only_in_development(holders[0], name) if len(holders) == 1 else None
        if line is not None:
            yield Found(
                slug,
                f"{got} (without DEBUG)",
                (holders[0].file, line),
                RANK,
                "reading the settings",
                f"{name}, whatever DEBUG is",
                f"{name} is set below if DEBUG: alone.",
            )


def _only_in_development(module: Module, name: str) -> int | None:
    """The line of a setting that has no value unless DEBUG is on."""
    if module.stars:
        return None  # another module may have it, and be no part of the project
    inside: list[ast.stmt] = []
    for statement in module.tree.body:
        if not isinstance(statement, ast.If):
            if _binds(statement, name):
                return None
            continue
        if any(_binds(one, name) for one in statement.orelse):
            return None
        bound = [one for one in statement.body if _binds(one, name)]
        if bound and not _is_debug(statement.test):
            return None
        inside += bound
    return inside[0].lineno if inside else None


def _binds(statement: ast.stmt, name: str) -> bool:
    return any(
        isinstance(node, ast.Name)
        and node.id == name
        and isinstance(node.ctx, ast.Store)
        for node in walk(statement)
    )


def _is_debug(test: ast.expr) -> bool:
    """Whether a condition holds in development only: ``DEBUG``, ``DEBUG is True``."""
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is | ast.Eq):
        right = test.comparators[0]
        return _is_debug(test.left) and getattr(right, "value", None) is True
    return isinstance(test, ast.Name) and test.id == "DEBUG"

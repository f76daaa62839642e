"""A check of the origin that stands only where the project is developed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.source import Module
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 70
_DEBUG = ("django.conf.settings.DEBUG", "settings.DEBUG")


def rules(seen: Evidence) -> Iterator[Found]:
    """``if settings.DEBUG: sockets = AllowedHostsOriginValidator(sockets)``."""
    for module in seen.source.modules.values():
        if "OriginValidator" not in module.text or is_aside(module.file):
            continue
        checks = {
            id(node): node.lineno
            for node in walk(module.tree)
            if isinstance(node, ast.Call) and _is(module, node)
        }
        developing = [
            part
            for node in walk(module.tree)
            if isinstance(node, ast.If | ast.IfExp)
            for part in _while_debugging(module, node)
        ]
        inside = {id(node) for part in developing for node in walk(part)}
        if checks and all(one in inside for one in checks):
            yield Found(
                "origin-validator-missing",
                "no check of the origin where DEBUG is off",
                (module.file, min(checks.values())),
                RANK,
                TRIED,
                "the same check, whatever DEBUG is",
                "It is checked in development only.",
            )
            return


def _is(module: Module, call: ast.Call) -> bool:
    return (module.resolve(call.func) or "").endswith("OriginValidator")


def _while_debugging(module: Module, node: ast.If | ast.IfExp) -> list[ast.AST]:
    """What runs where DEBUG is on."""
    test, otherwise = node.test, False
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, otherwise = test.operand, True
    if module.resolve(test) not in _DEBUG:
        return []
    part = node.orelse if otherwise else node.body
    return [*part] if isinstance(part, list) else [part]

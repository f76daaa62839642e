"""Handlers beside their class, or in another handler: by their indentation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import GENERIC, HANDLERS, TRIED, Found
from tutor.doctor.source import Class, Module
from tutor.doctor.source.definitions import statements
from tutor.doctor.source.syntax import Def
from tutor.doctor.source.walking import walk

RANK = 53  # with those of another name


def rules(seen: Evidence) -> Iterator[Found]:
    for owner in seen.source.consumers():
        generic = owner.kind.endswith(("generic", "json"))
        wanted = GENERIC[: 4 if owner.kind.endswith("json") else 3]
        lacks = {
            name
            for name in (wanted if generic else HANDLERS)
            if not any(one.method(name) for one in (owner, *owner.heirs))
        }
        for node, outer in _displaced(owner):
            if node.name not in lacks or _is_named(owner.module, node):
                continue
            kind = node.name.removeprefix("websocket_").removesuffix("_json")
            where = f"in {outer}()" if outer else "outside the class"
            yield Found(
                f"consumer-{kind}-handler-misnamed",
                f"nobody calls {node.name}",
                (owner.module.file, node.lineno),
                RANK,
                TRIED,
                f"{node.name}() in {owner.name}",
                f"It stands {where}: its indentation says so.",
            )


def _displaced(owner: Class) -> Iterator[tuple[Def, str]]:
    """Functions with a ``self`` behind a class, and those in its methods."""
    behind = False
    for node in owner.module.tree.body:
        if isinstance(node, ast.ClassDef):
            behind = node is owner.node
        elif behind and _has_self(node):
            yield node, ""
    for method in owner.methods.values():
        for inner in statements(method.node):
            if _has_self(inner):
                yield inner, method.name


def _has_self(node: ast.AST) -> TypeGuard[Def]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return [one.arg for one in node.args.args[:1]] == ["self"]


def _is_named(module: Module, node: Def) -> bool:
    """Whether anything makes use of a function: ``Room.receive = receive``."""
    return any(
        isinstance(one, ast.Name) and one.id == node.name for one in walk(module.tree)
    )

"""Names that are not what they seem: imported twice, or named and never called."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, Module, calls
from tutor.doctor.source.definitions import base_of
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import own_nodes, walk

RANK = 57
# What is done by calling it, and is of no use to look at.
_DONE = {
    *("inc", "dec", "append", "add", "discard", "remove", "clear", "save", "delete"),
    *("start", "stop", "cancel", "close", "commit", "send", "accept", "popleft"),
    *("set_result", "put_nowait", "shutdown", "flush"),
}


def rules(seen: Evidence) -> Iterator[Found]:
    for module in seen.source.modules.values():
        if not is_aside(module.file):
            yield from _imported_again(seen, module)
    for function in seen.source.all_functions():
        yield from _only_named(function)
        yield from _sender(function)


def _imported_again(seen: Evidence, module: Module) -> Iterator[Found]:
    """The same name from two modules of the project: only the last one is there."""
    first: dict[str, tuple[str, int]] = {}
    for node in module.tree.body:
        if not isinstance(node, ast.ImportFrom):
            names = {n.id for n in walk(node) if isinstance(n, ast.Name)}
            for name in names & {*first}:
                del first[name]  # it was used before it is something else
            continue
        base = base_of(node, module)
        for alias in node.names if base in seen.source.modules else ():
            name = alias.asname or alias.name
            before = first.setdefault(name, (base, node.lineno))
            if before[0] == base or alias.name == "*":
                continue
            yield Found(
                "python-import-shadowed",
                f"{name} of line {before[1]}, from {before[0]}, is not there any more",
                (module.file, node.lineno),
                RANK,
                TRIED,
                f"another name for one of them: from {base} import {name} as …",
            )
            return


def _only_named(function: Function) -> Iterator[Found]:
    """``metrics.OPEN.inc``, as a statement: nothing happens."""
    for node in own_nodes(function.node):
        named = node.value if isinstance(node, ast.Expr) else None
        if not isinstance(named, ast.Attribute | ast.Name):
            continue
        name = getattr(named, "attr", getattr(named, "id", ""))
        if ast.unparse(named) == f"{function.self_name}.{name}":
            continue  # a method of its own: of that others say more
        target = calls.target_of(ast.Call(named, [], []), function)
        is_own = target is not None and not target.node.decorator_list
        if name in _DONE or is_own:
            yield Found(
                "python-function-not-called",
                f"nothing: {ast.unparse(named)} is named, and not called",
                at(function, node),
                RANK,
                TRIED,
                f"{ast.unparse(named)}(…)",
            )
            return


def _sender(function: Function) -> Iterator[Found]:
    """``@receiver(post_save, sender=get_user_model)``: no model is that function."""
    for decorator in function.node.decorator_list:
        if not isinstance(decorator, ast.Call):
            continue
        if function.module.resolve(decorator.func) != "django.dispatch.receiver":
            continue
        for word in decorator.keywords:
            named = function.module.resolve(word.value) or ""
            if word.arg == "sender" and (
                named == "django.contrib.auth.get_user_model"
                or named in function.module.source.functions
            ):
                yield Found(
                    "python-function-not-called",
                    f"nothing: no signal is ever sent by {ast.unparse(word.value)}",
                    (function.module.file, word.value.lineno),
                    RANK,
                    TRIED,
                    f"sender={ast.unparse(word.value)}()",
                )

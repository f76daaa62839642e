"""Rows that are made in memory, and that nobody saves."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, calls, known, managers
from tutor.doctor.source.walking import walk

RANK = 49  # before what an empty table leads to
SLUG = "db-row-never-saved"
DEEP = 2


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        for node in walk(function.node):
            if isinstance(node, ast.Expr):  # nobody even keeps it
                call, name = node.value, ""
            elif isinstance(node, ast.Assign) and len(node.targets) == 1:
                call, name = node.value, getattr(node.targets[0], "id", "")
            else:
                continue
            if not isinstance(call, ast.Call) or not call.keywords:
                continue
            path = calls.name_of(call, function)
            is_made = not {*path.split(".")} & known.MANAGERS
            is_made = is_made and managers.is_model(seen.source, path)
            model = path if is_made else ""
            alone = isinstance(node, ast.Expr)
            if model and (alone or (name and _is_only_read(name, function, DEEP))):
                short = model.rpartition(".")[2]
                yield Found(
                    SLUG,
                    f"{short}(…) makes a row in memory, and nothing stores it",
                    at(function, node),
                    RANK,
                    TRIED,
                    f"{short}.objects.create(…)",
                )
                return


def _is_only_read(name: str, function: Function, depth: int) -> bool:
    """Whether all that becomes of a row is that its fields are read, or set."""
    if len(function.values.get(name, [])) > 1:
        return False
    every = [*walk(function.node)]
    called = {id(node.func) for node in every if isinstance(node, ast.Call)}
    read: set[int] = set()
    for node in every:
        if isinstance(node, ast.Attribute) and id(node) not in called:
            if node.attr in ("save", "asave"):
                return False  # not called: another mistake
            read.add(id(node.value))
        elif isinstance(node, ast.Call) and depth:
            target = calls.target_of(node, function)
            for number, given in enumerate(node.args):
                if getattr(given, "id", "") != name or target is None:
                    continue
                names = [one.arg for one in target.node.args.args]
                plain = target.owner is None and number < len(names)
                if plain and _is_only_read(names[number], target, depth - 1):
                    read.add(id(given))
    return all(
        id(node) in read
        for node in every
        if isinstance(node, ast.Name)
        and node.id == name
        and isinstance(node.ctx, ast.Load)
    )

"""Counters that are read, changed and saved: what others count meanwhile is lost."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.database import fields
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, calls, managers
from tutor.doctor.source.walking import walk

RANK = 77  # it works, until two do it at once
DEEP = 3
_SAVES = ("save", "asave")
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_LOCK = "select_for_update"


def rules(seen: Evidence) -> Iterator[Found]:
    """``room.online += 1; room.save()`` when somebody comes, and ``-= 1`` afterwards.

    One that is only ever raised may have a single consumer that does so.
    """
    found: dict[str, list[tuple[str, Function, ast.stmt]]] = {}
    for function in seen.source.all_functions():
        if _LOCK in function.module.text or not _reached(seen, function, 0):
            continue
        for node, target, sign in _steps(function):
            if _is_saved(function, target.value):
                for one in _signs(seen, function, sign):
                    found.setdefault(target.attr, []).append((one, function, node))
        yield from _compared(function)
    for name, steps in found.items():
        if len({sign for sign, _, _ in steps}) == 2:
            _, function, node = steps[0]
            yield Found(
                "db-counter-read-then-saved",
                f"{name} is counted in Python, and saved as a whole",
                at(function, node),
                RANK,
                TRIED,
                f'update({name}=F("{name}") + 1)',
            )
            return


def _compared(function: Function) -> Iterator[Found]:
    """``if bid <= lot.price: raise …; lot.price = bid; lot.save()`` without a lock."""
    for node in walk(function.node):
        if not isinstance(node, ast.If):
            continue
        refuses = isinstance(node.body[-1], ast.Return | ast.Raise)
        for name, field in _ordered(node.test):
            if name not in function.values or not _is_row(name, function):
                continue
            for target in _stored(function.node if refuses else node):
                row, mine = target.value, ast.unparse(target) == f"{name}.{field}"
                later = target.lineno > node.lineno
                if mine and later and _is_saved(function, row):
                    yield Found(
                        "db-counter-read-then-saved",
                        f"{field} is compared, and may be another when it is saved",
                        at(function, target),
                        RANK,
                        TRIED,
                        f"select_for_update() in transaction.atomic() for {name}",
                        "Two at once both find it as it was: lock the row first.",
                    )
                    return


def _ordered(test: ast.expr) -> Iterator[tuple[str, str]]:
    """The attributes whose size is asked for: ``bid <= lot.price``."""
    for node in walk(test):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], _ORDERS):
            for side in (node.left, *node.comparators):
                if isinstance(side, ast.Attribute) and isinstance(side.value, ast.Name):
                    yield side.value.id, side.attr


def _stored(node: ast.AST) -> Iterator[ast.Attribute]:
    """What is given a value, or another one by what it had."""
    for one in walk(node):
        targets: list[ast.expr] = []
        if isinstance(one, ast.Assign):
            targets = one.targets
        elif isinstance(one, ast.AugAssign):
            targets = [one.target]
        yield from (each for each in targets if isinstance(each, ast.Attribute))


def _reached(seen: Evidence, function: Function, depth: int) -> bool:
    """Whether a consumer's method is a function, or calls it."""
    if function.owner is not None and function.owner.kind:
        return True
    callers = seen.sites.callers(function) if depth < DEEP else []
    return any(_reached(seen, one, depth + 1) for one in callers)


def _steps(function: Function) -> Iterator[tuple[ast.stmt, ast.Attribute, ast.expr]]:
    """What is added to attributes, or taken from them: the latter below a minus."""
    for node in walk(function.node):
        target: ast.expr
        if isinstance(node, ast.AugAssign):
            target, op, value = node.target, node.op, node.value
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            target, op, value = node.targets[0], node.value.op, node.value.right
            if ast.unparse(target) != ast.unparse(node.value.left):
                continue
        else:
            continue
        if isinstance(target, ast.Attribute) and isinstance(op, ast.Add | ast.Sub):
            is_less = isinstance(op, ast.Sub)
            yield node, target, ast.UnaryOp(ast.USub(), value) if is_less else value


def _signs(seen: Evidence, function: Function, step: ast.expr) -> set[str]:
    """Whether it goes up or down, or what whoever calls says of it."""
    told: list[ast.expr] = [step]
    if isinstance(step, ast.Name):
        frames = seen.sites.frames(function)
        told = [one.given[step.id][1] for one in frames if step.id in one.given]
    return {"-" if isinstance(one, ast.UnaryOp) else "+" for one in told}


def _is_row(name: str, function: Function) -> bool:
    """Whether a name is a row: ``room, _ = Room.objects.get_or_create(...)``, too."""
    for node in walk(function.node):
        if not isinstance(node, ast.Assign) or not isinstance(
            node.targets[0], ast.Tuple
        ):
            continue
        first, call = node.targets[0].elts[0], node.value
        call = call.value if isinstance(call, ast.Await) else call
        if getattr(first, "id", "") == name and isinstance(call, ast.Call):
            return calls.name_of(call, function).endswith("get_or_create")
    return fields.row_of(name, function) is not None


def _is_saved(function: Function, row: ast.expr) -> bool:
    """Whether a row of a model is saved in the same function."""
    if isinstance(row, ast.Name) and row.id == function.self_name:
        owner = function.owner
        if owner is None or not managers.is_model(owner.module.source, owner.dotted):
            return False
    elif isinstance(row, ast.Name) and not _is_row(row.id, function):
        return False
    text = ast.unparse(row)
    return any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr in _SAVES
        and ast.unparse(call.func.value) == text
        for call in calls.calls(function.node)
    )

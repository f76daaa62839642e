"""What an event holds that Redis does not take, or gives back as something else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import hears_models, holds_models, written
from tutor.doctor.rules.database import fields
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.rules.groups.groupnames import given
from tutor.doctor.rules.groups.groups import called_by
from tutor.doctor.source import Function, calls, known, typed
from tutor.doctor.source.flow import called_function
from tutor.doctor.source.walking import walk

RANK = 66
DEEP = 8
# What msgpack does not pack.
UNPACKED = (
    *("datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta"),
    *("decimal.Decimal", "uuid.UUID", "uuid.uuid1", "uuid.uuid4", "uuid.uuid5"),
    *("django.utils.timezone.now", "django.utils.timezone.localtime"),
    *("django.utils.timezone.localdate", "builtins.set", "builtins.frozenset"),
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
    *("datetime.datetime.fromtimestamp", "datetime.date.today"),
    "django.db.models.Model",
)
KEEPING = ("builtins.round", "builtins.abs")  # give what is like they are given
NUMBERS = ("pk", "id")  # of a model: what a dictionary is keyed by, often


def rules(seen: Evidence) -> Iterator[Found]:
    for function, node in events(seen):
        found = [*_packed(function, node)]
        yield from found or _handed_in(seen, function, node)


def _handed_in(seen: Evidence, function: Function, node: ast.expr) -> Iterator[Found]:
    """What callers give to a function that puts it into a message as it is."""
    used = {one.id: one for one in _parts(node)}
    rest = str(getattr(function.node.args.kwarg, "arg", ""))
    own = {one.arg for one in walk(function.node.args) if isinstance(one, ast.arg)}
    for frame in seen.sites.frames(function) if used else ():
        for name, (where, value) in frame.given.items():
            part = used.get(name) or (used.get(rest) if name not in own else None)
            while isinstance(value, ast.Name) and value.id in where.given:
                where, value = where.given[value.id]
            found = [*_packed(where.function, value)] if part is not None else []
            if (
                found
                and isinstance(value, ast.Name)
                and found[0].place == at(where.function, value)
            ):  # a row: what is put into the message is to be another thing
                found = [replace(found[0], place=at(function, part or value))]
            if found:
                yield found[0]
                return


def _parts(node: ast.expr | None) -> Iterator[ast.Name]:
    """The names that stand for parts of a message, or for all of it."""
    if isinstance(node, ast.Name):
        yield node
    elif isinstance(node, ast.Dict):
        yield from (name for one in node.values for name in _parts(one))
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        yield from (name for one in node.elts for name in _parts(one))


def events(seen: Evidence) -> Iterator[tuple[Function, ast.expr]]:
    """The messages that are given to a layer."""
    for function, call in sending_events(seen):
        message = given(call, 1, "message")
        if message is not None:
            yield function, message


def sending_events(seen: Evidence) -> Iterator[tuple[Function, ast.Call]]:
    """The calls that give a layer a message."""
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            name = calls.name_of(call, function)
            func = called_by(call, function)
            if (
                name == f"{known.TO_SYNC}()"
                and isinstance(func, ast.Call)
                and func.args
            ):
                name = function.module.resolve(func.args[0], function) or ""
            sends = name.rpartition(".")[2] in ("group_send", "send")
            if calls.is_layer(name) and sends:
                yield function, call


def _packed(function: Function, node: ast.expr) -> Iterator[Found]:
    for slug, place, got, expected in _strange(function, node, 0):
        # Before the crash of whoever hands on what came: the event is the cause.
        odd = any(f" {name.removeprefix('builtins.')}()" in got for name in UNPACKED)
        yield Found(slug, got, place, RANK - 17 if odd else RANK, TRIED, expected)
        return


def _strange(
    function: Function, node: ast.expr | None, depth: int
) -> Iterator[tuple[str, Place, str, str]]:
    """What a message holds that Redis does not give back as it was."""
    if node is None or depth > DEEP:
        return
    place = at(function, node)
    if isinstance(node, ast.Dict | ast.DictComp):
        keys = node.keys if isinstance(node, ast.Dict) else [node.key]
        values = node.values if isinstance(node, ast.Dict) else [node.value]
        if any(_is_number(key, function) for key in keys):
            yield _keyed(place)
        for value in values:
            yield from _strange(function, value, depth + 1)
    elif isinstance(node, ast.List | ast.Tuple):
        for value in node.elts:
            yield from _strange(function, value, depth + 1)
    elif isinstance(node, ast.Set | ast.SetComp):
        yield _unpacked("set", place)
    elif isinstance(node, ast.Name) and (
        (node.id == "instance" and hears_models(function))
        or fields.is_given_row(node.id, function)
    ):
        yield _unpacked("Model", place)
    elif isinstance(node, ast.Name):
        yield from _named(function, node.id, depth)
    elif isinstance(node, ast.Await):
        yield from _strange(function, node.value, depth)
    elif isinstance(node, ast.Attribute) and fields.held(node, function):
        yield _unpacked(fields.held(node, function), place)
    elif isinstance(node, ast.Call):
        name = calls.name_of(node, function)
        if name in KEEPING and node.args:
            yield from _strange(function, node.args[0], depth + 1)
        if name == "builtins.dict.fromkeys" and _counts(node.args[:1], function):
            yield _keyed(place)
        if name in UNPACKED or holds_models(function.module.source, node, function):
            yield _unpacked(name, place)
            return
        for held in (written(node, function) or {}).values():
            yield from _strange(function, held, depth + 1)
        target = function.module.source.functions.get(name)
        if target is None and name.startswith("self.") and function.owner:
            target = function.owner.method(name[5:])
        target = target or called_function(node, function)[0]
        for inner in walk(target.node) if target else ():
            if isinstance(inner, ast.Return) and target:
                yield from _strange(target, inner.value, depth + 1)


def _counts(given: list[ast.expr], function: Function) -> bool:
    """Whether what is gone through is numbers."""
    return any(
        isinstance(one, ast.Call) and calls.name_of(one, function) == "builtins.range"
        for one in given
    )


def _named(
    function: Function, name: str, depth: int
) -> Iterator[tuple[str, Place, str, str]]:
    """What a name stands for, and what is put into it later."""
    values = function.values.get(name) or function.module.values.get(name, [])
    if len(values) == 1:
        yield from _strange(function, values[0], depth + 1)
    for where in _sharing(function, name):
        for node in walk(where.node):
            for target in node.targets if isinstance(node, ast.Assign) else ():
                if (
                    isinstance(node, ast.Assign)
                    and isinstance(target, ast.Subscript)
                    and ast.unparse(target.value) == name
                ):
                    if _is_number(target.slice, where) and not _is_list(values):
                        yield _keyed(at(where, target))
                    yield from _strange(where, node.value, depth + 1)


def _sharing(function: Function, name: str) -> list[Function]:
    """Who puts something into what a name stands for: all, if it is a module's."""
    module = function.module
    if name in function.values or name not in module.values:
        return [function]
    return [
        one
        for one in module.source.functions.values()
        if one.module is module and name not in one.values
    ]


def _is_list(values: list[ast.expr]) -> bool:
    """Whether what a number finds is a place, and no key."""
    return any(isinstance(one, ast.List | ast.ListComp) for one in values)


def _keyed(place: Place) -> tuple[str, Place, str, str]:
    got = "int is not allowed for map key when strict_map_key=True"
    return "redis-non-string-dict-keys", place, got, "keys that are text"


def _is_number(key: ast.expr | None, function: Function) -> bool:
    if isinstance(key, ast.Attribute):
        return key.attr in NUMBERS
    return key is not None and typed.type_of(key, function) in ("int", "float", "bool")


def _unpacked(name: str, place: Place) -> tuple[str, Place, str, str]:
    got = f"can not serialize what {name.removeprefix('builtins.')}() gives"
    return "redis-message-not-serialisable", place, got, "text, numbers, lists, dicts"

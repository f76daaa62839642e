"""What has no form in JSON, on its way through functions and models' methods."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import written
from tutor.doctor.rules.database import lazy
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.rules.groups.packed import UNPACKED, events
from tutor.doctor.source import Class, Function, calls, managers
from tutor.doctor.source.flow import returned
from tutor.doctor.source.walking import walk

DEEP = 7
FIELDS = {
    *("DateTimeField", "DateField", "TimeField", "DurationField"),
    *("UUIDField", "DecimalField"),
}
_WRAPPERS = ("builtins.list", "builtins.dict", "builtins.tuple", "builtins.sorted")
Known = Mapping[str, Class]  # what the names of a comprehension stand for
Leaf = tuple[Function, ast.expr, str]


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            name = calls.name_of(call, function)
            owner = function.owner
            if name == "self.send_json":
                own = owner is not None and owner.method("encode_json") is not None
            elif name == "json.dumps":
                own = any(word.arg != "indent" for word in call.keywords)
            else:
                continue
            for one in call.args[:1] if not own else ():
                yield from _unread(seen, function, one)
                for where, node, kind in (
                    *_strange(function, one, {}, 0),
                    *_of_an_event(seen, function, one),
                    *_handed_in(seen, function, one),
                ):
                    yield Found(
                        "db-model-instance-in-event",
                        f"Object of type {kind} is not JSON serializable",
                        at(where, node),
                        64,
                        TRIED,
                        "text or numbers, such as isoformat() of a time",
                        "Braces without a colon make a set." if kind == "set" else "",
                    )
                    return
    for function, node in events(seen):
        yield from _unread(seen, function, node)


def _handed_in(seen: Evidence, function: Function, node: ast.expr) -> Iterator[Leaf]:
    """What callers give a function that puts it into a message as it is."""
    values = node.values if isinstance(node, ast.Dict) else []
    used = {one.id: one for one in values if isinstance(one, ast.Name)}
    for frame in seen.sites.frames(function) if used else ():
        for name, (where, value) in frame.given.items():
            for _, _, kind in _strange(where.function, value, {}, 0):
                if name in used and name not in function.values:
                    yield function, used[name], kind


def _of_an_event(seen: Evidence, function: Function, node: ast.expr) -> Iterator[Leaf]:
    """What a handler hands on as it is: ``{"names": event["names"]}``."""
    names = [one.arg for one in function.node.args.args][1:2]
    asked = {
        str(getattr(value.slice, "value", ""))
        for value in (node.values if isinstance(node, ast.Dict) else [node])
        if isinstance(value, ast.Subscript)
        and getattr(value.value, "id", None) in names
    }
    for where, message in events(seen) if asked else ():
        told = written(message, where) or {}
        kind = str(getattr(told.get("type"), "value", ""))
        if kind.replace(".", "_") == function.name:
            for key in asked & {*told}:
                yield from _strange(where, told[key], {}, 0)


def _unread(seen: Evidence, function: Function, node: ast.expr) -> Iterator[Found]:
    """A query that stands in a message as it is: nobody has read its rows."""
    values = [one for one in walk(node) if isinstance(one, ast.Dict)]
    for value in (v for held in values for v in held.values):
        plain = not isinstance(value, ast.GeneratorExp | ast.Await)
        if plain and lazy.is_lazy(seen, function, value):
            yield Found(
                "db-model-instance-in-event",
                "Object of type QuerySet is not JSON serializable",
                at(function, value),
                49,
                TRIED,
                "a list of its rows' plain values",
            )


def place_of(seen: Evidence, kind: str) -> Place | None:
    """Where a message is given a field of this type, if that is one place only.

    Args:
        seen: the evidence.
        kind: the type that JSON does not know: datetime, Decimal, UUID.
    """
    fields = {
        name
        for one in seen.source.classes.values()
        if managers.is_model(seen.source, one.dotted)
        for name, field in one.attributes.items()
        if isinstance(field, ast.Call)
        and _kind(one, field) == kind.rpartition(".")[2].lower()
    }
    found = [
        at(function, value)
        for function in seen.source.all_functions()
        for node in walk(function.node)
        for value in (node.values if isinstance(node, ast.Dict) else ())
        if isinstance(value, ast.Attribute) and value.attr in fields
    ]
    return found[0] if len(found) == 1 else None


def _kind(model: Class, field: ast.Call) -> str:
    """The type of a field's values; empty where JSON knows it."""
    name = (model.module.resolve(field.func) or "").rpartition(".")[2]
    return name.removesuffix("Field").lower() if name in FIELDS else ""


def _strange(
    function: Function, node: ast.expr | None, known: Known, depth: int
) -> Iterator[Leaf]:
    """The parts of a message of which JSON knows nothing."""
    if node is None or depth > DEEP:
        return
    parts: list[ast.expr] = []
    if isinstance(node, ast.Dict):
        parts = node.values
    elif isinstance(node, ast.Set | ast.SetComp):
        yield function, node, "set"
    elif isinstance(node, ast.List | ast.Tuple):
        parts = node.elts
    elif isinstance(node, ast.ListComp):
        known = {**known, **_named(function, node.generators)}
        parts = [node.elt]
    elif isinstance(node, ast.Await):
        parts = [node.value]
    elif isinstance(node, ast.Name):
        given = function.values.get(node.id, [])
        parts = given if len(given) == 1 else []
    elif isinstance(node, ast.Attribute):
        yield from _field(function, node, known)
    elif isinstance(node, ast.Call):
        name = calls.name_of(node, function)
        if name in UNPACKED:
            yield function, node, name.rpartition(".")[2]
        elif name in _WRAPPERS:
            parts = [*node.args, *(word.value for word in node.keywords)]
            parts = [one for one in parts if not _is_set(function, one)]
        elif target := _called(function, node, known):
            for value in returned(target):
                yield from _strange(target, value, {}, depth + 1)
    for part in parts:
        yield from _strange(function, part, known, depth + 1)


def _is_set(function: Function, node: ast.expr) -> bool:
    """Whether an expression is a set, of which a list or the like is made."""
    made = calls.name_of(node, function) if isinstance(node, ast.Call) else ""
    plain = isinstance(node, ast.Set | ast.SetComp)
    return plain or made in ("builtins.set", "builtins.frozenset")


def _named(function: Function, generators: list[ast.comprehension]) -> Known:
    """The names of a comprehension that goes through instances of a model."""
    found = {}
    for one in generators:
        base, sign, rest = (
            function.module.resolve(one.iter, function) or ""
        ).partition(".objects")
        model = function.module.source.classes.get(base)
        if isinstance(one.target, ast.Name) and sign and model and "values" not in rest:
            found[one.target.id] = model
    return found


def _in_a_loop(function: Function, name: str) -> Class | None:
    """The model whose instances a loop gives this name."""
    for node in walk(function.node) if name not in function.values else ():
        if isinstance(node, ast.For | ast.AsyncFor) and (
            getattr(node.target, "id", "") == name
        ):
            path = function.module.resolve(node.iter, function) or ""
            base, sign, rest = path.partition(".objects.")
            plain = sign and "values" not in rest and "dates" not in rest
            return function.module.source.classes.get(base) if plain else None
    return None


def _model(function: Function, node: ast.expr, known: Known) -> Class | None:
    """The model of which an expression is an instance."""
    if isinstance(node, ast.Name) and (row := _in_a_loop(function, node.id)):
        return row
    if isinstance(node, ast.Name) and node.id in known:
        return known[node.id]
    if isinstance(node, ast.Name) and node.id == function.self_name:
        owner = function.owner
        is_model = owner and managers.is_model(function.module.source, owner.dotted)
        return owner if is_model else None
    base, sign, rest = (function.module.resolve(node, function) or "").partition(
        ".objects."
    )
    instance = sign and "values" not in rest and rest.endswith("()")
    return function.module.source.classes.get(base) if instance else None


def _called(function: Function, node: ast.Call, known: Known) -> Function | None:
    """The function that a call runs: also a method of a model's instance."""
    if isinstance(node.func, ast.Attribute):
        model = _model(function, node.func.value, known)
        if model is not None:
            return model.method(node.func.attr)
    return calls.target_of(node, function)


def _field(function: Function, node: ast.Attribute, known: Known) -> Iterator[Leaf]:
    model = _model(function, node.value, known)
    field = model.attributes.get(node.attr) if model else None
    if model is None or not isinstance(field, ast.Call):
        return
    kind = _kind(model, field)
    if kind:
        yield function, node, kind

"""What a message holds, as the source writes it out."""

from __future__ import annotations

import ast

from tutor.doctor.evidence import Evidence
from tutor.doctor.source import Class, Function, Source, calls, known, managers
from tutor.doctor.source.flow import is_changed, returned
from tutor.doctor.source.walking import walk

REST = "**"


def holds_models(
    source: Source, node: ast.expr | None, method: Function, depth: int = 0
) -> bool:
    """Whether a message holds an instance of a model, or a list of them."""
    if node is None or depth > 4:
        return False
    parts: list[ast.expr] = []
    if isinstance(node, ast.Dict):
        parts = node.values
    elif isinstance(node, (ast.List, ast.Tuple)):
        parts = node.elts
    elif isinstance(node, (ast.Await, ast.Subscript)):
        parts = [node.value]
    elif isinstance(node, ast.Name):
        given = method.values.get(node.id, [])
        parts = given if len(given) == 1 else []
        if not given and node.id == "instance" and hears_models(method):
            return True
    elif isinstance(node, ast.Call):
        name = calls.name_of(node, method)
        if name == "builtins.list":
            parts = node.args[:1]
        elif managers.is_model(source, name):
            return True
        elif (target := calls.target_of(node, method)) is not None:
            return any(
                holds_models(source, one, target, depth + 1) for one in returned(target)
            )
        else:
            base, found, rest = name.partition(".objects.")
            last = rest.rpartition(".")[2]
            return bool(
                found
                and managers.is_model(source, base)
                and "values" not in rest
                and last in known.INSTANCES
            )
    return any(holds_models(source, part, method, depth + 1) for part in parts)


_SIGNALS = ("django.db.models.signals.post_", "django.db.models.signals.pre_")


def hears_models(function: Function) -> bool:
    """Whether a function is a receiver of what Django says of models."""
    return "instance" in [one.arg for one in function.node.args.args] and any(
        isinstance(one, ast.Call)
        and function.module.resolve(one.func) == "django.dispatch.receiver"
        and any(
            (function.module.resolve(part) or "").startswith(_SIGNALS)
            for given in one.args
            for part in getattr(given, "elts", [given])
        )
        for one in function.node.decorator_list
    )


def is_pydantic(seen: Evidence, node: ast.expr, method: Function) -> bool:
    """Whether an expression makes a pydantic model of the project."""
    made = method.module.resolve(node, method) or ""
    model = seen.source.classes.get(made.removesuffix("()"))
    return (
        made.endswith("()")
        and model is not None
        and any(base.startswith("pydantic.") for base in model.library_bases())
    )


def written(node: ast.expr | None, method: Function) -> dict[str, ast.expr] | None:
    """A message that is written out, by its keys; under REST what is unpacked."""
    if isinstance(node, ast.Name):
        values = method.values.get(node.id) or method.module.values.get(node.id) or []
        once = len(values) == 1
        if once and is_changed(node.id, method):
            more = _put_in(node.id, method)
            first = written(values[0], method) if more is not None else None
            return None if first is None or more is None else {**first, **more}
        node = values[0] if once else None
    if isinstance(node, ast.Dict) and all(
        k is None or isinstance(k, ast.Constant) for k in node.keys
    ):
        return {
            str(getattr(k, "value", REST)): v
            for k, v in zip(node.keys, node.values, strict=True)
        }
    if isinstance(node, ast.Call):
        name = calls.name_of(node, method)
        if name == "builtins.dict" and not node.args:
            return {k.arg or REST: k.value for k in node.keywords}
        return of_class(node, method) or of_helper(node, method)
    return None


def of_helper(call: ast.Call, method: Function) -> dict[str, ast.expr] | None:
    """The dict that a function makes of its keywords: ``{"kind": kind, **facts}``."""
    target = calls.target_of(call, method)
    made = returned(target) if target is not None else []
    if target is None or target is method or len(made) != 1:
        return None
    rest = target.node.args.kwarg
    table = made[0]
    if rest is None or not isinstance(table, ast.Dict):
        return None
    taken = {one.arg for one in target.node.args.args + target.node.args.kwonlyargs}
    found: dict[str, ast.expr] = {}
    for key, value in zip(table.keys, table.values, strict=True):
        if isinstance(key, ast.Constant):
            found[str(key.value)] = value
        elif key is not None or getattr(value, "id", "") != rest.arg:
            return None
        else:
            for word in call.keywords:
                if word.arg is None:
                    found[REST] = word.value
                elif word.arg not in taken:
                    found[word.arg] = word.value
    return found


def _put_in(name: str, method: Function) -> dict[str, ast.expr] | None:
    """What a function puts into a dict, key by key; None where more is done with it."""
    found: dict[str, ast.expr] = {}
    keys = 0
    for node in walk(method.node):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == name:
            return None
        if isinstance(node, ast.Call) and not _only_reads(node):
            given = [*node.args, *(word.value for word in node.keywords)]
            if any(getattr(one, "id", "") == name for one in given):
                return None  # who is given it may put in more
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == name:
            keys += not isinstance(node.ctx, ast.Load)
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if (
            isinstance(node, ast.Assign)
            and isinstance(target, ast.Subscript)
            and getattr(target.value, "id", "") == name
            and isinstance(target.slice, ast.Constant)
        ):
            found[str(target.slice.value)] = node.value
            keys -= 1
    return found if keys == 0 else None


_READS = ("group_send", "send", "send_json", "dumps", "print", "base_send")


def _only_reads(call: ast.Call) -> bool:
    """Whether a call sends or shows what it is given, and changes nothing in it."""
    func: ast.expr = call.func
    if isinstance(func, ast.Call) and func.args:
        func = func.args[0]  # async_to_sync(send)(…)
    return getattr(func, "attr", getattr(func, "id", "")) in _READS


def of_class(node: ast.Call, method: Function) -> dict[str, ast.expr] | None:
    """The dict that a class makes: a typed one, or ``asdict()`` of a dataclass."""
    name = calls.name_of(node, method)
    made: ast.expr = node
    if name in _AS_DICT and node.args:
        made = node.args[0]
    elif isinstance(node.func, ast.Attribute) and node.func.attr in _DUMPS:
        made = node.func.value
    if isinstance(made, ast.Name):
        values = method.values.get(made.id, [])
        made = values[0] if len(values) == 1 else made
    if not isinstance(made, ast.Call) or any(
        isinstance(one, ast.Starred) for one in made.args
    ):
        return None
    one = method.module.source.classes.get(calls.name_of(made, method))
    if one is None or (made is node and not _is_typed_dict(one)):
        return None
    fields: dict[str, ast.expr | None] = {
        part.target.id: part.value
        for owner in reversed(one.line_of_ancestors)
        for part in owner.node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    }
    found = {key: value for key, value in fields.items() if value is not None}
    found |= dict(zip(fields, made.args, strict=False))
    return found | {word.arg or REST: word.value for word in made.keywords}


_DUMPS = ("model_dump", "_asdict", "asdict", "to_dict")
_AS_DICT = ("dataclasses.asdict", "builtins.vars", "attr.asdict", "attrs.asdict")


def _is_typed_dict(one: Class) -> bool:
    return any(base.endswith("TypedDict") for base in one.library_bases())

"""What the project's models say of their rows: whose fields hold what."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.rules.groups.receivers import hears
from tutor.doctor.source import Class, Function, Source, calls, managers
from tutor.doctor.source.walking import walk

# What a row gives for a field, where that is no text, number or truth value.
KINDS = {
    "DecimalField": "decimal.Decimal",
    "UUIDField": "uuid.UUID",
    "DateTimeField": "datetime.datetime",
    "DateField": "datetime.date",
    "TimeField": "datetime.time",
    "DurationField": "datetime.timedelta",
    "ForeignKey": "django.db.models.Model",
    "OneToOneField": "django.db.models.Model",
}
_FETCHES = re.compile(
    r"(.+?)\.objects(?:\.(?:all|filter|exclude|order_by|using|only|defer|"
    r"select_related|prefetch_related|select_for_update)\(\))*"
    r"\.(?:a?get|a?create|a?first|a?last|a?latest|a?earliest)$"
)
_SHORTCUTS = {
    "django.shortcuts.get_object_or_404",
    "django.shortcuts.aget_object_or_404",
}
_QUERIES = ("all", "filter", "exclude", "order_by", "annotate", "values_list",
            "select_related", "prefetch_related")  # fmt: skip
_PREFETCH = "prefetch_related"


def held(node: ast.expr, function: Function) -> str:
    """The class of what an expression takes out of a row; empty if that is unknown."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return ""
    one = row_of(node.value.id, function)
    for name, kind, given in fields(one) if one is not None else ():
        is_key = node.attr == "pk" and any(
            word.arg == "primary_key" for word in given.keywords
        )
        if name == node.attr or is_key:
            return KINDS.get(kind, "")
    return ""


def row_of(name: str, function: Function) -> Class | None:
    """The model of which a name in a function is a row.

    It is said so, it was fetched there, or a parameter is called like the model.
    """
    source = function.module.source
    args = function.node.args
    given = {one.arg: one for one in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
    if name in function.values:
        values = function.values[name]
        value = values[0] if len(values) == 1 and name not in given else None
        value = value.value if isinstance(value, ast.Await) else value
        path = calls.name_of(value, function) if isinstance(value, ast.Call) else ""
        match = _FETCHES.match(path)
        if path in _SHORTCUTS and isinstance(value, ast.Call) and value.args:
            kind_of = function.module.resolve(value.args[0], function) or ""
            return _model(source, kind_of.partition(".objects")[0])
        return _model(source, match[1]) if match else None
    if name not in given:
        return row_of(name, function.outer) if function.outer is not None else None
    heard = hears(function) if name == "instance" else set[str]()
    if len(heard) == 1:
        return _model(source, heard.pop())
    kind = given[name].annotation
    if kind is not None:
        return _model(source, function.module.resolve(kind, function) or "")
    plain = name.replace("_", "").lower()
    like = [
        one
        for one in source.classes.values()
        if one.name.lower() == plain and managers.is_model(source, one.dotted)
    ]
    return like[0] if len(like) == 1 else None


def is_given_row(name: str, function: Function) -> bool:
    """Whether a parameter is a row: it is called so, and is asked for its fields."""
    one = row_of(name, function) if name not in function.values else None
    named = {field for field, _, _ in fields(one)} if one is not None else set()
    return any(
        isinstance(node, ast.Attribute)
        and getattr(node.value, "id", "") == name
        and node.attr.removesuffix("_id") in named
        for node in walk(function.node)
    )


def is_query(path: str, source: Source) -> bool:
    """Whether a path asks for rows through another row: ``user.orders.exclude()``."""
    *_, owner, last = ("", *path.removesuffix("()").split("."))
    if not (path.endswith("()") and last in _QUERIES and owner in _lists(source)):
        return False
    return last != "all" or owner not in _fetched_before(source)


def _fetched_before(source: Source) -> set[str]:
    """The lists that a query anywhere fetches with its rows: they are there then."""
    return {
        part
        for module in source.modules.values()
        if _PREFETCH in module.text
        for node in walk(module.tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == _PREFETCH
        for given in node.args
        for one in (given, *walk(given))
        if isinstance(one, ast.Constant)
        for part in str(one.value).split("__")
    }


def _lists(source: Source) -> set[str]:
    """The names by which rows lead to many others."""
    found: set[str] = set()
    for one in source.classes.values():
        if not managers.is_model(source, one.dotted):
            continue
        for name, kind, given in fields(one):
            if kind == "ManyToManyField":
                found.add(name)
            if kind in ("ForeignKey", "ManyToManyField"):
                back = [w.value for w in given.keywords if w.arg == "related_name"]
                found |= {str(getattr(v, "value", "")) for v in back}
                found.add(f"{one.name.lower()}_set")
    return found - {""}


def _model(source: Source, dotted: str) -> Class | None:
    return source.classes.get(dotted) if managers.is_model(source, dotted) else None


def fields(one: Class) -> Iterator[tuple[str, str, ast.Call]]:
    """The fields of a model: name, class, and the call that makes it."""
    for owner in one.line_of_ancestors:
        for name, given in owner.attributes.items():
            if isinstance(given, ast.Call):
                kind = (owner.module.resolve(given.func) or "").rpartition(".")[2]
                yield name, kind, given

"""Fields and methods that a model is given or asked for, and does not have."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import contexts, scripts
from tutor.doctor.rules.database.fields import fields
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.source import Class, Function, Source, calls, managers
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.walking import walk

RANK = 46  # before what the library says at that line
SLUG = "db-field-unknown"
WITHOUT = "db-query-without-manager"
_BOTH = {"get_or_create", "aget_or_create", "update_or_create", "aupdate_or_create"}
_GIVEN = {"create", "acreate", "update", "aupdate", *_BOTH}
_ASKED = {"filter", "exclude", "get", "aget", *_BOTH}
_KEPT = {"all", "filter", "exclude", "order_by", "using", "select_related", "distinct"}
_KEPT |= {"prefetch_related", "select_for_update", "only", "defer", "reverse"}
_QUERIES = {*_GIVEN, *_ASKED, *_KEPT, "count", "acount", "exists", "aexists", "values"}
_QUERIES |= {"first", "afirst", "last", "alast", "latest", "alatest", "values_list"}
_QUERIES |= {"aggregate", "annotate", "in_bulk", "bulk_create", "abulk_create"}
_QUERIES |= {"aaggregate"}
_LOOP = re.compile(r"\{%\s*for\s+(\w+)\s+in\s+(\w+)\s*(?:reversed\s*)?%\}")
_OWN = ("django.db.models.Model", "django.db.models.base.Model", "builtins.object")
_NAMES = ("related_name", "related_query_name")
_LINKS = ("ForeignKey", "OneToOneField", "ManyToManyField")


def rules(seen: Evidence) -> Iterator[Found]:
    yield from [*_printed(seen)][:1]
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            yield from _without_manager(seen.source, function, call)
            named = [word.arg for word in call.keywords if word.arg]
            path = calls.name_of(call, function) if named else ""
            one, last = _asked(seen.source, path)
            if one is None:
                continue
            known = _names(one) | (_back(seen.source) if last in _ASKED else set())
            known |= {"defaults", "create_defaults"} if last in _BOTH else set()
            parts = [
                word.partition("__")[0] if last in _ASKED else word for word in named
            ]
            wrong = next((name for name in parts if name not in known), None)
            if wrong is not None and not any("%(" in name for name in known):
                yield _unknown(one, wrong, last, at(function, call))


def _without_manager(
    source: Source, function: Function, call: ast.Call
) -> Iterator[Found]:
    """``Reading.filter()``: a model has no queries, its manager has."""
    model, _, last = calls.name_of(call, function).rpartition(".")
    one = source.classes.get(model)
    if one is None or last not in _QUERIES or not _is_plain(one):
        return
    if not any(
        last in {*own.methods, *own.attributes} for own in one.line_of_ancestors
    ):
        got = f"type object '{one.name}' has no attribute '{last}'"
        expected = f"{one.name}.objects.{last}()"
        yield Found(WITHOUT, got, at(function, call), RANK, TRIED, expected)


def _printed(seen: Evidence) -> Iterator[Found]:
    """``{% for m in history %}{{ m.text }}``, where no row has such a field."""
    for page in scripts.texts(seen):
        for loop in () if page.is_static else _LOOP.finditer(page.text):
            rows = [*contexts.given(seen, page.file, loop[2])]
            models = [_rows(seen.source, *one) for one in rows]
            end = page.text.find("{% endfor", loop.end())
            read = re.compile(rf"\{{\{{\s*{loop[1]}\.(\w+)")
            known = models and None not in models
            for match in read.finditer(page.text, loop.end(), end) if known else ():
                lost = [m for m in models if m and match[1] not in _shown(seen, m)]
                if len(lost) == len(models) and lost[0] is not None:
                    place = page.spot(match.start())
                    yield _unknown(lost[0], match[1], "", place, f"nothing: {match[0]}")


def _rows(source: Source, function: Function, value: ast.expr) -> Class | None:
    """The model of which an expression gives rows, and nothing but its fields."""
    where, node = unfold(Frame(function, function.owner), value)
    node = node.value if isinstance(node, ast.Subscript) else node
    if not isinstance(node, ast.Call):
        return None
    path = where.function.module.resolve(node.func, where.function) or ""
    model, _, rest = path.partition(".objects.")
    one = source.classes.get(model)
    kept = all(part.removesuffix("()") in _KEPT for part in rest.split("."))
    own = managers.manager_of(source, model, "objects")
    return one if one and rest and kept and _is_plain(one) and own is None else None


def _shown(seen: Evidence, one: Class) -> set[str]:
    """What a template may print of a row, whoever has put it there."""
    put = {
        node.attr
        for module in seen.source.modules.values()
        for node in walk(module.tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    names = {f"get_{name}_display" for name, _, _ in fields(one)}
    back = {f"{other.name.lower()}_set" for other in seen.source.classes.values()}
    return _names(one) | _back(seen.source) | put | names | back | {"delete", "save"}


def _asked(source: Source, path: str) -> tuple[Class | None, str]:
    """The model of which a call makes a row, or asks for some; and by which method."""
    model, manager, rest = path.partition(".objects.")
    *chain, last = rest.split(".")
    one = source.classes.get(model)
    if one is None or not _is_plain(one):
        return None, ""
    kept = all(part.removesuffix("()") in _KEPT for part in chain)
    if manager and (last not in _GIVEN | _ASKED or not kept):
        return None, ""
    own = managers.manager_of(source, model, "objects")
    return (None, "") if manager and own is not None else (one, last)


def _unknown(one: Class, name: str, last: str, place: Place, got: str = "") -> Found:
    has = [field for field, _, _ in fields(one)]
    near = difflib.get_close_matches(name, has, 1, 0.5)
    got = got or f"{one.name}() got unexpected keyword arguments: {name!r}"
    got = f"Cannot resolve keyword {name!r} into field" if last in _ASKED else got
    right = near[0] if near else "a field of the model"
    hint = f"{one.name} has: {', '.join(has)}."
    return Found(SLUG, got, place, RANK, TRIED, right, hint)


def _is_plain(one: Class) -> bool:
    """Whether all that makes a model stands in the project."""
    made = any("__init__" in own.methods for own in one.line_of_ancestors)
    bases = one.library_bases()
    return not made and any(base in _OWN[:2] for base in bases) and bases <= {*_OWN}


def _names(one: Class) -> set[str]:
    """What a row may be given: its fields, and whatever else it has."""
    found = {"pk", "id"}
    for own in one.line_of_ancestors:
        found |= {*own.attributes, *own.methods}
    return found | {f"{name}_id" for name, kind, _ in fields(one) if kind in _LINKS}


def _back(source: Source) -> set[str]:
    """The names by which models are found from those that they lead to."""
    found = {one.name.lower() for one in source.classes.values()}
    for other in source.classes.values():
        for _, kind, given in fields(other):
            if kind in _LINKS:
                named = [w.value for w in given.keywords if str(w.arg) in _NAMES]
                found |= {str(getattr(value, "value", "")) for value in named}
    return found

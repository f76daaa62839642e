"""Queries that nobody sees: related objects in async code."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.database import handed, kept, lazy
from tutor.doctor.rules.database.lazy import CALLED, LOOPS, RANK
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import returned
from tutor.doctor.source.known import SYNC_ORM, TO_THREAD
from tutor.doctor.source.walking import own_nodes, walk

MANY = ("groups", "user_permissions")
ASKS = ("has_perm", "has_perms", "has_module_perms", "get_all_permissions",
        "get_group_permissions", "get_user_permissions")  # fmt: skip
FETCHED = {"aget", "afirst", "alast", "alatest", "aearliest"}
FETCHED_THERE = {"get", "first", "last", "latest", "earliest", "create"}
LINKS = {
    f"django.db.models.{module}{name}"
    for module in ("", "fields.related.")
    for name in ("ForeignKey", "OneToOneField")
}


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        yield from _said(function)
        if function.is_async:
            yield from _of_the_user(function)
            yield from _of_a_row(seen, function)
            yield from lazy.looped(seen, function)


def _said(function: Function) -> Iterator[Found]:
    """The user in the scope, as a value of what is written as JSON."""
    for call in calls.calls(function.node):
        name = calls.name_of(call, function).rpartition(".")[2]
        other = any(word.arg in ("default", "cls") for word in call.keywords)
        if name not in ("send_json", "dumps") or other:
            continue
        for held in (one for given in call.args for one in walk(given)):
            for value in held.values if isinstance(held, ast.Dict) else ():
                if _is_any_user(value, function):
                    yield Found(
                        "auth-user-in-message",
                        "Object of type UserLazyObject is not JSON serializable",
                        at(function, value),
                        RANK,
                        TRIED,
                        "the user's name, or another text",
                    )
                    return


def _is_any_user(node: ast.expr, function: Function) -> bool:
    """The user in the scope, or where a consumer keeps it: ``self.user``."""
    return _is_user(node, function) or _keeps_user(node, function)


def _keeps_user(node: ast.expr, function: Function) -> bool:
    """Whether an expression is an attribute that a consumer keeps its user in."""
    if not isinstance(node, ast.Attribute) or function.owner is None:
        return False
    if getattr(node.value, "id", "") != function.self_name:
        return False
    given = function.owner.assigned(node.attr)
    return bool(given) and all(_is_user(value, where) for where, value in given)


def asked_later(function: Function, node: ast.AST, what: str) -> Found:
    return Found(
        "db-related-object-touched-later",
        CALLED,
        at(function, node),
        RANK,
        TRIED,
        f"{what} fetched with the rest, or asked for in a thread",
    )


def _of_the_user(function: Function) -> Iterator[Found]:
    """What belongs to the user in the scope, and is asked for when it is touched."""
    for node in own_nodes(function.node):
        if isinstance(node, ast.Call):
            method = node.func
            if isinstance(method, ast.Attribute) and method.attr in ASKS:
                if _is_any_user(method.value, function):
                    yield asked_later(function, node, "permissions")
            elif isinstance(method, ast.Attribute) and method.attr in SYNC_ORM:
                yield from _many(function, node, method.value)
            elif calls.name_of(node, function) in LOOPS and node.args:
                yield from _many(function, node, node.args[0])
        elif isinstance(node, ast.For):
            yield from _many(function, node, node.iter)
        elif isinstance(node, ast.comprehension) and not node.is_async:
            yield from _many(function, node.iter, node.iter)


def _many(function: Function, node: ast.AST, query: ast.expr) -> Iterator[Found]:
    """A query that begins at one of the user's lists."""
    while isinstance(query, (ast.Call, ast.Attribute)):
        if isinstance(query, ast.Attribute):
            if query.attr in MANY and _is_any_user(query.value, function):
                yield asked_later(function, node, query.attr)
                return
            query = query.value
        else:
            query = query.func


def _is_user(node: ast.expr, function: Function) -> bool:
    """Whether an expression is the user in the scope."""
    if isinstance(node, ast.Name):
        values = function.values.get(node.id, [])
        return len(values) == 1 and _is_user(values[0], function)
    if isinstance(node, ast.Await):
        return (
            function.module.resolve(node.value, function) == "channels.auth.get_user()"
        )
    key: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        owner, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        owner = node.func.value
        key = node.args[0] if node.func.attr == "get" and node.args else None
    is_scope = key is not None and ast.unparse(owner).rpartition(".")[2] == "scope"
    return is_scope and isinstance(key, ast.Constant) and key.value == "user"


def _of_a_row(seen: Evidence, function: Function) -> Iterator[Found]:
    """What a row of the database leads to, and was not fetched with it."""
    rows: dict[str, set[str]] = {}
    for name, values in function.values.items():
        if len(values) == 1:
            rows[name] = _links(seen, function, values[0])
            rows[name] |= _asking(_model(seen, function, values[0]))
    for node in own_nodes(function.node):
        if isinstance(node, ast.Call):
            for attribute in handed.touched(node, function, rows):
                yield asked_later(function, node, attribute)
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        if isinstance(node.value, ast.Name):
            touched = node.attr in rows.get(node.value.id, ())
        else:
            touched = node.attr in kept.links(seen, function, node.value, _links)
        if touched:
            yield asked_later(function, node, node.attr)


def _links(seen: Evidence, function: Function, value: ast.expr) -> set[str]:
    """The foreign keys of the row that an expression fetches alone."""
    call = value.value if isinstance(value, ast.Await) else None
    if not isinstance(call, ast.Call):
        return set()
    path, fetched = calls.name_of(call, function), FETCHED
    target, touched = calls.target_of(call, function), set[str]()
    if target is not None and TO_THREAD & set(target.decorators()):
        paths = [target.module.resolve(one, target) or "" for one in returned(target)]
        path = paths[0].removesuffix("()") if len(paths) == 1 else ""
        touched = {getattr(node, "attr", "") for node in walk(target.node)}
        fetched = FETCHED_THERE - {"create"}  # which is given what it leads to
    dotted, _, way = path.partition(".objects")
    model = seen.source.classes.get(dotted)
    if model is None or path.rpartition(".")[2] not in fetched or "select_rel" in way:
        return set()
    if any("objects" in one.attributes for one in model.line_of_ancestors):
        return set()  # a manager of its own may fetch more
    return {
        name
        for one in model.line_of_ancestors
        for name, given in one.attributes.items()
        if isinstance(given, ast.Call)
        and (one.module.resolve(given.func) or "") in LINKS
    } - touched


def _model(seen: Evidence, function: Function, value: ast.expr) -> Class | None:
    """The model of the row that an expression waits for, here or in a thread."""
    call = value.value if isinstance(value, ast.Await) else None
    if not isinstance(call, ast.Call):
        return None
    path = calls.name_of(call, function)
    target = calls.target_of(call, function)
    if target is not None and TO_THREAD & set(target.decorators()):
        paths = [target.module.resolve(one, target) or "" for one in returned(target)]
        path = next((one for one in paths if ".objects" in one), "").removesuffix("()")
    dotted, _, way = path.partition(".objects")
    last = way.rpartition(".")[2]
    return seen.source.classes.get(dotted) if last in FETCHED | FETCHED_THERE else None


def _asking(model: Class | None) -> set[str]:
    """The properties of a model that ask the database."""
    return {
        name
        for one in (model.line_of_ancestors if model else ())
        for name, method in one.methods.items()
        if "builtins.property" in method.decorators()
        and any(
            isinstance(call.func, ast.Attribute)
            and call.func.attr in SYNC_ORM
            and (calls.name_of(call, method)).startswith("self.")
            and calls.name_of(call, method).count(".") > 1
            for call in calls.calls(method.node)
        )
    }

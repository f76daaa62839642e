"""Queries that nobody sees: related objects in async code."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.database import fields, kept
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.source import Class, Function, calls, managers
from tutor.doctor.source.flow import returned
from tutor.doctor.source.known import SYNC_ORM, TO_THREAD
from tutor.doctor.source.walking import own_nodes, walk

RANK = 49  # before what a crash at the same line is taken for
CALLED = "You cannot call this from an async context"
MANY = ("groups", "user_permissions")
ASKS = ("has_perm", "has_perms", "has_module_perms", "get_all_permissions",
        "get_group_permissions", "get_user_permissions")  # fmt: skip
LOOPS = {
    f"builtins.{name}" for name in ("list", "set", "tuple", "sorted", "len", "bool")
}
PASSING = {f"builtins.{name}()" for name in ("map", "filter", "iter", "enumerate")}
FETCHED = {"aget", "afirst", "alast", "alatest", "aearliest"}
LAZY = {
    *("all", "filter", "exclude", "order_by", "reverse", "distinct", "annotate"),
    *("values", "values_list", "select_related", "prefetch_related", "only", "defer"),
}
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
            yield from _looped(seen, function)


def _said(function: Function) -> Iterator[Found]:
    """The user in the scope, as a value of what is written as JSON."""
    for call in calls.calls(function.node):
        name = calls.name_of(call, function).rpartition(".")[2]
        other = any(word.arg in ("default", "cls") for word in call.keywords)
        if name not in ("send_json", "dumps") or other:
            continue
        for held in (one for given in call.args for one in walk(given)):
            for value in held.values if isinstance(held, ast.Dict) else ():
                if _is_user(value, function) or _keeps_user(value, function):
                    yield Found(
                        "auth-user-in-message",
                        "Object of type UserLazyObject is not JSON serializable",
                        at(function, value),
                        RANK,
                        TRIED,
                        "the user's name, or another text",
                    )
                    return


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
            if isinstance(method, ast.Attribute) and _is_user(method.value, function):
                if method.attr in ASKS:
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
            if query.attr in MANY and _is_user(query.value, function):
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


def _looped(seen: Evidence, function: Function) -> Iterator[Found]:
    """A query that runs when it is looped over, or tested, in async code."""
    for node in own_nodes(function.node):
        held = _run(node, function)
        if isinstance(held, ast.Name):
            values = _given(function, held.id)
            held = values[0] if len(values) == 1 else None
        if held is None:
            continue
        slug = "db-orm-in-async-consumer"
        place = at(function, node if hasattr(node, "lineno") else held)
        lazy = not isinstance(held, ast.Await) and is_lazy(seen, function, held)
        if isinstance(held, ast.Await) and isinstance(held.value, ast.Call):
            slug = "db-lazy-queryset-returned"
            made = _made_in_thread(seen, held.value, function)
            lazy = made is not None
            place = made or place  # what is to be mended stands there
        if lazy:
            expected = "a list made in the thread, or async for"
            yield Found(slug, CALLED, place, RANK, TRIED, expected)


def _made_in_thread(seen: Evidence, call: ast.Call, function: Function) -> Place | None:
    """Where a function that a call runs in a thread returns a lazy query."""
    target, run = calls.target_of(call, function), call
    if calls.inner_call(call, function) in TO_THREAD and isinstance(
        call.func, ast.Call
    ):
        run, target = call.func, None
    if calls.name_of(run, function) in TO_THREAD and run.args:
        target = calls.target_of(ast.Call(run.args[0], [], []), function)
    elif target is None or not TO_THREAD & set(target.decorators()):
        return None
    given = returned(target) if target is not None else []
    if target is None or not given:
        return None
    lazy = all(is_lazy(seen, target, one) for one in given)
    return at(target, given[0]) if lazy else None


def made_lazily(seen: Evidence, function: Function, place: Place) -> Place | None:
    """Where the query comes from that something of a line runs, out of a thread."""
    for node in seen.nodes_at(place):
        values = _given(function, node.id) if isinstance(node, ast.Name) else []
        for one in (node, *values):
            if isinstance(one, ast.Await) and isinstance(one.value, ast.Call):
                made = _made_in_thread(seen, one.value, function)
                if made is not None:
                    return made
    return None


def _run(node: ast.AST, function: Function) -> ast.expr | None:
    """What has to have its rows: it is looped over, counted or tested."""
    held: ast.expr | None = None
    if isinstance(node, ast.For) or (
        isinstance(node, ast.comprehension) and not node.is_async
    ):
        held = node.iter
    elif isinstance(node, ast.Call) and node.args:
        held = node.args[0] if calls.name_of(node, function) in LOOPS else None
    elif isinstance(node, (ast.If, ast.While)):
        held = node.test
        if isinstance(held, ast.UnaryOp) and isinstance(held.op, ast.Not):
            held = held.operand
    return held.value if isinstance(held, ast.NamedExpr) else held


def _given(function: Function, name: str) -> list[ast.expr]:
    """What a name is given in a function, by a statement or on the way."""
    found = [*function.values.get(name, [])]
    for node in walk(function.node):
        if isinstance(node, ast.NamedExpr) and node.target.id == name:
            found.append(node.value)
    return found


def is_lazy(
    seen: Evidence, function: Function, node: ast.expr, names: tuple[str, ...] = ()
) -> bool:
    """Whether an expression is a query that has not run yet, or runs through one."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return node.slice.step is None and is_lazy(seen, function, node.value, names)
    if isinstance(node, ast.Name):
        values = function.values.get(node.id, []) if node.id not in names else []
        inner = (*names, node.id)
        others = [one for one in values if not _comes_from(one, node.id)]
        return bool(others) and all(
            is_lazy(seen, function, one, inner) for one in others
        )
    if isinstance(node, ast.GeneratorExp):
        return is_lazy(seen, function, node.generators[0].iter, names)
    path = function.module.resolve(node, function) or ""
    if isinstance(node, ast.Call) and path in PASSING and node.args:
        return is_lazy(seen, function, node.args[-1], names)
    if isinstance(node, ast.Call) and fields.is_query(path, seen.source):
        return True
    asked = managers.asked_of(function, path.removesuffix("()"))
    way = asked[2] if asked is not None else ""
    return path.endswith("()") and way.rpartition(".")[2] in LAZY


def _comes_from(node: ast.expr, name: str) -> bool:
    """Whether a query is what a name stood for before: ``page = page[:100]``."""
    while isinstance(node, (ast.Call, ast.Attribute, ast.Subscript)):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
            return False
        if isinstance(node, ast.Attribute) and node.attr not in LAZY:
            return False
        node = node.func if isinstance(node, ast.Call) else node.value
    return isinstance(node, ast.Name) and node.id == name


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

"""What a call does: wait, block, return text, touch the database."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from tutor.doctor.source import known, walking
from tutor.doctor.source.index import Source
from tutor.doctor.source.syntax import Class, Function
from tutor.doctor.source.walking import child_nodes, walk


def calls(node: ast.AST) -> Sequence[ast.Call]:
    """The calls that run when a body runs: none of inner functions and lambdas."""
    return walking.kept(node, "_calls", _calls)


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    for child in child_nodes(node):
        if isinstance(
            child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        ):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls(child)


def name_of(call: ast.Call, function: Function) -> str:
    """The dotted path of what is called; empty where it is not known."""
    name = function.module.resolve(call.func, function) or ""
    base, _, attribute = name.rpartition(".")
    if base != "self" or function.owner is None:
        return name
    return _kept_wrapper(function.owner, attribute) or name


def _kept_wrapper(owner: Class, attribute: str) -> str:
    """What a class attribute is, where it wraps a function: ``async_to_sync(f)``."""
    for one in owner.line_of_ancestors:
        given = one.attributes.get(attribute)
        while (
            isinstance(given, ast.Call)
            and given.args
            and (one.module.resolve(given.func) or "") == "builtins.staticmethod"
        ):
            given = given.args[0]
        if given is not None:
            made = one.module.resolve(given) or ""
            wrappers = {known.TO_SYNC, *known.TO_THREAD}
            return made if made.removesuffix("()") in wrappers else ""
    return ""


def target_of(call: ast.Call, function: Function) -> Function | None:
    """The function or method of the project that is called, where that is known."""
    name = name_of(call, function)
    source, owner = function.module.source, function.owner
    found = source.functions.get(name)
    if found is not None:
        return found
    base, _, method = name.rpartition(".")
    if base == "self" and owner is not None:
        return next(iter(owner.virtual(method)), None)
    if base == "builtins.super()" and owner is not None:
        above = [one for one in owner.line_of_ancestors if one is not owner]
        return next((o.methods[method] for o in above if method in o.methods), None)
    made = source.classes.get(base.removesuffix("()"))
    if made is not None and made.method(method) is not None:
        return made.method(method)
    asked = asked_of(function, base)
    manager = manager_of(source, *asked[:2]) if asked and not asked[2] else None
    return manager.method(method) if manager is not None else None


def is_layer(name: str) -> bool:
    """Whether a dotted path is a method of a channel layer."""
    base, _, method = name.rpartition(".")
    if method not in known.LAYER_METHODS:
        return False
    return base in known.LAYERS or base.endswith("channel_layer")


def inner_call(call: ast.Call, function: Function) -> str:
    """For ``f(g)(…)``: the dotted path of ``f``."""
    return name_of(call.func, function) if isinstance(call.func, ast.Call) else ""


def makes_coroutine(call: ast.Call, function: Function) -> str:
    """The name of the coroutine function that is called; empty for other calls."""
    name = name_of(call, function)
    if (
        inner_call(call, function) in known.TO_THREAD
        or name.removesuffix("()") in known.TO_THREAD
    ):
        return name if name.endswith("()") else ""
    if name in known.KNOWN_ASYNC or is_layer(name):
        return name
    method = name.rpartition(".")[2]
    if method in known.ASYNC_ORM:
        return name
    if name.startswith("self.") and name.count(".") == 1 and function.owner is not None:
        return name if _method_is_async(function.owner, method) else ""
    if name.startswith("builtins.super().") and function.owner is not None:
        if method not in known.CONSUMER_METHODS | known.INHERITED:
            return ""
        return name if function.owner.kind.startswith("async") else ""
    found = target_of(call, function)
    if found is not None and _is_async(found):
        return name
    return ""


def _method_is_async(owner: Class, method: str) -> bool:
    found = owner.virtual(method)
    if found:
        return _is_async(found[0])
    return owner.kind.startswith("async") and method in known.CONSUMER_METHODS


def _is_async(function: Function) -> bool:
    if any(name in known.TO_THREAD for name in function.decorators()):
        return True
    if not function.is_async:
        return False
    return not any(
        isinstance(n, (ast.Yield, ast.YieldFrom)) for n in walk(function.node)
    )


def blocks(name: str) -> str:
    """The mistake that a call of this name is in asynchronous code; empty for none."""
    if name in known.SLEEPS:
        return "consumer-time-sleep-in-async"
    for one in known.BLOCKING:
        if name == one or (one.endswith(".") and name.startswith(one)):
            return "consumer-blocking-call-in-async"
    return ""


def is_model(source: Source, dotted: str) -> bool:
    """Whether a dotted path is a model of the project, or Django's user."""
    found = source.classes.get(dotted)
    if found is not None:
        return any(
            "models.Model" in base or base.endswith("AbstractUser")
            for base in found.library_bases()
        )
    return dotted.startswith(
        (
            "django.contrib.auth.models.",
            "django.contrib.auth.get_user_model()",
            "django.contrib.sessions.models.",
            "django.contrib.contenttypes.models.",
        )
    )


def manager_of(source: Source, model: str, name: str) -> Class | None:
    """The project's own class behind a manager of a model: ``objects = Readings()``."""
    found = source.classes.get(model)
    for one in found.line_of_ancestors if found is not None else ():
        for node in walk(one.attributes.get(name, ast.Constant(None))):
            if isinstance(node, (ast.Name, ast.Attribute)):
                dotted = one.module.resolve(node) or ""
                if dotted in source.classes:
                    return source.classes[dotted]
    return None


def asked_of(function: Function, path: str) -> tuple[str, str, str] | None:
    """The model and the manager that a path begins a query at, and what follows."""
    source, owner = function.module.source, function.owner
    parts = path.split(".")
    for number, part in enumerate(parts[1:], 1):
        base = ".".join(parts[:number])
        if base == "self" and owner is not None:
            base = owner.dotted
        if base.endswith("()") and base[:-2] in source.classes:
            continue
        known_there = part in known.MANAGERS or (
            base in source.classes and manager_of(source, base, part) is not None
        )
        if known_there and is_model(source, base):
            return base, part, ".".join(parts[number + 1 :])
    return None


def is_manager(one: Class | None) -> bool:
    """Whether a class asks the database for others: a manager, or a query set."""
    return one is not None and any(
        base.startswith("django.db.models.") and base.endswith(("Manager", "QuerySet"))
        for base in one.library_bases()
    )


_OF_ROWS = ("save", "delete", "refresh_from_db")
_GIVES_A_ROW = re.compile(r"(.+)\.objects\.(?:a?get|a?create|a?first|a?last)$")


def is_row(node: ast.expr, function: Function) -> bool:
    """Whether a name is certainly one row: it is said so, or a method gives one."""
    if not isinstance(node, ast.Name):
        return False
    for one in walk(function.node):
        if isinstance(one, ast.AnnAssign) and getattr(one.target, "id", "") == node.id:
            kind = function.module.resolve(one.annotation, function) or ""
            return is_model(function.module.source, kind)
    made = function.values.get(node.id, [])
    return bool(made) and all(_gives_a_row(one, function) for one in made)


def _gives_a_row(node: ast.expr, function: Function) -> bool:
    if not (isinstance(node, ast.Await) and isinstance(node.value, ast.Call)):
        return False
    call = node.value
    if isinstance(call.func, ast.Call):  # a wrapper around what is called
        parts = call.func.args[:1]
        names = [function.module.resolve(one, function) or "" for one in parts]
        return any(_is_of_a_row(name, function) for name in names)
    target = target_of(call, function)
    if target is None:
        return False
    given = [one.value for one in walk(target.node) if isinstance(one, ast.Return)]
    return bool(given) and all(
        isinstance(one, ast.Call) and _is_of_a_row(name_of(one, target), target)
        for one in given
    )


def _is_of_a_row(name: str, function: Function) -> bool:
    match = _GIVES_A_ROW.fullmatch(name)
    return match is not None and is_model(function.module.source, match[1])


def queries(call: ast.Call, function: Function) -> bool:
    """Whether a call asks the database, at once and synchronously."""
    name = name_of(call, function)
    base, _, method = name.rpartition(".")
    if name in known.SHORTCUTS:
        return True
    if method in known.SYNC_ORM and (
        asked_of(function, base) is not None
        or (base.partition(".")[0] == "self" and _of_manager(base, function))
    ):
        return True
    held = call.func.value if isinstance(call.func, ast.Attribute) else None
    if method in _OF_ROWS and held is not None and is_row(held, function):
        return True
    if method in _OF_ROWS and base.endswith("()"):
        return is_model(function.module.source, base[:-2]) or ".objects.aget()" in base
    if (
        name in ("builtins.list", "builtins.len", "builtins.sorted", "builtins.bool")
        and call.args
    ):
        inner = function.module.resolve(call.args[0], function) or ""
        return (
            ".objects" in inner
            and is_model(function.module.source, inner.split(".objects")[0])
            and not isinstance(call.args[0], ast.Await)
        )
    return False


def _of_manager(base: str, function: Function) -> bool:
    """Whether a path in a manager is a query: ``self``, ``self.filter()``, …"""
    rest = base.split(".")[1:]
    return is_manager(function.owner) and all(
        one.removesuffix("()") in known.INSTANCES | {"get_queryset", "values"}
        for one in rest
    )


def property_of(node: ast.AST, function: Function) -> Function | None:
    """The property that is read: the consumer's own, or that of a manager."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
        return None
    source, found = function.module.source, None
    base = function.module.resolve(node.value, function) or ""
    if base == "self" and function.owner is not None:
        found = function.owner.method(node.attr)
    elif (asked := asked_of(function, base)) is not None and not asked[2]:
        manager = manager_of(source, *asked[:2])
        found = manager.method(node.attr) if manager is not None else None
    kinds = found.decorators() if found is not None else []
    return found if any("property" in one for one in kinds) else None


def type_of(node: ast.expr | None, function: Function, depth: int = 0) -> str:
    """The Python type of an expression where that is certain; else empty."""
    if node is None or depth > 6:
        return ""
    if isinstance(node, ast.Constant):
        return type(node.value).__name__
    simple: dict[type, str] = {
        ast.JoinedStr: "str",
        ast.Dict: "dict",
        ast.DictComp: "dict",
        ast.List: "list",
        ast.ListComp: "list",
        ast.Tuple: "tuple",
        ast.Set: "set",
    }
    if type(node) in simple:
        return simple[type(node)]
    if isinstance(node, ast.Await):
        return type_of(node.value, function, depth + 1)
    if isinstance(node, ast.Name):
        found = {
            type_of(v, function, depth + 1) for v in function.values.get(node.id, [])
        }
        if node.id not in function.values:
            found = {
                type_of(v, function, depth + 1)
                for v in function.module.values.get(node.id, [])
            }
        return found.pop() if len(found) == 1 else ""
    if isinstance(node, ast.BinOp):
        left = type_of(node.left, function, depth + 1)
        right = type_of(node.right, function, depth + 1)
        if isinstance(node.op, ast.Mod) and left == "str":
            return "str"
        return left if left == right else ""
    if isinstance(node, ast.IfExp):
        both = {type_of(n, function, depth + 1) for n in (node.body, node.orelse)}
        return both.pop() if len(both) == 1 else ""
    if isinstance(node, ast.Call):
        return _type_of_call(node, function, depth)
    return ""


def _type_of_call(node: ast.Call, function: Function, depth: int) -> str:
    name = name_of(node, function)
    if name == "builtins.next" and node.args:
        counted = function.module.resolve(node.args[0], function)
        return "int" if counted == "itertools.count()" else ""
    if name in known.RETURNS:
        return known.RETURNS[name]
    if ".objects" in name and name.endswith((".count", ".acount")):
        return "int"
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("encode",):
        return "bytes"
    if isinstance(node.func, ast.Attribute) and node.func.attr in (
        "format",
        "join",
        "decode",
    ):
        return "str"
    found = function.module.source.functions.get(name)
    if found is None and name.startswith("self.") and function.owner is not None:
        found = function.owner.method(name[5:])
    if found is None:
        return ""
    returned = {
        type_of(n.value, found, depth + 1)
        for n in walk(found.node)
        if isinstance(n, ast.Return)
    }
    return returned.pop() if len(returned) == 1 else ""

"""Calls of the project's own functions, with arguments that these do not take."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function, Module, calls, known
from tutor.doctor.source.flow import every_call
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import child_nodes, kept, own_nodes, walk

RANK = 49  # as sure as what was seen of a message
OF_TESTS = 80
_ON_COMMIT = "django.db.transaction.on_commit"
_RENDER = "django.shortcuts.render"
_DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_Outer = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
# What leaves the parameters of a function as they are.
_SAME = {
    *("builtins.staticmethod", "builtins.classmethod", "abc.abstractmethod"),
    *("contextlib.contextmanager", "contextlib.asynccontextmanager"),
    *("functools.cache", "functools.lru_cache", "typing.override", *known.TO_THREAD),
}


_COMMAND = "django.core.management"


def rules(seen: Evidence) -> Iterator[Found]:
    for owner in seen.source.classes.values():
        if any(base.startswith(_COMMAND) for base in owner.library_bases()):
            yield from _command(owner)
    for function in seen.source.functions.values():
        yield from _named(function)
        made = [*every_call(function.node)]
        yield from _turned(made, function)
        for call in [*made, *_later(made, function)]:
            targets = _targets(call, function)
            said = [_misfit(call, one) for one in targets]
            if said and all(said):
                yield Found(
                    "python-arguments-differ",
                    f"TypeError: {said[0]}",
                    at(function, call),
                    OF_TESTS if is_aside(function.module.file) else RANK,
                    TRIED,
                    f"the arguments of {targets[0].name}"
                    f"({ast.unparse(targets[0].node.args)})",
                )


def _command(owner: Class) -> Iterator[Found]:
    """A command of ``manage.py`` that Django does not find, or cannot call."""
    module, handle = owner.module, owner.methods.get("handle")
    *folders, file = module.file.split("/")
    alone = f"{module.name}.Command" not in module.source.classes
    named = "Command" in {*module.names, *module.values}
    place = folders[-2:] == ["management", "commands"] and not file.startswith("_")
    if place and handle and alone and not named and not owner.heirs:
        yield Found(
            "python-name-not-defined",
            f"AttributeError: module '{module.name}' has no attribute 'Command'",
            (module.file, owner.node.lineno),
            RANK,
            TRIED,
            "class Command(BaseCommand)",
            "Django asks each file in management/commands for a class of this name.",
        )
    elif place and handle and handle.node.args.kwarg is None and not handle.is_async:
        yield Found(
            "python-arguments-differ",
            f"TypeError: {owner.name}.handle() got an unexpected keyword argument "
            "'verbosity'",
            at(handle, handle.node),
            RANK,
            TRIED,
            "def handle(self, *args, **options)",
        )


def _turned(made: list[ast.Call], function: Function) -> Iterator[Found]:
    """``render("page.html", request)``: who asks comes first."""
    for call in made:
        first = getattr(call.args[0], "value", None) if call.args else None
        if isinstance(first, str) and calls.name_of(call, function) == _RENDER:
            yield Found(
                "python-arguments-differ",
                f"TypeError: render() is given {first!r} for the request",
                at(function, call),
                RANK,
                TRIED,
                f"render(request, {first!r})",
            )


def _later(made: list[ast.Call], function: Function) -> Iterator[ast.Call]:
    """``on_commit(tell)``, which calls ``tell()`` with nothing."""
    for call in made:
        given = call.args[0] if call.args else None
        later = calls.name_of(call, function) == _ON_COMMIT
        if later and isinstance(given, ast.Name | ast.Attribute):
            yield ast.copy_location(ast.Call(given, [], []), call)


def _named(function: Function) -> Iterator[Found]:
    """``presence.enter`` as a statement: a function that nobody calls."""
    for node in own_nodes(function.node):
        named = node.value if isinstance(node, ast.Expr) else None
        if not isinstance(named, ast.Name | ast.Attribute):
            continue
        found = _targets(ast.Call(named, [], []), function)
        if found and found[0].owner is None:
            yield Found(
                "python-function-not-called",
                f"nothing: {found[0].name} is named, and nobody calls it",
                at(function, node),
                OF_TESTS if is_aside(function.module.file) else RANK,
                TRIED,
                f"{ast.unparse(named)}(…)",
            )


def _targets(call: ast.Call, function: Function) -> list[Function]:
    """The functions that a call certainly runs one of; none where that is open."""
    func = call.func
    if isinstance(func, ast.Call) and func.args:
        wrapper = calls.name_of(func, function)
        if wrapper not in {known.TO_SYNC, *known.TO_THREAD}:
            return []
        func = func.args[0]
    name = function.module.resolve(func, function) or ""
    owner = function.owner
    base, _, method = name.rpartition(".")
    if base == "self" and owner is not None and isinstance(func, ast.Attribute):
        found = owner.virtual(method)
        given = [*owner.line_of_ancestors, *owner.heirs]
        if any(method in one.attributes or one.assigned(method) for one in given):
            return []
    else:
        one = function.module.source.functions.get(name)
        found = [one] if one is not None and one.owner is None else []
        root: ast.expr = func
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name) or _is_bound(function.module, root):
            return []
    return found if all(map(_is_plain, found)) else []


def _is_bound(module: Module, name: ast.Name) -> bool:
    """Whether a function around a name has a parameter or a value of that name."""
    return any(
        outer.lineno <= name.lineno <= (outer.end_lineno or outer.lineno)
        and name.id in kept(outer, "_bound", _bound)
        for outer in kept(module.tree, "_outer", _outer)
    )


def _outer(tree: ast.AST) -> Iterator[_Outer]:
    return (node for node in walk(tree) if isinstance(node, _Outer))


def _bound(outer: ast.AST) -> Iterator[str]:
    """The names that a function's parameters, values and functions have."""
    for node in walk(outer):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, _DEFINED):
            yield node.name


def _is_plain(function: Function) -> bool:
    """Whether a function takes what its definition says, and there is one only."""
    if any(one not in _SAME for one in function.decorators()):
        return False
    body = function.owner.node if function.owner else function.module.tree
    same = kept(body, "_defined", _defined).count(function.name)
    again = function.name in function.module.values and function.owner is None
    return same == 1 and not again


def _defined(body: ast.AST) -> Iterator[str]:
    """The names of a body's functions and classes, without what its classes hold."""
    others = [one for one in child_nodes(body) if isinstance(one, ast.ClassDef)]
    inner = {id(node) for one in others for node in walk(one)}
    for node in walk(body):
        if isinstance(node, _DEFINED) and id(node) not in inner:
            yield node.name


def _misfit(call: ast.Call, function: Function) -> str:
    """What Python says of a call; empty where it fits, or that is not certain."""
    words = [word.arg for word in call.keywords]
    if None in words or any(isinstance(one, ast.Starred) for one in call.args):
        return ""
    given = function.node.args
    static = "builtins.staticmethod" in function.decorators()
    own = int(function.owner is not None and not static)
    places = [*given.posonlyargs, *given.args]
    names = [one.arg for one in places]
    count = len(call.args) + own
    if count > len(names) and given.vararg is None:
        return (
            f"{function.name}() takes {len(names)} positional arguments "
            f"but {count} were given"
        )
    only = {one.arg for one in given.posonlyargs}
    takes = {*names, *(one.arg for one in given.kwonlyargs)} - only
    for word in words:
        if word in names[:count]:
            return f"{function.name}() got multiple values for argument {word!r}"
        if word not in takes and given.kwarg is None:
            return f"{function.name}() got an unexpected keyword argument {word!r}"
    needed = names[count : len(names) - len(given.defaults)]
    needed += [
        one.arg
        for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
        if default is None
    ]
    left = [one for one in needed if one not in words]
    if left:
        return f"{function.name}() missing {len(left)} required arguments: {left[0]!r}"
    return ""

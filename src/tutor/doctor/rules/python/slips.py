"""Slips of the language itself, which no exception tells of, or only a later one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from tutor.doctor.evidence import Evidence
from tutor.doctor.models import is_message
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.source import Function, Module
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import own_nodes, walk

RANK = 57
OF_TESTS = 80
_ASYNC_CONTEXT = {
    *("asyncio.timeout", "asyncio.timeout_at", "asyncio.TaskGroup"),
    *("httpx.AsyncClient", "aiohttp.ClientSession"),
    "contextlib.AsyncExitStack",
}
_ASYNC_REDIS = re.compile(
    r"redis\.asyncio\.(?:client\.)?(?:Redis|StrictRedis)?\.?(?:from_url)?(?<!\.)"
)
_ASYNC_MANAGER = "contextlib.asynccontextmanager"
_SYNC_MANAGER = "contextlib.contextmanager"


def rules(seen: Evidence) -> Iterator[Found]:
    for module in seen.source.modules.values():
        if "migrations" in module.file.split("/"):
            continue
        yield from _twice(module)
        yield from _imported_once(seen, module)
        if not is_aside(module.file):
            yield from _no_global(seen, module)
    for function in seen.source.functions.values():
        yield from _contexts(function)
        yield from _by_position(function)
    yield from _beside(seen)
    yield from _settings(seen)


def _rank(module: Module) -> int:
    return OF_TESTS if is_aside(module.file) else RANK


def _twice(module: Module) -> Iterator[Found]:
    """The same name in one body: the last one counts, and nobody calls the first."""
    bodies = [module.tree.body]
    bodies += [n.body for n in walk(module.tree) if isinstance(n, ast.ClassDef)]
    for body in bodies:
        first: dict[str, ast.stmt] = {}
        for node in body:
            if not isinstance(node, _DEFINED) or node.name == "_":
                continue
            before = first.setdefault(node.name, node)
            if before is node or _decorated(before) or _decorated(node):
                continue
            names = {n.id for n in walk(module.tree) if isinstance(n, ast.Name)}
            if body is module.tree.body and node.name in names - {node.name}:
                continue
            yield Found(
                "python-defined-twice",
                f"{node.name} of line {before.lineno} is not there any more",
                (module.file, node.lineno),
                _rank(module),
                TRIED,
                "one definition of each name",
            )


_DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _decorated(node: ast.stmt) -> bool:
    return bool(getattr(node, "decorator_list", ()))


def _globals(module: Module) -> set[str]:
    """The names of a module that some function of it gives new values."""
    return {
        name
        for function in _functions(module)
        for node in own_nodes(function.node)
        if isinstance(node, ast.Global)
        for name in node.names
    }


def _functions(module: Module) -> list[Function]:
    return [f for f in module.source.functions.values() if f.module is module]


def _imported_once(seen: Evidence, module: Module) -> Iterator[Found]:
    """``from readings import last``: a number that stays what it was then."""
    for node in module.tree.body:
        if not isinstance(node, ast.ImportFrom):
            continue
        for alias in node.names:
            name = alias.asname or alias.name
            base = module.names.get(name, "").rpartition(".")[0]
            source = seen.source.modules.get(base)
            if source is None or alias.name not in source.values:
                continue
            if alias.name in _globals(source) and _is_read(module, name):
                yield Found(
                    "python-name-imported-once",
                    f"{name} stays what it was when {module.name} was imported",
                    (module.file, node.lineno),
                    _rank(module),
                    TRIED,
                    f"import {base}, and {base.rpartition('.')[2]}.{alias.name}",
                )
                return


def _is_read(module: Module, name: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name and _loads(node)
        for function in _functions(module)
        if name not in function.values
        for node in walk(function.node)
    )


def _loads(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _no_global(seen: Evidence, module: Module) -> Iterator[Found]:
    """A function gives a value to a name of its module, and has one of its own then."""
    changed = _globals(module)
    for function in _functions(module):
        own = {one.arg for one in walk(function.node) if isinstance(one, ast.arg)}
        plain = {name for name, _ in _given(function, ast.Assign, ast.AnnAssign)}
        added = dict(_given(function, ast.AugAssign))
        for name, node in [*added.items(), *_given(function, ast.Assign)]:
            first = module.values.get(name, [])
            if name in own | changed or not first or function.owner is not None:
                continue
            lost = name in added and name not in plain
            kept = len(first) == 1 and _is_nothing(first[0])
            if lost or (kept and _is_needed(seen, function, name)):
                yield Found(
                    "python-global-missing",
                    f"UnboundLocalError: {name}"
                    if lost
                    else f"{name} of the module stays {ast.unparse(first[0])}",
                    (module.file, node.lineno),
                    RANK,
                    TRIED,
                    f"global {name}",
                )
                return


def _given(
    function: Function, *kinds: type[ast.stmt]
) -> Iterable[tuple[str, ast.stmt]]:
    """The names that a function's own statements of some kinds give a value."""
    if any(isinstance(n, ast.Global | ast.Nonlocal) for n in own_nodes(function.node)):
        return
    if ".<locals>." in function.dotted:
        return
    for node in own_nodes(function.node):
        if not isinstance(node, kinds):
            continue
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name):
                yield target.id, node


def _is_nothing(node: ast.expr) -> bool:
    """Whether a value only stands there until there is a better one."""
    return isinstance(node, ast.Constant) and not node.value


def _is_needed(seen: Evidence, function: Function, name: str) -> bool:
    """Whether the module's own name is read by anybody else."""
    module = function.module
    if any(
        isinstance(node, ast.Name) and node.id == name and _loads(node)
        for other in _functions(module)
        if other is not function and name not in other.values
        for node in walk(other.node)
    ):
        return True
    dotted, stored, read = f"{module.name}.{name}", False, False
    for other in seen.source.modules.values():
        for node in walk(other.tree):
            if not isinstance(node, ast.Attribute) or node.attr != name:
                continue
            if other.resolve(node.value) == module.name:
                stored |= not isinstance(node.ctx, ast.Load)
                read |= isinstance(node.ctx, ast.Load)
        read |= dotted in other.names.values()
    return read and not stored


def _contexts(function: Function) -> Iterator[Found]:
    """``with`` for a manager that is to be awaited, or the other way round."""
    for node in own_nodes(function.node):
        if not isinstance(node, ast.With | ast.AsyncWith):
            continue
        for item in node.items:
            call = item.context_expr
            if not isinstance(call, ast.Call):
                continue
            name = function.module.resolve(call.func, function) or ""
            made = function.module.source.functions.get(name)
            marks = made.decorators() if made is not None else []
            awaited = _ASYNC_MANAGER in marks or name in _ASYNC_CONTEXT
            awaited |= bool(_ASYNC_REDIS.fullmatch(name))
            plain = _SYNC_MANAGER in marks
            wrong = made if made is not None and made.is_async is plain else None
            if wrong is not None and (awaited or plain) and _yields(wrong):
                right = "asynccontextmanager" if plain else "contextmanager"
                yield Found(
                    "python-with-or-async-with",
                    f"{wrong.name} is decorated for the other kind of with",
                    (wrong.module.file, wrong.node.lineno),
                    _rank(wrong.module),
                    TRIED,
                    f"@{right}",
                )
            elif awaited if isinstance(node, ast.With) else plain:
                kind = "" if awaited else "asynchronous "
                yield Found(
                    "python-with-or-async-with",
                    f"object does not support the {kind}context manager protocol",
                    (function.module.file, node.lineno),
                    _rank(function.module),
                    TRIED,
                    f"{'async with' if awaited else 'with'} {ast.unparse(call)}",
                )


def _yields(function: Function) -> bool:
    return any(isinstance(node, ast.Yield) for node in own_nodes(function.node))


def _by_position(function: Function) -> Iterator[Found]:
    """``case Publish(value)``: the fields of a model have no order to go by."""
    for node in walk(function.node):
        if not isinstance(node, ast.MatchClass) or not node.patterns:
            continue
        name = function.module.resolve(node.cls, function) or ""
        known = function.module.source.classes.get(name)
        if known is None or not is_message(known):
            continue
        line = known.line_of_ancestors
        if any("__match_args__" in one.attributes for one in line):
            continue
        yield Found(
            "consumer-match-by-position",
            f"TypeError: {known.name}() accepts 0 positional sub-patterns",
            (function.module.file, node.lineno),
            RANK,
            TRIED,
            f"case {known.name}(field=name)",
        )


def _settings(seen: Evidence) -> Iterator[Found]:
    """``settings.REDIS_URI``: a name that the settings do not have."""
    there = {*seen.settings.get("names", ()), *seen.settings.get("defaults", ())}
    modules = seen.source.modules.values()
    if not seen.settings.get("defaults"):
        return
    for module in modules:
        if is_aside(module.file) or "settings" not in module.text:
            continue
        for node in walk(module.tree):
            if (
                not isinstance(node, ast.Attribute)
                or not isinstance(node.ctx, ast.Load)
                or not node.attr.isupper()
                or node.attr in there
                or module.resolve(node.value) != "django.conf.settings"
            ):
                continue
            near = seen.near(node.attr, there, 0.8)
            said = re.compile(rf"[\"']{node.attr}[\"']|settings\.{node.attr}\s*=[^=]")
            if any(said.search(one.text) for one in modules):
                continue  # somebody asks first whether it is there, or sets it
            yield Found(
                "settings-name-unknown",
                f"AttributeError: 'Settings' object has no attribute '{node.attr}'",
                (module.file, node.lineno),
                RANK - 20,
                TRIED,
                near or "a name that the settings have",
            )
            return


def _beside(seen: Evidence) -> Iterator[Found]:
    """``tests.py`` and ``tests/``: Python finds the folder, and never the file."""
    for module in seen.source.modules.values():
        if not module.is_package:
            continue
        folder = (seen.project / module.file).parent
        file = folder.parent / f"{folder.name}.py"
        if folder == seen.home or not file.is_file():
            continue
        below = file.relative_to(seen.home)
        tests = is_aside(below.as_posix())
        idle = not tests and _holds_nothing(file)  # as startapp makes it
        yield Found(
            "python-module-beside-package",
            f"'{folder.name}' is the folder, and {file.name} is never imported",
            (file.relative_to(seen.project).as_posix(), None),
            OF_TESTS if tests else RANK,
            "looking at the files",
            "one of the two",
            milder="It holds nothing yet that anybody could miss." if idle else "",
        )
        return


def _holds_nothing(file: Path) -> bool:
    """Whether a file has imports and remarks only."""
    with suppress(OSError, SyntaxError, ValueError):
        return all(
            isinstance(node, ast.Import | ast.ImportFrom)
            or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            for node in ast.parse(file.read_text(encoding="utf-8")).body
        )
    return False

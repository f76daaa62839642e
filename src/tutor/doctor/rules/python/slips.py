"""Slips of the language itself, which no exception tells of, or only a later one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tutor.doctor.evidence import Evidence
from tutor.doctor.models import is_message
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.rules.python import bindings
from tutor.doctor.rules.python.bindings import OF_TESTS, RANK, rank
from tutor.doctor.source import Function
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import own_nodes, walk

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
    yield from bindings.rules(seen)
    for function in seen.source.functions.values():
        yield from _contexts(function)
        yield from _by_position(function)
    yield from _beside(seen)
    yield from _settings(seen)


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
                    rank(wrong.module),
                    TRIED,
                    f"@{right}",
                )
            elif awaited if isinstance(node, ast.With) else plain:
                kind = "" if awaited else "asynchronous "
                yield Found(
                    "python-with-or-async-with",
                    f"object does not support the {kind}context manager protocol",
                    (function.module.file, node.lineno),
                    rank(function.module),
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
    there.add("SETTINGS_MODULE")  # which Django sets itself
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

"""A branch that never runs, since an earlier one takes all that it is for."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from itertools import pairwise

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function
from tutor.doctor.source.walking import own_nodes

RANK = 59
SLUG = "python-branch-never-reached"
_ALL = "builtins.Exception"


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        yield from _after_the_end(function)
        for node in own_nodes(function.node):
            if isinstance(node, ast.Match):
                yield from _cases(node, function)
            elif isinstance(node, ast.Try):
                yield from _handlers(node, function)
            elif isinstance(node, ast.If):
                yield from _kinds(node, function)


def _after_the_end(function: Function) -> Iterator[Found]:
    """``raise StopConsumer()``, and below it what a consumer was to do before that."""
    statements = function.node.body
    if function.owner is None or not function.owner.kind:
        return
    for last, late in pairwise(statements):
        awaits = isinstance(late, ast.Expr) and isinstance(late.value, ast.Await)
        if isinstance(last, ast.Raise | ast.Return) and awaits:
            yield Found(
                SLUG,
                f"never reached: line {last.lineno} ends {function.name} before",
                at(function, late),
                RANK,
                TRIED,
                f"what {function.name} does, above its end",
            )
            return


def _found(function: Function, late: ast.AST, early: ast.AST, what: str) -> Found:
    line = getattr(early, "lineno", 0)
    return Found(
        SLUG,
        f"never reached: line {line} takes every {what} before",
        at(function, late),
        RANK,
        TRIED,
        "the narrow branch before the wide one",
    )


def _cases(node: ast.Match, function: Function) -> Iterator[Found]:
    """``case Publish():`` above ``case Publish(value=value):``."""
    for number, late in enumerate(node.cases):
        for early in node.cases[:number]:
            if early.guard is None and _covers(early.pattern, late.pattern, function):
                pattern = ast.unparse(early.pattern)
                yield _found(function, late.pattern, early.pattern, pattern)
                return


def _covers(one: ast.pattern, other: ast.pattern, function: Function) -> bool:
    """Whether a pattern takes all that another one takes."""
    if isinstance(other, ast.MatchAs) and other.pattern is not None:
        return _covers(one, other.pattern, function)
    if isinstance(other, ast.MatchOr):
        return all(_covers(one, part, function) for part in other.patterns)
    if isinstance(one, ast.MatchAs):
        return one.pattern is None or _covers(one.pattern, other, function)
    if isinstance(one, ast.MatchOr):
        return any(_covers(part, other, function) for part in one.patterns)
    if isinstance(one, ast.MatchClass) and isinstance(other, ast.MatchClass):
        return _covers_class(one, other, function)
    if isinstance(one, ast.MatchMapping) and isinstance(other, ast.MatchMapping):
        keys = {ast.dump(k): p for k, p in zip(other.keys, other.patterns, strict=True)}
        return all(
            ast.dump(key) in keys and _covers(inner, keys[ast.dump(key)], function)
            for key, inner in zip(one.keys, one.patterns, strict=True)
        )
    plain = ast.MatchValue | ast.MatchSingleton
    return isinstance(one, plain) and ast.dump(one) == ast.dump(other)


def _covers_class(
    one: ast.MatchClass, other: ast.MatchClass, function: Function
) -> bool:
    names = [function.module.resolve(kind.cls, function) for kind in (one, other)]
    if one.patterns or other.patterns or not _is_a(names[1], names[0], function):
        return False
    inner = dict(zip(other.kwd_attrs, other.kwd_patterns, strict=True))
    known = function.module.source.classes.get(names[0] or "")
    return all(
        (name in inner and _covers(pattern, inner[name], function))
        or (_takes_all(pattern) and known is not None and _has(known, name))
        for name, pattern in zip(one.kwd_attrs, one.kwd_patterns, strict=True)
    )


def _takes_all(pattern: ast.pattern) -> bool:
    """Whether a pattern is a mere name for what is there."""
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def _has(one: Class, name: str) -> bool:
    """Whether each instance of a class has a field of this name."""
    return any(
        isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == name
        for kind in one.line_of_ancestors
        for node in kind.node.body
    )


def _is_a(name: str | None, other: str | None, function: Function) -> bool:
    """Whether a class is another one, or an heir of it."""
    if name is None or other is None:
        return False
    own = function.module.source.classes.get(name)
    line = {one.dotted for one in own.line_of_ancestors} if own else set()
    if own is not None:
        line |= own.library_bases()
    return name == other or other in line or _is_builtin_heir(name, other)


def _is_builtin_heir(name: str, other: str) -> bool:
    kinds = [
        getattr(builtins, one.removeprefix("builtins."), None) for one in (name, other)
    ]
    first, second = kinds
    return (
        isinstance(first, type)
        and isinstance(second, type)
        and issubclass(first, second)
    )


def _handlers(node: ast.Try, function: Function) -> Iterator[Found]:
    """``except Exception:`` above ``except ValidationError:``."""
    before: list[tuple[ast.ExceptHandler, str]] = []
    for handler in node.handlers:
        names = [
            function.module.resolve(one, function) or ""
            for one in getattr(handler.type, "elts", [handler.type])
            if one is not None
        ]
        for early, taken in before:
            if names and all(_is_caught(name, taken, function) for name in names):
                what = taken.rpartition(".")[2]
                yield _found(function, handler, early, what)
                return
        before += [(handler, name) for name in names if name]


# Which are no Exception, by whatever name they are caught.
_BASE = ("CancelledError", "KeyboardInterrupt", "SystemExit", "GeneratorExit")


def _is_caught(name: str, taken: str, function: Function) -> bool:
    end = name.rpartition(".")[2]
    if taken in (_ALL, "builtins.BaseException"):
        return bool(name) and (taken != _ALL or end not in (*_BASE, "BaseException"))
    return _is_a(name, taken, function)


def _kinds(node: ast.If, function: Function) -> Iterator[Found]:
    """``if isinstance(it, Message):`` above ``elif isinstance(it, Hello):``."""
    before: list[tuple[ast.If, str, str]] = []
    link: ast.stmt | None = node
    while isinstance(link, ast.If):
        told = _asked(link.test, function)
        for early, subject, kind in before:
            same = told is not None and told[0] == subject
            if told and same and all(_is_a(one, kind, function) for one in told[1]):
                what = kind.rpartition(".")[2]
                yield _found(function, link, early, what)
                return
        before += [(link, told[0], one) for one in told[1]] if told else []
        link = link.orelse[0] if len(link.orelse) == 1 else None


def _asked(test: ast.expr, function: Function) -> tuple[str, list[str]] | None:
    """What is asked for its kind, and for which ones."""
    if not (
        isinstance(test, ast.Call)
        and getattr(test.func, "id", "") == "isinstance"
        and len(test.args) == 2
    ):
        return None
    kinds = getattr(test.args[1], "elts", [test.args[1]])
    names = [function.module.resolve(one, function) for one in kinds]
    if not all(names):
        return None
    return ast.unparse(test.args[0]), [str(name) for name in names]

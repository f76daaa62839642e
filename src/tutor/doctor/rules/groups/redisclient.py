"""What is asked of a Redis by hand: whether its client can wait, and is awaited."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.walking import child_nodes, own_nodes

RANK = 58
ASYNC, SYNC = "redis.asyncio", "redis"
DEEP = 6
_MADE = re.compile(
    r"(redis\.asyncio|redis)(?:\.client)?\.(?:(?:Strict)?Redis(?:\.from_url)?|from_url)\(\)"
)
# What only makes an object, and asks nothing yet.
_MAKES = {"pipeline", "pubsub", "lock", "register_script", "client", "monitor"}
_MANAGES = {"pipeline", "pubsub", "lock", "client", "monitor"}


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        if "redis" in function.module.text.lower():
            yield from next(([one] for one in _misused(seen, function)), ())


def _misused(seen: Evidence, function: Function) -> Iterator[Found]:
    frames = seen.sites.frames(function)
    above: dict[int, ast.AST] = {}
    for node in (function.node, *own_nodes(function.node)):
        above.update((id(child), node) for child in child_nodes(node))
    batches: dict[str, str] = {}
    nodes = [*own_nodes(function.node)]
    for item in (one for one in nodes if isinstance(one, ast.withitem)):
        kind = _kind_of_call(frames, item.context_expr)
        if kind and getattr(item.context_expr.func, "attr", "") == "pipeline":  # type: ignore[attr-defined]
            batches[ast.unparse(item.optional_vars or ast.Constant(""))] = kind
    for node in sorted(
        (one for one in nodes if isinstance(one, ast.Call)),
        key=lambda one: (one.lineno, one.col_offset),
    ):
        if not isinstance(node.func, ast.Attribute):
            continue
        around, method = above[id(node)], node.func.attr
        batch = batches.get(ast.unparse(node.func.value))
        kind = _kind_of_call(frames, node)
        if batch == ASYNC and method == "execute" and isinstance(around, ast.Expr):
            yield _lost(function, node)
        elif kind == ASYNC:
            yield from _waited(function, node, method, around, above)
        elif (
            function.is_async
            and not isinstance(around, ast.Await)
            and (
                (kind == SYNC and method not in _MAKES)
                or (batch == SYNC and method == "execute")
            )
        ):
            yield Found(
                "consumer-blocking-call-in-async",
                f"{ast.unparse(node.func)} stops every other client",
                at(function, node),
                RANK,
                TRIED,
                "from redis.asyncio import Redis",
            )


def _waited(
    function: Function,
    node: ast.Call,
    method: str,
    around: ast.AST,
    above: dict[int, ast.AST],
) -> Iterator[Found]:
    """What a client that can wait is asked without waiting."""
    if isinstance(around, ast.withitem) and method in _MANAGES:
        if isinstance(above[id(around)], ast.With):
            yield Found(
                "python-with-or-async-with",
                "object does not support the context manager protocol",
                at(function, node),
                RANK,
                TRIED,
                f"async with {ast.unparse(node)}",
            )
    elif isinstance(around, ast.Expr) and method not in _MAKES:
        if not method.endswith("_iter"):
            yield _lost(function, node)
    elif method.endswith("_iter") and (
        (isinstance(around, ast.For) and node is around.iter)
        or (isinstance(around, ast.comprehension) and not around.is_async)
    ):
        yield Found(
            "python-for-or-async-for",
            "TypeError: 'async_generator' object is not iterable",
            at(function, node),
            RANK,
            TRIED,
            f"async for … in {ast.unparse(node)}",
        )


def _lost(function: Function, node: ast.Call) -> Found:
    name = getattr(node.func, "attr", "")
    return Found(
        "consumer-missing-await-on-send",
        f"coroutine '{name}' was never awaited",
        at(function, node),
        RANK,
        TRIED,
        "every coroutine is awaited",
    )


def _kind_of_call(frames: list[Frame], node: ast.AST) -> str:
    """Which of the two clients is asked; empty where that is not certain."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return ""
    kinds = {_kind(frame, node.func.value) for frame in frames}
    return kinds.pop() if len(kinds) == 1 else ""


def _kind(frame: Frame, node: ast.expr, depth: int = 0) -> str:
    """The library whose client an expression is; None may stand in its place."""
    if depth > DEEP:
        return ""
    parts: list[tuple[Frame, ast.expr]] = []
    if isinstance(node, ast.IfExp):
        parts = [(frame, one) for one in (node.body, node.orelse)]
    elif isinstance(node, ast.BoolOp):
        parts = [(frame, one) for one in node.values]
    elif isinstance(node, ast.Name) and node.id in frame.given:
        parts = [frame.given[node.id]]
    elif isinstance(node, ast.Name) and node.id in frame.function.values:
        parts = [(frame, one) for one in frame.function.values[node.id]]
    elif isinstance(node, ast.Call):
        made = _MADE.fullmatch(frame.module.resolve(node, frame.function) or "")
        return made[1] if made else ""
    else:
        where, found = unfold(frame, node)
        parts = [(where, found)] if found is not node else []
    full = [one for one in parts if getattr(one[1], "value", 0) is not None]
    kinds = {_kind(where, one, depth + 1) for where, one in full}
    return kinds.pop() if len(kinds) == 1 else ""

"""Who is in a group: a layer does not say, and in development one seems to."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, known
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 54
# The layer in memory has them, and the one on pub/sub for its own process.
INNER = ("groups", "channels")
# What Channels 1 had, and what people expect.
GONE = ("group_channels", "group_members", "group_size", "group_count", "get_group")


def rules(seen: Evidence) -> Iterator[Found]:
    """``layer.groups[name]``: the list of those who are there, counted."""
    if not on_redis(seen):
        return
    for function in seen.source.all_functions():
        if is_aside(function.module.file):
            continue
        for node in walk(function.node):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in (*INNER, *GONE)
                and isinstance(node.ctx, ast.Load)
                and _is_layer(node.value, function)
            ):
                yield Found(
                    "group-members-cannot-be-counted",
                    f"'RedisChannelLayer' object has no attribute '{node.attr}'",
                    at(function, node),
                    RANK,
                    TRIED,
                    "a count of your own, where sockets come and go",
                )
                return


def _is_layer(node: ast.expr, function: Function) -> bool:
    where, found = unfold(Frame(function, function.owner), node)
    names = {
        function.module.resolve(node, function),
        where.module.resolve(found, where.function),
    }
    return bool(names & set(known.LAYERS))


def on_redis(seen: Evidence) -> bool:
    """Whether any settings of the project name a layer on Redis."""
    return any(
        isinstance(node, ast.Constant)
        and str(node.value).startswith("channels_redis.")
        and not is_aside(module.file)
        for module in seen.source.modules.values()
        for node in walk(module.tree)
    )

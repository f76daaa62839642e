"""What Python shows of a function or a coroutine, where its result was to be sent."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.source import Module
from tutor.doctor.source.walking import walk

RANK = 46
_SHOWN = re.compile(
    r"<(bound method|function|built-in (?:method|function)|coroutine object)"
    r" (?:[\w<>]+\.)*(\w+)\b"
)


def rules(seen: Evidence) -> Iterator[Found]:
    for client in seen.answers.clients:
        texts = [one for one in client.heard if isinstance(one, str)]
        shown = next((found for one in texts if (found := _SHOWN.search(one))), None)
        owner = seen.consumer_class(seen.leaf_of(client.path).get("consumer"))
        if shown is None or owner is None:
            continue
        made = shown[1].startswith("coroutine")
        modules = [one.module for one in owner.line_of_ancestors]
        places = (_left(one, shown[2], made) for one in modules)
        place: Place = owner.module.file, owner.node.lineno
        yield Found(
            "consumer-missing-await-on-send" if made else "python-function-not-called",
            f"the client hears {shown[0]} …>",
            next((one for one in places if one), place),
            RANK,
            f"a message to {client.path}",
            f"what {shown[2]}() returns",
        )
        return


def _left(module: Module, name: str, made: bool) -> Place | None:
    """Where a function stands uncalled; or where its call is not awaited."""
    nodes = list(walk(module.tree))
    calls = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    awaited = {id(node.value) for node in nodes if isinstance(node, ast.Await)}
    for node in nodes:
        if not isinstance(node, ast.expr) or id(node) in (awaited if made else calls):
            continue
        called = node.func if isinstance(node, ast.Call) else None
        if _last(called if made else node) == name:
            return module.file, node.lineno
    return None


def _last(node: ast.expr | None) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None

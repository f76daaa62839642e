"""What a consumer reads from itself, and nothing in the project gives it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function
from tutor.doctor.source.walking import walk

RANK = 64
SLUG = "consumer-attribute-never-set"
OF_JSON = "send_json belongs to the JSON consumers, as in AsyncJsonWebsocketConsumer."
OF_VIEWS = ("request", "user", "session")
# What Channels sets when a consumer is called.
GIVEN = {"scope", "channel_layer", "channel_name", "channel_receive", "base_send"}
_ASKS = {"getattr", "hasattr", "setattr", "delattr", "vars", "super"}


def rules(seen: Evidence) -> Iterator[Found]:
    stored = {
        node.attr
        for module in seen.source.modules.values()
        for node in walk(module.tree)
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
    } - _only_added_to(seen)
    for one in seen.source.consumers():
        line = [
            kind
            for heir in (one, *one.heirs)  # a mixin has what is beside it, too
            for kind in heir.line_of_ancestors
        ]
        if _says_more(line):
            continue
        known = stored | GIVEN | _inherited(line)
        for kind in line:
            known |= {*kind.attributes, *kind.methods, *_bound(kind)}
        for method in one.methods.values():
            for node in read(method):
                if node.attr not in known:
                    views = node.attr in OF_VIEWS
                    slug = "auth-request-or-self-user" if views else SLUG
                    json = node.attr == "send_json"
                    yield Found(
                        "consumer-generic-method-in-raw-consumer" if json else slug,
                        f"{one.name!r} object has no attribute {node.attr!r}",
                        at(method, node),
                        RANK,
                        TRIED,
                        "self.scope['user']" if views else f"self.{node.attr} = …",
                        OF_JSON if json else "",
                    )
                    return


def _only_added_to(seen: Evidence) -> set[str]:
    """What only ``+=`` gives a value, which asks for one before."""
    added: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for module in seen.source.modules.values():
        for node in walk(module.tree):
            if isinstance(node, ast.AugAssign):
                added[getattr(node.target, "attr", "")] += 1
            elif isinstance(node, ast.Attribute):
                every[node.attr] += not isinstance(node.ctx, ast.Load)
    return {name for name, count in added.items() if every[name] == count}


def _says_more(line: list[Class]) -> bool:
    """Whether a class, its bases or its heirs may have what the source does not say."""
    bases = {base for one in line for base in one.library_bases()}
    if not bases or not all(base.startswith("channels.") for base in bases):
        return True
    if not all(map(_of_library, bases)):
        return True  # another version than ours has it
    return any(
        getattr(node, "id", getattr(node, "attr", getattr(node, "name", "")))
        in ("setattr", "__dict__", "vars", "__getattr__", "__slots__", "eval", "exec")
        for one in line
        for node in walk(one.node)
    ) or any(one.node.decorator_list or one.node.keywords for one in line)


@cache
def _of_library(dotted: str) -> frozenset[str]:
    module, _, name = dotted.rpartition(".")
    try:
        return frozenset(dir(getattr(import_module(module), name)))
    except (ImportError, AttributeError):
        return frozenset()


def _bound(kind: Class) -> set[str]:
    """The names that stand in the body of a class, however they came to."""
    return {
        str(getattr(node, "id", getattr(node, "name", "")))
        for node in walk(kind.node)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    }


def _inherited(line: list[Class]) -> set[str]:
    bases = {base for one in line for base in one.library_bases()}
    return {name for base in bases for name in _of_library(base)}


def read(method: Function) -> Iterator[ast.Attribute]:
    """The attributes of ``self`` that a method reads, ready for none to be missing."""
    if method.self_name is None:
        return
    nodes = list(walk(method.node))
    asked = {
        str(getattr(arg, "value", ""))
        for node in nodes
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _ASKS
        for arg in node.args
    }
    guarded = {
        id(inner)
        for node in nodes
        if isinstance(node, ast.Try) and node.handlers
        for inner in walk(node)
    }
    added = {id(node.target) for node in nodes if isinstance(node, ast.AugAssign)}
    for node in nodes:
        if (
            isinstance(node, ast.Attribute)
            and (isinstance(node.ctx, ast.Load) or id(node) in added)
            and getattr(node.value, "id", "") == method.self_name
            and node.attr not in asked
            and id(node) not in guarded
        ):
            yield node

"""What the library's own methods of a consumer are given, and do not take."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function, calls

RANK = 49  # as sure as what was seen of a message
_METHODS = ("send", "send_json", "accept", "close")
_LAYER = "channels.layers.InMemoryChannelLayer"
_OF_LAYERS = ("group_send", "group_add", "group_discard", "send")


def rules(seen: Evidence) -> Iterator[Found]:
    """``self.send(text=…)``: the libraries call it ``text_data``."""
    for owner in seen.source.consumers():
        if not owner.kind.endswith(("generic", "json")):
            continue
        for method in owner.methods.values():
            for call in calls.calls(method.node):
                taken = _taken(owner, method, call)
                wrong = _misfit(call, taken) if taken else ""
                if taken and wrong:
                    name = getattr(call.func, "attr", "")
                    yield Found(
                        "python-arguments-differ",
                        f"TypeError: {name}() {wrong}",
                        at(method, call),
                        RANK,
                        TRIED,
                        f"the arguments of {name}{taken}",
                    )


def _taken(owner: Class, method: Function, call: ast.Call) -> inspect.Signature | None:
    """What a method of the library takes; None for another, or one that is replaced."""
    name = calls.name_of(call, method)
    base, _, end = name.rpartition(".")
    if calls.is_layer(name) and end in _OF_LAYERS:
        return _signature(_LAYER, end)
    if base != "self" or end not in _METHODS:
        return None
    family = [kind for one in (owner, *owner.heirs) for kind in one.line_of_ancestors]
    if any(end in (*one.methods, *one.attributes) for one in family):
        return None
    bases = {base for one in family for base in one.library_bases()}
    if not all(one.startswith("channels.") for one in bases):
        return None
    told = [one for base in bases if (one := _signature(base, end)) is not None]
    return told[0] if told and all(one == told[0] for one in told) else None


@cache
def _signature(dotted: str, name: str) -> inspect.Signature | None:
    """How a method of the library is called, without ``self``."""
    module, _, kind = dotted.rpartition(".")
    try:
        told = inspect.signature(getattr(getattr(import_module(module), kind), name))
    except (ImportError, AttributeError, TypeError, ValueError):
        return None
    return told.replace(parameters=[*told.parameters.values()][1:])


def _misfit(call: ast.Call, taken: inspect.Signature) -> str:
    """What Python says of a call, where a word is strange to it or one is too many.

    What a call lacks altogether is another mistake's.
    """
    words = [word.arg for word in call.keywords]
    if None in words or any(isinstance(one, ast.Starred) for one in call.args):
        return ""
    try:
        taken.bind_partial(*call.args, **{str(word): None for word in words})
    except TypeError as error:
        return str(error)
    return ""

"""What a project sends to channels: from where, over which layer, of which type."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import written
from tutor.doctor.rules.found import Place
from tutor.doctor.rules.groups.groupnames import given, text_of
from tutor.doctor.source import Function, calls
from tutor.doctor.source.known import TO_SYNC
from tutor.doctor.source.values import ANY

LAYER = "channels.layers.get_channel_layer()"


@dataclass(frozen=True)
class Job:
    """A job that the project sends.

    Args:
        channel: the channel's name; None where only a run would tell.
        kind: its type, likewise.
        layer: the alias of the layer that it goes over, likewise.
        place: where it is sent.
    """

    channel: str | None
    kind: str | None
    layer: str | None
    place: Place


def jobs(seen: Evidence) -> Iterator[Job]:
    """What is sent to channels; once for each caller that says where to, or what."""
    for function in seen.source.all_functions():
        for call, name, owner in sending(function):
            if name.endswith(".send") and calls.is_layer(name):
                channel, message = given(call, 0, "channel"), given(call, 1, "message")
                if _is_reply(channel, function):
                    continue
                told = written(message, function) or {}
                kind = told.get("type") or under(message, "type")
                layer = _layer(function, owner)
                place: Place = (function.module.file, call.lineno)
                for where, site in _callers(seen, function, [channel, kind]):
                    values = [
                        _value(function, node, where, site) for node in (channel, kind)
                    ]
                    yield Job(values[0], values[1], layer, place)


def _is_reply(channel: ast.expr | None, function: Function) -> bool:
    """Whether something goes to where a message says: ``message["reply_to"]``."""
    if isinstance(channel, ast.Name):
        values = function.values.get(channel.id, [])
        channel = values[0] if len(values) == 1 else channel
    if isinstance(channel, ast.Call) and isinstance(channel.func, ast.Attribute):
        channel = channel.func if channel.func.attr in ("get", "pop") else channel
    held = channel.value if isinstance(channel, ast.Subscript | ast.Attribute) else None
    return isinstance(held, ast.Name) and held.id in _parameters(function)


def sending(function: Function) -> Iterator[tuple[ast.Call, str, ast.expr | None]]:
    """The calls with the names of what is called: for ``async_to_sync(f)(…)``, f."""
    for call in calls.calls(function.node):
        what: ast.expr = call.func
        kept = function.values.get(getattr(what, "id", ""), [])
        if len(kept) == 1 and isinstance(kept[0], ast.Call):  # send = async_to_sync(…)
            made = function.module.resolve(kept[0].func, function)
            what = kept[0].args[0] if made == TO_SYNC and kept[0].args else what
        if calls.inner_call(call, function) == TO_SYNC and isinstance(what, ast.Call):
            what = what.args[0] if what.args else what
        owner = what.value if isinstance(what, ast.Attribute) else None
        yield call, function.module.resolve(what, function) or "", owner


def received(seen: Evidence) -> set[str]:
    """The channels from which the project fetches messages itself, besides tests."""
    return {
        told
        for function in seen.source.all_functions()
        for call, name, _ in sending(function)
        if name.endswith(".receive") and calls.is_layer(name)
        if (told := text_of(function, given(call, 0, "channel"))) is not None
    }


def _parameters(function: Function) -> list[str]:
    names = [
        one.arg for one in function.node.args.posonlyargs + function.node.args.args
    ]
    return names[1:] if function.owner is not None else names


def _callers(
    seen: Evidence, function: Function, nodes: list[ast.expr | None]
) -> list[tuple[Function, ast.Call] | tuple[None, None]]:
    """Who calls a function that is told one of these; one of nobody if it is not."""
    told = {node.id for node in nodes if isinstance(node, ast.Name)}
    if not told & {*_parameters(function)}:
        return [(None, None)]
    return [
        (other, call)
        for other in seen.source.all_functions()
        for call, name, _ in sending(other)
        if name == function.dotted
    ] or [(None, None)]


def _value(
    function: Function,
    node: ast.expr | None,
    where: Function | None,
    site: ast.Call | None,
) -> str | None:
    """The text of an expression; that of its caller where it is a parameter."""
    names = _parameters(function)
    if isinstance(node, ast.Name) and node.id in names:
        if where is None or site is None:
            return None
        function, node = where, given(site, names.index(node.id), node.id)
        if isinstance(node, ast.Name) and node.id in _parameters(function):
            return None
    text = text_of(function, node)
    return None if text is None or ANY in text else text


def _layer(function: Function, owner: ast.expr | None) -> str | None:
    """The alias of the layer on which ``send`` is called."""
    if isinstance(owner, ast.Name):
        values = function.values.get(owner.id) or function.module.values.get(owner.id)
        owner = values[0] if values and len(values) == 1 else None
    if isinstance(owner, ast.Attribute) and owner.attr == "channel_layer":
        one = function.owner
        own = (
            one is not None and one.kind and "channel_layer_alias" not in one.attributes
        )
        return "default" if own else None
    if not isinstance(owner, ast.Call):
        return None
    if (function.module.resolve(owner, function) or "") != LAYER:
        return None
    alias = given(owner, 0, "alias")
    return "default" if alias is None else text_of(function, alias)


def under(node: ast.expr | None, key: str | None) -> ast.expr | None:
    """What a dict that is written out has under a key, whatever else it has."""
    value = None
    if isinstance(node, ast.Dict):
        for name, given_there in zip(node.keys, node.values, strict=True):
            if name is None:
                value = None  # what is unpacked here may have the key, too
            elif isinstance(name, ast.Constant) and name.value == key:
                value = given_there
    return value

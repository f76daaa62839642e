"""Groups and their events, as the source writes them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers import leaving
from tutor.doctor.rules.consumers.written import written
from tutor.doctor.rules.found import GENERIC, HANDLERS, TRIED, Found, Place, at
from tutor.doctor.rules.groups import (
    again,
    crossed,
    events,
    fillings,
    groupnames,
    instances,
    joining,
    mixed,
    unhandled,
)
from tutor.doctor.rules.groups.groupnames import given, group_of, meet, spread
from tutor.doctor.rules.groups.owntexts import is_a_text_of_its_own
from tutor.doctor.source import Class, Function, calls, known
from tutor.doctor.source.flow import Frame, every_call
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.values import ANY, values
from tutor.doctor.source.walking import walk


def rules(seen: Evidence) -> Iterator[Found]:
    """Events to groups: their type, their handler, the group's name, the channel."""
    functions = [*seen.source.all_functions()]
    sends: list[tuple[Frame, ast.Call]] = []
    direct: list[tuple[Frame, ast.Call]] = []  # to one channel
    adds: list[tuple[Frame, ast.Call]] = []
    unmet: list[tuple[Frame, ast.Call]] = []  # by who is behind no route
    leavers: list[Class | None] = []
    drops: list[tuple[Frame, ast.Call]] = []
    for function in functions:
        for call in every_call(function.node):
            name = calls.name_of(call, function)
            inner = name.removesuffix("()") if name.endswith("()") else ""
            func = called_by(call, function)
            if inner == known.TO_SYNC and isinstance(func, ast.Call) and func.args:
                name = function.module.resolve(func.args[0], function) or ""
            method = name.rpartition(".")[2]
            if name.removesuffix(f".{method}") == UNCALLED:
                yield _uncalled(function, call, method)
            if not calls.is_layer(name):
                continue
            if method in ("send", "group_send") and _is_turned(call, function):
                yield _turned(function, call, method)
                continue
            if method in TWO and _number(call, method) < 2:
                yield _too_few(function, call, method)
                continue
            if method in (*TWO, "send") and _number(call, method) > 2:
                yield _too_many(function, call, method)
                continue
            frames = [one for one in seen.sites.frames(function) if _is_real(seen, one)]
            if method == "group_send" and len(call.args) + len(call.keywords) > 1:
                sends += [(frame, spread(frame, call)) for frame in frames]
            elif method == "send":
                direct += [(frame, spread(frame, call)) for frame in frames]
            elif method == "group_add":
                for frame in frames:
                    met = adds if _is_met(seen, frame) else unmet
                    met.append((frame, spread(frame, call)))
            if method == "group_discard" and _is_called(seen, function):
                leavers.append(function.owner)
                drops += [(frame, spread(frame, call)) for frame in frames]
    joined = [frame.owner for frame, _ in adds if frame.owner is not None]
    for frame, call in sends:
        yield from unhandled.event(seen, frame, call, joined)
        yield from unhandled.deaf(seen, frame, call, adds)
        yield from instances.rules(seen, frame, call)
    for frame, call in adds:
        line = frame.owner.line_of_ancestors if frame.owner else []
        leaves = any(one is None or not one.kind or one in line for one in leavers)
        yield from _join(frame, call, leaves)
        if leaves and None not in leavers:
            yield from leaving.stays(frame)
    yield from events.groups(seen)
    for frame, call in drops:
        yield from _drop(frame, call, adds)
    yield from joining.rules(seen, sends, adds)
    alone = joining.unjoined(seen, sends, adds)
    yield from (found for _, found in alone)
    told = [one for one in sends if one[1] not in [call for call, _ in alone]]
    yield from mixed.rules(seen, sends, adds)
    yield from again.rules(seen, sends, adds)
    yield from events.rules(seen, [*sends, *direct])
    late = [one for one in told if groupnames.is_joined(one, unmet)]
    told = [one for one in told if one not in late]
    yield from groupnames.rules(seen, told, adds, drops)
    for found in groupnames.rules(seen, late, adds, drops) if late else ():
        yield replace(found, rank=found.rank + 10)  # after what says that of the route
    yield from crossed.rules([*sends, *adds])
    yield from fillings.rules(sends, adds, drops)


_HOOKS = (*GENERIC, *HANDLERS, "dispatch", "close", "websocket_close")


def _is_called(seen: Evidence, function: Function) -> bool:
    """Whether anybody says the name of a consumer's method, or the library does."""
    owner, name = function.owner, function.name
    if owner is None or name.startswith("__") or name in _HOOKS:
        return True
    return any(
        isinstance(node, ast.Attribute | ast.Constant)
        and getattr(node, "attr", getattr(node, "value", "")) == name
        for module in seen.source.modules.values()
        if not is_aside(module.file)
        for node in walk(module.tree)
    )


UNCALLED = "channels.layers.get_channel_layer"
TWO = ("group_send", "group_add", "group_discard")


def _uncalled(function: Function, call: ast.Call, method: str) -> Found:
    return Found(
        "group-layer-not-called",
        f"'function' object has no attribute '{method}'",
        at(function, call),
        50,
        TRIED,
        "get_channel_layer() with parentheses",
    )


def _is_turned(call: ast.Call, function: Function) -> bool:
    """Whether the message stands where the name of the group or channel is due."""
    first, second = given(call, 0, "group"), given(call, 1, "message")
    return (
        first is not None
        and second is not None
        and written(first, function) is not None
        and written(second, function) is None
    )


def _turned(function: Function, call: ast.Call, method: str) -> Found:
    return Found(
        "group-add-arguments-swapped",
        "the name must be a valid unicode string, and is a dict",
        at(function, call),
        50,
        TRIED,
        f"{method}(name, message)",
    )


def _number(call: ast.Call, method: str) -> int:
    """How many arguments a call has; enough where that is not known."""
    func: ast.AST = call.func
    if isinstance(func, ast.Call) and func.args:
        func = func.args[0]  # of async_to_sync
    if getattr(func, "attr", "") != method:
        return 2  # by another name, which may hold the group already
    open_end = any(isinstance(one, ast.Starred) for one in call.args)
    open_end = open_end or any(word.arg is None for word in call.keywords)
    found = len(call.args) + len(call.keywords)
    return 2 if open_end else found


def _too_few(function: Function, call: ast.Call, method: str) -> Found:
    second = "message" if method == "group_send" else "channel"
    return Found(
        "group-call-without-group",
        f"{method}() missing 1 required positional argument: '{second}'",
        at(function, call),
        50,
        TRIED,
        f"{method}(group, {second})",
    )


def _too_many(function: Function, call: ast.Call, method: str) -> Found:
    number = 1 + len(call.args) + len(call.keywords)
    return Found(
        "python-arguments-differ",
        f"TypeError: {method}() takes 3 positional arguments but {number} were given",
        at(function, call),
        50,
        TRIED,
        f"{method}(name, message)" if "send" in method else f"{method}(group, channel)",
    )


def _is_real(seen: Evidence, frame: Frame) -> bool:
    """Whether ``self`` is a consumer that somebody meets, and no mere base."""
    routed = {leaf.get("consumer") for leaf in seen.leaves}
    owner = frame.owner
    return owner is None or not owner.heirs or owner.dotted in routed


def _is_met(seen: Evidence, frame: Frame) -> bool:
    """Whether a route leads to a consumer for sockets, where all routes are known."""
    owner = frame.owner
    routed = {leaf.get("consumer") for leaf in seen.leaves}
    if owner is None or not owner.kind or not routed or None in routed:
        return True
    if _is_replaced(owner, frame.function):
        return False
    line = {one.dotted for one in [owner, *owner.heirs]}
    sockets = any(owner.method(name) for name in (*HANDLERS, *GENERIC))
    return bool(line & routed) or not sockets


def _is_replaced(owner: Class, function: Function) -> bool:
    """Whether an heir has a ``connect`` of its own, and leaves out that of its base."""
    own = owner.method(function.name)
    if own is None or own is function or function.name not in (*GENERIC, *HANDLERS):
        return False
    return function.owner in owner.line_of_ancestors and not any(
        isinstance(node, ast.Attribute) and node.attr == function.name
        for one in owner.line_of_ancestors
        if one is not function.owner
        for method in one.methods.values()
        for node in walk(method.node)
    )


def called_by(call: ast.Call, function: Function) -> ast.expr:
    """What is called, or what the one value of its name is."""
    if isinstance(call.func, ast.Name):
        values = function.values.get(call.func.id, [])
        return values[0] if len(values) == 1 else call.func
    return call.func


def _join(frame: Frame, call: ast.Call, discards: bool) -> Iterator[Found]:
    function = frame.function
    place = at(function, call)
    group, channel = group_of(call), given(call, 1, "channel")
    if group is not None and ast.unparse(group).endswith("channel_name"):
        yield Found(
            "group-add-arguments-swapped",
            "Group name must be a valid unicode string",
            place,
            65,
            TRIED,
            "group_add(group, channel)",
        )
    elif channel is not None and _other_channel(function, channel):
        yield Found(
            "group-wrong-channel-joined",
            "nothing: another channel was joined",
            place,
            66,
            TRIED,
            "self.channel_name",
        )
    if not discards and function.owner is not None and function.owner.kind:
        yield Found(
            "group-no-discard",
            "the group keeps channels that are gone",
            _leaving(frame) or place,
            74,
            TRIED,
            "group_discard when a client leaves",
        )


def _leaving(frame: Frame) -> Place | None:
    """Where a consumer that joins by another class's method hears of the end."""
    owner = frame.owner if frame.owner is not frame.function.owner else None
    method = owner.methods.get("disconnect") if owner is not None else None
    return at(method, method.node) if method is not None else None


def _drop(
    frame: Frame, call: ast.Call, adds: list[tuple[Frame, ast.Call]]
) -> Iterator[Found]:
    """A group that is left and was never joined, where all names are known."""
    left = values(frame, group_of(call))
    of = [(member, add) for member, add in adds if member.owner is frame.owner]
    joined = [values(member, group_of(add)) for member, add in of]
    group = group_of(call)
    part = left is None and groupnames.bare(frame.function, group, of)
    if part and group is not None:
        left = frozenset([ast.unparse(group)])
    if frame.owner is None or not left or not joined:
        return
    names = [name for one in joined for name in one or (ANY,)]
    if part or not any(meet(one, other) for one in left for other in names):
        yield Found(
            "group-no-discard",
            f"{_shown(left)} is left, and {_shown(names)} was joined",
            at(frame.function, call),
            73,
            TRIED,
            "the same group in both calls",
        )


def _shown(names: Iterable[str]) -> str:
    return repr(min(names).replace(ANY, "…"))


def _other_channel(function: Function, node: ast.expr) -> bool:
    """Whether what joins a group is a text that is not the consumer's own channel."""
    if isinstance(node, (ast.Constant, ast.JoinedStr)):
        return True
    if isinstance(node, ast.Name):
        made = [ast.unparse(value) for value in function.values.get(node.id, [])]
        return bool(made) and not any("channel" in text for text in made)
    if is_a_text_of_its_own(function, node):
        return True
    if isinstance(node, ast.Attribute) and node.attr == "channel_layer":
        return True
    if not isinstance(node, ast.Attribute) or "channel" in node.attr:
        return False
    owner, whole = function.owner, ast.unparse(node)
    if owner is None or ast.unparse(node.value) != function.self_name:
        # An attribute of something that the consumer holds.
        begins = whole.startswith(f"{function.self_name}.")
        return begins and not any(part in whole for part in ("channel", "reply"))
    made = [ast.unparse(value) for _, value in owner.assigned(node.attr)]
    return bool(made) and not any("channel" in text for text in made)

"""What a handler looks for in an event of a group, against what is sent."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import REST
from tutor.doctor.rules.found import GENERIC, HANDLERS, TRIED, Found, at
from tutor.doctor.rules.groups.groupnames import given, group_of
from tutor.doctor.rules.groups.opened import opened
from tutor.doctor.source import Class, Function
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.values import ANY, values
from tutor.doctor.source.walking import walk


def rules(seen: Evidence, sends: list[tuple[Frame, ast.Call]]) -> Iterator[Found]:
    """Keys that no event of a handler's type has, where all events are known.

    Args:
        seen: the evidence.
        sends: the calls of ``group_send``, and of ``send``, as they run.
    """
    known: dict[str, set[str]] = {}
    senders: dict[str, list[Class | None]] = {}
    mine: list[tuple[Class | None, str, set[str], bool]] = []
    of_any: set[str] = set()  # the keys of events whose type only a run would tell
    for frame, call in sends:
        node = given(call, 1, "message")
        where, found = unfold(frame, node) if node is not None else (frame, None)
        message = opened(where, found)
        kinds = values(where, (message or {}).get("type")) or {ANY}
        if message is None or (REST in message and any(ANY in kind for kind in kinds)):
            return  # it may be an event of any type
        if any(ANY in kind for kind in kinds):
            of_any |= {*message}
            continue
        for kind in kinds:
            name = kind.replace(".", "_")
            known.setdefault(name, set()).update(message)
            senders.setdefault(name, []).append(frame.owner)
            group = ast.unparse(group_of(call) or ast.Constant(""))
            if REST not in message:
                here = group.startswith("self.")
                mine.append((frame.owner, name, set(message), here))
    later = of_any | set(_put(seen))
    for owner in seen.source.consumers():
        for name, method in owner.methods.items():
            sent = known.get(name)
            if sent is None or REST in sent or name in (*GENERIC, *HANDLERS):
                continue
            if _is_for_another(seen, owner, name, senders[name]):
                continue
            alone = not _also(seen, owner, name)
            own = [
                keys
                for sender, kind, keys, here in mine
                if kind == name and (alone or here)
                if owner
                in (
                    sender.line_of_ancestors
                    if sender and sender.kind
                    else [owner] * alone
                )
            ]
            sure = {id(node) for node in _always(method)}
            for node, key in _asked(method):
                lacks = [keys for keys in own if key not in keys]
                sent = lacks[0] if lacks and id(node) in sure else known[name]
                if key not in sent | later:
                    yield Found(
                        "group-event-without-key",
                        f"KeyError: {key!r}",
                        at(method, node),
                        65,
                        TRIED,
                        f"one of {', '.join(sorted(sent - {'type'})) or 'no keys'}",
                    )
                    return


def _also(seen: Evidence, owner: Class, name: str) -> list[Class]:
    """The other consumers that have a handler of this name."""
    return [
        one
        for one in seen.source.consumers()
        if name in one.methods
        and one not in owner.line_of_ancestors
        and owner not in one.line_of_ancestors
    ]


def _is_for_another(
    seen: Evidence, owner: Class, name: str, senders: list[Class | None]
) -> bool:
    """Whether the events may be meant for another consumer with such a handler."""
    return bool(_also(seen, owner, name)) and not any(
        one is not None
        and (one in owner.line_of_ancestors or owner in one.line_of_ancestors)
        for one in senders
    )


def groups(seen: Evidence) -> Iterator[Found]:
    """``groups = ("one")``: a text, which is gone through letter by letter."""
    for owner in seen.source.consumers():
        value = owner.attributes.get("groups")
        text = value.value if isinstance(value, ast.Constant) else None
        if value is not None and isinstance(text, str):
            yield Found(
                "consumer-groups-is-text",
                f"the groups {', '.join(map(repr, text[:3]))} … are joined",
                (owner.module.file, value.lineno),
                60,
                TRIED,
                f"groups = [{text!r}]",
            )


def _asked(method: Function) -> Iterator[tuple[ast.Subscript, str]]:
    """The keys that a handler takes from its event, whether it has them or not."""
    taken = [one.arg for one in method.node.args.args[1:2]]
    nodes = list(walk(method.node))
    if any(isinstance(node, (ast.Try, ast.In, ast.NotIn)) for node in nodes):
        return
    for node in nodes:
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.ctx, ast.Load)
            and isinstance(node.value, ast.Name)
            and node.value.id in taken
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
        ):
            yield node, node.slice.value


def _always(method: Function) -> Iterator[ast.AST]:
    """What a handler does with each event, whatever is in it."""
    later = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.Match)
    odd = (ast.IfExp, ast.BoolOp, ast.comprehension, ast.Lambda, ast.Return)
    for statement in method.node.body:
        if isinstance(statement, later):
            return  # it may have ended here
        nodes = list(walk(statement))
        if not any(isinstance(node, odd) for node in nodes):
            yield from nodes


_NO_EVENTS = ("scope", "session", "environ")  # dicts that are no part of a message


def _put(seen: Evidence) -> Iterator[str]:
    """The keys that anything is given after it was made."""
    for module in seen.source.modules.values():
        for node in walk(module.tree) if not is_aside(module.file) else ():
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                whose = ast.unparse(node.value).rpartition(".")[2]
                if isinstance(node.slice, ast.Constant) and whose not in _NO_EVENTS:
                    yield str(node.slice.value)
            elif isinstance(node, ast.Call) and (
                getattr(node.func, "attr", "") in ("update", "setdefault")
            ):
                parts = [part for one in node.args for part in [one, *walk(one)]]
                yield from (word.arg for word in node.keywords if word.arg)
                for part in parts:
                    if isinstance(part, ast.Constant):
                        yield str(part.value)

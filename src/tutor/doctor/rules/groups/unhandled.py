"""What a group is sent, against the handlers of the consumers that hear it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers import signatures
from tutor.doctor.rules.consumers.written import REST, written
from tutor.doctor.rules.found import GENERIC, HANDLERS, TRIED, Found, Place
from tutor.doctor.rules.groups.groupnames import asked, given, group_of
from tutor.doctor.rules.groups.opened import opened
from tutor.doctor.source import Class
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.values import ANY, values
from tutor.doctor.source.walking import walk


def event(
    seen: Evidence, frame: Frame, call: ast.Call, joined: list[Class]
) -> Iterator[Found]:
    node = given(call, 1, "message")
    where, found = unfold(frame, node) if node is not None else (frame, None)
    message = opened(where, found)
    place, expected = asked(frame, node, call), "a type that names a handler"
    if message is None:
        if _is_text(where, found):
            yield Found(
                "group-message-without-type",
                "AssertionError: Message is not a dict",
                place,
                65,
                TRIED,
                expected,
                "A layer takes the dict itself, and no text of it.",
            )
        return
    kind = message.get("type")
    if kind is None:
        if not _unpacked(where, message.get(REST)):
            slug = "group-message-without-type"
            got = "Incoming message has no 'type' attribute"
            yield Found(slug, got, place, 65, TRIED, expected)
        return
    for text in sorted(values(where, kind) or ()):
        if text.startswith("_"):
            yield Found(
                "group-handler-missing-closes-everyone",
                "Malformed type in message (leading underscore)",
                place,
                65,
                TRIED,
                "a type, and a handler, without an underscore before it",
            )
        elif ANY not in text:
            by = asked(where, kind, call) if where.given else place
            yield from signatures.of_an_event(text, joined)
            yield from _kind(seen, text, by)


def _is_text(where: Frame, node: ast.expr | None) -> bool:
    """Whether a text stands where an event is due, such as one of json.dumps()."""
    if isinstance(node, ast.Call):
        made = where.module.resolve(node.func, where.function)
        return made in ("json.dumps", "builtins.str")
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _unpacked(where: Frame, rest: ast.expr | None) -> bool:
    """Whether what a message unpacks may hold its type."""
    if rest is None:
        return False
    more = where.function.node.args.kwarg
    if more is not None and getattr(rest, "id", "") == more.arg and where.given:
        return "type" in where.given
    return True


def deaf(
    seen: Evidence, frame: Frame, call: ast.Call, adds: list[tuple[Frame, ast.Call]]
) -> Iterator[Found]:
    """A consumer that joins the very group, and has no handler for what is sent."""
    node = given(call, 1, "message")
    where, found = unfold(frame, node) if node is not None else (frame, None)
    message = written(found, where.function) or {}
    kinds = values(where, message.get("type")) or frozenset()
    groups = values(frame, group_of(call)) or frozenset()
    for member, add in adds:
        owner = member.owner
        joined = values(member, group_of(add)) or frozenset()
        if owner is None or not owner.kind or owner.method("dispatch") is not None:
            continue
        for kind in sorted(kinds) if groups & joined - {ANY} else ():
            wanted = kind.replace(".", "_")
            if ANY in kind or wanted.startswith("websocket_") or owner.method(wanted):
                continue
            names = [n for n in owner.methods if n not in (*HANDLERS, *GENERIC)]
            near = seen.near(wanted, names, 0.5)
            line = owner.methods[near].node.lineno if near else owner.node.lineno
            yield Found(
                "group-handler-missing-closes-everyone",
                f"No handler for message type {kind}",
                (owner.module.file, line),
                65,
                TRIED,
                f"a method {wanted} in {owner.name}",
            )


def _kind(seen: Evidence, kind: str, place: Place) -> Iterator[Found]:
    """An event whose type no consumer has a handler for."""
    wanted, expected = kind.replace(".", "_"), "a type that names a handler"
    got = f"No handler for message type {kind}"
    if wanted.startswith("websocket_") and wanted not in HANDLERS:
        yield Found("group-sends-raw-websocket-event", got, place, 65, TRIED, expected)
        return
    consumers = seen.source.consumers()
    if wanted in GENERIC and consumers:
        yield Found(
            "group-handler-missing-closes-everyone",
            f"an event is given to {wanted}(), as if a client had sent it",
            place,
            45,
            TRIED,
            expected,
            f"{wanted}() is for the library to call: give the event a handler.",
        )
        return
    if consumers and not (
        any(one.method(wanted) for one in consumers) or _heard(seen, kind)
    ):
        near = [(seen.near(wanted, one.methods, 0.5), one) for one in consumers]
        for name, one in near:
            if name and name not in (*HANDLERS, *GENERIC):
                place = one.module.file, one.methods[name].node.lineno
                break
        slug = "group-handler-missing-closes-everyone"
        yield Found(slug, got, place, 65, TRIED, expected)


def _heard(seen: Evidence, kind: str) -> bool:
    """Whether the project receives events itself, and asks for this type."""
    nodes = [
        node
        for module in seen.source.modules.values()
        if not is_aside(module.file)
        for node in walk(module.tree)
    ]
    return any(
        isinstance(node, ast.Attribute) and node.attr == "new_channel" for node in nodes
    ) and any(
        isinstance(part, ast.Constant)
        and (part.value == kind or isinstance(node, ast.If))
        for node in nodes
        if isinstance(node, (ast.Compare, ast.match_case)) or _takes_all(node)
        for part in walk(node.test if isinstance(node, ast.If) else node)
    )


def _takes_all(node: ast.AST) -> bool:
    """Whether something is done with one type of event, and with every other one."""
    return (
        isinstance(node, ast.If)
        and "type" in ast.unparse(node.test)
        and bool(node.orelse)
        and not isinstance(node.orelse[0], ast.If)
    )

"""Events that a consumer has a handler for, of a group that it never joins."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import written
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.rules.groups.groupnames import (
    given,
    group_of,
    joined_elsewhere,
    meet,
)
from tutor.doctor.rules.groups.sent import jobs
from tutor.doctor.source import Class
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.values import ANY, values

Call = tuple[Frame, ast.Call]
NEAR = 0.6  # of two spellings of one name
_PLAIN = ("channels.", "abc.", "typing.", "builtins.")


def rules(seen: Evidence, sends: list[Call], adds: list[Call]) -> Iterator[Found]:
    """Handlers that no event reaches.

    Args:
        seen: the evidence.
        sends: the calls of ``group_send``, as they run.
        adds: the calls of ``group_add``.
    """
    joins = [frame.owner for frame, _ in adds]
    if _by_another(seen, adds):
        return
    routed = {leaf.get("consumer") for leaf in seen.leaves}
    told = {job.kind for job in jobs(seen)}
    done: set[str] = set()
    for frame, call in sends:
        node = given(call, 1, "message")
        where, found = unfold(frame, node) if node is not None else (frame, None)
        message = written(found, where.function) or {}
        for kind in sorted(values(where, message.get("type")) or ()):
            if ANY in kind or kind in done or told & {kind, None}:
                continue
            done.add(kind)
            hear = [
                one
                for one in seen.source.consumers()
                if one.method(kind.replace(".", "_"))
            ]
            deaf = [one for one in hear if one.dotted in routed]
            if deaf and not any(_joins(one, joins) for one in hear):
                yield _deaf(deaf[0], kind)


def unjoined(
    seen: Evidence, sends: list[Call], adds: list[Call]
) -> list[tuple[ast.Call, Found]]:
    """Events to a group that nobody joins, where each that is joined hears others.

    So none of those was meant by another name: the one group has been forgotten.
    """
    known = [values(frame, group_of(call)) for frame, call in adds]
    told = [values(frame, group_of(call)) for frame, call in sends]
    joined = {name for names in known for name in names or ()}
    heard = {
        one
        for one in joined
        for names in told
        if names is None or any(meet(one, name) for name in names)
    }
    found: list[tuple[ast.Call, Found]] = []
    if None in known or not joined or heard < joined or _by_another(seen, adds):
        return []
    routed = {leaf.get("consumer") for leaf in seen.leaves}
    for (frame, call), names in zip(sends, told, strict=True):
        message = written(given(call, 1, "message"), frame.function) or {}
        kind = next(iter(values(frame, message.get("type")) or ()), "")
        hear = [
            one
            for one in seen.source.consumers()
            if one.dotted in routed and one.method(kind.replace(".", "_"))
        ]
        hear = [] if any(_joins(one, []) for one in hear) else hear
        near = (meet(a, b) or _alike(a, b) for a in names or () for b in joined)
        if hear and names and not any(near):
            found.append((call, _deaf(hear[0], kind)))
    return found


def _by_another(seen: Evidence, adds: list[Call]) -> bool:
    """Whether somebody joins in the name of a consumer, perhaps over its layer."""
    owners = [frame.owner for frame, _ in adds]
    return any(one is None or not one.kind for one in owners) or any(
        True for _ in joined_elsewhere(seen)
    )


def _alike(one: str, other: str) -> bool:
    """Whether two names may be one that is spelt in two ways."""
    return difflib.SequenceMatcher(None, one, other).ratio() > NEAR


def _joins(one: Class, joins: list[Class | None]) -> bool:
    """Whether a consumer joins some group, or may do so where nobody can look."""
    return (
        one in joins
        or any("groups" in above.attributes for above in one.line_of_ancestors)
        or any(not base.startswith(_PLAIN) for base in one.library_bases())
    )


def _deaf(one: Class, kind: str) -> Found:
    method = one.method("websocket_connect") or one.method("connect")
    line = method.node.lineno if method else one.node.lineno
    module = method.module if method else one.module
    return Found(
        "group-never-joined",
        f"nothing: {one.name} hears no {kind!r}, as it is in no group",
        (module.file, line),
        65,
        TRIED,
        "group_add(group, self.channel_name) before accept()",
    )

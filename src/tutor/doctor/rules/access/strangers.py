"""Crashes of a handshake by somebody who has not logged in, and whom nobody refused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access import turned
from tutor.doctor.rules.found import Place
from tutor.doctor.source import Class, Function
from tutor.doctor.source.walking import walk

_NOBODY = re.compile(r"\bAnonymousUser\b")
# Who has logged in is taken for what the scope's object stands for.
_STORED = re.compile(
    r"Cannot assign \"<[^>]*UserLazyObject|got <[^>]*(UserLazyObject|AnonymousUser)"
    r"|DB representation for AnonymousUser|not '(UserLazyObject|AnonymousUser)'"
)
_NOTHING = re.compile(r"'NoneType' object|\bNoneType\b")
# What is None for a visitor without a session, or without a login.
_MISSING = {"session_key", "pk", "id"}


def refused(seen: Evidence, told: list[str], sent: list[Event]) -> Place | None:
    """Where a handshake was refused by a method that went on, and then raised."""
    kinds = [one["type"] for one in sent]
    if told[-1:] != ["websocket.connect"] or kinds[-1:] != ["websocket.close"]:
        return None
    place = seen.place(sent[-1]["at"])
    return place if place[0] else None


def is_stored(seen: Evidence, links: list[Event], leaf: Event) -> bool:
    """Whether nobody was to be stored as a user, since nobody asked who it is."""
    text = " ".join(link["text"] for link in links)
    return bool(_STORED.search(text)) and _unasked(seen, leaf)


def is_stranger(seen: Evidence, links: list[Event], leaf: Event) -> bool:
    """Whether a handshake raised because its visitor is nobody, and nobody asked.

    Args:
        seen: the evidence.
        links: the exception and its causes.
        leaf: the route that was knocked at.
    """
    text = " ".join(link["text"] for link in links)
    if _NOBODY.search(text):
        return not _asks_at_all(seen, leaf)  # whoever has put nobody there
    if not _unasked(seen, leaf):
        return False
    return bool(_NOTHING.search(text)) and any(
        isinstance(node, ast.Attribute) and node.attr in _MISSING and _of_a_scope(node)
        for function in _frames(seen, links)
        for node in walk(function.node)
    )


def _unasked(seen: Evidence, leaf: Event) -> bool:
    """Whether a route knows who is there, and its consumer never asks."""
    known = "channels.auth.AuthMiddleware" in " ".join(leaf.get("chain", []))
    return known and not _asks_at_all(seen, leaf)


def _asks_at_all(seen: Evidence, leaf: Event) -> bool:
    """Whether the consumer of a route asks who is there, or is not known."""
    owner = seen.consumer_class(leaf.get("consumer"))
    if owner is not None and turned.place(owner) is not None:
        return False  # it asks, and refuses who is known
    return owner is None or any(map(_asks, owner.line_of_ancestors))


def _frames(seen: Evidence, links: list[Event]) -> Iterator[Function]:
    for frame in links[-1]["frames"]:
        function = seen.function_at(seen.place(frame)) if frame["own"] else None
        if function is not None:
            yield function


def _of_a_scope(node: ast.Attribute) -> bool:
    """Whether an attribute is that of a scope's user, or of its session."""
    return bool(re.search(r"\b(user|session)\b", ast.unparse(node.value)))


def _asks(one: Class) -> bool:
    """Whether a consumer asks anywhere whether its visitor has logged in."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in ("is_authenticated", "is_anonymous", "is_active", "is_staff")
        for node in walk(one.node)
    )

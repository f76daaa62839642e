"""Whether a message of ours may lack what the project's own pages send."""

from __future__ import annotations

import ast
import re

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.crashes.crash import Crash
from tutor.doctor.rules.found import Place
from tutor.doctor.source import Class, calls


def is_nested(seen: Evidence, crash: Crash, place: Place) -> bool:
    """Whether it is inside of a message that was parsed: ours holds texts there."""
    owner = seen.consumer_class(crash.leaf.get("consumer"))
    if owner is None or not reads_json(owner):
        return False
    return any(
        isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript)
        for node in seen.nodes_at(place)
    )


BAD_INPUT = {
    "JSONDecodeError",
    "KeyError",
    "ValueError",
    "TypeError",
    "IndexError",
    "UnicodeDecodeError",
    "AttributeError",
}


# What it is called where a text stands in place of what a page would send.
OF_TYPES = (
    None,
    "consumer-json-not-parsed",
    "consumer-json-parsed-twice",
    "consumer-message-is-no-dict",
)


def is_of_the_message(seen: Evidence, crash: Crash, slug: str | None) -> bool:
    """Whether a message of ours may lack what the project's own pages send."""
    root = crash.links[-1]
    if crash.told != "websocket.receive" or root["type"] not in BAD_INPUT:
        return False
    if slug is None:
        return not is_of_the_code(root)
    owner = seen.consumer_class(crash.leaf.get("consumer"))
    own = bool(root["frames"]) and bool(root["frames"][-1]["own"])
    return own and owner is not None and reads_json(owner)


def reads_json(owner: Class) -> bool:
    """Whether a consumer makes something of the text before it uses it."""
    return owner.kind.endswith("json") or any(
        calls.name_of(call, method).endswith(("loads", "decode_json", "validate_json"))
        for one in owner.line_of_ancestors
        for method in one.methods.values()
        for call in calls.calls(method.node)
    )


def is_of_the_code(root: Event) -> bool:
    """Whether an exception has to do with the code itself, whatever was sent."""
    if root["type"] == "AttributeError":
        return not re.match(
            r"'(str|int|float|bool|list|dict|NoneType)' object has no", root["text"]
        )
    return root["type"] == "TypeError" and bool(
        re.search(
            r"positional argument|keyword argument|in 'await'|once a slice has been",
            root["text"],
        )
    )

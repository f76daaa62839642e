"""What a known text means here, and where: the same one has several causes."""

from __future__ import annotations

import ast
import re

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers import dates
from tutor.doctor.rules.consumers.crashes.crash import (
    Crash,
    connecting,
    from_async,
    handler_place,
)
from tutor.doctor.rules.consumers.lines import (
    Cause,
    of_middleware,
    of_pydantic,
    query,
    sends_there,
    uncalled,
)
from tutor.doctor.rules.consumers.unset import OF_JSON
from tutor.doctor.rules.database.lazy import made_lazily
from tutor.doctor.rules.found import Place, last_line
from tutor.doctor.rules.project.asgi import websocket_place
from tutor.doctor.source.walking import walk

_UNKNOWN = re.compile(r"Object of type (\w+) is not JSON|can not serialize '([\w.]+)'")
_UNWRITTEN = ("db-model-instance-in-event", "redis-message-not-serialisable")


def refined(seen: Evidence, crash: Crash, slug: str, place: Place) -> Cause:
    if slug.startswith("redis-server-") or slug == "redis-password-missing":
        return slug, seen.used("CHANNEL_LAYERS"), ""
    if slug == "auth-middleware-channels-2-signature":
        named = re.search(r"(\w+)\.__call__\(\)", last_line(crash.links))
        called_there = [
            one.methods["__call__"]
            for one in seen.source.classes.values()
            if named and one.name == named[1] and "__call__" in one.methods
        ]
        for method in called_there:
            return slug, (method.module.file, method.node.lineno), ""
        return slug, (place if place[0] else (seen.asgi_file, None)), ""
    if slug == "auth-middleware-order":
        return slug, websocket_place(seen), ""
    files = [frame["file"] for link in crash.links for frame in link["frames"]]
    if any("contrib/auth/decorators" in file for file in files):
        slug, place = "auth-login-required-on-consumer", (None, None)
    if place[0] is None:
        file, line = handler_place(seen, crash)
        function = seen.function_at((file, line))
        if slug == "auth-login-required-on-consumer" and function is not None:
            line = next((d.lineno for d in function.node.decorator_list), line)
        return slug, (file, line), ""
    if slug == "python-function-not-called" and "serializ" in str(crash.links[-1]):
        return slug, uncalled(seen, place), ""
    if slug == "db-model-instance-in-event" and of_pydantic(seen, crash.links):
        return "consumer-pydantic-model-sent", place, ""
    unknown = _UNKNOWN.search(" ".join(link["text"] for link in crash.links))
    if unknown and slug in _UNWRITTEN:
        return slug, dates.place_of(seen, unknown[1] or unknown[2]) or place, ""
    if slug == "db-orm-in-async-consumer":
        at = from_async(seen, crash)
        outer = seen.function_at(at) if at else None
        if outer is not None and of_middleware(seen, outer):
            return "auth-middleware-queries-synchronously", place, ""
        lazy = made_lazily(seen, outer, at) if outer and at else None
        if lazy is not None:
            return "db-lazy-queryset-returned", lazy, ""
        if any(_fetches(frame) for link in crash.links for frame in link["frames"]):
            return "db-related-object-touched-later", place, ""
        return query(seen, place), place, ""
    if slug == "consumer-send-before-accept" and not _accepts(seen, crash):
        return "consumer-never-accepts", connecting(seen, crash) or place, ""
    if "no attribute 'send_json'" in crash.links[-1]["text"]:
        return slug, place, OF_JSON
    if slug == "group-async-to-sync-in-async-consumer":
        if sends_there(seen, place):
            return "consumer-await-in-sync-consumer", place, ""
        return slug, from_async(seen, crash) or place, ""
    return slug, place, ""


def _fetches(frame: Event) -> bool:
    """Whether a frame is that of a row which fetches what it leads to."""
    in_row = str(frame["file"]).endswith("related_descriptors.py")
    return in_row and frame["name"] == "__get__"


def _accepts(seen: Evidence, crash: Crash) -> bool:
    """Whether the consumer accepts its socket anywhere, or leaves it to the library."""
    owner = seen.consumer_class(crash.leaf.get("consumer"))
    line = owner.line_of_ancestors if owner else []
    methods = [method for one in line for method in one.methods.values()]
    nodes = [node for method in methods for node in walk(method.node)]
    if any(isinstance(node, ast.Attribute) and node.attr == "accept" for node in nodes):
        return True
    connects = [one.methods["connect"] for one in line if "connect" in one.methods]
    return not connects or "super().connect" in ast.unparse(connects[-1].node)

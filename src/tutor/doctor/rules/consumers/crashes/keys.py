"""A key that is missing: in the scope, or in what a client sent."""

from __future__ import annotations

import ast
import re

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.crashes.crash import Crash
from tutor.doctor.rules.consumers.lines import Cause
from tutor.doctor.rules.found import Place, at
from tutor.doctor.rules.project.asgi import websocket_place
from tutor.doctor.source import Function
from tutor.doctor.source.walking import walk

# Keys that a message of ours may lack, though a consumer looks for them.
_UNSAID = ("text", "message", "type", "user", "code", "bytes", "headers")


_DEEPER = "What a route captures stands in self.scope['url_route']['kwargs']."
_OTHER = re.compile(r"session|cookies|headers|environ|settings")


def _held(seen: Evidence, place: Place, key: str) -> list[str]:
    """What a key is looked for in, at a line."""
    return [
        ast.unparse(node.value)
        for node in seen.nodes_at(place)
        if isinstance(node, ast.Subscript) and getattr(node.slice, "value", None) == key
    ]


def missing(seen: Evidence, crash: Crash, key: str, place: Place) -> Cause | None:
    source = " ".join(
        ast.unparse(n)
        for n in seen.nodes_at(place)
        if isinstance(n, ast.stmt)
        and not isinstance(n, (ast.ClassDef, ast.AsyncFunctionDef, ast.FunctionDef))
    )
    if key == "type" and _sends(seen, place):
        hint = "This message has no type: it is a key of each of them."
        return "consumer-send-type-misspelled", place, hint
    if key == "user" and (place[0] is None or "scope" in source):
        module_line = seen.asgi_file, None
        chain = " ".join(crash.leaf.get("chain", []))
        if "channels.auth.AuthMiddleware" not in chain:
            where = _puts_a_user(seen)
            if where is not None:
                hint = f"{where.name} puts one there for some visitors only."
                return "auth-stack-missing", at(where, where.node), hint
            return "auth-stack-missing", websocket_place(seen), ""
        return None, module_line, ""
    if _is_in(seen, place, key, "url_route") and key not in ("kwargs", "args"):
        return "routing-kwarg-name-differs", place, _DEEPER
    held = _held(seen, place, key)
    if key == "url_route" and (not held or _is_in(seen, place, key, "scope")):
        return "routing-consumer-outside-urlrouter", websocket_place(seen), ""
    if key in ("text", "bytes") and crash.phase == "binary":
        return "consumer-binary-frame-keyerror", place, ""
    if any(_OTHER.search(one) for one in held):
        return None
    names = [name for step in crash.leaf.get("steps", []) for name in step["names"]]
    said = crash.told == "websocket.receive" and crash.phase == "json"
    if said and key in _UNSAID and _of_a_client(seen, place, key):
        return "consumer-unvalidated-input-closes-socket", place, ""
    entering = crash.told == "websocket.connect" and not _is_an_events(crash)
    asked = "kwargs" in source or (place[0] and entering)
    aside = key != "kwargs" and _of_the_scope(seen, place, key)
    if aside and key in names:
        return "routing-kwarg-name-differs", place, _DEEPER
    if asked and key not in names and not aside:
        captured = ", ".join(names) or "nothing"
        hint = f"The route captures {captured}."
        if key == "kwargs":
            hint = "kwargs stands in self.scope['url_route']."
        return "routing-kwarg-name-differs", place, hint
    return None


def _sends(seen: Evidence, place: Place) -> bool:
    """Whether a line gives a message to the server, and asks nothing for a type."""
    function = seen.function_at(place)
    sent = [
        node
        for node in seen.nodes_at(place)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == f"{function and function.self_name}.send"
    ]
    return bool(sent) and not _held(seen, place, "type")


def _is_in(seen: Evidence, place: Place, key: str, name: str) -> bool:
    """Whether a key is looked for in ``self.scope``, or in ``self.scope["name"]``."""
    end = re.compile(rf"\b{name}(['\"]\])?$")
    return any(end.search(one) for one in _held(seen, place, key))


def _is_an_events(crash: Crash) -> bool:
    """Whether a handler of another event ended so, before the client said a word."""
    names = {frame["name"] for frame in crash.links[-1]["frames"]}
    return "dispatch" in names and not names & {"websocket_connect", "connect"}


def _of_the_scope(seen: Evidence, place: Place, key: str) -> bool:
    """Whether a line asks the scope itself for a key, and no part of it."""
    return any(
        isinstance(node, ast.Subscript)
        and getattr(node.slice, "value", None) == key
        and ast.unparse(node.value).rpartition(".")[2] == "scope"
        for node in seen.nodes_at(place)
    )


def _of_a_client(seen: Evidence, place: Place, key: str) -> bool:
    """Whether a line takes a key out of what was parsed, and of no event."""
    function = seen.function_at(place)
    given = [one.arg for one in function.node.args.args] if function else []
    if function is not None and function.name == "receive_json":
        given = given[:1]
    for node in seen.nodes_at(place):
        for one in walk(node) if isinstance(node, ast.expr) else ():
            if isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Constant):
                held = getattr(one.value, "id", "")
                if one.slice.value == key and held and held not in given:
                    return True
    return False


def is_parsed(seen: Evidence, place: Place) -> bool:
    """Whether a line uses what a function has parsed of a client's message."""
    function = seen.function_at(place)
    nodes = [*walk(function.node)] if function is not None else []
    found: set[str] = set()

    def is_of_it(node: ast.AST) -> bool:
        parts = (node, *walk(node))
        return any(
            getattr(one, "id", "") in found or getattr(one, "attr", "") == "loads"
            for one in parts
        )

    for node in sorted(nodes, key=lambda one: getattr(one, "lineno", 0)):
        if isinstance(node, ast.Assign) and is_of_it(node.value):
            stored = [one for one in walk(node) if isinstance(one, ast.Name)]
            found |= {one.id for one in stored if isinstance(one.ctx, ast.Store)}
    there = [one for one in seen.nodes_at(place) if isinstance(one, ast.expr)]
    return any(is_of_it(one) for one in there)


def _puts_a_user(seen: Evidence) -> Function | None:
    """The project's own middleware that gives a scope its user."""
    for function in seen.source.all_functions():
        own = function.owner is None or not function.owner.kind
        for node in walk(function.node) if own and function.is_async else ():
            held = node.value if isinstance(node, ast.Subscript) else None
            if (
                isinstance(node, ast.Subscript)
                and isinstance(node.ctx, ast.Store)
                and getattr(node.slice, "value", "") == "user"
                and ast.unparse(held or node) in ("scope", "self.scope")
            ):
                return function
    return None

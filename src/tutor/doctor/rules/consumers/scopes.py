"""What is looked up in a scope, whose texts are bytes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.project.asgi import websocket_place
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import walk

_LOOKS_UP = ("filter", "exclude", "get", "aget", "get_or_create", "aget_or_create")
QUERY_DICT = "django.http.request.QueryDict"
RANK = 66
DEEP = 5  # a name may be given what it stood for before
# What Channels itself puts around consumers that knows of no user.
_PLAIN = ("channels.routing.", "channels.security.")
_WITHOUT = {"user": (*_PLAIN, "channels.sessions."), "session": _PLAIN}
_PUTS_ONE = r"""scope\[['"]%s['"]\]\s*=|\bscope\s*=\s*\{|dict\(scope"""
PARSERS = ("urllib.parse.parse_qs", "urllib.parse.parse_qsl", "django.http.QueryDict")


def rules(seen: Evidence) -> Iterator[Found]:
    for key, without in _WITHOUT.items():
        yield from _nobody(seen, key, without)
    for function in seen.source.all_functions():
        yield from _query(function)
        yield from _shown(function)
        yield from _headers(function)
        yield from _lists(function)


def _nobody(seen: Evidence, key: str, without: tuple[str, ...]) -> Iterator[Found]:
    """A consumer that takes its user from a scope into which nothing puts one.

    Args:
        seen: the evidence.
        key: ``user`` or ``session``.
        without: the beginnings of what puts no such thing into a scope.
    """
    puts = re.compile(_PUTS_ONE % key)
    if any(puts.search(one.text) for one in seen.source.modules.values()):
        return
    protocols = seen.walk.get("protocols") or {}
    outer = (protocols.get("websocket") or {}).get("chain", [])
    for leaf in seen.leaves:
        owner = seen.consumer_class(leaf.get("consumer"))
        chain = [*outer, *leaf["chain"]]
        if owner is None or not all(one.startswith(without) for one in chain):
            continue
        methods = [m for one in owner.line_of_ancestors for m in one.methods.values()]
        if any(_needs(one, key) for one in methods):
            yield Found(
                "auth-stack-missing",
                f"KeyError: {key!r}",
                websocket_place(seen),
                63,
                TRIED,
                f"an application that puts the {key} into the scope",
            )
            return


def _needs(method: Function, key: str) -> bool:
    """Whether a method takes such a thing, and is not ready for a scope without one."""
    nodes = list(walk(method.node))
    tried = [one for node in nodes if isinstance(node, ast.Try) for one in node.body]
    ready = {id(inner) for one in tried for inner in walk(one)}
    if any(getattr(getattr(n, "left", None), "value", None) == key for n in nodes):
        return False  # if "user" in self.scope
    return any(
        isinstance(n, ast.Subscript) and id(n) not in ready and _asks_for(n, key)
        for n in nodes
    )


def _looked_up(node: ast.AST) -> tuple[ast.expr | None, ast.expr | None]:
    """Where something is asked for, and by which key: ``m[key]``, ``m.get(key)``."""
    if isinstance(node, ast.Subscript):
        return node.value, node.slice
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("get", "pop")
        and node.args
    ):
        return node.func.value, node.args[0]
    return None, None


def _headers(function: Function) -> Iterator[Found]:
    """A header that is asked for by a text, or by a name with capitals."""
    nodes = list(walk(function.node))
    if not any(getattr(node, "value", "") == "headers" for node in nodes):
        return
    names = _names_of_headers(function)
    for node in nodes:
        place, key = _looked_up(node)
        if isinstance(node, ast.Compare):
            place, key = node.comparators[0], node.left
            if isinstance(node.ops[0], ast.Eq) and getattr(key, "id", "") in names:
                place, key = None, place
            elif not isinstance(node.ops[0], ast.In | ast.NotIn):
                continue
        told = key.value if isinstance(key, ast.Constant) else None
        if not isinstance(told, str | bytes):
            continue
        name = (told if isinstance(told, str) else told.decode("latin-1")).lower()
        if told == name.encode("latin-1", "replace"):
            continue
        if place is None or _is_headers(place, function):
            yield Found(
                "auth-headers-are-bytes",
                f"no {told!r}: the names of headers are bytes without capitals",
                at(function, node),
                RANK,
                TRIED,
                f"b{name!r}",
            )
            return


def _names_of_headers(function: Function) -> set[str]:
    """What a loop over a scope's headers calls their names."""
    found = set()
    for node in walk(function.node):
        if isinstance(node, ast.For | ast.comprehension):
            first = next(iter(getattr(node.target, "elts", ())), None)
            if isinstance(first, ast.Name) and _asks_for(node.iter, "headers"):
                found.add(first.id)
    return found


def _is_headers(node: ast.expr, function: Function, depth: int = 0) -> bool:
    """Whether an expression holds the headers of a scope, or them by their names."""
    if _asks_for(node, "headers"):
        return True
    if isinstance(node, ast.Name):
        made = function.values.get(node.id, [])
        return (
            len(made) == 1
            and depth < DEEP
            and _is_headers(made[0], function, depth + 1)
        )
    if isinstance(node, ast.Call) and len(node.args) == 1:
        known = calls.name_of(node, function) == "builtins.dict"
        return known and _asks_for(node.args[0], "headers")
    return False


def _asks_for(node: ast.expr, key: str) -> bool:
    """``scope["headers"]``, ``scope.get("headers", [])``."""
    given: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        given, held = node.slice, node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        held = node.func.value
        given = node.args[0] if node.func.attr == "get" and node.args else None
    if not isinstance(given, ast.Constant) or given.value != key:
        return False
    return "scope" in ast.unparse(held)


def _query(function: Function) -> Iterator[Found]:
    """The pairs of a query string that nobody decoded, asked for a text."""
    nodes = list(walk(function.node))
    if not any(getattr(node, "value", "") == "query_string" for node in nodes):
        return
    for node in nodes:
        place, key = _looked_up(node)
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In):
            place, key = node.comparators[0], node.left
        told = key.value if isinstance(key, ast.Constant) else None
        raw = place is not None and (
            _is_raw(place, function) or _is_bytes(place, function)
        )
        if raw and isinstance(told, str) and not _decodes(place, function):
            yield Found(
                "auth-query-string-is-bytes",
                f"no {told!r}: the query string's names are bytes, as in b{told!r}",
                at(function, node),
                RANK,
                TRIED,
                'parse_qs(scope["query_string"].decode())',
            )
            return


def _lists(function: Function) -> Iterator[Found]:
    """``parse_qs(…).get("room", "")``: each name of a query has a list of values."""
    if "parse_qs(" not in function.module.text:
        return
    for used in _as_texts(function):
        made = function.values.get(getattr(used, "id", ""), [])
        place, _ = _looked_up(made[0] if len(made) == 1 else used)
        if isinstance(place, ast.Name) and len(function.values.get(place.id, [])) == 1:
            place = function.values[place.id][0]
        call = place if isinstance(place, ast.Call) else None
        if call is not None and calls.name_of(call, function) == PARSERS[0]:
            yield Found(
                None,
                f"{ast.unparse(used)} is a list, and never equal to a text",
                at(function, used),
                RANK,
                TRIED,
                "the first of them: [0]",
                "parse_qs() gives a list for each name: one may come several times.",
            )
            return


def _as_texts(function: Function) -> Iterator[ast.expr]:
    """What is made a number, compared with a text, or looked up in a table."""
    for node in walk(function.node):
        if isinstance(node, ast.Compare) and isinstance(
            node.ops[0], ast.Eq | ast.NotEq
        ):
            sides = [node.left, node.comparators[0]]
            if any(isinstance(getattr(one, "value", None), str) for one in sides):
                yield from sides
        elif isinstance(node, ast.Call):
            name = calls.name_of(node, function)
            if name in ("builtins.int", "builtins.float"):
                yield from node.args
            elif getattr(node.func, "attr", "") in _LOOKS_UP:
                yield from (w.value for w in node.keywords if "__in" not in str(w.arg))


def _decodes(place: ast.expr | None, function: Function) -> bool:
    """Whether Django takes the pairs apart, which decodes bytes by itself."""
    if isinstance(place, ast.Name) and len(function.values.get(place.id, [])) == 1:
        place = function.values[place.id][0]
    named = calls.name_of(place, function) if isinstance(place, ast.Call) else ""
    return named.removesuffix("()") in ("django.http.QueryDict", QUERY_DICT)


def _shown(function: Function) -> Iterator[Found]:
    """``str(scope["query_string"])``: what Python shows of bytes, with b and all."""
    nodes = list(walk(function.node))
    if not any(getattr(node, "value", "") == "query_string" for node in nodes):
        return
    for node in nodes:
        # Elsewhere it may be shown to somebody, as in a log.
        read = isinstance(node, ast.Call) and calls.name_of(node, function) in PARSERS
        given = node.args[0] if isinstance(node, ast.Call) and node.args else None
        held = _made_text(given, function) if read and given is not None else None
        if held is not None and _is_bytes(held, function):
            yield Found(
                "auth-query-string-is-bytes",
                "\"b'token=…'\": the b and the quotes are part of the text",
                at(function, held),
                RANK,
                TRIED,
                'scope["query_string"].decode()',
            )
            return


def _made_text(node: ast.expr, function: Function) -> ast.expr | None:
    """What a text is made of by ``str()`` or an f-string, and by nothing else."""
    if isinstance(node, ast.Name):
        made = function.values.get(node.id, [])
        node = made[0] if len(made) == 1 else node
    if isinstance(node, ast.JoinedStr) and len(node.values) == 1:
        return getattr(node.values[0], "value", None)
    if not isinstance(node, ast.Call) or len(node.args) != 1 or node.keywords:
        return None
    shown = calls.name_of(node, function) in ("builtins.str", "builtins.repr")
    return node.args[0] if shown else None


def _is_raw(node: ast.expr, function: Function, depth: int = 0) -> bool:
    """Whether an expression holds the pairs of a query string as bytes."""
    if isinstance(node, ast.Name):
        made = function.values.get(node.id, [])
        return len(made) == 1 and depth < DEEP and _is_raw(made[0], function, depth + 1)
    if not isinstance(node, ast.Call) or not node.args:
        return False
    name = calls.name_of(node, function)
    if name == "builtins.dict":
        return depth < DEEP and _is_raw(node.args[0], function, depth + 1)
    return name in PARSERS and _is_bytes(node.args[0], function)


def _is_bytes(node: ast.expr, function: Function, depth: int = 0) -> bool:
    """Whether an expression is a scope's query string as it came."""
    if isinstance(node, ast.Name):
        made = function.values.get(node.id, [])
        return (
            len(made) == 1 and depth < DEEP and _is_bytes(made[0], function, depth + 1)
        )
    key: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        key = node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        key = node.args[0] if node.func.attr == "get" and node.args else None
    return isinstance(key, ast.Constant) and key.value == "query_string"

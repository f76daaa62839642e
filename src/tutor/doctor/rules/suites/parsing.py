"""What a test says and hears: a text, which it takes for what is in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.suites.testing import RANK
from tutor.doctor.source import Function, calls, typed
from tutor.doctor.source.flow import returned
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

_PARSED = {"dict", "list", "tuple", "set"}
_OF_A_DICT = {"get", "items", "keys", "values"}
_EQUAL = {"assertEqual", "assertEquals", "assertDictEqual", "assertListEqual"}
_ORDER = {f"assert{one}" for one in ("Greater", "Less", "GreaterEqual", "LessEqual")}
_IN = {"assertIn", "assertNotIn"}


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.functions.values():
        if function.is_async and is_aside(function.module.file):
            found = [*_said(function), *_heard(function)]
            yield from found[:1]


def _said(function: Function) -> Iterator[Found]:
    """``send_to({…})``, and ``send_json_to(json.dumps(…))``."""
    for call in calls.calls(function.node):
        name = getattr(call.func, "attr", "")
        words = {one.arg: one.value for one in call.keywords}
        given = call.args[0] if call.args else words.get("text_data")
        if name == "send_to" and _kinds(given, function) <= _PARSED:
            got = "AssertionError: The text_data argument must be a str"
            slug, right = "consumer-dict-payload", "send_json_to(…)"
        elif name == "send_json_to" and _is_dumped(
            call.args[0] if call.args else words.get("data"), function
        ):
            got = "the consumer hears a text, in quotes, in place of an object"
            slug, right = "consumer-json-encoded-twice", "send_to(…), or the object"
        else:
            continue
        yield Found(slug, got, at(function, call), RANK, TRIED, right)


def _kinds(given: ast.expr | None, function: Function) -> set[str]:
    """The types of a value; of a parameter those that its callers give, in its file."""
    names = [one.arg for one in function.node.args.args]
    kinds = {typed.type_of(given, function)}
    if isinstance(given, ast.Name) and given.id in names and kinds == {""}:
        kinds = {
            typed.type_of(call.args[names.index(given.id)], other)
            for other in function.module.source.functions.values()
            if other.module is function.module
            for call in calls.calls(other.node)
            if calls.target_of(call, other) is function and len(call.args) == len(names)
        } or {""}
    return kinds


def _is_dumped(node: ast.expr | None, function: Function) -> bool:
    if isinstance(node, ast.Name):
        given = function.values.get(node.id, [])
        node = given[0] if len(given) == 1 else None
    return isinstance(node, ast.Call) and calls.name_of(node, function) == "json.dumps"


def _heard(function: Function) -> Iterator[Found]:
    """What a client receives is a text, and is taken for a number, or for a dict."""
    for node in walk(function.node):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            if type(node.slice.value) is str and _is_text(node.value, function):
                yield _unparsed(function, node, "string indices must be integers")
        elif isinstance(node, ast.Compare):
            parts = pairwise([node.left, *node.comparators])
            for how, (left, right) in zip(node.ops, parts, strict=True):
                yield from _compared(function, node, left, right, how)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, args = node.func.attr, node.args
            if name in _OF_A_DICT and _is_text(node.func.value, function):
                yield _unparsed(function, node, f"'str' object has no attribute {name}")
            elif name in _EQUAL | _ORDER | _IN and len(args) > 1:
                kind = ast.In() if name in _IN else ast.Eq()
                yield from _compared(function, node, args[0], args[1], kind)


def _compared(
    function: Function, node: ast.AST, left: ast.expr, right: ast.expr, how: ast.cmpop
) -> Iterator[Found]:
    """A text beside a number, or beside what would be in it."""
    text, other = _is_text(left, function), right
    if not text and not isinstance(how, ast.In | ast.NotIn):
        text, other = _is_text(right, function), left
    if not text or isinstance(how, ast.NotEq | ast.Is | ast.IsNot):
        return
    kind = typed.type_of(other, function)
    if isinstance(how, ast.In | ast.NotIn):
        named = isinstance(other, ast.Call) and calls.name_of(other, function)
        kind = "int" if named == "builtins.range" else ""
    if kind in ("int", "float"):
        yield Found(
            "test-text-compared-with-number",
            f"{ast.unparse(left)} is a text, whatever stands in it",
            at(function, node),
            RANK,
            TRIED,
            "int(…) around what was received",
        )
    elif kind in _PARSED:
        yield _unparsed(function, node, f"a text is never equal to a {kind}")


def _unparsed(function: Function, node: ast.AST, got: str) -> Found:
    hint = "receive_from() gives the text; receive_json_from() gives what is in it."
    right = "await communicator.receive_json_from()"
    slug = "consumer-json-not-parsed"
    return Found(slug, got, at(function, node), RANK, TRIED, right, hint)


def _is_text(node: ast.expr, function: Function, depth: int = 0) -> bool:
    """Whether an expression is what ``receive_from()`` gave, here or in a helper."""
    if isinstance(node, ast.Name):
        given = function.values.get(node.id, [])
        return len(given) == 1 and _is_text(given[0], function, depth + 1)
    call = node.value if isinstance(node, ast.Await) else None
    if not isinstance(call, ast.Call) or depth > 3:
        return False
    helper = calls.target_of(call, function)
    if helper is None:
        return getattr(call.func, "attr", "") == "receive_from"
    results = returned(helper)
    return bool(results) and all(_is_text(one, helper, depth + 1) for one in results)

"""The keys of a JSON body that a script sends, against those that the view reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.javascript import Code, Span
from tutor.doctor.rules.browser.orders import keys_of
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import walk

_LOADS = {"json.loads", "orjson.loads", "ujson.loads"}
_MADE = re.compile(r"(?:window\.)?JSON\.stringify\s*\(\s*\{")


def differs(code: Code, body: Span, view: Function) -> Iterator[Found]:
    """None of the keys is read that are sent, and all are known.

    Args:
        code: the script that sends it.
        body: where the body stands in the script.
        view: who answers.
    """
    text = code.bare[body[0] : body[1]].lstrip()
    if not _MADE.match(text):
        return
    brace = code.bare.index("{", body[0])
    sent, read = keys_of(code, code.arguments(brace)), keys_read(view)
    if sent and read and not {*sent} & read:
        yield Found(
            "client-body-not-as-the-view-reads-it",
            f"{view.name}() reads {', '.join(sorted(read))}; {', '.join(sent)} is sent",
            code.spot(body[0]),
            70,
            TRIED,
            "the same names in the script and in the view",
        )


def keys_read(view: Function) -> set[str]:
    """The keys that a view reads of a JSON text; empty where it does more with it."""
    nodes = [*walk(view.node)]
    parsed = [
        one
        for one in nodes
        if isinstance(one, ast.Call) and calls.name_of(one, view) in _LOADS
    ]
    if len(parsed) != 1:
        return set()
    names = {
        target.id
        for one in nodes
        if isinstance(one, ast.Assign) and one.value is parsed[0]
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    found, used = set[str](), 0
    for one in nodes:
        key: object = None
        if isinstance(one, ast.Subscript) and _is_it(one.value, parsed[0], names):
            key = getattr(one.slice, "value", None)
        elif (
            isinstance(one, ast.Call)
            and isinstance(one.func, ast.Attribute)
            and one.func.attr == "get"
            and one.args
            and _is_it(one.func.value, parsed[0], names)
        ):
            key = getattr(one.args[0], "value", None)
        if isinstance(key, str):
            found.add(key)
            used += 1
    loads = sum(
        isinstance(one, ast.Name) and one.id in names and isinstance(one.ctx, ast.Load)
        for one in nodes
    )
    return found if used == (loads if names else 1) else set()


def _is_it(node: ast.expr, parsed: ast.Call, names: set[str]) -> bool:
    return node is parsed or (isinstance(node, ast.Name) and node.id in names)

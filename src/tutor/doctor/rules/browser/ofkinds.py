"""The keys that a consumer needs of one kind of message, against what pages send."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import halfkeys, keys
from tutor.doctor.rules.browser.dialogue import leaves
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.needed import BEGIN, needed_in, parsed
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Class, Function
from tutor.doctor.source.walking import walk


@dataclass(frozen=True)
class Kind:
    """What a consumer does with messages of one kind.

    Args:
        key: by what it tells them apart.
        value: what stands there.
        musts: the keys without which it does nothing with them.
    """

    key: str
    value: str
    musts: frozenset[str]


def rules(seen: Evidence, every: list[Code], opened: list[Socket]) -> Iterator[Found]:
    """``{type: "message", text}``, and of a "message" it takes the "body"."""
    for code in every:
        for name, made in code.sockets.items():
            places = {code.spot(new) for new, _ in made}
            urls = [one.url for one in opened if one.place in places]
            ends = {leaf.get("consumer") for u in urls for leaf in leaves(seen, u)}
            owner = seen.consumer_class(next(iter(ends))) if len(ends) == 1 else None
            wanted = keys.heard(owner) if owner is not None else None
            kinds = [*_kinds(owner)] if owner is not None and wanted else []
            said = halfkeys.sent_by(code, name, every) if kinds else iter(())
            for where, index, sent in (one for found in said for one in found or ()):
                lost = _lost(kinds, sent)
                if lost and {*sent} - (wanted or set()):
                    yield Found(
                        "client-sends-another-key",
                        f"a message of this kind has no {lost[0]!r}",
                        where.spot(index),
                        keys.RANK,
                        TRIED,
                        ", ".join(lost),
                    )
                    return


def _lost(kinds: list[Kind], sent: dict[str, str]) -> list[str]:
    """The keys that a message lacks for its kind."""
    mine = [one for one in kinds if sent.get(one.key, "").strip("'\"`") == one.value]
    return sorted(mine[0].musts - {*sent}) if len(mine) == 1 else []


def _kinds(owner: Class) -> Iterator[Kind]:
    method = next((m for name in BEGIN if (m := owner.method(name))), None)
    if method is None:
        return
    taken = {one.arg for one in method.node.args.args[1:2]}
    names = taken if method.name == "receive_json" else set()
    for _, called in parsed(method):
        names |= called
    for node in walk(method.node):
        if isinstance(node, ast.If):
            told = _told(method, node.test, names)
            parts = [(*told, node.body)] if told is not None else []
        elif isinstance(node, ast.Match):
            parts = [*_cases(method, node, names)]
        else:
            continue
        for key, value, body in parts:
            yield Kind(key, value, frozenset(_musts(owner, body, names)))


def _cases(
    method: Function, node: ast.Match, names: set[str]
) -> Iterator[tuple[str, str, list[ast.stmt]]]:
    """``match data["type"]: case "message": …``."""
    key = _key(_asked(method, node.subject), names)
    for case in node.cases if key else ():
        word = getattr(getattr(case.pattern, "value", None), "value", None)
        if isinstance(word, str) and case.guard is None:
            yield key, word, case.body


def _asked(method: Function, node: ast.expr) -> ast.expr:
    """What a name stands for that is bound once; any other expression itself."""
    given = method.values.get(node.id, []) if isinstance(node, ast.Name) else []
    return given[0] if len(given) == 1 else node


def _told(method: Function, test: ast.expr, names: set[str]) -> tuple[str, str] | None:
    """``data.get("type") == "message"``: the key, and the word."""
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq):
        return None
    word = getattr(test.comparators[0], "value", None)
    key = _key(_asked(method, test.left), names)
    return (key, word) if key and isinstance(word, str) else None


def _key(node: ast.expr, names: set[str]) -> str:
    """The key that an expression takes out of a message; empty where it does not."""
    if isinstance(node, ast.Subscript):
        held, key = node.value, node.slice
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get":
        held, key = (
            getattr(node.func, "value", node),
            node.args[0] if node.args else node,
        )
    else:
        return ""
    text = getattr(key, "value", None)
    known = isinstance(held, ast.Name) and held.id in names
    return text if known and isinstance(text, str) else ""


def _musts(owner: Class, body: list[ast.stmt], names: set[str]) -> Iterator[str]:
    """What some statements need of a message, or a method that it is given to."""
    yield from _taken(ast.Module(body=body, type_ignores=[]), names)
    for node in body:
        call = node.value if isinstance(node, ast.Expr) else None
        call = call.value if isinstance(call, ast.Await) else call
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        inner = owner.method(call.func.attr)
        if inner is None or getattr(call.func.value, "id", "") != "self":
            continue
        places = [one.arg for one in inner.node.args.args[1:]]
        pairs = zip(places, call.args, strict=False)
        given = {name for name, one in pairs if getattr(one, "id", "") in names}
        if given:
            yield from _taken(inner.node, given)


def _taken(node: ast.AST, names: set[str]) -> Iterator[str]:
    """``data["body"]``; ``body = data.get("body")`` where ``if not body`` ends it."""
    yield from needed_in(node, names)
    statements: list[ast.stmt] = getattr(node, "body", [])
    bound: dict[str, str] = {}
    for one in statements:
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
            parts = (part for part in walk(one.value) if isinstance(part, ast.expr))
            found = {key for part in parts if (key := _key(part, names))}
            if len(found) == 1:
                bound[one.targets[0].id] = found.pop()
        elif isinstance(one, ast.If):
            test, done = one.test, isinstance(one.body[-1], ast.Return | ast.Raise)
            if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
                test = test.operand if done else ast.Constant(None)
            elif one is not statements[-1] or one.orelse:
                continue  # more is done than with this key
            if (name := getattr(test, "id", "")) in bound:
                yield bound[name]

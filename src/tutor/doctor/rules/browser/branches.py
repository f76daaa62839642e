"""What a consumer reads of each kind of message, where an ``if`` tells them apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tutor.doctor.rules.browser import keys
from tutor.doctor.rules.browser.needed import (
    READS,
    bare,
    begins,
    needed,
    needed_in,
    parsed,
)
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.walking import child_nodes, walk


@dataclass
class Branches:
    """The kinds of a consumer's own handler of messages.

    Args:
        key: by which it tells them apart.
        read: the keys that are read of each kind, by its word.
        always: those that are read whatever the kind is.
        must: the keys without which nothing is done with a kind.
    """

    key: str
    read: dict[str, set[str]] = field(default_factory=dict)
    always: set[str] = field(default_factory=set)
    must: dict[str, set[str]] = field(default_factory=dict)


def branches(owner: Class) -> Branches | None:
    """The kinds that a consumer knows; None where that is not certain."""
    method = begins(owner)
    if method is None:
        return None
    given = {one.arg for one in method.node.args.args[1:2]}
    names = given if method.name == "receive_json" else set()
    if method.name == "receive" and _is_kept(method, given):
        return None
    for value, called in parsed(method):
        if not isinstance(bare(value), ast.Call):
            return None
        names |= called
    bodies = [*_bodies(method, names)]
    found = {key for key, _, _ in bodies}
    if len(found) != 1:
        return None
    said = Branches(found.pop(), {word: set() for _, word, _ in bodies})
    inside: dict[int, set[str]] = {}  # the words of the kinds that a node is run for
    for _, word, body in bodies:
        for node in (node for one in body for node in walk(one)):
            inside.setdefault(id(node), set()).add(word)
    above = {child: node for node in walk(method.node) for child in child_nodes(node)}
    for node in walk(method.node):
        if not (isinstance(node, ast.Name) and node.id in names):
            continue
        if not isinstance(node.ctx, ast.Load):
            continue
        read = keys.use(owner, method, node, above)
        if read is None:
            return None
        words = inside.get(id(node), set())
        for some in [said.read[word] for word in words] or [said.always]:
            some |= read - {said.key}
    for _, word, body in bodies:
        must = _must(owner, method, body, names)
        said.must[word] = said.must.get(word, must) & must
    return said


def _is_kept(method: Function, given: set[str]) -> bool:
    """Whether more is done with a message's text than to parse it."""
    parts = [
        id(part)
        for node in walk(method.node)
        if isinstance(node, ast.Compare | ast.UnaryOp | ast.BoolOp)
        or (isinstance(node, ast.Call) and READS.search(calls.name_of(node, method)))
        for part in walk(node)
    ]
    return any(
        isinstance(node, ast.Name)
        and node.id in given
        and isinstance(node.ctx, ast.Load)
        and id(node) not in parts
        for node in walk(method.node)
    )


def _must(
    owner: Class, method: Function, body: list[ast.stmt], names: set[str]
) -> set[str]:
    """The keys that some statements need, themselves or in what they call."""
    found = {*needed_in(ast.Module(body, []), names)}
    first = body[0].value if isinstance(body[0], ast.Expr) else None
    call = getattr(first, "value", first)  # behind an await
    if isinstance(call, ast.Call):
        name = calls.name_of(call, method)
        inner = owner.method(name.removeprefix("self.")) if "self." in name else None
        given = [getattr(one, "id", "") in names for one in call.args]
        if inner is not None and given == [True]:
            found |= needed(inner, {one.arg for one in inner.node.args.args[1:2]})
    return found


def _bodies(
    method: Function, names: set[str]
) -> Iterator[tuple[str, str, list[ast.stmt]]]:
    """The key of each test for a kind, the kind, and what is done then."""
    for node in walk(method.node):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare):
            test = node.test
            key = _key(test.left, method, names)
            words, sign = test.comparators[0], test.ops[0]
            some = [words] if isinstance(sign, ast.Eq) else []
            if isinstance(sign, ast.In):
                some = getattr(words, "elts", [])
            for one in some if key and len(test.ops) == 1 else ():
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield key, one.value, node.body
        elif isinstance(node, ast.Match) and (key := _key(node.subject, method, names)):
            for case in node.cases:
                for part in walk(case.pattern):
                    told = getattr(part, "value", None)
                    if isinstance(part, ast.Constant) and isinstance(told, str):
                        yield key, told, case.body


def _key(node: ast.expr, method: Function, names: set[str]) -> str:
    """The key of a message whose value an expression is; empty if it is not one."""
    if isinstance(node, ast.Name):
        given = method.values.get(node.id, [])
        return _key(given[0], method, names) if len(given) == 1 else ""
    if isinstance(node, ast.Subscript):
        held, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr != "get" or len(node.args) != 1:
            return ""  # it has a default: a message without the key has a kind, too
        held, key = node.func.value, node.args[0]
    else:
        return ""
    is_own = isinstance(held, ast.Name) and held.id in names
    return str(getattr(key, "value", "")) if is_own else ""

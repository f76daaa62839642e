"""What the clients of a project would say: messages that its consumers look for.

Most consumers read one key of a message and choose what to do by its value.  The
values stand in the source, as comparisons, cases, tables and names of methods.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, TypeGuard

from tutor.doctor import messagekeys, models
from tutor.doctor.messagekeys import ANYTHING, KNOWN, TYPES, Heard, key_of, named
from tutor.doctor.source import Class, Function, Source, calls
from tutor.doctor.source.walking import kept, walk

MOST = 7  # messages for one consumer
_CHOOSING = ("type", "action", "kind", "command", "cmd", "event", "op", "method")
_CLEANING = ("strip", "lower", "upper", "casefold")


def messages(source: Source, consumer: str | None) -> list[str]:
    """What a client would say to a consumer, by its dotted name, to reach every branch.

    Args:
        source: the project's source.
        consumer: the class behind a route.
    """
    owner = source.classes.get(consumer or "")
    if owner is None or not owner.kind:
        return []
    told, methods = heard(owner), _methods(owner)
    # As they are: such a class may refuse what it does not know.
    made = [one for method in methods.values() for one in models.examples(method)]
    made += [{**told.keys, **whole} for whole in told.whole]
    made += [{**told.keys, key: value} for key, value in told.choices]
    texts = dict.fromkeys(json.dumps(one) for one in made)
    return [*texts, *told.plain][:MOST]


def heard(owner: Class) -> Heard:
    """What a consumer looks for in its messages, as its source shows it."""
    return kept(owner.node, "_heard", lambda _: [_heard(owner)])[0]


def _heard(owner: Class) -> Heard:
    told, methods = Heard(), _methods(owner)
    for method in methods.values():
        messagekeys.keys(method, told)
    for method in methods.values():
        _choices(method, owner, told)
        _registered(method, told)
        for parser in _parsers(method):
            for node in walk(parser.node):
                if isinstance(node, ast.Match):
                    _cases(node, parser, told)
    return told


def _methods(owner: Class) -> dict[str, Function]:
    return {
        name: method
        for one in reversed(owner.line_of_ancestors)
        for name, method in one.methods.items()
    }


def _parsers(method: Function, depth: int = 0) -> Iterator[Function]:
    """The functions of the project, no methods, that a method hands something to."""
    for call in calls.calls(method.node):
        target = calls.target_of(call, method) if call.args else None
        if target is not None and target.owner is None and target is not method:
            yield target
            if depth < 1:
                yield from _parsers(target, depth + 1)


def _chosen(node: ast.expr, method: Function, heard: Heard) -> str | None:
    """The key that decides, where an expression is its value or hands it on."""
    key = key_of(node, method)
    if key is not None:
        return key if key not in KNOWN else None
    arguments = {one.arg for one in walk(method.node) if isinstance(one, ast.arg)}
    if isinstance(node, ast.Name) and node.id in arguments:
        likely = [one for one in (node.id, *_CHOOSING) if one in heard.keys]
        return likely[0] if likely else None
    return None


def _choices(method: Function, owner: Class, heard: Heard) -> None:
    for node in walk(method.node):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for side in sides:
                if _is_text(side, method):
                    found = [t for one in sides for t in _texts(one, method, owner)]
                    heard.plain.update(dict.fromkeys(found))
                    break
                key = _chosen(side, method, heard)
                for other in sides if key else ():
                    _choose(heard, key, _texts(other, method, owner))
        elif isinstance(node, ast.Match):
            _cases(node, method, heard)
        elif isinstance(node, (ast.Subscript, ast.Call)):
            _tables(node, method, owner, heard)


def _is_text(node: ast.expr, method: Function) -> bool:
    """Whether an expression is what a client has sent, or the first word of it."""
    if isinstance(node, ast.Name) and node.id != "text_data":
        for one in walk(method.node):
            if isinstance(one, ast.Assign) and not _loads(one.value):
                bound = {n.id for t in one.targets for n in walk(t) if _is_name(n)}
                if node.id in bound:
                    parts = [n for n in walk(one.value) if isinstance(n, ast.expr)]
                    return any(_is_whole(n, method) for n in parts)
        return False
    if isinstance(node, ast.NamedExpr):
        return _is_text(node.value, method)
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _CLEANING:
        assert isinstance(node.func, ast.Attribute)
        return _is_text(node.func.value, method)
    return _is_whole(node, method)


def _is_name(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name)


def _is_whole(node: ast.expr, method: Function) -> bool:
    if isinstance(node, ast.Name):
        return node.id == "text_data"
    raw = method.name == "websocket_receive"
    return (
        raw
        and isinstance(node, (ast.Subscript, ast.Call))
        and (key_of(node, method) == "text")
    )


def _loads(node: ast.expr) -> bool:
    """Whether an expression reads JSON, here or in a method of the project."""
    return any(
        isinstance(one, ast.Call)
        and re.search(r"json|loads|parse|decode", ast.unparse(one.func))
        for one in walk(node)
    )


def _registered(method: Function, heard: Heard) -> None:
    """``@action("say")``: a decorator of the project's own that is given a word."""
    likely = [key for key in _CHOOSING if key in heard.keys]
    for node in method.node.decorator_list:
        if likely and isinstance(node, ast.Call) and node.args:
            name = method.module.resolve(node.func) or ""
            if name in method.module.source.functions:
                _choose(heard, likely[0], _texts(node.args[0], method))


def _choose(heard: Heard, key: str | None, values: list[str]) -> None:
    if key:
        heard.choices.update({(key, value): None for value in values})


def _texts(node: ast.expr, method: Function, owner: Class | None = None) -> list[str]:
    """The texts that an expression is, or holds, where ``self`` is of a class."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return [text for one in node.elts for text in _texts(one, method, owner)]
    if isinstance(node, ast.Dict):
        return [text for one in node.keys if one for text in _texts(one, method)]
    if isinstance(node, ast.Name):
        values = method.values.get(node.id) or method.module.values.get(node.id) or []
        return _texts(values[0], method) if len(values) == 1 else []
    if isinstance(node, ast.Attribute) and method.owner is not None:
        for one in [owner or method.owner, method.owner, *method.owner.heirs]:
            for held in one.line_of_ancestors:
                if node.attr in held.attributes:
                    return _texts(held.attributes[node.attr], method, owner)
        given = method.owner.assigned(node.attr)
        return _texts(given[0][1], given[0][0]) if len(given) == 1 else []
    return []


def _cases(node: ast.Match, method: Function, heard: Heard) -> None:
    key = _chosen(node.subject, method, heard)
    for case in node.cases:
        for pattern in _alternatives(case.pattern):
            if isinstance(pattern, ast.MatchMapping):
                heard.whole.append(
                    {
                        str(name.value): _example(inner)
                        for name, inner in zip(
                            pattern.keys, pattern.patterns, strict=True
                        )
                        if isinstance(name, ast.Constant)
                    }
                )
            elif isinstance(pattern, ast.MatchValue) and _is_text(node.subject, method):
                heard.plain.update(dict.fromkeys(_texts(pattern.value, method)))
            elif isinstance(pattern, ast.MatchValue):
                _choose(heard, key, _texts(pattern.value, method))


def _alternatives(pattern: ast.pattern) -> Iterator[ast.pattern]:
    if isinstance(pattern, ast.MatchOr):
        for one in pattern.patterns:
            yield from _alternatives(one)
    elif isinstance(pattern, ast.MatchAs) and pattern.pattern is not None:
        yield from _alternatives(pattern.pattern)
    else:
        yield pattern


def _example(pattern: ast.pattern) -> Any:
    """A value that fits a part of a case."""
    pattern = next(_alternatives(pattern))
    if isinstance(pattern, ast.MatchValue) and isinstance(pattern.value, ast.Constant):
        return pattern.value.value
    if isinstance(pattern, ast.MatchClass) and isinstance(pattern.cls, ast.Name):
        return TYPES.get(pattern.cls.id, ANYTHING)
    if isinstance(pattern, ast.MatchMapping):
        pairs = zip(pattern.keys, pattern.patterns, strict=True)
        return {
            str(name.value): _example(inner)
            for name, inner in pairs
            if isinstance(name, ast.Constant)
        }
    return ANYTHING


def _tables(
    node: ast.Subscript | ast.Call, method: Function, owner: Class, heard: Heard
) -> None:
    """Handlers that are looked up: in a table, or by a name that is put together."""
    wanted = node.slice if isinstance(node, ast.Subscript) else [*node.args, None][0]
    held = node.value if isinstance(node, ast.Subscript) else node.func
    if isinstance(held, ast.Attribute) and held.attr == "get":
        held = held.value
    if wanted is not None and _is_text(wanted, method):
        heard.plain.update(dict.fromkeys(_texts(held, method, owner)))
        return
    if isinstance(node, ast.Subscript):
        key = _chosen(node.slice, method, heard)
        _choose(heard, key, _texts(node.value, method, owner))
        return
    if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        key = _chosen(node.args[0], method, heard)
        _choose(heard, key, _texts(node.func.value, method, owner))
    elif getattr(node.func, "id", "") == "getattr" and len(node.args) > 1:
        _named_methods(node.args[1], method, owner, heard)


def _named_methods(
    name: ast.expr, method: Function, owner: Class, heard: Heard
) -> None:
    """``getattr(self, f"on_{kind}")``: a value for each method that fits."""
    if isinstance(name, ast.Name):
        name = next(named(name.id, method), name)
    parts: list[ast.expr] = [name]
    if isinstance(name, ast.JoinedStr):
        parts = [getattr(one, "value", one) for one in name.values]
        parts = [
            one if isinstance(one, ast.expr) else ast.Constant(one) for one in parts
        ]
    elif isinstance(name, ast.BinOp) and isinstance(name.op, ast.Add):
        parts = [name.left, name.right]
    elif isinstance(name, ast.BinOp) and isinstance(name.left, ast.Constant):
        before, _, after = str(name.left.value).partition("%s")
        parts = [ast.Constant(before), name.right, ast.Constant(after)]
    keys = [(n, _chosen(one, method, heard)) for n, one in enumerate(parts)]
    index, key = next(((n, key) for n, key in keys if key), (0, None))
    if key is None:
        return
    before = "".join(str(getattr(one, "value", "")) for one in parts[:index])
    after = "".join(str(getattr(one, "value", "")) for one in parts[index + 1 :])
    names = {n for one in owner.line_of_ancestors for n in one.methods}
    for one in sorted(names):
        if one.startswith(before) and one.endswith(after) and (before or after):
            _choose(heard, key, [one[len(before) : len(one) - len(after)]])

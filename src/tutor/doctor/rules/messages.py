"""What a consumer sends: in branches, too, that nobody has reached."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import GENERIC, HANDLERS, TRIED, Found, at
from tutor.doctor.source import Class, Function, Source, calls, known
from tutor.doctor.source.flow import Frame, is_changed, returned
from tutor.doctor.source.values import values
from tutor.doctor.source.walking import walk

REST = "**"


def rules(seen: Evidence) -> Iterator[Found]:
    for owner in seen.source.consumers():
        yield from _sends(seen, owner)
        yield from _after_close(seen, owner)
        yield from _closing_codes(owner)


def _closing_codes(owner: Class) -> Iterator[Found]:
    """Codes that no server may close an open socket with: 400, 1001, 5000."""
    if not owner.kind.endswith(("generic", "json")):
        return
    for method in owner.methods.values():
        for call in calls.calls(method.node):
            if calls.name_of(call, method) != "self.close" or _opens(
                owner, method, call
            ):
                continue
            named = [word.value for word in call.keywords if word.arg == "code"]
            for code in [*call.args, *named][:1]:
                told = values(Frame(method, owner), code) or ()
                for text in sorted(told):
                    if text.isdigit() and not _may_close(int(text)):
                        yield Found(
                            "consumer-close-code-not-allowed",
                            f"close code {text} becomes 1011",
                            at(method, call),
                            60,
                            TRIED,
                            "1000, or a code from 3000 to 4999",
                        )


def _may_close(code: int) -> bool:
    return code == 1000 or 3000 <= code <= 4999


def _opens(owner: Class, method: Function, call: ast.Call) -> bool:
    """Whether the socket may not be open yet; a code before that is lost anyway."""
    begin = ("connect", "websocket_connect")
    if method.name in begin:
        return not any(
            calls.name_of(one, method) == "self.accept" and one.lineno < call.lineno
            for one in calls.calls(method.node)
        )
    return any(
        calls.name_of(one, first) == f"self.{method.name}"
        for name in begin
        if (first := owner.method(name)) is not None
        for one in calls.calls(first.node)
    )


def _sends(seen: Evidence, owner: Class) -> Iterator[Found]:
    """Messages in branches that nobody has reached: their type, keys and payload."""
    generic = owner.kind.endswith(("generic", "json"))
    for method in owner.methods.values():
        for call in calls.calls(method.node):
            name = calls.name_of(call, method)
            if not generic:
                yield from _as_generic(owner, method, call, name)
            if name in ("self.send", "self.base_send") and owner.method("send") is None:
                if generic and name == "self.send":
                    yield from _generic_send(method, call)
                else:
                    yield from _raw_send(method, call)
            elif name == "self.send_json" and call.args:
                inner = call.args[0]
                if holds_models(seen.source, inner, method) and not owner.method(
                    "encode_json"
                ):
                    yield Found(
                        "db-model-instance-in-event",
                        "a model is not JSON serializable",
                        at(method, call),
                        64,
                        TRIED,
                        "its fields, not the instance",
                    )
                if (
                    isinstance(inner, ast.Call)
                    and calls.name_of(inner, method) == "json.dumps"
                ):
                    yield Found(
                        "consumer-json-encoded-twice",
                        "a quoted string",
                        at(method, call),
                        64,
                        TRIED,
                        "the dict itself",
                    )
                elif _is_pydantic(seen, inner, method) and not owner.method(
                    "encode_json"
                ):
                    yield Found(
                        "consumer-pydantic-model-sent",
                        "a model is not JSON serializable",
                        at(method, call),
                        64,
                        TRIED,
                        "model_dump(mode='json')",
                    )
            elif name == "self.close" and generic and _has_reason(call):
                yield Found(
                    "consumer-close-reason-lost",
                    "a close code without its reason",
                    at(method, call),
                    82,
                    TRIED,
                    "a message before the close",
                )


def _as_generic(
    owner: Class, method: Function, call: ast.Call, name: str
) -> Iterator[Found]:
    """What a raw consumer does as if it were a generic one."""
    http = any("generic.http" in base for base in owner.library_bases())
    end = name.removeprefix("self.")
    if http or owner.method(end) is not None:
        return
    keywords = {one.arg for one in call.keywords}
    kind = calls.type_of(call.args[0], method) if call.args else ""
    if name in ("self.accept", "self.close", "self.send_json") or (
        name == "self.send" and keywords & {"text_data", "bytes_data"}
    ):
        yield Found(
            "consumer-generic-method-in-raw-consumer",
            f"a raw consumer has no such {end}()",
            at(method, call),
            64,
            TRIED,
            "a dict with a type",
        )
    elif name == "self.send" and kind in ("str", "bytes", "int", "list"):
        yield Found(
            "consumer-message-is-no-dict",
            f"send() is given {kind}",
            at(method, call),
            64,
            TRIED,
            "a dict with a type",
        )


def _has_reason(call: ast.Call) -> bool:
    return len(call.args) > 1 or any(one.arg == "reason" for one in call.keywords)


def holds_models(
    source: Source, node: ast.expr | None, method: Function, depth: int = 0
) -> bool:
    """Whether a message holds an instance of a model, or a list of them."""
    if node is None or depth > 4:
        return False
    parts: list[ast.expr] = []
    if isinstance(node, ast.Dict):
        parts = node.values
    elif isinstance(node, (ast.List, ast.Tuple)):
        parts = node.elts
    elif isinstance(node, (ast.Await, ast.Subscript)):
        parts = [node.value]
    elif isinstance(node, ast.Name):
        given = method.values.get(node.id, [])
        parts = given if len(given) == 1 else []
    elif isinstance(node, ast.Call):
        name = calls.name_of(node, method)
        if name == "builtins.list":
            parts = node.args[:1]
        elif calls.is_model(source, name):
            return True
        elif (target := calls.target_of(node, method)) is not None:
            return any(
                holds_models(source, one, target, depth + 1) for one in returned(target)
            )
        else:
            base, found, rest = name.partition(".objects.")
            last = rest.rpartition(".")[2]
            return bool(
                found
                and calls.is_model(source, base)
                and "values" not in rest
                and last in known.INSTANCES
            )
    return any(holds_models(source, part, method, depth + 1) for part in parts)


def _is_pydantic(seen: Evidence, node: ast.expr, method: Function) -> bool:
    """Whether an expression makes a pydantic model of the project."""
    made = method.module.resolve(node, method) or ""
    model = seen.source.classes.get(made.removesuffix("()"))
    return (
        made.endswith("()")
        and model is not None
        and any(base.startswith("pydantic.") for base in model.library_bases())
    )


def written(node: ast.expr | None, method: Function) -> dict[str, ast.expr] | None:
    """A message that is written out, by its keys; under REST what is unpacked."""
    if isinstance(node, ast.Name):
        values = method.values.get(node.id) or method.module.values.get(node.id) or []
        once = len(values) == 1
        if once and is_changed(node.id, method):
            more = _put_in(node.id, method)
            first = written(values[0], method) if more is not None else None
            return None if first is None or more is None else {**first, **more}
        node = values[0] if once else None
    if isinstance(node, ast.Dict) and all(
        k is None or isinstance(k, ast.Constant) for k in node.keys
    ):
        return {
            str(getattr(k, "value", REST)): v
            for k, v in zip(node.keys, node.values, strict=True)
        }
    if isinstance(node, ast.Call):
        name = calls.name_of(node, method)
        if name == "builtins.dict" and not node.args:
            return {k.arg or REST: k.value for k in node.keywords}
        return of_class(node, method)
    return None


def _put_in(name: str, method: Function) -> dict[str, ast.expr] | None:
    """What a function puts into a dict, key by key; None where more is done with it."""
    found: dict[str, ast.expr] = {}
    keys = 0
    for node in walk(method.node):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == name:
            return None
        if isinstance(node, ast.Call) and not _only_reads(node):
            given = [*node.args, *(word.value for word in node.keywords)]
            if any(getattr(one, "id", "") == name for one in given):
                return None  # who is given it may put in more
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == name:
            keys += not isinstance(node.ctx, ast.Load)
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if (
            isinstance(node, ast.Assign)
            and isinstance(target, ast.Subscript)
            and getattr(target.value, "id", "") == name
            and isinstance(target.slice, ast.Constant)
        ):
            found[str(target.slice.value)] = node.value
            keys -= 1
    return found if keys == 0 else None


_READS = ("group_send", "send", "send_json", "dumps", "print", "base_send")


def _only_reads(call: ast.Call) -> bool:
    """Whether a call sends or shows what it is given, and changes nothing in it."""
    func: ast.expr = call.func
    if isinstance(func, ast.Call) and func.args:
        func = func.args[0]  # async_to_sync(send)(…)
    return getattr(func, "attr", getattr(func, "id", "")) in _READS


def of_class(node: ast.Call, method: Function) -> dict[str, ast.expr] | None:
    """The dict that a class makes: a typed one, or ``asdict()`` of a dataclass."""
    name = calls.name_of(node, method)
    made: ast.expr = node
    if name in _AS_DICT and node.args:
        made = node.args[0]
    elif isinstance(node.func, ast.Attribute) and node.func.attr in _DUMPS:
        made = node.func.value
    if isinstance(made, ast.Name):
        values = method.values.get(made.id, [])
        made = values[0] if len(values) == 1 else made
    if not isinstance(made, ast.Call) or any(
        isinstance(one, ast.Starred) for one in made.args
    ):
        return None
    one = method.module.source.classes.get(calls.name_of(made, method))
    if one is None or (made is node and not _is_typed_dict(one)):
        return None
    fields: dict[str, ast.expr | None] = {
        part.target.id: part.value
        for owner in reversed(one.line_of_ancestors)
        for part in owner.node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    }
    found = {key: value for key, value in fields.items() if value is not None}
    found |= dict(zip(fields, made.args, strict=False))
    return found | {word.arg or REST: word.value for word in made.keywords}


_AS_DICT = ("dataclasses.asdict", "builtins.vars", "attr.asdict", "attrs.asdict")
_DUMPS = ("model_dump", "_asdict", "asdict", "to_dict")


def _is_typed_dict(one: Class) -> bool:
    return any(base.endswith("TypedDict") for base in one.library_bases())


def _raw_send(method: Function, call: ast.Call) -> Iterator[Found]:
    message = written(call.args[0] if call.args else None, method)
    if message is None:
        return
    kind = message.get("type")
    if isinstance(kind, ast.Name):
        found = method.module.values.get(kind.id, [None])
        kind = found[0]
    value = kind.value if isinstance(kind, ast.Constant) else None
    place = at(method, call)
    expected = "a message that Daphne knows"
    if isinstance(value, str) and value not in (
        "websocket.accept",
        "websocket.send",
        "websocket.close",
        "websocket.http.response.start",
        "websocket.http.response.body",
    ):
        yield Found(
            "consumer-send-type-misspelled",
            f"nothing: {value!r} is unknown to Daphne",
            place,
            64,
            TRIED,
            expected,
        )
    if value != "websocket.send":
        return
    if not {"text", "bytes", REST} & set(message):
        held = ", ".join(key for key in message if key != "type")
        yield Found(
            "consumer-text-key-misspelled",
            f"nothing: the message holds {held}",
            place,
            64,
            TRIED,
            expected,
        )
    yield from _typed(method, call, message.get("text"), message.get("bytes"))


def _generic_send(method: Function, call: ast.Call) -> Iterator[Found]:
    text = call.args[0] if call.args else None
    data = call.args[1] if len(call.args) > 1 else None
    for keyword in call.keywords:
        text = keyword.value if keyword.arg == "text_data" else text
        data = keyword.value if keyword.arg == "bytes_data" else data
    yield from _typed(method, call, text, data)


def _is_event(node: ast.expr | None, method: Function) -> bool:
    """Whether it is the event of a group, as a handler of the consumer's is given it.

    Nobody calls the method by its name, and a group is told its name as a type.
    """
    taken = [one.arg for one in method.node.args.args]
    if not isinstance(node, ast.Name) or taken[1:] != [node.id]:
        return False
    if method.name in (*GENERIC, *HANDLERS) or node.id in method.values:
        return False
    tree = method.module.tree
    if any(getattr(one, "attr", "") == method.name for one in walk(tree)):
        return False
    return any(
        isinstance(one, ast.Dict)
        and any(
            getattr(key, "value", "") == "type"
            and str(getattr(value, "value", "")).replace(".", "_") == method.name
            for key, value in zip(one.keys, one.values, strict=True)
        )
        for one in walk(tree)
    )


def _typed(
    method: Function, call: ast.Call, text: ast.expr | None, data: ast.expr | None
) -> Iterator[Found]:
    kind, place = calls.type_of(text, method), at(method, call)
    kind = "dict" if _is_event(text, method) else kind
    expected = "text is a str, bytes are bytes"
    if kind in ("int", "float", "bool"):
        zero = isinstance(text, ast.Constant) and not text.value
        slug = "consumer-int-zero-never-sent" if zero else "consumer-int-payload"
        yield Found(
            slug,
            f"'{kind}' object has no attribute 'encode'",
            place,
            64,
            TRIED,
            expected,
        )
    elif kind in ("dict", "list", "tuple", "set"):
        yield Found(
            "consumer-dict-payload",
            f"'{kind}' object has no attribute 'encode'",
            place,
            64,
            TRIED,
            expected,
        )
    elif kind == "bytes":
        yield Found(
            "consumer-bytes-under-text",
            "'bytes' object has no attribute 'encode'",
            place,
            64,
            TRIED,
            expected,
        )
    if calls.type_of(data, method) == "str":
        yield Found(
            "consumer-str-under-bytes",
            '"payload" must have type bytes',
            place,
            64,
            TRIED,
            expected,
        )


def _after_close(seen: Evidence, owner: Class) -> Iterator[Found]:
    """Statements that send after a close in the same block, with no return between."""
    for method in owner.methods.values():
        for body in _bodies(method.node):
            closed = False
            for statement in body:
                if isinstance(statement, (ast.Return, ast.Raise)):
                    break
                kinds = _kinds(statement, method)
                if closed and kinds & {"send", "accept", "send_json"}:
                    opening = method.name in ("connect", "websocket_connect")
                    yield Found(
                        "auth-close-without-return"
                        if opening and "accept" in kinds
                        else "consumer-send-after-close",
                        "Attempt to send on a closed protocol",
                        at(method, statement),
                        65,
                        TRIED,
                        "return after close",
                    )
                    break
                closed = closed or (
                    _closes(statement, method) and not _leaves(statement)
                )


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for child in walk(node):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(child, name, None)
            if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                yield body


def _kinds(statement: ast.stmt, method: Function) -> set[str]:
    """What a simple statement does to the socket."""
    if not isinstance(statement, (ast.Expr, ast.Assign)):
        return set()
    found = set()
    for call in calls.calls(statement):
        name = calls.name_of(call, method)
        if name == "self.send" and call.args:
            message = written(call.args[0], method) or {}
            kind = message.get("type")
            value = (
                str(kind.value) if isinstance(kind, ast.Constant) else "websocket.send"
            )
            found.add(value.rpartition(".")[2])
        elif name.startswith("self."):
            found.add(name[5:])
            found |= _sent_by(call, method)
        elif name.startswith("builtins.super()."):
            found.add(name.rpartition(".")[2])
    return found


def _sent_by(call: ast.Call, method: Function, depth: int = 0) -> set[str]:
    """What a method of the project sends whenever it is called."""
    target = calls.target_of(call, method)
    found: set[str] = set()
    for statement in target.node.body if target is not None and depth < 3 else ():
        for inner in calls.calls(statement) if _is_plain(statement) else ():
            assert target is not None
            name = calls.name_of(inner, target)
            if name in ("self.send", "self.send_json"):
                found.add(name[5:])
            elif name.startswith("self."):
                found |= _sent_by(inner, target, depth + 1)
    return found


def _is_plain(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Expr, ast.Assign, ast.Return))


def _closes(statement: ast.stmt, method: Function) -> bool:
    if isinstance(statement, ast.If):
        return (
            any("close" in _kinds(inner, method) for inner in statement.body)
            and not any("close" in _kinds(inner, method) for inner in statement.orelse)
            and not statement.orelse
        )
    return "close" in _kinds(statement, method)


def _leaves(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and any(
        isinstance(inner, (ast.Return, ast.Raise)) for inner in statement.body
    )

"""What a consumer sends: in branches, too, that nobody has reached."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.closing import after_close, closing_codes
from tutor.doctor.rules.consumers.jsontexts import is_json_text, takes_texts
from tutor.doctor.rules.consumers.written import (
    REST,
    holds_models,
    is_pydantic,
    written,
)
from tutor.doctor.rules.found import GENERIC, HANDLERS, TRIED, Found, at
from tutor.doctor.source import Class, Function, calls, typed
from tutor.doctor.source.walking import walk


def rules(seen: Evidence) -> Iterator[Found]:
    for owner in seen.source.consumers():
        yield from _sends(seen, owner)
        yield from after_close(seen, owner)
        yield from closing_codes(seen, owner)


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
                if is_json_text(inner, method) and not takes_texts(owner):
                    yield Found(
                        "consumer-json-encoded-twice",
                        "a quoted string",
                        at(method, call),
                        64,
                        TRIED,
                        "the dict itself",
                    )
                elif is_pydantic(seen, inner, method) and not owner.method(
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
    kind = typed.type_of(call.args[0], method) if call.args else ""
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
    kind, place = typed.type_of(text, method), at(method, call)
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
    if typed.type_of(data, method) == "str":
        yield Found(
            "consumer-str-under-bytes",
            '"payload" must have type bytes',
            place,
            64,
            TRIED,
            expected,
        )

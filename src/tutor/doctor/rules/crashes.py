"""What an exception in a socket's application means."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules import dates, layers, members, offers, related, strangers
from tutor.doctor.rules.asgi import router_place, websocket_place
from tutor.doctor.rules.found import GENERIC, HANDLERS, Found, Place, deepest, last_line
from tutor.doctor.rules.lines import (
    Cause,
    awaited_there,
    group_name,
    is_middleware,
    of_pydantic,
    query,
    sends_there,
    uncalled,
)
from tutor.doctor.rules.names import near_handler
from tutor.doctor.rules.routes import route_place
from tutor.doctor.rules.texts import TEXTS
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.walking import walk

RANK = 50
# What is said after an accept that named what nobody had offered.
_REFUSED = re.compile(r"'handshake_deferred'|Socket has not been accepted")
_UNKNOWN = re.compile(r"Object of type (\w+) is not JSON|can not serialize '([\w.]+)'")
_UNWRITTEN = ("db-model-instance-in-event", "redis-message-not-serialisable")
CLOSED = "Attempt to send on a closed protocol"


@dataclass(frozen=True)
class Crash:
    """An exception, and what was going on.

    Args:
        links: the exception and its causes, outermost first.
        told: the type of the last message the application was given.
        phase: what the client had sent last: "", "json", "text", "typed" or "binary".
        leaf: the route that was knocked at.
        over: whether the consumer has closed, or deals with its client's leaving.
        signed: whether its client had signed in, as a user that we have made.
    """

    links: list[Event]
    told: str
    phase: str
    leaf: Event
    over: bool = True
    signed: bool = False


def explain(seen: Evidence, crash: Crash) -> Found | None:
    """The mistake behind a crash; None where the crash is the client's own fault."""
    if crash.signed and members.is_ours(crash.links, crash.told):
        return None
    place = seen.place(_deepest(crash.links))
    got = last_line(crash.links)
    every = " ".join(link["text"] for link in crash.links)
    tried, expected = _said(crash)
    tried += ", after a login" if crash.signed else ""
    found = _cause(seen, crash, every, place)
    if found is None:
        return None
    slug, at, hint = found
    if crash.signed and slug in _OF_TYPES and _is_of_the_message(seen, crash, slug):
        return None
    if slug and slug.startswith("redis-hosts"):
        got = last_line(crash.links[:1])  # the layer says it while it looks for a pool
    if slug == "redis-server-not-running":  # else it is what the loop ended with
        down = [one for one in crash.links if "Connect" in one["type"]]
        got = last_line(down) if down else got
    rank = RANK + (0 if slug else 9)
    if slug is None and crash.told == "websocket.disconnect":
        rank = 77  # its client has gone, and sees nothing of it
    if slug in (
        "consumer-asyncio-run-in-async",
        "group-async-to-sync-in-async-consumer",
    ):
        rank = 44  # what is thrown away after it is its consequence
    if slug in (
        "consumer-unvalidated-input-closes-socket",
        "consumer-binary-frame-keyerror",
        "consumer-validation-error-not-caught",
    ):
        rank = 78
    return Found(slug, got, at, rank, tried, expected, hint)


def _deepest(links: list[Event]) -> Event | None:
    """The deepest frame of the project that is no middleware around the consumer."""
    for link in reversed(links):
        inside = [
            number
            for number, frame in enumerate(link["frames"])
            if frame["file"].endswith("channels/consumer.py")
            and frame["name"] in ("__call__", "dispatch", "app")
        ]
        if not inside:
            continue
        own = [frame for frame in link["frames"][inside[-1] :] if frame["own"]]
        return own[-1] if own else None
    return deepest(links)


def _said(crash: Crash) -> tuple[str, str]:
    path = crash.leaf.get("sample", "")
    if crash.told == "websocket.connect":
        return f"a knock on {path}", "101 Switching Protocols"
    if crash.told == "websocket.disconnect":
        return f"closing the socket {path}", "a consumer that ends by itself"
    kind = "a binary message" if crash.phase == "binary" else "a text message"
    return f"{kind} to {path}", "an answer, and an open socket"


def _cause(seen: Evidence, crash: Crash, every: str, place: Place) -> Cause | None:
    if any(_is_of_the_query(seen, link) for link in crash.links):
        return None  # our clients say nothing there; the pages do
    handler = re.search(r"No handler for message type ([\w.]+)", every)
    if handler:
        return _no_handler(seen, crash, handler[1])
    short = re.search(r"(\w+)\.(\w+)\(\) takes 1 positional argument but 2 w", every)
    method = _method(seen, short[1], short[2]) if short else None
    if method is not None and method.name not in GENERIC and place[0] is None:
        line = method.module.file, method.node.lineno
        return "consumer-handler-without-event", line, ""
    if re.search(r"takes no arguments|object \w+ can't be used in 'await'", every):
        awaited = _awaited(seen, crash, every, place)
        if awaited:
            return awaited
    layer = re.search(
        r"'NoneType' object has no attribute "
        r"'(group_(?:add|discard|send)|send|receive)'",
        every,
    )
    if layer or "BACKEND is unconfigured" in every:
        found = next(layers.no_layers(seen, "", ""), None)
        if found:
            return found.slug, found.place, found.hint
    if "InvalidChannelLayerError" in str([link["type"] for link in crash.links]):
        return (
            layers.error({}, crash.links),
            seen.setting("CHANNEL_LAYERS"),
            "",
        )
    if "list of Redis hosts" in every:
        return "redis-hosts-is-a-string", seen.setting("CHANNEL_LAYERS"), ""
    if "Redis URL must specify" in every:
        return "redis-url-without-scheme", seen.setting("CHANNEL_LAYERS"), ""
    if "__init__() got an unexpected keyword argument 'hosts'" in every:
        return "settings-inmemory-layer-with-hosts", seen.setting("CHANNEL_LAYERS"), ""
    if "Group name must be" in every or "group name" in every.lower():
        return group_name(seen, place)
    if "no such table" in every:
        if crash.phase == "typed":
            return None  # where nobody has migrated yet
        return "auth-migrations-not-applied", place, ""
    if place[0] is None and "object is not callable" in every:
        return "asgi-list-passed-without-urlrouter", router_place(seen), ""
    if re.search(
        r"No route found|Django can only handle|No application configured", every
    ):
        return None  # walking the application says why
    if CLOSED in every and not crash.over:
        return None  # its client has gone
    if crash.phase == "binary" and re.search(
        r"receive\w*\(\).*bytes_data|No text section", every
    ):
        return None  # what the library does with it, and says so
    if _REFUSED.search(every) and offers.chosen(seen, crash.leaf.get("consumer")):
        return None  # our clients offer none; what the pages offer is compared there
    for slug, pattern in TEXTS:
        if slug == "consumer-json-not-parsed" and not _own_last(crash):
            continue
        if slug in _OF_TYPES and _is_nested(seen, crash, place):
            continue
        if slug == "auth-request-or-self-user" and _sets_it(seen, crash, every):
            continue
        if re.search(pattern, every):
            return _refined(seen, crash, slug, place)
    return _by_type(seen, crash, place)


def _is_nested(seen: Evidence, crash: Crash, place: Place) -> bool:
    """Whether it is inside of a message that was parsed: ours holds texts there."""
    owner = seen.consumer_class(crash.leaf.get("consumer"))
    if owner is None or not _reads_json(owner):
        return False
    return any(
        isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript)
        for node in seen.nodes_at(place)
    )


def _sets_it(seen: Evidence, crash: Crash, every: str) -> bool:
    """Whether a consumer has set what it lacks, on another way than this one."""
    owner = seen.consumer_class(crash.leaf.get("consumer"))
    lacks = re.search(r"object has no attribute '(\w+)'", every)
    return bool(owner and lacks and owner.assigned(lacks[1]))


def _is_of_the_query(seen: Evidence, link: Event) -> bool:
    """Whether a key was looked for in what stands behind a question mark."""
    place = seen.place(deepest([link]))
    function = seen.function_at(place)
    if link["type"] != "KeyError" or function is None:
        return False
    for node in seen.nodes_at(place):
        if not (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and repr(node.slice.value) == link["text"]
        ):
            continue
        held = node.value
        made = function.values.get(held.id, []) if isinstance(held, ast.Name) else []
        parts = " ".join(ast.unparse(one) for one in [held, *made])
        if re.search(r"parse_qsl?\(|\bQueryDict\(", parts):
            return True
    return False


def _method(seen: Evidence, owner: str, name: str) -> Function | None:
    """A method of a consumer, by the names that Python says."""
    for one in seen.source.consumers():
        if one.name == owner and one.method(name) is not None:
            return one.method(name)
    return None


def _own_last(crash: Crash) -> bool:
    """Whether the project's own line raised it, on a text message."""
    frames = crash.links[-1]["frames"]
    return bool(frames) and frames[-1]["own"] and crash.phase not in ("binary", "typed")


def _refined(seen: Evidence, crash: Crash, slug: str, place: Place) -> Cause:
    if slug in ("redis-server-not-running", "redis-password-missing"):
        return slug, seen.setting("CHANNEL_LAYERS"), ""
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
        file, line = _handler_place(seen, crash)
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
        at = _from_async(seen, crash)
        outer = seen.function_at(at) if at else None
        if outer is not None and is_middleware(outer):
            return "auth-middleware-queries-synchronously", place, ""
        lazy = related.made_lazily(seen, outer, at) if outer and at else None
        if lazy is not None:
            return "db-lazy-queryset-returned", lazy, ""
        return query(seen, place), place, ""
    if slug == "consumer-send-before-accept" and not _accepts(seen, crash):
        return "consumer-never-accepts", _connecting(seen, crash) or place, ""
    if slug == "group-async-to-sync-in-async-consumer":
        if sends_there(seen, place):
            return "consumer-await-in-sync-consumer", place, ""
        return slug, _from_async(seen, crash) or place, ""
    return slug, place, ""


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


def _connecting(seen: Evidence, crash: Crash) -> Place | None:
    owner = seen.consumer_class(crash.leaf.get("consumer"))
    method = owner.method("connect") if owner else None
    return (method.module.file, method.node.lineno) if method else None


def _from_async(seen: Evidence, crash: Crash) -> Place | None:
    """The line of asynchronous code from which a crash was reached."""
    for frame in reversed(crash.links[-1]["frames"]):
        place = seen.place(frame) if frame["own"] else (None, None)
        function = seen.function_at(place)
        if function is not None and function.is_async:
            return place
    return None


def _handler_place(seen: Evidence, crash: Crash) -> Place:
    """The handler of the last message, in the consumer that was knocked at."""
    owner = seen.consumer_class(crash.leaf.get("consumer"))
    if owner is None:
        return None, None
    raw = crash.told.replace(".", "_")
    names = {
        "websocket_connect": ("connect",),
        "websocket_disconnect": ("disconnect",),
        "websocket_receive": ("receive", "receive_json"),
    }.get(raw, ())
    texts = str([link["text"] for link in crash.links])
    made = ("__init__",) if "__init__()" in texts else ()
    for name in (*made, raw, *names):
        method = owner.method(name)
        if method is not None:
            return method.module.file, method.node.lineno
    return owner.module.file, owner.node.lineno


def _no_handler(seen: Evidence, crash: Crash, kind: str) -> Cause | None:
    owner = seen.consumer_class(crash.leaf.get("consumer"))
    place: Place = (owner.module.file, owner.node.lineno) if owner else (None, None)
    if not kind.startswith("websocket."):
        near = _near_method(seen, kind.replace(".", "_"))
        return "group-handler-missing-closes-everyone", near or place, ""
    if kind not in ("websocket.connect", "websocket.receive", "websocket.disconnect"):
        return "group-sends-raw-websocket-event", place, ""
    if owner is None or not any(one.methods for one in owner.line_of_ancestors):
        # At step 5 nobody has written it yet.
        others = any(
            name in (*GENERIC, *HANDLERS)
            for one in seen.source.consumers()
            for name in one.methods
        )
        late = seen.aim >= 6 or others
        return ("consumer-has-no-handlers", place, "") if late else None
    wanted = kind.replace(".", "_")
    found = near_handler(seen, owner, wanted)
    if found:
        method = owner.method(found)
        at: Place = (method.module.file, method.node.lineno) if method else place
        slug = f"consumer-{kind.partition('.')[2]}-handler-misnamed"
        return slug, at, f"It is written {found}."
    outside = seen.source.functions.get(f"{owner.module.name}.{wanted}")
    if outside is not None:
        slug = f"consumer-{kind.partition('.')[2]}-handler-misnamed"
        hint = "It stands outside the class: its indentation says so."
        return slug, (outside.module.file, outside.node.lineno), hint
    if kind == "websocket.disconnect":
        return "consumer-no-disconnect-handler", place, ""
    return f"consumer-{kind.partition('.')[2]}-handler-misnamed", place, ""


def _near_method(seen: Evidence, wanted: str) -> Place | None:
    for owner in seen.source.consumers():
        own = [
            n for n in owner.methods if n not in ("connect", "disconnect", "receive")
        ]
        name = seen.near(wanted, own, 0.4)
        if name:
            return owner.module.file, owner.methods[name].node.lineno
    return None


_PLAIN = ("NoneType", "str", "int", "dict", "bool", "list", "float", "tuple")


def _awaited(seen: Evidence, crash: Crash, every: str, place: Place) -> Cause | None:
    """Something was awaited that is no coroutine, or called that takes nothing."""
    kinds = {one.name for one in seen.source.consumers()}
    for name in re.findall(
        r"(\w+)\(\) takes no arguments|object (\w+) can't be used", every
    ):
        if set(name) & kinds and place[0] is None:
            return "routing-as-asgi-missing", route_place(seen, crash.leaf), ""
    awaited = re.search(r"object (\w+) can't be used in 'await'", every)
    known = ("method", "builtin_function_or_method", "function", "UserLazyObject")
    if awaited and awaited[1] not in known:
        if awaited[1] not in _PLAIN and place[0] is None:
            return None
        if place[0] is not None:
            return awaited_there(seen, place)
        return "consumer-handlers-not-async", _handler_place(seen, crash), ""
    return None


_BAD_INPUT = {
    "JSONDecodeError",
    "KeyError",
    "ValueError",
    "TypeError",
    "IndexError",
    "UnicodeDecodeError",
    "AttributeError",
}


_OF_OUR_PATH = re.compile(
    r"badly formed hexadecimal UUID|expected a number but got|is not a valid UUID"
    r"|invalid literal for int\(\) with base 10: '(lobby|room1|a-b|x|abc|0{8})"
)


def _by_type(seen: Evidence, crash: Crash, place: Place) -> Cause | None:
    root = crash.links[-1]
    text = root["text"]
    if root["type"] == "NameError":
        return "python-name-not-defined", place, ""
    if root["type"] == "UnboundLocalError":
        return _no_global(seen, text, place), place, ""
    again = _calls_itself(seen, place) if root["type"] == "RecursionError" else None
    if again is not None:
        return "python-method-calls-itself", again, ""
    if mixed_up(seen, text, place):
        return "python-module-mixed-up", place, ""
    if crash.told == "websocket.connect" and _OF_OUR_PATH.search(text):
        return None  # what stands in an address of ours is of another kind
    if "ObjectDoesNotExist" in root["bases"]:
        return None  # a row that our clients ask for, and nobody has made
    if root["type"] == "KeyError":
        found = _key(seen, crash, text.strip("'\""), place)
        if found:
            return found
    if crash.told == "websocket.receive" and root["type"] in _BAD_INPUT:
        if "JSONDecodeError" in root["bases"] and place[0] is None:
            return None  # the library's own JSON consumers close on bad JSON
        if crash.phase == "typed" and not _is_of_the_code(root):
            return None  # what was sent is not all that they need
        if crash.phase in ("text", "binary"):
            return None  # what was sent is no message of theirs
        if "does not support item assignment" in text or (
            root["type"] == "TypeError" and _is_nested(seen, crash, place)
        ):
            return None  # they send an object where we send a text
        if "ValueError" in root["bases"]:
            return "consumer-unvalidated-input-closes-socket", place, ""
    if crash.phase == "typed" and not _is_of_the_code(root):
        return None
    connecting = crash.told == "websocket.connect" and not crash.signed
    if connecting and strangers.is_stranger(seen, crash.links, crash.leaf):
        at = _handler_place(seen, crash)
        return "auth-anonymous-users-accepted", at, ""
    unset = re.match(r"'(\w+)' object has no attribute '(\w+)'", text)
    known = {one.name for one in seen.source.consumers()}
    if crash.told == "websocket.disconnect" and unset and unset[1] in known:
        return "group-disconnect-needs-attribute-set-later", place, ""
    if unset and unset[1] in known:
        if unset[2] in ("channel_name", "channel_layer"):
            layer = next(layers.no_layers(seen, "", ""), None)
            if layer:
                return layer.slug, layer.place, layer.hint
        return "consumer-attribute-never-set", place, ""
    return None, place if place[0] else _handler_place(seen, crash), ""


# What it is called where a text stands in place of what a page would send.
_OF_TYPES = (None, "consumer-json-not-parsed", "consumer-message-is-no-dict")


def _is_of_the_message(seen: Evidence, crash: Crash, slug: str | None) -> bool:
    """Whether a message of ours may lack what the project's own pages send."""
    root = crash.links[-1]
    if crash.told != "websocket.receive" or root["type"] not in _BAD_INPUT:
        return False
    if slug is None:
        return not _is_of_the_code(root)
    owner = seen.consumer_class(crash.leaf.get("consumer"))
    own = bool(root["frames"]) and bool(root["frames"][-1]["own"])
    return own and owner is not None and _reads_json(owner)


def _reads_json(owner: Class) -> bool:
    """Whether a consumer makes something of the text before it uses it."""
    return owner.kind.endswith("json") or any(
        calls.name_of(call, method).endswith(("loads", "decode_json", "validate_json"))
        for one in owner.line_of_ancestors
        for method in one.methods.values()
        for call in calls.calls(method.node)
    )


def _no_global(seen: Evidence, text: str, place: Place) -> str:
    """Whether a name without a value is one of the module's."""
    named = re.search(r"variable '(\w+)'", text)
    module = seen.source.by_file(place[0] or "")
    if named and module is not None and named[1] in module.values:
        return "python-global-missing"
    return "python-name-not-defined"


def _calls_itself(seen: Evidence, place: Place) -> Place | None:
    """Where a method that never ends calls the same method again."""
    function = seen.function_at(place)
    for node in walk(function.node) if function is not None else ():
        if (
            function is not None
            and isinstance(node, ast.Attribute)
            and node.attr == function.name
            and isinstance(node.value, ast.Name)
            and node.value.id == function.self_name
        ):
            return function.module.file, node.lineno
    return None


def mixed_up(seen: Evidence, text: str, place: Place) -> bool:
    """Whether a module is taken for what it holds, or the other way round.

    Args:
        seen: the evidence.
        text: what Python says.
        place: the line of the project at which it does.
    """
    if re.search(
        r"'module' object is not callable|"
        r"module '(asyncio|datetime|json|random|time|uuid)' has no attribute|"
        r"type object 'datetime\.\w+' has no attribute '(datetime|date|timedelta)'",
        text,
    ):
        return place[0] is not None
    if not re.search(
        r"'(builtin_function_or_method|function)' object has no att", text
    ):
        return False
    module = seen.source.by_file(place[0] or "")
    names = [
        module.names.get(node.value.id, "")
        for node in seen.nodes_at(place)
        if module is not None
        and isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
    ]
    # from random import random
    return any(
        "." in name and name.partition(".")[0] in sys.stdlib_module_names
        for name in names
    )


def _is_of_the_code(root: Event) -> bool:
    """Whether an exception has to do with the code itself, whatever was sent."""
    if root["type"] == "AttributeError":
        return not re.match(
            r"'(str|int|float|bool|list|dict|NoneType)' object has no", root["text"]
        )
    return root["type"] == "TypeError" and bool(
        re.search(r"positional argument|keyword argument|in 'await'", root["text"])
    )


# Keys that a message of ours may lack, though a consumer looks for them.
_UNSAID = ("text", "message", "type", "user", "code", "bytes", "headers")


def _key(seen: Evidence, crash: Crash, key: str, place: Place) -> Cause | None:
    source = " ".join(
        ast.unparse(n)
        for n in seen.nodes_at(place)
        if isinstance(n, ast.stmt)
        and not isinstance(n, (ast.ClassDef, ast.AsyncFunctionDef, ast.FunctionDef))
    )
    if key == "user" and (place[0] is None or "scope" in source):
        module_line = seen.asgi_file, None
        chain = " ".join(crash.leaf.get("chain", []))
        if "channels.auth.AuthMiddleware" not in chain:
            return "auth-stack-missing", websocket_place(seen), ""
        return None, module_line, ""
    if key == "url_route":
        return "routing-consumer-outside-urlrouter", websocket_place(seen), ""
    if key in ("text", "bytes") and crash.phase == "binary":
        return "consumer-binary-frame-keyerror", place, ""
    names = [name for step in crash.leaf.get("steps", []) for name in step["names"]]
    said = crash.told == "websocket.receive" and crash.phase == "json"
    if said and key in _UNSAID and _of_a_client(seen, place, key):
        return "consumer-unvalidated-input-closes-socket", place, ""
    asked = "kwargs" in source or (place[0] and crash.told == "websocket.connect")
    if asked and key not in names:
        captured = ", ".join(names) or "nothing"
        return "routing-kwarg-name-differs", place, f"The route captures {captured}."
    return None


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

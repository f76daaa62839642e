"""What an exception in a socket's application means."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules import settings
from tutor.doctor.rules.found import Found, Place, deepest, last_line
from tutor.doctor.rules.groups import bound_at
from tutor.doctor.source import Class, calls

RANK = 50


@dataclass(frozen=True)
class Crash:
    """An exception, and what was going on.

    Args:
        links: the exception and its causes, outermost first.
        told: the type of the last message the application was given.
        phase: what the client had sent last: "", "json", "text" or "binary".
        leaf: the route that was knocked at.
    """

    links: list[Event]
    told: str
    phase: str
    leaf: Event


# The first that fits any line of the exception; the deepest frame of the project
# is the place.
_TEXTS: tuple[tuple[str, str], ...] = (
    ("consumer-int-payload", r"'(int|float|bool)' object has no attribute 'encode'"),
    (
        "consumer-dict-payload",
        r"'(dict|list|tuple|set)' object has no attribute 'encode'",
    ),
    ("consumer-bytes-under-text", r"'bytes' object has no attribute 'encode'"),
    (
        "consumer-str-under-bytes",
        r"\"payload\" must have type bytes|payload.*must (have|be).*bytes",
    ),
    ("consumer-text-and-bytes-together", r"contains both bytes and text keys"),
    ("consumer-send-before-accept", r"Socket has not been accepted"),
    (
        "consumer-send-after-close",
        r"Attempt to send on a closed protocol|after sending 'websocket.close'",
    ),
    (
        "consumer-json-not-parsed",
        r"string indices must be integers|'str' object has no attribute "
        r"'(get|items|keys|values|pop)'",
    ),
    ("consumer-accepts-twice", r"has no attribute 'handshake_deferred'"),
    (
        "consumer-asyncio-run-in-async",
        r"cannot be called from a running event loop|"
        r"event loop is already running",
    ),
    (
        "consumer-generic-method-in-raw-consumer",
        r"object has no attribute '(accept|close|send_json|groups)'|"
        r"send\(\) got an unexpected keyword argument '(text_data|bytes_data)'",
    ),
    (
        "consumer-message-is-no-dict",
        r"(string|list|tuple|byte) indices must be integers",
    ),
    (
        "consumer-init-takes-scope",
        r"__init__\(\) missing \d+ required positional arguments?: 'scope'",
    ),
    (
        "consumer-generic-disconnect-without-code",
        r"\bdisconnect\(\) takes (1|0) positional arguments? but (2|1) w",
    ),
    (
        "consumer-generic-connect-with-event",
        r"\bconnect\(\) missing 1 required positional argument",
    ),
    (
        "consumer-generic-receive-parameter-renamed",
        r"receive\(\) got an unexpected keyword argument 'text_data'",
    ),
    (
        "consumer-handler-without-event",
        r"websocket_\w+\(\) takes (1|0) positional arguments? but (2|1) w",
    ),
    (
        "consumer-accept-not-called",
        r"object (method|builtin_function_or_method) can't be used in",
    ),
    ("group-message-without-type", r"Incoming message has no 'type' attribute"),
    (
        "group-async-to-sync-in-async-consumer",
        r"cannot use AsyncToSync in the same thread",
    ),
    ("db-orm-in-async-consumer", r"You cannot call this from an async context"),
    ("db-model-instance-in-event", r"is not JSON serializable|can not serialize"),
    (
        "auth-middleware-channels-2-signature",
        r"__call__\(\) takes 2 positional arguments but 4 were given",
    ),
    ("auth-query-string-is-bytes", r"a bytes-like object is required, not 'str'"),
    ("auth-login-required-on-consumer", r"has no attribute 'auser'"),
    (
        "auth-request-or-self-user",
        r"object has no attribute '(user|request|session|GET|COOKIES)'",
    ),
    (
        "redis-server-not-running",
        r"Error (111|61|-?\d+) (connecting to|while).*|ConnectionError",
    ),
    (
        "consumer-close-code-not-allowed",
        r"invalid close code|code must be|sendClose|Invalid code",
    ),
)


def explain(seen: Evidence, crash: Crash) -> Found | None:
    """The mistake behind a crash; None where the crash is the client's own fault."""
    place = seen.place(deepest(crash.links))
    got = last_line(crash.links)
    every = " ".join(link["text"] for link in crash.links)
    tried, expected = _said(crash)
    found = _cause(seen, crash, every, place)
    if found is None:
        return None
    slug, at, hint = found
    if slug and slug.startswith("redis-hosts"):
        got = last_line(crash.links[:1])  # the layer says it while it looks for a pool
    rank = RANK + (0 if slug else 9)
    if slug in (
        "consumer-asyncio-run-in-async",
        "group-async-to-sync-in-async-consumer",
    ):
        rank = 44  # what is thrown away after it is its consequence
    if slug in (
        "consumer-unvalidated-input-closes-socket",
        "consumer-binary-frame-keyerror",
    ):
        rank = 78
    return Found(slug, got, at, rank, tried, expected, hint)


def _said(crash: Crash) -> tuple[str, str]:
    path = crash.leaf.get("sample", "")
    if crash.told == "websocket.connect":
        return f"a knock on {path}", "101 Switching Protocols"
    if crash.told == "websocket.disconnect":
        return f"closing the socket {path}", "a consumer that ends by itself"
    kind = "a binary message" if crash.phase == "binary" else "a text message"
    return f"{kind} to {path}", "an answer, and an open socket"


Cause = tuple["str | None", Place, str]


def _cause(seen: Evidence, crash: Crash, every: str, place: Place) -> Cause | None:
    handler = re.search(r"No handler for message type ([\w.]+)", every)
    if handler:
        return _no_handler(seen, crash, handler[1])
    if re.search(r"takes no arguments|object \w+ can't be used in 'await'", every):
        awaited = _awaited(seen, crash, every, place)
        if awaited:
            return awaited
    layer = re.search(
        r"'NoneType' object has no attribute '(group_\w+|send|receive)'", every
    )
    if layer or "BACKEND is unconfigured" in every:
        found = next(settings._no_layers(seen, "", ""), None)
        if found:
            return found.slug, found.place, found.hint
    if "InvalidChannelLayerError" in str([link["type"] for link in crash.links]):
        return (
            settings._layer_error({}, crash.links),
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
        return _group_name(seen, place)
    if "no such table" in every:
        return "auth-migrations-not-applied", place, ""
    if place[0] is None and "object is not callable" in every:
        return "asgi-list-passed-without-urlrouter", (seen.asgi_file, None), ""
    if re.search(
        r"No route found|Django can only handle|No application configured", every
    ):
        return None  # walking the application says why
    if crash.phase == "binary" and re.search(
        r"receive\w*\(\).*bytes_data|No text section", every
    ):
        return None  # what the library does with it, and says so
    for slug, pattern in _TEXTS:
        if slug == "consumer-json-not-parsed" and not _own_last(crash):
            continue
        if re.search(pattern, every):
            return _refined(seen, crash, slug, place)
    return _by_type(seen, crash, place)


def _own_last(crash: Crash) -> bool:
    """Whether the project's own line raised it, on a text message."""
    frames = crash.links[-1]["frames"]
    return bool(frames) and frames[-1]["own"] and crash.phase != "binary"


def _refined(seen: Evidence, crash: Crash, slug: str, place: Place) -> Cause:
    if slug.startswith("redis-"):
        return slug, seen.setting("CHANNEL_LAYERS"), ""
    if slug == "auth-middleware-channels-2-signature" and place[0] is None:
        return slug, (seen.asgi_file, None), ""
    if place[0] is None:
        file, line = _handler_place(seen, crash)
        function = seen.function_at((file, line))
        if slug == "auth-login-required-on-consumer" and function is not None:
            line = next((d.lineno for d in function.node.decorator_list), line)
        return slug, (file, line), ""
    if slug == "db-orm-in-async-consumer":
        return _query(seen, place), place, ""
    if slug == "group-async-to-sync-in-async-consumer" and _sends(seen, place):
        return "consumer-await-in-sync-consumer", place, ""
    return slug, place, ""


def _sends(seen: Evidence, place: Place) -> bool:
    """Whether a line of a synchronous consumer sends, by the library's own method."""
    function = seen.function_at(place)
    if function is None or function.owner is None:
        return False
    own = {f"self.{name}" for name in calls.CONSUMER_METHODS}
    return function.owner.kind.startswith("sync") and any(
        isinstance(node, ast.Call) and calls.name_of(node, function) in own
        for node in seen.nodes_at(place)
    )


def _query(seen: Evidence, place: Place) -> str:
    """Which synchronous use of the database stands at a line."""
    function = seen.function_at(place)
    source = " ".join(
        ast.unparse(n) for n in seen.nodes_at(place) if isinstance(n, ast.expr)
    )
    if "session" in source and ".save" in source:
        return "auth-session-saved-synchronously"
    if function is not None and function.name == "__call__":
        return "auth-middleware-queries-synchronously"
    if function is not None:
        for node in seen.nodes_at(place):
            name = (
                function.module.resolve(node, function)
                if isinstance(node, ast.Name)
                else None
            )
            if name and re.match(r"(asgiref\.sync|channels\.db)\.\w+\(\)\(\)", name):
                return "db-lazy-queryset-returned"
    return "db-orm-in-async-consumer"


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
        return ("consumer-has-no-handlers", place, "") if seen.aim >= 6 else None
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


def near_handler(seen: Evidence, owner: Class, wanted: str) -> str | None:
    """A method that was meant to be the handler ``wanted``."""
    known = {"websocket_connect", "websocket_receive", "websocket_disconnect"}
    names = [
        n for one in owner.line_of_ancestors for n in one.methods if n not in known
    ]
    short = wanted.partition("_")[2]
    for name in names:
        if name.lower().replace("_", "") in _NICKNAMES.get(short, ()):
            return name
    return seen.near(wanted, names, 0.78) or seen.near(short, names, 0.75)


_NICKNAMES = {
    "connect": (
        "connect",
        "onconnect",
        "onopen",
        "open",
        "websocketopen",
        "wsconnect",
        "connected",
        "websocketaccept",
        "websocketconnected",
        "handleconnect",
        "onconnected",
    ),
    "receive": (
        "receive",
        "onreceive",
        "onmessage",
        "message",
        "websocketmessage",
        "wsreceive",
        "received",
        "websocketreceived",
        "handlemessage",
        "websocketrecv",
        "receivejson",
        "websocketsend",
        "websocketrecieve",
    ),
    "disconnect": (
        "disconnect",
        "ondisconnect",
        "onclose",
        "close",
        "websocketclose",
        "websocketdisconnected",
        "disconnected",
        "wsdisconnect",
        "handledisconnect",
    ),
}


def _near_method(seen: Evidence, wanted: str) -> Place | None:
    for owner in seen.source.consumers():
        own = [
            n for n in owner.methods if n not in ("connect", "disconnect", "receive")
        ]
        name = seen.near(wanted, own, 0.4)
        if name:
            return owner.module.file, owner.methods[name].node.lineno
    return None


def _awaited(seen: Evidence, crash: Crash, every: str, place: Place) -> Cause | None:
    """Something was awaited that is no coroutine, or called that takes nothing."""
    kinds = {one.name for one in seen.source.consumers()}
    for name in re.findall(
        r"(\w+)\(\) takes no arguments|object (\w+) can't be used", every
    ):
        if set(name) & kinds and place[0] is None:
            from tutor.doctor.rules.application import route_place

            return "routing-as-asgi-missing", route_place(seen, crash.leaf), ""
    if re.search(
        r"object (NoneType|str|int|dict|bool|list|float) can't be used in 'await'",
        every,
    ):
        if place[0] is not None:
            return _await_line(seen, place)
        return "consumer-handlers-not-async", _handler_place(seen, crash), ""
    return None


def _await_line(seen: Evidence, place: Place) -> Cause:
    """The project itself awaits what is no coroutine; the innermost one of a line."""
    function = seen.function_at(place)
    awaits = [
        node.value
        for node in reversed(seen.nodes_at(place))
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Call)
    ]
    if function is None:
        awaits = []
    for call in awaits:
        assert function is not None
        if calls.makes_coroutine(call, function):
            continue
        called = calls.name_of(call, function)
        target = seen.source.functions.get(called)
        if target is None and called.startswith("self.") and function.owner:
            target = function.owner.method(called[5:])
        if target is not None and not target.is_async:
            at: Place = (target.module.file, target.node.lineno)
            return "consumer-handlers-not-async", at, ""
        if called.removesuffix("()") in calls.TO_THREAD:
            return "db-wrapper-around-the-result", place, ""
        break
    return "consumer-await-on-no-coroutine", place, ""


def _group_name(seen: Evidence, place: Place) -> Cause:
    for node in seen.nodes_at(place):
        if isinstance(node, ast.Call) and node.args:
            first = ast.unparse(node.args[0])
            if first.endswith("channel_name"):
                return "group-add-arguments-swapped", place, ""
            function = seen.function_at(place)
            bound = bound_at(function, node.args[0]) if function else None
            if bound:
                module, name = bound
                return "group-name-not-allowed", (module.file, module.lines[name]), ""
    return "group-name-not-allowed", place, ""


_BAD_INPUT = {
    "JSONDecodeError",
    "KeyError",
    "ValueError",
    "TypeError",
    "IndexError",
    "UnicodeDecodeError",
    "AttributeError",
}


def _by_type(seen: Evidence, crash: Crash, place: Place) -> Cause | None:
    root = crash.links[-1]
    text = root["text"]
    if root["type"] == "NameError":
        return "python-name-not-defined", place, ""
    if root["type"] == "KeyError":
        found = _key(seen, crash, text.strip("'\""), place)
        if found:
            return found
    if crash.told == "websocket.receive" and root["type"] in _BAD_INPUT:
        if "JSONDecodeError" in root["bases"] and place[0] is None:
            return None  # the library's own JSON consumers close on bad JSON
        if crash.phase in ("text", "binary"):
            return None  # what was sent is no message of theirs
        if "ValueError" in root["bases"]:
            return "consumer-unvalidated-input-closes-socket", place, ""
    if root["type"] == "AttributeError" and crash.told == "websocket.disconnect":
        return "group-disconnect-needs-attribute-set-later", place, ""
    return None, place if place[0] else _handler_place(seen, crash), ""


def _key(seen: Evidence, crash: Crash, key: str, place: Place) -> Cause | None:
    if key == "user":
        module_line = seen.asgi_file, None
        chain = " ".join(crash.leaf.get("chain", []))
        if "AuthMiddleware" not in chain:
            from tutor.doctor.rules.application import _called, _websocket_line

            call = _called(seen, "ProtocolTypeRouter")
            line = _websocket_line(call) if call else None
            return "auth-stack-missing", (seen.asgi_file, line), ""
        return None, module_line, ""
    if key == "url_route":
        return "routing-consumer-outside-urlrouter", (seen.asgi_file, None), ""
    if key in ("text", "bytes") and crash.phase == "binary":
        return "consumer-binary-frame-keyerror", place, ""
    names = [name for step in crash.leaf.get("steps", []) for name in step["names"]]
    source = " ".join(
        ast.unparse(n)
        for n in seen.nodes_at(place)
        if isinstance(n, ast.stmt)
        and not isinstance(n, (ast.ClassDef, ast.AsyncFunctionDef, ast.FunctionDef))
    )
    asked = "kwargs" in source or (place[0] and crash.told == "websocket.connect")
    if asked and key not in names:
        captured = ", ".join(names) or "nothing"
        return "routing-kwarg-name-differs", place, f"The route captures {captured}."
    return None

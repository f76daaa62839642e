"""What the kind of an exception means, where its text says nothing known."""

from __future__ import annotations

import ast
import re
import sys

from tutor.doctor.evidence import Evidence
from tutor.doctor.models import example, is_message
from tutor.doctor.rules.access import strangers
from tutor.doctor.rules.consumers import hiding
from tutor.doctor.rules.consumers.crashes.crash import Crash, handler_place
from tutor.doctor.rules.consumers.crashes.keys import is_parsed, missing
from tutor.doctor.rules.consumers.crashes.ours import (
    BAD_INPUT,
    is_nested,
    is_of_the_code,
)
from tutor.doctor.rules.consumers.crashes.routed import is_of_another_kind
from tutor.doctor.rules.consumers.lines import Cause, awaited_there
from tutor.doctor.rules.consumers.unset import GIVEN
from tutor.doctor.rules.found import Place
from tutor.doctor.rules.project import layers
from tutor.doctor.rules.project.asgi import assigned
from tutor.doctor.rules.routing.places import route_place
from tutor.doctor.source.managers import is_model
from tutor.doctor.source.walking import own_nodes, walk

_DENIALS = {
    *("PermissionDenied", "PermissionError", "Http404", "Forbidden"),
    *("NotAuthenticated", "AuthenticationFailed"),
}
_CONNECTING = ("connect", "websocket_connect")
_PLAIN = ("NoneType", "str", "int", "dict", "bool", "list", "float", "tuple")


def no_coroutine(
    seen: Evidence, crash: Crash, every: str, place: Place
) -> Cause | None:
    """Something was awaited that is no coroutine, or called that takes nothing."""
    if re.search(r"\bas_asgi\(\) takes 1 positional argument but 4", every):
        return "routing-as-asgi-missing", route_place(seen, crash.leaf), ""
    short = re.search(r"(\w+)\(\) takes [01] positional arguments? but 3 w", every)
    if short and place[0] is None:
        return "python-function-not-called", _named(seen, short[1]), ""
    kinds = {one.name for one in seen.source.consumers()}
    for name in re.findall(
        r"(\w+)\(\) takes no arguments|object (\w+) can't be used", every
    ):
        if set(name) & kinds and place[0] is None:
            route = route_place(seen, crash.leaf)
            if _made_with(seen, route):
                hint = "What as_asgi() is given goes to __init__(), which takes none."
                return "python-arguments-differ", route, hint
            return "routing-as-asgi-missing", route, ""
    awaited = re.search(r"object (\w+) can't be used in 'await'", every)
    known = ("method", "builtin_function_or_method", "function", "UserLazyObject")
    if awaited and awaited[1] not in known:
        if awaited[1] not in _PLAIN and place[0] is None:
            return None
        if place[0] is not None:
            return awaited_there(seen, place)
        return "consumer-handlers-not-async", handler_place(seen, crash), ""
    return None


def _made_with(seen: Evidence, route: Place) -> bool:
    """Whether a route's consumer is to be made with arguments: ``as_asgi(room=1)``."""
    return any(
        isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == "as_asgi"
        and bool(node.args or node.keywords)
        for node in seen.nodes_at(route)
    )


def _named(seen: Evidence, name: str) -> Place:
    """Where the ASGI module names what should have been called; else its application.

    ``AuthMiddlewareStack(AllowedHostsOriginValidator)`` makes no application of it.
    """
    module = seen.source.modules.get(seen.asgi_module)
    nodes = [*walk(module.tree)] if module is not None else []
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        if isinstance(node, ast.Name) and node.id == name and id(node) not in called:
            return seen.asgi_file, node.lineno
    return assigned(seen, "application")


_OF_OUR_PATH = re.compile(
    r"badly formed hexadecimal UUID|expected a number but got|is not a valid UUID"
    r"|invalid literal for int\(\) with base 10: '(lobby|room1|a-b|x|abc|0{8})"
)


def by_type(seen: Evidence, crash: Crash, place: Place) -> Cause | None:
    root = crash.links[-1]
    text = root["text"]
    if root["type"] == "NameError":
        return "python-name-not-defined", place, ""
    if crash.told == "websocket.connect" and _refuses(seen, crash, place):
        return "auth-refused-by-an-exception", place, ""
    if "NoneType' object is not iterable" in text and place[0] is None:
        owner = seen.consumer_class(crash.leaf.get("consumer"))
        init = owner.method("__init__") if owner is not None else None
        if init is not None:
            line: Place = (init.module.file, init.node.lineno)
            return "consumer-init-without-super", line, ""
    ends = root["type"] in ("StopIteration", "StopAsyncIteration", "SystemExit")
    if ends and crash.told == "websocket.disconnect":
        hint = f"{root['type']} is Python's own, and tells Channels nothing."
        where = place if place[0] else handler_place(seen, crash)
        return "consumer-no-stopconsumer", where, hint
    if root["type"] == "UnboundLocalError":
        return _no_global(seen, text, place), place, ""
    again = _calls_itself(seen, place) if root["type"] == "RecursionError" else None
    if again is not None:
        return "python-method-calls-itself", again, ""
    hidden = hiding.hidden(seen, place) if "is not callable" in text else None
    if hidden is not None:
        return hiding.SLUG, hidden, ""
    if mixed_up(seen, text, place):
        return "python-module-mixed-up", place, ""
    if crash.told == "websocket.connect" and _OF_OUR_PATH.search(text):
        return None  # what stands in an address of ours is of another kind
    if "ObjectDoesNotExist" in root["bases"]:
        return None  # a row that our clients ask for, and nobody has made
    if _is_taken_for_another(seen, text):
        return "consumer-model-read-like-dict", place, ""
    if root["type"] == "KeyError":
        found = missing(seen, crash, text.strip("'\""), place)
        if found:
            return found
    if not crash.signed and strangers.is_stored(seen, crash.links, crash.leaf):
        stored = seen.function_at(place)
        inside = stored is not None and stored.owner is not None and stored.owner.kind
        at = place if inside else handler_place(seen, crash)
        return "auth-anonymous-users-accepted", at, ""
    if re.search(r"Cannot assign .* must be a \"\w+\" instance", text):
        return "db-object-expected", place, ""
    pair = _pair(seen) if "'tuple' object has no attribute" in text else None
    if pair is not None:
        return "db-object-expected", pair, "It is a pair: row, created = …"
    if crash.told == "websocket.receive" and root["type"] in BAD_INPUT:
        if "JSONDecodeError" in root["bases"] and place[0] is None:
            return None  # the library's own JSON consumers close on bad JSON
        if crash.phase == "typed" and not is_of_the_code(root):
            return None  # what was sent is not all that they need
        if crash.phase in ("text", "binary"):
            return None  # what was sent is no message of theirs
        if "does not support item assignment" in text or (
            root["type"] == "TypeError" and is_nested(seen, crash, place)
        ):
            return None  # they send an object where we send a text
        of_another_type = crash.phase == "json" and root["type"] == "TypeError"
        guessed = of_another_type and not is_of_the_code(root)
        if guessed and is_parsed(seen, place):
            return "consumer-unvalidated-input-closes-socket", place, ""
        if "ValueError" in root["bases"] and not _of_constants(seen, place):
            return "consumer-unvalidated-input-closes-socket", place, ""
    if crash.phase == "typed" and not is_of_the_code(root):
        return None
    connecting = crash.told == "websocket.connect" and not crash.signed
    if connecting and strangers.is_stranger(seen, crash.links, crash.leaf):
        at = handler_place(seen, crash)
        return "auth-anonymous-users-accepted", at, ""
    if is_of_another_kind(seen, text, place):
        return "routing-kwarg-of-another-kind", place, ""
    unset = re.match(r"'(\w+)' object has no attribute '(\w+)'", text)
    known = {one.name for one in seen.source.consumers()}
    function = seen.function_at(place)
    made = function is not None and function.name == "__init__"
    if unset and made and unset[2] in GIVEN:
        hint = f"{unset[2]} is not there yet in __init__."
        return "consumer-init-takes-scope", place, hint
    leaves = crash.told == "websocket.disconnect" and unset and unset[1] in known
    if leaves and unset and _is_ever_set(seen, unset[2]):
        return "group-disconnect-needs-attribute-set-later", place, ""
    if unset and unset[1] in known:
        if unset[2] in ("channel_name", "channel_layer"):
            layer = next(layers.no_layers(seen, "", ""), None)
            if layer:
                return layer.slug, layer.place, layer.hint
        return "consumer-attribute-never-set", place, ""
    owner = function.owner if function is not None else None
    mine = {one.name for one in (owner, *owner.heirs)} if owner is not None else {""}
    if unset and function and function.name == "__call__" and unset[1] in mine:
        hint = f"Its __init__ keeps nothing as self.{unset[2]}."
        return "auth-middleware-forgets-the-application", place, hint
    return None, place if place[0] else handler_place(seen, crash), ""


def _of_constants(seen: Evidence, place: Place) -> bool:
    """Whether a line calls with constants only: what was sent changes nothing."""
    made = [one for one in seen.nodes_at(place) if isinstance(one, ast.Call)]
    return bool(made) and all(
        isinstance(call.func, ast.Name)
        and bool(call.args)
        and not call.keywords
        and all(isinstance(one, ast.Constant) for one in call.args)
        for call in made
    )


def _is_ever_set(seen: Evidence, attribute: str) -> bool:
    """Whether anybody gives an object such an attribute at all."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == attribute
        and not isinstance(node.ctx, ast.Load)
        for module in seen.source.modules.values()
        for node in walk(module.tree)
    )


_LIKE_A_DICT = re.compile(
    r"'(\w+)' object (?:is not subscriptable|has no attribute '(?:get|items|keys)')"
)
_LIKE_A_MODEL = re.compile(r"'dict' object has no attribute '(\w+)'")


def _is_taken_for_another(seen: Evidence, text: str) -> bool:
    """Whether keys are asked of a model of the project, or its fields of a dict."""
    every = seen.source.classes.values()
    kinds = [one for one in every if is_message(one)]
    model, plain = _LIKE_A_DICT.search(text), _LIKE_A_MODEL.search(text)
    if model is not None:
        rows = (one for one in every if is_model(seen.source, one.dotted))
        return any(one.name == model[1] for one in (*kinds, *rows))
    fields = {key for one in kinds for key in example(one)}
    return plain is not None and plain[1] in fields


def _no_global(seen: Evidence, text: str, place: Place) -> str:
    """Whether a name without a value is one of the module's."""
    named = re.search(r"variable '(\w+)'", text)
    module = seen.source.by_file(place[0] or "")
    if named and module is not None and named[1] in module.values:
        return "python-global-missing"
    return "python-name-not-defined"


def _pair(seen: Evidence) -> Place | None:
    """Where what ``get_or_create()`` gives is kept or returned as it is: a pair."""
    for function in seen.source.all_functions():
        for node in own_nodes(function.node):
            if not isinstance(node, ast.Assign | ast.Return):
                continue
            call = node.value.value if isinstance(node.value, ast.Await) else node.value
            unpacked = isinstance(getattr(node, "targets", [0])[0], ast.Tuple)
            name = getattr(getattr(call, "func", None), "attr", "")
            if name.endswith("_or_create") and not unpacked:
                return function.module.file, node.lineno
    return None


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


def _refuses(seen: Evidence, crash: Crash, place: Place) -> bool:
    """Whether the project itself raised it, to keep somebody out."""
    root, function = crash.links[-1], seen.function_at(place)
    if not any(isinstance(one, ast.Raise) and one.exc for one in seen.nodes_at(place)):
        return False
    named = bool({*root["bases"]} & _DENIALS)
    return named or (function is not None and function.name in _CONNECTING)

"""Attributes and methods of a consumer in the place of a method that is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.hooks import called_of_self
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.rules.reach import reach
from tutor.doctor.source import Class, Function, known, typed
from tutor.doctor.source.flow import Frame
from tutor.doctor.source.walking import walk

RANK = 47  # before the call that fails by it
SLUG = "consumer-name-hides-method"
_MADE = {"set", "list", "dict", "deque", "Event", "Lock", "Queue", "defaultdict"}
# What the library calls, and what would show that a method of that name hands it on.
_NEEDED = {"dispatch": "getattr", "close": "base_send"}


def rules(seen: Evidence) -> Iterator[Found]:
    for owner in seen.source.consumers():
        yield from _attributes(owner)
        yield from _methods(owner)
        yield from _send(owner)


def _attributes(owner: Class) -> Iterator[Found]:
    """``self.close = False``: the next ``self.close()`` calls a bool."""
    called = _called(owner)
    for method in owner.methods.values():
        for name, value in method.self_values:
            own = owner.method(name)
            hides = own is not None and not own.node.decorator_list
            if own is None and name in known.CONSUMER_METHODS:
                hides = True
            if hides and name in called and _is_plain(value, method):
                yield Found(
                    SLUG,
                    f"self.{name} is {ast.unparse(value)}, and self.{name}() is called",
                    at(method, value),
                    RANK,
                    TRIED,
                    f"another name than {name}",
                )


def hidden(seen: Evidence, place: Place) -> Place | None:
    """Where an object that is called at a line was put in the place of its method."""
    function = seen.function_at(place)
    owner = function.owner if function is not None else None
    calls = [node for node in seen.nodes_at(place) if isinstance(node, ast.Call)]
    names = {getattr(one.func, "attr", "") for one in calls}
    for one in _attributes(owner) if owner is not None else ():
        if one.got.partition(" ")[0].removeprefix("self.") in names:
            return one.place
    return None


def _called(owner: Class) -> set[str]:
    """The names that a consumer and its family call of themselves."""
    family = [kind for one in (owner, *owner.heirs) for kind in one.line_of_ancestors]
    return called_of_self(family)


def _is_plain(value: ast.expr, method: Function) -> bool:
    """Whether a value is certainly nothing that can be called."""
    made = method.module.resolve(value, method) or ""
    if made.endswith("()") and made[:-2].rpartition(".")[2] in _MADE:
        return True
    return bool(typed.type_of(value, method))


def _hands_on(node: ast.Attribute) -> bool:
    """Whether this is what writes to the socket: ``super().send``, ``base_send``."""
    of_base = node.attr == "send" and getattr(node.value, "id", "") != "self"
    return node.attr == "base_send" or of_base


def _send(owner: Class) -> Iterator[Found]:
    """``def send(self, event)``, as a handler: nothing writes to the socket then."""
    send = owner.methods.get("send")
    if send is not None and owner.kind.endswith(("generic", "json")):
        reached: list[Frame] = []
        reach(Frame(send, owner), reached)
        nodes = [node for one in reached for node in walk(one.function.node)]
        attrs = [node for node in nodes if isinstance(node, ast.Attribute)]
        if not any(_hands_on(node) for node in attrs):
            yield Found(
                SLUG,
                "nobody calls the send() of the library",
                at(send, send.node),
                RANK - 1,
                TRIED,
                "another name than send",
            )


def _methods(owner: Class) -> Iterator[Found]:
    """``def dispatch``: the library's own one is what calls the handlers."""
    for name, instead in _NEEDED.items():
        method = owner.methods.get(name)
        if method is None or (name == "close" and name not in _called(owner)):
            continue
        reached: list[Frame] = []
        reach(Frame(method, owner), reached)
        nodes = [node for one in reached for node in walk(one.function.node)]
        attrs = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        # What calls it again never ends, and that is another mistake.
        if not (attrs | names) & {name, "send", instead, "get_handler_name"}:
            yield Found(
                SLUG,
                f"nobody calls the {name}() of the library",
                at(method, method.node),
                RANK,
                TRIED,
                f"another name than {name}",
            )

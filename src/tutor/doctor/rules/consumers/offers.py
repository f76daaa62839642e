"""The subprotocol that a consumer chooses, against what the pages offer."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import dialogue
from tutor.doctor.rules.browser.socketurls import sockets
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.source import typed
from tutor.doctor.source.walking import walk

SLUG = "consumer-subprotocol-not-offered"


def rules(seen: Evidence) -> Iterator[Found]:
    """A consumer always names one, and no page that knocks at it offers any."""
    for leaf in seen.leaves:
        place = chosen(seen, leaf.get("consumer"))
        if place is not None and _offered(seen, leaf) is False:
            yield Found(
                SLUG,
                "Socket has not been accepted, so cannot send over it",
                place,
                49,
                TRIED,
                "one of those that the page offers, or none",
            )


def _offered(seen: Evidence, leaf: Event) -> bool | None:
    """Whether a page that knocks there offers any; None where no page does."""
    mine = [one for one in sockets(seen) if leaf in dialogue.leaves(seen, one.url)]
    return any(one.options.strip() for one in mine) if mine else None


def takes(seen: Evidence, leaf: Event, place: Place) -> bool | None:
    """Whether a line takes one of a list in which our clients name none.

    None where a page names some: it is as it should be then.
    """
    function = seen.function_at(place)
    there = seen.nodes_at(place) if function is not None else []
    values = function.values if function is not None else {}
    kept = [one for node in there for one in values.get(getattr(node, "id", ""), [])]
    parts = [part for one in (*there, *kept) for part in walk(one)]
    if not any(getattr(one, "value", None) == "subprotocols" for one in parts):
        return False
    return None if _offered(seen, leaf) else True


def chosen(seen: Evidence, consumer: str | None) -> Place | None:
    """Where a consumer names the one subprotocol that it always accepts with."""
    owner = seen.consumer_class(consumer)
    for one in owner.line_of_ancestors if owner else []:
        for method in one.methods.values():
            for node in walk(method.node):
                given: list[ast.expr] = []
                if isinstance(node, ast.Call):
                    words = [w for w in node.keywords if w.arg == "subprotocol"]
                    given = [word.value for word in words]
                elif isinstance(node, ast.Dict):
                    pairs = zip(node.keys, node.values, strict=True)
                    given = [v for k, v in pairs if _is_word(k)]
                if any(typed.type_of(value, method) == "str" for value in given):
                    return at(method, node)
    return None


def _is_word(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value == "subprotocol"

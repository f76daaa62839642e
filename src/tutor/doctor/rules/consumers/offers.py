"""The subprotocol that a consumer chooses, against what the pages offer."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import dialogue
from tutor.doctor.rules.browser.socketurls import sockets
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.source import typed
from tutor.doctor.source.walking import walk


def rules(seen: Evidence) -> Iterator[Found]:
    """A consumer always names one, and no page that knocks at it offers any."""
    opened = list(sockets(seen))
    for leaf in seen.leaves:
        place = chosen(seen, leaf.get("consumer"))
        if place is None:
            continue
        mine = [one for one in opened if leaf in dialogue.leaves(seen, one.url)]
        if mine and not any(one.options.strip() for one in mine):
            yield Found(
                "consumer-subprotocol-not-offered",
                "Socket has not been accepted, so cannot send over it",
                place,
                49,
                TRIED,
                "one of those that the page offers, or none",
            )


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

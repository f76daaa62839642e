"""A name that is declared again where the outer one was meant, and a const set anew."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.belonging import SLUG
from tutor.doctor.rules.browser.grammar import is_member, part, said
from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.scoping import Scopes, how, scopes
from tutor.doctor.rules.found import Found

_NOTHING = ("", "null", "undefined")


def rules(seen: Evidence) -> Iterator[Found]:
    every = scopes(seen).values()
    given = {said(node) for one in every for node, meant in one.sets if meant is None}
    for one in every:
        yield from [*_hidden(one, given)][:1]
        yield from [*_constant(one)][:1]


def _hidden(one: Scopes, given: set[str]) -> Iterator[Found]:
    """``let ws;`` and ``const ws = new WebSocket(…)`` in a function below it."""
    given = given | {said(meant) for _, meant in one.sets if meant is not None}
    for name, nodes in one.script.made.items():
        empty = [node for node in nodes if how(node) in ("let", "var")]
        outer = [node for node in empty if _value(node) in _NOTHING]
        inner = [node for node in nodes if _value(node).startswith("new ")]
        if name in given or len(nodes) != 2 or len(outer) != 1 or len(inner) != 1:
            continue
        asked = [node for node in one.script.asked if said(node) == name]
        used = [node for node in asked if one.meant(node) == outer[0]]
        if one.meant(inner[0]) == inner[0] and any(map(_is_used, used)):
            yield Found(
                SLUG,
                f"the {name} of this function is another one: outside it stays empty",
                one.script.spot(inner[0]),
                RANK,
                TRIED,
                f"{name} = new …, without a word before it",
            )


def _value(node: Node) -> str:
    """What a name is declared to be; a sign that is no value where it is not."""
    owner = node.parent
    if owner is None or owner.type != "variable_declarator":
        return "?"
    value = part(owner, "value")
    return said(value) if value is not None else ""


def _is_used(node: Node) -> bool:
    above = node.parent
    passed = above is not None and above.type in ("arguments", "binary_expression")
    perhaps = above is not None and part(above, "object") == node  # ws?.close()
    return passed or perhaps or is_member(node)


def _constant(one: Scopes) -> Iterator[Found]:
    """``const numbers = []``, and ``numbers = […]`` later: a const is set once."""
    for node, meant in one.sets:
        if meant is not None and how(meant) == "const":
            yield Found(
                "client-const-set-again",
                f"TypeError: Assignment to constant variable: {said(node)}",
                one.script.spot(node),
                RANK,
                TRIED,
                f"let {said(node)}, for it is set again",
                "A const keeps what it is given first; the function ends at this line.",
            )

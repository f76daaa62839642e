"""What a statement does otherwise than meant: a name anew, a result for nobody."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.belonging import SLUG
from tutor.doctor.rules.browser.grammar import (
    Grammar,
    given,
    is_member,
    part,
    said,
    word,
)
from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.scoping import Scopes, how, scopes
from tutor.doctor.rules.found import Found

_NOTHING = ("", "null", "undefined")
# What a list, or an element, does to itself; it gives something else.
_IN_PLACE = {"push": "a number", "unshift": "a number", "forEach": "nothing"}
_PUT_AWAY = {
    *("push", "unshift", "appendChild", "addEventListener", "setAttribute"),
    "preventDefault",
}
# What gives a new text, or list, and changes nothing.
_GIVES = {"trim", "toUpperCase", "toLowerCase", "concat", "slice", "filter"}
_ASKS = {"map", "filter", "find", "some", "every", "sort", "reduce", "findIndex"}
_FUNCTIONS = ("arrow_function", "function_expression")
# What does nothing as a statement.
_SAYS = {
    *("member_expression", "binary_expression", "identifier", "template_string"),
    *("unary_expression", "parenthesized_expression"),
}
# What asks for a yes or no, so that a call in it is no end in itself.
_TELLS = {"filter", "find", "some", "every", "findIndex"}
_THINGS = {"string", "template_string", "number", "object", "array"}
_NAMED = {"member_expression", "subscript_expression", "identifier"}
_VALUES = {"string", "number", "true", "false", "null", "undefined", "template_string"}


def rules(seen: Evidence) -> Iterator[Found]:
    every = scopes(seen).values()
    set_there = {said(n) for one in every for n, meant in one.sets if meant is None}
    for one in every:
        yield from [*_hidden(one, set_there)][:1]
        yield from [*_constant(one)][:1]
        yield from [*_twice(one)][:1]
        yield from [*_in_place(one.script)][:1]
        yield from [*_in_a_condition(one.script)][:1]
        yield from [*_compared(one.script)][:1]
        yield from [*_named_only(one)][:1]
        yield from [*_for_nobody(one.script)][:1]
        yield from [*_gives_nothing(one.script)][:1]


def _hidden(one: Scopes, others: set[str]) -> Iterator[Found]:
    """``let ws;`` and ``const ws = new WebSocket(…)`` in a function below it."""
    others = others | {said(meant) for _, meant in one.sets if meant is not None}
    for name, nodes in one.script.made.items():
        empty = [node for node in nodes if how(node) in ("let", "var")]
        outer = [node for node in empty if _value(node) in _NOTHING]
        inner = [node for node in nodes if _value(node).startswith("new ")]
        if name in others or len(nodes) != 2 or len(outer) != 1 or len(inner) != 1:
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


def _twice(one: Scopes) -> Iterator[Found]:
    """``const data = 1; const data = 2;`` between the same braces."""
    for node in one.again if not one.script.is_filled else ():
        yield declared_twice(one.script, node)


def declared_twice(script: Grammar, node: Node) -> Found:
    return Found(
        "client-script-not-readable",
        f"SyntaxError: Identifier '{said(node)}' has already been declared",
        script.spot(node),
        60,
        TRIED,
        f"one declaration of {said(node)}",
        "Where a name is made by let, const or class, it is made once; none of a "
        "script runs that makes it again. All scripts of a page share the names "
        "outside of functions.",
    )


def _in_place(script: Grammar) -> Iterator[Found]:
    """``all = all.push(one)``: what push gives is no list."""
    for call in script.calls:
        asked, above = part(call, "function"), call.parent
        name, whose = word(asked, "property"), word(asked, "object")
        is_kept = above is not None and above.type == "assignment_expression"
        if is_kept and name in _IN_PLACE and word(above, "left") == whose:
            yield Found(
                "client-value-taken-for-another",
                f"{whose} is no list any more: {name} gives {_IN_PLACE[name]}",
                script.spot(call),
                RANK,
                TRIED,
                f"{whose}.{name}(…), and nothing before it",
                "push changes the list itself, and gives its new length.",
            )
    for node in script.members:
        put, name = node.parent, word(node, "property")
        value = part(put, "right") if part(put, "left") == node else None
        if value and name in _PUT_AWAY and value.type in _THINGS:
            yield Found(
                "client-value-taken-for-another",
                f"nothing is done: {name} is a method, and not called",
                script.spot(node),
                RANK,
                TRIED,
                f"{word(node, 'object')}.{name}(…), with the value in brackets",
            )


def _compared(script: Grammar) -> Iterator[Found]:
    """``label.textContent == text;`` alone: it compares, and gives nothing."""
    for node in script.nodes:
        above, left = node.parent, part(node, "left")
        if node.type != "binary_expression" or left is None or above is None:
            continue
        sign = word(node, "operator")
        is_alone = above.type == "expression_statement"
        if is_alone and sign in ("==", "===") and left.type in _NAMED:
            yield Found(
                "client-assigns-where-it-compares",
                f"nothing: {said(left)} is compared, and stays as it was",
                script.spot(node),
                RANK,
                TRIED,
                f"{said(left)} = …",
                "Here it is the other way round: == and === compare, and one = gives.",
            )


def _named_only(one: Scopes) -> Iterator[Found]:
    """``handler;`` alone, in place of ``handler()``."""
    for node in one.script.nodes if not one.script.is_filled else ():
        above = node.parent
        is_alone = above is not None and above.type == "expression_statement"
        if node.type == "identifier" and is_alone and one.meant(node) is not None:
            yield Found(
                "client-function-not-called",
                f"nothing: {said(node)} is named, and nobody calls it",
                one.script.spot(node),
                RANK,
                TRIED,
                f"{said(node)}()",
            )


def _for_nobody(script: Grammar) -> Iterator[Found]:
    """``text.trim();`` alone: the text is as before."""
    for call in script.calls:
        asked, above = part(call, "function"), call.parent
        name, whose = word(asked, "property"), word(asked, "object")
        gives = name in _GIVES
        gives |= name in ("replace", "replaceAll") and len(given(call)) == 2
        is_own = whose.endswith(("classList", "location", "history", "router"))
        alone = above is not None and above.type == "expression_statement"
        if alone and gives and not is_own and not whose.startswith(("$", "jQuery")):
            yield Found(
                "client-value-taken-for-another",
                f"nothing is changed: {name} gives something new",
                script.spot(call),
                RANK,
                TRIED,
                f"{whose} = {whose}.{name}(…)",
                "No method changes a text; it gives another one.",
            )


def _gives_nothing(script: Grammar) -> Iterator[Found]:
    """``all.map((one) => { one.id; })``: braces need a return."""
    for call in script.calls:
        name, above = word(call, "function", "property"), call.parent
        one = next(iter(given(call)), None)
        if name not in _ASKS or one is None or one.type not in _FUNCTIONS:
            continue
        alone = above is None or above.type in (
            "expression_statement",
            "arrow_function",
        )
        body = part(one, "body")
        if body is None or (alone and name != "sort"):
            continue
        lines = [node for node in body.named_children if node.type != "comment"]
        is_object = body.type == "object" and bool(lines)  # no ( before its brace
        is_lone = body.type == "statement_block" and len(lines) == 1
        kind = lines[0].type if is_lone else ""
        first = (
            lines[0].named_children[0].type if kind == "expression_statement" else ""
        )
        says = first in _SAYS or (name in _TELLS and first == "call_expression")
        if says or is_object:
            yield Found(
                "client-value-taken-for-another",
                f"undefined for each: {name} is given a function that returns nothing",
                script.spot(one),
                RANK,
                TRIED,
                "return before what it gives, or no braces; ({…}) for an object",
                "Braces need a return; without them an arrow function gives what "
                "stands behind the arrow.",
            )


def _in_a_condition(script: Grammar) -> Iterator[Found]:
    """``if (said.type = "welcome")``, which is always so."""
    for node in script.nodes:
        above = node.parent
        if node.type != "assignment_expression" or above is None:
            continue
        if above.type != "parenthesized_expression" or above.parent is None:
            continue
        value = part(node, "right")
        while value is not None and value.type == "binary_expression":
            value = part(value, "left")
        is_asked = above.parent.type in ("if_statement", "while_statement")
        is_state = word(value).startswith("WebSocket.")
        if is_asked and value is not None and (value.type in _VALUES or is_state):
            yield Found(
                "client-assigns-where-it-compares",
                f"{word(node, 'left')} becomes {said(value)}, whatever it was",
                script.spot(node),
                RANK,
                TRIED,
                f"{word(node, 'left')} === {said(value)}",
            )

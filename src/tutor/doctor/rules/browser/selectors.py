"""Elements taken for what they hold, lists for one of them, methods for a property."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.grammar import (
    Grammar,
    given,
    grammars,
    is_member,
    part,
    word,
)
from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.lookups import JQUERY, LISTS, ONE, Lookup, lookups
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

SLUG = "client-value-taken-for-another"
# What one element has, and no list of elements.
_OF_ONE = {
    *("addEventListener", "textContent", "innerHTML", "innerText", "value", "style"),
    *("classList", "dataset", "append", "appendChild", "setAttribute", "focus"),
    *("disabled", "checked", "onclick", "onsubmit", "oninput", "onchange", "onkeyup"),
    "onkeydown",
}
# What an element has and no object of jQuery; the methods of jQuery and of a text.
_OF_ELEMENTS = {
    *("value", "textContent", "innerHTML", "innerText", "checked", "disabled"),
    *("classList", "dataset", "style", "onclick", "onsubmit", "addEventListener"),
    *("appendChild", "setAttribute", "getAttribute", "querySelector"),
}
_OF_JQUERY = {
    *("val", "html", "text", "attr", "css", "on", "addClass", "removeClass"),
    *("each", "prop", "empty", "fadeIn", "fadeOut", "serialize"),
}
_OF_TEXTS = {
    *("trim", "split", "toUpperCase", "toLowerCase", "startsWith", "endsWith"),
    *("substring", "charAt", "padStart", "slice"),
}
_TAKERS = {"JSON.parse", "parseInt", "parseFloat", "Number"}
_NODES = {"appendChild", "removeChild", "replaceChild"}
_METHODS = {
    *("text", "html", "val", "append", "prepend", "show", "hide", "attr", "css"),
    *("addClass", "removeClass", "toggle", "on", "click", "submit"),
}


def rules(seen: Evidence) -> Iterator[Found]:
    every = lookups(seen)
    for script in grammars(seen):
        own = [one for one in every if one.script is script]
        yield from [*_lists(own)][:1]
        yield from [*_set(own)][:1]
        yield from [*_taken(script, own)][:1]
        yield from [*_kinds(own)][:1]
        yield from [*_no_nodes(script)][:1]


def _found(script: Grammar, node: Node, got: str, expected: str, hint: str) -> Found:
    return Found(SLUG, got, script.spot(node), RANK, TRIED, expected, hint)


def _lists(own: list[Lookup]) -> Iterator[Found]:
    """``querySelectorAll(".sensor").addEventListener(…)``: a list has no such thing."""
    for one in own:
        for node in (one.node, *one.uses) if one.how in LISTS else ():
            name = word(node.parent, "property") if is_member(node) else ""
            if name in _OF_ONE:
                yield _found(
                    one.script,
                    node,
                    f"a list of elements has no {name}: {one.how} gives a list",
                    "for (const one of list), or querySelector for one element",
                    "What is done to one element is done in a loop to each of a list.",
                )


def _set(own: list[Lookup]) -> Iterator[Found]:
    """``$("#count").text = 3``: a method is put away, and not called."""
    for one in own:
        for node in (one.node, *one.uses) if one.how in JQUERY else ():
            above = node.parent if is_member(node) else None
            name = word(above, "property")
            if above and name in _METHODS and part(above.parent, "left") == above:
                yield _found(
                    one.script,
                    node,
                    f"nothing is seen: {name} is a method, and not called",
                    f".{name}(…), with the value in brackets",
                    "jQuery changes an element by methods, not by what is assigned.",
                )


def _kinds(own: list[Lookup]) -> Iterator[Found]:
    """``$("#name").value``, and ``document.querySelector("#name").trim()``."""
    for one in own:
        for node in (one.node, *one.uses):
            name = word(node.parent, "property") if is_member(node) else ""
            above = node.parent.parent if node.parent is not None else None
            is_called = part(above, "function") == node.parent
            if one.how in JQUERY and name in _OF_ELEMENTS:
                got = f"undefined: what $ gives is no element, and has no {name}"
                right = "its methods text(), html(), val(), or [0] for the element"
            elif one.how in ONE and is_called and name in _OF_JQUERY:
                got = f"TypeError: {name} is not a function: of jQuery it is one"
                right = "textContent, innerHTML, value; or $(…) around the element"
            elif one.how in ONE and is_called and name in _OF_TEXTS:
                got = f"TypeError: {name} is not a function: an element is no text"
                right = f"value.{name}() of a field, textContent.{name}() of another"
            else:
                continue
            yield _found(
                one.script,
                node,
                got,
                right,
                "An element, its text, and what jQuery makes of it are three things.",
            )


def _taken(script: Grammar, own: list[Lookup]) -> Iterator[Found]:
    """``JSON.parse(document.getElementById("room"))``, which lacks .textContent."""
    ones = [one for one in own if one.how in ONE]
    elements = {node for one in ones for node in (one.node, *one.uses)}
    for call in script.calls:
        by, told = word(call, "function"), given(call)
        if by in _TAKERS and told and told[0] in elements:
            yield _found(
                script,
                call,
                f"{by} is given the element itself, and not what stands in it",
                f".{'textContent' if by == 'JSON.parse' else 'value'} behind it",
                "The text of an element is its textContent, that of a field its value.",
            )
        elif by == "JSON.stringify" and told and told[0].type == "object":
            values = [part(pair, "value") for pair in told[0].named_children]
            inside = [one for one in values if one in elements]
            for node in inside[:1]:
                assert node is not None
                yield _found(
                    script,
                    node,
                    "{} is sent: the element itself, and not what stands in it",
                    ".value behind the element",
                    "",
                )


def _no_nodes(script: Grammar) -> Iterator[Found]:
    """``list.appendChild("<li>")``."""
    for call in script.calls:
        name, told = word(call, "function", "property"), given(call)
        if name in _NODES and told and told[0].type in ("string", "template_string"):
            yield _found(
                script,
                call,
                f"TypeError: {name} is given a text, and no element",
                "document.createElement(), or append() for a text",
                "",
            )

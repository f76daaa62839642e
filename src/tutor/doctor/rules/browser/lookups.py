"""Where a script looks for elements of its page: the calls, and what they ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.grammar import (
    Grammar,
    given,
    grammars,
    part,
    said,
    text_of,
    word,
)
from tutor.doctor.rules.browser.scoping import Scopes, scopes
from tutor.doctor.rules.browser.scoping import how as made_by

LISTS = {
    *("querySelectorAll", "getElementsByClassName", "getElementsByTagName"),
    "getElementsByName",
}
ONE = {"getElementById", "querySelector"}
JQUERY = {"$", "jQuery"}
FIELD = "elements"
_OF_FORMS = {"length", "item", "namedItem"}
_KEEPS = {"variable_declarator": "name", "assignment_expression": "left"}
_FUNCTIONS = ("arrow_function", "function_declaration", "function_expression")


@dataclass(frozen=True)
class Lookup:
    """A call that looks for elements.

    Args:
        script: who calls.
        node: the call.
        how: by which method of the browser, or jQuery's ``$``.
        text: what it asks for, if that is written out.
        scope: the names of the script.
    """

    script: Grammar
    node: Node
    how: str
    text: str | None
    scope: Scopes | None

    @property
    def css(self) -> str:
        """The same as a selector."""
        begin = {"getElementById": "#", "getElementsByClassName": "."}.get(self.how, "")
        if self.how == FIELD:
            return f"[name={self.text}]"
        return begin + (self.text or "")

    @cached_property
    def uses(self) -> list[Node]:
        """The uses of the one name that the result is kept under, if it is."""
        above = self.node.parent
        if above is None or above.type not in _KEEPS:
            return []
        name = part(above, _KEEPS[above.type])
        if name is None or self.node == name:
            return []
        if name.type == "member_expression":
            same = [one for one in self.script.members if said(one) == said(name)]
            uses = [one for one in same if part(one.parent, "left") != one]
            return uses if len(same) - len(uses) == 1 else []
        scope = self.scope
        made = scope.meant(name) if scope is not None else None
        if made is None or scope is None:
            return []
        sets = [node for node, meant in scope.sets if meant == made]
        empty = part(made.parent, "value") is None  # let list; and a value later
        if sets != ([name] if empty and made != name else []):
            return []
        asked = [one for one in self.script.asked if said(one) == said(name)]
        return [one for one in asked if scope.meant(one) == made]


def lookups(seen: Evidence) -> Sequence[Lookup]:
    """All of a project."""
    return seen.once(_lookups)


def _lookups(seen: Evidence) -> Iterator[Lookup]:
    every, held = grammars(seen), scopes(seen)
    helpers = dict(one for script in every for one in _helpers(script))
    jquery = {one for one in JQUERY if not any(_is_own(one, s) for s in every)}
    for script in every:
        for call in script.calls:
            how = _how(call)
            if not how and part(call, "function", "object") is None:
                name = word(call, "function")
                how = helpers.get(name) or (name if name in jquery else "")
            if how:
                told = given(call)
                text = text_of(told[0]) if told else None
                scope = held.get(script.code.script.file)
                yield Lookup(script, call, how, text, scope)
        for call in script.calls:  # new FormData(form).get("title")
            told = given(call)
            if told and _is_form_data(part(call, "function"), held.get(_file(script))):
                yield Lookup(
                    script, call, FIELD, text_of(told[0]), held.get(_file(script))
                )
        for node in script.members:  # form.elements.title
            name = word(node, "property")
            if word(node, "object", "property") == FIELD and name not in _OF_FORMS:
                yield Lookup(script, node, FIELD, name, held.get(_file(script)))


def _file(script: Grammar) -> str:
    return script.code.script.file


def _is_form_data(asked: Node | None, scope: Scopes | None) -> bool:
    """Whether ``get`` is asked of what a form holds, there or behind its name."""
    whose = part(asked, "object")
    if whose is None or word(asked, "property") != "get":
        return False
    made = scope.meant(whose) if scope and whose.type == "identifier" else None
    value = part(made.parent, "value") if made is not None else whose
    return (
        re.match(r"new FormData\(\s*[^\s)]", said(value)) is not None
        if value
        else False
    )


def _is_own(name: str, script: Grammar) -> bool:
    """``const $ = document.querySelector.bind(document)``: no jQuery at all."""
    return any(
        made_by(node) or (node.parent and node.parent.type == "function_declaration")
        for node in script.made.get(name, ())
    )


def _how(call: Node) -> str:
    name = word(call, "function", "property")
    return name if name in ONE | LISTS else ""


def _helpers(script: Grammar) -> Iterator[tuple[str, str]]:
    """``const byId = (id) => document.getElementById(id)``: its name, and how."""
    for call in script.calls:
        how, told = _how(call), given(call)
        if not how or len(told) != 1 or told[0].type != "identifier":
            continue
        node: Node | None = call.parent
        while node is not None and node.type in ("return_statement", "statement_block"):
            node = node.parent
        if node is None or node.type not in _FUNCTIONS:
            continue
        body = part(node, "body")
        is_all = body == call or (
            body is not None
            and body.type == "statement_block"
            and len(body.named_children) == 1
        )
        inner = part(node, "parameter") or part(node, "parameters")
        if is_all and word(inner).strip("() ") == word(told[0]):
            yield word(node, "name") or word(node.parent, "name"), how

"""Where the names of a script hold, and which of them a place means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.grammar import Grammar, grammars, part, said, word

_FUNCTIONS = {
    *("function_declaration", "function_expression", "arrow_function"),
    *("generator_function", "generator_function_declaration", "method_definition"),
}
_BLOCKS = {
    *("statement_block", "for_statement", "for_in_statement", "catch_clause"),
    *("class_body", "class_static_block", "switch_body", "program"),
}
_NAMED = {"function_expression", "generator_function", "class"}  # known inside alone
_PATTERNS = {
    *("object_pattern", "array_pattern", "pair_pattern", "rest_pattern"),
    *("assignment_pattern", "object_assignment_pattern"),
}
_SETS = {
    "assignment_expression": "left",
    "augmented_assignment_expression": "left",
    "update_expression": "argument",
}


@dataclass(frozen=True)
class Scopes:
    """The names of a script by the nodes that they hold in.

    Args:
        script: its tree.
    """

    script: Grammar

    @cached_property
    def _held(self) -> dict[int, dict[str, list[Node]]]:
        found: dict[int, dict[str, list[Node]]] = {}
        for name, nodes in self.script.made.items():
            for node in nodes:
                holder = _holder(node)
                if holder is not None:
                    found.setdefault(holder.id, {}).setdefault(name, []).append(node)
        return found

    @cached_property
    def top(self) -> set[str]:
        """What the whole script has."""
        return {*self._held.get(self.script.tree.root_node.id, ())}

    @cached_property
    def again(self) -> list[Node]:
        """Each second declaration of a name, if let, const or class makes one of them.

        What is a script of its own in a page has names of its own.
        """
        root = self.script.tree.root_node.id
        return [
            nodes[1]
            for holder, names in self._held.items()
            for nodes in names.values()
            if len(nodes) > 1 and any(map(is_lexical, nodes))
            if holder != root or not self._is_apart(*nodes[:2])
        ]

    def _is_apart(self, one: Node, other: Node) -> bool:
        """Whether a page may have one of two lines alone, or each in a module."""
        text = self.script.code.script.text
        lines = text.split("\n")[one.start_point[0] : other.start_point[0] + 1]
        chosen = re.search(r"\{%-?\s*(?:if|elif|else|endif|for)\b", "\n".join(lines))
        return not self.script.code.script.is_static and (
            "module" in text or chosen is not None
        )

    @cached_property
    def lexical(self) -> set[str]:
        """What the whole script has by ``let``, ``const`` or ``class``."""
        held = self._held.get(self.script.tree.root_node.id, {})
        return {name for name, nodes in held.items() if any(map(is_lexical, nodes))}

    def first(self, name: str) -> Node:
        """The first place that gives the whole script a name."""
        return self._held[self.script.tree.root_node.id][name][0]

    @cached_property
    def everywhere(self) -> set[str]:
        """What it gives to all scripts, with what a name is given that nobody made."""
        return self.top | {said(node) for node, meant in self.sets if meant is None}

    def meant(self, node: Node) -> Node | None:
        """The first place that makes the name which a place means."""
        name, above = said(node), node.parent
        while above is not None:
            held = self._held.get(above.id, {}).get(name)
            if held:
                return held[0]
            above = above.parent
        return None

    @cached_property
    def sets(self) -> list[tuple[Node, Node | None]]:
        """Where a name is given something else, and the name that is meant."""
        bound = [node for nodes in self.script.made.values() for node in nodes]
        places = [node for node in bound if _is_set(_owner(node))]
        updates = [n for n in self.script.nodes if n.type == "update_expression"]
        told = [part(node, "argument") for node in updates]
        places += [node for node in told if node and node.type == "identifier"]
        return [(node, self.meant(node)) for node in places]


def scopes(seen: Evidence) -> dict[str, Scopes]:
    """Of each script that can be read, by its file."""
    return {one.script.code.script.file: one for one in seen.once(_scopes)}


def _scopes(seen: Evidence) -> Iterator[Scopes]:
    for one in grammars(seen):
        if one.mistake is None:
            yield Scopes(one)


def how(node: Node) -> str:
    """Whether a name is made by ``const``, ``let``, ``var``, or by none of them."""
    owner = _owner(node)
    if owner is not None and owner.type == "variable_declarator":
        return word(owner.parent).partition(" ")[0] if owner.parent else ""
    return word(owner, "kind") if owner is not None else ""


def is_lexical(node: Node) -> bool:
    """Whether a name is made by a word that may make it only once."""
    above = node.parent
    is_class = above is not None and above.type == "class_declaration"
    return is_class or how(node) in ("let", "const")


def _owner(node: Node) -> Node | None:
    """What a name, or the pattern that it stands in, is a part of."""
    above = node.parent
    while above is not None and above.type in _PATTERNS:
        above = above.parent
    return above


def _is_set(owner: Node | None) -> bool:
    if owner is None:
        return False
    is_bare = owner.type == "for_in_statement" and part(owner, "kind") is None
    return owner.type in _SETS or is_bare


def _holder(node: Node) -> Node | None:
    """The node in which a name holds; None where none is made."""
    owner = _owner(node)
    if owner is None or _is_set(owner):
        return None
    if owner.type in (*_NAMED, "for_in_statement", "catch_clause", "arrow_function"):
        return owner
    if owner.type == "formal_parameters":
        return owner.parent
    wide = owner.type == "variable_declarator" and how(node) == "var"
    above = owner.parent
    while above is not None and above.type not in _FUNCTIONS | {"program"}:
        if not wide and above.type in _BLOCKS:
            return above
        above = above.parent
    return above

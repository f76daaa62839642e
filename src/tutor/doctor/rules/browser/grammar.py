"""Scripts as syntax trees: what no browser can read, and names that nobody made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser, Tree

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.blanked import spoken
from tutor.doctor.rules.browser.javascript import BIG, Code, codes
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.scripts import Spot, texts
from tutor.doctor.rules.found import Found

RANK = 60  # none of the script runs: before all that it does wrong
_GIVEN = re.compile(r"\{\{.*?\}\}|\{%\s*(?:static|url|now|trans|translate)\b.*?%\}")
_QUIET = re.compile(r"\{%\s*(?:load|csrf_token)\b.*?%\}")
_TAG = re.compile(r"\{%|\{\{[ \w.|:]+\}\}")
_ASIDE = re.compile(
    r"<!--.*?-->|\{#.*?#\}|\{%\s*comment\b.*?%\}.*?\{%\s*endcomment\s*%\}", re.S
)
_PARSER = Parser(Language(tree_sitter_javascript.language()))
# The field of a node in which it says a new name.
_BINDS = {
    "variable_declarator": "name",
    "function_declaration": "name",
    "generator_function_declaration": "name",
    "function_expression": "name",
    "generator_function": "name",
    "class_declaration": "name",
    "class": "name",
    "arrow_function": "parameter",
    "catch_clause": "parameter",
    "for_in_statement": "left",
    "assignment_expression": "left",
    "augmented_assignment_expression": "left",
    "assignment_pattern": "left",
    "pair_pattern": "value",
}
_BINDING = {
    *("formal_parameters", "import_clause", "namespace_import", "import_specifier"),
    *("array_pattern", "rest_pattern", "export_specifier"),
}


@dataclass(frozen=True)
class Grammar:
    """The tree of a script; of a page, of all that stands in its scripts.

    Args:
        code: the script.
        tree: its syntax tree; places in it are bytes.
        is_filled: whether Django chooses what of it a browser gets.
    """

    code: Code
    tree: Tree
    is_filled: bool

    @property
    def mistake(self) -> Node | None:
        """The first place that is no JavaScript."""
        if not self.tree.root_node.has_error:
            return None
        wrong = (n for n in _every(self.tree) if n.is_error or n.is_missing)
        return min(wrong, key=lambda node: node.start_byte, default=None)

    @cached_property
    def nodes(self) -> list[Node]:
        """Every node that has a name, in the order of the text."""
        return [node for node in _every(self.tree) if node.is_named]

    @cached_property
    def calls(self) -> list[Node]:
        return [node for node in self.nodes if node.type == "call_expression"]

    @cached_property
    def members(self) -> list[Node]:
        """What is asked for a part of something, or gives it one."""
        return [node for node in self.nodes if node.type == "member_expression"]

    @cached_property
    def strings(self) -> list[Node]:
        """Every text that is written out, whatever quotes it stands in."""
        return [n for n in self.nodes if n.type in ("string", "template_string")]

    @cached_property
    def made(self) -> dict[str, list[Node]]:
        """The places where each name is made, or given something else."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            if _is_bound(node):
                found.setdefault(said(node), []).append(node)
        return found

    @cached_property
    def is_module(self) -> bool:
        kinds = {node.type for node in self.tree.root_node.children}
        return bool(kinds & {"import_statement", "export_statement"})

    @cached_property
    def bound(self) -> set[str]:
        """The names that a script makes."""
        return {*self.made}

    @cached_property
    def asked(self) -> list[Node]:
        """The names that it asks for."""
        kinds = ("identifier", "shorthand_property_identifier")
        return [
            node for node in self.nodes if node.type in kinds and not _is_bound(node)
        ]

    def spot(self, node: Node) -> Spot:
        return self.code.script.file, node.start_point[0] + 1


def said(node: Node) -> str:
    return (node.text or b"").decode()


def part(node: Node | None, *path: str) -> Node | None:
    """What a node has under a name, and that under the next one."""
    for name in path:
        node = node.child_by_field_name(name) if node is not None else None
    return node


def word(node: Node | None, *path: str) -> str:
    """What is written there; empty where nothing is."""
    found = part(node, *path)
    return said(found) if found is not None else ""


def given(call: Node | None) -> list[Node]:
    """The arguments of a call."""
    inside = part(call, "arguments")
    named = inside.named_children if inside is not None else []
    return [one for one in named if one.type != "comment"]


def text_of(node: Node | None) -> str | None:
    """The text that a node is, if it is written out and nothing is filled in."""
    if node is None or node.type not in ("string", "template_string"):
        return None
    inside = node.named_children
    if any(one.type == "template_substitution" for one in inside):
        return None
    return said(node)[1:-1]


def is_member(node: Node | None) -> bool:
    """Whether a node is asked for a part of it, which fails if it is nothing."""
    above = node.parent if node is not None else None
    return (
        above is not None
        and above.type in ("member_expression", "subscript_expression")
        and part(above, "object") == node
        and part(above, "optional_chain") is None
    )


def _every(tree: Tree) -> Iterator[Node]:
    """Every node of a tree, in the order of the text."""
    rest = [tree.root_node]
    while rest:
        node = rest.pop()
        yield node
        rest += reversed(node.children)


def _is_bound(node: Node) -> bool:
    """Whether a name is made here."""
    above = node.parent
    if node.type != "identifier" or above is None:
        return node.type == "shorthand_property_identifier_pattern"
    if above.type in _BINDING:
        return True
    name = _BINDS.get(above.type)
    return name is not None and above.child_by_field_name(name) == node


def grammars(seen: Evidence) -> Sequence[Grammar]:
    """The scripts of a project, those apart that are built by another program."""
    return seen.once(_grammars)


def _grammars(seen: Evidence) -> Iterator[Grammar]:
    for code in codes(texts(seen)):
        path = seen.project / code.script.file
        if code.script.is_built or path.suffix not in (".js", ".html"):
            continue
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if path.suffix == ".html":
            text = "".join(spoken(_ASIDE.sub(_blank, text)))
            text = _GIVEN.sub(_name, _QUIET.sub(_blank, text))
        is_apart = "<script" not in text.lower()  # else one of them is not closed
        if is_apart and text.strip() and len(text) <= BIG:
            yield Grammar(code, _parsed(text), bool(_TAG.search(text)))


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _name(match: re.Match[str]) -> str:
    return "x" * len(match[0])


@lru_cache(50)
def _parsed(text: str) -> Tree:
    return _PARSER.parse(text.encode())


def rules(seen: Evidence) -> Iterator[Found]:
    """The first script that no browser can read."""
    for one in grammars(seen):
        node = None if one.is_filled else one.mistake
        if node is None:
            continue
        what = node.type if node.is_missing else said(node).strip().split("\n")[0][:40]
        got = f"Uncaught SyntaxError: {'missing' if node.is_missing else 'near'} {what}"
        spot = one.spot(node)
        yield Found("client-script-not-readable", got, spot, RANK, TRIED, "JavaScript")
        return

"""Elements that a script looks for, and that no page which loads it has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.grammar import Grammar, grammars, is_member, said, word
from tutor.doctor.rules.browser.imports import Served, closure, served_scripts
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.loaded import RANK, SOURCE, TAG, is_made
from tutor.doctor.rules.browser.lookups import FIELD, JQUERY, LISTS, Lookup, lookups
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.slipped import is_slip
from tutor.doctor.source.walking import walk

_MORE = re.compile(r"\{%\s*(?:extends|include)\s+([\"']?)([^\"'\s%]+)\1")
# Pieces of pages that come later, whoever asks for them.
_LATER = re.compile(r"\bhx-(?:get|post|put|patch)\b|\.\s*(?:text\s*\(\s*\)|load\s*\()")
# Scripts of others, but for those that give no element a class.
_FOREIGN = re.compile(
    r"<script\b[^>]*\bsrc\s*=\s*[\"']?(?:https?:)?//(?![^\"'>\s]*/(?:htmx|alpinejs|vue|"
    r"chart\.js|axios|reconnecting-websocket|jquery[-.@\d]*(?:slim\.)?(?:min\.)?js)\b)",
    re.I,
)
# What more than the template may make: tags of others, and what is no template's.
_MADE = re.compile(r"\|\s*safe\b|\{%\s*(?:crispy|bootstrap|render)|\bmark_safe\b")
_BINDS = {"on", "click", "submit", "change", "keyup", "keydown", "keypress", "input"}
_FILLED_CLASS = re.compile(r"\bclass\s*=\s*[\"'][^\"'>]*(?:\{\{|\{%|\$\{)")
_PIECES = re.compile(r"\s*[\s>+~]\s*")
_PIECE = re.compile(
    r"(?P<tag>[\w-]+)?(?P<more>(?:[#.][\w-]+|\[[\w-]+=[\"']?[\w-]+[\"']?\])*)"
)
_SIGN = re.compile(r"([#.])([\w-]+)|\[name=[\"']?([\w-]+)")
_ASKED = {
    *("parenthesized_expression", "unary_expression", "binary_expression"),
    "ternary_expression",
}
# What is given to these names something that is there already.
_LOOKS = re.compile(
    r"(?:querySelector\w*|getElement\w*|closest|matches|\$|jQuery|get|getAll|has|set|"
    r"getItem|setItem|on|addEventListener)$"
)
_WORDS = """
    a abbr address area article aside b base blockquote body br caption code col
    colgroup data datalist dd del details dfn div dl dt em embed fieldset figcaption
    figure footer h1 h2 h3 h4 h5 h6 head header hr html i img input ins kbd label legend
    li link main map mark menu meta nav object ol optgroup option p picture pre q s samp
    script section select slot small source span strong style sub summary sup table
    tbody td text textarea tfoot th thead time title tr u ul var
"""
_TAGS = set(_WORDS.split())


@dataclass(frozen=True)
class _There:
    """What some pages have.

    Args:
        whole: the text of all of them, and of their scripts.
        words: what the scripts say apart from selectors.
        ids: the ids that Python gives.
    """

    whole: str
    words: set[str]
    ids: set[str]

    def lacks(self, one: Lookup) -> str:
        """What of a selector no element has; empty where all may be there."""
        if one.how == "getElementById":
            return one.css if one.text and not self._has_id(one.text) else ""
        if one.how == FIELD:
            name = one.text or ""
            by_id = rf"<[^<>]*\bid\s*=\s*[\"']?{re.escape(name)}(?![\w-])"
            is_there = re.search(by_id, self.whole) or self._has_name(name)
            return one.css if not is_there else ""
        pieces = [_PIECE.fullmatch(piece) for piece in _PIECES.split(one.css.strip())]
        for piece in pieces if all(pieces) else ():
            assert piece is not None
            if piece["tag"] and not self._has_tag(piece["tag"]):
                return piece["tag"]
            for sign, name, field in _SIGN.findall(piece["more"]):
                has = {"#": self._has_id, ".": self._has_class}.get(
                    sign, self._has_name
                )
                if not has(name or field):
                    return f"{sign}{name}" or f"[name={field}]"
        return ""

    def _has_id(self, name: str) -> bool:
        return name.startswith("id_") or name in self.ids or is_made(name, self.whole)

    def _has_class(self, name: str) -> bool:
        word = rf"(?<![\w-]){re.escape(name)}(?![\w-])"
        return bool(
            name in self.words
            or re.search(rf"\bclass(?:Name|List)?\b[^>\n]*?{word}", self.whole)
            or re.search(rf"\bclass\s*=\s*\"[^\">]*{word}", self.whole)
            or _FILLED_CLASS.search(self.whole)
            or _FOREIGN.search(self.whole)
        )

    def _has_tag(self, name: str) -> bool:
        return (
            name.lower() in _TAGS
            or _MADE.search(self.whole) is not None
            or name in self.words
            or re.search(rf"<{re.escape(name)}(?![\w-])", self.whole) is not None
        )

    def _has_name(self, name: str) -> bool:
        word = re.escape(name)
        if name == "csrfmiddlewaretoken":
            return bool(re.search(r"csrf_token|csrf_input", self.whole))
        if "csrf" in name.lower():
            return bool(re.search(rf"<[^<>]*\bname\s*=\s*[\"']?{word}", self.whole))
        return bool(
            name in self.words
            or re.search(
                rf"(?<![\w-])name\s*=\s*[\"']?{word}(?![\w-])(?!\"?\]|'?\])", self.whole
            )
            or re.search(
                r"(?<![\w-])name\s*=\s*[\"'][^\"'>]*(?:\{\{|\{%|\$\{)", self.whole
            )
            or re.search(r"\{\{\s*\w*form\w*\b|\{%\s*(?:crispy|bootstrap)", self.whole)
        )


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    """The first in each script."""
    found: dict[str, list[Lookup]] = {}
    for one in lookups(seen):
        if one.text and (one.how in LISTS or _is_needed(one)):
            found.setdefault(one.script.code.script.file, []).append(one)
    if found:
        yield from _missing(seen, every, found)


def _missing(
    seen: Evidence, every: list[Code], found: dict[str, list[Lookup]]
) -> Iterator[Found]:
    pages = [one for one in every if not one.script.is_static]
    served = served_scripts(seen, every)
    prefix = str(seen.settings.get("static") or "")
    whole = "\n".join(one.script.text for one in every)
    words = {one for script in grammars(seen) for one in _words(script)}
    given: set[str] | None = None
    loaded = {page.script.file: _loaded(page, served, prefix) for page in pages}
    for code in every:
        asked = found.get(code.script.file, [])
        loaders = [p for p in pages if p is code or code in loaded[p.script.file]]
        families = [_family(page, pages) for page in loaders if asked]
        if not asked or any(family is None for family in families):
            continue  # a part of a page is elsewhere
        around = [one for family in families for one in family or ()]
        texts = [one.script.text for one in around]
        texts += [o.script.text for page in around for o in loaded[page.script.file]]
        near = "\n".join([*texts, code.script.text])
        if not loaders or _LATER.search(whole):
            near = whole
        for one in asked:
            lost = _There(near, words, given or set()).lacks(one)
            if lost and given is None:
                given = ids(seen)
                lost = _There(near, words, given).lacks(one)
            is_here = bool(loaders) or not lost.startswith("#")
            if lost and is_here and (one.how not in LISTS or _is_meant(lost, whole)):
                yield _found(one, lost, (loaders or [code])[0])
                break


def _found(one: Lookup, lost: str, page: Code) -> Found:
    if one.how == FIELD:
        return Found(
            "client-form-field-not-named",
            f"undefined: no field of the form is named {one.text}",
            one.script.spot(one.node),
            RANK,
            TRIED,
            f'name="{one.text}" at a field in {page.script.file}',
        )
    by_id = f"getElementById({one.text!r}) is null"
    bare = re.fullmatch(r"\w+", lost) and f"A class is asked for with a dot: .{lost}"
    return Found(
        "client-element-not-there",
        by_id
        if one.how == "getElementById"
        else f"{one.how}({one.text!r}) finds nothing",
        one.script.spot(one.node),
        RANK,
        TRIED,
        f'an element with id="{lost.strip("#")}" in {page.script.file}'
        if lost.startswith("#")
        else f"an element that fits {lost}, in a page",
        bare or "",
    )


def _is_meant(name: str, whole: str) -> bool:
    """Whether a tag that is none is a class or an id: ``querySelectorAll("box")``.

    Or a class is another one with a letter more or less.
    """
    if name.startswith("."):
        told = re.findall(r"(?<![\w-])class\s*=\s*[\"']([\w -]+)[\"']", whole)
        return any(is_slip(name[1:], one) for names in told for one in names.split())
    word = rf"(?<![\w-]){re.escape(name)}(?![\w-])"
    is_tag = not name.startswith((".", "#", "["))
    return is_tag and bool(
        re.search(rf"\b(?:class|id)\s*=\s*[\"'][^\"'>]*{word}", whole)
    )


def _is_needed(one: Lookup) -> bool:
    """Whether a script fails without the element: it never asks whether it is there."""
    if one.how in JQUERY:
        bound = word(one.node.parent, "property") in _BINDS and "." in one.css
        return ("#" in one.css or bound) and is_member(one.node)
    if not is_member(one.node):
        plain = [use for use in one.uses if is_member(use)]
        passed = [
            u for u in one.uses if u.parent is not None and u.parent.type == "arguments"
        ]
        if not plain or len(plain) + len(passed) < len(one.uses):
            return False
    return not any(
        said(other) == said(one.node)
        and other.parent is not None
        and other.parent.type in _ASKED
        for other in one.script.calls
    )


def _words(script: Grammar) -> Iterator[str]:
    """What a script says, apart from what it looks for and compares."""
    for node in script.strings:
        above = node.parent
        if above is None or above.type in ("binary_expression", "subscript_expression"):
            continue
        asks = above.type == "arguments" and word(above.parent, "function")
        if not asks or not _LOOKS.search(asks):
            yield from re.findall(r"[\w-]+", said(node))


def ids(seen: Evidence) -> set[str]:
    """The ids that Python gives: ``attrs={"id": "line"}``, ``'<p id="line">'``."""
    return {
        name for module in seen.source.modules.values() for name in _named(module.tree)
    }


def _named(tree: ast.Module) -> Iterator[str]:
    """The ids that Python gives: ``attrs={"id": "line"}``, ``'<p id="line">'``."""
    for node in walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "id":
                    yield str(getattr(value, "value", ""))
        elif isinstance(node, ast.keyword) and node.arg in ("id", "auto_id"):
            yield str(getattr(node.value, "value", ""))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\bid=[\"']?([\w-]+)", node.value)


def _family(page: Code, pages: list[Code]) -> list[Code] | None:
    """A page with what it extends and includes, and with the pages that do so.

    None where a template's name is not written out, or there is no such file.
    """
    found, left = [page], [page]
    while left:
        one = left.pop()
        for match in _MORE.finditer(one.script.text):
            named = [p for p in pages if p.script.file.endswith("/" + match[2])]
            if not match[1] or not named:
                return None
            fresh = [p for p in named if p not in found]
            found, left = [*found, *fresh], [*left, *fresh]
    below = [
        other
        for other in pages
        if other not in found and any(_names(other, one) for one in found[:1])
    ]
    for other in below:
        more = _family(other, pages)
        if more is None:
            return None
        found += [one for one in more if one not in found]
    return found


def _names(page: Code, other: Code) -> bool:
    """Whether a page extends another one, or includes it."""
    return any(
        other.script.file.endswith("/" + match[2])
        for match in _MORE.finditer(page.script.text)
    )


def _loaded(page: Code, there: Served, prefix: str) -> list[Code]:
    """The project's own scripts that a page loads."""
    found = []
    for match in TAG.finditer(page.script.text):
        source = SOURCE.search(match[1])
        code = there.at(source[1] or source[2], prefix) if source else None
        found += closure(code, there) if code is not None else []
    return found

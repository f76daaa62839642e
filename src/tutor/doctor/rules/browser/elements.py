"""Elements that a script keeps for later, and that no page which loads it has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.imports import Served, closure, served_scripts
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.loaded import RANK, SOURCE, TAG, is_made
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.source.walking import walk

_KEPT = re.compile(
    r"(?<![\w$.])((?:this\.)?[\w$]+)\s*=\s*(?:window\.)?document\s*\.\s*getElementById"
    r"\s*\(\s*([\"'`])"
)
_MORE = re.compile(r"\{%\s*(?:extends|include)\s+([\"']?)([^\"'\s%]+)\1")


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    pages = [code for code in every if code.script.file.endswith(".html")]
    there = served_scripts(seen, every)
    prefix = str(seen.settings.get("static") or "")
    families = {page.script.file: _family(page, pages) for page in pages}
    if any(family is None for family in families.values()):
        return  # a part of a page is elsewhere
    made = {name for one in seen.source.modules.values() for name in _named(one.tree)}
    loaded = {page.script.file: _loaded(page, there, prefix) for page in pages}
    for code in every:
        loaders = [p for p in pages if p is code or code in loaded[p.script.file]]
        if not loaders:
            continue
        around = [one for p in loaders for one in families[p.script.file] or ()]
        texts = [one.script.text for one in around]
        texts += [
            one.script.text for page in around for one in loaded[page.script.file]
        ]
        whole = "\n".join([*texts, code.script.text])
        yield from _missing(code, whole, made, loaders)


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


def _missing(
    code: Code, whole: str, made: set[str], loaders: list[Code]
) -> Iterator[Found]:
    for match in _KEPT.finditer(code.bare):
        named = re.compile(r"([\w-]+)[\"'`]\s*\)\s*(?=[;,\n])").match(
            code.script.text, match.end()
        )
        if named is None or named[1] in made or named[1].startswith("id_"):
            continue
        if is_made(named[1], whole):
            continue
        word = rf"(?<![\w$.]){re.escape(match[1])}"
        asked = rf"{word}\s*(?:\?|&&|\|\||[!=]==?)|!\s*{word}|\(\s*{word}\s*\)"
        used = re.search(rf"{word}\s*\.\s*[\w$]+", code.bare)
        if used is not None and not re.search(asked, code.bare):
            yield Found(
                "client-element-not-there",
                f"getElementById('{named[1]}') is null",
                code.spot(match.start()),
                RANK,
                TRIED,
                f'an element with id="{named[1]}" in {loaders[0].script.file}',
            )
            return

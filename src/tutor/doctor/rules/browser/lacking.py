"""Messages without a key that the function chosen for them cannot do without."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import keys
from tutor.doctor.rules.browser.handling import functions
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.needed import needed
from tutor.doctor.rules.browser.orders import UNPACKED, chosen, said, wanted
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Class
from tutor.doctor.source.walking import walk
from tutor.doctor.words import heard

_SENT = re.compile(r"\bsend\s*\(\s*JSON\s*\.\s*stringify\s*\(\s*$")
_CALLED = re.compile(r"(?<![\w$])([\w$.]+)\s*\(\s*$")
_NAMED = re.compile(r"\b(?:const|let|var)\s+([\w$]+)\s*=\s*$")


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    """``data["author"]``, and a page that sends everything but that, and ``from``."""
    read, must = wanted(seen), _musts(seen)
    every_key = {key for one in seen.source.consumers() for key in heard(one).keys}
    for code in every if read and must else ():
        for key, word, others, index in said(code):
            lost = must.get(word, frozenset()) - others - {key}
            more = others - every_key if word in read else set()
            if lost and more and _is_whole(code, index, every):
                yield Found(
                    "client-sends-another-key",
                    f"KeyError: {min(lost)!r}; nobody reads {', '.join(sorted(more))}",
                    code.spot(index),
                    keys.RANK,
                    TRIED,
                    ", ".join(sorted(lost)),
                )
                return


def _musts(seen: Evidence) -> dict[str, frozenset[str]]:
    """The keys without which a word leads to nothing, whoever hears it."""
    found: dict[str, frozenset[str]] = {}
    for owner in seen.source.consumers():
        for word, method, message in chosen(owner):
            plain = message is not None and message != UNPACKED
            own = needed(method, {message}) if message and plain else frozenset()
            own -= frozenset(_put_in(owner))
            found[word] = found.get(word, own) & own
    return {word: must for word, must in found.items() if must}


def _put_in(owner: Class) -> Iterator[str]:
    """The keys that a consumer itself adds to what it has heard."""
    methods = (m for one in owner.line_of_ancestors for m in one.methods.values())
    for node in (node for method in methods for node in walk(method.node)):
        told: list[ast.expr | None] = []
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            told = [node.slice]
        elif isinstance(node, ast.Dict) and None in node.keys:
            told = node.keys
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("update", "dict", "setdefault"):
                told = [part for one in node.args for part in _texts(one)]
                yield from (word.arg for word in node.keywords if word.arg)
        yield from (str(getattr(one, "value", "")) for one in told if one)


def _texts(node: ast.expr) -> list[ast.expr]:
    return [one for one in walk(node) if isinstance(one, ast.Constant)]


def _is_whole(code: Code, index: int, every: list[Code]) -> bool:
    """Whether an object is sent as it is written, with nothing added to it."""
    before = code.bare[:index]
    if _SENT.search(before):
        return True
    if named := _NAMED.search(before):
        name = re.escape(named[1])
        filled = rf"(?<![\w$.]){name}\s*(?:\.\s*[\w$]+|\[[^\]]*\])\s*=(?!=)"
        return _turns_to_text(code.bare, named[1]) and not re.search(filled, code.bare)
    called = _CALLED.search(before)
    name = called[1].rpartition(".")[2] if called else ""
    makers = [*functions(name, every)]
    return bool(makers) and all(
        one.given
        and re.fullmatch(r"\s*[\w$]+\s*", one.given[0])
        and _turns_to_text(other.plain(one.body), one.given[0].strip())
        for other, one in makers
    )


def _turns_to_text(text: str, name: str) -> bool:
    word = rf"\bsend\s*\(\s*JSON\s*\.\s*stringify\s*\(\s*{re.escape(name)}\s*\)"
    return bool(re.search(word, text))

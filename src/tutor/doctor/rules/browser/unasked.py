"""Words with which pages ask for what no table of handlers has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.messagekeys import key_of
from tutor.doctor.rules.browser import keys
from tutor.doctor.rules.browser.handling import functions
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.orders import said
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.vocabulary import relays_text
from tutor.doctor.rules.dispatch import choices, chosen_by
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Module
from tutor.doctor.source.flow import every_call
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk
from tutor.doctor.words import heard

_CALLED = re.compile(r"([\w$.]+)\s*\(\s*$")
_SENT = re.compile(r"\bsend\s*\(\s*JSON\s*\.\s*stringify\s*\(\s*$")
_LOOKED_UP = re.compile(r"\b(?:getattr|hasattr|vars|globals)\s*\(|__name__\b|_meta\b")
# Where a word names a part of the page, and is no message.
_OF_PAGE = re.compile(
    r"(?:getElement\w+|querySelector\w*|createElement|addEventListener|closest)"
    r"\s*\(\s*(['\"`])[^'\"`\n]*\1|\b(?:id|class|name|for|type|href|src)\s*=\s*"
    r"(['\"])[^'\"\n]*\2"
)


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    """A word that is in no table, while a table has one that nobody says."""
    own = [one for one in seen.source.modules.values() if not is_aside(one.file)]
    tables = _tables(seen)
    if not tables or any(relays_text(one) for one in own):
        return
    told = _told(own)
    text = "\n".join(_OF_PAGE.sub("", code.script.text) for code in every)
    for code in every:
        for key, word, index in _asked(code, every):
            left = sorted(
                one
                for one in tables.get(key, ())
                if not re.search(rf"['\"`]{re.escape(one)}['\"`]", text)
            )
            plain = re.sub(r"\W", "_", word).lower()
            named = any(one == plain or one.endswith(f"_{plain}") for one in told)
            if left and word not in told and not named:
                yield Found(
                    "client-sends-another-key",
                    f"no handler is there for {key} {word!r}",
                    code.spot(index),
                    keys.RANK,
                    TRIED,
                    f"one of {', '.join(left)}",
                )
                return


def _tables(seen: Evidence) -> dict[str, set[str]]:
    """The words of tables that refuse all others, by the key that is looked at."""
    found: dict[str, set[str]] = {}
    for owner in seen.source.consumers():
        for method in (m for o in owner.line_of_ancestors for m in o.methods.values()):
            for call in every_call(method.node):
                words = {one.word for one in choices(call, method, owner)}
                by = chosen_by(call, method) if len(words) > 1 else None
                key = key_of(by, method) if by is not None else None
                if key is not None:
                    found.setdefault(key, set()).update(words)
        for key, word in heard(owner).choices:
            found.get(key, set()).add(word)
    return found


def _told(own: list[Module]) -> set[str]:
    """Every text of the project's Python; and its names, where they are looked up."""
    found: set[str] = set()
    names: set[str] = set()
    for module in own:
        for node in walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names.add(node.name.lower())
            elif isinstance(node, ast.ClassDef):  # the members of an enumeration
                for one in node.body:
                    targets = one.targets if isinstance(one, ast.Assign) else []
                    found |= {getattr(t, "id", "").lower() for t in targets}
    looked_up = any(_LOOKED_UP.search(module.text) for module in own)
    return found | names if looked_up else found


def _asked(code: Code, every: list[Code]) -> Iterator[tuple[str, str, int]]:
    """The words in messages that are certainly sent: the key, the word, the place."""
    for key, word, _, index in said(code):
        before = code.bare[:index]
        called = _CALLED.search(before)
        name = called[1].rpartition(".")[2] if called else ""
        if _SENT.search(before) or any(
            re.search(r"\.\s*send\s*\(", other.plain(one.body))
            for other, one in (functions(name, every) if name else ())
        ):
            yield key, word, index

"""What a page says with one word, against what the consumer's method for it reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.messagekeys import key_of
from tutor.doctor.rules.browser import keys
from tutor.doctor.rules.browser.javascript import Code, Span
from tutor.doctor.rules.browser.needed import parsed
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.dispatch import choices
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Class, Function
from tutor.doctor.source.flow import every_call
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk
from tutor.doctor.words import heard

UNPACKED = "**"
_WORD = re.compile(r"""['"`]([\w.:-]+)['"`]""")
_CALL = re.compile(r"(?<![\w$])[\w$]+\s*\(")
_PART = re.compile(r"""\s*(?:([\w$]+)|['"]([^'"]*)['"])\s*(?::\s*(.*))?$""", re.S)


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    """Messages of one kind, with nothing in them that its method looks for."""
    known = wanted(seen)
    for code in every if known else ():
        for word, told, index in _said(code):
            read = known.get(word)
            if read and told and not told & read:
                yield Found(
                    "client-sends-another-key",
                    f"nothing is read of {word!r} with {', '.join(sorted(told))}",
                    code.spot(index),
                    keys.RANK,
                    TRIED,
                    f"one of {', '.join(sorted(read))}",
                )
                return


def wanted(seen: Evidence) -> dict[str, frozenset[str]]:
    """The keys that are read of each kind, where all of them are certain."""
    found: dict[str, frozenset[str]] = {}
    for owner in seen.source.consumers():
        own = [*chosen(owner)]
        for word, method, message in own:
            read = _read(owner, method, message) if message else None
            known = found.get(word, frozenset())
            found[word] = known | read if read is not None else known | {""}
        # What another consumer makes of the same word stands in no method for it.
        for _, word in heard(owner).choices:
            if word not in [one for one, _, _ in own]:
                found[word] = found.get(word, frozenset()) | {""}
    for word, read in _matched(seen):
        found[word] = found.get(word, frozenset()) | read
    return {word: read for word, read in found.items() if "" not in read}


def _read(owner: Class, method: Function, message: str) -> frozenset[str] | None:
    """The keys that a function reads of a message, or has parameters for."""
    if message != UNPACKED:
        return keys.of(owner, method, {message}, 0)
    told = method.node.args
    rest = told.kwarg.arg if told.kwarg else None
    if any(getattr(node, "id", None) == rest for node in walk(method.node) if rest):
        return None
    return frozenset(one.arg for one in (*told.args[1:], *told.kwonlyargs))


def _matched(seen: Evidence) -> Iterator[tuple[str, frozenset[str]]]:
    """``case {"kind": "say", "text": str()}``: its word, and the keys beside it."""
    for module in seen.source.modules.values():
        nodes = walk(module.tree) if not is_aside(module.file) else ()
        for pattern in (one for one in nodes if isinstance(one, ast.MatchMapping)):
            told = {
                str(getattr(key, "value", "")): getattr(value, "value", None)
                for key, value in zip(pattern.keys, pattern.patterns, strict=True)
            }
            words = {
                key: value.value
                for key, value in told.items()
                if isinstance(value, ast.Constant) and isinstance(value.value, str)
            }
            for key, word in words.items():
                more = frozenset(told) - {key}
                yield word, more | {""} if pattern.rest or not more else more


def chosen(owner: Class) -> Iterator[tuple[str, Function, str | None]]:
    """The functions that a consumer chooses by a word, each with its word.

    With them comes the parameter that is given the message as a whole, if any is,
    or UNPACKED for ``handler(self, **message)``.
    """
    methods = {n: m for one in owner.line_of_ancestors for n, m in one.methods.items()}
    for method in methods.values():
        for call in every_call(method.node):
            for one in choices(call, method, owner):
                message = _message(call, method)
                place = one.given(call, message) if message is not None else None
                spread = [word.value for word in call.keywords if word.arg is None]
                place = UNPACKED if message in spread else place
                yield one.word, one.function, place


def _message(call: ast.Call, method: Function) -> ast.expr | None:
    """The argument of a call that is a message: the whole, and no part of it."""
    given = [*call.args, *(word.value for word in call.keywords)]
    names = [one for one in given if isinstance(one, ast.Name)]
    names = [one for one in names if one.id != method.self_name]
    known = {name for _, called in parsed(method) for name in called}
    if method.name == "receive_json":
        known |= {one.arg for one in method.node.args.args[1:2]}
    sure = [one for one in names if one.id in known]
    if not sure and any(key_of(one, method) is not None for one in given):
        return None
    found = sure or names
    return found[0] if len(found) == 1 else None


def _said(code: Code) -> Iterator[tuple[str, set[str], int]]:
    """``send("say", {text})`` and ``{type: "say", text}``: the word, and the keys."""
    for match in _CALL.finditer(code.bare):
        given = code.arguments(match.end() - 1)
        word = _WORD.fullmatch(code.text(given[0])) if len(given) == 2 else None
        if word and code.plain(given[1]).startswith("{"):
            brace = code.bare.index("{", given[1][0])
            told = keys_of(code, code.arguments(brace))
            if told is not None:
                yield word[1], {*told}, match.start()
    for _, known, others, index in said(code):
        yield known, others, index


def said(code: Code) -> Iterator[tuple[str, str, set[str], int]]:
    """The words in objects: the key, the word, the other keys, where it begins."""
    for match in re.finditer(r"\{", code.bare):
        told = keys_of(code, code.arguments(match.start())) or {}
        for key, value in told.items():
            if word := _WORD.fullmatch(value):
                yield key, word[1], {*told} - {key}, match.start()


def keys_of(code: Code, parts: list[Span]) -> dict[str, str] | None:
    """The keys of an object that is written out, with what stands behind each."""
    found = {}
    for span in parts:
        match = _PART.match(code.text(span))
        if match is None:
            return None  # something is unpacked, or computed
        found[match[1] or match[2]] = (match[3] or "").strip()
    return found

"""What each kind of message holds, against what the page's handler of it reads."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.javascript import Code, Func, Span
from tutor.doctor.source import Function, Module, calls
from tutor.doctor.source.flow import is_changed
from tutor.doctor.source.walking import walk

Held = dict[str, set[str] | None]  # the keys of each kind; None where they are open
Place = tuple[Code, int]
# Of every list and text, which a message may be itself.
OF_ALL = {"length", "map", "forEach", "filter", "toString", "constructor", "slice"}


def held(seen: Evidence, own: list[Module]) -> Held:
    """The keys that messages have, by each word that one of their values is."""
    found: Held = {}
    for function in seen.source.all_functions():
        if function.module in own:
            for word, keys in _said(function):
                _add(found, word, keys)
    for client in seen.answers.everyone:
        for text in client.heard:
            try:
                told = json.loads(text)
            except (TypeError, ValueError):
                continue
            for word in told.values() if isinstance(told, dict) else ():
                if isinstance(word, str) and word in found:
                    _add(found, word, set(told))
    return found


def _add(found: Held, word: str, keys: set[str] | None) -> None:
    known = found.setdefault(word, set())
    found[word] = None if known is None or keys is None else known | keys


def _said(function: Function) -> Iterator[tuple[str, set[str] | None]]:
    """The messages that a function writes out: a dict, or a call with keywords."""
    changed = {
        id(value)
        for name, values in function.values.items()
        for value in values
        if is_changed(name, function)
    }
    for node in walk(function.node):
        if isinstance(node, ast.Dict):
            plain = [k.value for k in node.keys if isinstance(k, ast.Constant)]
            keys = set(map(str, plain)) if len(plain) == len(node.keys) else None
            keys = keys if id(node) not in changed else None
            words = node.values
        elif isinstance(node, ast.Call) and node.args:
            target = calls.target_of(node, function)
            if target is None or target.node.args.kwarg is None:
                if isinstance(node.args[0], ast.Constant):
                    yield str(node.args[0].value), None  # what it makes of that is open
                continue
            named = [word.arg for word in node.keywords]
            keys = {one for one in named if one} if all(named) else None
            words = node.args[:1]
        else:
            continue
        for word in words:
            if isinstance(word, ast.Constant) and isinstance(word.value, str):
                yield word.value, keys


def odd(
    known: Held, handlers: Mapping[str, list[tuple[Func, dict[str, list[Place]]]]]
) -> Iterator[tuple[str, str, Place, set[str]]]:
    """A key that a handler reads, and that no message of its kind has.

    Handlers may be given the message, or what stands under one of its keys: only
    where most of what others read is there, it is the message.

    Args:
        known: the keys of each kind.
        handlers: by kind, what hears it, and the keys that it reads.
    """
    right, wrong = 0, []
    for kind, heard in handlers.items():
        keys = known.get(kind)
        for _, reads in heard if keys else ():
            assert keys is not None
            for key, places in reads.items():
                if key in keys:
                    right += 1
                elif key not in OF_ALL:
                    wrong.append((kind, key, places[0], keys - {*reads}))
    for kind, key, place, left in wrong:
        if right > len(wrong) and left:
            yield kind, key, place, left


def beside(
    whole: set[str], reads: Mapping[str, list[Place]], bare: list[str]
) -> Iterator[tuple[str, Place, set[str]]]:
    """A key that no message has, in a script that reads another key of them.

    Args:
        whole: all keys of all messages, where they are known; else none.
        reads: where scripts read something out of a message, by its key.
        bare: the keys that are read without asking whether they are there.
    """
    by_file: dict[str, set[str]] = {}
    for key, places in reads.items():
        for code, _ in places:
            by_file.setdefault(code.script.file, set()).add(key)
    for key in bare:
        for code, index in reads[key]:
            beside = by_file[code.script.file]
            left = whole - beside
            if whole & beside and left and key not in whole | OF_ALL:
                yield key, (code, index), left


def branch(code: Code, index: int) -> Span | None:
    """What is done with one kind: behind ``if (… === "kind")``, or ``case "kind":``.

    None where the test asks for more, or for what is not of that kind.
    """
    before = code.bare[:index].rstrip()
    if re.search(r"\bcase$", before):
        colon = code.bare.find(":", index)
        more = re.compile(r"\b(?:case|default)\b|\Z").search(code.bare, colon)
        end = min(more.start() if more else colon, _block_end(code, index))
        return (colon, end) if colon > 0 else None
    tests = [
        (begin, close)
        for begin, close in code.pairs.items()
        if begin < index < close and re.search(r"\bif\s*$", code.bare[:begin][-8:])
    ]
    begin, close = max(tests, default=(0, 0))
    if not close or not re.fullmatch(r"[\w$.?\s]+===?\s*(['\"`]).*\1\s*",
                                     code.script.text[begin + 1 : close]):  # fmt: skip
        return None
    brace = re.compile(r"\s*\{").match(code.bare, close + 1)
    if brace:
        return brace.end(), code.pairs.get(brace.end() - 1, brace.end())
    return code.expression(close + 1)


def is_a_choice(code: Code, index: int, others: set[str]) -> bool:
    """``level === "error" ? "red" : "grey"``: what else comes is provided for.

    A word that is nearly one of the others is a slip all the same.
    """
    match = re.compile(r"""(['"`])([^'"`\n]*)\1\s*\)?\s*\?(?![.?])""").match(
        code.script.text, index
    )
    return match is not None and not get_close_matches(match[2], others, 1, 0.7)


def _block_end(code: Code, index: int) -> int:
    """Where the innermost braces around a place close."""
    around = [c for b, c in code.pairs.items() if b < index < c and code.bare[b] == "{"]
    return min(around, default=len(code.bare))

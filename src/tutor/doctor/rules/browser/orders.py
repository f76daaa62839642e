"""What a page says with one word, against what the consumer's method for it reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import keys
from tutor.doctor.rules.browser.javascript import Code, Span
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Class, Function
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

_WORD = re.compile(r"""['"`]([\w.:-]+)['"`]""")
_CALL = re.compile(r"(?<![\w$])[\w$]+\s*\(")
_PART = re.compile(r"""\s*(?:([\w$]+)|['"]([^'"]*)['"])\s*(?::\s*(.*))?$""", re.S)


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    """Messages of one kind, with nothing in them that its method looks for."""
    wanted = _wanted(seen)
    for code in every if wanted else ():
        for word, said, index in _said(code):
            read = wanted.get(word)
            if read and said and not said & read:
                yield Found(
                    "client-sends-another-key",
                    f"nothing is read of {word!r} with {', '.join(sorted(said))}",
                    code.spot(index),
                    keys.RANK,
                    TRIED,
                    f"one of {', '.join(sorted(read))}",
                )
                return


def _wanted(seen: Evidence) -> dict[str, frozenset[str]]:
    """The keys that are read of each kind, where all of them are certain."""
    found: dict[str, frozenset[str]] = {}
    for owner in seen.source.consumers():
        for word, method in chosen(owner):
            names = [one.arg for one in method.node.args.args[1:2]]
            read = keys.of(owner, method, {*names}, 0) if names else None
            known = found.get(word, frozenset())
            found[word] = known | read if read is not None else known | {""}
    for word, read in _matched(seen):
        found[word] = found.get(word, frozenset()) | read
    return {word: read for word, read in found.items() if "" not in read}


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


def chosen(owner: Class) -> Iterator[tuple[str, Function]]:
    """The methods that a consumer chooses by a word, each with its word."""
    methods = {n: m for one in owner.line_of_ancestors for n, m in one.methods.items()}
    asked = [
        node.args[1]
        for method in methods.values()
        for node in walk(method.node)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "getattr"
        and len(node.args) > 1
    ]
    for name in asked:
        parts = name.values if isinstance(name, ast.JoinedStr) else []
        texts = [str(getattr(part, "value", "")) for part in parts]
        plain = [isinstance(part, ast.Constant) for part in parts]
        if plain == [True, False]:
            for own, method in methods.items():
                if own.startswith(texts[0]):
                    yield own.removeprefix(texts[0]), method
    tables = [v for one in owner.line_of_ancestors for v in one.attributes.values()]
    for table in tables:
        pairs = (
            zip(table.keys, table.values, strict=True)
            if isinstance(table, ast.Dict)
            else ()
        )
        for key, value in pairs:
            text = getattr(value, "value", None) or getattr(value, "id", "")
            if isinstance(key, ast.Constant) and text in methods and asked:
                yield str(key.value), methods[text]


def _said(code: Code) -> Iterator[tuple[str, set[str], int]]:
    """``send("say", {text})`` and ``{type: "say", text}``: the word, and the keys."""
    for match in _CALL.finditer(code.bare):
        given = code.arguments(match.end() - 1)
        word = _WORD.fullmatch(code.text(given[0])) if len(given) == 2 else None
        if word and code.plain(given[1]).startswith("{"):
            brace = code.bare.index("{", given[1][0])
            said = _keys(code, code.arguments(brace))
            if said is not None:
                yield word[1], {*said}, match.start()
    for match in re.finditer(r"\{", code.bare):
        said = _keys(code, code.arguments(match.start()))
        for key, value in (said or {}).items():
            word = _WORD.fullmatch(value)
            if word:
                yield word[1], {*said} - {key} if said else set(), match.start()


def _keys(code: Code, parts: list[Span]) -> dict[str, str] | None:
    """The keys of an object that is written out, with what stands behind each."""
    found = {}
    for span in parts:
        match = _PART.match(code.text(span))
        if match is None:
            return None  # something is unpacked, or computed
        found[match[1] or match[2]] = (match[3] or "").strip()
    return found

"""Words that tell messages apart, of which one side says another than the other."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.dialogue import consumer_of
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.keys import heard
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.scripts import Spot
from tutor.doctor.rules.browser.sending import Sent, messages
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Module
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 71
ALIKE = 0.7
KINDS = {"type", "kind", "event", "action", "op", "cmd", "command"}
_WORD = re.compile(r"(['\"`])([A-Za-z][\w.:-]*)\1")
_TOLD = re.compile(
    r"(?:(?<![\w$])(?:[\w$]+\s*\??\.\s*)?(?P<key>type|kind|event|action|op|cmd|t)\s*"
    r"[!=]==?\s*|\bcase\s+)(['\"`])(?P<word>[A-Za-z][\w.:-]*)\2"
)
_LOOKED_UP = re.compile(r"\b(?:getattr|hasattr)\s*\(\s*(?:self|consumer)\b|\bglobals\(")


def rules(seen: Evidence, every: list[Code], opened: list[Socket]) -> Iterator[Found]:
    own = [one for one in seen.source.modules.values() if not is_aside(one.file)]
    told = {word for one in own for word in _texts(one)}
    text = "\n".join(one.spoken for one in every)
    yield from _asked_for_nothing(seen, every, opened, own, told, text)
    yield from _half(seen, every, opened)
    yield from _waited_for_in_vain(every, own, told)


def _texts(module: Module) -> Iterator[str]:
    for node in walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _asked_for_nothing(
    seen: Evidence,
    every: list[Code],
    opened: list[Socket],
    own: list[Module],
    told: set[str],
    text: str,
) -> Iterator[Found]:
    """``{ action: "subscribe" }``, where a consumer waits for "watch" in vain."""
    if any(_LOOKED_UP.search(one.text) for one in own):
        return
    for code in every:
        for name in code.sockets:
            owner = consumer_of(seen, opened, code, name)
            if owner is None:
                continue
            known = {*_compared(owner.module)}
            left = [
                w for w in sorted(known) if not re.search(rf"['\"`]{w}['\"`]", text)
            ]
            sent = [*messages(code, name, every)] if known else []
            for one in sent:
                for key, value in one.held.items():
                    said = _WORD.fullmatch(value.strip())
                    others = {
                        word[2]
                        for other in sent
                        if (word := _WORD.fullmatch(other.held.get(key, "").strip()))
                    }
                    near = (
                        difflib.get_close_matches(said[2], left, 1, ALIKE)
                        if said
                        else []
                    )
                    apart = key in KINDS
                    fits = near or (apart and (len(left) == 1 or others & known))
                    asked = said[2] if said else ""
                    same = [w for w in known if said and _plain(w) == _plain(asked)]
                    other = same and asked not in known and not others & {*same}
                    if said and ((fits and asked not in told) or other):
                        yield Found(
                            "client-sends-another-key",
                            f"the consumer knows no {key} {said[2]!r}",
                            _spot(one, key, said[2]),
                            RANK,
                            TRIED,
                            f"one of {', '.join(same or left)}",
                        )
                        return


def _plain(word: str) -> str:
    """A word without the signs in it: ``chat.message`` for ``chat_message``."""
    return re.sub(r"[\W_]", "", word).lower()


def _half(seen: Evidence, every: list[Code], opened: list[Socket]) -> Iterator[Found]:
    """A key that nobody reads, beside one that is read and that nobody sends."""
    for code in every:
        for name in code.sockets:
            owner = consumer_of(seen, opened, code, name)
            wanted = heard(owner) if owner is not None else None
            told = [*messages(code, name, every)] if wanted else []
            left = (wanted or frozenset()) - {key for one in told for key in one.held}
            for one in told if left else ():
                for key in sorted({*one.held} - (wanted or frozenset())):
                    text = one.held[key]
                    near = difflib.get_close_matches(key, left, 1, ALIKE)
                    near += [k for k in left if key.startswith(k) or k.startswith(key)]
                    inner = re.findall(r"[{,]\s*([A-Za-z_$][\w$]*)\s*[:,}]", text)
                    deeper = sorted({*inner} & left) if text.startswith("{") else []
                    if near or deeper:
                        expected = f"{(near or deeper)[0]}, as the consumer reads it"
                        yield Found(
                            "client-sends-another-key",
                            f"nothing is read of a message's {key}",
                            one.spot({key}),
                            RANK,
                            TRIED,
                            expected,
                        )
                        return


def _spot(one: Sent, key: str, word: str) -> Spot:
    """Where a word is said: in the frame, or by a caller of it."""
    code, index = one.frame
    whole = code.script.text[index : code.pairs.get(index, index + 200)]
    written = key in one.own and re.search(rf"['\"`]{re.escape(word)}['\"`]", whole)
    return code.spot(index) if written else one.code.spot(one.index)


def _compared(module: Module) -> Iterator[str]:
    """The words that a module compares with something, or that a model allows."""
    for one in (module, *_beside(module)):
        for node in walk(one.tree):
            parts: list[ast.expr] = []
            if isinstance(node, ast.Compare):
                parts = [node.left, *node.comparators]
                parts += [e for part in parts for e in getattr(part, "elts", [])]
            elif isinstance(node, ast.MatchValue):
                parts = [node.value]
            elif isinstance(node, ast.Subscript) and (
                getattr(node.value, "id", "") == "Literal"
            ):
                parts = [node.slice, *getattr(node.slice, "elts", [])]
            for part in parts:
                value = getattr(part, "value", None)
                if isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w.:-]*", value):
                    yield value


def _beside(module: Module) -> list[Module]:
    """The modules of the same package that hold models of messages."""
    package = module.name.rpartition(".")[0]
    return [
        one
        for one in module.source.modules.values()
        if one.name.rpartition(".")[0] == package and "pydantic" in one.text
    ]


def _handed_on(module: Module) -> Iterator[str]:
    """``self.tell("task.added", task)``, and ``ADDED = "task.added"``."""
    for node in walk(module.tree):
        given: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if getattr(node.func.value, "id", "") == "self":
                given = [*node.args, *(one.value for one in node.keywords)]
        elif isinstance(node, ast.Assign) and node in module.tree.body:
            given = [node.value]
        for one in given:
            word = getattr(one, "value", None)
            if isinstance(word, str) and re.fullmatch(r"[A-Za-z][\w.:-]*", word):
                yield word


def _waited_for_in_vain(
    every: list[Code], own: list[Module], told: set[str]
) -> Iterator[Found]:
    """``type === "readings"``, where "reading" is sent and no script knows it."""
    sent: set[str] = {
        value.value
        for module in own
        for node in walk(module.tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if getattr(key, "value", None) in KINDS
        and isinstance(value, ast.Constant)
        and isinstance(value.value, str)
    }
    given = {word for module in own for word in _handed_on(module)}
    text = "\n".join(one.spoken for one in every)
    left = {
        one
        for one in sent | given
        if not re.search(rf"['\"`]{re.escape(one)}['\"`]", text)
    }
    for code in every if left else ():
        for match in _TOLD.finditer(code.spoken):
            word = match["word"]
            says = re.findall(rf"['\"`]{re.escape(word)}['\"`]", text)
            asks = re.findall(
                rf"(?:[!=]==?\s*|\bcase\s+)['\"`]{re.escape(word)}['\"`]", text
            )
            near = difflib.get_close_matches(word, left, 1, ALIKE)
            alike = near and difflib.SequenceMatcher(None, word, near[0]).ratio()
            odd = word not in told or (word not in sent and alike and alike > 0.85)
            if odd and near and len(says) == len(asks):
                yield Found(
                    "client-reads-another-key",
                    f"no message has {match['key'] or 'kind'} {word!r}",
                    code.spot(match.start()),
                    RANK,
                    TRIED,
                    near[0],
                )
                return

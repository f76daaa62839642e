"""A kind of message that the page answers at once, with one that is answered so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import orders
from tutor.doctor.rules.browser.handling import block_end, functions
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.replying import LATER
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Class
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.walking import walk

RANK = 74
_CALL = re.compile(r"(?<![\w$.])[\w$.#?]*?([\w$#]+)\s*\(")
_QUOTED = re.compile(r"""['"`]([\w.:-]+)['"`]""")
_PAUSES = re.compile(r"\bset(?:Timeout|Interval)\b|\bif\b|\?|\bawait\b")


def rules(
    seen: Evidence,
    every: list[Code],
    told: Mapping[str, list[tuple[Code, Func]]],
) -> Iterator[Found]:
    """``pong: () => room.ping()``, where each ping is answered with a pong.

    Args:
        seen: the evidence.
        every: the code of the pages' scripts.
        told: by kind, the functions of the page that hear it.
    """
    answers: dict[str, set[str]] = {}
    for kind, heard in told.items():
        for code, function in heard:
            for index, words in _at_once(code, function, every):
                answers = answers or answers_of(seen)
                if any(kind in answers.get(word, ()) for word in words):
                    yield Found(
                        "client-ping-pong-without-pause",
                        "page and consumer answer each other as fast as they can",
                        code.spot(index),
                        RANK,
                        TRIED,
                        f"a timer between {kind!r} and the next message",
                    )
                    return


def _at_once(
    code: Code, function: Func, every: list[Code]
) -> Iterator[tuple[int, set[str]]]:
    """What a handler says whatever has come: where, and the words of it."""
    begin, end = function.body
    for match in _CALL.finditer(code.bare, begin, end):
        before = re.split(r"[;{}]", code.bare[begin : match.start()])[-1]
        if (
            code.around(match.start()) != function
            or (function.is_block and block_end(code, match.start()) != end)
            or LATER.search(before)
            or re.search(r"\breturn\b", code.bare[begin : match.start()])
        ):
            continue
        close = code.pairs.get(match.end() - 1, match.end())
        words = set(_QUOTED.findall(code.script.text[match.end() : close]))
        for other, one in functions(match[1], every):
            text = other.text(one.body)
            if "end(" in text and not _PAUSES.search(other.plain(one.body)):
                words |= set(_QUOTED.findall(text))
        yield match.start(), words


def answers_of(seen: Evidence) -> dict[str, set[str]]:
    """What consumers say as soon as they hear a word, for each word."""
    found: dict[str, set[str]] = {}
    for owner in seen.source.consumers():
        for word, method, _ in orders.chosen(owner):
            found.setdefault(word, set()).update(_texts(method.node.body))
        for method in owner.methods.values():
            for node in walk(method.node):
                tests = [node.test] if isinstance(node, ast.If) else []
                if tests and isinstance(tests[0], ast.BoolOp):  # joined and text == "x"
                    both = isinstance(tests[0].op, ast.And)
                    tests = tests[0].values if both else []
                for test in tests:
                    if not isinstance(test, ast.Compare) or not isinstance(
                        test.ops[0], ast.Eq
                    ):
                        continue
                    for side in (test.left, *test.comparators):
                        told = unfold(Frame(method, owner), side)[1]
                        word = str(getattr(told, "value", ""))
                        assert isinstance(node, ast.If)
                        said = _texts(node.body) | _further(owner, node.body)
                        for kind in [one for one in said if "." in one]:
                            heard = owner.method(kind.replace(".", "_"))
                            said |= _texts(heard.node.body) if heard else set()
                        found.setdefault(word, set()).update(said)
    return found


def _further(owner: Class, body: list[ast.stmt]) -> set[str]:
    """The words in the consumer's own methods that some statements call."""
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        return set()
    call = getattr(body[0].value, "value", body[0].value)  # behind an await
    func = getattr(call, "func", None)
    method = owner.method(getattr(func, "attr", ""))
    is_own = getattr(getattr(func, "value", None), "id", "") == "self"
    return _texts(method.node.body) if method is not None and is_own else set()


def _texts(body: list[ast.stmt]) -> set[str]:
    """The words in some statements; none where they wait or ask anything."""
    nodes = [node for one in body for node in walk(one)]
    if any(
        isinstance(node, ast.If | ast.Match)
        or getattr(node, "attr", getattr(node, "id", "")) == "sleep"
        for node in nodes
    ):
        return set()
    return {str(n.value) for n in nodes if isinstance(n, ast.Constant)}

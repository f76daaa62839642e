"""A plain text that the page answers at once, with one that is answered so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.echoes import RANK, answers_of
from tutor.doctor.rules.browser.handling import Handler, block_end, called
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.replying import LATER
from tutor.doctor.rules.found import Found
from tutor.doctor.source import calls

_SENDS = re.compile(r"\.\s*send\w*\s*\(")
_QUOTED = re.compile(r"\s*(['\"`])([\w.: -]+)\1\s*")


def rules(seen: Evidence, hearing: list[Handler], every: list[Code]) -> Iterator[Found]:
    """``onFrame = (text) => live.send("seen")``, where "seen" is answered with "seen".

    Args:
        seen: the evidence.
        hearing: the functions that hear the messages of sockets.
        every: the code of the pages' scripts.
    """
    texts = _texts(seen) if hearing else set()
    answers = answers_of(seen) if texts else {}
    for handler in hearing if answers else ():
        for code, function in _hear_texts(handler, every):
            said = [*_said(code, function)]
            for index, word, known in said:
                if (answers.get(word, set()) & texts) - known:
                    yield Found(
                        "client-ping-pong-without-pause",
                        "page and consumer answer each other as fast as they can",
                        code.spot(index),
                        RANK,
                        TRIED,
                        f"a timer, or a person, before {word!r} is said again",
                    )
                    return


def _texts(seen: Evidence) -> set[str]:
    """The plain texts that consumers send."""
    return {
        str(given.value)
        for owner in seen.source.consumers()
        for method in owner.methods.values()
        for call in calls.calls(method.node)
        if calls.name_of(call, method) == "self.send"
        for given in (*call.args, *(word.value for word in call.keywords))
        if isinstance(given, ast.Constant) and isinstance(given.value, str)
    }


def _hear_texts(handler: Handler, every: list[Code]) -> Iterator[tuple[Code, Func]]:
    """The functions that are given a message's text by a handler, and nothing else."""
    code, (begin, end) = handler.code, handler.function.body
    for match in re.finditer(
        rf"([\w$.]+)\s*\(\s*{handler.data}\s*\)", code.bare[begin:end]
    ):
        for other, one in called(code, handler.function, match[1], every):
            if re.fullmatch(r"[\w$]+", "".join(one.given)):
                yield other, one


def _said(code: Code, function: Func) -> Iterator[tuple[int, str, set[str]]]:
    """What a function says whatever has come, but for the texts that it turns away."""
    begin, end = function.body
    word = re.escape(function.given[0])
    guard = re.compile(
        rf"\bif\s*\(\s*{word}\s*===?\s*(['\"`])([\w.: -]+)\1\s*\)\s*"
        r"(?:\{\s*return;?\s*\}|return\b;?)"
    )
    known = {match[2] for match in guard.finditer(code.script.text, begin, end)}
    for match in _SENDS.finditer(code.bare, begin, end):
        before = guard.sub("", code.script.text[begin : match.start()])
        close = code.pairs.get(match.end() - 1, match.end())
        told = _QUOTED.fullmatch(code.script.text, match.end(), close)
        if (
            told is not None
            and code.around(match.start()) == function
            and (not function.is_block or block_end(code, match.start()) == end)
            and not LATER.search(re.split(r"[;{}]", before)[-1])
            and not re.search(r"\breturn\b", before)
        ):
            yield match.start(), told[2], known

"""A timer that is to end a silent socket, and that no message puts off."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.reopening import hearing
from tutor.doctor.rules.found import Found

_SET = re.compile(
    r"(?:([\w$.]+)\s*=\s*)?(?<![\w$.])(?:window\.|self\.)?setTimeout\s*\(\s*"
)


def never_put_off(code: Code, name: str) -> Iterator[Found]:
    """``this.silence = setTimeout(close, 3000)`` for each message, with no clear."""
    close = rf"(?<![\w$.]){re.escape(name)}\s*\??\.\s*close\s*\("
    for heard in hearing(code, name, "message"):
        for function in _reached(code, heard):
            begin, end = function.body
            for match in _SET.finditer(code.bare, begin, end):
                run = code.at(match.end()) or _named(code, match.end())
                if code.around(match.start()) != function or run is None:
                    continue
                before = _text(code, heard) + code.bare[begin : match.start()]
                others = [*_reached(code, heard), *_reached(code, function)]
                for one in others:  # a function of its own may clear it
                    before += _text(code, one) if one not in (heard, function) else ""
                kept = match[1]
                cleared = kept and re.search(
                    rf"\bclearTimeout\s*\(\s*{re.escape(kept)}\s*\)", before
                )
                asked = re.search(r"\bif\s*\(|&&|\|\||\?\?", before)
                if not cleared and not asked and re.search(close, _text(code, run)):
                    yield Found(
                        "client-timer-not-cleared",
                        "the socket is closed, however much it hears",
                        code.spot(match.start()),
                        RANK,
                        TRIED,
                        f"clearTimeout({kept or 'the last timer'}) before it",
                    )
                    return


def _text(code: Code, function: Func) -> str:
    return code.bare[slice(*function.body)]


def _named(code: Code, begin: int) -> Func | None:
    """The function that a name or a bound method stands for."""
    named = re.compile(r"\s*(?:this\.)?([\w$]+)(?:\.bind\(this\))?\s*,").match(
        code.bare, begin
    )
    return next((f for f in code.functions if named and f.name == named[1]), None)


def _reached(code: Code, heard: Func) -> list[Func]:
    """A handler, and the functions of its script that it calls itself."""
    called = {
        match[1]
        for match in re.finditer(r"([\w$]+)\s*\(", _text(code, heard))
        if code.around(heard.body[0] + match.start()) == heard
    }
    return [heard, *(f for f in code.functions if f.name in called and f != heard)]

"""An effect of React that opens a socket: when it runs again, and what it leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK, handlers
from tutor.doctor.rules.browser.javascript import Code, Func, Span
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

_EFFECT = re.compile(r"(?<![\w$.])(?:React\s*\.\s*)?use(?:Layout)?Effect\s*\(")
_STATE = re.compile(
    r"\[\s*([\w$]+)\s*,\s*([\w$]+)\s*\]\s*=\s*(?:React\s*\.\s*)?use(?:State|Reducer)\b"
)
_NEW = re.compile(r"\bnew\s+WebSocket\s*\(")
_CALL = re.compile(r"(?<![\w$.])([\w$]+)\s*\(")
_CLOSES = re.compile(r"\.\s*close\s*\(")
# What React or a router gives once, and functions that are mostly kept.
_STAYS = re.compile(
    r"dispatch|navigate|router|set[A-Z]\w*|\w*Ref|(?:on|handle|add|show)[A-Z]\w*|\w+\(.*"
)
SLUG = "client-too-many-sockets"
DEEP = 3


def _in_render(code: Code) -> Iterator[Found]:
    """A socket that a component opens itself: each state of it opens one more."""
    for match in _NEW.finditer(code.bare) if "useState" in code.bare else ():
        around = code.around(match.start())
        begin, end = around.body if around is not None else (0, 0)
        before = code.bare[begin : match.start()].rpartition("\n")[2]
        hooks = [m.start() for m in _STATE.finditer(code.bare, begin, end)]
        guarded = re.search(r"\?\?=?|\|\||\?", before) or _is_guarded(
            code, match.start()
        )
        if any(code.around(at) == around for at in hooks) and not guarded:
            yield Found(
                SLUG,
                "each time that the component is drawn one socket more",
                code.spot(match.start()),
                RANK + 4,
                TRIED,
                "useEffect(() => …, []), which closes it in the end",
            )


def _is_guarded(code: Code, index: int) -> bool:
    """Whether a place stands below a condition, in its own function."""
    function = code.around(index)
    begin = function.body[0] if function is not None else 0
    return any(
        code.bare[brace] == "{" and re.search(r"\)\s*$", code.bare[begin:brace])
        for brace, close in code.pairs.items()
        if begin <= brace < index < close
    )


def rules(code: Code) -> Iterator[Found]:
    """``useEffect(() => { …new WebSocket… }, [messages])``, and messages grow in it."""
    yield from _in_render(code)
    states = {setter: name for name, setter in _STATE.findall(code.bare)}
    for match in _EFFECT.finditer(code.bare) if "WebSocket" in code.bare else ():
        given = code.arguments(match.end() - 1)
        effect = code.at(given[0][0]) if given else None
        if effect is None:
            continue
        spans = [*_bodies(code, effect)]
        index = _opened(code, spans)
        if index is None or _asks(code, spans):
            continue
        if got := _again(code, given, spans, states):
            yield Found(
                SLUG,
                got,
                code.spot(given[-1][0] if len(given) > 1 else match.start()),
                RANK + 4,
                TRIED,
                "only what the URL is made of among the effect's dependencies",
                "Each new socket takes the place of the one before, "
                "and what is said between them is lost.",
            )
        elif not _CLOSES.search(code.bare):
            told = code.plain(given[1]).strip("[] \n,") if len(given) > 1 else ""
            names = [one.strip() for one in told.split(",") if one.strip()]
            names = [one for one in names if not _STAYS.fullmatch(one)]
            if names:
                yield Found(
                    SLUG,
                    f"one socket more each time that {names[0]} changes",
                    code.spot(index),
                    RANK + 4,
                    TRIED,
                    "a function that closes the socket, returned by the effect",
                )


def _bodies(code: Code, function: Func, depth: int = 0) -> Iterator[Span]:
    """What runs in a function: its own body, and those of whom it calls by name."""
    yield function.body
    for name in _CALL.findall(code.plain(function.body)) if depth < DEEP else ():
        for one in code.functions:
            if one.name == name and one is not function and not code.owner(one):
                yield from _bodies(code, one, depth + 1)


def _opened(code: Code, spans: list[Span]) -> int | None:
    """Where an effect opens a socket, itself or by a function that it calls."""
    for begin, end in spans:
        match = _NEW.search(code.bare, begin, end)
        if match:
            return match.start()
    return None


def _again(
    code: Code, given: list[Span], spans: list[Span], states: dict[str, str]
) -> str:
    """Why an effect runs again with each message; empty where it does not.

    A state that is set when a socket is lost may well be meant to open the next one.
    """
    heard = [code.plain(one.function.body) for one in handlers(code, [code])]
    grown = [states[n] for text in heard for n in _CALL.findall(text) if n in states]
    if not grown:
        return ""
    if len(given) == 1:
        return "the effect runs with each rendering: it names no dependencies"
    names = re.findall(r"(?<![\w$.])[\w$]+(?![\w$.])", code.plain(given[1]))
    for name in dict.fromkeys(grown):
        word = rf"\bif\s*\([^\n]*(?<![\w$.]){re.escape(name)}(?![\w$])"
        asked = any(re.search(word, code.plain(span)) for span in spans)
        if name in names and not asked:
            return f"the effect runs again with each change of {name}"
    return ""


def _asks(code: Code, spans: list[Span]) -> bool:
    """Whether it is asked for an open socket before a new one is made."""
    for begin, end in spans:
        match = _NEW.search(code.bare, begin, end)
        before = code.bare[begin : match.start() if match else end]
        names = "|".join([r"[\w$]+\.current", *map(re.escape, code.sockets)])
        if re.search(rf"\bif\s*\([^\n]*(?:readyState|{names})", before):
            return True
    return False

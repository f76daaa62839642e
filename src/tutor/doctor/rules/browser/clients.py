"""What a page's script does with its socket: too early, too often, the wrong thing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import (
    belonging,
    bodies,
    codes,
    datasets,
    dialogue,
    effects,
    elements,
    fetched,
    fieldtypes,
    forms,
    halfkeys,
    handedtext,
    javascript,
    keys,
    lacking,
    links,
    loaded,
    manysockets,
    markup,
    modelled,
    mustaches,
    objects,
    oddwords,
    offering,
    orders,
    partners,
    plainechoes,
    reloading,
    socketurls,
    strange,
    taken,
    twice,
    unasked,
    unbound,
    unfilled,
    unheard,
    untold,
)
from tutor.doctor.rules.browser.callbacks import (
    called,
    given_a_result,
    misnamed,
    of_the_browser,
    timed,
    without_new,
    without_this,
)
from tutor.doctor.rules.browser.early import early
from tutor.doctor.rules.browser.halfnamed import callbacks, never_kept
from tutor.doctor.rules.browser.handling import (
    RANK,
    Handler,
    aliases,
    functions,
    handlers,
    kept,
)
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.lostsockets import (
    no_way_back,
    spoken_to_late,
)
from tutor.doctor.rules.browser.outside import outside, without_object
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.reopening import again
from tutor.doctor.rules.browser.scripts import Spot
from tutor.doctor.rules.browser.unspoken import (
    named_only,
    no_base,
    state_as_text,
    taken_apart,
)
from tutor.doctor.rules.browser.watchdogs import never_put_off
from tutor.doctor.rules.consumers.encoded import encoded_twice
from tutor.doctor.rules.found import Found, Place

_WHOLE = r"JSON\.parse|parseJSON|Number|parseInt|parseFloat|atob"  # what takes a text
ALLOWED = range(3000, 5000)  # and 1000: what a script may close with


def rules(seen: Evidence) -> Iterator[Found]:
    if not seen.leaves and not seen.walk.get("protocols"):
        return
    every = [*seen.once(javascript.of_pages)]
    opened = [*socketurls.sockets(seen)]
    for code in every:
        yield from timed(code, every)
        yield from given_a_result(code, every)
        yield from without_this(code)
        yield from without_object(code, every)
        yield from of_the_browser(code)
        yield from without_new(code, every)
        yield from named_only(code, every)
        yield from taken_apart(code)
        yield from no_base(code)
        yield from callbacks(code, every)
        yield from never_kept(code)
        yield from effects.rules(code)
        for name in code.sockets:
            yield from misnamed(code, name)
            yield from called(code, name, every)
            yield from early(code, name, every)
            yield from _objects(code, name, every)
            yield from _codes(code, name)
            yield from encoded_twice(code, name, every)
            yield from again(code, name, every)
            yield from strange.rules(code, name)
            yield from strange.set_twice(code, name)
            yield from no_way_back(code, name)
            yield from spoken_to_late(code, name)
            yield from state_as_text(code, name)
            yield from never_put_off(code, name)
            for other, held in outside(code, name, every):
                yield from _from_outside(other, held, every)
    hearing = [one for code in every for one in handlers(code, every)]
    # A function may be reached by more than one way.
    yield from dict.fromkeys(f for one in hearing for f in _parsed(one, every))
    for handler in hearing:
        yield from dialogue.rules(seen, handler, opened, every)
        yield from objects.rules(seen, handler, opened, every)
        yield from handedtext.rules(handler, every)
    yield from plainechoes.rules(seen, hearing, every)
    for socket in opened:
        yield from offering.rules(seen, socket, every)
    known = list(keys.rules(seen, every, opened))
    known = known or list(modelled.rules(seen, every, opened))
    known = known or list(halfkeys.rules(seen, every, opened))
    known = known or list(orders.rules(seen, every))
    known = known or list(lacking.rules(seen, every))
    known = known or list(unasked.rules(seen, every))
    known = known or list(unheard.rules(seen, every, opened))
    known = known or list(unheard.texts(seen, every, opened))
    yield from known or oddwords.rules(seen, every, opened)
    yield from fieldtypes.rules(seen, every)
    yield from codes.rules(seen, every)
    yield from loaded.rules(seen, every)
    yield from elements.rules(seen, every)
    yield from forms.rules(seen, every)
    yield from reloading.rules(every)
    yield from fetched.rules(seen, every)
    yield from links.rules(seen, every)
    yield from bodies.rules(seen, every)
    yield from datasets.rules(seen, every)
    yield from markup.rules(seen, every, opened)
    known = list(taken.rules(seen, every))
    yield from known or partners.rules(seen, every, opened)
    yield from untold.rules(every)
    yield from unbound.outside(seen)
    yield from belonging.rules(seen, every)
    known = list(mustaches.rules(seen, every))
    yield from known or unfilled.rules(seen, every)
    yield from twice.rules(seen, every, opened)
    yield from manysockets.rules(every)


def _from_outside(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
    """What a script does with the socket that an object keeps."""
    yield from misnamed(code, name)
    yield from called(code, name, every)
    yield from _objects(code, name, every)
    yield from _codes(code, name)
    yield from spoken_to_late(code, name)
    yield from state_as_text(code, name)


def _objects(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
    """``send({…})``: a socket makes the text [object Object] of it."""
    for match in _sends(code, name):
        given = code.arguments(match.end() - 1)
        text = code.plain(given[0]) if given else ""
        if text and _is_object(code, match.start(), text, every):
            yield Found(
                "client-send-object",
                "the server hears the text '[object Object]'",
                _odd_caller(code, match.start(), text, every)
                or code.spot(match.start()),
                RANK,
                TRIED,
                "JSON.stringify(message)",
            )


def _sends(code: Code, name: str) -> Iterator[re.Match[str]]:
    """The calls of a socket's ``send``, also by another name that a function has."""
    spans = [(name, 0, len(code.bare))]
    for function in code.functions:
        begin, end = function.body
        others = aliases(code.bare[begin:end], name)[1:]
        spans += [(other, begin, end) for other in others if re.match(r"\w", other)]
    for known, begin, end in spans:
        word = re.compile(rf"(?<![\w$.]){re.escape(known)}\s*\.\s*send\s*\(")
        yield from word.finditer(code.bare, begin, end)


def _is_object(code: Code, index: int, text: str, every: list[Code]) -> bool:
    """Whether an argument is an object that is written out, there or by a caller."""
    if text.startswith("{") or _MAKES.match(text):
        return True
    function = code.around(index)
    if not re.fullmatch(r"[\w$]+", text):
        return False
    begin, end = function.body if function else (0, len(code.bare))
    body = code.bare[begin:end]
    given = re.findall(rf"(?<![\w$.]){re.escape(text)}\s*=(?!=)\s*(\{{?)", body)
    if given:
        return all(given)
    if function is None or not function.name or text not in function.given:
        return False
    position = function.given.index(text)
    return any(one for one, _ in _callers_give(code, function, position, every))


def _odd_caller(code: Code, index: int, text: str, every: list[Code]) -> Place | None:
    """Who gives an object where others give a text: the mistake is theirs."""
    function = code.around(index)
    if function is None or text not in function.given:
        return None
    given = [*_callers_give(code, function, function.given.index(text), every)]
    wrong = [spot for is_object, spot in given if is_object]
    return wrong[0] if any(one is False for one, _ in given) else None


_MAKES = re.compile(
    r"Object\s*\.\s*(?:freeze|seal|assign|create|fromEntries)\s*\(|"
    r"new\s+(?:Object|Map|Set|FormData|URLSearchParams\s*\(\s*\)\s*\.\s*entries)\b"
)
_TEXT = re.compile(r"['\"`]|JSON\.stringify\s*\(")


def _callers_give(
    code: Code, function: Func, position: int, every: list[Code]
) -> Iterator[tuple[bool | None, Spot]]:
    """For each call of a function: True if it is given an object, False for a text."""
    kind = code.owner(function)
    word = rf"(?<![\w$.])(?:([\w$.]+)\.)?{re.escape(function.name)}\s*\("
    for other in every:
        for match in re.finditer(word, other.bare):
            of = match[1] or ""
            made = rf"(?<![\w$.]){re.escape(of)}\s*=\s*new\s+{re.escape(kind)}(?![\w$])"
            is_ours = (of == "this" and other is code) or re.search(made, other.bare)
            if (of and not is_ours) if kind else of:
                continue
            given = other.arguments(match.end() - 1)
            if len(given) > position:
                is_text = _TEXT.match(other.text(given[position]))
                known = kept(other, given[position])
                is_object = known.startswith("{") or _MAKES.match(known)
                found = True if is_object else False if is_text else None
                yield found, other.spot(match.start())


def _codes(code: Code, name: str) -> Iterator[Found]:
    """Codes that the browser keeps for itself."""
    word = rf"(?<![\w$.]){re.escape(name)}\s*\??\.\s*close\s*\(\s*([\w$.]+)\s*[,)]"
    for match in re.finditer(word, code.bare):
        told = code.script.bound.get(match[1], match[1]).strip()
        number = int(told) if told.isdecimal() else 1000
        if number != 1000 and number not in ALLOWED:
            yield Found(
                "client-close-code-reserved",
                "Failed to execute 'close' on 'WebSocket': The close code must be "
                f"either 1000, or between 3000 and 4999. {number} is neither.",
                code.spot(match.start()),
                RANK,
                TRIED,
                "1000, or a code from 3000 to 4999",
            )


def _parsed(handler: Handler, every: list[Code]) -> Iterator[Found]:
    """``JSON.parse(event)``: the text is in event.data."""
    events = [(handler.code, handler.function, handler.event)]
    if handler.event:
        passed = rf"([\w$]+)\s*\(\s*{re.escape(handler.event)}\s*\)"
        begin, end = handler.function.body
        for match in re.finditer(passed, handler.code.bare[begin:end]):
            for code, one in functions(match[1], every):
                if one.given and re.fullmatch(r"[\w$]+", one.given[0]):
                    events.append((code, one, one.given[0]))
    for code, function, event in events:
        begin, end = function.body
        body = code.bare[begin:end]
        if not event or re.search(rf"(?<![\w$.]){re.escape(event)}\s*=(?!=|>)", body):
            continue
        taken = rf"\b({_WHOLE})\s*\(\s*{re.escape(event)}\s*[,)]"
        for match in re.finditer(taken, body):
            yield Found(
                "client-parses-the-event",
                '"[object MessageEvent]" is not valid JSON'
                if match[1] == "JSON.parse"
                else f"{match[1]}([object MessageEvent])",
                code.spot(begin + match.start()),
                RANK,
                TRIED,
                f"{match[1]}({event}.data)",
            )

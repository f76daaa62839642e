"""What a page's script does with its socket: too early, too often, the wrong thing."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules import (
    dialogue,
    forms,
    javascript,
    keys,
    loaded,
    markup,
    orders,
    scripts,
    taken,
    untold,
)
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.handling import (
    Handler,
    aliases,
    block_end,
    functions,
    handlers,
    listened,
    sends,
)
from tutor.doctor.rules.javascript import NAME, Code, Func
from tutor.doctor.rules.pages import TRIED

RANK = 68
ALLOWED = range(3000, 5000)  # and 1000: what a script may close with
WAITS = re.compile(r"\b(?:await|return|readyState)\b")
ASKS = re.compile(r"\b(?:if|await|return|readyState)\b|&&|\|\||\?")


def rules(seen: Evidence) -> Iterator[Found]:
    if not seen.leaves and not seen.walk.get("protocols"):
        return
    every = javascript.codes(scripts.texts(seen))
    opened = [*scripts.sockets(seen)]
    for code in every:
        yield from _timed(code, every)
        yield from _without_this(code)
        yield from _without_new(code, every)
        for name in code.sockets:
            yield from _misnamed(code, name)
            yield from _called(code, name, every)
            yield from _early(code, name, every)
            yield from _objects(code, name, every)
            yield from _codes(code, name)
            yield from _timers(code, name, every)
            yield from _at_once_again(code, name)
    hearing = [one for code in every for one in handlers(code, every)]
    # A function may be reached by more than one way.
    yield from dict.fromkeys(f for one in hearing for f in _parsed(one, every))
    for handler in hearing:
        yield from dialogue.rules(seen, handler, opened, every)
    for socket in opened:
        yield from dialogue.offered(seen, socket)
    known = list(keys.rules(seen, every, opened))
    yield from known or orders.rules(seen, every)
    yield from loaded.rules(seen, every)
    yield from forms.rules(seen, every)
    yield from markup.rules(seen, every, opened)
    yield from taken.rules(seen, every)
    yield from untold.rules(every)


EVENTS = ("open", "message", "close", "error")


def _misnamed(code: Code, name: str) -> Iterator[Found]:
    """``ws.onmesage = …``: any name may be given a value, and nobody calls it."""
    word = rf"(?<![\w$.]){re.escape(name)}\s*\.\s*"
    told = [
        (match[1][2:], match.start())
        for match in re.finditer(rf"{word}(on\w+)\s*=(?!=)", code.bare)
    ]
    for match in re.finditer(rf"{word}addEventListener\s*\(", code.bare):
        given = code.arguments(match.end() - 1)
        quoted = (
            re.fullmatch(r"['\"](\w+)['\"]", code.text(given[0])) if given else None
        )
        if quoted:
            told.append((quoted[1], match.start()))
    for kind, index in told:
        plain = kind.lower().removeprefix("on")
        right = difflib.get_close_matches(plain, EVENTS, 1, 0.75)
        if kind not in EVENTS and right:
            yield Found(
                "client-handler-misnamed",
                f"nothing: a socket has no event {kind!r}",
                code.spot(index),
                RANK,
                TRIED,
                f"on{right[0]}",
            )


def _called(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
    """``onmessage = show()``: the handler is what the call gives back, nothing."""
    for kind, begin in listened(code, name):
        call = re.compile(r"([\w$.]+)\s*\(").match(code.bare, begin)
        if call is None or code.at(begin) is not None:
            continue
        rest = code.bare[code.pairs.get(call.end() - 1, begin) + 1 :].lstrip(" \t")
        if rest[:1] not in (";", "\n", "", ")", ",", "}"):
            continue  # something is done with what it gives back
        known = list(functions(call[1].rpartition(".")[2], every))
        if known and all(_gives_nothing(*one) for one in known):
            yield Found(
                "client-handler-called-not-assigned",
                f"no handler: {call[1]}() has run once, and gave back nothing",
                code.spot(begin),
                RANK,
                TRIED,
                f"{name}.on{kind} = a function",
            )


_TIMER = re.compile(r"(?<![\w$.])(?:window\.|self\.)?(set(?:Timeout|Interval))\s*\(")


def _timed(code: Code, every: list[Code]) -> Iterator[Found]:
    """``setTimeout(connect(), 2000)``: it runs at once, and nothing runs later."""
    for match in _TIMER.finditer(code.bare):
        for begin, end in code.arguments(match.end() - 1)[:1]:
            call = re.compile(r"\s*([\w$.]+)\s*\(").match(code.bare, begin)
            if call is None or code.pairs.get(call.end() - 1) is None:
                continue
            if code.bare[code.pairs[call.end() - 1] + 1 : end].strip():
                continue  # something is done with what it gives back
            name = call[1].rpartition(".")[2]
            known = list(functions(name, every))
            if known and all(_gives_nothing(*one) for one in known):
                yield Found(
                    "client-handler-called-not-assigned",
                    f"no pause: {call[1]}() runs at once, and {match[1]} gets nothing",
                    code.spot(begin),
                    RANK,
                    TRIED,
                    f"{match[1]}(() => {call[1]}(…), …)",
                )


_HANDED = re.compile(
    r"(?:\.\s*on\w+\s*=(?!=)\s*|\baddEventListener\s*\([^,()]*,\s*|"
    r"\bset(?:Timeout|Interval)\s*\(\s*)this\s*\.\s*([\w$]+)(?=\s*[;,)\n])"
)


def _without_this(code: Code) -> Iterator[Found]:
    """``onclose = this.wait``: the method is called without its object."""
    for match in _HANDED.finditer(code.bare):
        name = match[1]
        methods = [
            one
            for one in code.functions
            if one.name == name
            and code.owner(one)
            and code.bare[one.start : one.start + len(name)] == name
        ]
        bound = rf"this\s*\.\s*{re.escape(name)}\s*=|\b{re.escape(name)}\s*=\s*\("
        if re.search(bound, code.bare) or not methods:
            continue
        if all("this" in NAME.findall(code.plain(one.body)) for one in methods):
            yield Found(
                "client-method-without-this",
                f"in {name}, this is not the object that has {name}",
                code.spot(match.start(1)),
                RANK,
                TRIED,
                f"() => this.{name}(…)",
            )


def _without_new(code: Code, every: list[Code]) -> Iterator[Found]:
    """``Live('ws/')``: a class is called like a function."""
    kinds = {name for one in every for name, _ in one.classes} | {"WebSocket"}
    for match in _CALLED.finditer(code.bare):
        before = code.bare[: match.start()].rstrip()
        if match[1] in kinds and not re.search(
            r"\b(?:new|class|extends|function|static|async|get|set)$", before
        ):
            close = code.pairs.get(match.end() - 1, -1)
            if code.bare[close + 1 :].lstrip()[:1] != "{":
                yield Found(
                    "client-class-without-new",
                    f"Class constructor {match[1]} cannot be invoked without 'new'",
                    code.spot(match.start()),
                    RANK,
                    TRIED,
                    f"new {match[1]}(…)",
                )
                return


_CALLED = re.compile(r"(?<![\w$.])([A-Z][\w$]*)\s*\(")


def _gives_nothing(code: Code, function: Func) -> bool:
    """Whether it is certain that a function gives back no function."""
    if not function.is_block:
        text = code.plain(function.body)
        return bool(re.search(r"[^=!<>]=[^=>]", text)) and "=>" not in text
    begin, end = function.body
    return not any(
        code.around(begin + match.start()) == function
        and not _is_plain(code, function, begin + match.end() - 1)
        for match in re.finditer(r"\breturn[ \t]+[^\s;}]", code.bare[begin:end])
    )


_PLAIN = re.compile(
    r"(?:null|undefined|true|false|-?\d[\d.]*|[\"'`].*|"
    r"(?:Math|Number|String|Date|JSON)\b(?:\.\w+)?\(.*)",
    re.S,
)


def _is_plain(code: Code, function: Func, begin: int) -> bool:
    """Whether what is returned is a number, a text or nothing, whatever happens."""
    text = code.plain(code.expression(begin))
    branches = text.rpartition("?")[2].split(":") if "?" in text else [text]
    for branch in map(str.strip, branches):
        own = re.search(
            rf"\b(?:const|let|var)\s+{re.escape(branch)}\s*=\s*",
            code.bare[slice(*function.body)],
        )
        if own and re.fullmatch(r"[\w$]+", branch):
            at = function.body[0] + own.end()
            branch = code.plain(code.expression(at))
        if not _PLAIN.fullmatch(branch):
            return False
    return True


def _early(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
    """A message on the way before the socket is open."""
    for function, begin in _begun(code, name):
        for index in _at_once(code, function, begin, rf"{re.escape(name)}\.send\s*\("):
            yield _too_early(code, index)
        own = r"(?:this\.)?([\w$]+)\s*\("
        for index in _at_once(code, function, begin, own):
            called = re.compile(own).match(code.bare, index)
            if any(
                other is not function
                and called is not None
                and other.name == called[1]
                and sends(code, name, other, ASKS) is not None
                for other in code.functions
            ):
                yield _too_early(code, index)
    yield from _early_elsewhere(code, name, every)


def _early_elsewhere(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
    """``const live = new Live(…); live.send(…)``, where the class opens a socket."""
    makers = {code.owner(f) for f, _ in _begun(code, name) if f and f.name in _NEW}
    for kind in makers - {""}:
        methods = [
            one.name
            for one in code.functions
            if code.owner(one) == kind and sends(code, name, one, ASKS) is not None
        ]
        if name.startswith("this."):  # and the socket itself, from outside
            methods.append(f"{name.removeprefix('this.')}.send")
        made = re.compile(rf"([\w$.]+)\s*=\s*new\s+{re.escape(kind)}\s*\(")
        for other in every if methods else ():
            for match in made.finditer(other.bare):
                end = other.pairs.get(match.end() - 1, match.end())
                calls_ = "|".join(map(re.escape, methods))
                pattern = rf"{re.escape(match[1])}\.(?:{calls_})\s*\("
                inside = other.around(match.start())
                for index in _at_once(other, inside, end, pattern):
                    yield _too_early(other, index)


_NEW = ("constructor",)


def _too_early(code: Code, index: int) -> Found:
    return Found(
        "client-send-before-open",
        "Failed to execute 'send' on 'WebSocket': Still in CONNECTING state.",
        code.spot(index),
        RANK,
        TRIED,
        "the first message is sent in onopen",
    )


def _begun(code: Code, name: str) -> Iterator[tuple[Func | None, int]]:
    """Where a socket has been opened a moment ago, there or by a function called."""
    for _, made in code.sockets[name]:
        function = code.around(made)
        yield function, made
        if function is None or not function.name:
            continue
        word = rf"(?<![\w$.])(?:this\.)?{re.escape(function.name)}\s*\("
        for match in re.finditer(word, code.bare):
            end = code.pairs.get(match.end() - 1)
            inside = code.around(match.start())
            if end is not None and inside is not function:
                yield inside, end


def _at_once(
    code: Code, function: Func | None, begin: int, pattern: str
) -> Iterator[int]:
    """Where something is done in the same breath, and whatever happens."""
    end = block_end(code, begin)
    waits = WAITS.search(code.bare, begin, end)
    end = waits.start() if waits else end
    for match in re.finditer(rf"(?<![\w$.]){pattern}", code.bare[begin:end]):
        index = begin + match.start()
        if (
            code.around(index) == function
            and not re.search(r"\bfunction\s*\*?\s*$", code.bare[:index][-20:])
            and not any(one.start == index for one in code.functions)
        ):
            yield index


def _objects(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
    """``send({…})``: a socket makes the text [object Object] of it."""
    for match in _sends(code, name):
        given = code.arguments(match.end() - 1)
        if given and _is_object(code, match.start(), code.plain(given[0]), every):
            yield Found(
                "client-send-object",
                "the server hears the text '[object Object]'",
                code.spot(match.start()),
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
    if text.startswith("{"):
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
    return any(_callers_give(code, function, function.given.index(text), every))


def _callers_give(
    code: Code, function: Func, position: int, every: list[Code]
) -> Iterator[bool]:
    """For each call of a function, whether it is given an object there."""
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
                yield other.plain(given[position]).startswith("{")


def _codes(code: Code, name: str) -> Iterator[Found]:
    """Codes that the browser keeps for itself."""
    word = rf"(?<![\w$.]){re.escape(name)}\s*\.\s*close\s*\(\s*(\d+)\s*[,)]"
    for match in re.finditer(word, code.bare):
        number = int(match[1])
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
        for match in re.finditer(
            rf"\bJSON\.parse\s*\(\s*{re.escape(event)}\s*\)", body
        ):
            yield Found(
                "client-parses-the-event",
                '"[object MessageEvent]" is not valid JSON',
                code.spot(begin + match.start()),
                RANK,
                TRIED,
                f"JSON.parse({event}.data)",
            )


def _hearing(code: Code, name: str, kind: str) -> Iterator[Func]:
    """The functions that a socket calls for a kind of event."""
    for told, begin in listened(code, name):
        if told != kind:
            continue
        one = code.at(begin)
        if one is not None:
            yield one
            continue
        called = re.match(r"[\w$.]+", code.bare[begin:].lstrip())
        word = (called[0] if called else "").removesuffix(".bind")
        yield from (
            f for f in code.functions if f.name == word.rpartition(".")[2] != ""
        )


def _timers(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
    """A timer that begins at each opening, where the socket is opened again."""
    if any("clearInterval" in one.bare for one in every):
        return
    again = re.search(r"\bsetTimeout\b|\breconnect", code.bare, re.I)
    hearing = [*_hearing(code, name, "open")] if again else []
    called = {
        word
        for one in hearing
        for word in re.findall(r"([\w$]+)\s*\(", code.plain(one.body))
    }
    for function in (*hearing, *(f for f in code.functions if f.name in called)):
        begin, end = function.body
        match = re.search(r"\bsetInterval\s*\(", code.bare[begin:end])
        if match:
            yield Found(
                "client-timer-for-each-connection",
                "after each lost connection one timer more",
                code.spot(begin + match.start()),
                RANK + 4,
                TRIED,
                "clearInterval() in onclose",
            )


def _at_once_again(code: Code, name: str) -> Iterator[Found]:
    """``onclose = () => this.open()``: opened again without a pause."""
    openers = {f.name for _, made in code.sockets[name] if (f := code.around(made))}
    for function in _hearing(code, name, "close"):
        found = _opens_at_once(code, function, openers - {"", "constructor"}, 0)
        if found is not None:
            yield Found(
                "client-reconnects-without-pause",
                "a handshake as soon as the last one has failed, without end",
                code.spot(found),
                RANK + 4,
                TRIED,
                "setTimeout(), with a pause that grows",
            )


def _opens_at_once(
    code: Code, function: Func, openers: set[str], depth: int
) -> int | None:
    """Where a function opens a socket in the same breath, itself or by another."""
    begin, end = function.body
    text = code.bare[begin:end]
    if re.search(r"\b(?:setTimeout|await|delay|sleep)\b", text):
        return None
    for match in re.finditer(r"(?<![\w$.])(?:this\.|self\.)?([\w$]+)\s*\(", text):
        if code.around(begin + match.start()) != function:
            continue
        if match[1] in openers:
            return begin + match.start()
        for other in code.functions:
            if other.name == match[1] and other is not function and depth < 2:
                inner = _opens_at_once(code, other, openers, depth + 1)
                if inner is not None:
                    return inner
    return None

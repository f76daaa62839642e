"""What a script gives a socket or a timer to call later: misnamed, called already."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from tutor.doctor.rules.browser import otherthis
from tutor.doctor.rules.browser.handling import RANK, functions, listened
from tutor.doctor.rules.browser.javascript import NAME, Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

_EVENTS = ("open", "message", "close", "error")
# What other libraries call them.
_OTHERS = {
    **{one: "open" for one in ("connect", "connected", "connection", "ready")},
    **{one: "message" for one in ("receive", "received", "data", "event")},
    **{one: "close" for one in ("disconnect", "disconnected", "end", "lost")},
}


def misnamed(code: Code, name: str) -> Iterator[Found]:
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
        right = difflib.get_close_matches(plain, _EVENTS, 1, 0.75)
        if plain in _OTHERS and "dispatchEvent" not in code.bare:
            right = right or [_OTHERS[plain]]
        if kind not in _EVENTS and right:
            yield Found(
                "client-handler-misnamed",
                f"nothing: a socket has no event {kind!r}",
                code.spot(index),
                RANK,
                TRIED,
                f"on{right[0]}",
            )


def called(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
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
            yield _no_handler(code, begin, call[1], f"{name}.on{kind} = a function")


def _no_handler(code: Code, begin: int, called: str, expected: str) -> Found:
    return Found(
        "client-handler-called-not-assigned",
        f"no handler: {called}() has run once, and gave back nothing",
        code.spot(begin),
        RANK,
        TRIED,
        expected,
    )


_EVENT = (
    "click|dblclick|change|input|submit|reset|select|focus|blur|resize|scroll|storage|"
    "(?:before)?unload|load|page(?:hide|show)|visibilitychange|hashchange|popstate|"
    "online|offline|open|message|close|error|(?:key|mouse|pointer|touch|drag)[a-z]+"
)
_GIVEN = re.compile(
    rf"[\w$\])]\s*\.\s*on(?:{_EVENT})\s*=(?!=)\s*|"
    r"(?<![\w$.?])on[A-Z]\w*\s*:\s*|"  # an option: onEnd: …
    r"[\w$\])]\s*\.\s*on[A-Z]\w*\s*=(?!=)\s*|"  # of an object: live.onEnd = …
    r"\baddEventListener\s*\(\s*[\"'][^\"'\n]*[\"']\s*,\s*"
)
# Of the browser's own, what gives back no function: a number, nothing, a promise.
_BROWSERS = re.compile(
    r"(?:window\.)?(?:(?:set|clear)(?:Timeout|Interval)|requestAnimationFrame|alert|"
    r"confirm|prompt|fetch)|console\.\w+|(?:window\.|document\.)?location\.\w+"
)


def given_a_result(code: Code, every: list[Code]) -> Iterator[Found]:
    """``onclose = setTimeout(open, 1000)``, ``onbeforeunload = socket.close()``."""
    sockets = {name for one in every for name in one.sockets}
    told = {begin for name in code.sockets for _, begin in listened(code, name)}
    for match in _GIVEN.finditer(code.bare):
        begin = match.end()
        given = r"(?:[\w$.]+\s*=(?![=>])\s*)?([\w$.]+)\s*\("  # asked = live.send()
        call = re.compile(given).match(code.bare, begin)
        if call is None or code.at(begin) is not None:
            continue
        rest = code.bare[code.pairs.get(call.end() - 1, begin) + 1 :].lstrip(" \t")
        if rest[:1] not in (";", "\n", "", ")", ",", "}"):
            continue  # something is done with what it gives back
        owner, _, method = call[1].rpartition(".")
        of_socket = owner in sockets and method in ("send", "close")
        own = list(functions(method, every))
        if (
            of_socket
            or (own and begin not in told and all(_gives_nothing(*one) for one in own))
            or (not own and _BROWSERS.fullmatch(call[1]))
        ):
            yield _no_handler(code, begin, call[1], f"() => {call[1]}(…)")


_TIMER = re.compile(r"(?<![\w$.])(?:window\.|self\.)?(set(?:Timeout|Interval))\s*\(")


def timed(code: Code, every: list[Code]) -> Iterator[Found]:
    """``setTimeout(connect(), 2000)``: it runs at once, and nothing runs later."""
    for match in _TIMER.finditer(code.bare):
        for begin, end in code.arguments(match.end() - 1)[:1]:
            bound = r"\s*([\w$.]+?)(?:\.bind\s*\([^()]*\))?\s*\("  # f.bind(this)()
            call = re.compile(bound).match(code.bare, begin)
            if call and call[1].endswith(".bind"):
                continue  # it makes a function, and calls none
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


def without_this(code: Code) -> Iterator[Found]:
    """``onclose = this.wait``: the method is called without its object."""
    yield from otherthis.rules(code)
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


_NATIVE = re.compile(
    r"[:=(,]\s*((?:(?:window|document)\s*\.\s*)?"
    r"(?:location\s*\.\s*(?:reload|assign|replace)|history\s*\.\s*(?:back|forward)))"
    r"\s*(?=[;,)}\n])"
)


def of_the_browser(code: Code) -> Iterator[Found]:
    """``onEnd: location.reload``: called as another object's method, it refuses."""
    # texts.forEach(this.socket.send)
    names = "|".join(map(re.escape, code.sockets)) or r"(?!)"
    word = rf"[:(,]\s*((?:{names})\s*\.\s*(?:send|close))\s*(?=[,;)}}\n])"
    for match in (*_NATIVE.finditer(code.bare), *re.finditer(word, code.bare)):
        before = code.bare[: match.start() + 1]
        owner = re.escape(match[1].rpartition(".")[0])
        of_its_own = rf"(?<![\w$.]){owner}\s*\.\s*addEventListener\s*\([^()]*,$"
        if re.search(rf"\b(?:if|while|switch)\s*\($|{of_its_own}", before):
            continue
        yield Found(
            "client-method-without-this",
            "TypeError: Illegal invocation",
            code.spot(match.start(1)),
            RANK,
            TRIED,
            f"() => {match[1]}()",
        )


def without_new(code: Code, every: list[Code]) -> Iterator[Found]:
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
    r"(?:null|undefined|true|false|-?\d[\d.]*|[\"'`].*|!?[^?&|]*[=!<>]==?[^?&|>]*|"
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

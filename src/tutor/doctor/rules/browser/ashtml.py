"""What has come through a socket, and is written into the page as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import dialogue, events, tables
from tutor.doctor.rules.browser.handling import Handler, called, functions, handlers
from tutor.doctor.rules.browser.javascript import NAME, Code, Func, Span
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.found import Found

RANK = 68
MOST = 100  # functions that are followed
_SINK = re.compile(
    r"\.\s*(?:innerHTML|outerHTML)\s*\+?=(?!=)|"
    r"\.\s*insertAdjacentHTML\s*\(|\bdocument\.write(?:ln)?\s*\(|"
    r"\.\s*(?:createContextualFragment|setHTMLUnsafe)\s*\(|\.\s*srcdoc\s*=(?!=)"
)
_JQUERY = r"(?<![\w$.])(?:\$|jQuery)\s*\("
_PUTS = r"(?:html|append|prepend|before|after|replaceWith)"
_KEEPS = ("parse", "trim", "toString", "String", "concat", "join", "at", "slice")
_BOUND = re.compile(
    r"(?:\b(?:const|let|var)\s+)([\w$]+|\{[^}=]*\}|\[[^\]=]*\])\s*(?:=(?![=>])|\bof\b)"
)
_EVENT = re.compile(r"\bnew\s+CustomEvent\s*\(")
_CALL = re.compile(r"(?<![\w$])([\w$]+)\s*\(")


def rules(seen: Evidence, every: list[Code], opened: list[Socket]) -> Iterator[Found]:
    for code in every:
        for handler in handlers(code, every):
            if not _only_numbers(seen, handler, opened):
                begun = _taken(handler)
                yield from _as_html(handler.code, handler.function, begun, every, set())


def _only_numbers(seen: Evidence, handler: Handler, opened: list[Socket]) -> bool:
    """Whether our clients heard nothing but bare numbers at a socket's route."""
    places = {handler.code.spot(new) for new, _ in _sockets_of(handler)}
    urls = [one.url for one in opened if one.place in places]
    heard = [
        text
        for url in urls
        for leaf in dialogue.leaves(seen, url)
        for text in dialogue.texts_of(seen, leaf)
    ]
    return bool(heard) and all(re.fullmatch(r"-?[\d.]+", text) for text in heard)


def _sockets_of(handler: Handler) -> list[tuple[int, int]]:
    return handler.code.sockets.get(handler.socket, [])


def _taken(handler: Handler) -> frozenset[str]:
    """The names by which a handler knows what has come."""
    if handler.event:
        return frozenset({handler.event})
    return frozenset(handler.function.names(0) if "data" in handler.data else ())


def _as_html(
    code: Code,
    function: Func,
    begun: frozenset[str],
    every: list[Code],
    done: set[tuple[str, int, frozenset[str]]],
) -> Iterator[Found]:
    """What has come is written into the page as HTML, here or in what is called."""
    key = code.script.file, function.start, begun
    if not begun or key in done or len(done) > MOST:
        return
    done.add(key)
    begin, end = function.body
    taken = _spread(code, function, begun)
    for match in _SINK.finditer(code.bare, begin, end):
        span = code.expression(match.end())
        if match[0].endswith("("):
            span = (*code.arguments(match.end() - 1), (begin, begin))[-2:][0]
        if _holds(code, span, taken):
            yield _found(code, match.start())
    for at, span in _by_jquery(code, begin, end):
        if _holds(code, span, taken):
            yield _found(code, at)
    for made in _EVENT.finditer(code.bare, begin, end):
        spans = code.arguments(made.end() - 1)
        if len(spans) > 1 and _holds(code, spans[1], taken):
            told = _told(code.text(spans[0]).strip(), every)
            if not re.match(r"['\"`]", code.text(spans[0])):  # any word that comes
                told = events.made(code, function, every)
            for other, one in told:
                yield from _as_html(other, one, frozenset(one.names(0)), every, done)
    for name in sorted(taken):  # handlers[kind](message)
        for other, one in tables.run(code, function, re.escape(name), every):
            yield from _as_html(other, one, frozenset(one.names(0)), every, done)
    for call in _CALL.finditer(code.bare, begin, end):
        spans = code.arguments(call.end() - 1)
        for position, span in enumerate(spans):
            if _holds(code, span, taken):
                for other, one in _called(code, call, every):
                    names = frozenset(one.names(position))
                    yield from _as_html(other, one, names, every, done)


def _found(code: Code, index: int) -> Found:
    return Found(
        "client-message-into-innerhtml",
        "what somebody sends is run in every page that hears it",
        code.spot(index),
        RANK + 2,
        TRIED,
        "textContent, which takes it as text",
    )


def _called(
    code: Code, call: re.Match[str], every: list[Code]
) -> Iterator[tuple[Code, Func]]:
    """The functions that a call may mean: by their name, or given by a caller."""
    name = call[1]
    yield from functions(name, every)
    maker = code.around(call.start())
    if code.bare[: call.start()].endswith("this."):
        yield from _given(code, name, every)
        if maker is not None:
            yield from called(code, maker, f"this.{name}", every)
    for function in code.functions:
        begin, end = function.body
        if not (maker and function.name and begin <= maker.start < end):
            continue
        positions = [i for i in range(len(function.given)) if name in function.names(i)]
        for other in every:
            for given in re.finditer(
                rf"(?<![\w$]){re.escape(function.name)}\s*\(", other.bare
            ):
                spans = other.arguments(given.end() - 1)
                for position in positions:
                    if position < len(spans):
                        one = other.at(spans[position][0])
                        if one is not None:
                            yield other, one


def _told(event: str, every: list[Code]) -> Iterator[tuple[Code, Func]]:
    """Who listens to an event of the project's own: ``addEventListener("json", …)``."""
    for code in every:
        for match in re.finditer(r"\baddEventListener\s*\(", code.bare):
            spans = code.arguments(match.end() - 1)
            kind = code.text(spans[0]).strip() if len(spans) > 1 else ""
            if not kind or kind.strip("'\"`") != event.strip("'\"`"):
                continue
            one = code.at(spans[1][0])
            if one is not None:
                yield code, one
            else:
                yield from functions(code.plain(spans[1]).strip(), every)


def _given(code: Code, name: str, every: list[Code]) -> Iterator[tuple[Code, Func]]:
    """What ``this.name`` is where a class was given it: ``new Feed(path, show)``."""
    keeps = re.compile(rf"\bthis\.{re.escape(name)}\s*=\s*([\w$]+)\s*(?:[;,\n}}]|$)")
    for maker in code.functions:
        kept = keeps.search(code.bare, *maker.body)
        kind = code.owner(maker)
        if maker.name != "constructor" or not kept or not kind:
            continue
        places = [i for i in range(len(maker.given)) if kept[1] in maker.names(i)]
        for other in every:
            for made in re.finditer(rf"\bnew\s+{re.escape(kind)}\s*\(", other.bare):
                spans = other.arguments(made.end() - 1)
                for span in (spans[place] for place in places if place < len(spans)):
                    one = other.at(span[0])
                    if one is not None:
                        yield other, one
                    else:
                        yield from functions(other.plain(span).strip(), every)


def _spread(code: Code, function: Func, begun: frozenset[str]) -> set[str]:
    """The names, too, that are given something of what has come."""
    taken = set(begun)
    begin, end = function.body
    for _ in range(3):
        for match in _BOUND.finditer(code.bare, begin, end):
            if _holds(code, code.expression(match.end()), taken):
                taken |= Func("", 0, (match[1],), (0, 0), False).names(0)
        for match in re.finditer(
            r"([\w$]+)(?:\.[\w$]+)*\.(?:forEach|map)\s*\(", code.bare[begin:end]
        ):
            inner = code.at(begin + match.end()) if match[1] in taken else None
            taken |= inner.names(0) if inner else set()
    return taken


def _holds(code: Code, span: tuple[int, int], taken: set[str]) -> bool:
    """Whether an expression has something of what has come, and as it came."""
    return any(_is_of(part, taken) for part in _parts(code.plain(span)))


def _parts(text: str) -> Iterator[str]:
    """What a text is put together of; the whole of it where that depends."""
    if re.search(r"\?(?![.?])|[=!]==?|=>", text):
        yield text
        return
    for filled in re.findall(r"`[^`]*`", text):
        yield from re.findall(r"\{([^{}]*)\}", filled)
    text, depth, begin = re.sub(r"`[^`]*`", "``", text), 0, 0
    for index, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == "+" and depth == 0:
            yield text[begin:index]
            begin = index + 1
    yield text[begin:]


def _is_of(text: str, taken: set[str]) -> bool:
    if "=>" in text or any(
        name not in _KEEPS and name not in ("if", "for", "while")
        for name in re.findall(r"([\w$]+)\s*\(", text)
    ):
        return False  # who knows what a function makes of it
    text = re.sub(r"\.\s*[\w$]+", "", text)
    if re.search(r"[<>]|===?|!==?", text.replace("=>", "")):
        return False
    return bool(taken & set(NAME.findall(text)))


def _by_jquery(code: Code, begin: int, end: int) -> Iterator[tuple[int, Span]]:
    """``$("#log").append("<li>" + …)``, ``$("<li>" + …)``: where, and the HTML."""
    made = rf"(?<![\w$.])([\w$]+)\s*=\s*{_JQUERY}"
    names = {re.escape(match[1]) for match in re.finditer(made, code.bare)}
    held = "|".join([rf"{_JQUERY}[^()]*\)", *(rf"(?<![\w$.]){n}\b" for n in names)])
    sink = re.compile(rf"(?:{held})(?:\s*\.\s*\w+\([^()]*\))*\s*\.\s*{_PUTS}\s*\(")
    for match in sink.finditer(code.bare, begin, end):
        for span in code.arguments(match.end() - 1):
            yield match.start(), span
    for match in re.compile(_JQUERY).finditer(code.bare, begin, end):
        spans = code.arguments(match.end() - 1)
        if spans and re.match(r"[\"'`]\s*<", code.text(spans[0])):
            yield match.start(), spans[0]

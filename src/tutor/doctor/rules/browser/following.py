"""What becomes of a message in a script: what is read of it, and told apart by it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tutor.doctor.rules.browser import events, tables
from tutor.doctor.rules.browser.handling import called
from tutor.doctor.rules.browser.javascript import Code, Func

DEEP = 4


@dataclass
class Reads:
    """Where scripts take something out of a message.

    Args:
        keys: each key and the places where it is read.
        guarded: keys of which a script asks whether they are there.
        kinds: the values a script tells apart, by the key and the place.
    """

    keys: dict[str, list[tuple[Code, int]]] = field(default_factory=dict)
    guarded: set[str] = field(default_factory=set)
    kinds: list[tuple[str, str, Code, int]] = field(default_factory=list)
    done: set[tuple[int, int, str]] = field(default_factory=set)


def parsed(
    code: Code,
    function: Func,
    data: str,
    every: list[Code],
    reads: Reads,
    depth: int = 0,
) -> None:
    """Where a handler parses what came, and what it does with the object."""
    begin, end = function.body
    for match in re.finditer(
        rf"\bJSON\.parse\s*\(\s*{data}\s*\)", code.bare[begin:end]
    ):
        start, stop = begin + match.start(), begin + match.end()
        _follow(code, function, start, stop, every, reads, 0)
    if depth > 1:
        return
    for match in re.finditer(rf"([\w$.#]+)\s*\(\s*{data}\s*\)", code.bare[begin:end]):
        if match[1] in ("JSON.parse", "if", "switch"):
            continue
        for other, one in called(code, function, match[1], every):
            given = one.given[0] if one.given else ""
            if re.fullmatch(r"[\w$]+", given):
                word = rf"(?<![\w$.]){re.escape(given)}"
                parsed(other, one, word, every, reads, depth + 1)


def _follow(
    code: Code,
    function: Func,
    start: int,
    stop: int,
    every: list[Code],
    reads: Reads,
    depth: int,
) -> None:
    """What becomes of an expression that is a message."""
    before = code.bare[function.body[0] : start]
    bound = re.search(r"([\w$]+|\{[^{}]*\})\s*=\s*$", before)
    handed = re.search(r"([\w$.]+|\])\s*(?:\?\.)?\(\s*$", before)
    if bound and bound[1].startswith("{"):
        _apart(code, function, bound[1], start, every, reads, depth)
    elif bound:
        _use(code, function, bound[1], every, reads, depth)
    elif handed and re.match(r"\s*\)", code.bare[stop:]):
        _handed(code, function, handed[1], every, reads, depth)


def _handed(
    code: Code,
    function: Func,
    name: str,
    every: list[Code],
    reads: Reads,
    depth: int,
) -> None:
    """A message is the first argument of a call."""
    if depth > DEEP or name == "]":
        return
    for other, one in called(code, function, name, every):
        if not _is_of_a_socket(other, one):
            first(other, one, every, reads, depth)


def _is_of_a_socket(code: Code, one: Func) -> bool:
    """Whether a function is what a socket calls itself, with an event."""
    before = code.bare[max(0, one.start - 80) : one.start]
    given = re.search(r"([\w$.]+)\.on\w+\s*=\s*$", before)
    return given is not None and given[1] in code.sockets


def first(
    code: Code,
    one: Func,
    every: list[Code],
    reads: Reads,
    depth: int,
    place: int = 0,
) -> None:
    """A message is the first parameter of a function, or one behind it."""
    given = one.given[place] if len(one.given) > place else ""
    given = given.partition("=")[0].strip() if given[:1] != "{" else given
    if given.startswith("{"):
        _apart(code, one, given, one.start, every, reads, depth + 1)
    elif re.fullmatch(r"[\w$]+", given):
        _use(code, one, given, every, reads, depth + 1)


def _apart(
    code: Code,
    function: Func,
    names: str,
    index: int,
    every: list[Code],
    reads: Reads,
    depth: int,
) -> None:
    """``const { type, body: text, ...rest } = message``."""
    for part in names.strip("{} \n").split(","):
        match = re.match(r"\s*(\.\.\.)?([\w$]+)(?:\s*:\s*([\w$]+))?(\s*=)?", part)
        if not match:
            continue
        if match[1]:
            _use(code, function, match[2], every, reads, depth)
            continue
        reads.keys.setdefault(match[2], []).append((code, index))
        if match[4]:
            reads.guarded.add(match[2])
        word = rf"(?<![\w$.]){re.escape(match[3] or match[2])}"
        _told_apart(code, function, word, match[2], every, reads)


def _use(
    code: Code,
    function: Func,
    name: str,
    every: list[Code],
    reads: Reads,
    depth: int,
) -> None:
    """What is read of a message under its name."""
    begin, end = function.body
    known = (id(code), begin, name)
    if depth > DEEP or known in reads.done:
        return
    reads.done.add(known)
    body = code.bare[begin:end]
    word = rf"(?<![\w$.]){re.escape(name)}"
    for match in re.finditer(rf"{word}\s*(\?)?\.\s*([\w$]+)(\s*\()?", body):
        key, rest = match[2], body[match.end() :]
        if match[3] or re.match(r"\s*=(?!=)", rest):
            reads.guarded.add(key)  # its own: the page puts it there
            continue
        if (
            re.match(r"\s*(\?|\|\||&&|\)\s*(\{|\?|return))", rest)
            or (
                re.search(r"(\bif\s*\(|!|&&|\|\|)\s*$", body[: match.start()])
                and not re.match(r"\s*[=!]==?", rest)
            )
            or match[1]
        ):
            reads.guarded.add(key)
        reads.keys.setdefault(key, []).append((code, begin + match.start()))
        _told_apart(code, function, rf"{word}\s*\.\s*{key}", key, every, reads)
    for match in re.finditer(rf"{word}\s*\[\s*(['\"])[ ]+\1\s*\](\s*=[^=])?", body):
        text = code.script.text[begin + match.start() : begin + match.end()]
        quoted = re.search(r"['\"]([\w$]+)['\"]", text)
        if quoted and match[2]:
            reads.guarded.add(quoted[1])  # the page puts it there
        elif quoted:
            place = code, begin + match.start()
            reads.keys.setdefault(quoted[1], []).append(place)
            if re.match(r"\s*(\?|\|\||&&|\)\s*(\{|\?|return))", body[match.end() :]):
                reads.guarded.add(quoted[1])
    for match in re.finditer(rf"\{{([^{{}}]*)\}}\s*=\s*{word}\s*[;\n]", body):
        index = begin + match.start()
        _apart(code, function, match[1], index, every, reads, depth)
    for match in re.finditer(rf"([\w$.]+)\s*(?:\?\.)?\(\s*{word}\s*[,)]", body):
        plain = match[1] not in ("if", "while", "switch") and "." not in match[1]
        if plain or match[1].startswith("this."):
            _handed(code, function, match[1], every, reads, depth + 1)
    # this.emit(message.type, message): a later argument
    later = rf"([\w$.]+)\s*(?:\?\.)?\(([^()]*,)\s*{word}\s*[,)]"
    for match in re.finditer(later, body):
        if "." not in match[1] or match[1].startswith("this."):
            for other, one in called(code, function, match[1], every):
                first(other, one, every, reads, depth, match[2].count(","))
    for other, one in tables.run(code, function, word, every):
        first(other, one, every, reads, depth)
    for other, one in events.told(code, function, name, every):
        listened(other, one, every, reads, depth)


def listened(
    code: Code, one: Func, every: list[Code], reads: Reads, depth: int
) -> None:
    """A message is the detail of an event that a function is called with."""
    name = events.detail(one)
    if name.startswith("{"):
        _apart(code, one, name, one.start, every, reads, depth + 1)
    elif name:
        _use(code, one, name, every, reads, depth + 1)
        # const message = event.detail, const { detail } = event
        kept = rf"([\w$]+)\s*=\s*{re.escape(name)}\s*[;\n]"
        apart = rf"\{{\s*(detail)\s*\}}\s*=\s*{re.escape(one.given[0])}\s*[;\n]"
        for match in re.finditer(f"{kept}|{apart}", code.bare[slice(*one.body)]):
            _use(code, one, match[1] or match[2], every, reads, depth + 1)


_CASE = re.compile(r"\bcase\s+(['\"`])")


def _told_apart(
    code: Code,
    function: Func,
    word: str,
    key: str,
    every: list[Code],
    reads: Reads,
    depth: int = 0,
) -> None:
    """The values by which messages are told apart, by what stands behind a key."""
    begin, end = function.body
    body = code.bare[begin:end]
    for match in re.finditer(rf"{word}\s*[=!]==?\s*(?=['\"])", body):
        _text_at(code, begin + match.end(), key, reads)
    for match in re.finditer(rf"\bswitch\s*\(\s*{word}\s*\)\s*\{{", body):
        brace = begin + match.end() - 1
        close = code.pairs.get(brace, brace)
        for case in _CASE.finditer(code.bare, brace, close):
            _text_at(code, case.end() - 1, key, reads)
    inside = rf"\s*{word}\s*"
    for match in re.finditer(rf"([\w$.]+){tables.ASKED % (inside, inside)}", body):
        _table(code, match[1], begin + match.start(), key, every, reads)
    # this.emit(message.type, message)
    handed = rf"(this\.[\w$]+)\s*(?:\?\.)?\(\s*{word}\s*,"
    for match in re.finditer(handed, body) if depth < 2 else ():
        for other, one in called(code, function, match[1], every):
            given = re.match(r"[\w$]+", one.given[0]) if one.given else None
            if given:
                inner = rf"(?<![\w$.]){re.escape(given[0])}"
                _told_apart(other, one, inner, key, every, reads, depth + 1)
    if re.search(rf"\bnew\s+(?:Custom)?Event\s*\(\s*{word}\s*[,)]", body):
        own = events.named(every)
        for other in every:
            for match in re.finditer(r"\.addEventListener\s*\(\s*", other.bare):
                if not _is_known(other, match.end(), own | events.BROWSERS):
                    _text_at(other, match.end(), key, reads)
                maker = other.around(match.start())
                said = re.compile(r"[\w$]+").match(other.bare, match.end())
                if maker is not None and said and said[0] in maker.given:
                    place = maker.given.index(said[0])
                    for kind, there, at in tables.told_to(maker, place, every):
                        reads.kinds.append((key, kind, there, at))


def _is_known(code: Code, index: int, known: set[str]) -> bool:
    """Whether an event is one of the browser's own, or has another source."""
    match = re.compile(r"['\"`](\w+)").match(code.script.text, index)
    return match is None or match[1] in known


def _text_at(code: Code, index: int, key: str, reads: Reads) -> None:
    match = re.compile(r"(['\"`])([\w.:-]+)\1").match(code.script.text, index)
    if match:
        reads.kinds.append((key, match[2], code, index))


def _table(
    code: Code, table: str, index: int, key: str, every: list[Code], reads: Reads
) -> None:
    """Handlers in an object: written out, or put there by ``on("kind", f)``."""
    own = tables.entries(code, table, index, every)
    for kind, other, at in (*own, *tables.registered(table, every)):
        reads.kinds.append((key, kind, other, at))

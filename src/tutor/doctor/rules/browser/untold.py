"""What a page makes of a text that it never parses, and of half a host."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import called, handlers
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

RANK = 70
# What a text, a Blob and an ArrayBuffer have.
_OWN = {
    *("length", "size", "type", "byteLength", "text", "arrayBuffer", "stream"),
    *("constructor", "prototype", "toString", "buffer"),
}
_ASKS = re.compile(r"\btypeof\b|\binstanceof\b|\bJSON\.parse\b|\.json\s*\(")
_HOSTNAME = r"(?:(?:window|document|self)\.)?location\.hostname"


def rules(every: list[Code]) -> Iterator[Found]:
    for code in every:
        for handler in handlers(code, every):
            yield from _as_object(handler.code, handler.function, handler.data, every)
        if code.sockets:
            yield from _without_port(code)


def _as_object(
    code: Code, function: Func, data: str, every: list[Code]
) -> Iterator[Found]:
    """``const message = event.data; show(message.text)``."""
    begin, end = function.body
    body = code.bare[begin:end]
    if _ASKS.search(body):
        return
    word = rf"(?<![\w$.])(?:{data})"
    names = [word]
    for match in re.finditer(rf"([\w$]+)\s*=\s*{word}\s*[;,\n]", body):
        names.append(rf"(?<![\w$.]){re.escape(match[1])}")
    for name in names:
        found = _read(body, name)
        if found is not None:
            yield _found(code, begin + found)
            return
    for match in re.finditer(rf"\{{\s*[\w$][^{{}}]*\}}\s*=\s*(?:{word})\s*[;\n]", body):
        yield _found(code, begin + match.start())
        return
    passed = "|".join(names)
    for match in re.finditer(rf"([\w$.#]+)\s*\(\s*(?:{passed})\s*\)", body):
        for other, one in called(code, function, match[1], every):
            given = one.given[0] if one.given else ""
            inner = other.bare[one.body[0] : one.body[1]]
            if (
                not given
                or _ASKS.search(inner)
                or not _is_meant(other, one, code, function, match[1])
            ):
                continue
            taken = None
            if re.fullmatch(r"[\w$]+", given):
                word = rf"(?<![\w$.]){re.escape(given)}"
                taken = _read(inner, word)
                apart = re.search(rf"\{{[^{{}}]+\}}\s*=\s*{word}\s*[;\n]", inner)
                taken = apart.start() if taken is None and apart else taken
            if taken is not None or given.startswith("{"):
                yield _found(code, begin + match.start())
                return


def _is_meant(other: Code, one: Func, code: Code, function: Func, name: str) -> bool:
    """Whether a call means this function: of its class, or given to its object."""
    if other.owner(one) == _kind(code, function, name):
        return True
    kept = rf"(?<![\w$.]){re.escape(name)}\s*=\s*[\w$.]+\s*[;,\n}}]"
    return not other.owner(one) and re.search(kept, code.bare) is not None


def _kind(code: Code, function: Func, called: str) -> str:
    """The class whose method is called; empty for a function."""
    if not called.startswith(("this.", "self.")):
        return ""
    around = [
        (end - begin, name)
        for name, (begin, end) in code.classes
        if begin < function.start < end
    ]
    return min(around, default=(0, ""))[1]


def _read(body: str, word: str) -> int | None:
    for match in re.finditer(rf"{word}\s*\.\s*([\w$]+)(\s*\()?", body):
        if not match[2] and match[1] not in _OWN:
            return match.start()
    return None


def _found(code: Code, index: int) -> Found:
    return Found(
        "client-uses-text-as-object",
        "undefined: a text has no such keys",
        code.spot(index),
        RANK,
        TRIED,
        "JSON.parse(event.data)",
    )


def _without_port(code: Code) -> Iterator[Found]:
    """``ws://${location.hostname}/ws/…``: another port than the page's."""
    text = code.script.text
    if "location.port" in text:
        return
    names = [_HOSTNAME]
    for match in re.finditer(rf"([\w$]+)\s*=\s*{_HOSTNAME}\s*[;,\n]", text):
        names.append(rf"(?<![\w$.]){re.escape(match[1])}")
    apart = re.compile(r"\{([^{}]*)\}\s*=\s*(?:window\.|document\.)?location\b(?!\.)")
    for match in apart.finditer(text):
        taken = re.search(r"\bhostname\b(?:\s*:\s*([\w$]+))?", match[1])
        if taken and not re.search(r"\bport\b", match[1]):
            names.append(rf"(?<![\w$.]){re.escape(taken[1] or 'hostname')}")
    for name in names:
        pattern = rf"\$\{{\s*{name}\s*\}}/|{name}\s*\+\s*['\"`]/"
        for match in re.finditer(pattern, text):
            line = text[max(0, match.start() - 120) : match.start()]
            if re.search(r"wss?\b|scheme|protocol|socket", line, re.I):
                yield Found(
                    "client-host-without-port",
                    "a knock on port 80, or 443: a hostname has no port",
                    code.spot(match.start()),
                    RANK - 3,
                    TRIED,
                    "location.host",
                )
                return

"""What is asked of an event of a socket, and no such event has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK, listened, meant
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

_EVERY = {
    *("type", "target", "currentTarget", "timeStamp", "isTrusted", "eventPhase"),
    *("bubbles", "cancelable", "composed", "defaultPrevented", "returnValue"),
    *("preventDefault", "stopPropagation", "stopImmediatePropagation"),
    *("srcElement", "composedPath", "cancelBubble", "constructor", "toString"),
}
# What a text, a Blob and an ArrayBuffer have.
_OF_TEXTS = {
    *("length", "size", "type", "byteLength", "text", "arrayBuffer", "stream", "at"),
    *("slice", "split", "trim", "trimEnd", "trimStart", "replace", "replaceAll"),
    *(
        "startsWith",
        "endsWith",
        "includes",
        "indexOf",
        "lastIndexOf",
        "match",
        "search",
    ),
    *("toUpperCase", "toLowerCase", "toString", "valueOf", "charAt", "charCodeAt"),
    *("substring", "substr", "concat", "padStart", "padEnd", "repeat", "normalize"),
    *("codePointAt", "localeCompare", "matchAll", "constructor", "buffer"),
}
_HAS = {
    "message": {"data", "origin", "lastEventId", "source", "ports"},
    "close": {"code", "reason", "wasClean"},
}

SLUG = "client-value-taken-for-another"


def rules(every: list[Code]) -> Iterator[Found]:
    for code in every:
        for name in code.sockets:
            for kind, begin in listened(code, name):
                if kind not in _HAS:
                    continue
                one = code.at(begin)
                if one is not None:
                    yield from _asked(code, one, kind)
                    continue
                called = re.match(r"[\w$.]+", code.bare[begin:].lstrip())
                for other, function in meant(code, called[0] if called else "", every):
                    calls = rf"(?<![\w$]){re.escape(function.name)}\s*\("
                    if len(re.findall(calls, other.bare)) < 2 and not other.owner(
                        function
                    ):
                        yield from _asked(other, function, kind)


def _asked(code: Code, function: Func, kind: str) -> Iterator[Found]:
    """``JSON.parse(event.message)``, and ``onclose = (code) => code === 4401``."""
    first = function.given[0] if function.given else ""
    begin, end = function.body
    body = code.bare[begin:end]
    if first.startswith("{") and "..." not in first:
        for part in re.findall(r"[{,]\s*([\w$]+)", first):
            if part not in _HAS[kind] | _EVERY:
                yield _found(code, function.start, kind, part)
                return
    if not re.fullmatch(r"[A-Za-z_$][\w$]*", first):
        return
    word = rf"(?<![\w$.]){re.escape(first)}"
    if re.search(rf"{word}\s*=(?![=>])", body):
        return  # something else by the same name
    for match in re.finditer(rf"{word}\s*\??\.\s*([A-Za-z_$][\w$]*)", body):
        inner = code.around(begin + match.start())
        if inner is not None and inner != function and first in inner.given:
            continue
        set_here = re.search(rf"{word}\s*\.\s*{re.escape(match[1])}\s*=(?!=)", body)
        if match[1] not in _HAS[kind] | _EVERY and not set_here:
            yield _found(code, begin + match.start(), kind, match[1])
            return
    asks = re.search(r"\btypeof\b|\binstanceof\b|binaryType", code.bare)
    part = re.compile(rf"{word}\s*\.\s*data\s*\.\s*([A-Za-z_$][\w$]*)")
    for match in part.finditer(body) if kind == "message" and not asks else ():
        if match[1] not in _OF_TEXTS:
            yield Found(
                "client-uses-text-as-object",
                f"undefined: a text has no {match[1]}",
                code.spot(begin + match.start()),
                RANK,
                TRIED,
                f"JSON.parse({first}.data)",
            )
            return
    number = (
        rf"{word}\s*[!=]==?\s*(?:\d{{4}}|[A-Z][A-Z_]+)\b|\bswitch\s*\(\s*{word}\s*\)"
    )
    compared = re.search(number, body) if kind == "close" else None
    if compared:
        yield Found(
            SLUG,
            f"never true: {first} is the event, and its code is {first}.code",
            code.spot(begin + compared.start()),
            RANK,
            TRIED,
            f"{first}.code",
            "What a handler is given is an event; what it tells are its properties.",
        )


def _found(code: Code, index: int, kind: str, part: str) -> Found:
    right = "data" if kind == "message" else "code"
    return Found(
        "client-parses-the-event" if kind == "message" else SLUG,
        f"undefined: the event of a {kind} has no {part}",
        code.spot(index),
        RANK,
        TRIED,
        f"event.{right}",
        "" if kind == "message" else "It has a code and a reason.",
    )

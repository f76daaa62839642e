"""Messages that the running application sent, and that a server drops or breaks on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tutor.doctor.answers import Client
from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.scripts import texts
from tutor.doctor.rules.consumers.closing import may_close
from tutor.doctor.rules.found import Found

SEND = "websocket.send"
# ``onclose = (e) =>``, ``addEventListener("close", ({ code }) =>``: what is given.
_CLOSED = re.compile(
    r"(?:\bonclose|\bonClose|['\"`]close['\"`])\s*[=:,(]\s*(?:async\b\s*)?"
    r"(?:function\b\s*\w*\s*)?\(?\s*(\{[^}]*\}|\w+)?\s*(\)|=>)?"
)
_UNREAD = "The browser gets 403, and then 1006. No script here asks for the code."
KNOWN = {
    "websocket.accept",
    SEND,
    "websocket.close",
    "websocket.http.response.start",
    "websocket.http.response.body",
}


def message(seen: Evidence, sent: Event, client: Client) -> Iterator[Found]:
    """A message that the application sent, and that the server drops or breaks on."""
    place = seen.place(sent["at"])
    tried, expected = f"a conversation on {client.path}", "each message arrives"
    tried += ", after a login" if client.signed else ""
    kind = sent["type"]

    def found(slug: str, got: str, rank: int = 49) -> Found:
        return Found(slug, got, place, rank, tried, expected)

    if sent["is"] != "dict":
        yield found("consumer-message-is-no-dict", f"send() was given {sent['is']}")
    elif kind is None:
        yield found("consumer-send-type-misspelled", "a message without type")
    elif kind not in KNOWN:
        yield found(
            "consumer-send-type-misspelled", f"nothing: {kind!r} is unknown to Daphne"
        )
    elif kind == SEND:
        yield from _payload(sent, found)
    elif {"text", "bytes"} & {*(sent["keys"] or ())}:
        lost = found("consumer-text-key-misspelled", f"nothing: {kind!r} has no text")
        hint = "Only a message of the type websocket.send carries one."
        yield replace(lost, expected="a websocket.send of its own", hint=hint)
    elif kind == "websocket.close":
        code = sent["code"]
        outside = code is not None and not may_close(seen, code)
        if outside and client.status == 101:  # else it becomes 403, like any other
            yield found(
                "consumer-close-code-not-allowed", f"close code {code} becomes 1011", 60
            )
        if code is not None and client.status == 403:
            lost = found(
                "auth-close-code-before-accept",
                f"403, then 1006: the code {code} is lost",
                79,
            )
            unread = not any(_asks_for_codes(one.text) for one in texts(seen))
            yield replace(lost, milder=_UNREAD if unread else "")
        if sent["reason"] and client.status == 101:
            yield found(
                "consumer-close-reason-lost", "a close code without its reason", 82
            )


def _asks_for_codes(script: str) -> bool:
    """Whether what hears that a socket is closed may look at the code."""
    for match in _CLOSED.finditer(script):
        given = match[1] or ""
        # Without a parenthesis or an arrow it is the name of a function.
        plain = match[2] and not given.startswith("{")
        read = rf"\b{given}\.code\b" if plain else r"\bcode\b"
        if given and re.search(read, given if given.startswith("{") else script):
            return True
    return False


def _payload(sent: Event, found: object) -> Iterator[Found]:
    assert callable(found)
    text, data = sent["text"], sent["bytes"]
    empty = sent["value"] in ("0", "0.0", "False")
    if text is None and data is None:
        keys = ", ".join(k for k in sent["keys"] if k != "type") or "nothing but a type"
        yield found(
            "consumer-text-key-misspelled", f"nothing: the message holds {keys}"
        )
    elif text in ("int", "float", "bool"):
        if empty:
            yield found(
                "consumer-int-zero-never-sent",
                f"nothing: text is {sent['value']}, no str",
            )
        else:
            yield found(
                "consumer-int-payload", f"'{text}' object has no attribute 'encode'"
            )
    elif text in ("dict", "list", "tuple", "set"):
        yield found(
            "consumer-dict-payload", f"'{text}' object has no attribute 'encode'"
        )
    elif text in ("bytes", "bytearray"):
        yield found(
            "consumer-bytes-under-text", "'bytes' object has no attribute 'encode'"
        )
    elif text is not None and text not in ("str", "NoneType", "SafeString"):
        yield found(None, f"text is of type {text}", 59)
    elif data not in (None, "bytes", "bytearray", "memoryview", "NoneType"):
        yield found("consumer-str-under-bytes", f"bytes is of type {data}")
    elif text == "str" and data == "bytes":
        yield found(
            "consumer-text-and-bytes-together", "contains both bytes and text keys"
        )
    elif sent.get("twice"):
        yield found(
            "consumer-json-encoded-twice", f"a quoted string: {sent['value'][:60]}", 57
        )
    elif sent.get("python"):
        yield found(
            "consumer-python-text-for-json",
            f"Python's own notation: {sent['value'][:60]}",
            74,
        )

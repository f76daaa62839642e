"""What a socket does not have, ``open``, ``on``, ``emit``, or has once: a handler."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK, aliases, block_end
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

_OWN = {
    *("send", "close", "addEventListener", "removeEventListener", "dispatchEvent"),
    *("onopen", "onmessage", "onclose", "onerror", "toString", "valueOf"),
    *("hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "constructor"),
}
# A library's class of the same name has more methods.
_ANOTHER = re.compile(
    r"\bimport\b[^;\n]*\bWebSocket\b|\b(?:const|let|var|class|function)\s+WebSocket\b"
)


def rules(code: Code, name: str) -> Iterator[Found]:
    """The first method of a socket that is called, and that it does not have."""
    if _is_more(code, name):
        return
    for known, begin, end in _spans(code, name):
        word = rf"(?<![\w$.]){re.escape(known)}\s*(?:\?\.|\.)\s*([A-Za-z_$][\w$]*)\s*\("
        for match in re.finditer(word, code.bare[begin:end]):
            handler = match[1] in _OWN and match[1].startswith("on")
            if handler and not _is_added(code, match[1]):
                yield Found(
                    "client-handler-called-not-assigned",
                    f"{known}.{match[1]} is not a function: nobody gave it one",
                    code.spot(begin + match.start()),
                    RANK,
                    TRIED,
                    f"{known}.{match[1]} = a function",
                )
                return
            if match[1] in _OWN or _is_added(code, match[1]):
                continue
            again = match[1] in ("open", "connect", "reconnect")
            yield Found(
                "client-socket-without-such-method",
                f"{known}.{match[1]} is not a function",
                code.spot(begin + match.start()),
                RANK,
                TRIED,
                f"new WebSocket(…) for {known}" if again else "a method of WebSocket",
            )
            return


def set_twice(code: Code, name: str) -> Iterator[Found]:
    """``socket.onmessage = show; socket.onmessage = count;``: the first is lost."""
    kinds = r"(on(?:open|message|close|error))\s*=(?!=)"
    word = rf"(?<![\w$.]){re.escape(name)}\s*\.\s*{kinds}"
    done: dict[tuple[str, int], int] = {}
    for match in re.finditer(word, code.bare):
        after = code.bare[match.end() :].lstrip()
        if after.startswith(("null", "undefined")):
            continue
        made = [new for new, _ in code.sockets[name]]
        key = match[1], block_end(code, match.start())
        first = done.setdefault(key, match.start())
        between = any(first < new < match.start() for new in made)
        if first != match.start() and not between:
            yield Found(
                "client-handler-set-twice",
                f"this is the only {match[1]}: the one above it is never called",
                code.spot(match.start()),
                RANK,
                TRIED,
                f"one {match[1]} that does both, or addEventListener()",
            )
            return


def _spans(code: Code, name: str) -> Iterator[tuple[str, int, int]]:
    """The names of a socket, and where each stands for it."""
    yield name, 0, len(code.bare)
    for function in code.functions:
        begin, end = function.body
        for other in aliases(code.bare[begin:end], name)[1:]:
            if re.match(r"[A-Za-z_$]", other):
                yield other, begin, end


def _is_more(code: Code, name: str) -> bool:
    """Whether the name may stand for something else, too, or WebSocket itself does."""
    if _ANOTHER.search(code.bare):
        return True
    given = re.findall(rf"(?<![\w$.]){re.escape(name)}\s*=(?!=)\s*([^;\n]*)", code.bare)
    return any(
        not re.match(r"(?:new\s+WebSocket\b|null\b|undefined\b|$)", one.strip())
        for one in given
    )


def _is_added(code: Code, method: str) -> bool:
    """Whether the script gives sockets a method of its own."""
    added = rf"(?:\.|prototype\.){re.escape(method)}\s*=(?!=)"
    return bool(re.search(added, code.bare))

"""Who ``this`` is: of ``function`` its caller's object, of an arrow the one around."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

_USED = re.compile(r"(?<![\w$.])this\s*\.\s*([\w$]+)")
_LATER = re.compile(r"\bset(?:Timeout|Interval)\s*\(\s*$|\.\s*(?:then|catch)\s*\(\s*$")
# What a socket, a timer or an event's target has itself.
_OF_SOCKETS = {
    *("send", "close", "readyState", "url", "protocol", "bufferedAmount", "extensions"),
    *("onopen", "onmessage", "onclose", "onerror", "binaryType", "addEventListener"),
}


_LISTENS = re.compile(
    r"(?:\.\s*on\s*\(\s*['\"][^()]*,\s*|\baddEventListener\s*\([^()]*,\s*|"
    r"\.\s*(?:click|submit|change|keyup|keydown)\s*\(\s*|\.\s*on[a-z]+\s*=\s*)$"
)
_READY = re.compile(r"(?:\$|\bjQuery|\bready|(?:^|[;}])\s*)\s*\(\s*$")
_OF_ELEMENTS = re.compile(
    r"\$\s*\(\s*this\s*\)|(?<![\w$.])this\s*\.\s*(?:value|dataset|checked|elements|"
    r"textContent|innerText|innerHTML|classList|style|getAttribute|closest|reset|"
    r"parentElement|parentNode|disabled)\b"
)


def rules(code: Code) -> Iterator[Found]:
    yield from _of_an_arrow(code)
    yield from _of_a_function(code)


def _of_an_arrow(code: Code) -> Iterator[Found]:
    """``$(".room").on("click", () => $(this).data("id"))``: the window's own."""
    for inner in code.functions:
        heard = _LISTENS.search(code.bare[max(0, inner.start - 80) : inner.start])
        if not heard or not _is_arrow(code, inner) or _has_this(code, inner):
            continue
        used = _OF_ELEMENTS.search(code.bare, *inner.body)
        mine = code.around(used.start()) if used else None
        while mine is not None and mine is not inner and _is_arrow(code, mine):
            mine = code.around(mine.start)
        if used and mine is inner:
            yield Found(
                "client-method-without-this",
                "undefined: in an arrow function, this is what it is outside",
                code.spot(used.start()),
                RANK,
                TRIED,
                "event.currentTarget, or function () {…} in place of the arrow",
                "An arrow function has no this of its own, whoever calls it.",
            )
            return


def _is_arrow(code: Code, function: Func) -> bool:
    rest = code.bare[function.start : function.body[0]]
    return rest.rstrip(" {\n").endswith("=>")


def _has_this(code: Code, inner: Func) -> bool:
    """Whether a function around an arrow may be called for an object."""
    outer = code.around(inner.start)
    while outer is not None:
        before = code.bare[max(0, outer.start - 80) : outer.start]
        is_free = _is_plain(code, outer) and (
            _READY.search(before) or _is_only_called(code, outer)
        )
        if not is_free and not _is_arrow(code, outer):
            return True
        outer = code.around(outer.start)
    return False


def _is_only_called(code: Code, function: Func) -> bool:
    """Whether a function is called by its bare name alone, for no object."""
    name = re.escape(function.name or " ")
    said = len(re.findall(rf"(?<![\w$]){name}(?![\w$])", code.bare))
    calls = (
        rf"(?<![\w$.])(?<!new )(?:function )?{name}\s*\(|\bforEach\s*\(\s*{name}\s*\)"
    )
    return 1 < said == len(re.findall(calls, code.bare))


def _of_a_function(code: Code) -> Iterator[Found]:
    """A plain function in a method, which asks ``this`` for what its object has."""
    for inner in code.functions:
        if not _is_plain(code, inner) or not _is_handed(code, inner):
            continue
        outer = code.around(inner.start)
        if outer is None or re.match(r"\s*\.\s*bind\b", code.bare[inner.body[1] + 1 :]):
            continue
        for match in _USED.finditer(code.bare, *inner.body):
            name = match[1]
            mine = code.around(match.start())
            while mine is not None and mine is not inner and not _is_plain(code, mine):
                mine = code.around(mine.start)
            rest = code.bare[: inner.start] + code.bare[inner.body[1] :]
            known = re.search(rf"(?<![\w$.])this\s*\.\s*{re.escape(name)}\b", rest)
            if mine is inner and known and name not in _OF_SOCKETS:
                yield Found(
                    "client-method-without-this",
                    f"this.{name} is undefined: this is what calls the function",
                    code.spot(match.start()),
                    RANK,
                    TRIED,
                    "an arrow function, which keeps the this around it",
                )
                return


def _is_plain(code: Code, function: Func) -> bool:
    """Whether a function has a ``this`` of its own: no arrow."""
    return bool(re.compile(r"(?:async\s+)?function\b").match(code.bare, function.start))


def _is_handed(code: Code, function: Func) -> bool:
    """Whether a socket or a timer calls it."""
    before = code.bare[max(0, function.start - 80) : function.start]
    sockets = "|".join(map(re.escape, code.sockets)) or r"(?!)"
    on = rf"(?<![\w$.])(?:{sockets})\s*\.\s*(?:on(?:open|message|close|error)\s*=\s*|"
    heard = on + r"addEventListener\s*\([^()]*,\s*)$"
    return bool(re.search(heard, before) or _LATER.search(before))

"""What nobody runs: a function that opens the socket, a method that is only named."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK, listened
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

SLUG = "client-function-not-called"
# What a framework calls by itself, or a page by an attribute of its own.
_BY_OTHERS = {
    *("constructor", "init", "setup", "mounted", "created", "connect", "data"),
    *("connectedCallback", "componentDidMount", "ngOnInit", "ready", "main"),
}
_TAG = re.compile(r"<(?!script\b)[a-z][^<>]*>", re.I)
_CHAIN = re.compile(r"[A-Za-z_$][\w$.]*\.([A-Za-z_$][\w$]*)")
_ALONE = re.compile(r"([A-Za-z_$][\w$]*(?:\s*\.\s*[A-Za-z_$][\w$]*)+)\s*(?=;)")
# Methods of the browser's own that do something, and are no property besides.
_DOES = {
    *("preventDefault", "stopPropagation", "stopImmediatePropagation", "reload"),
    *("focus", "click", "remove", "submit", "requestSubmit", "reset"),
}


def rules(every: list[Code]) -> Iterator[Found]:
    for code in every:
        if not code.script.is_built:
            yield from _opens_for_nobody(code, every)
            yield from _given(code)
            yield from _alone(code, every)
            yield from _not_called_there(code)


def _opens_for_nobody(code: Code, every: list[Code]) -> Iterator[Found]:
    """``function connect() { … new WebSocket(…) }``, and no ``connect()``."""
    for made in re.finditer(r"\bnew\s+WebSocket\s*\(", code.bare):
        function = code.around(made.start())
        kind = code.owner(function) if function is not None else ""
        if function is None or not re.match("[a-z_$]", function.name):
            continue  # a component is drawn by its framework
        if kind and function.name in _BY_OTHERS:
            continue
        if kind and re.search(rf"\bclass\s+{re.escape(kind)}\s+extends\b", code.bare):
            continue
        if not _is_told(code, function, every):
            yield _nobody_calls(code, function, SLUG, "no socket is opened")
            return
        told = [kind for one in code.sockets for kind, _ in listened(code, one)]
        for again in code.functions if "close" not in told else ():
            text = code.plain(again.body)
            later = re.search(rf"\bsetTimeout\b[^;]*\b{function.name}\b", text)
            is_own = again.name and code.owner(again) == kind and again is not function
            if later and is_own and not _is_told(code, again, every):
                got = "the socket is never opened again"
                yield _nobody_calls(code, again, "client-no-reconnect", got)
                return


def _nobody_calls(code: Code, function: Func, slug: str, got: str) -> Found:
    return Found(
        slug,
        f"{got}: nobody calls {function.name}",
        code.spot(function.start),
        RANK,
        TRIED,
        f"{function.name}()",
    )


def _is_told(code: Code, function: Func, every: list[Code]) -> bool:
    """Whether anybody but the function itself, and its name, says what it is called."""
    begin, end = function.start, function.body[1]
    before = code.bare[:begin].rstrip()
    declared = re.search(r"\b(?:const|let|var)\s+([\w$]+)\s*=$", before)
    if declared:
        begin = declared.start(1)
        if re.search(r"\bexport\s*$", before[: declared.start()]):
            return True
    elif re.match(r"(?:async\s+)?function\b\s*\*?\s*[\w$]", code.bare[begin:]):
        if re.search(r"[=(,:?&|!]$|\b(?:default|return|export)$", before):
            return True
    elif not code.owner(function) or code.bare[begin - 1 : begin] == "#":
        return True  # a property of an object: who knows who asks for it
    word = re.compile(rf"(?<![\w$]){re.escape(function.name)}(?![\w$])")
    return any(
        one is not code or not begin <= match.start() < end
        for one in every
        for match in word.finditer(_said(one))
    )


def _said(code: Code) -> str:
    """What a script says, and what stands in the tags of a page."""
    text, said = code.script.text, code.spoken
    for tag in () if code.script.is_static else _TAG.finditer(text):
        said = said[: tag.start()] + tag[0] + said[tag.end() :]
    return said


def _given(code: Code) -> Iterator[Found]:
    """``onEnd: () => location.reload``: whoever calls it gets a method, not called."""
    for one in code.functions:
        named = None if one.is_block else _CHAIN.fullmatch(code.plain(one.body))
        if named and named[1] in _DOES and not one.given:
            yield Found(
                SLUG,
                f"nothing: {named[1]} is named, and nobody calls it",
                code.spot(one.body[0]),
                RANK,
                TRIED,
                f"{named[0]}()",
            )
            return


def _alone(code: Code, every: list[Code]) -> Iterator[Found]:
    """``event.preventDefault;``, and ``live.open;``: a statement that does nothing."""
    for match in _ALONE.finditer(code.bare):
        before = code.bare[: match.start()].rstrip(" \t")
        if before and before[-1] not in ";{}\n":
            continue
        if before.rstrip()[-1:] not in ("", ";", "{", "}", ")"):
            continue  # the end of an expression that began above
        name = re.split(r"\s*\.\s*", match[1])[-1]
        known = [
            one
            for other in every
            for one in other.functions
            if one.name == name and other.owner(one)
        ]
        if known or name in _DOES:
            yield Found(
                SLUG,
                f"nothing: {name} is named, and nobody calls it",
                code.spot(match.start()),
                RANK,
                TRIED,
                f"{match[1]}()",
            )
            return


_WRAPPED = re.compile(
    r"(?:^|(?<=[;{}\n]))\s*\((?=\s*(?:async\s*)?(?:function\b|\(\s*\)\s*=>))"
)


def _not_called_there(code: Code) -> Iterator[Found]:
    """``(() => { … });``, which was to run where it stands."""
    for match in _WRAPPED.finditer(code.bare):
        bracket = match.end() - 1
        end = code.pairs.get(bracket)
        before = code.bare[:bracket].rstrip()
        if end is None or code.around(bracket) or before[-1:] not in ("", ";", "}"):
            continue
        inner = code.bare[bracket + 1 : end].rstrip()
        whole = code.at(bracket + 1)
        if whole is None or not inner.endswith("}"):
            continue
        if re.compile(r"\s*(?:;|$)").match(code.bare, end + 1):
            yield Found(
                SLUG,
                "nothing: the function is written out, and nobody calls it",
                code.spot(end),
                RANK,
                TRIED,
                "})();",
            )
            return

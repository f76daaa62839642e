"""What a script names and does not call, and what it asks a socket in vain."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK, aliases, functions
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

# Who drops what a function gives back.
_LATER = re.compile(
    r"(?<![\w$.])(?:window\.|self\.)?set(?:Timeout|Interval)\s*\(\s*|"
    r"\baddEventListener\s*\(\s*[\"'][^\"'\n]*[\"']\s*,\s*|\.\s*on[a-z]+\s*=(?!=)\s*"
)
_NAMED = re.compile(r"(?:(this)\s*\.\s*)?([A-Za-z_$][\w$]*)")
_ALONE = re.compile(r"(?<=[;{}\n)])\s*(?:(this)\s*\.\s*)?([A-Za-z_$][\w$]*)\s*;")
_WORDS = {"return", "break", "continue", "debugger", "else", "do"}


def named_only(code: Code, every: list[Code]) -> Iterator[Found]:
    """``setTimeout(() => this.open, 250)``, and ``connect;`` alone: nothing runs."""
    for match in _LATER.finditer(code.bare):
        function = code.at(match.end())
        if function is None or function.is_block:
            continue
        begin, end = function.body
        body = _NAMED.fullmatch(code.plain((begin, end)))
        if body and _is_function(code, body, every, function.given):
            yield _found(code, begin, body[2])
    for match in _ALONE.finditer(code.bare):
        around = code.around(match.start(2))
        if code.bare[: match.start(1 if match[1] else 2)].rstrip()[-1:] not in ";{})":
            continue  # the end of an expression that began above
        if around is None or not around.is_block or match[2] in _WORDS:
            continue
        if _is_function(code, match, every, around.given):
            yield _found(code, match.start(2), match[2])


def _is_function(
    code: Code, named: re.Match[str], every: list[Code], given: tuple[str, ...]
) -> bool:
    """Whether a name is certainly that of a function of the project's scripts."""
    name = named[2]
    if any(re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", one) for one in given):
        return False
    known = list(functions(name, every))
    owned = [bool(one.owner(function)) for one, function in known]
    return bool(known) and all(own is bool(named[1]) for own in owned)


def _found(code: Code, index: int, name: str) -> Found:
    return Found(
        "client-function-not-called",
        f"nothing: {name} is named, and nobody calls it",
        code.spot(index),
        RANK,
        TRIED,
        f"{name}()",
    )


def state_as_text(code: Code, name: str) -> Iterator[Found]:
    """``socket.readyState === 'OPEN'``: it is a number, so it never is."""
    for known in aliases(code.bare, name):
        state = rf"(?<![\w$.]){re.escape(known)}\s*\??\.\s*readyState"
        tests = rf"{state}\s*[=!]==?\s*(?=['\"`])|['\"`]\s*[=!]==?\s*(?={state})|"
        tests += rf"\bswitch\s*\(\s*{state}\s*\)\s*\{{\s*case\s*(?=['\"`])"
        for match in re.finditer(tests, code.bare):
            yield Found(
                "client-state-compared-with-text",
                f"never true: {known}.readyState is a number from 0 to 3",
                code.spot(match.start()),
                RANK,
                TRIED,
                f"{known}.readyState === WebSocket.OPEN",
            )
            return


_APART = re.compile(
    r"\b(?:const|let|var)\s*(?:\{([^{}]*)\}\s*=\s*this\s*(?=[;\n])|"
    r"([\w$]+)\s*=\s*this\s*\.\s*([\w$]+)\s*(?=[;\n]))"
)


def taken_apart(code: Code) -> Iterator[Found]:
    """``const { open } = this; setTimeout(open, 250)``: who is its object then?"""
    for match in _APART.finditer(code.bare):
        around = code.around(match.start())
        names = {match[2]: match[3]} if match[2] else {}
        for part in (match[1] or "").split(","):
            key, _, alias = part.partition(":")
            names[alias.strip() or key.strip()] = key.strip()
        for name, method in names.items() if around else ():
            own = [f for f in code.functions if f.name == method and code.owner(f)]
            needs = [f for f in own if re.search(r"\bthis\b", code.plain(f.body))]
            used = re.compile(rf"(?<![\w$.]){re.escape(name)}(?![\w$]|\s*[:.])")
            found = used.search(code.bare, match.end(), around.body[1] if around else 0)
            if name and own and len(needs) == len(own) and found:
                yield Found(
                    "client-method-without-this",
                    f"in {method}, this is not the object that has {method}",
                    code.spot(found.start()),
                    RANK,
                    TRIED,
                    f"this.{method}",
                )
                return


_BASE = re.compile(
    r"\bnew\s+URL\s*\([^()]*,\s*(?:(?:window|document|self)\s*\.\s*)?location\s*\.\s*"
    r"(host|hostname|pathname)\s*\)"
)


def no_base(code: Code) -> Iterator[Found]:
    """``new URL(path, location.host)``: a base is a whole URL, with its scheme."""
    for match in _BASE.finditer(code.bare):
        yield Found(
            "client-url-without-scheme",
            "Failed to construct 'URL': Invalid base URL",
            code.spot(match.start()),
            RANK,
            TRIED,
            "document.baseURI, or location.href",
        )

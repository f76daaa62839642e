"""What comes later: a promise that is taken for its result, or that nobody returns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

TAKEN = "client-value-taken-for-another"
_KEPT = re.compile(
    r"(?:\b(?:const|let|var)\s+)?(?<![\w$.])([A-Za-z_$][\w$]*)\s*=(?![=>])\s*"
    r"(?:(?:window\.)?(?P<fetch>fetch)\s*\(|(?P<of>[A-Za-z_$][\w$]*)\s*\.\s*"
    r"(?:json|text|blob|formData|arrayBuffer)\s*\(\s*\))"
)
_PROMISE = {"then", "catch", "finally", "constructor"}
_BODY = r"\s*\.\s*(?:json|text|blob|formData|arrayBuffer)"
_MORE = re.compile(r"\s*\.\s*(?:then|catch|finally)\s*\(")  # a promise again
_THEN = re.compile(r"\.\s*then\s*\(\s*")


def rules(every: list[Code]) -> Iterator[Found]:
    for code in every:
        if "fetch" in code.bare:
            yield from _not_awaited(code)
            yield from _dropped(code)
            yield from _for_nobody(code)
        if not code.script.is_built:
            yield from _gives_nothing(code)


def _not_awaited(code: Code) -> Iterator[Found]:
    """``const answer = fetch("/"); answer.json()``: it is not there yet."""
    for match in _KEPT.finditer(code.bare):
        name, around = match[1], code.around(match.start())
        end = match.end()
        if match["fetch"]:
            end = code.pairs.get(match.end() - 1, match.end()) + 1
            while more := _MORE.match(code.bare, end):
                end = code.pairs.get(more.end() - 1, more.end()) + 1
        elif not _is_response(code, match["of"], match.start()):
            continue
        if re.compile(r"\s*\.").match(code.bare, end):
            continue
        begin, last = around.body if around else (0, len(code.bare))
        word = rf"(?<![\w$.]){re.escape(name)}"
        sets = len(re.findall(rf"{word}\s*=(?![=>])", code.bare[begin:last]))
        waits = rf"\bawait\s+{re.escape(name)}(?![\w$]|\s*\.)|[\[(,]\s*{word}\s*[\]),]"
        if sets > 1 or re.search(waits, code.bare[begin:last]):
            continue
        read = re.compile(rf"{word}\s*\??\.\s*([A-Za-z_$][\w$]*)").search(
            code.bare, end, last
        )
        if read and read[1] not in _PROMISE:
            yield Found(
                TAKEN,
                f"undefined: {name} is a promise, and has no {read[1]} yet",
                code.spot(match.start(1)),
                RANK,
                TRIED,
                "await before it, in an async function",
                "What is not awaited is a promise of the answer, and no answer.",
            )
            return


def _is_response(code: Code, name: str, index: int) -> bool:
    """Whether a name certainly stands for what ``fetch`` gave."""
    around = code.around(index)
    begin = around.body[0] if around else 0
    made = (
        rf"(?<![\w$.]){re.escape(name)}\s*=\s*(?:await\s+)?(?:window\.)?([\w$]+)\s*\("
    )
    by = [one[1] for one in re.finditer(made, code.bare[begin:index])]
    gives = r"(?:return\s+)?(?:window\.)?fetch\s*\("
    own = [code.plain(f.body) for f in code.functions if by and f.name == by[-1]]
    return by[-1:] == ["fetch"] or any(re.match(gives, text) for text in own)


def _dropped(code: Code) -> Iterator[Found]:
    """``.then((r) => { r.json(); }).then((data) => …)``, and ``r.json`` alone."""
    for match in _THEN.finditer(code.bare):
        one = code.at(match.end())
        if one is None or len(one.given) != 1 or not one.given[0]:
            continue
        word = rf"(?<![\w$.]){re.escape(one.given[0])}{_BODY}"
        text = code.plain(one.body)
        end = one.body[1] + 1 if one.is_block else one.body[1]
        more = re.compile(r"\s*\)\s*\.\s*then\s*\(\s*").match(code.bare, end)
        heard = code.at(more.end()) if more else None
        if heard is None or not heard.given:
            continue
        if one.is_block:
            lost = re.fullmatch(rf"{word}\s*\(\s*\)\s*;?", text)
            got, expected = "undefined: the function returns nothing", "return"
        else:
            lost = re.fullmatch(word, text)
            got, expected = "undefined: a method is named, and not called", "json()"
        if lost:
            yield Found(
                "client-function-not-called" if not one.is_block else TAKEN,
                got,
                code.spot(one.body[0] + 1),
                RANK,
                TRIED,
                expected,
                ""
                if not one.is_block
                else "Braces need a return; without them "
                "an arrow function gives what stands behind the arrow.",
            )
            return


_ALONE = re.compile(r"(?<=[;{}\n])\s*([A-Za-z_$][\w$]*)\s*\.\s*json\s*\(\s*\)\s*;")


def _for_nobody(code: Code) -> Iterator[Found]:
    """``response.json();`` as the last line of a function that lacks a return."""
    for match in _ALONE.finditer(code.bare):
        around = code.around(match.start(1))
        before = code.bare[: match.start(1)].rstrip()
        if around is None or not around.name or before[-1:] not in ";{}":
            continue
        rest = code.bare[match.end() : around.body[1]].strip()
        if not rest and _is_response(code, match[1], match.start(1)):
            yield Found(
                TAKEN,
                f"undefined: {around.name} returns nothing",
                code.spot(match.start(1)),
                RANK,
                TRIED,
                f"return {match[1]}.json()",
                "A function with braces gives what it returns, and nothing else.",
            )
            return


_HELPER = re.compile(
    r"^(?:document\s*\.\s*(?:getElementById|querySelector|querySelectorAll)|"
    r"JSON\s*\.\s*(?:parse|stringify)|new\s+WebSocket)\s*\(.*\)\s*;?$",
    re.S,
)


def _gives_nothing(code: Code) -> Iterator[Found]:
    """``const byId = (id) => { document.getElementById(id); };``: no return."""
    for one in code.functions:
        if not one.is_block or not one.name or code.owner(one):
            continue
        text = code.plain(one.body)
        if not _HELPER.match(text) or text.rstrip(";").count(";"):
            continue
        name = re.escape(one.name)
        used = rf"(?<![\w$.]){name}\s*\([^()]*\)\s*\.\s*\w|=\s*{name}\s*\("
        for match in re.finditer(used, code.bare):
            if not one.start <= match.start() < one.body[1]:
                yield Found(
                    TAKEN,
                    f"undefined: {one.name} returns nothing",
                    code.spot(one.start),
                    RANK,
                    TRIED,
                    "return before what it gives",
                    "A function with braces gives what it returns, and nothing else.",
                )
                return

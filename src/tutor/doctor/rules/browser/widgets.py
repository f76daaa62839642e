"""What a page shows or takes in a way that its element does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

RANK = 70
_TAG = re.compile(r"<([a-z][\w-]*)\b((?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)>", re.I)
_ID = re.compile(r"(?<![\w-])id\s*=\s*[\"']?([\w-]+)")
_FIELDS = {"input", "textarea", "select", "option", "output", "button", "progress"}
_PLAIN = {
    *("div", "p", "span", "ul", "ol", "pre", "h1", "h2", "h3", "section", "b"),
    *("strong", "em", "td", "tr", "table", "tbody", "main", "article", "aside"),
}
_FILTERED = re.compile(r"\|\s*json_script\s*:\s*[\"']([\w-]+)")
_LOOKED = r"(?:document\s*\.\s*)?[A-Za-z_$][\w$]*\s*\(\s*(['\"`])#?{0}\1\s*\)"
_KEY = re.compile(
    r"(?<![\w$])[A-Za-z_$][\w$]*\s*\.\s*(?:(?P<key>key)\s*[!=]==?\s*(?P<number>\d{1,3})\b|"
    r"(?P<old>keyCode|which|charCode)\s*[!=]==?\s*(?P<quote>['\"])(?P<word>[A-Za-z]+)(?P=quote))|"
    r"(?<![\w$.])(?:e|ev|evt|event)\s*\.\s*(?:key|code)\s*(?:[!=]==?|\)\s*\{\s*case)\s*"
    r"(?P<sign>['\"])(?P<name>[A-Za-z]+)(?P=sign)"
)
_KEYS = {
    *("Enter", "Escape", "Tab", "Backspace", "Delete", "Shift", "Control", "Home"),
    *("End", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown"),
}
_LIKE = {**{one.lower(): one for one in _KEYS}, "return": "Enter"}


def rules(every: list[Code]) -> Iterator[Found]:
    kinds: dict[str, set[str]] = {}
    for page in every:
        for tag in _TAG.finditer(page.script.text):
            named = _ID.search(tag[2])
            if named:
                kinds.setdefault(named[1], set()).add(tag[1].lower())
        for name in _FILTERED.findall(page.script.text):
            kinds.setdefault(name, set()).add("script")
    for code in every:
        if not code.script.is_built:
            yield from _value_of_a_text(code, kinds)
            yield from _emptied_first(code)
            yield from _keys(code)


def _value_of_a_text(code: Code, kinds: dict[str, set[str]]) -> Iterator[Found]:
    """``log.value += text``, where ``log`` is a ``<div>`` by now."""
    for name, tags in kinds.items():
        wrong = "value" if tags <= _PLAIN else ""
        if tags <= {"input", "textarea", "select"}:
            wrong = "textContent|innerText|innerHTML"
            if "textarea" in tags or "select" in tags:
                continue
        if not wrong:
            continue
        looked = _LOOKED.replace("{0}", re.escape(name))
        words = [looked]
        made = re.search(
            rf"(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*{looked}\s*[;,\n]".replace(
                r"\1", r"\2"
            ),
            code.spoken,
        )
        binds = rf"\b(?:const|let|var)\s+{re.escape(made[1])}\b" if made else ""
        if made and len(re.findall(binds, code.bare)) == 1:
            words.append(rf"(?<![\w$.]){re.escape(made[1])}(?![\w$])")
        for word in words:
            # Where a field has no text in it, there is none to be read, either.
            signs = r"\b" if "|" in wrong else r"\s*(?:\+?=(?!=))"
            sets = re.search(rf"{word}\s*\.\s*({wrong}){signs}", code.spoken)
            if sets and code.bare[sets.end() - 1].strip():
                part = sets[sets.lastindex or 0]
                kind = sorted(tags)[0]
                yield Found(
                    "client-value-taken-for-another",
                    f"nothing is seen: a <{kind}> shows no {part}",
                    code.spot(sets.start()),
                    RANK,
                    TRIED,
                    "its textContent" if part == "value" else "its value",
                    "What a field shows is its value, all else its text.",
                )
                return


def _emptied_first(code: Code) -> Iterator[Found]:
    """``field.value = ''`` and, right behind it, ``send(field.value)``."""
    empties = re.compile(r"([A-Za-z_$][\w$.]*)\s*\.\s*value\s*=\s*(?=['\"`]{2}\s*;)")
    for match in empties.finditer(code.spoken):
        if code.bare[match.start()] == " ":
            continue
        around = code.around(match.start())
        if around is None:
            continue
        begin, end = around.body
        field = rf"(?<![\w$.]){re.escape(match[1])}\s*\.\s*value(?!\s*=[^=])"
        # In the same block only, with nothing that waits in between.
        rest = re.compile(r"[^{}]*").match(code.bare, match.end(), end)
        inside = rest[0] if rest else ""
        brace = re.compile(r"\bsend\s*\(").search(code.bare, match.end(), end)
        if brace is None or (brace.start() - match.end()) > len(inside):
            continue
        close = code.pairs.get(brace.end() - 1, end)
        read = re.compile(field).search(code.bare, brace.end(), close)
        before = re.compile(field).search(code.bare, begin, match.start())
        if read and not (
            before and re.search(r"\bsend\s*\(", code.bare[begin : match.start()])
        ):
            yield Found(
                "client-field-read-too-early",
                "'' is sent: the field is emptied before it is read",
                code.spot(match.start()),
                RANK,
                TRIED,
                "the field is emptied behind the call of send()",
                "The lines of a function run from above to below.",
            )
            return


def _keys(code: Code) -> Iterator[Found]:
    """``event.key === 13``, and ``event.keyCode === "Enter"``: never."""
    if code.spoken.strip():
        yield from keys_of(code, code.spoken, 0)


def keys_of(code: Code, text: str, index: int) -> Iterator[Found]:
    """The same in a piece of a script that begins at a place."""
    for match in _KEY.finditer(text):
        if index == 0 and not code.bare[match.start()].strip():
            continue
        told = match["name"] or ""
        if told:
            right = _LIKE.get(told.lower(), told)
            if right != told and "'storage'" not in text:
                yield Found(
                    "client-name-in-other-letters",
                    f"never true: no key is called {told!r}",
                    code.spot(index + match.start()),
                    RANK,
                    TRIED,
                    f"{right!r}",
                )
                return
            continue
        name = match["key"] or match["old"]
        what = match["number"] or repr(match["word"])
        kind = "a text" if match["key"] else "a number"
        yield Found(
            "client-value-taken-for-another",
            f"never true: {name} is {kind}, not {what}",
            code.spot(index + match.start()),
            RANK,
            TRIED,
            "event.key === 'Enter'",
            "key is the name of a key, keyCode its number.",
        )
        return

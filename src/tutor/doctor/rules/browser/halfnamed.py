"""Names of which a script knows one half only: callbacks, and what an object keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

_KEY = re.compile(r"\s*(?:async\s+)?['\"]?([\w$]+)['\"]?\s*(?:[:(]|$)")
_OPEN = re.compile(r"\.\.\.|=")  # it takes the rest, or has a default


def callbacks(code: Code, every: list[Code]) -> Iterator[Found]:
    """``new Live(path, {onNumber() {…}})``, where the class asks for ``onMessage``."""
    for maker in code.functions:
        kind = code.owner(maker) if maker.name == "constructor" else ""
        for place, text in enumerate(maker.given if kind else ()):
            if not text.startswith("{") or _OPEN.search(text):
                continue
            wanted = {part.partition(":")[0].strip() for part in text[1:-1].split(",")}
            for other in every:
                for match in re.finditer(
                    rf"\bnew\s+{re.escape(kind)}\s*\(", other.bare
                ):
                    spans = other.arguments(match.end() - 1)
                    given = _keys(other, spans[place]) if len(spans) > place else None
                    lacks = sorted(wanted - given) if given else []
                    called = [k for k in lacks if f"this.{k}(" in code.bare]
                    if given and called and given - wanted:
                        odd = sorted(given - wanted)[0]
                        yield Found(
                            "client-callback-misnamed",
                            f"this.{called[0]} is not a function: it is given {odd}",
                            other.spot(spans[place][0] + 1),
                            RANK,
                            TRIED,
                            called[0],
                        )
                        return


def _keys(code: Code, span: tuple[int, int]) -> set[str] | None:
    """The keys of an object that is written out; None where that is not certain."""
    begin, end = span
    brace = begin + len(code.bare[begin:end]) - len(code.bare[begin:end].lstrip())
    if code.bare[brace : brace + 1] != "{":
        return None
    found: set[str] = set()
    for part in code.arguments(brace):
        match = _KEY.match(code.script.text[slice(*part)])
        if match is None and code.text(part):
            return None
        found |= {match[1]} if match else set()
    return found


def never_kept(code: Code) -> Iterator[Found]:
    """``const socket = new WebSocket(…)``, and ``this.socket.onopen = …`` below it."""
    for _, (begin, end) in code.classes:
        text = code.bare[begin:end]
        if re.match(r"class\s+[\w$]+\s+extends\b", text) or "assign(this" in text:
            continue
        for match in re.finditer(r"(?<![\w$.])this\.([\w$]+)\.[\w$]", text):
            name = re.escape(match[1])
            set_here = rf"this\.{name}\s*(?:\?\?|\|\|)?=(?!=)|[{{,]\s*this\.{name}\b"
            declared = rf"(?<![\w$.]){name}\s*(?:=(?!=)|\(|;)"
            outside = rf"(?<!this)\.{name}\s*=(?!=)"
            made = rf"\b(?:const|let|var)\s+{name}\s*=\s*new\s"
            plain = re.sub(rf"\b(?:const|let|var)\s+{name}\s*=", "", text)
            if (
                re.search(made, text)
                and not re.search(set_here, text)
                and not re.search(declared, plain)
                and not re.search(outside, code.bare)
            ):
                yield Found(
                    "client-property-never-set",
                    f"Cannot read properties of undefined: this.{match[1]}",
                    code.spot(begin + match.start()),
                    RANK,
                    TRIED,
                    f"this.{match[1]} = new …",
                )
                return

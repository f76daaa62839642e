"""What ``json_script`` has put into a page, taken as it stands there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import contexts
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.consumers.written import REST, written
from tutor.doctor.rules.found import Found
from tutor.doctor.source import calls

RANK = 66
_PUT = re.compile(r"\{\{-?\s*([\w.]+)\s*\|\s*json_script\s*:\s*[\"']([\w-]+)[\"']")
_NUMBER = re.compile(r"(?:^|[._])(?:id|pk|count|number|port|limit|size|total|max|min)$")


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    yield from _in_a_script(every)
    yield from _unparsed(every)
    yield from _twice(seen, every)
    yield from _keys(seen, every)


_TAG = re.compile(
    r"<script\b(?![^>]*\btype\s*=\s*[\"']?(?!module|text/javascript))[^>]*>"
    r"(.*?)</script\s*>",
    re.S | re.I,
)


def _in_a_script(every: list[Code]) -> Iterator[Found]:
    """``<script>const a = {{ a|json_script:"a" }};</script>``: it makes a tag."""
    for page in every:
        for tag in () if page.script.is_static else _TAG.finditer(page.script.text):
            put = re.compile(r"\{\{[^{}]*\|\s*json_script\b").search(tag[1])
            if put:
                yield Found(
                    "client-script-not-readable",
                    "SyntaxError: Unexpected token '<'",
                    page.spot(tag.start(1) + put.start()),
                    RANK,
                    TRIED,
                    "the filter outside of <script>, and JSON.parse() of its element",
                    "json_script writes a whole element, and no value of JavaScript.",
                )
                return
            token = re.compile(
                r"(?P<text>\"\{%\s*csrf_token\s*%\}\")|X-?CSRF-?Token['\"]\s*[:,]\s*['\"`]"
                r"\{%\s*csrf_token\b",
                re.I,
            ).search(tag[1])
            if token:
                yield Found(
                    "client-script-not-readable"
                    if token["text"]
                    else "client-form-without-csrf-token",
                    "SyntaxError: the tag's quotes end the text"
                    if token["text"]
                    else "Forbidden (CSRF token from the 'X-Csrftoken' header …)",
                    page.spot(tag.start(1) + token.start()),
                    RANK,
                    TRIED,
                    "{{ csrf_token }}, the token alone",
                    "{% csrf_token %} writes a whole <input>, for forms.",
                )
                return


_AGAIN = re.compile(r"JSON\s*\.\s*parse\s*\(\s*JSON\s*\.\s*parse\b")


def _twice(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    """``json.dumps(facts)`` in the view, and ``json_script`` in the page."""
    if any(_AGAIN.search(one.bare) for one in every):
        return
    for page in every:
        for match in () if page.script.is_static else _PUT.finditer(page.script.text):
            for function, node in contexts.given(seen, page.script.file, match[1]):
                if (
                    isinstance(node, ast.Call)
                    and calls.name_of(node, function) == "json.dumps"
                ):
                    yield Found(
                        "client-json-encoded-twice",
                        f"JSON.parse() of {match[2]} gives a text, and no object",
                        (function.module.file, node.lineno),
                        RANK,
                        TRIED,
                        "the value itself in the view: json_script makes JSON of it",
                    )
                    return


def _keys(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    """``settings.wsPath``, where the view gives a ``wsUrl``."""
    for page in every:
        for match in () if page.script.is_static else _PUT.finditer(page.script.text):
            told = _written(seen, page, match[1])
            for code in every if told else ():
                made = re.search(
                    r"(?:\b(?:const|let|var)\s+)([\w$]+)\s*=\s*JSON\s*\.\s*parse\s*\(\s*"
                    rf"[\w$.]*\(\s*[\"'`]#?{re.escape(match[2])}[\"'`]\s*\)\s*\.\s*\w+\s*\)",
                    code.spoken,
                )
                read = rf"(?<![\w$.]){re.escape(made[1])}\s*\.\s*" if made else r"(?!)"
                for one in re.finditer(rf"{read}([A-Za-z_$][\w$]*)", code.bare):
                    asks = re.compile(r"\s*(?:\?|\|\||&&|=[^=]|\()").match(
                        code.bare, one.end()
                    )
                    if one[1] not in (told or ()) and not asks:
                        yield Found(
                            "client-reads-another-key",
                            f"undefined: {match[2]} has no {one[1]!r}",
                            code.spot(one.start()),
                            RANK,
                            TRIED,
                            f"one of {', '.join(sorted(told or ()))}",
                            "The view and the script use the same names.",
                        )
                        return


def _written(seen: Evidence, page: Code, name: str) -> set[str] | None:
    """The keys of what a view gives under a name, where it is written out."""
    found: set[str] = set()
    given = [*contexts.given(seen, page.script.file, name)] if "." not in name else []
    for function, node in given:
        keys = written(node, function)
        if keys is None or REST in keys or not isinstance(node, ast.Dict | ast.Name):
            return None
        found |= {*keys}
    return found or None


def _unparsed(every: list[Code]) -> Iterator[Found]:
    """``const room = document.getElementById("room").textContent``: it has quotes."""
    put = {
        match[2]: match[1]
        for page in every
        if not page.script.is_static
        for match in _PUT.finditer(page.script.text)
    }
    for code in every:
        for name, value in put.items():
            if _NUMBER.search(value) or _NUMBER.search(name.replace("-", "_")):
                continue  # of a number, the text is the same
            asked = (
                r"(?:\b(?:const|let|var)\s+([\w$]+)\s*=\s*)?(?:document\s*\.\s*)?[\w$]+"
                + (
                    rf"\s*\(\s*([\"'`])#?{re.escape(name)}\2\s*\)\s*\.\s*"
                    r"(?:textContent|innerText|innerHTML)(?:\s*\.\s*trim\s*\(\s*\))?"
                )
            )
            for match in re.finditer(asked, code.spoken):
                before = code.bare[: match.start()].rstrip()
                if not match[1] and not before.endswith("{"):
                    continue
                word = (
                    rf"\b(?:parse|Number|parse\w+)\s*\(\s*{re.escape(match[1] or '')}\b"
                )
                if match[1] and re.search(word, code.bare):
                    continue
                yield Found(
                    "client-value-taken-for-another",
                    f'the text of {name} with its quotes: "…"',
                    code.spot(match.start()),
                    RANK,
                    TRIED,
                    "JSON.parse() around it",
                    "json_script writes JSON, and a text has quotes there.",
                )
                return

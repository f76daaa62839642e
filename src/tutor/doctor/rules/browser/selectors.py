"""Selectors that fit nothing in any page, and elements taken for what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

SLUG = "client-element-not-there"
_FOREIGN = re.compile(r"<script\b[^>]*\bsrc\s*=\s*[\"']?(?:https?:)?//", re.I)
_DOCUMENT = r"(?<![\w$])(?:document|[A-Za-z_$][\w$]*)\s*\.\s*"
_QUERIED = re.compile(
    rf"{_DOCUMENT}(?P<how>querySelector(?:All)?)\s*\(\s*(['\"`])(?P<css>[.#]?[\w-]+|"
    r"(?:\w+)?\[[\w-]+=(?:\"[\w-]+\"|'[\w-]+'|[\w-]+)\])\2\s*\)"
)
_LISTED = re.compile(
    rf"{_DOCUMENT}(?P<how>querySelectorAll|getElementsByClassName|getElementsByTagName|"
    r"getElementsByName)\s*\(\s*(['\"`])[^'\"`\n]*\2\s*\)"
)
# What one element has, and no list of elements.
_OF_ONE = re.compile(
    r"\s*\.\s*(addEventListener|textContent|innerHTML|innerText|value|classList|style|"
    r"dataset|append|appendChild|setAttribute|focus|disabled|checked|"
    r"on(?:click|submit|input|change|keyup|keydown))(?![\w$])"
)
_TAKEN = re.compile(
    r"(?<![\w$.])(?P<by>JSON\s*\.\s*parse|parseInt|parseFloat|Number)\s*\(\s*"
    r"(?:(?P<element>document\s*\.\s*(?:getElementById|querySelector)\s*\(\s*)|"
    r"(?P<name>[A-Za-z_$][\w$]*)\s*[,)])"
)
_ELEMENTS = {
    *("a", "article", "aside", "audio", "body", "button", "canvas", "code", "dialog"),
    *("div", "dl", "em", "fieldset", "figure", "footer", "form", "h1", "h2", "h3"),
    *("h4", "h5", "h6", "head", "header", "html", "i", "iframe", "img", "input", "b"),
    *("label", "legend", "li", "link", "main", "meta", "meter", "nav", "ol", "option"),
    *("output", "p", "pre", "progress", "script", "section", "select", "small", "span"),
    *("strong", "summary", "details", "svg", "table", "tbody", "td", "template", "dt"),
    *("textarea", "tfoot", "th", "thead", "time", "title", "tr", "ul", "video", "dd"),
    *("polyline", "path", "circle", "rect", "line", "g", "text", "mark", "caption"),
    *("style", "slot", "address", "datalist", "object", "picture", "source", "base"),
}


def rules(every: list[Code]) -> Iterator[Found]:
    whole = "\n".join(one.script.text for one in every)
    for code in every:
        if not code.script.is_built:
            yield from _fits_nothing(code, whole)
            yield from _a_list(code)
            yield from _an_element(code)
            yield from _not_a_node(code)


def _fits_nothing(code: Code, whole: str) -> Iterator[Found]:
    """``querySelectorAll("box")`` where it is a class, and ``.line`` of no element."""
    for match in _QUERIED.finditer(code.script.text):
        css = match["css"]
        if "query" not in code.bare[match.start() : match.end()]:
            continue  # it stands in a text
        if css.startswith("#"):
            continue
        if "[" in css:
            named = re.fullmatch(r"\w*\[([\w-]+)=[\"']?([\w-]+)[\"']?\]", css)
            key, value = (named[1], named[2]) if named else ("", "")
            is_there = key != "name" or _has_name(value, whole)
        elif css.startswith("."):
            is_there = _has_class(css[1:], whole) or not _is_used(code, match)
            is_there = is_there or _FOREIGN.search(whole) is not None
        else:
            is_there = (
                css.lower() in _ELEMENTS
                or "-" in css
                or re.search(
                    rf"<{css}(?![\w-])|createElement\w*\([^)\n]*['\"`]{css}", whole
                )
                or not re.search(
                    rf"\b(?:class|id)\s*=\s*[\"'][^\"'>]*(?<![\w-]){css}(?![\w-])",
                    whole,
                )
            )
        if not is_there:
            yield Found(
                SLUG,
                f"{match['how']}('{css}') finds nothing",
                code.spot(match.start()),
                RANK,
                TRIED,
                f"an element that fits {css}, in a page",
                f"A class is asked for with a dot: .{css}"
                if re.fullmatch(r"\w+", css)
                else "",
            )
            return


def _has_class(name: str, whole: str) -> bool:
    word = rf"(?<![\w-]){re.escape(name)}(?![\w-])"
    return bool(
        re.search(rf"\bclass(?:Name|List)?\b[^>\n]*?{word}", whole)
        or re.search(rf"['\"`\s]{re.escape(name)}['\"`\s](?!\))", whole)
        or re.search(r"\bclass\s*=\s*[\"'][^\"'>]*(?:\{\{|\{%|\$\{)", whole)
    )


def _has_name(name: str, whole: str) -> bool:
    word = re.escape(name)
    if name == "csrfmiddlewaretoken":
        return bool(re.search(r"csrf_token|csrf_input", whole))
    if "csrf" in name.lower():
        return bool(re.search(rf"<[^<>]*\bname\s*=\s*[\"']?{word}", whole))
    return bool(
        re.search(rf"(?<![\w-])name\s*=\s*[\"']?{word}(?![\w-])(?!\"?\]|'?\])", whole)
        or re.search(rf"\bname[\"'`]?\s*[,:=]\s*[\"'`]{word}[\"'`](?!\])", whole)
        or re.search(r"(?<![\w-])name\s*=\s*[\"'][^\"'>]*(?:\{\{|\{%|\$\{)", whole)
        or re.search(r"\{\{\s*\w*form\w*\b|\{%\s*(?:crispy|bootstrap)", whole)
    )


def _is_used(code: Code, match: re.Match[str]) -> bool:
    """Whether something is asked of it at once, so that nothing would be an error."""
    return match["how"] == "querySelector" and bool(
        re.compile(r"\s*\.(?!\s*\?)").match(code.bare, match.end())
    )


def _a_list(code: Code) -> Iterator[Found]:
    """``querySelectorAll(".sensor").addEventListener(…)``: a list has no such thing."""
    for match in _LISTED.finditer(code.script.text):
        if match["how"] not in code.bare[match.start() : match.end()]:
            continue
        found = _OF_ONE.match(code.bare, match.end())
        made = re.search(
            r"(?:const|let|var)\s+([\w$]+)\s*=\s*$", code.bare[: match.start()]
        )
        at = match.start()
        if not found and made and re.compile(r"\s*[;\n]").match(code.bare, match.end()):
            name = re.escape(made[1])
            if len(re.findall(rf"(?<![\w$.]){name}\s*=(?![=>])", code.bare)) == 1:
                word = re.compile(rf"(?<![\w$.]){name}(?={_OF_ONE.pattern})")
                around = code.around(match.start())
                limits = around.body if around else (0, len(code.bare))
                used = word.search(code.bare, *limits)
                inner = code.around(used.start()) if used else None
                if used and not (inner and made[1] in inner.given):
                    found, at = _OF_ONE.match(code.bare, used.end()), used.start()
        if found:
            yield Found(
                "client-value-taken-for-another",
                f"a list of elements has no {found[1]}: {match['how']} gives a list",
                code.spot(at),
                RANK,
                TRIED,
                "for (const one of list), or querySelector for one element",
                "What is done to one element is done in a loop to each of a list.",
            )
            return


def _an_element(code: Code) -> Iterator[Found]:
    """``JSON.parse(document.getElementById("room"))``, which lacks .textContent."""
    for match in _TAKEN.finditer(code.bare):
        if match["element"]:
            bracket = match.end("element")
            opened = code.bare.rfind("(", match.start(), bracket)
            end = code.pairs.get(opened, bracket)
            if not re.compile(r"\s*[,)]").match(code.bare, end + 1):
                continue
        elif not _is_element(code, match["name"], match.start()):
            continue
        by = re.sub(r"\s", "", match["by"])
        part = "textContent" if by == "JSON.parse" else "value"
        yield Found(
            "client-value-taken-for-another",
            f"{by} is given the element itself, and not what stands in it",
            code.spot(match.start()),
            RANK,
            TRIED,
            f".{part} behind the element",
            "The text of an element is its textContent, that of a field its value.",
        )
        return


def _is_element(code: Code, name: str, index: int) -> bool:
    """Whether a name is given an element of the page, and nothing else."""
    around = code.around(index)
    if around is not None and any(
        name in around.names(n) for n in range(len(around.given))
    ):
        return False
    given = [*re.finditer(rf"(?<![\w$.]){re.escape(name)}\s*=(?![=>])\s*", code.bare)]
    if len(given) != 1:
        return False
    text = code.plain(code.expression(given[0].end()))
    looked = r"document\s*\.\s*(?:getElementById|querySelector)\s*\([^()]*\)"
    return re.fullmatch(looked, text) is not None


_NODE = re.compile(r"\.\s*(appendChild|removeChild|replaceChild)\s*\(\s*(?=['\"`])")
_WHOLE = re.compile(
    r":\s*document\s*\.\s*(getElementById|querySelector)\s*\([^()]*\)\s*(?=[,}\n])"
)


def _not_a_node(code: Code) -> Iterator[Found]:
    """``list.appendChild("<li>")``, and an element among what is sent as JSON."""
    for match in _NODE.finditer(code.bare):
        yield Found(
            "client-value-taken-for-another",
            f"TypeError: {match[1]} is given a text, and no element",
            code.spot(match.start()),
            RANK,
            TRIED,
            "document.createElement(), or append() for a text",
        )
        return
    for match in re.finditer(r"\bJSON\s*\.\s*stringify\s*\(", code.bare):
        end = code.pairs.get(match.end() - 1, match.end())
        inside = _WHOLE.search(code.bare, match.end(), end)
        if inside:
            yield Found(
                "client-value-taken-for-another",
                "{} is sent: the element itself, and not what stands in it",
                code.spot(inside.start()),
                RANK,
                TRIED,
                ".value behind the element",
            )
            return

"""What stands in the data attributes that a script reads: a socket's path, say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from tutor.doctor.rules.browser.expressions import ANY
from tutor.doctor.rules.browser.scripts import Script, Spot

_DOCUMENT = r"(?<![\w$.])(?:window\s*\.\s*)?document\s*\.\s*"
LOOKED_UP = re.compile(
    rf"{_DOCUMENT}(?:(?P<body>body|documentElement)\b|"
    r"getElementById\s*\(\s*['\"`](?P<id>[\w-]+)['\"`]\s*\)|"
    r"querySelector\s*\(\s*['\"`](?P<css>#[\w-]+|[a-z]\w*)['\"`]\s*\))"
)
OPENED = re.compile(r"""<(\w[\w-]*)((?:"[^"]*"|'[^']*'|[^<>"'])*)>""")
READ = re.compile(
    r"\s*(?:!\s*)?\.\s*(?:dataset\s*(?:\.\s*(?P<key>[\w$]+)|"
    r"\[\s*['\"`](?P<quoted>[\w$]+)['\"`]\s*\])|"
    r"getAttribute\s*\(\s*['\"`]data-(?P<attribute>[\w-]+)['\"`]\s*\))"
)
_URL = re.compile(r"\{%-?\s*url\s+(['\"])([\w:.-]+)\1(?:(?!\bas\b)[^%])*%\}")
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.S)
_UNKNOWN = re.compile(r"<[^>]*>|\(.*\)")  # a converter, a group of an expression


def taken(
    script: Script, pages: Sequence[Script], named: Mapping[str, str]
) -> dict[str, tuple[str, Spot]]:
    """``root.dataset.path``: the text behind it, as a template writes it, and where.

    Args:
        script: who reads.
        pages: the templates.
        named: the routes of the pages by their names.
    """
    found: dict[str, tuple[str, Spot]] = {}
    for expression, element, key in _reads(script.text):
        changed = rf"\bdataset\s*\.\s*{re.escape(key)}\s*=(?!=)"
        if re.search(changed, script.text):
            continue
        given = re.compile(
            rf"(?<![\w-]){re.escape(attribute_of(key))}\s*=\s*(?:\"([^\"]*)\"|'([^']*)')"
        )
        there = [
            (value[1] or value[2] or "", page.spot(tag.start(2) + value.start()))
            for page in pages
            for tag in OPENED.finditer(page.text)
            if is_meant(element, tag[1].lower(), tag[2])
            for value in given.finditer(tag[2])
        ]
        texts = {_plain(value, named) for value, _ in there}
        if len(texts) == 1 and "`" not in (text := texts.pop()):
            found[expression] = f"`{text}`", there[0][1]
    return found


def _plain(value: str, named: Mapping[str, str]) -> str:
    """What Django makes of an attribute, as far as it is known."""

    def path(match: re.Match[str]) -> str:
        route = named.get(match[2])
        if route is None:
            return ANY
        return "/" + _UNKNOWN.sub(ANY, route).replace("^", "").strip("$")

    return _TAG.sub(ANY, _URL.sub(path, value))


def _reads(text: str) -> Iterator[tuple[str, str, str]]:
    """Each expression that reads a data attribute: it, the element, the key."""
    for match in LOOKED_UP.finditer(text):
        told = match.groupdict()
        element = told.get("body") or told.get("css") or f"#{told['id']}"
        element = {"documentElement": "html"}.get(element, element)
        if read := READ.match(text, match.end()):
            yield text[match.start() : read.end()].strip(), element, _key_in(read)
        named = re.search(
            r"(?:const|let|var)\s+([\w$]+)\s*=\s*$", text[: match.start()]
        )
        word = rf"(?<![\w$.]){re.escape(named[1])}(?![\w$])" if named else r"(?!)"
        for other in re.finditer(word, text):
            if read := READ.match(text, other.end()):
                yield text[other.start() : read.end()].strip(), element, _key_in(read)


def _key_in(read: re.Match[str]) -> str:
    return read["key"] or read["quoted"] or key_of(read["attribute"] or "")


def is_meant(element: str, name: str, attributes: str) -> bool:
    """Whether a tag is meant: by its id, or as the only kind of it."""
    if element.startswith("."):
        kinds = re.search(
            r"(?<![\w-])class\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", attributes
        )
        return kinds is not None and element[1:] in (kinds[1] or kinds[2] or "").split()
    if not element.startswith("#"):
        return element == name
    given = re.search(r"(?<![\w-])id\s*=\s*[\"']?([\w-]+)", attributes)
    return given is not None and given[1] == element[1:]


def key_of(attribute: str) -> str:
    """What a script calls an attribute: ``room-name`` is ``roomName``."""
    return re.sub(r"-([a-z])", lambda match: match[1].upper(), attribute.lower())


def attribute_of(key: str) -> str:
    return "data-" + re.sub(r"[A-Z]", lambda match: f"-{match[0].lower()}", key)

"""Data attributes that a script reads, and that its element does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.attributes import (
    LOOKED_UP,
    OPENED,
    READ,
    attribute_of,
    is_meant,
    key_of,
)
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.layouts import whole_of
from tutor.doctor.rules.browser.loaded import RANK
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

_HELPER = re.compile(  # const byId = (id) => document.getElementById(id)
    r"(?:const|let|var)\s+(?P<name>[\w$]+)\s*=\s*\(?\s*(?P<given>[\w$]+)\s*\)?\s*=>\s*"
    r"document\s*\.\s*getElementById\s*\(\s*(?P=given)\s*\)"
)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_ATTRIBUTE = re.compile(r"(?<![\w-])data-([\w-]+)", re.I)
_APART = re.compile(r"(?:const|let|var)\s*\{([^{}]*)\}\s*=\s*$")
# It may be missing: something else is taken then, or it is given here.
_ASKED = re.compile(r"\s*\)*\s*(?:\?|\|\||&&|[!=]==?|=(?!=|>)|\bin\b)")
_ASKS = re.compile(r"(?:!|\bif\s*\(|\bwhile\s*\(|\bdelete\s|\btypeof\s|&&|\|\|)\s*$")


@dataclass(frozen=True)
class _Read:
    """A data attribute that is read: of which element, by which key, and where."""

    element: str
    key: str
    index: int


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    pages = [one for one in every if not one.script.is_static]
    others = [one.text for one in seen.source.modules.values()]
    others += [one.script.text for one in every if one.script.is_static]
    for code in every:
        there = _tags(
            whole_of(code, every)
            if code in pages
            else "\n".join(one.script.text for one in pages)
        )
        for read in (*_reads(code), *_of_each(code)):
            tags = [text for name, text in there if is_meant(read.element, name, text)]
            if not tags or any(map(_may_have_more, tags)):
                continue
            known = {key_of(one) for tag in tags for one in _ATTRIBUTE.findall(tag)}
            if read.key in known or _is_given(read.key, every, others):
                continue
            yield Found(
                "client-data-attribute-not-there",
                f"dataset.{read.key} is undefined: no attribute of {read.element}",
                code.spot(read.index),
                RANK,
                TRIED,
                f'{attribute_of(read.key)}="…" at {read.element}',
            )
            return
    yield from _half(every, others)


_JQUERY = re.compile(r"\.\s*(?:dataset\s*\.\s*(?P<key>\w+)(?!\s*=[^=])|data\s*\(\s*"
                     r"['\"](?P<attribute>[\w-]+)['\"]\s*\))")  # fmt: skip


def _half(every: list[Code], others: list[str]) -> Iterator[Found]:
    """``data("answer")``, where elements have a data-value that nobody reads."""
    pages = [one.script.text for one in every if not one.script.is_static]
    if any(_may_have_more(text) for one in pages for _, text in _tags(one)):
        return
    tags = [text for one in pages for _, text in _tags(one)]
    there = {key_of(one) for text in tags for one in _ATTRIBUTE.findall(text)}
    read = [
        (match["key"] or key_of(match["attribute"]), code, match.start())
        for code in every
        for match in _JQUERY.finditer(code.spoken)
    ]
    scripts = "\n".join(one.spoken for one in every)
    left = {
        one
        for one in there - {key for key, *_ in read}
        if not re.search(rf"data-{attribute_of(one)[5:]}|\b{one}\b", scripts)
    }
    for key, code, index in read if left else ():
        name = attribute_of(key)
        if key in there or re.search(rf"(?<!\w){name}", "\n".join([scripts, *others])):
            continue
        stored = rf"\.\s*data\s*\(\s*['\"]{name[5:]}['\"]\s*,"
        if not _is_given(key, every, others) and not re.search(stored, scripts):
            yield Found(
                "client-data-attribute-not-there",
                f"undefined: no element has {name}",
                code.spot(index),
                RANK,
                TRIED,
                f"one of {', '.join(sorted(map(attribute_of, left)))}",
            )
            return


def _reads(code: Code) -> Iterator[_Read]:
    text = code.script.text
    found = [*LOOKED_UP.finditer(text)]
    for helper in _HELPER.finditer(text):
        word = rf"(?<![\w$.]){re.escape(helper['name'])}\s*\(\s*['\"`](?P<id>[\w-]+)"
        found += re.finditer(rf"{word}['\"`]\s*\)", text)
    for match in found:
        if not code.bare[match.start() : match.end()].strip():
            continue  # it stands in a text
        told = match.groupdict()
        element = told.get("body") or told.get("css") or f"#{told['id']}"
        element = {"documentElement": "html"}.get(element, element)
        yield from _read_of(code, element, match.start(), match.end())
        named = re.search(
            r"(?:const|let|var)\s+([\w$]+)\s*=\s*$", text[: match.start()]
        )
        ends = re.compile(r"\s*(?:[;,\n]|$)").match(text, match.end())
        if named is None or ends is None:
            continue
        word = rf"(?<![\w$.]){re.escape(named[1])}(?![\w$])"
        again = re.findall(rf"{word}\s*=(?![=>])", code.bare)
        for other in re.finditer(word, code.bare) if len(again) == 1 else ():
            around = code.around(other.start())
            if around is None or named[1] not in around.given:
                yield from _read_of(code, element, other.start(), other.end())


# for (const one of document.querySelectorAll(".box")), and its forEach((one) => …)
_EACH = re.compile(
    r"\bof\s+document\s*\.\s*querySelectorAll\s*\(\s*['\"`](?P<css>[.#]?[\w-]+)['\"`]\s*\)\s*\)|"
    r"document\s*\.\s*querySelectorAll\s*\(\s*['\"`](?P<all>[.#]?[\w-]+)['\"`]\s*\)\s*"
    r"\.\s*forEach\s*\(\s*(?:function\s*\(\s*|\(?\s*)(?P<name>[A-Za-z_$][\w$]*)"
)


def _of_each(code: Code) -> Iterator[_Read]:
    """What is read of each element of a list."""
    text = code.script.text
    for match in _EACH.finditer(text):
        name, element = match["name"], match["css"] or match["all"]
        if not name:
            made = re.search(
                r"\bfor\s*\(\s*(?:const|let|var)\s+([\w$]+)\s+$", text[: match.start()]
            )
            name = made[1] if made else ""
        if not name or not code.bare[match.start() : match.end()].strip():
            continue
        begin = match.end()
        brace = re.compile(r"[^;{}]*?\{").match(code.bare, begin)
        end = code.pairs.get(brace.end() - 1, begin) if brace else begin
        word = re.compile(rf"(?<![\w$.]){re.escape(name)}(?![\w$])")
        for other in word.finditer(code.bare, begin, end):
            yield from _read_of(code, element, other.start(), other.end())


def _read_of(code: Code, element: str, begin: int, end: int) -> Iterator[_Read]:
    """What is read of an element right behind a place, if nobody asks whether it is."""
    text, bare = code.script.text, code.bare
    match = READ.match(text, end)
    if match is not None:
        attribute = match["attribute"]
        key = match["key"] or match["quoted"] or key_of(attribute or "")
        asked = _ASKED.match(bare, match.end()) or _ASKS.search(bare[:begin])
        if not asked and not _is_asked_for_later(bare, begin):
            yield _Read(element, key, begin)
        return
    apart = _APART.search(text[:begin])
    if apart is None or not re.compile(r"\s*\.\s*dataset\s*[;\n,]").match(text, end):
        return
    for part in apart[1].split(","):
        named = re.fullmatch(r"\s*([\w$]+)\s*(?::\s*([\w$]+)\s*)?", part)
        if named and not _asks(bare, named[2] or named[1]):
            yield _Read(element, named[1], begin)


def _is_asked_for_later(bare: str, begin: int) -> bool:
    """Whether the name that is given it is asked whether there is anything."""
    named = re.search(r"(?<![\w$])((?:this\.)?[\w$]+)\s*=\s*$", bare[:begin])
    return named is not None and _asks(bare, named[1])


def _asks(bare: str, name: str) -> bool:
    word = rf"(?<![\w$.]){re.escape(name)}(?![\w$])"
    return bool(
        re.search(rf"{word}\s*(?:\?|&&|\|\||[!=]==?)", bare)
        or re.search(rf"(?:!|\bif\s*\(|&&|\|\||\btypeof)\s*{word}", bare)
    )


def _tags(text: str) -> list[tuple[str, str]]:
    return [(match[1].lower(), match[2]) for match in OPENED.finditer(text)]


def _may_have_more(attributes: str) -> bool:
    """Whether a template puts attributes into a tag of which nothing is written."""
    outside = _QUOTED.sub("", attributes)
    return bool(re.search(r"\{\{|\{%(?!-?\s*(?:if|else|elif|endif)\b)", outside))


def _is_given(key: str, every: list[Code], others: list[str]) -> bool:
    """Whether a script or the server may give it to the element."""
    given = rf"\.\s*dataset\s*(?:\.\s*{key}|\[[^\]]*\])\s*=(?!=)|\bdataset\s*[,)]"
    if any(re.search(given, one.script.text) for one in every):
        return True
    name = attribute_of(key).removeprefix("data-")
    written = rf"data[-_]{re.escape(name)}(?![\w-])"
    sets = rf"\bsetAttribute\s*\(\s*['\"`]{written}"
    return any(re.search(sets, one.script.text) for one in every) or any(
        re.search(written, text) and not _only_reads(written, text) for text in others
    )


def _only_reads(written: str, text: str) -> bool:
    reads = len(re.findall(rf"\bgetAttribute\s*\(\s*['\"`]{written}", text))
    return reads == len(re.findall(written, text))

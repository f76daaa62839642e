"""A library's name that a script asks for before the page has loaded the library."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.atonce import runs_at_once
from tutor.doctor.rules.browser.belonging import SLUG
from tutor.doctor.rules.browser.blanked import bare
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.layouts import laid_out
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.scripts import Script, Spot
from tutor.doctor.rules.found import Found

RANK = 67
_LIBRARIES = {
    "$": r"jquery|cash",
    "jQuery": r"jquery",
    "Vue": r"\bvue\b|vue[.@/-]",
    "axios": r"axios",
    "Chart": r"chart",
    "ReconnectingWebSocket": r"reconnecting-?websocket",
}
_TAG = re.compile(r"<script\b([^>]*)>(.*?)</script", re.S | re.I)
SOURCE = re.compile(r"""\bsrc\s*=\s*(["'])(?P<path>.*?)\1""", re.I)
_STATIC = re.compile(r"""\{%\s*static\s+["']([^"']+)["']\s*%\}""")
_LATER = re.compile(r"""\bdefer\b|\btype\s*=\s*["']?module\b""", re.I)
_SPOKEN = re.compile(r"""\btype\s*=\s*["']?(?!text/javascript|module)[\w/+-]+""", re.I)
OPEN = re.compile(r"\{%\s*(?!static|load|block|endblock|extends|url|csrf_token|if|"
                   r"endif|else|elif|for|endfor|empty|comment|endcomment|verbatim|"
                   r"endverbatim|with|endwith|trans|translate|now)\w")  # fmt: skip


def rules(every: list[Code]) -> Iterator[Found]:
    for page in every:
        whole = "" if page.script.is_static else laid_out(page, every)
        if not whole or OPEN.search(whole):
            continue
        tags = [*_TAG.finditer(whole)]
        yield from _gone(page, tags, every)
        yield from _slim(page, tags, every)
        for place, tag in enumerate(tags):
            found = _early(page, tags, place, tag, every)
            if found is not None:
                yield found
                return


def _gone(page: Code, tags: list[re.Match[str]], every: list[Code]) -> Iterator[Found]:
    """``$(…)`` in a page that loads no script but the project's own."""
    sources = [s["path"] for tag in tags if (s := SOURCE.search(tag[1]))]
    mine = [_own(one, every) for one in sources]
    if None in mine or "importmap" in page.script.text:
        return
    inline = [tag for tag in tags if not SOURCE.search(tag[1])]
    for name in _LIBRARIES:
        if _is_bound(name, every) or any("import(" in one.bare for one in every):
            continue
        used = rf"(?<![\w$.]){re.escape(name)}\s*[.(]|\bnew\s+{re.escape(name)}\b"
        for tag in inline:
            code = Code(Script("", tag[2]), bare(tag[2]))
            if re.search(used, code.bare) and not _SPOKEN.search(tag[1]):
                yield _not_defined(name, spot_of(page, tag, every))
                return
        for one in mine:
            found = re.search(used, one.bare) if one is not None else None
            if one is not None and found:
                yield _not_defined(name, one.spot(found.start()))
                return


_LACKS = re.compile(
    r"(?<![\w$.])(?:\$|jQuery)\s*\.\s*(?P<name>ajax|get|post|getJSON|ajaxSetup)\s*\("
)


def _slim(page: Code, tags: list[re.Match[str]], every: list[Code]) -> Iterator[Found]:
    """``$.ajax(…)`` beside ``jquery.slim.js``, which leaves it out."""
    sources = [s["path"] for tag in tags if (s := SOURCE.search(tag[1]))]
    kinds = {".slim" in one for one in sources if re.search(r"jquery[.-][^/]*$", one)}
    loaded = [page, *(one for path in sources if (one := _own(path, every)))]
    for code in loaded if kinds == {True} else ():
        match = _LACKS.search(code.bare)
        if match is not None:
            slim = next(tag for tag in tags if ".slim" in tag[1])
            yield Found(
                SLUG,
                f"TypeError: $.{match['name']} is not a function",
                spot_of(page, slim, every),
                RANK,
                TRIED,
                "jquery.min.js: the slim one has no requests",
            )
            return


def _not_defined(name: str, place: Spot) -> Found:
    got, expected = f"ReferenceError: {name} is not defined", "the library with it"
    return Found(SLUG, got, place, RANK, TRIED, f"{expected}, loaded above")


def _early(
    page: Code,
    tags: list[re.Match[str]],
    place: int,
    tag: re.Match[str],
    every: list[Code],
) -> Found | None:
    source = SOURCE.search(tag[1])
    if (
        _LATER.search(tag[1])
        if source
        else _SPOKEN.search(tag[1]) or "module" in tag[1]
    ):
        return None
    code = (
        _own(source["path"], every)
        if source
        else Code(Script("", tag[2]), bare(tag[2]))
    )
    for name, pattern in _LIBRARIES.items() if code is not None else ():
        where = [
            n for n, other in enumerate(tags)
            if (s := SOURCE.search(other[1])) and re.search(pattern, s['path'], re.I)
        ]  # fmt: skip
        if not where or code is None or _is_bound(name, every):
            continue
        if any(n < place and not _LATER.search(tags[n][1]) for n in where):
            continue
        used = rf"(?<![\w$.]){re.escape(name)}\s*[.(]"
        for match in re.finditer(used, code.bare):
            if runs_at_once(code, match.start(), (0, len(code.bare))):
                return Found(
                    SLUG,
                    f"ReferenceError: {name} is not defined",
                    spot_of(page, tag, every),
                    RANK,
                    TRIED,
                    f"the library with {name} above this script",
                )
    return None


def _own(source: str, every: list[Code]) -> Code | None:
    named = _STATIC.search(source)
    last = (named[1] if named else source.partition("?")[0]).rpartition("/")[2]
    fits = [
        code for code in every
        if code.script.is_static and code.script.file.endswith("/" + last)
    ]  # fmt: skip
    return fits[0] if len(fits) == 1 and "//" not in source else None


def _is_bound(name: str, every: list[Code]) -> bool:
    word = re.escape(name)
    ways = rf"\b(?:const|let|var|function|class)\s+{word}(?![\w$])|" + (
        rf"\bimport\b[^;]*(?<![\w$.]){word}(?![\w$])|\bwindow\s*\.\s*{word}\s*="
    )
    return any(re.search(ways, code.bare) for code in every)


def spot_of(page: Code, tag: re.Match[str], every: list[Code]) -> Spot:
    """Where a tag stands: in the page, or in the template below it."""
    pages = [page, *(code for code in every if not code.script.is_static)]
    for one in pages:
        index = one.script.text.find(tag[0])
        if index >= 0:
            return one.spot(index)
    return page.spot(0)

"""What pages load: scripts, as modules or not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import blocks, folders, typed
from tutor.doctor.rules.browser.imports import (
    STATIC,
    Served,
    closure,
    imported,
    served_scripts,
)
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

RANK = 66
TAG = re.compile(r"<script\b([^>]*)>", re.I)
SOURCE = re.compile(r"""\bsrc\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.I)
_TYPE = re.compile(r"""\btype\s*=\s*["']?([^"'\s>]+)""", re.I)
_FILLED = re.compile(
    r"\{%\s*(?:static|url|csrf_token|load|trans|include)\b|"
    r"\{\{\s*(?:csrf_token|request\.|user\.|STATIC_URL)"
)
_SPOKEN = re.compile(r"(?:^|[;\n])[ \t]*(?:import\b(?!\s*[(.])|export\b)")


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    yield from blocks.rules(every)
    yield from typed.rules(every)
    for one in every:
        yield from _tagged(one)
        yield from _capitals(one, every)
    served = served_scripts(seen, every)
    prefix = str(seen.settings.get("static") or "")
    known = (seen.look.get("static") or {}).get("folders", [])
    modules: list[Code] = []
    for page in every:
        if page.script.is_static:
            continue
        yield from _files(seen, page, served, prefix, known)
        for match in TAG.finditer(page.script.text):
            source, kind = SOURCE.search(match[1]), _TYPE.search(match[1])
            code = served.at(source[1] or source[2], prefix) if source else None
            if kind is not None and kind[1].lower() == "module":
                modules += [code] if code is not None else []
            elif (
                code is not None
                and (kind is None or "javascript" in kind[1])
                and _SPOKEN.search(code.bare)
            ):
                yield _no_module(page, match.start())
    done: set[str] = set()
    for code in (one for begin in modules for one in closure(begin, served)):
        if code.script.file not in done:
            done.add(code.script.file)
            yield from imported(code, served)


def _files(
    seen: Evidence, page: Code, served: Served, prefix: str, known: list[str]
) -> Iterator[Found]:
    """A script under a path that no file has, and nearly one of ours."""
    for match in TAG.finditer(page.script.text):
        source = SOURCE.search(match[1])
        if source is None:
            continue
        code = served.at(source[1] or source[2], prefix)
        path = (source[1] or source[2]).lstrip("./")
        if code is not None:
            bare = path.partition("?")[0] == served.paths[code.script.file]
            texts = (one.text for one in seen.source.modules.values() if bare)
            rooted = any(re.search(r"WHITENOISE_ROOT|\bserve\b", one) for one in texts)
            if bare and prefix.strip("/") and not rooted:
                yield Found(
                    "client-static-file-not-there",
                    f"404 for {path}: no static file has this path",
                    page.spot(match.start()),
                    RANK,
                    TRIED,
                    f"{{% static '{path}' %}}",
                )
            continue
        named = STATIC.search(source[1] or source[2])
        path = named[1] if named else (source[1] or source[2]).partition("?")[0]
        if re.search(r"\{\{|\{%|//", path) or not path.endswith(".js"):
            continue
        begin = rf"^[./]*(?:(?:{re.escape(prefix.strip('/'))}|static)/)?"
        path = path if named else re.sub(begin, "", path)
        if any((seen.home / folder / path).is_file() for folder in known):
            continue  # one that is not read: of a library
        near = [one for one in served.codes if _last(one) == _last(path)]
        near += difflib.get_close_matches(path, served.codes, 1, 0.85)
        apart = None if near or not named else folders.of_static(seen, path)
        if near or apart:
            yield Found(
                "client-static-file-not-there",
                f"404 for {path}",
                (apart[1] if apart else None) or page.spot(match.start()),
                RANK,
                TRIED,
                f"the path below a folder static: {[*near, path][0]}",
                f"There is a {apart[0]}, in no folder of the settings."
                if apart
                else "",
            )


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _tagged(code: Code) -> Iterator[Found]:
    """A tag of Django's in a static script, which nobody fills in."""
    match = _FILLED.search(code.script.text) if code.script.is_static else None
    if match is not None:
        yield Found(
            "client-django-tag-in-static-js",
            f"{match[0]} … is taken for JavaScript",
            code.spot(match.start()),
            RANK + 2,  # where it is in a URL, the socket is the better place
            TRIED,
            "a script without template tags",
        )


# Names of the browser's own whose capitals are easily mistaken.
_BROWSER = {
    name.lower(): name
    for name in (
        *("getElementById", "getElementsByClassName", "querySelector", "innerHTML"),
        *("querySelectorAll", "addEventListener", "removeEventListener", "innerText"),
        *("textContent", "createElement", "appendChild", "setAttribute", "classList"),
        *("preventDefault", "readyState", "binaryType", "insertAdjacentHTML"),
    )
}


def _capitals(code: Code, every: list[Code]) -> Iterator[Found]:
    """``getElementByID``: to JavaScript, another name."""
    for match in re.finditer(r"\.\s*([A-Za-z]+)\b", code.bare):
        name = match[1]
        right = _BROWSER.get(name.lower(), name)
        made = rf"(?<!\.)\b{name}\b"
        if name != right and not any(re.search(made, one.bare) for one in every):
            yield Found(
                "client-name-in-other-letters",
                f"there is no {name}",
                code.spot(match.start(1)),
                RANK,
                TRIED,
                right,
            )
            return


def _no_module(page: Code, index: int) -> Found:
    return Found(
        "client-script-is-no-module",
        "Cannot use import statement outside a module",
        page.spot(index),
        RANK,
        TRIED,
        '<script type="module" src="…">',
    )


_FILLED_ID = re.compile(
    r"""\bid\s*=\s*["'`]((?:\{\{.*?\}\}|\{%.*?%\}|\$\{[^}]*\}|[^"'`>\n{$])+)"""
)
_GAP = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\$\{[^}]*\}")


def _may_become(written: str, name: str) -> bool:
    """Whether an id with something to fill in may be a name: ``row-{{ number }}``."""
    parts = _GAP.split(written)
    return len(parts) > 1 and bool(
        re.fullmatch(".*".join(map(re.escape, parts)), name, re.S)
    )


def is_made(name: str, whole: str) -> bool:
    """Whether some page or script may make an element with this id."""
    word = re.escape(name)
    return bool(
        re.search(rf"\bid\s*=\s*[\"'`]?{word}(?![\w-])", whole)
        or re.search(rf"\bjson_script\s*:\s*[\"']{word}[\"']", whole)
        or re.search(r"\bid\s*=\s*\{(?!\{|%)", whole)
        or any(_may_become(one, name) for one in _FILLED_ID.findall(whole))
        or re.search(rf"\bid[\"'`]?\s*[,:]\s*[\"'`]{word}[\"'`]", whole)
    )

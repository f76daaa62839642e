"""Scripts of a page that need another one: below them, or not there at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.atonce import runs_at_once
from tutor.doctor.rules.browser.belonging import SLUG
from tutor.doctor.rules.browser.hidden import declared_twice
from tutor.doctor.rules.browser.imports import Served, served_scripts
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.layouts import laid_out
from tutor.doctor.rules.browser.libraries import spot_of
from tutor.doctor.rules.browser.loaded import SOURCE, TAG
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.scoping import Scopes, scopes
from tutor.doctor.rules.found import Found

RANK = 67
_MADE = re.compile(
    r"(?<![\w$.])(?:class|function\s*\*?|const|let|var)\s+([A-Za-z_$][\w$]*)"
)
_LATER = re.compile(r"\bdefer\b|\basync\b|\btype\s*=\s*[\"']?module\b", re.I)
_SPOKEN = re.compile(r"(?:^|[;\n])[ \t]*(?:import\b(?!\s*[(.])|export\b)")


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    served = served_scripts(seen, every)
    prefix = str(seen.settings.get("static") or "")
    pages = [one for one in every if not one.script.is_static]
    for page in pages:
        yield from _unclosed(page)
    for page in pages:
        text = laid_out(page, every)
        if not text or any(_takes(other, page) for other in pages):
            continue  # a part of it is elsewhere
        if any("<script" in one.script.text for one in _included(text, pages)):
            continue
        yield from _order(page, text, served, prefix, every)
        yield from [*_declared_twice(seen, page, text, served, prefix)][:1]


def _included(text: str, pages: list[Code]) -> list[Code]:
    names = re.findall(r"\{%-?\s*include\s+[\"']([^\"']+)", text)
    return [
        one for one in pages if any(one.script.file.endswith(f"/{n}") for n in names)
    ]


def _takes(other: Code, page: Code) -> bool:
    last = re.escape(page.script.file.rpartition("/")[2])
    named = rf"\{{%-?\s*(?:include|extends)\s+[\"'][^\"']*{last}[\"']"
    return re.search(named, other.script.text) is not None


def _unclosed(page: Code) -> Iterator[Found]:
    """``<script src="a.js" />``: all behind it belongs to it, up to the next end."""
    text = page.script.text
    for match in re.finditer(r"<script\b[^>]*\bsrc\s*=[^>]*>", text, re.I):
        end = re.search(r"</script\s*>|<script\b|</head>|<body\b", text[match.end() :])
        if end is None or not end[0].lower().startswith("</script"):
            yield Found(
                "client-script-not-readable",
                "the browser takes what follows for a part of this script",
                page.spot(match.start()),
                RANK,
                TRIED,
                "</script> behind the tag",
                "A script has an end tag of its own, also where it has a src.",
            )
            return


def _declared_twice(
    seen: Evidence, page: Code, text: str, served: Served, prefix: str
) -> Iterator[Found]:
    """``const socket`` in two scripts of a page: they share the names of the page."""
    held = scopes(seen)
    loaded: list[Scopes] = []
    for match in TAG.finditer(text):
        source = SOURCE.search(match[1])
        code = served.at(source[1] or source[2], prefix) if source else None
        one = held.get(code.script.file) if code is not None else None
        chosen = text.count("{% if", 0, match.start())
        is_apart = one is None or one.script.is_module or "module" in match[1]
        is_apart |= chosen > text.count("{% endif", 0, match.start())
        if one is not None and not is_apart and one not in loaded:
            loaded.append(one)
    inside = held.get(page.script.file)
    if inside is not None and not inside.script.is_filled and "module" not in text:
        loaded.append(inside)
    for place, one in enumerate(loaded):
        for other in loaded[place + 1 :]:
            for name in other.top & one.top & {*one.lexical, *other.lexical}:
                yield declared_twice(other.script, other.first(name))


def _order(
    page: Code, text: str, served: Served, prefix: str, every: list[Code]
) -> Iterator[Found]:
    """A name that a script uses as it is loaded, and that a later one declares."""
    tags = []
    for match in TAG.finditer(text):
        source = SOURCE.search(match[1])
        path = (source[1] or source[2]) if source else ""
        tags.append((match, path, served.at(path, prefix) if path else None))
    for place, (match, _, code) in enumerate(tags):
        is_late = "defer" in match[1]
        if code is None or _SPOKEN.search(code.bare):
            continue
        if _LATER.search(match[1]) and not is_late:
            continue
        before = [
            one
            for n, (tag, _, one) in enumerate(tags)
            if one is not None
            and (n < place or (is_late and not _LATER.search(tag[1])))
        ]
        for name, _ in _used(code):
            makers = [
                one
                for one in every
                if one.script.is_static and one is not code and _makes(one, name)
            ]
            if not makers or any(_makes(one, name) for one in [*before, code]):
                continue
            inline = not all(one is None for _, _, one in tags) and _makes(page, name)
            if inline or any(_SPOKEN.search(one.bare) for one in makers):
                continue
            if is_late and any(
                n > place and one in makers and not _LATER.search(tag[1])
                for n, (tag, _, one) in enumerate(tags)
            ):
                continue
            lib = [p for _, p, one in tags if one is None and p]
            last = makers[0].script.file.rpartition("/")[2]
            if any(last in one or name.lower() in one.lower() for one in lib):
                continue
            if (lib and len(name) < 3) or _is_written(name, text):
                continue
            yield Found(
                SLUG,
                f"ReferenceError: {name} is not defined",
                spot_of(page, match, every),
                RANK,
                TRIED,
                f"{makers[0].script.file} above this script",
            )
            return
        yield from _given_later(page, text, match, code, every) if not is_late else ()


def _given_later(
    page: Code, text: str, tag: re.Match[str], code: Code, every: list[Code]
) -> Iterator[Found]:
    """``window.ROOM = …`` in the page, below the script that reads it at once."""
    for match in re.finditer(
        r"\bwindow\s*\.\s*([A-Za-z_$][\w$]*)\s*=(?!=)|"
        r"(?:^|[;>\n])\s*(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=",
        text[tag.end() :],
    ):
        name = match[1] or match[2]
        word = re.escape(name)
        given = rf"(?:\bwindow\s*\.\s*|\b(?:const|let|var)\s+){word}\s*=(?!=)"
        above = re.search(given, text[: tag.start()])
        if above or any(
            re.search(given, one.bare) for one in every if one.script.is_static
        ):
            continue
        used = rf"\bwindow\s*\.\s*{word}\s*\.|(?<![\w$.]){word}\s*\."
        for one in re.finditer(used, code.bare):
            if runs_at_once(code, one.start(), (0, len(code.bare))):
                yield Found(
                    SLUG,
                    f"undefined: {name} is given below this script",
                    spot_of(page, tag, every),
                    RANK,
                    TRIED,
                    f"{name} above the script that reads it",
                )
                return


def _is_written(name: str, text: str) -> bool:
    """Whether a page's own scripts declare a name."""
    word = re.escape(name)
    declared = rf"\b(?:class|function\s*\*?|const|let|var)\s+{word}(?![\w$])|"
    return re.search(rf"{declared}\bwindow\s*\.\s*{word}\s*=", text) is not None


def _makes(code: Code, name: str) -> bool:
    """Whether a script declares a name for all, or puts it into the window."""
    word = re.escape(name)
    if re.search(rf"\b(?:window|globalThis|self)\s*\.\s*{word}\s*=(?!=)", code.bare):
        return True
    return any(
        match[1] == name and code.around(match.start()) is None
        for match in _MADE.finditer(code.bare)
    )


def _used(code: Code) -> Iterator[tuple[str, int]]:
    """The names that a script makes something of while it is loaded."""
    used = r"\bnew\s+([A-Za-z_$][\w$]*)\s*\(|(?<![\w$.])([A-Za-z_$][\w$]*)\s*\("
    for match in re.finditer(used, code.bare):
        name = match[1] or match[2]
        if code.around(match.start()) is None or runs_at_once(
            code, match.start(), (0, len(code.bare))
        ):
            yield name, match.start()

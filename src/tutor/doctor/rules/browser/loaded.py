"""What pages load: modules, what they import, and the elements they look for."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import layouts
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

RANK = 66
TAG = re.compile(r"<script\b([^>]*)>", re.I)
SOURCE = re.compile(r"""\bsrc\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.I)
_TYPE = re.compile(r"""\btype\s*=\s*["']?([^"'\s>]+)""", re.I)
_STATIC = re.compile(r"""\{%\s*static\s+["']([^"']+)["']\s*%\}""")
_FILLED = re.compile(
    r"\{%\s*(?:static|url|csrf_token|load|trans|include)\b|"
    r"\{\{\s*(?:csrf_token|request\.|user\.|STATIC_URL)"
)
_IMPORT = re.compile(
    r"(?:^|[;\n])[ \t]*(?P<whole>import\s*(?P<names>[\w$*{}\s,]+?)\s*from\s*|"
    r"import\s*(?=[\"'])|export\s*[{*][^;\"']*?\bfrom\s*)(?=[\"'])"
)
_SPOKEN = re.compile(r"(?:^|[;\n])[ \t]*(?:import\b(?!\s*[(.])|export\b)")
_EXPORTED = re.compile(
    r"\bexport\s+(?:async\s+)?(?:function\s*\*?|class|const|let|var)\s*([\w$]+)"
)
_HELPER = re.compile(
    r"(?:\b(?:const|let|var)\s+(?P<arrow>[\w$]+)\s*=\s*\(?\s*(?P<one>[\w$]+)\s*\)?\s*=>"
    r"\s*\{?\s*(?:return\s+)?|"
    r"\bfunction\s+(?P<function>[\w$]+)\s*\(\s*(?P<two>[\w$]+)\s*\)\s*\{\s*return\s+)"
    r"document\s*\.\s*getElementById\s*\(\s*(?:(?P=one)|(?P=two))\s*\)"
)


@dataclass(frozen=True)
class Served:
    """The static scripts by the path that a page asks for.

    Args:
        codes: the scripts, by their path below a static folder.
    """

    codes: dict[str, Code]

    @cached_property
    def paths(self) -> dict[str, str]:
        return {code.script.file: path for path, code in self.codes.items()}

    def at(self, source: str, prefix: str) -> Code | None:
        """The script behind ``src`` of a tag, whatever its folder is reached by."""
        named = _STATIC.search(source)
        path = named[1] if named else source.partition("?")[0]
        for begin in ("", prefix.lstrip("/"), "static/"):
            rest = path.lstrip("./")
            if rest.startswith(begin) and rest[len(begin) :] in self.codes:
                return self.codes[rest[len(begin) :]]
        return None


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    for one in every:
        yield from _tagged(one)
        yield from _capitals(one, every)
    served = served_scripts(seen, every)
    prefix = str(seen.settings.get("static") or "")
    known = (seen.look.get("static") or {}).get("folders", [])
    folders = [seen.home / one for one in known]
    modules: list[Code] = []
    for page in every:
        if page.script.is_static:
            continue
        yield from _files(page, served, prefix, folders)
        reached = [page]
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
            if code is not None:
                reached += closure(code, served)
        yield from _elements(page, reached, every)
    done: set[str] = set()
    for code in (one for begin in modules for one in closure(begin, served)):
        if code.script.file not in done:
            done.add(code.script.file)
            yield from _imported(code, served)


def served_scripts(seen: Evidence, every: list[Code]) -> Served:
    folders = (seen.look.get("static") or {}).get("folders", [])
    found: dict[str, Code] = {}
    for code in every:
        for folder in (f"{seen.prefix}{one}/" for one in folders):
            if code.script.is_static and code.script.file.startswith(folder):
                found.setdefault(code.script.file[len(folder) :], code)
    return Served(found)


def _files(
    page: Code, served: Served, prefix: str, folders: list[Path]
) -> Iterator[Found]:
    """A script under a path that no file has, and nearly one of ours."""
    for match in TAG.finditer(page.script.text):
        source = SOURCE.search(match[1])
        if source is None or served.at(source[1] or source[2], prefix):
            continue
        named = _STATIC.search(source[1] or source[2])
        path = named[1] if named else (source[1] or source[2]).partition("?")[0]
        if re.search(r"\{\{|\{%|//", path) or not path.endswith(".js"):
            continue
        begin = rf"^[./]*(?:(?:{re.escape(prefix.strip('/'))}|static)/)?"
        path = path if named else re.sub(begin, "", path)
        if any((folder / path).is_file() for folder in folders):
            continue  # one that is not read: of a library
        near = [one for one in served.codes if _last(one) == _last(path)]
        near += difflib.get_close_matches(path, served.codes, 1, 0.85)
        if near:
            yield Found(
                "client-static-file-not-there",
                f"404 for {path}",
                page.spot(match.start()),
                RANK,
                TRIED,
                f"the path below a folder static: {near[0]}",
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


def _wanted(code: Code) -> Iterator[tuple[int, str, str]]:
    """What a script imports: where, the names, and from where."""
    for match in _IMPORT.finditer(code.bare):
        quoted = re.compile(r"[\"']([^\"'\n]*)[\"']").match(
            code.script.text, match.end()
        )
        if quoted:
            yield match.start("whole"), match["names"] or "", quoted[1]


def _target(code: Code, specifier: str, served: Served) -> str:
    """The path below the static folders that an import leads to; empty if elsewhere."""
    own = served.paths.get(code.script.file, "")
    if not specifier.startswith(("./", "../")) or not own:
        return ""
    return posixpath.normpath(posixpath.join(posixpath.dirname(own), specifier))


def closure(code: Code, served: Served) -> list[Code]:
    """A script, and the project's scripts that it imports."""
    found = [code]
    for one in found:  # it grows
        for _, _, specifier in _wanted(one):
            target = served.codes.get(_target(one, specifier, served))
            if target is not None and target not in found:
                found.append(target)
    return found


def _imported(code: Code, served: Served) -> Iterator[Found]:
    """An import of a file, or of a name, that is not there."""
    for index, names, specifier in _wanted(code):
        path = _target(code, specifier, served)
        got, expected = "", ""
        if path and path not in served.codes:
            got, expected = f"404 for {path}", "the path from this script to the other"
        elif path:
            lost = [one for one in _given(names) if not _exports(served, path, one)]
            if lost:
                got = f"'{specifier}' does not provide an export named '{lost[0]}'"
                expected = "a name that it exports; in braces, unless it is its default"
        elif re.fullmatch(r"[\w.-]+\.js", specifier):
            beside = _target(code, "./" + specifier, served)
            if beside in served.codes:
                got = f'Failed to resolve module specifier "{specifier}"'
                expected = f"'./{specifier}'"
        if got:
            yield Found(
                "client-import-not-there",
                got,
                code.spot(index),
                RANK,
                TRIED,
                expected,
            )


def _given(names: str) -> list[str]:
    """The names that an import asks for, as the other script calls them."""
    braces = re.search(r"\{([^}]*)\}", names)
    inner = braces[1].split(",") if braces else []
    found = [one.split()[0] for one in inner if one.strip()]
    outer = re.sub(r"\{[^}]*\}", "", names).replace(",", " ").split()
    return [*found, *(["default"] if outer and "*" not in outer else [])]


def _exports(served: Served, path: str, name: str) -> bool:
    bare = served.codes[path].bare
    if re.search(r"\bexport\s*\*", bare) or re.search(r"\bmodule\.exports\b", bare):
        return True
    if name == "default":
        return bool(re.search(r"\bexport\s+default\b|\bas\s+default\b", bare))
    listed = {
        one.split()[-1]
        for match in re.finditer(r"\bexport\s*\{([^}]*)\}", bare)
        for one in match[1].split(",")
        if one.strip()
    }
    declared = {*_EXPORTED.findall(bare)}
    more = re.search(rf"\bexport\s+(?:const|let|var)\b[^;]*\b{re.escape(name)}\b", bare)
    return name in listed | declared or bool(more)


def _elements(page: Code, reached: list[Code], every: list[Code]) -> Iterator[Found]:
    """An element that a script uses at once, and that no page has."""
    whole = "\n".join(code.script.text for code in every)
    if re.search(r"\{%\s*(?:extends|include)\b", page.script.text):
        known = {code.script.file for code in every}
        named = re.findall(
            r"\{%\s*(?:extends|include)\s+[\"']([^\"']+)", page.script.text
        )
        if not all(any(f.endswith("/" + one) for f in known) for one in named):
            return  # a part of it is elsewhere
    helpers = {
        match["arrow"] or match["function"]
        for code in reached
        for match in _HELPER.finditer(code.bare)
    }
    words = "|".join(
        [
            r"\bdocument\s*\.\s*getElementById",
            *(rf"(?<![\w$.]){re.escape(one)}" for one in helpers),
        ]
    )
    queried = r"\bdocument\s*\.\s*querySelector\s*\(\s*[\"'`]#([\w-]+)[\"'`]"
    asked = re.compile(
        rf"(?:(?:{words})\s*\(\s*[\"'`]([\w-]+)[\"'`]|{queried})\s*\)\s*\.(?!\s*\?)"
    )
    for code in reached:
        there = whole if code is not page else layouts.whole_of(page, every)
        for match in asked.finditer(code.script.text):
            name = match[1] or match[2]
            if code.bare[match.start() : match.end()].strip()[-1:] != ".":
                continue  # in a text
            if name.startswith("id_") or is_made(name, there):
                continue
            yield Found(
                "client-element-not-there",
                f"getElementById('{name}') is null",
                code.spot(match.start()),
                RANK,
                TRIED,
                f'an element with id="{name}" in {page.script.file}',
            )
            return


def is_made(name: str, whole: str) -> bool:
    """Whether some page or script may make an element with this id."""
    word = re.escape(name)
    return bool(
        re.search(rf"\bid\s*=\s*[\"'`]?{word}(?![\w-])|json_script:[\"']{word}", whole)
        or re.search(r"\bid\s*=\s*(?:[\"'`][^\"'`>]*(?:\{\{|\{%|\$\{)|\{)", whole)
        or re.search(rf"\bid[\"'`]?\s*[,:]\s*[\"'`]{word}[\"'`]", whole)
    )

"""Scripts that import each other, and whether what they ask for is there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

RANK = 66
STATIC = re.compile(r"""\{%\s*static\s+["']([^"']+)["']\s*%\}""")
_IMPORT = re.compile(
    r"(?:^|[;\n])[ \t]*(?P<whole>import\s*(?P<names>[\w$*{}\s,]+?)\s*from\s*|"
    r"import\s*(?=[\"'])|export\s*[{*][^;\"']*?\bfrom\s*)(?=[\"'])"
)
_EXPORTED = re.compile(
    r"\bexport\s+(?:async\s+)?(?:function\s*\*?|class|const|let|var)\s*([\w$]+)"
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
        named = STATIC.search(source)
        path = named[1] if named else source.partition("?")[0]
        for begin in ("", prefix.lstrip("/"), "static/"):
            rest = path.lstrip("./")
            if rest.startswith(begin) and rest[len(begin) :] in self.codes:
                return self.codes[rest[len(begin) :]]
        return None


def served_scripts(seen: Evidence, every: list[Code]) -> Served:
    told = seen.look.get("static") or {}
    found: dict[str, Code] = {}
    for code in every:
        for one in told.get("folders", []):
            folder = f"{seen.prefix}{one}/"
            prefix = (told.get("prefixes") or {}).get(one, "")
            if code.script.is_static and code.script.file.startswith(folder):
                path = code.script.file[len(folder) :]
                found.setdefault(f"{prefix}/{path}" if prefix else path, code)
    return Served(found)


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


def takes(code: Code, other: Code) -> bool:
    """Whether a script imports a static one, by the name of its file."""
    stem = re.escape(other.script.file.rpartition("/")[2].removesuffix(".js"))
    named = rf"\b(?:from|import)\s*['\"][^'\"\n]*\b{stem}(?:\.js)?['\"]"
    return other.script.is_static and bool(re.search(named, code.spoken))


def closure(code: Code, served: Served) -> list[Code]:
    """A script, and the project's scripts that it imports."""
    found = [code]
    for one in found:  # it grows
        for _, _, specifier in _wanted(one):
            target = served.codes.get(_target(one, specifier, served))
            if target is not None and target not in found:
                found.append(target)
    return found


def imported(code: Code, served: Served) -> Iterator[Found]:
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

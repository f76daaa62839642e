"""The scripts of a frontend that is built apart: React, Vue and the like.

None of its files is a template or a static one.  Those that open a socket are read,
those that build upon them, and those that tell them a text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tutor.doctor.copying import SKIPPED
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.blanked import spoken

SCRIPTS = (".js", ".mjs", ".jsx", ".ts", ".tsx", ".vue", ".svelte")
_TYPED = (".ts", ".tsx", ".vue", ".svelte")
_OPENS = re.compile(r"new\s+WebSocket\s*\(")
# What a bundler makes, what it takes as it is, and what only tests run.
_ASIDE = SKIPPED | {
    *("dist", "build", "out", "coverage", "public", "vendor", "static", "staticfiles"),
    *("tests", "test", "__tests__", "__mocks__", "e2e", "cypress", "templates"),
}
_NO_SOURCE = re.compile(r"\.(?:min|test|spec|stories|config|d)\.\w+$")
_IMPORT = re.compile(
    r"""(?:\bfrom|\bimport|\brequire\s*\()\s*["']((?:\.{1,2}|[@~])/[^"'\n]+)["']"""
)
# The annotations of TypeScript: of a name, of a property, of what a function is given.
_OF_NAME = re.compile(r"\b(?:const|let|var)\s+[\w$]+(\s*:[^=;\n]{1,120}?)(?=\s*=[^=>])")
_OF_PROPERTY = re.compile(r"(?<=[\w$])(\??:[^=;:?\n]{1,80}?)(?=\s*=\s*new\b)")
_GIVEN = re.compile(r"\(([^()\n]{1,300})\)(:[^=;{}()\n]{1,80}?)?(?=\s*(?:=>|\{))")
_OF_GIVEN = re.compile(r"((?:^|,)\s*[\w$]+)(\??\s*:(?:[^,<]|<[^<>]*>)*)")
MOST = 2000  # files of one frontend; nobody's own has more
MANY = 40  # files that have to do with a socket
BIG = 200_000  # characters


def scripts(seen: Evidence) -> Iterator[tuple[Path, str]]:
    """The files of frontends that have to do with a socket, and their code."""
    for folder in _packages(seen.project):
        every = dict(_read(folder))
        chosen = {path for path, text in every.items() if _OPENS.search(text)}
        if not chosen:
            continue
        named = {path: _imported(text) for path, text in every.items()}
        openers, told = sorted(chosen), sorted(chosen)
        for one in told:  # it grows: who builds upon them
            above = [p for p in every if p not in chosen and _is_in(one, named[p])]
            above = above if len(chosen) < MANY else []
            chosen.update(above)
            told += above
        for one in openers:
            chosen.update(path for path in every if _is_in(path, named[one]))
        yield from ((path, _code(path, every[path])) for path in sorted(chosen))


def _packages(project: Path) -> list[Path]:
    """The folders with a package.json that lie in no other such folder."""
    found = []
    for folder, folders, files in os.walk(project):
        folders[:] = sorted(name for name in folders if name not in _ASIDE)
        if "package.json" in files:
            found.append(Path(folder))
            folders.clear()
    return found


def _read(package: Path) -> Iterator[tuple[Path, str]]:
    count = 0
    for folder, folders, files in os.walk(package):
        folders[:] = sorted(
            name for name in folders if name not in _ASIDE and name[:1] != "."
        )
        for name in sorted(files):
            path = Path(folder, name)
            if path.suffix not in SCRIPTS or _NO_SOURCE.search(name):
                continue
            if not path.is_file():  # a pipe: it would hang
                continue
            count += 1
            if count > MOST:
                return
            try:
                text = path.read_text("utf-8", "replace")
            except OSError:
                continue
            if len(text) <= BIG:
                yield path, text


def _imported(text: str) -> list[str]:
    """What a script imports of its own frontend, without what leads there."""
    return [re.sub(r"^(?:[.@~]*/)+", "", one) for one in _IMPORT.findall(text)]


def _is_in(path: Path, named: list[str]) -> bool:
    """Whether a file is among what another one imports."""
    stem = path.parent / path.stem
    ways = [path.as_posix(), stem.as_posix()]
    ways += [path.parent.as_posix()] if path.stem == "index" else []
    return any(way.endswith("/" + one) for way in ways for one in named)


def _code(path: Path, text: str) -> str:
    """The code of a file: of a component its scripts; its types are blanked out."""
    if path.suffix in (".vue", ".svelte"):
        text = "".join(spoken(text))
    if path.suffix in _TYPED:
        text = _OF_NAME.sub(lambda one: _without(one, 1), text)
        text = _OF_PROPERTY.sub(lambda one: _without(one, 1), text)
        text = _GIVEN.sub(_untyped, text)
    return text


def _without(match: re.Match[str], group: int) -> str:
    """What a pattern has found, with a part of it blanked out."""
    begin, end = match.start(group) - match.start(), match.end(group) - match.start()
    return match[0][:begin] + " " * (end - begin) + match[0][end:]


def _untyped(match: re.Match[str]) -> str:
    given = _OF_GIVEN.sub(lambda one: _without(one, 2), match[1])
    return f"({given})" + " " * len(match[2] or "")

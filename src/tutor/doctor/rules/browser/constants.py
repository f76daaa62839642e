"""Texts that a script keeps in an object, or takes from another script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

Spot = tuple[str, int]
_OBJECT = re.compile(
    r"\b(?:const|let|var)\s+([\w$]+)\s*=\s*(?:Object\.freeze\s*\(\s*)?\{([^{}]*)\}"
)
_PART = re.compile(
    r"(?:^|[,{])\s*['\"]?([\w$]+)['\"]?\s*:\s*((['\"`])[^\n]*?\3)\s*(?=,|$)"
)
_TEXT = re.compile(r"\bexport\s+(?:const|let|var)\s+([\w$]+)\s*=\s*((['\"`])[^\n]*?\3)")
_IMPORT = re.compile(
    r"\bimport\s*(?:\{([^{}]*)\}|\*\s*as\s+([\w$]+))\s*from\s*(['\"])([^'\"\n]+)\3"
)


def members(text: str) -> Iterator[tuple[str, str, int]]:
    """``PATHS.numbers`` for ``const PATHS = {numbers: "ws/"}``: its text, its place."""
    for match in _OBJECT.finditer(text):
        for part in _PART.finditer(match[2]):
            yield f"{match[1]}.{part[1]}", part[2], match.start(2) + part.start(2)


def taken(
    text: str, scripts: Iterable[tuple[str, str]]
) -> Mapping[str, tuple[str, Spot]]:
    """What a script imports: the text behind each name, and where it is written.

    Args:
        text: the script.
        scripts: every script, by its file.
    """
    found: dict[str, tuple[str, Spot]] = {}
    for names, whole, _, path in _IMPORT.findall(text):
        end = "/" + path.rpartition("/")[2]
        for file, other in scripts:
            if not f"/{file}".endswith(end):
                continue
            told = {m[1]: (m[2], m.start(2)) for m in _TEXT.finditer(other)}
            told |= {name: (value, at) for name, value, at in members(other)}
            for name, (value, at) in told.items():
                spot = file, other.count("\n", 0, at) + 1
                for known in _known_as(name, names, whole):
                    found[known] = value, spot
    return found


def _known_as(name: str, names: str, whole: str) -> Iterator[str]:
    """What another script calls a name of this one."""
    if whole:
        yield f"{whole}.{name}"
        return
    first, dot, rest = name.partition(".")
    for part in names.split(","):
        own, _, alias = part.partition(" as ")
        if own.strip() == first:
            yield (alias.strip() or first) + dot + rest

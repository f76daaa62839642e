"""What a call gives to each name of a function's parameters, taken apart or whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.expressions import arguments_of, assigned, closing

_NAME = re.compile(r"\s*(?:\.\.\.)?\s*([\w$]+)\s*")
_PART = re.compile(r"\s*['\"]?([\w$]+)['\"]?\s*(?::\s*(.*))?$", re.S)


def given(parameters: list[str], arguments: list[str]) -> dict[str, str]:
    """The expression behind each name; what nobody gives is its default.

    Args:
        parameters: as they are written: ``path``, ``{ path, wait = 5 } = {}``.
        arguments: of the call.
    """
    found: dict[str, str] = {}
    for position, parameter in enumerate(parameters):
        name, default = assigned(parameter)
        told = arguments[position] if position < len(arguments) else default
        if not name.startswith("{"):
            word = _NAME.fullmatch(name)
            found |= {word[1]: told} if word and told.strip() else {}
            continue
        held = _members(told)
        for key, alias, preset in _apart(name):
            told_here = held.get(key, preset)
            found |= {alias: told_here} if told_here.strip() else {}
        if _NAME.fullmatch(told):  # const options = {…}: its members are known by dots
            found |= {a: f"{told.strip()}.{k}" for k, a, _ in _apart(name)}
    return found


def names(parameters: list[str]) -> list[str]:
    """All names that parameters bind."""
    found = []
    for parameter in parameters:
        name, _ = assigned(parameter)
        if name.startswith("{"):
            found += [alias for _, alias, _ in _apart(name)]
        elif word := _NAME.fullmatch(name):
            found.append(word[1])
    return found


def _apart(pattern: str) -> Iterator[tuple[str, str, str]]:
    """``{ path, wait: pause = 5 }``: each key, its name here, and its default."""
    for part in arguments_of(pattern, 1):
        held, default = assigned(part)
        match = _PART.fullmatch(held)
        if match:
            yield match[1], (match[2] or match[1]).strip(), default


def _members(text: str) -> dict[str, str]:
    """The members of an object that is written out."""
    text = text.strip()
    if not text.startswith("{") or closing(text, 1) != len(text) - 1:
        return {}
    found = {}
    for part in arguments_of(text, 1):
        match = _PART.fullmatch(part)
        if match:
            found[match[1]] = (match[2] or match[1]).strip()
    return found

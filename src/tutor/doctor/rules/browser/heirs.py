"""Classes that take over how another is made, and all that it does."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from tutor.doctor.rules.browser.expressions import closing

_EXTENDS = re.compile(r"\bclass\s+([\w$]+)\s+extends\s+([\w$]+)\s*\{")


def below(kind: str, texts: Iterable[str], unless: Collection[str] = ()) -> set[str]:
    """A class and those that extend it.

    Args:
        kind: its name; empty for none.
        texts: the scripts.
        unless: methods; who has one of its own is none of them.
    """
    own = re.compile(rf"(?<![\w$.]){any_of(unless)}\s*\(")
    pairs = [
        (match[1], match[2])
        for text in texts
        for match in _EXTENDS.finditer(text)
        if not own.search(text, match.end(), max(closing(text, match.end()), 0))
    ]
    found = [kind]
    for one in found:  # it grows
        found += [name for name, above in pairs if above == one and name not in found]
    return {*found} - {""}


def any_of(names: Collection[str]) -> str:
    """A pattern for any of some names; one that fits nothing where there are none."""
    return "(?:" + "|".join(map(re.escape, sorted(names))) + ")" if names else "(?!)"

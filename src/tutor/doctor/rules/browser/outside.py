"""A socket that a class keeps, as scripts call it that make an object of the class."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.heirs import any_of, below
from tutor.doctor.rules.browser.javascript import Code


def outside(code: Code, name: str, every: list[Code]) -> Iterator[tuple[Code, str]]:
    """``live.socket``, for ``const live = new Live(…)`` and its ``this.socket``.

    Args:
        code: the script with the class.
        name: what the socket is called there.
        every: the code of the pages' scripts.
    """
    if not name.startswith("this."):
        return
    owners = {
        code.owner(maker)
        for new, _ in code.sockets[name]
        if (maker := code.around(new)) is not None
    }
    bare = [one.bare for one in every]
    kinds = {kind for owner in owners - {""} for kind in below(owner, bare)}
    made = re.compile(rf"(?<![\w$.])([\w$.]+)\s*=\s*new\s+{any_of(kinds)}\s*\(")
    for other in every if kinds else ():
        for held in dict.fromkeys(match[1] for match in made.finditer(other.bare)):
            known = f"{held}.{name.removeprefix('this.')}"
            if known not in other.sockets:
                yield other, known

"""A socket that a class keeps, as scripts call it that make an object of the class."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.heirs import any_of, below
from tutor.doctor.rules.browser.javascript import NAME, Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found


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


_LATER = (
    r"(?:\.\s*on\w+\s*=(?!=)\s*|\baddEventListener\s*\([^,()]*,\s*|"
    r"\bset(?:Timeout|Interval)\s*\(\s*|\.\s*(?:forEach|then)\s*\(\s*)"
)


def without_object(code: Code, every: list[Code]) -> Iterator[Found]:
    """``button.onclick = live.open``: the method is called without its object."""
    bare = [one.bare for one in every]
    for owner in every:
        for kind, (begin, end) in owner.classes:
            made = rf"(?<![\w$.])([\w$.]+)\s*=\s*new\s+{any_of(below(kind, bare))}\s*\("
            names = {match[1] for match in re.finditer(made, code.bare)}
            word = rf"{_LATER}({any_of(names)})\s*\.\s*([\w$]+)(?=\s*[;,)\n])"
            for match in re.finditer(word, code.bare) if names else ():
                name = match[2]
                methods = [
                    one
                    for one in owner.functions
                    if begin < one.start < end and one.name == name
                ]
                bound = rf"this\s*\.\s*{re.escape(name)}\s*=|\b{re.escape(name)}\s*=\s*"
                if re.search(bound, owner.bare[begin:end]) or not methods:
                    continue
                if all("this" in NAME.findall(owner.plain(m.body)) for m in methods):
                    yield Found(
                        "client-method-without-this",
                        f"in {name}, this is not {match[1]}",
                        code.spot(match.start(1)),
                        RANK,
                        TRIED,
                        f"() => {match[1]}.{name}(…)",
                    )

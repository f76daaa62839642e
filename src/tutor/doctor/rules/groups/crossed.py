"""The parts of a group's name in another order: ``group_of(lang, room)``.

Both names look alike, a text with two holes. What is handed over bears the names of the
function's own parameters, so that an exchange of two shows.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.groupnames import Call, group_of
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import walk

RANK = 66
# Whoever answers turns these round on purpose.
_ROLES = re.compile(
    r"send|recei|recip|source|targ|from|to_|_to$|^to$|other|peer|^me$|^mine$|first|"
    r"second|left|right|^[a-z]$|user|player|origin|dest|author|owner|member"
)
_ALIKE = {"sorted", "min", "max", "frozenset", "set"}  # then no order matters


def rules(every: list[Call]) -> Iterator[Found]:
    """Groups that are named by a function which is given two things exchanged."""
    for frame, call in every:
        node = group_of(call)
        if isinstance(node, ast.Name):
            made = frame.function.values.get(node.id, [])
            node = made[0] if len(made) == 1 else node
        for inner in walk(node) if node is not None else ():
            if isinstance(inner, ast.Call):
                target = calls.target_of(inner, frame.function)
                pair = _exchanged(inner, target) if target is not None else ()
                if pair:
                    yield Found(
                        "group-names-differ",
                        f"{' and '.join(pair)} are exchanged in the group's name",
                        at(frame.function, inner),
                        RANK,
                        TRIED,
                        "the order of the function's parameters",
                    )
                    return


def _exchanged(call: ast.Call, target: Function) -> tuple[str, ...]:
    """Two arguments each of which bears the name of the other's parameter."""
    wanted = [one.arg for one in target.node.args.posonlyargs + target.node.args.args]
    wanted = wanted[1:] if target.owner is not None else wanted
    if any(getattr(n, "id", "") in _ALIKE for n in walk(target.node)):
        return ()
    given = [getattr(one, "attr", "") or getattr(one, "id", "") for one in call.args]
    pairs = dict(zip(wanted, given, strict=False))
    for name, told in pairs.items():
        roles = _ROLES.search(name) or _ROLES.search(told)
        if told != name and pairs.get(told) == name and not roles:
            return name, told
    return ()

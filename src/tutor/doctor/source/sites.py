"""Who calls the functions of a project, and the ways in which they run."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Literal

from tutor.doctor.source.flow import (
    MOST,
    Frame,
    bind,
    called_function,
    every_call,
    line,
)
from tutor.doctor.source.syntax import Class, Function


class Sites:
    """Who calls the functions of a project.

    Args:
        functions: every function that may call.
    """

    def __init__(self, functions: Iterator[Function]) -> None:
        self._of: dict[int, list[tuple[Function, ast.Call, list[ast.expr]]]] = {}
        for function in functions:
            for call in every_call(function.node):
                target, arguments = called_function(call, function)
                if target is not None:
                    found = self._of.setdefault(id(target), [])
                    found.append((function, call, arguments))

    def callers(self, function: Function) -> list[Function]:
        """The functions of the project that call one."""
        return [site for site, _, _ in self._of.get(id(function), [])]

    def frames(self, function: Function, depth: int = 0) -> list[Frame]:
        """The ways in which a function runs: for each heir, for each caller."""
        owners: list[Class | None] = [function.owner]
        if function.owner is not None:
            owners += function.owner.heirs
        sites = self._of.get(id(function), []) if depth < 3 and _takes(function) else []
        found = []
        for owner, (site, call, arguments) in itertools.product(owners, sites):
            own = _own(function, site, owner)
            for frame in self.frames(site, depth + 1)[:MOST] if own != "" else ():
                if frame.owner is own:
                    found.append(
                        Frame(function, owner, bind(function, call, arguments, frame))
                    )
        return (found or [Frame(function, owner) for owner in owners])[:MOST]


def _takes(function: Function) -> bool:
    """Whether a function has parameters besides ``self``."""
    arguments = function.node.args
    number = len(arguments.args) + len(arguments.kwonlyargs)
    return number > (function.owner is not None)


def _own(
    function: Function, site: Function, owner: Class | None
) -> Class | Literal[""] | None:
    """What ``self`` is where a function is called; an empty text if it never is."""
    if owner is None or site.owner is None or function.owner not in line(site.owner):
        return site.owner
    return owner if site.owner in owner.line_of_ancestors else ""

"""An exception that the project had caught already when the next one came."""

from __future__ import annotations

import ast

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence


def left(seen: Evidence, links: list[Event]) -> list[Event]:
    """The exception and what led to it, up to one that was dealt with.

    Python shows what was being handled as well: an ``except`` of the project's own
    that fails itself, and says no ``raise``, is what went wrong.
    """
    for number in range(len(links) - 1):
        if _fails_in_its_handler(seen, links[number], links[number + 1]):
            return links[: number + 1]
    return links


def _fails_in_its_handler(seen: Evidence, new: Event, old: Event) -> bool:
    tried = [(f["file"], f["line"]) for f in old["frames"] if f["own"]]
    own = [frame for frame in new["frames"] if frame["own"]]
    for frame in own:
        nodes = seen.nodes_at(seen.place(frame))
        handlers = [node for node in nodes if isinstance(node, ast.Try)]
        said = any(isinstance(node, ast.Raise) for node in nodes)
        for node in () if said else handlers:
            inside = [line for file, line in tried if file == frame["file"]]
            if _covers(node.body, inside) and any(
                _covers(one.body, [frame["line"]]) for one in node.handlers
            ):
                return True
    return False


def _covers(body: list[ast.stmt], lines: list[int]) -> bool:
    """Whether a line stands in some statements."""
    begin, end = body[0].lineno, body[-1].end_lineno or body[-1].lineno
    return any(begin <= line <= end for line in lines)

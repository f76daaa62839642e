"""One thing that a rule recognised."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from tutor.doctor.child import Event
from tutor.doctor.source import Function

Place = tuple[str | None, int | None]
NOWHERE: Place = (None, None)
TRIED = "reading the source"
GENERIC = ("connect", "receive", "disconnect", "receive_json")
HANDLERS = ("websocket_connect", "websocket_receive", "websocket_disconnect")


@dataclass(frozen=True)
class Found:
    """A mistake, or something unknown that was seen.

    Args:
        slug: the known mistake; None where nothing known fits.
        got: what came, in the library's own words where there are some.
        place: file and line, relative to the project.
        rank: the smaller, the more likely it is the cause of all the rest.
        tried: what was done, if the mistake's own file does not say it better.
        expected: what should have come, likewise.
        hint: a sentence that only this project's files can give.
        milder: why it does no harm yet: it is advice then, and this its cause.
    """

    slug: str | None
    got: str
    place: Place = NOWHERE
    rank: int = 50
    tried: str = ""
    expected: str = ""
    hint: str = ""
    milder: str = ""


def last_line(links: list[Event]) -> str:
    """The last line of a traceback, for its root cause."""
    if not links:
        return "it ended without a word"
    link = links[-1]
    kind = link["type"]
    if link["module"] not in ("builtins", "__main__"):
        kind = f"{link['module']}.{kind}"
    text = link["text"].strip().splitlines()
    meant = f". Did you mean: {link['meant']!r}?" if link.get("meant") else ""
    return f"{kind}: {text[0]}{meant}" if text else kind


def deepest(links: list[Event]) -> Event | None:
    """The deepest frame of the project, of the root cause first."""
    return next((link["at"] for link in reversed(links) if link["at"]), None)


def at(function: Function, node: ast.AST) -> Place:
    """Where a piece of a function stands."""
    return function.module.file, getattr(node, "lineno", None)

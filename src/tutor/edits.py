"""``%%edit``: one marked change to a file, found by its context.

A change is text whose every line begins with a mark: a space for a line that is
there already, ``-`` for one that goes, ``+`` for one that comes.  ``[...]`` in a
context or ``-`` line stands for anything within that line.  There are no line
numbers, so a file that has grown elsewhere still takes the change.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

ELLIPSIS = "[...]"


class EditError(Exception):
    """A change that can't be read, or whose context is not in the file.

    ``line`` is the line of the change that was looked for in vain, if any.
    """

    def __init__(self, message: str, line: str = "") -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Change:
    """A marked change: pairs of a mark (one of ``" -+"``) and a line."""

    lines: tuple[tuple[str, str], ...]

    @property
    def before(self) -> list[str]:
        """The lines that are looked for."""
        return [line for mark, line in self.lines if mark != "+"]

    @property
    def after(self) -> list[str]:
        """The lines that stand there afterwards."""
        return [line for mark, line in self.lines if mark != "-"]

    @property
    def added(self) -> int:
        return sum(mark == "+" for mark, _ in self.lines)

    @property
    def removed(self) -> int:
        return sum(mark == "-" for mark, _ in self.lines)


def parse(text: str) -> Change:
    """Read a marked change.

    Raises:
        EditError: a line without a mark, no ``+`` or ``-`` at all, or nothing to
            find the place by.
    """
    lines: list[tuple[str, str]] = []
    for number, line in enumerate(text.strip("\n").split("\n"), 1):
        mark, rest = (line[:1] or " "), line[1:]
        if mark not in " -+":
            raise EditError(
                f"line {number} of the change begins with {mark!r}; every line "
                "begins with a space (stays), - (goes) or + (comes)",
                line,
            )
        if mark == "+" and ELLIPSIS in rest:
            raise EditError(f"{ELLIPSIS} in a + line: what comes is written out", line)
        lines.append((mark, rest.rstrip()))
    change = Change(tuple(lines))
    if not change.added and not change.removed:
        raise EditError("the change has no + and no - line")
    if not any(line.strip() for line in change.before):
        raise EditError("the change has no context line to find its place by")
    return change


def apply(change: Change, text: str) -> str:
    """The text with the change in it; the same text if it is there already.

    Raises:
        EditError: the context is not there, or it is there more than once.
    """
    lines = text.split("\n")
    found = {
        name: list(_places(getattr(change, name), lines)) for name in _order(change)
    }
    for name in _order(change):
        if not found[name]:
            continue
        if name == "after":
            return text
        if len(found[name]) > 1:
            raise EditError(
                f"the context fits {len(found[name])} places; give more lines of it",
                change.before[0],
            )
        return "\n".join(_replaced(change, lines, found[name][0]))
    raise EditError("the context is not in the file", _lost(change, lines))


def _order(change: Change) -> tuple[str, str]:
    """Which side to look for first: the one that says more.

    A change that only adds is "there" before its bare context is; one that only
    removes is still to be made while the longer text stands.
    """
    if len(change.after) >= len(change.before):
        return ("after", "before")
    return ("before", "after")


def _places(wanted: list[str], lines: list[str]) -> Iterator[int]:
    """Where ``wanted`` stands: exactly, or at least with other quotes."""
    for same in (_pattern, lambda line: _pattern(_quotes(line))):
        patterns = [same(line) for line in wanted]
        plain = lines if same is _pattern else [_quotes(line) for line in lines]
        found = [
            start
            for start in range(len(lines) - len(wanted) + 1)
            if all(
                pattern.fullmatch(plain[start + offset].rstrip())
                for offset, pattern in enumerate(patterns)
            )
        ]
        if found:
            yield from found
            return


def _pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, line.split(ELLIPSIS))))


def _quotes(line: str) -> str:
    return line.replace('"', "'")


def _replaced(change: Change, lines: list[str], start: int) -> list[str]:
    """The lines with the change made at ``start``; what stays keeps its bytes."""
    made, at = lines[:start], start
    end = "\r" if lines[start].endswith("\r") else ""  # as the file ends its lines
    for mark, line in change.lines:
        if mark == " ":
            made.append(lines[at])
        elif mark == "+":
            made.append(line + end)
        at += mark != "+"
    return made + lines[at:]


def _lost(change: Change, lines: list[str]) -> str:
    """The line of the change that the file most clearly lacks."""
    for line in change.before:
        if line.strip() not in ("", ELLIPSIS) and not list(_places([line], lines)):
            return line
    return next(line for line in change.before if line.strip())


def where(change: Change, text: str) -> str:
    """The place of a change in words: "in class PracticeConsumer, websocket_connect".

    Args:
        change: the change.
        text: the file after the change, or any text that holds it.
    """
    lines = text.split("\n")
    start = next(_places(change.after, lines), None)
    if start is None:
        return ""
    offsets = [
        at
        for at, mark in enumerate(m for m, _ in change.lines if m != "-")
        if mark == "+"
    ]
    number = start + 1 + (offsets[0] if offsets else 0)
    try:
        names = _enclosing(ast.parse(text), number)
    except (SyntaxError, ValueError):
        return ""
    return f"in {', '.join(names)}" if names else ""


def _enclosing(node: ast.AST, line: int) -> list[str]:
    for child in ast.iter_child_nodes(node):
        if not (
            getattr(child, "lineno", 0)
            <= line
            <= (getattr(child, "end_lineno", 0) or 0)
        ):
            continue
        name = []
        if isinstance(child, ast.ClassDef):
            name = [f"class {child.name}"]
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            name = [f"{child.name}()"]
        elif isinstance(child, ast.Assign) and isinstance(child.targets[0], ast.Name):
            inside = child.lineno < line <= (child.end_lineno or line)
            name = [child.targets[0].id] if inside else []
        return name + _enclosing(child, line)
    return []

"""What a script does while it is loaded: in no function, or in one that it calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.javascript import Code, Func, Span

DEEP = 4  # functions that call each other
_CONDITION = re.compile(r"\b(?:if|while|for|with)\s*$")


def runs_at_once(code: Code, index: int, span: Span, depth: int = 0) -> bool:
    """Whether what stands at a place runs as soon as its script is there.

    Args:
        code: the code of a file.
        index: the place.
        span: where the script stands in it; calls from elsewhere may come later.
        depth: functions that were gone through.
    """
    function = code.around(index)
    if function is None:
        return True
    if depth > DEEP or code.owner(function):
        return False
    if _is_called_where_it_stands(code, function):
        return runs_at_once(code, function.start, span, depth + 1)
    return any(
        runs_at_once(code, call, span, depth + 1)
        for call in _called(code, function, span)
    )


def _is_called_where_it_stands(code: Code, function: Func) -> bool:
    """``(function () { … })();``, and what is like it."""
    before = code.bare[: function.start].rstrip()[-1:]
    if not before or before not in "(!+-":
        return False
    after = code.bare[function.body[1] + function.is_block :]
    return bool(re.match(r"\s*\)?\s*\(|\s*\)?\s*\.\s*call\s*\(", after))


def _called(code: Code, function: Func, span: Span) -> Iterator[int]:
    """The statements that call a function by its name, whatever else is the case."""
    if not function.name:
        return
    name = re.compile(rf"(?<![\w$.]){re.escape(function.name)}\s*\(")
    for match in name.finditer(code.bare, *span):
        begin, end = function.body
        inside = begin <= match.start() < end or match.start() == function.start
        if not inside and _is_statement(code, match.start()):
            yield match.start()


def _is_statement(code: Code, index: int) -> bool:
    """Whether a statement begins at a place, and stands below no condition."""
    before = code.bare[:index].rstrip()
    if before.endswith(")"):
        if "\n" not in code.bare[len(before) : index]:
            return False
        opened = code.pairs.get(len(before) - 1, 0)
        if _CONDITION.search(code.bare[:opened]):
            return False
    elif before and before[-1] not in ";{}":
        return False
    around = [
        begin
        for begin, end in code.pairs.items()
        if code.bare[begin] == "{" and begin < index < end
    ]
    function = code.around(index)
    outer = function.body[0] - 1 if function is not None else -1
    return max(around, default=-1) == outer

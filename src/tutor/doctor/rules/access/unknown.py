"""A token that nobody has: what a middleware asks with it raises, uncaught."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.lines import of_middleware
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import walk

RANK = 66
# Where a visitor gives a token; what a session holds, the project itself has put there.
_TOLD = ("query_string", "authorization")
_GETS = re.compile(
    r".*\.objects(\.(all|filter|exclude|using|only|defer|select_related)\(\))*\.a?get"
)
_DEEP = 3


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        if not any(word in function.module.text for word in _TOLD):
            continue
        for call in calls.calls(function.node):
            name = calls.name_of(call, function)
            asks = _GETS.fullmatch(name) is not None
            if not (asks or name == "jwt.decode"):
                continue
            signed = "session" in ast.unparse(function.node)
            if (
                not signed
                and of_middleware(seen, function)
                and not _is_caught(seen, function)
            ):
                yield Found(
                    "consumer-unvalidated-input-closes-socket",
                    "jwt.InvalidTokenError" if not asks else "DoesNotExist",
                    at(function, call),
                    RANK,
                    TRIED,
                    "nobody, or a refusal, where a token is unknown",
                    "It is raised for each visitor whose token nobody knows.",
                )
                return


def _is_caught(seen: Evidence, function: Function, depth: int = 0) -> bool:
    """Whether an exception is caught here, or by each function that calls it."""
    if any(isinstance(node, ast.Try) and node.handlers for node in walk(function.node)):
        return True
    if any("suppress" in ast.unparse(i) for i in _withs(function)):
        return True
    callers = seen.sites.callers(function) if depth < _DEEP else []
    return bool(callers) and all(_is_caught(seen, one, depth + 1) for one in callers)


def _withs(function: Function) -> Iterator[ast.expr]:
    for node in walk(function.node):
        if isinstance(node, ast.With | ast.AsyncWith):
            yield from (item.context_expr for item in node.items)

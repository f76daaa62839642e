"""What tests give the helpers that make their clients."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found, at
from tutor.doctor.rules.suites.headers import unlike_asgi
from tutor.doctor.rules.suites.talks import Talk, talks
from tutor.doctor.rules.suites.testing import a_class, wrong_headers
from tutor.doctor.source.defaults import is_replaced
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.index import is_aside


def rules(seen: Evidence) -> Iterator[Found]:
    """A class for an application, and headers as text; a helper's own are known."""
    for function in seen.source.functions.values():
        if not is_aside(function.module.file):
            continue
        for talk in talks(Frame(function, function.owner)).values():
            if talk.where.function is not function:
                yield from _class(seen, talk)
                yield from _headers(talk)


def _class(seen: Evidence, talk: Talk) -> Iterator[Found]:
    given = _of(talk, 0, "application")
    if given is not None and is_replaced(talk.where, given):
        return
    where, node = unfold(talk.where, given) if given is not None else (talk.where, None)
    name = where.module.resolve(node, where.function) or ""
    known = seen.source.classes.get(name)
    if node is None or where.function is talk.where.function:
        return
    if known is not None and known.kind:
        yield a_class(known, at(where.function, node))


def _headers(talk: Talk) -> Iterator[Found]:
    given = _of(talk, 2, "headers")
    wrong = unlike_asgi(talk.where, given) if given is not None else None
    if wrong is not None and wrong[0].function is not talk.where.function:
        yield wrong_headers(at(wrong[0].function, wrong[1]))


def _of(talk: Talk, place: int, name: str) -> ast.expr | None:
    """What a communicator is given, by its place or by its name."""
    if len(talk.made.args) > place:
        return talk.made.args[place]
    return next((one.value for one in talk.made.keywords if one.arg == name), None)

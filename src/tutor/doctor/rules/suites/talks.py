"""What a test does with each communicator that it makes or is given, call by call."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tutor.doctor.rules.suites.fixtures import asked_for, of_fixture
from tutor.doctor.rules.suites.inturn import in_turn
from tutor.doctor.rules.suites.testing import COMMUNICATORS
from tutor.doctor.source import Function, calls
from tutor.doctor.source.defaults import filled_in
from tutor.doctor.source.flow import Frame, called
from tutor.doctor.source.walking import kept, paired, walk

DEEP = 3  # helpers of helpers


@dataclass
class Talk:
    """What a test does with one communicator, in the order of the source.

    Args:
        made: the call that makes it.
        where: the function in which it is made, as it runs.
        said: the calls of its methods: the method and the call.
        before: the methods that a helper has called before it gives it to the test.
        since: the line from which the test has it from a helper.
        name: what it is called there.
    """

    made: ast.Call
    where: Frame
    said: list[tuple[str, ast.Call]] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    since: int | None = None
    name: str = ""

    def line(self, method: str) -> int | None:
        """Where a method is called first."""
        return next((call.lineno for name, call in self.said if name == method), None)

    @property
    def received(self) -> list[ast.Call]:
        return [
            call
            for name, call in self.said
            if name in ("receive_from", "receive_json_from")
        ]


def talks(frame: Frame) -> dict[str, Talk]:
    """The communicators that a function makes or is given, by their names in it."""
    if frame.given:
        return _talks(frame, 0)
    owner = frame.owner.dotted if frame.owner else ""
    return dict(
        kept(frame.function.node, f"_talks {owner}", lambda _: _talks(frame, 0).items())
    )


def _talks(frame: Frame, depth: int) -> dict[str, Talk]:
    function = frame.function
    frame = frame if depth else filled_in(frame)
    found: dict[str, Talk] = {}
    for name, call in _named(function):
        if calls.name_of(call, function) in COMMUNICATORS:
            found[name] = Talk(call, frame)
        elif (given := _from_helper(frame, call, depth)) is not None:
            found[name] = given
    for node in walk(function.node):
        if (
            isinstance(node, ast.Return | ast.Yield)
            and isinstance(node.value, ast.Call)
            and calls.name_of(node.value, function) in COMMUNICATORS
        ):
            found[""] = Talk(node.value, frame)
    for name, fixture in asked_for(function) if depth < DEEP else ():
        given = _handed_out(Frame(fixture), function.node.lineno, depth)
        if given is not None:
            found.setdefault(name, given)
    looped = in_turn(function, {*found})
    inside = sorted(calls.calls(function.node), key=lambda c: (c.lineno, c.col_offset))
    for call in inside:
        if isinstance(call.func, ast.Attribute):
            name = ast.unparse(call.func.value)
            for own in looped.get(name, [name]):
                if own in found:
                    found[own].said.append((call.func.attr, call))
    for name, talk in found.items():
        talk.name = name
    return found


def _named(function: Function) -> Iterator[tuple[str, ast.Call]]:
    """The calls whose results are given names, awaited or not."""
    for node in walk(function.node):
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        if isinstance(node, ast.Assign):
            pairs = [
                one for target in node.targets for one in paired(target, node.value)
            ]
        elif isinstance(node, ast.AsyncWith):
            pairs = [(item.optional_vars, item.context_expr) for item in node.items]
        for target, value in pairs:
            call = value.value if isinstance(value, ast.Await) else value
            if target is not None and isinstance(call, ast.Call):
                yield ast.unparse(target), call


def _from_helper(frame: Frame, call: ast.Call, depth: int) -> Talk | None:
    """The communicator that a function of the tests returns or yields."""
    helper = of_fixture(frame, call) or called(frame, call) if depth < DEEP else None
    if helper is None:
        return None
    return _handed_out(filled_in(helper, call), call.lineno, depth)


def _handed_out(helper: Frame, since: int, depth: int) -> Talk | None:
    """The communicator that a helper, or a fixture, gives to who asks for it."""
    for node in walk(helper.function.node):
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            own = "" if isinstance(node.value, ast.Call) else ast.unparse(node.value)
            talk = _talks(helper, depth + 1).get(own)
            if talk is not None:
                done = [name for name, one in talk.said if one.lineno < node.lineno]
                return Talk(talk.made, talk.where, [], [*talk.before, *done], since)
    return None

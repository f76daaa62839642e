"""Answers that come later than a test waits for them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.suites.communicators import LATE, behind, greets
from tutor.doctor.rules.suites.expected import raising
from tutor.doctor.rules.suites.talks import Talk, talks
from tutor.doctor.rules.suites.testing import RANK
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import Frame, called_function, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

SECONDS = 1.0  # how long a communicator waits, unless it is told otherwise
DEEP = 4  # methods that call one another
WAITS = ("asyncio.sleep", "anyio.sleep")
ANSWERS = ("receive_json", "receive", "websocket_receive")
GREETS = ("connect", "websocket_connect")
TASKS = ("create_task", "ensure_future")


@dataclass
class Pause:
    """What a method waits for before it says something.

    Args:
        seconds: how long, as far as that is written.
        over: whether it has said something, or may have.
    """

    seconds: float = 0.0
    over: bool = False


def rules(seen: Evidence) -> Iterator[Found]:
    if _sleeps_are_replaced(seen):
        return
    for function in seen.source.functions.values():
        if is_aside(function.module.file):
            for talk in talks(Frame(function, function.owner)).values():
                yield from _late(seen, function, talk)


def _sleeps_are_replaced(seen: Evidence) -> bool:
    """Whether the tests have a clock of their own."""
    return any(
        "patch" in module.text and "sleep" in module.text
        for module in seen.source.modules.values()
        if is_aside(module.file)
    )


def _late(seen: Evidence, function: Function, talk: Talk) -> Iterator[Found]:
    """The first call that gives up before the consumer has done what it waits for."""
    owner = behind(seen, talk)
    if owner is None:
        return
    expected = raising(function, LATE)
    greetings = len(greets(owner))
    heard = sum(name.startswith("receive") for name in talk.before)
    asked = any(name.startswith("send") for name in talk.before)
    for name, call in talk.said:
        asked = asked or name.startswith("send")
        if name not in ("receive_from", "receive_json_from"):
            continue
        limit = _limit(function, call)
        inside = any(begin <= call.lineno <= end for begin, end in expected)
        pause = _pause(owner, heard, greetings, asked)
        if limit is not None and pause > limit and not inside:
            yield Found(
                "test-one-second-timeout",
                f"TimeoutError: the answer comes after {pause:g} s, "
                f"and the test waits {limit:g} s",
                at(function, call),
                RANK - 1,
                TRIED,
                f"{name}(timeout={pause + 2:g})",
            )
            return
        heard += 1


def _limit(function: Function, call: ast.Call) -> float | None:
    """How long a call waits; None where that is not known."""
    given = [*call.args[:1], *(w.value for w in call.keywords if w.arg == "timeout")]
    return _number(Frame(function, function.owner), given[0]) if given else SECONDS


def _pause(owner: Class, heard: int, greetings: int, asked: bool) -> float:
    """How long a consumer takes for the message that a test waits for."""
    names: tuple[str, ...] = GREETS
    tasks = not greetings and not asked
    if asked and heard == greetings:
        names = ANSWERS
    elif heard >= greetings and (asked or heard):
        return 0.0
    for name in names:
        method = owner.method(name)
        if method is not None:
            pause = Pause()
            _through(Frame(method, owner), method.node.body, pause, 0)
            if tasks and not pause.over:
                pause = _of_task(Frame(method, owner))
            return pause.seconds if pause.over else 0.0
    return 0.0


def _of_task(frame: Frame) -> Pause:
    """What a task waits for that is started when somebody comes, where it is alone."""
    made = [
        call.args[0]
        for call in calls.calls(frame.function.node)
        if getattr(call.func, "attr", "") in TASKS
        and call.args
        and isinstance(call.args[0], ast.Call)
    ]
    pause = Pause()
    target = called_function(made[0], frame.function)[0] if len(made) == 1 else None
    if target is not None:
        _through(Frame(target, frame.owner), target.node.body, pause, 0)
    return pause


def _through(frame: Frame, body: list[ast.stmt], pause: Pause, depth: int) -> None:
    """Add what some statements wait for, until one says something."""
    for statement in body:
        if pause.over:
            return
        if isinstance(statement, ast.Try | ast.With | ast.AsyncWith):
            _through(frame, statement.body, pause, depth)
        elif isinstance(statement, ast.While) and isinstance(
            statement.test, ast.Constant
        ):
            _through(frame, statement.body, pause, depth)
            pause.over = True
        elif isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign | ast.Return):
            _line(frame, statement, pause, depth)
        elif _refuses(frame, statement):
            continue  # who is refused gets no message that a test waits for
        elif any(isinstance(node, ast.Await | ast.Call) for node in walk(statement)):
            inner = Pause()
            _through(frame, _branches(statement), inner, depth)
            pause.over = inner.over or bool(inner.seconds)  # here, or later


def _refuses(frame: Frame, statement: ast.stmt) -> bool:
    """``if not user.is_authenticated: close, return``, when somebody comes."""
    return (
        isinstance(statement, ast.If)
        and not statement.orelse
        and frame.function.name in GREETS
        and isinstance(statement.body[-1], ast.Return | ast.Raise)
    )


def _branches(statement: ast.stmt) -> list[ast.stmt]:
    """All statements of a choice or a loop, one after the other."""
    found: list[ast.stmt] = []
    for name in ("body", "orelse", "cases", "finalbody"):
        for one in getattr(statement, name, ()):
            found += one.body if isinstance(one, ast.match_case) else [one]
    return found


def _line(frame: Frame, statement: ast.stmt, pause: Pause, depth: int) -> None:
    """Add what the calls of one statement wait for, in their order."""
    inside = [node for node in walk(statement) if isinstance(node, ast.Call)]
    for call in sorted(inside, key=lambda c: (c.end_lineno, c.end_col_offset)):
        name = calls.name_of(call, frame.function)
        blocks = name == "time.sleep" and not frame.function.is_async
        if (name in WAITS or blocks) and call.args:
            pause.seconds += _number(frame, call.args[0]) or 0.0
        elif _says(name) and not _accepts(call):
            pause.over = True
            return
        elif getattr(call.func, "attr", "") not in TASKS and depth < DEEP:
            target = called_function(call, frame.function)[0]
            if target is not None and not _is_started(call, inside):
                own = frame.owner if target.owner is not None else None
                _through(Frame(target, own), target.node.body, pause, depth + 1)
                if pause.over:
                    return


def _is_started(call: ast.Call, around: list[ast.Call]) -> bool:
    """Whether a call makes the coroutine of a task, which nobody waits for here."""
    return any(
        call in one.args and getattr(one.func, "attr", "") in TASKS for one in around
    )


def _says(name: str) -> bool:
    """Whether a call sends something, to its client or to a group."""
    base, _, method = name.rpartition(".")
    return (base in ("self", "super()") and method in ("send", "send_json")) or (
        method in ("group_send", "base_send", "close")
    )


def _accepts(call: ast.Call) -> bool:
    """``self.send({"type": "websocket.accept"})``, of which no test hears."""
    return any(getattr(node, "value", "") == "websocket.accept" for node in walk(call))


def _number(frame: Frame, node: ast.expr) -> float | None:
    """What a number is that is written out, here or under a name."""
    where, found = unfold(frame, node)
    if isinstance(found, ast.Constant) and isinstance(found.value, int | float):
        return float(found.value)
    if isinstance(found, ast.BinOp) and isinstance(found.op, ast.Mult):
        left, right = _number(where, found.left), _number(where, found.right)
        return left * right if left is not None and right is not None else None
    return None

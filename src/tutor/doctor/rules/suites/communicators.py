"""What tests do with a communicator: what they give it, and what they wait for."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import dialogue
from tutor.doctor.rules.consumers.written import written
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.groupnames import given
from tutor.doctor.rules.suites import emptied, enclosed
from tutor.doctor.rules.suites.expected import raising
from tutor.doctor.rules.suites.inturn import repeats
from tutor.doctor.rules.suites.talks import DEEP, Talk, talks
from tutor.doctor.rules.suites.testing import COMMUNICATORS, RANK
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"}
METHODS_OF_A_TALK = {
    *("connect", "disconnect", "send_to", "send_json_to", "receive_from", "wait"),
    *("receive_json_from", "receive_nothing", "receive_output", "send_input", "stop"),
}
_TAKEN = ("application", "path", "headers", "subprotocols", "spec_version")
WAITS = ("receive_from", "receive_json_from", "receive_output")
LATE = ("TimeoutError", "Exception", "BaseException")


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.functions.values():
        if not is_aside(function.module.file):
            continue
        for name, talk in talks(Frame(function, function.owner)).items():
            if talk.where.function is function:
                yield from _made(seen, function, talk)
            yield from enclosed.rules(seen, function, talk)
            yield from _empty(function, talk)
            yield from _dead(function, name, talk)
            yield from _unknown(function, talk)
            yield from _greeted(seen, function, talk)
        yield from _entered(function)


def _entered(function: Function) -> Iterator[Found]:
    """``async with WebsocketCommunicator(…)``: nobody enters a communicator."""
    for node in walk(function.node):
        for item in node.items if isinstance(node, ast.With | ast.AsyncWith) else ():
            where, made = unfold(Frame(function, function.owner), item.context_expr)
            name = where.module.resolve(made, where.function) or ""
            helper = where.function if where.function is not function else None
            if name.removesuffix("()") in COMMUNICATORS and not (
                helper is not None and helper.node.decorator_list
            ):
                begins = "__enter__" if isinstance(node, ast.With) else "__aenter__"
                yield Found(
                    "test-communicator-without-such-method",
                    f"'WebsocketCommunicator' object has no attribute {begins!r}",
                    at(function, node),
                    RANK - 3,
                    TRIED,
                    "connect() and disconnect(), without async with",
                )
                return


def _made(seen: Evidence, function: Function, talk: Talk) -> Iterator[Found]:
    """The path where a method stands; a consumer without what stands before it."""
    path = given(talk.made, 1, "path")
    named = any(word.arg in ("method", "body") for word in talk.made.keywords)
    if named or (isinstance(path, ast.Constant) and path.value in METHODS):
        yield Found(
            "test-arguments-like-httpcommunicator",
            "TypeError: got an unexpected keyword argument 'method'"
            if named
            else "ValueError: not enough values to unpack (expected 2, got 1)",
            at(function, talk.made),
            RANK - 2,
            TRIED,
            "WebsocketCommunicator(application, path)",
        )
    odd = [str(w.arg) for w in talk.made.keywords if w.arg and w.arg not in _TAKEN]
    if odd and not named:
        near = difflib.get_close_matches(odd[0], _TAKEN, 1)
        yield Found(
            "python-arguments-differ",
            f"TypeError: got an unexpected keyword argument {odd[0]!r}",
            at(function, talk.made),
            RANK - 2,
            TRIED,
            f"{near[0]}=" if near else "application, path, headers, subprotocols",
        )


def _empty(function: Function, talk: Talk) -> Iterator[Found]:
    """``send_to(text_data="")``: it takes an empty text for none."""
    expected = raising(function, ("AssertionError", *LATE))
    for name, call in talk.said:
        given = [*call.args, *(one.value for one in call.keywords)]
        if (
            name == "send_to"
            and all(emptied.may_be_empty(function, one) for one in given)
            and not any(begin <= call.lineno <= end for begin, end in expected)
        ):
            yield Found(
                "test-sends-empty-text",
                "AssertionError: You must supply exactly one of text_data or "
                "bytes_data",
                at(function, call),
                RANK - 2,
                TRIED,
                "a text that is not empty",
            )


def _dead(function: Function, name: str, talk: Talk) -> Iterator[Found]:
    """A time-out that was awaited has ended the application under test."""
    for begin, end in raising(function, LATE):
        waited = [
            call
            for method, call in talk.said
            if method in WAITS and begin <= call.lineno <= end
        ]
        later = [call for _, call in talk.said if call.lineno > end]
        made_again = any(
            isinstance(node, ast.Assign)
            and node.lineno > end
            and name in [ast.unparse(target) for target in node.targets]
            for node in walk(function.node)
        )
        if waited and later and not made_again:
            yield Found(
                "test-communicator-dead-after-timeout",
                "asyncio.exceptions.CancelledError",
                at(function, waited[-1]),
                RANK - 2,
                TRIED,
                f"await {name}.receive_nothing()",
            )


def _unknown(function: Function, talk: Talk) -> Iterator[Found]:
    """``receive_json()``: a consumer has such methods, a communicator has others."""
    if len(function.values.get(talk.name, ())) > 1:
        return  # it is something else, too
    for name, call in talk.said:
        if name not in METHODS_OF_A_TALK and not name.startswith("_"):
            near = difflib.get_close_matches(name, sorted(METHODS_OF_A_TALK), 1, 0.5)
            yield Found(
                "test-communicator-without-such-method",
                f"'WebsocketCommunicator' object has no attribute {name!r}",
                at(function, call),
                RANK - 3,
                TRIED,
                f"{near[0]}()" if near else "one of its methods",
            )
            return


def behind(seen: Evidence, talk: Talk) -> Class | None:
    """The consumer that a communicator ends at."""
    owner = enclosed.alone(seen, talk)
    path = given(talk.made, 1, "path")
    if owner or path is None:
        return owner
    known = enclosed.path_of(talk.where, path)
    routes = dialogue.leaves(seen, f"ws://host{known}") if known else []
    return seen.consumer_class(routes[0].get("consumer")) if routes else None


def greets(owner: Class | None) -> list[ast.expr | None]:
    """What a consumer sends, whoever comes: the texts, as far as they are written."""
    found: list[ast.expr | None] = []
    for name in ("websocket_connect", "connect") if owner else ():
        method = owner.method(name) if owner else None
        found += _greets(owner, method, 0) if owner and method else ()
    return found


def _greets(owner: Class, method: Function, depth: int) -> list[ast.expr | None]:
    """What one of its methods sends, and those that it calls whatever happens."""
    found: list[ast.expr | None] = []
    for statement in method.node.body:
        value = getattr(statement, "value", None)
        call = value.value if isinstance(value, ast.Await) else value
        if not isinstance(call, ast.Call):
            continue
        called = calls.name_of(call, method)
        message = written(call.args[0] if call.args else None, method)
        if called == "self.send" and message and "type" in message:
            kind = getattr(message["type"], "value", "")
            found += [message.get("text")] if kind == "websocket.send" else []
        elif called in ("self.send", "self.send_json"):
            given = [*call.args, *(one.value for one in call.keywords)]
            found.append(given[0] if given else None)
        elif called.startswith("self.") and depth < DEEP:
            inner = owner.method(called.removeprefix("self."))
            found += _greets(owner, inner, depth + 1) if inner is not None else []
    return found


def _greeted(seen: Evidence, function: Function, talk: Talk) -> Iterator[Found]:
    """A message, then its answer; but what comes first is the greeting."""
    received, sent = talk.received, [n for n, _ in talk.said if n.startswith("send_")]
    asked = next((c.lineno for n, c in talk.said if n.startswith("send_")), None)
    connects = "connect" in talk.before or talk.line("connect") is not None
    if len(received) != 1 or len(sent) != 1 or not connects:
        return
    if any(name.startswith("receive") for name in talk.before):
        return
    if asked is None or received[0].lineno < asked or repeats(function):
        return
    greetings = greets(behind(seen, talk))
    if not greetings or any(
        getattr(one, "value", None) in enclosed.words(function) for one in greetings
    ):
        return
    yield Found(
        "test-forgets-the-greeting",
        "the first message is the greeting, and no answer",
        at(function, received[0]),
        RANK,
        TRIED,
        "a test that receives the greeting first",
    )

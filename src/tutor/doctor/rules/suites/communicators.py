"""What tests do with a communicator: what they give it, and what they wait for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import dialogue
from tutor.doctor.rules.browser.expressions import ANY
from tutor.doctor.rules.consumers.written import written
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.suites import emptied
from tutor.doctor.rules.suites.inturn import repeats
from tutor.doctor.rules.suites.talks import DEEP, Talk, talks
from tutor.doctor.rules.suites.testing import RANK
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.defaults import asked, filled_in
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.values import values
from tutor.doctor.source.walking import walk

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"}
WAITS = ("receive_from", "receive_json_from", "receive_output")
LATE = ("TimeoutError", "Exception", "BaseException")


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.functions.values():
        if not is_aside(function.module.file):
            continue
        for name, talk in talks(Frame(function, function.owner)).items():
            if talk.where.function is function:
                yield from _made(seen, function, talk)
            yield from _unrouted(seen, function, talk)
            yield from _empty(function, talk)
            yield from _dead(function, name, talk)
            yield from _greeted(seen, function, talk)


def _given(call: ast.Call, position: int, name: str) -> ast.expr | None:
    if len(call.args) > position:
        return call.args[position]
    return next((k.value for k in call.keywords if k.arg == name), None)


def _made(seen: Evidence, function: Function, talk: Talk) -> Iterator[Found]:
    """The path where a method stands; a consumer without what stands before it."""
    path = _given(talk.made, 1, "path")
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


def _unrouted(seen: Evidence, function: Function, talk: Talk) -> Iterator[Found]:
    """A consumer without what stands before it: made here, or given to a helper."""
    maker = talk.where.function
    alone = replace(talk, where=filled_in(Frame(maker)))
    if maker is not function and _alone(seen, alone):
        return  # it is the helper's own, and told there
    owner = _alone(seen, talk)
    missing = _needs(owner) - _words(function) - _words(maker) if owner else set()
    for key in sorted(missing):
        yield Found(
            "test-consumer-without-urlrouter",
            f"KeyError: {key!r}",
            (function.module.file, talk.since or talk.made.lineno),
            RANK + 1,
            TRIED,
            "the whole application, or a URLRouter around the consumer",
        )


def _alone(seen: Evidence, talk: Talk) -> Class | None:
    """The consumer that a communicator is given with nothing around it."""
    given = _given(talk.made, 0, "application")
    name = talk.where.module.resolve(given, talk.where.function) or ""
    owner = seen.source.classes.get(name.removesuffix(".as_asgi()"))
    if owner is not None and name.endswith(".as_asgi()"):
        return owner
    return next(_chosen(seen, talk.where, given), None)


def _chosen(seen: Evidence, where: Frame, given: ast.expr | None) -> Iterator[Class]:
    """``(A if bell else B).as_asgi()``, the choice under a name perhaps."""
    where, made = unfold(where, given) if given is not None else (where, None)
    if not (isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute)):
        return
    inside, held = asked(where, made.func.value)
    values = inside.function.values.get(getattr(held, "id", ""), [held])
    for one in values if made.func.attr == "as_asgi" else ():
        for part in (one.body, one.orelse) if isinstance(one, ast.IfExp) else (one,):
            there, node = asked(inside, part)
            name = there.module.resolve(node, there.function) or ""
            if (owner := seen.source.classes.get(name)) is not None:
                yield owner


def _needs(owner: Class) -> set[str]:
    """What a consumer takes from its scope, which others have put there."""
    return {
        str(node.slice.value)
        for one in owner.line_of_ancestors
        for method in one.methods.values()
        for node in walk(method.node)
        if isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value in ("url_route", "user", "session")
        and method.module.resolve(node.value, method) == "self.scope"
    }


def _words(function: Function) -> set[str]:
    """The texts in a function: a test may fill the scope itself."""
    return {
        node.value
        for node in walk(function.node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


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


def raising(function: Function, kinds: tuple[str, ...]) -> list[tuple[int, int]]:
    """The lines in which an exception of some kind is awaited."""
    found = []
    for node in walk(function.node):
        types: list[ast.expr | None] = []
        if isinstance(node, ast.Try):
            types = [one.type for one in node.handlers]
            lines = node.lineno, node.body[-1].end_lineno or node.lineno
        elif isinstance(node, ast.With | ast.AsyncWith):
            lines = node.lineno, node.end_lineno or node.lineno
            for item in node.items:
                call = item.context_expr
                if isinstance(call, ast.Call):
                    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
                    if name in ("assertRaises", "raises", "suppress"):
                        types += call.args
        names = {
            (function.module.resolve(part, function) or "").rpartition(".")[2]
            for one in types
            for part in getattr(one, "elts", [one])
        }
        if names & set(kinds):
            found.append(lines)
    return found


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


def behind(seen: Evidence, talk: Talk) -> Class | None:
    """The consumer that a communicator ends at."""
    alone = _alone(seen, talk)
    path = _given(talk.made, 1, "path")
    if alone or path is None:
        return alone
    told = values(talk.where, path) or frozenset()
    if len(told) != 1:
        _, made = unfold(talk.where, path)
        parts = made.values if isinstance(made, ast.JoinedStr) else [made]
        texts = [getattr(part, "value", None) for part in parts]
        if not isinstance(texts[0], str):
            return None
        told = frozenset(
            ["".join(one if isinstance(one, str) else ANY for one in texts)]
        )
    (known,) = told
    routes = dialogue.leaves(seen, f"ws://host{known}")
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
        getattr(one, "value", None) in _words(function) for one in greetings
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

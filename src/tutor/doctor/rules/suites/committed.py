"""A TestCase that waits for what is told after a commit: nothing is committed there."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.dialogue import leaves
from tutor.doctor.rules.consumers.wiring import ON_COMMIT
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.receivers import hears
from tutor.doctor.rules.groups.spreading import tells
from tutor.doctor.rules.suites.talks import Talk, talks
from tutor.doctor.rules.suites.testcases import IN_TRANSACTION
from tutor.doctor.rules.suites.testing import RANK
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import Frame
from tutor.doctor.source.walking import walk

_STORES = ("create", "acreate", "get_or_create", "aget_or_create")
_RUNS = "captureOnCommitCallbacks"
_SAYS = ("send", "send_json", "group_send")


def rules(seen: Evidence) -> Iterator[Found]:
    told = {
        model
        for function in seen.source.all_functions()
        if (models := hears(function) - {""}) and _tells_later_only(function)
        for model in models
    }
    for owner in seen.source.classes.values() if told else ():
        if owner.library_bases() & IN_TRANSACTION and _RUNS not in owner.module.text:
            yield from _waiting(seen, owner, told)


def _waiting(seen: Evidence, owner: Class, told: set[str]) -> Iterator[Found]:
    for name, test in owner.methods.items():
        if not name.startswith("test") or not told & {*_stored(test)}:
            continue
        every = [*talks(Frame(test, owner)).values()]
        waits = [call for talk in every for call in talk.received]
        if waits and all(_only_hears(seen, talk) for talk in every):
            yield Found(
                "test-testcase-with-database-consumer",
                "asyncio.exceptions.TimeoutError",
                at(test, waits[0]),
                RANK - 1,
                TRIED,
                "TransactionTestCase",
                "Within a TestCase nothing is committed, so what on_commit is given "
                "does not run.",
            )
            return


def _only_hears(seen: Evidence, talk: Talk) -> bool:
    """Whether a communicator says nothing, and is not greeted either."""
    speaks = any(method.startswith("send") for method, _ in talk.said)
    owner = _consumer(seen, talk)
    return not speaks and owner is not None and not _greets(owner)


def _consumer(seen: Evidence, talk: Talk) -> Class | None:
    """Whom a communicator talks to: the class itself, or what a path leads to."""
    given = talk.made.args
    module = talk.where.module
    name = module.resolve(given[0], talk.where.function) or "" if given else ""
    if one := seen.source.classes.get(name.removesuffix("()").removesuffix(".as_asgi")):
        return one
    path = getattr(given[1], "value", None) if len(given) > 1 else None
    found = leaves(seen, path) if isinstance(path, str) else []
    return seen.consumer_class(found[0].get("consumer")) if len(found) == 1 else None


def _greets(owner: Class) -> bool:
    """Whether a consumer says something as soon as a client has come."""
    method = owner.method("connect") or owner.method("websocket_connect")
    inner = [
        owner.method(node.attr)
        for node in (walk(method.node) if method is not None else ())
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "self"
    ]
    return any(
        isinstance(node, ast.Attribute) and node.attr in _SAYS
        for one in (method, *inner)
        if one is not None
        for node in walk(one.node)
    )


def _stored(test: Function) -> Iterator[str]:
    """The models of which a test makes rows, itself or by a method of its class."""
    inner = [
        test.owner.method(node.attr)
        for node in walk(test.node)
        if test.owner is not None
        and isinstance(node, ast.Attribute)
        and getattr(node.value, "id", "") == "self"
    ]
    for function in [test, *(one for one in inner if one is not None)]:
        for node in walk(function.node):
            if isinstance(node, ast.Attribute) and node.attr in _STORES:
                name = function.module.resolve(node, function) or ""
                yield name.partition(".objects.")[0]


def _tells_later_only(receiver: Function) -> bool:
    """Whether a group hears of what was saved by ``on_commit``, and only so."""
    given: list[ast.AST] = [
        part
        for call in calls.calls(receiver.node)
        if calls.name_of(call, receiver) == ON_COMMIT
        for argument in call.args[:1]
        for part in walk(argument)
    ]
    later = {id(one) for one in given}
    telling = [one for one in calls.calls(receiver.node) if tells(one, receiver)]
    named = any(_leads(one, receiver) for one in given)
    inside = any(id(one) in later for one in telling)
    return (named or inside) and all(id(one) in later for one in telling)


def _leads(node: ast.AST, receiver: Function) -> bool:
    """Whether a function that is named, or partly called, tells a group."""
    if not isinstance(node, ast.Name | ast.Attribute):
        return False
    call = ast.copy_location(ast.Call(func=node, args=[], keywords=[]), node)
    return tells(call, receiver)

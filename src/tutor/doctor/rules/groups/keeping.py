"""What is kept in Redis by hand: keys that stay for ever, and jobs taken twice."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import walk

RANK = 67
ENDS = {"ex", "px", "exat", "pxat", "keepttl"}
EXPIRES = {"expire", "pexpire", "expireat", "pexpireat", "setex", "psetex"}
# What holds many, and what throws old ones out of it.
HOLDS = {"sadd", "hset", "hsetnx", "hincrby", "lpush", "rpush"}
ENDING = {*EXPIRES, "hexpire", "hpexpire", "hsetex", "zremrangebyscore"}
NAMES = re.compile(r"\w+")
ASKS = {"exists", "get"}


def rules(seen: Evidence) -> Iterator[Found]:
    every = seen.source.modules.items()
    asks = {key: one.text for key, one in every if "redis" in one.text.lower()}
    words = {key: {*NAMES.findall(text)} for key, text in asks.items()}
    for function in seen.source.all_functions():
        known = words.get(function.module.name)
        if known is not None:
            yield from _stays(function)
            yield from _marked(function, known)
            if not ENDING & known:
                yield from _counted(function)
            yield from _taken(function)
            yield from _always_taken(seen, function)


def _method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _stays(function: Function) -> Iterator[Found]:
    """A key for each socket that outlives a process which was killed."""
    inside = calls.calls(function.node)
    if any(_method(call) in EXPIRES for call in inside):
        return
    for call in inside:
        key = call.args[0] if call.args else None
        given = {word.arg for word in call.keywords}
        if (
            _method(call) == "set"
            and key is not None
            and _of_a_socket(key)
            and len(call.args) == 2
            and not given & {*ENDS, None}
        ):
            yield Found(
                "redis-key-never-expires",
                "a key that nobody deletes once its process was killed",
                at(function, call),
                RANK,
                TRIED,
                "a key that expires, and is renewed",
            )


def _marked(function: Function, known: set[str]) -> Iterator[Found]:
    """A mark for each job or client, set once, that nobody takes away again."""
    if {*ENDING, "delete", "unlink", "getdel"} & known:
        return
    for call in calls.calls(function.node):
        words = {word.arg: word.value for word in call.keywords}
        once = _method(call) == "setnx" or bool(
            _method(call) == "set" and getattr(words.get("nx"), "value", False)
        )
        if (
            once
            and calls.name_of(call, function).startswith("redis.")
            and call.args
            and not words.keys() & {*ENDS, None}
            and not isinstance(call.args[0], ast.Constant)
        ):
            yield Found(
                "redis-key-never-expires",
                "a key for each of them that nobody deletes",
                at(function, call),
                RANK,
                TRIED,
                "a key that expires: set(key, value, nx=True, ex=seconds)",
            )
            return


def _counted(function: Function) -> Iterator[Found]:
    """Each socket in one set or hash, where a part cannot expire by itself."""
    inside = calls.calls(function.node)
    for call in inside:
        if _method(call) not in HOLDS or calls.target_of(call, function):
            continue
        held = [*call.args[1:], *(word.value for word in call.keywords)]
        if any(map(_of_a_socket, held[:1] if _method(call) == "hset" else held)):
            yield Found(
                "redis-key-never-expires",
                "a socket that stays counted once its process was killed",
                at(function, call),
                RANK,
                TRIED,
                "a key for each socket, which expires and is renewed",
            )
            return


def _of_a_socket(node: ast.AST) -> bool:
    return any(
        isinstance(one, ast.Attribute) and one.attr == "channel_name"
        for one in walk(node)
    )


def _taken(function: Function) -> Iterator[Found]:
    """Asked for first and set then: two may ask before either sets."""
    inside = calls.calls(function.node)
    for node in walk(function.node):
        if not isinstance(node, ast.If) or not any(map(_gives_up, node.body)):
            continue
        for asked in calls.calls(node.test):
            redis = calls.name_of(asked, function).startswith("redis.")
            if not redis or _method(asked) not in ASKS or not asked.args:
                continue
            key = ast.unparse(asked.args[0])
            for call in inside:
                if (
                    _method(call) == "set"
                    and call.lineno > asked.lineno
                    and call.args
                    and ast.unparse(call.args[0]) == key
                    and not {"nx", None} & {word.arg for word in call.keywords}
                ):
                    yield Found(
                        "worker-job-taken-twice",
                        "two workers ask, both hear no, and both do the job",
                        at(function, asked),
                        RANK,
                        TRIED,
                        "one command that asks and sets: set(key, value, nx=True)",
                    )
                    return


def _always_taken(seen: Evidence, function: Function) -> Iterator[Found]:
    """``return redis.set(key, "")``, and somebody asks whether it was the first."""
    for node in walk(function.node):
        call = getattr(node, "value", None) if isinstance(node, ast.Return) else None
        call = call.value if isinstance(call, ast.Await) else call
        if not isinstance(call, ast.Call) or _method(call) != "set":
            continue
        given = {word.arg for word in call.keywords}
        redis = calls.name_of(call, function).startswith("redis.")
        if redis and not given & {"nx", "xx", "get", None} and _decides(seen, function):
            yield Found(
                "worker-job-taken-twice",
                "set says yes to everyone, also where the key is there already",
                at(function, call),
                RANK,
                TRIED,
                "set(key, value, nx=True), which says who was the first",
            )
            return


def _decides(seen: Evidence, function: Function) -> bool:
    """Whether somebody does one thing or another by what a function says."""
    name = f"{function.module.name}.{function.name}"
    return any(
        isinstance(call, ast.Call) and calls.name_of(call, other) == name
        for other in seen.source.all_functions()
        if function.name in other.module.text
        for node in walk(other.node)
        if isinstance(node, ast.If)
        for call in walk(node.test)
    )


def _gives_up(node: ast.stmt) -> bool:
    """Whether a statement returns with nothing, or with no."""
    if not isinstance(node, ast.Return):
        return False
    value = node.value
    return value is None or (isinstance(value, ast.Constant) and not value.value)

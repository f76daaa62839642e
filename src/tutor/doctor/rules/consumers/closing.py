"""What a consumer does about its end: codes, and what it sends afterwards."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.commands import commands
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import written
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function, calls, typed
from tutor.doctor.source.flow import Frame
from tutor.doctor.source.values import values
from tutor.doctor.source.walking import walk


def closing_codes(seen: Evidence, owner: Class) -> Iterator[Found]:
    """Codes that no server may close an open socket with: 400, 1001, "4000"."""
    if not owner.kind.endswith(("generic", "json")):
        return
    for method in owner.methods.values():
        for call in calls.calls(method.node):
            if calls.name_of(call, method) != "self.close" or _opens(
                owner, method, call
            ):
                continue
            named = [word.value for word in call.keywords if word.arg == "code"]
            for code in [*call.args, *named][:1]:
                if typed.type_of(code, method) == "str":
                    if owner.method("close") is None or _hands_on(owner):
                        yield _text(method, call)
                    continue
                told = values(Frame(method, owner), code) or ()
                for text in sorted(told):
                    if text.isdigit() and not may_close(seen, int(text)):
                        yield Found(
                            "consumer-close-code-not-allowed",
                            f"close code {text} becomes 1011",
                            at(method, call),
                            60,
                            TRIED,
                            "1000, or a code from 3000 to 4999",
                        )


def _text(method: Function, call: ast.Call) -> Found:
    """A text in the place of the code."""
    return Found(
        "consumer-close-code-not-allowed",
        "a close code that is text becomes 1011",
        at(method, call),
        60,
        TRIED,
        "1000, or a code from 3000 to 4999",
        "The code is a number, and this is text.",
    )


def _hands_on(owner: Class) -> bool:
    """Whether a close() of the project's own gives the library what it is given."""
    method = owner.method("close")
    names = [one.arg for one in method.node.args.args[1:2]] if method else []
    return method is not None and any(
        calls.name_of(call, method) == "builtins.super().close"
        and any(
            getattr(one, "id", "") in names
            for one in [*call.args[:1], *(word.value for word in call.keywords)]
        )
        for call in calls.calls(method.node)
    )


_BEGIN = ("connect", "websocket_connect")


def may_close(seen: Evidence, code: int) -> bool:
    """Whether a server lets a close code through: Daphne fewer than others."""
    if code in (1001, 1002, 1003) or 1007 <= code <= 1014:
        apps = [str(app) for app in seen.settings.get("apps") or []]
        started = {one.server for one in commands(seen.project)}
        others = started & {"uvicorn", "gunicorn", "hypercorn", "granian"}
        return bool(others) and "daphne" not in {*apps, *started}
    return code == 1000 or 3000 <= code <= 4999


def _opens(owner: Class, method: Function, call: ast.Call) -> bool:
    """Whether the socket may not be open yet; a code before that is lost anyway."""
    if method.name in _BEGIN:
        return not any(
            calls.name_of(one, method) == "self.accept" and one.lineno < call.lineno
            for one in calls.calls(method.node)
        )
    return f"self.{method.name}" in _begun(owner)


def _begun(owner: Class) -> set[str]:
    """What a consumer calls of itself before it has accepted, however deep."""
    found = {f"self.{name}" for name in _BEGIN}
    left = [*found]
    while left:
        method = owner.method(left.pop().removeprefix("self."))
        if method is None:
            continue
        named = [(one, calls.name_of(one, method)) for one in calls.calls(method.node)]
        accepts = [one.lineno for one, name in named if name == "self.accept"]
        for one, name in named:
            if accepts and one.lineno > max(accepts):
                continue
            if name.startswith("self.") and name not in found:
                found.add(name)
                left.append(name)
    return found


def after_close(seen: Evidence, owner: Class) -> Iterator[Found]:
    """Statements that send after a close in the same block, with no return between.

    To whoever hears of the end of its socket, the client is gone already.
    """
    own = any(owner.method(name) for name in ("send", "send_json"))  # it may be ready
    for method in owner.methods.values():
        gone = method.name in ("disconnect", "websocket_disconnect") and not own
        for body in _bodies(method.node):
            closed = gone and body is method.node.body
            for statement in body:
                if isinstance(statement, (ast.Return, ast.Raise)):
                    break
                kinds = _kinds(statement, method)
                if closed and kinds & {"send", "accept", "send_json"}:
                    opening = method.name in ("connect", "websocket_connect")
                    yield Found(
                        "auth-close-without-return"
                        if opening and "accept" in kinds
                        else "consumer-send-after-close",
                        "Attempt to send on a closed protocol",
                        at(method, statement),
                        65,
                        TRIED,
                        "return after close",
                    )
                    break
                closed = closed or (
                    _closes(statement, method) and not _leaves(statement)
                )


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for child in walk(node):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(child, name, None)
            if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                yield body


def _kinds(statement: ast.stmt, method: Function) -> set[str]:
    """What a simple statement does to the socket."""
    if not isinstance(statement, (ast.Expr, ast.Assign)):
        return set()
    found = set()
    for call in calls.calls(statement):
        name = calls.name_of(call, method)
        if name == "self.send" and call.args:
            message = written(call.args[0], method) or {}
            kind = message.get("type")
            value = (
                str(kind.value) if isinstance(kind, ast.Constant) else "websocket.send"
            )
            found.add(value.rpartition(".")[2])
        elif name.startswith("self."):
            found.add(name[5:])
            found |= _sent_by(call, method)
        elif name.startswith("builtins.super()."):
            found.add(name.rpartition(".")[2])
    return found


def _sent_by(call: ast.Call, method: Function, depth: int = 0) -> set[str]:
    """What a method of the project sends whenever it is called."""
    target = calls.target_of(call, method)
    found: set[str] = set()
    for statement in target.node.body if target is not None and depth < 3 else ():
        for inner in calls.calls(statement) if _is_plain(statement) else ():
            assert target is not None
            name = calls.name_of(inner, target)
            if name in ("self.send", "self.send_json"):
                found.add(name[5:])
            elif name.startswith("self."):
                found |= _sent_by(inner, target, depth + 1)
    return found


def _is_plain(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Expr, ast.Assign, ast.Return))


def _closes(statement: ast.stmt, method: Function) -> bool:
    if isinstance(statement, ast.If):
        return (
            any("close" in _kinds(inner, method) for inner in statement.body)
            and not any("close" in _kinds(inner, method) for inner in statement.orelse)
            and not statement.orelse
        )
    return "close" in _kinds(statement, method)


def _leaves(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and any(
        isinstance(inner, (ast.Return, ast.Raise)) for inner in statement.body
    )

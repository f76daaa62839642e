"""A session that a consumer changes, and that nobody saves, or not as it must."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function
from tutor.doctor.source.walking import own_nodes, walk

RANK = 74
_CHANGES = {"update", "setdefault", "pop", "clear"}
# Who logs somebody in or out saves it as well.
_SAVES = ("save", "flush", "login", "logout", "cycle_key")


def rules(seen: Evidence) -> Iterator[Found]:
    """``self.scope["session"]["last"] = 1``: a socket has no answer that saves it."""
    for owner in seen.source.consumers():
        yield from _at_once(owner)
        http = any("generic.http" in base for base in owner.library_bases())
        if http or _saves(owner):
            continue
        for method in owner.methods.values():
            for node in own_nodes(method.node):
                key = _changed(node, method)
                if key is not None and not _is_read(owner, key, method):
                    yield Found(
                        "auth-session-not-saved",
                        "nothing: the change is gone with the socket",
                        at(method, node),
                        RANK,
                        TRIED,
                        "a session that is saved",
                    )
                    return


def _at_once(owner: Class) -> Iterator[Found]:
    """``session.save()`` where a coroutine waits: the table is asked at once."""
    if any(
        "SESSION_ENGINE" in one.values for one in owner.module.source.modules.values()
    ):
        return  # it may be kept where nobody has to wait
    for method in owner.methods.values():
        for node in own_nodes(method.node) if method.is_async else ():
            func = getattr(node, "func", None)
            if not isinstance(func, ast.Attribute) or func.attr != "save":
                continue
            if _is_session(func.value, method):
                yield Found(
                    "auth-session-saved-synchronously",
                    "You cannot call this from an async context",
                    at(method, node),
                    63,
                    TRIED,
                    "await session.asave()",
                )


def _saves(owner: Class) -> bool:
    """Whether anything in a consumer's family or its module may save a session."""
    trees = {id(one.module): one.module.tree for one in owner.line_of_ancestors}
    return any(
        word in getattr(node, "attr", getattr(node, "id", ""))
        for tree in trees.values()
        for node in walk(tree)
        if isinstance(node, ast.Attribute | ast.Name)
        for word in _SAVES
    )


def _changed(node: ast.AST, method: Function) -> str | None:
    """The key of a session that a statement gives another value."""
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        ours = _is_session(node.value, method)
        return str(getattr(node.slice, "value", "")) if ours else None
    func = getattr(node, "func", None)
    if not isinstance(func, ast.Attribute) or func.attr not in _CHANGES:
        return None
    return "" if _is_session(func.value, method) else None


def _is_session(node: ast.expr, method: Function) -> bool:
    if isinstance(node, ast.Name):
        made = method.values.get(node.id, [])
        return len(made) == 1 and _is_session(made[0], method)
    return (
        isinstance(node, ast.Subscript)
        and getattr(node.slice, "value", None) == "session"
        and method.module.resolve(node.value, method) == "self.scope"
    )


def _is_read(owner: Class, key: str, writer: Function) -> bool:
    """Whether another method reads a key again: a note for as long as it lives."""
    for one in owner.line_of_ancestors:
        for method in one.methods.values():
            for node in walk(method.node) if method is not writer else ():
                asked: list[ast.expr] = []
                if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                    asked = [node.slice]
                elif getattr(getattr(node, "func", None), "attr", "") == "get":
                    asked = getattr(node, "args", [])[:1]
                if any(getattr(word, "value", None) == key for word in asked):
                    return True
    return False

"""The user of a request in views that are coroutines: asked for when touched."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function
from tutor.doctor.source.walking import own_nodes

RANK = 64
_SETS = "django.contrib.auth.middleware.AuthenticationMiddleware"


def rules(seen: Evidence) -> Iterator[Found]:
    used = [str(name) for name in seen.settings.get("middleware") or []]
    own = any(not name.startswith("django.") for name in used)
    if _SETS not in used or own or any("LoginRequired" in name for name in used):
        return  # another one may have touched it before, in a thread
    for function in seen.source.all_functions():
        name = _request(function)
        for node in own_nodes(function.node) if name else ():
            if (
                isinstance(node, ast.Attribute)
                and node.attr == "user"
                and isinstance(node.ctx, ast.Load)
                and ast.unparse(node.value) == name
            ):
                yield Found(
                    "db-orm-in-async-consumer",
                    "You cannot call this from an async context",
                    at(function, node),
                    RANK,
                    TRIED,
                    f"await {name}.auser()",
                )
                return


def _request(function: Function) -> str:
    """What a coroutine that is a view calls its request; empty where it is none."""
    if not function.is_async:
        return ""
    given = [one.arg for one in function.node.args.args]
    if function.owner is None:
        return "request" if given[:1] == ["request"] else ""
    bases = function.owner.library_bases()
    if any(base.startswith("django.views.generic.") for base in bases):
        own = f"{function.self_name}.request"
        return own if given[1:2] != ["request"] else "request"
    return ""

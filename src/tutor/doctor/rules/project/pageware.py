"""MIDDLEWARE that is none: apps, or what Channels puts around sockets."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.source.walking import walk

RANK = 20
SLUG = "settings-middleware-is-no-middleware"


def rules(seen: Evidence) -> Iterator[Found]:
    wrong = no_middleware(seen)
    if wrong is not None:
        entry, place = wrong
        got = f"{entry} cannot be asked for a page"
        yield Found(SLUG, got, place, RANK, "reading MIDDLEWARE", "what pages pass")


def no_middleware(seen: Evidence) -> tuple[str, Place] | None:
    """The first entry that is an app, or of a library that has none for pages."""
    apps = [str(app) for app in seen.settings.get("apps") or []]
    for entry in seen.settings.get("middleware") or []:
        if "." not in entry or entry in apps or entry.startswith("channels."):
            return entry, _written(seen, entry)
        if _is_of_sockets(seen, entry):
            return entry, _written(seen, entry)
    return None


def _is_of_sockets(seen: Evidence, entry: str) -> bool:
    """Whether a middleware of the project is called with scope, receive and send."""
    owner = seen.source.classes.get(entry)
    method = owner.method("__call__") if owner is not None else None
    if method is None or method.node.args.vararg is not None:
        return False
    told = method.node.args
    return len(told.posonlyargs + told.args) - len(told.defaults) == 4


def _written(seen: Evidence, entry: str) -> Place:
    file, line = seen.setting("MIDDLEWARE")
    module = seen.source.by_file(file or "")
    for node in module.tree.body if module is not None else ():
        if not isinstance(node, ast.Assign | ast.AugAssign | ast.Expr):
            continue
        if not ast.unparse(node).startswith("MIDDLEWARE"):
            continue
        for part in walk(node):
            if isinstance(part, ast.Constant) and part.value == entry:
                return file, part.lineno
    return file, line

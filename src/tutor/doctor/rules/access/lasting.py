"""A key that is kept in the database, and asked for in the URL of a socket."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import unfold
from tutor.doctor.source.walking import walk

RANK = 72
DEEP = 4
_SECRET = re.compile(
    r"(?:\w+_)?(?:token|secret|(?:api|access|auth|ingest|private)_?key)"
)
_BARE = re.compile(r"key")  # of a model that is a token itself
_LOOKUPS = ("get", "filter", "aget", "get_or_create", "exclude")
# What a row says that is good for a while, or once.
_ENDS = re.compile(r"expir|used|until|valid|ends|consumed|redeem|ttl", re.I)
_YOUNG = ("__gt", "__gte", "__lt", "__lte")  # those that were made lately
_ONCE = re.compile(r"ticket|invit|nonce|once|temporary|short", re.I)


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            name = calls.name_of(call, function)
            model = seen.source.classes.get(name.partition(".objects")[0])
            if model is None or name.rpartition(".")[2] not in _LOOKUPS:
                continue
            if any((word.arg or "").endswith(_YOUNG) for word in call.keywords):
                continue
            for word in call.keywords:
                if not _is_secret(word.arg or "", model) or _ends(seen, model):
                    continue
                for frame in seen.sites.frames(function):
                    where, given = unfold(frame, word.value)
                    if _reads(where.function, given, 0):
                        yield Found(
                            "auth-token-in-the-url",
                            f"{word.arg!r} of {model.name} is read from the URL",
                            at(where.function, given),
                            RANK,
                            TRIED,
                            "the cookie of the session, or a ticket that is good once",
                        )
                        return


def _is_secret(name: str, model: Class) -> bool:
    field = name.partition("__")[0]
    if _BARE.fullmatch(field):
        return bool(re.search(r"token|secret|key", model.name, re.I))
    return bool(_SECRET.fullmatch(field))


def _ends(seen: Evidence, model: Class) -> bool:
    """Whether a row of a model is good for a while only, or is taken away."""
    if _ONCE.search(model.name) or any(map(_ENDS.search, model.attributes)):
        return True
    return any(
        name.startswith(f"{model.dotted}.objects.") and name.endswith("delete")
        for function in seen.source.all_functions()
        for call in calls.calls(function.node)
        for name in [calls.name_of(call, function)]
    )


def _reads(function: Function, node: ast.expr, depth: int) -> bool:
    """Whether an expression is taken out of a scope's query string."""
    if depth > DEEP:
        return False
    for part in [node, *walk(node)]:
        if isinstance(part, ast.Constant) and part.value == "query_string":
            return True
        for value in function.values.get(getattr(part, "id", ""), []):
            if _reads(function, value, depth + 1):
                return True
    return False

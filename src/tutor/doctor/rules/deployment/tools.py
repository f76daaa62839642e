"""Programs that knock as a browser does, and do not say whose page they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.dialogue import leaves
from tutor.doctor.rules.browser.expressions import ANY
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import Frame, body, every_call, unfold
from tutor.doctor.source.walking import walk

RANK = 77
# They send no Origin of their own; websocket-client does.
_CONNECTS = re.compile(r"websockets\.(?:\w+\.)*connect|aiohttp\..*\.ws_connect")
_TOLD = re.compile(r"origin|headers|kwargs")


def rules(seen: Evidence) -> Iterator[Found]:
    """``websockets.connect(url)`` for a path behind the check of origins."""
    origins = seen.walk.get("origins")
    if origins is None or "*" in origins:
        return
    bodies = [body(module) for module in seen.source.modules.values()]
    for function in (*seen.source.all_functions(), *bodies):
        if _expects_it(function):
            continue
        for call in every_call(function.node):
            name = calls.name_of(call, function)
            told = any(_TOLD.search(word.arg or "kwargs") for word in call.keywords)
            if not _CONNECTS.fullmatch(name) or not call.args or told:
                continue
            frames = seen.sites.frames(function) or [Frame(function, function.owner)]
            urls = [_url(frame, call.args[0]) for frame in frames]
            if any(url and leaves(seen, url) for url in urls):
                yield Found(
                    "origin-tool-without-origin-header",
                    "server rejected WebSocket connection: HTTP 403",
                    at(function, call),
                    RANK,
                    TRIED,
                    "origin=, with the address of the site",
                )
                return


def _expects_it(function: Function) -> bool:
    """Whether somebody waits for the refusal."""
    names = {
        getattr(node, "attr", getattr(node, "id", ""))
        for node in walk(function.node)
        if isinstance(node, ast.Name | ast.Attribute)
    }
    return any(re.search(r"[rR]aises$|^InvalidStatus|Rejected", one) for one in names)


def _url(frame: Frame, node: ast.expr, depth: int = 0) -> str:
    """A text as far as it is written; what is not known is one character."""
    where, found = unfold(frame, node)
    if depth > 5:
        return ANY
    if isinstance(found, ast.Constant):
        return str(found.value)
    if isinstance(found, ast.FormattedValue):
        return _url(where, found.value, depth + 1)
    if isinstance(found, ast.JoinedStr):
        return "".join(_url(where, one, depth + 1) for one in found.values)
    if isinstance(found, ast.BinOp) and isinstance(found.op, ast.Add):
        left = _url(where, found.left, depth + 1)
        return left + _url(where, found.right, depth + 1)
    return ANY

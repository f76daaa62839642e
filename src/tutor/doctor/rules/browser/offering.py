"""The subprotocols that a page offers, against what its consumer chooses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.dialogue import leaves
from tutor.doctor.rules.browser.handling import called
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Class
from tutor.doctor.source.walking import walk

_LISTED = re.compile(r"\[\s*[^\s\]]|['\"`]\w")


def rules(seen: Evidence, socket: Socket, every: list[Code]) -> Iterator[Found]:
    """A list of subprotocols, and a consumer that chooses none."""
    if not _LISTED.match(socket.options) and not _made(socket, every):
        return
    owners = [
        seen.consumer_class(leaf.get("consumer")) for leaf in leaves(seen, socket.url)
    ]
    if owners and all(one is not None and not _chooses(one) for one in owners):
        yield Found(
            "client-subprotocol-not-answered",
            "Sent non-empty 'Sec-WebSocket-Protocol' header but no response was "
            "received",
            socket.place,
            67,
            TRIED,
            "accept(subprotocol=...) with one of those offered",
        )


def _made(socket: Socket, every: list[Code]) -> bool:
    """Whether a function makes the list: ``new WebSocket(url, await offered())``."""
    named = re.fullmatch(r"(?:await\s+)?([\w$.]+)\s*\(\s*\)", socket.options)
    found = [
        (other, one)
        for code in (every if named else ())
        for spans in code.sockets.values()
        for new, _ in spans
        if named and code.spot(new) == socket.place
        if (function := code.around(new)) is not None
        for other, one in called(code, function, named[1], every)
        if other.script.file in (socket.given[0], socket.place[0])
    ]
    mine = [pair for pair in found if pair[0].script.file == socket.given[0]]
    return bool(mine) and all(_gives_a_list(*pair) for pair in mine)


def _gives_a_list(code: Code, function: Func) -> bool:
    """Whether a function gives back a list with a text in it, whatever happens."""
    begin, end = function.body
    if not function.is_block:
        return bool(_LISTED.match(code.script.text[begin:end].strip(" (")))
    given = [
        code.script.text[begin + match.end() : end]
        for match in re.finditer(r"\breturn\b\s*", code.bare[begin:end])
        if code.around(begin + match.start()) == function
    ]
    return bool(given) and all(map(_LISTED.match, given))


def _chooses(owner: Class) -> bool:
    """Whether any method of a consumer names a subprotocol."""
    return any(
        getattr(node, "arg", None) == "subprotocol"
        or getattr(node, "value", None) == "subprotocol"
        or (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", "") == "accept"
            and node.args
        )
        for one in owner.line_of_ancestors
        for method in one.methods.values()
        for node in walk(method.node)
    )

"""What a page shows of its own message: once itself, and again when it comes back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import events, tables
from tutor.doctor.rules.browser.dialogue import leaves
from tutor.doctor.rules.browser.handling import called, handlers
from tutor.doctor.rules.browser.imports import takes
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.reach import inner, reach
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.walking import walk

RANK = 76
DEEP = 4
# What adds something to a page, whatever is there already.
_ADDS = (
    r"\.\s*(?:append|appendChild|prepend|insertAdjacent\w+|insertRow|push|unshift)\s*\("
)
_GROWS = r"\.\s*(?:innerHTML|textContent|innerText|value)\s*\+="
_ADDING = re.compile(rf"([\w$.]+)\s*(?:{_ADDS}|{_GROWS})")
_CHOOSES = re.compile(r"\bif\b|\?|\bswitch\b|\.\s*(?:has|get|find\w*|includes)\s*\(")
_SENDS = re.compile(r"(?<![\w$.])([\w$.]+)\s*\.\s*(?:send\w*|emit)\s*\(")
_CALL = re.compile(r"(?<![\w$])([\w$.#]+)\s*\(")
_TEST = re.compile(r"\bif\s*\(")
# A test that only tells kinds of messages apart.
_KIND = re.compile(r"""[\w$.?]+\s*[!=]==?\s*(['"`]).*?\1""")
_COMMON = {"JSON", "stringify", "this", "document", "window", "type", "trim"}
_PARTS = {"value", "data", "length", "text", "elements", "target"}  # behind a dot
_ENTERS = ("receive_json", "receive", "websocket_receive")
Shown = tuple[str, int]  # who adds, and where that is called


def rules(seen: Evidence, every: list[Code], opened: list[Socket]) -> Iterator[Found]:
    """A function that sends and shows, beside a handler that shows the same way."""
    heard: list[tuple[Code, Func]] = []
    for code in every:
        for handler in handlers(code, every):
            _follow(handler.code, handler.function, every, heard, 0)
    shown = {
        name
        for code, function in heard
        if _tells_kinds_only(code, function)
        for name, _ in _adding(code, function, every)
    }
    shown |= {f.name for code, f in heard if f.name and _adds_alone(code, f)}
    for code in every:
        for function in code.functions:
            if (code, function) in heard or not shown:
                continue
            for place in _both(code, function, every, shown):
                if not _all_come_back(seen, code, every, opened):
                    break
                yield Found(
                    "group-sender-gets-own-message",
                    "the group has the sender in it, too: it sees its message twice",
                    code.spot(place),
                    RANK,
                    TRIED,
                    "what comes from the server, shown once",
                )
                return


def _all_come_back(
    seen: Evidence, code: Code, every: list[Code], opened: list[Socket]
) -> bool:
    """Whether the consumers that a script talks to send back what it says."""
    file = code.script.file
    mine = [one for one in opened if file in (one.given[0], one.place[0])]
    if not mine:  # it imports what is made elsewhere
        near = {one.script.file for one in every if takes(code, one)}
        mine = [one for one in opened if one.given[0] in near]
    ends = {
        leaf.get("consumer") for s in mine or opened for leaf in leaves(seen, s.url)
    }
    classes = [seen.consumer_class(one) for one in ends]
    return bool(classes) and all(one and _comes_back(seen, one) for one in classes)


def _follow(
    code: Code,
    function: Func,
    every: list[Code],
    heard: list[tuple[Code, Func]],
    depth: int,
) -> None:
    """Add a function that hears messages, and those to which it hands them on."""
    if (code, function) in heard or depth > DEEP:
        return
    heard.append((code, function))
    for match in _CALL.finditer(code.bare, *function.body):
        inside = code.plain((match.end(), code.pairs.get(match.end() - 1, 0)))
        if code.around(match.start()) == function and "=>" not in inside:
            for other, one in called(code, function, match[1], every):
                if one.given and not _adds_alone(other, one):
                    _follow(other, one, every, heard, depth + 1)
    for other, one in events.made(code, function, every):
        _follow(other, one, every, heard, depth + 1)
    for other, one in tables.run(code, function, r"[\w$.]+", every):
        _follow(other, one, every, heard, depth + 1)


def _adds_alone(code: Code, function: Func) -> bool:
    """Whether all that a function does is to add what it is given."""
    body = code.plain(function.body)
    return bool(_ADDING.search(body)) and not _CHOOSES.search(body)


def _adding(code: Code, function: Func, every: list[Code]) -> Iterator[Shown]:
    """What a function adds to the page: by which function, or to which element."""
    begin, end = function.body
    for match in _CALL.finditer(code.bare, begin, end):
        if code.around(match.start()) != function:
            continue
        if any(_adds_alone(*one) for one in called(code, function, match[1], every)):
            yield match[1].rpartition(".")[2], match.start()
    for match in _ADDING.finditer(code.bare, begin, end):
        outer = code.around(match.start()) == function
        local = rf"\b(?:const|let|var)\s+{re.escape(match[1])}\b"
        if outer and not re.search(local, code.bare[begin:end]):
            yield f"+{match[1]}", match.start()


def _tells_kinds_only(code: Code, function: Func) -> bool:
    """Whether a handler asks for nothing but the kind of a message."""
    begin, end = function.body
    for match in _TEST.finditer(code.bare, begin, end):
        close = code.pairs.get(match.end() - 1, match.end())
        if not _KIND.fullmatch(code.text((match.end(), close))):
            return False
    return not re.search(r"\?[^.?]", code.bare[begin:end])


def _both(
    code: Code, function: Func, every: list[Code], shown: set[str]
) -> Iterator[int]:
    """Where a function shows what it sends, by what shows messages, too."""
    begin, end = function.body
    sent: set[str] = set()
    for match in _SENDS.finditer(code.bare, begin, end):
        if code.around(match.start()) == function:
            sent |= _words(code, match.end() - 1)
    for name, place in _adding(code, function, every) if sent else ():
        bracket = code.bare.find("(", place)
        line = code.bare.find("\n", place)
        grows = code.bare.find("+=", place, line if line > 0 else end)
        told = _words(code, bracket) if grows < 0 else set[str]()
        for word in [*told]:
            told |= _filled(code, function, word)
        if grows > 0:
            told = _plain(code.text(code.expression(grows + 2)))
        if name in shown and told & sent:
            yield place


def _words(code: Code, bracket: int) -> set[str]:
    """The names and texts that a call is given."""
    close = code.pairs.get(bracket, bracket)
    return _plain(code.script.text[bracket + 1 : close])


def _filled(code: Code, function: Func, name: str) -> set[str]:
    """``item.textContent = text``: the names in what a new element is given."""
    begin, end = function.body
    made = rf"\b(?:const|let|var)\s+{re.escape(name)}\b"
    if not re.search(made, code.bare[begin:end]):
        return set()
    put = rf"(?<![\w$.]){re.escape(name)}\s*\.\s*(?:textContent|innerText)\s*=(?!=)"
    return {
        word
        for match in re.compile(put).finditer(code.bare, begin, end)
        for word in _plain(code.text(code.expression(match.end())))
    }


def _plain(text: str) -> set[str]:
    found = re.findall(r"(\.?)\s*([A-Za-z_$][\w$]*)", text)
    return {w for dot, w in found if w not in _COMMON and not (dot and w in _PARTS)}


def _comes_back(seen: Evidence, owner: Class) -> bool:
    """Whether what a client says goes to a group that it is in, and so to itself."""
    line = owner.line_of_ancestors
    reached: list[Frame] = []
    for name in _ENTERS:
        method = owner.method(name)
        if method is not None:
            reach(Frame(method, owner), reached)
    joins = any(
        calls.is_layer(name) and name.endswith(".group_add")
        for one in line
        for method in one.methods.values()
        for call in calls.calls(method.node)
        for name in [inner(call, method)]
    )
    kinds = {
        str(kind).replace(".", "_")
        for frame in reached
        for call in calls.calls(frame.function.node)
        if inner(call, frame.function).endswith(".group_send")
        for kind in _types(frame, call)
    }
    told = [method for kind in kinds if (method := owner.method(kind))]
    return joins and bool(told) and all(map(_hands_on, told))


def _types(frame: Frame, call: ast.Call) -> Iterator[object]:
    for argument in call.args[1:2]:
        where, event = unfold(frame, argument)
        for key, value in zip(
            getattr(event, "keys", []), getattr(event, "values", []), strict=False
        ):
            if getattr(key, "value", "") == "type":
                yield getattr(unfold(where, value)[1], "value", None)


def _hands_on(method: Function) -> bool:
    """Whether a group's handler sends on all that it hears, whoever has said it."""
    choices = (ast.If, ast.IfExp, ast.Match, ast.Compare)
    return not any(isinstance(node, choices) for node in walk(method.node)) and any(
        calls.name_of(call, method).startswith("self.send")
        for call in calls.calls(method.node)
    )

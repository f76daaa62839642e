"""All that pages send, against all that their consumer reads: half a rename."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import fieldtypes, keys
from tutor.doctor.rules.browser.dialogue import consumer_of, leaves
from tutor.doctor.rules.browser.javascript import Code, Func, Span
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.sending import messages
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Function, calls
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

ALIKE = 0.75
_KEY = re.compile(r"\s*(?:([\w$]+)|['\"]([^'\"]*)['\"])\s*(?::\s*(.*))?$", re.S)
Objects = list[tuple[Code, int, dict[str, str]]]  # where, and values by their keys


def rules(seen: Evidence, every: list[Code], opened: list[Socket]) -> Iterator[Found]:
    yield from _texts(seen, every, opened)
    ends = {leaf.get("consumer") for one in opened for leaf in leaves(seen, one.url)}
    owner = seen.consumer_class(next(iter(ends))) if len(ends) == 1 else None
    sent = _all_sent(every) if owner is not None else None
    if owner is None or not sent:
        return
    wanted = keys.heard(owner)
    said = {key for _, _, one in sent for key in one}
    own = [one for one in seen.source.modules.values() if not is_aside(one.file)]
    scripts = "\n".join(one.script.text for one in every)
    for read in sorted((wanted or set()) - said):
        if re.search(rf"""(?<![\w$.]){re.escape(read)}['"]?\s*:""", scripts):
            continue
        for code, index, one in sent:
            for key in sorted({*one} - (wanted or set())):
                quoted = rf"['\"]{re.escape(key)}['\"]"
                known = any(re.search(quoted, module.text) for module in own)
                if _alike(key, read) and not known:
                    yield Found(
                        "client-sends-another-key",
                        f"nobody reads {key!r}, and nobody sends {read!r}",
                        code.spot(index),
                        keys.RANK,
                        TRIED,
                        read,
                    )
                    return


def _alike(one: str, other: str) -> bool:
    """Whether two names are meant to be one: ``machine`` and ``machineId``."""
    parts = [
        {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)}
        for name in (one, other)
    ]
    ratio = difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio()
    return parts[0] <= parts[1] or parts[1] <= parts[0] or ratio >= ALIKE


def _all_sent(every: list[Code]) -> Objects | None:
    """Each object that a socket sends as JSON; None where one is not written out."""
    found: Objects = []
    for code in every:
        for name in code.sockets:
            for one in sent_by(code, name, every):
                if one is None:
                    return None
                found += one
    return found


def sent_by(code: Code, name: str, every: list[Code]) -> Iterator[Objects | None]:
    """What each ``send`` of a socket says; None where it is not written out as JSON."""
    word = rf"(?<![\w$.]){re.escape(name)}\s*\??\.\s*send\s*\("
    for match in re.finditer(word, code.bare):
        given = code.arguments(match.end() - 1)
        inner = re.match(
            r"\s*JSON\.stringify\s*\(",
            code.bare[given[0][0] :] if given else "",
        )
        if inner is None:
            yield None
            continue
        bracket = given[0][0] + inner.end() - 1
        yield _written(code, code.arguments(bracket)[:1], every, match.start())


def _written(
    code: Code, spans: list[Span], every: list[Code], index: int
) -> Objects | None:
    """The objects behind an argument: there, or where callers write them."""
    if not spans:
        return None
    if (said := _object(code, spans[0])) is not None:
        return [(code, spans[0][0], said)]
    function, name = code.around(index), code.plain(spans[0])
    if function is None or not function.name or name not in function.given:
        return None
    position, found = function.given.index(name), Objects()
    word = rf"(?<![\w$]){re.escape(function.name)}\s*\("
    for other in every:
        for match in re.finditer(word, other.bare):
            if any(
                f.start <= match.start() < f.body[0]
                for f in _made(other, function.name)
            ):
                continue
            before = other.bare[: match.start()].rstrip()
            if any(before.endswith(f"{socket}.") for socket in other.sockets):
                continue  # the socket's own
            given = other.arguments(match.end() - 1)
            told = _object(other, given[position]) if len(given) > position else None
            if told is None:
                return None
            found.append((other, match.start(), told))
    return found


def _made(code: Code, name: str) -> list[Func]:
    return [one for one in code.functions if one.name == name]


def _object(code: Code, span: Span) -> dict[str, str] | None:
    """An object that is written out, with what stands behind each key."""
    text = code.plain(span)
    if not text.startswith("{") or not text.endswith("}"):
        return None
    found = {}
    for part in code.arguments(code.bare.index("{", span[0])):
        match = _KEY.match(code.text(part))
        if match is None and code.text(part).strip():
            return None  # something is unpacked, or computed
        if match:
            found[match[1] or match[2]] = (match[3] or match[1] or "").strip()
    return found


def _texts(seen: Evidence, every: list[Code], opened: list[Socket]) -> Iterator[Found]:
    """A text under a key of which the server asks that it is a number already."""
    for code in every:
        for name in code.sockets:
            owner = consumer_of(seen, opened, code, name)
            own = owner.module if owner is not None else None
            asked = [f"{path}." for path in own.names.values()] if own else []
            numbers = {
                key
                for function in seen.source.all_functions()
                if function.module is own
                or any(path.startswith(f"{function.module.name}.") for path in asked)
                for key in _numbers(function)
            }
            for one in messages(code, name, every) if numbers else ():
                for key in sorted(numbers & {*one.held}):
                    if fieldtypes.is_text(one.code, one.index, one.held[key]):
                        yield Found(
                            "client-sends-text-for-number",
                            f"{key} is a text, and the server asks for a number",
                            one.code.spot(one.index),
                            fieldtypes.RANK,
                            TRIED,
                            f"{key}: Number(…)",
                        )
                        return


def _numbers(function: Function) -> Iterator[str]:
    """The keys of which a function asks ``type(value) is int``, and makes none."""
    for node in walk(function.node):
        name = getattr(getattr(node, "func", None), "id", "")
        asks = name in ("type", "isinstance")
        if not asks or not isinstance(node, ast.Call) or not node.args:
            continue
        text = ast.unparse(function.node)
        held = getattr(node.args[0], "id", "")
        kinds = [ast.unparse(one) for one in node.args[1:2]]
        if name == "type":
            kinds = re.findall(rf"type\({held}\) (?:is not|is|!=|==) (\w+)", text)
        found = function.values.get(held, []) or [*_handed(function, held)]
        if len(found) != 1 or not held:
            continue
        if kinds not in (["int"], ["float"]) or re.search(
            rf"\b(?:int|float|isinstance)\({held}(?:\)|, str)", text
        ):
            continue
        value = found[0]
        if isinstance(value, ast.Subscript):
            key = getattr(value.slice, "value", None)
        else:
            key = getattr((getattr(value, "args", None) or [None])[0], "value", None)
            if getattr(getattr(value, "func", None), "attr", "") not in ("get", "pop"):
                continue
        if isinstance(key, str):
            yield key


def _handed(function: Function, name: str) -> Iterator[ast.expr]:
    """What the other methods of a consumer give one of them under a name."""
    places = [one.arg for one in function.node.args.args[1:]]
    owner = function.owner
    for method in owner.methods.values() if owner and name in places else ():
        for call in calls.calls(method.node):
            told = f"self.{function.name}" == calls.name_of(call, method)
            if told and len(call.args) > places.index(name):
                yield call.args[places.index(name)]

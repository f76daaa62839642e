"""The keys of what a page sends, against those that its consumer looks for."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

from tutor.doctor import messagekeys, words
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.dialogue import consumer_of, leaves
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.needed import READS, bare, begins, musts, parsed
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.sending import Sent, messages
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.dispatch import choices
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.walking import child_nodes, walk

RANK = 69
DEEP = 4
_LOOKS = {"isinstance", "print", "len", "str", "repr", "bool", "type"}
_NOTES = {"debug", "info", "warning", "error", "exception"}
Keys = frozenset[str]


def rules(seen: Evidence, every: list[Code], opened: list[Socket]) -> Iterator[Found]:
    """Messages of which a consumer reads nothing.

    Args:
        seen: the evidence.
        every: the code of the pages' scripts.
        opened: the sockets that they open.
    """
    done = False
    for code in every:
        for name in code.sockets:
            only = consumer_of(seen, opened, code, name)
            for one in messages(code, name, every):
                owner = only or _by_object(seen, opened, code, name, one)
                if owner is None:
                    continue
                wanted = heard(owner)
                known, sent = wanted or frozenset(), frozenset(one.held)
                first, must = _deciding(seen, owner), musts(owner)
                # Without a key that decides or is needed, and with one nobody reads.
                lost = first and not sent & first and sent - known
                lost = lost or (sent - known and must - sent)
                if wanted and sent and (lost or not sent & known):
                    done = True
                    yield Found(
                        "client-sends-another-key",
                        f"nothing is read of a message with {', '.join(sorted(sent))}",
                        one.spot(sent - known),
                        RANK,
                        TRIED,
                        f"one of {', '.join(sorted(wanted))}",
                    )
    if not done:
        yield from _unsaid(seen, every, opened)
        yield from _misplaced(seen, every, opened)


def _by_object(
    seen: Evidence, opened: list[Socket], code: Code, name: str, one: Sent
) -> Class | None:
    """The consumer behind ``chat``, for ``chat = new Channel("/ws/chat/")``.

    A class may open several sockets: each object has one.
    """
    said = re.compile(r"([\w$]+)\s*\??\.\s*[\w$]+\s*\(").match(one.code.bare, one.index)
    places = {code.spot(new) for new, _ in code.sockets.get(name, ())}
    kinds = {code.owner(f) for new, _ in code.sockets[name] if (f := code.around(new))}
    if said is None or not kinds - {""} or said[1] == "this":
        return None
    made = rf"(?<![\w$.]){re.escape(said[1])}\s*=\s*new\s+(?:{'|'.join(kinds)})\b"
    news = [one.code.spot(m.start()) for m in re.finditer(made, one.code.bare)]
    urls = [o.url for o in opened if o.place in places and o.given in news]
    ends = {leaf.get("consumer") for url in urls for leaf in leaves(seen, url)}
    return seen.consumer_class(next(iter(ends))) if len(ends) == 1 else None


_SAYS = re.compile(r"[.\w]*\bsend\s*\(\s*(?=[^\s)])")


def _unsaid(seen: Evidence, every: list[Code], opened: list[Socket]) -> Iterator[Found]:
    """Every page is silent on what the one consumer of a project asks for.

    Either the key by which it tells messages apart stands in no script, or none of
    the words does that it knows.
    """
    ends = {leaf.get("consumer") for one in opened for leaf in leaves(seen, one.url)}
    owner = seen.consumer_class(next(iter(ends))) if len(ends) == 1 else None
    says = [(code, m.start()) for code in every for m in _spoken(code)]
    if owner is None or not says:
        return
    told = words.messages(seen.source, owner.dotted)
    text = "\n".join(code.script.text for code in every)
    plain = [one for one in told if not one.startswith("{")]
    first = _deciding(seen, owner)
    wanted: set[str] = set()
    if plain and len(plain) == len(told) and len(plain) > 1:
        wanted = {one for one in plain if re.fullmatch(r"[\w:.-]+", one)}
        if len(wanted) < len(plain) or any(_is_quoted(one, text) for one in wanted):
            return
    elif first and len(told) > len(plain):
        key = next(iter(first))
        if re.search(
            rf"""[{{,]\s*['"]?{re.escape(key)}['"]?\s*[:,}}]|\.{key}\s*=(?!=)""", text
        ):
            return
        wanted = {key}
    if wanted:
        # Where a page's own words are: in a wrapper there are none.
        said = [one for one in says if _has_words(*one)]
        code, index = (said or says)[0]
        yield Found(
            "client-sends-another-key",
            "nothing of what the consumer asks for stands in any script",
            code.spot(index),
            RANK + 1,
            TRIED,
            f"one of {', '.join(sorted(wanted))}",
        )


def _spoken(code: Code) -> Iterator[re.Match[str]]:
    """Where a socket, or what stands before one, is told to send a text."""
    if code.sockets or ".send(" in code.bare:
        for match in _SAYS.finditer(code.bare):
            if not any(f.start == match.start() for f in code.functions):
                yield match


def _misplaced(
    seen: Evidence, every: list[Code], opened: list[Socket]
) -> Iterator[Found]:
    """A word that a consumer knows, under a key that it does not look at."""
    ends = {leaf.get("consumer") for one in opened for leaf in leaves(seen, one.url)}
    text = "\n".join(code.script.text for code in every)
    for end in sorted(str(one) for one in ends):
        owner = seen.consumer_class(end)
        told = words.messages(seen.source, end) if owner is not None else []
        known: dict[str, set[str]] = {}
        for message in (json.loads(one) for one in told if one.startswith("{")):
            for key, value in message.items():
                if isinstance(value, str) and value != messagekeys.ANYTHING:
                    known.setdefault(key, set()).add(value)
        if len(known) != 1:
            continue
        key, values = next(iter(known.items()))
        if re.search(
            rf"""[{{,(]\s*['"]?{re.escape(key)}['"]?\s*[:,}}]|\.{key}\s*=(?!=)""", text
        ):
            continue
        told_as = "|".join(map(re.escape, sorted(values)))
        for code in every:
            word = rf"""[{{,]\s*['"]?([\w$]+)['"]?\s*:\s*['"]({told_as})['"]"""
            for match in re.finditer(word, code.script.text):
                yield Found(
                    "client-sends-another-key",
                    f"nothing is read of a message with {match[1]} {match[2]!r}",
                    code.spot(match.start(1)),
                    RANK,
                    TRIED,
                    f"{key}: {match[2]!r}",
                )
                return


def _has_words(code: Code, index: int) -> bool:
    """Whether a call is given a text or an object that is written out."""
    bracket = code.bare.index("(", index)
    given = code.bare[bracket : code.pairs.get(bracket, bracket)]
    return bool(re.search(r"""['"`{]""", given))


def _is_quoted(word: str, text: str) -> bool:
    return bool(re.search(rf"""['"`]{re.escape(word)}['"`]""", text))


def _deciding(seen: Evidence, owner: Class) -> Keys:
    """The key by which a consumer tells messages apart, if it has no default."""
    told = [
        json.loads(text)
        for text in words.messages(seen.source, owner.dotted)
        if text.startswith("{")
    ]
    varied = {
        key for one in told for key in one if any(one[key] != o.get(key) for o in told)
    }
    for method in (m for one in owner.line_of_ancestors for m in one.methods.values()):
        for node in walk(method.node):
            if isinstance(node, ast.Call) and len(node.args) > 1:
                varied.discard(getattr(node.args[0], "value", ""))
    return frozenset(varied if len(varied) == 1 else ())


def heard(owner: Class) -> Keys | None:
    """The keys of a message that a consumer reads; None where that is not certain."""
    method = begins(owner)
    if method is None:
        return None
    given = [one.arg for one in method.node.args.args[1:2]]
    return of(owner, method, set(given if method.name == "receive_json" else ()), 0)


def of(owner: Class, method: Function, names: set[str], depth: int) -> Keys | None:
    """The keys that a method reads of the message behind some names."""
    if depth > DEEP:
        return None
    for value, called in parsed(method):
        inner = _direct(value, method)
        if inner is not None or not isinstance(bare(value), ast.Call):
            return inner
        names |= called
    above = {child: node for node in walk(method.node) for child in child_nodes(node)}
    keys: set[str] = set()
    for node in walk(method.node):
        if not (isinstance(node, ast.Name) and node.id in names):
            continue
        if not isinstance(node.ctx, ast.Load):
            continue
        found = use(owner, method, node, above, depth)
        if found is None:
            return None
        keys |= found
    return frozenset(keys)


def _direct(node: ast.expr, method: Function) -> Keys | None:
    """``json.loads(text)["message"]``: the message itself has no name."""
    for part in walk(ast.Expression(node)):
        if not isinstance(part, ast.Subscript) or not isinstance(
            part.slice, ast.Constant
        ):
            continue
        inner = bare(part.value)
        if isinstance(inner, ast.Call) and READS.search(calls.name_of(inner, method)):
            return frozenset([str(part.slice.value)])
    return None


def use(
    owner: Class,
    method: Function,
    node: ast.Name,
    above: dict[ast.AST, ast.AST],
    depth: int = 0,
) -> Keys | None:
    """What is read of a message at one place where its name stands."""
    outer = above.get(node)
    if isinstance(outer, ast.Subscript) and isinstance(outer.slice, ast.Constant):
        return frozenset([str(outer.slice.value)])
    if isinstance(outer, ast.Attribute) and outer.attr in ("get", "pop"):
        call = above.get(outer)
        key = call.args[0] if isinstance(call, ast.Call) and call.args else None
        return frozenset([str(key.value)]) if isinstance(key, ast.Constant) else None
    if isinstance(outer, ast.Compare) and isinstance(outer.left, ast.Constant):
        return frozenset([str(outer.left.value)])
    if isinstance(outer, (ast.If, ast.BoolOp, ast.UnaryOp)):
        return frozenset()
    if isinstance(outer, ast.Match):
        found = [one for one in walk(outer) if isinstance(one, ast.MatchMapping)]
        if any(one.rest for one in found) or not found:
            return None
        return frozenset(
            str(getattr(key, "value", "")) for one in found for key in one.keys
        )
    if isinstance(outer, ast.Call) and node in outer.args:
        return _handed(owner, method, node, outer, depth)
    return None


def _handed(
    owner: Class, method: Function, node: ast.Name, call: ast.Call, depth: int
) -> Keys | None:
    """What a function reads that is given the message."""
    picked = [(one, one.given(call, node)) for one in choices(call, method, owner)]
    each = [p and of(owner, one.function, {p}, depth + 1) for one, p in picked]
    if picked:
        certain = all(one is not None for one in each)
        return Keys().union(*(one or () for one in each)) if certain else None
    name = calls.name_of(call, method)
    end = name.rpartition(".")[2]
    if end in _NOTES or name.removeprefix("builtins.") in _LOOKS:
        return frozenset()
    inner = owner.method(name.removeprefix("self.")) if "self." in name else None
    target = inner or calls.target_of(call, method)
    if target is None:
        return None
    places = [one.arg for one in target.node.args.args]
    places = places[1:] if target.owner is not None else places
    index = call.args.index(node)
    if index >= len(places):
        return None
    return of(owner, target, {places[index]}, depth + 1)

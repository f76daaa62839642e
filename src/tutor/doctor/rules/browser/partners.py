"""What a script takes out of messages, against what its own consumer says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.dialogue import is_of, leaves
from tutor.doctor.rules.browser.following import Reads, parsed
from tutor.doctor.rules.browser.handling import Handler, handlers
from tutor.doctor.rules.browser.heirs import any_of, below
from tutor.doctor.rules.browser.imports import takes
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.kinds import OF_ALL, is_a_choice
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.browser.vocabulary import SENDS, said_whole, told_by
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Class

RANK = 71
Message = dict[str, str]  # its keys, and the words behind them; else an empty text


def rules(
    seen: Evidence, every: list[Code], opened: Sequence[Socket]
) -> Iterator[Found]:
    """A key, or a kind, of which one consumer says nothing, whatever others say."""
    if not said_whole(seen):
        return
    for handler in (one for code in every for one in handlers(code, every)):
        said = _said(seen, handler, opened)
        reads = Reads()
        if said:
            parsed(handler.code, handler.function, handler.data, every, reads)
            mine = _linked(handler, every)
            yield from list(_odd(mine, said, reads))[:1]


def _odd(linked: list[Code], said: list[Message], reads: Reads) -> Iterator[Found]:
    there = {key for one in said for key in one}
    left = there - {*reads.keys}
    for key, places in reads.keys.items() if left & there else ():
        mine = [place for place in places if place[0] in linked]
        known = key in reads.guarded or key in there | OF_ALL
        if mine and not known and there & {*reads.keys}:
            yield _found(*mine[0], f"no message has {key!r}", left)
    for key, value, code, index in reads.kinds:
        words = {one[key] for one in said if key in one}
        lost = words - {v for k, v, *_ in reads.kinds if k == key}
        odd = "" not in words and value not in words and lost
        if odd and code in linked and not is_a_choice(code, index, words):
            got = f"no message has {key} {value!r}"
            yield _found(code, index, got, lost)


def _found(code: Code, index: int, got: str, left: set[str]) -> Found:
    expected = f"one of {', '.join(sorted(left))}"
    slug = "client-reads-another-key"
    return Found(slug, got, code.spot(index), RANK, TRIED, expected)


def _linked(handler: Handler, every: list[Code]) -> list[Code]:
    """A handler's own script, and those that make its class, or import them.

    Others may have functions of the same names, for sockets of their own.
    """
    kind = handler.code.owner(handler.function)
    kinds = any_of(below(kind, [one.bare for one in every]))
    made = re.compile(rf"\bnew\s+{kinds}(?![\w$])")
    found = [one for one in every if one is handler.code or made.search(one.bare)]
    for one in found:  # it grows
        found += [c for c in every if c not in found and takes(c, one)]
    return found


def _said(
    seen: Evidence, handler: Handler, opened: Sequence[Socket]
) -> list[Message] | None:
    """The messages of the consumers that a handler hears; None without all of them."""
    mine = [leaves(seen, one.url) for one in opened if is_of(one, handler)]
    ends = {leaf.get("consumer") for some in mine for leaf in some}
    owners = [seen.consumer_class(end) for end in ends]
    if not mine or not all(mine) or not all(owners):
        return None
    return [one for owner in owners if owner for one in _written(owner)]


def _written(owner: Class) -> Iterator[Message]:
    """The messages that a consumer's methods write out."""
    for method in (m for one in owner.line_of_ancestors for m in one.methods.values()):
        for one, _ in told_by(owner, method, SENDS):
            for node in [one] if isinstance(one, ast.Dict) else []:
                yield {
                    str(getattr(key, "value", "")): str(getattr(value, "value", ""))
                    if isinstance(value, ast.Constant)
                    else ""
                    for key, value in zip(node.keys, node.values, strict=True)
                }

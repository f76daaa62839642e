"""Messages of a kind of which a consumer reads nothing, of no kind, or of no keys."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

from tutor.doctor import words
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.branches import branches
from tutor.doctor.rules.browser.dialogue import consumer_of
from tutor.doctor.rules.browser.fieldtypes import is_text
from tutor.doctor.rules.browser.javascript import Code, Span
from tutor.doctor.rules.browser.keys import RANK, heard
from tutor.doctor.rules.browser.needed import begins
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.sending import calls, messages
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Class
from tutor.doctor.source.walking import walk

_WORD = re.compile(r"""(['"`])([\w.:-]+)\1""")


_MADE = re.compile(r"JSON\s*\.\s*stringify\s*\(\s*")


def texts(seen: Evidence, every: list[Code], opened: list[Socket]) -> Iterator[Found]:
    """``send(input.value)``, where the consumer reads keys of what it parses."""
    for code in every:
        for name in code.sockets:
            owner = consumer_of(seen, opened, code, name)
            wanted = _wanted(seen, owner) if owner is not None else ""
            if not wanted:
                continue
            send = rf"(?<![\w$.]){re.escape(name)}\s*\??\.\s*send\s*\("
            for match in re.finditer(send, code.bare):
                for other, begin, span in _given(code, match, every):
                    text = other.text(span)
                    is_plain = not re.search(r"[{\[]", text.strip("`'\"")[:1])
                    if text and is_plain and is_text(other, begin, text):
                        yield Found(
                            "client-sends-another-key",
                            f"a text without keys is sent: {text.splitlines()[0]}",
                            other.spot(begin),
                            RANK + 9,
                            TRIED,
                            f"JSON of an object, with {wanted}",
                        )
                        return


def _wanted(seen: Evidence, owner: Class) -> str:
    """The keys that a consumer reads of each message; empty if a text may be one."""
    told = words.messages(seen.source, owner.dotted)
    method = begins(owner)
    given = {one.arg for one in method.node.args.args[1:]} if method else set()
    tries = [*walk(method.node)] if method else []
    tries = [one for one in tries if isinstance(one, ast.ExceptHandler)]
    spare = {getattr(part, "id", "") for one in tries for part in walk(one)}
    if given & spare or not all(one.startswith("{") for one in told):
        return ""
    keys = [*json.loads(told[0])] if told else sorted(heard(owner) or ())
    return ", ".join(keys)


def _given(
    code: Code, match: re.Match[str], every: list[Code]
) -> Iterator[tuple[Code, int, Span]]:
    """What is sent at a place: there, or by those who call the function around it."""
    spans = code.arguments(match.end() - 1)[:1]
    made = _MADE.match(code.bare, spans[0][0]) if spans else None
    spans = code.arguments(made.end() - 1)[:1] if made else spans
    for span in spans:
        function, text = code.around(span[0]), code.text(span)
        if function is None or text not in function.given:
            yield code, match.start(), span
            continue
        place = function.given.index(text)
        for other, begin, given in calls(code, function, every):
            if len(given) > place:
                yield other, begin, given[place]


def rules(seen: Evidence, every: list[Code], opened: list[Socket]) -> Iterator[Found]:
    """``{ type: "say", message }``, where only the text of "say" is read."""
    for code in every:
        for name in code.sockets:
            owner = consumer_of(seen, opened, code, name)
            told = branches(owner) if owner is not None else None
            known = heard(owner) if owner is not None and told is not None else None
            for one in messages(code, name, every) if told and known else ():
                assert told is not None and known is not None
                kind = _WORD.fullmatch(one.held.get(told.key, ""))
                said = {*one.held} - {told.key}
                read = told.read.get(kind[2], set()) if kind else set()
                got, wanted = "", read
                if kind and read and said - known and not said & (read | told.always):
                    names = ", ".join(sorted(said))
                    got = f"nothing is read of {kind[2]!r} with {names}"
                elif kind and said - known and told.must.get(kind[2], set()) - said:
                    wanted = told.must[kind[2]] - said
                    got = f"{kind[2]!r} has no {', '.join(sorted(wanted))}"
                elif told.key not in one.held and not told.always and said - known:
                    got = "nothing is read of a message with " + ", ".join(sorted(said))
                    wanted = {told.key}
                if got:
                    expected = f"one of {', '.join(sorted(wanted))}"
                    spot, slug = one.spot(said - known), "client-sends-another-key"
                    yield Found(slug, got, spot, RANK, TRIED, expected)
                    return

"""Messages of a kind of which a consumer reads nothing, or of no kind at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.branches import branches
from tutor.doctor.rules.browser.dialogue import consumer_of
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.keys import RANK, heard
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.sending import messages
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.found import Found

_WORD = re.compile(r"""(['"`])([\w.:-]+)\1""")


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

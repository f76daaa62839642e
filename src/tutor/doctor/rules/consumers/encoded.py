"""JSON that a caller has made, and that the function it is given to makes again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.sending import calls
from tutor.doctor.rules.found import Found

_MADE = re.compile(r"JSON\.stringify\s*\(")


def encoded_twice(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
    """``live.send(JSON.stringify(m))``, and send() says JSON.stringify, too."""
    word = rf"(?<![\w$.]){re.escape(name)}\s*\.\s*send\s*\(\s*JSON\.stringify\s*\("
    for match in re.finditer(word, code.bare):
        given = code.plain(code.arguments(match.end() - 1)[0])
        maker = code.around(match.start())
        if maker is None or not maker.name or given not in maker.given:
            continue
        place = maker.given.index(given)
        for other, begin, spans in calls(code, maker, every):
            if len(spans) > place and _MADE.match(other.plain(spans[place])):
                yield Found(
                    "client-json-encoded-twice",
                    "the server hears a text in quotes, and no object",
                    other.spot(begin),
                    RANK,
                    TRIED,
                    f"{maker.name}() with the object itself",
                )
                return

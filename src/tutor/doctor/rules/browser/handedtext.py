"""A function that is given a message's text, and looks for the event's data in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK, Handler, called
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found


def rules(handler: Handler, every: list[Code]) -> Iterator[Found]:
    """``({ data }) => heard(data)``, where ``heard`` reads ``event.data``."""
    code, (begin, end) = handler.code, handler.function.body
    calls = rf"([\w$.#]+)\s*\(\s*{handler.data}\s*\)"
    for match in re.finditer(calls, code.bare[begin:end]):
        name = match[1].rpartition(".")[2]
        word = rf"(?<![\w$]){re.escape(name)}(?![\w$])"
        times = sum(len(re.findall(word, one.bare)) for one in every)
        if match[1] == "JSON.parse" or times > 2:  # where it is made, and here
            continue
        for other, one in called(code, handler.function, match[1], every):
            given = one.given[0] if one.given else ""
            if not re.fullmatch(r"[\w$]+", given):
                continue
            start, stop = one.body
            own = rf"(?<![\w$.]){re.escape(given)}"
            read = re.search(rf"{own}\s*\.\s*data\b", other.bare[start:stop])
            again = rf"{own}\s*=(?!=|>)|\btypeof\s+{re.escape(given)}"
            if read and not re.search(again, other.bare[start:stop]):
                yield Found(
                    "client-uses-text-as-object",
                    f"{given}.data is undefined: {given} is the text itself",
                    other.spot(start + read.start()),
                    RANK,
                    TRIED,
                    given,
                )

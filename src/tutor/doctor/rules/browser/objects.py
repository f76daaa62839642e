"""What a page takes for an object, and is a number or a text on this very path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.dialogue import is_of, leaves, texts_of
from tutor.doctor.rules.browser.following import Reads, parsed
from tutor.doctor.rules.browser.handling import Handler
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.browser.taken import RANK, SLUG
from tutor.doctor.rules.found import Found


def rules(
    seen: Evidence, handler: Handler, opened: list[Socket], every: list[Code]
) -> Iterator[Found]:
    """Keys of a message that is no object, whichever one has come."""
    mine = [one for one in opened if is_of(one, handler)]
    heard = [
        text
        for one in mine
        for leaf in leaves(seen, one.url)
        for text in texts_of(seen, leaf)
    ]
    told: list[object] = []
    for text in heard:
        with suppress(ValueError):
            told.append(json.loads(text))
    if not told or len(told) < len(heard) or any(isinstance(o, dict) for o in told):
        return
    if any(isinstance(one, list) for one in told):
        return
    others = {
        key
        for client in seen.answers.everyone
        for text in client.heard
        for key in _keys(text)
    }
    reads = Reads()
    parsed(handler.code, handler.function, handler.data, every, reads)
    # Another consumer of the project has them: it is the one that the page means.
    for key, places in reads.keys.items() if others & {*reads.keys} else ():
        code, index = places[0]
        yield Found(
            SLUG,
            f"no message has {key!r}: the server sends {heard[0][:40]}",
            code.spot(index),
            RANK - 1,
            TRIED,
            "the path of a consumer that sends such messages",
        )
        return


def _keys(text: str | bytes) -> Iterator[str]:
    """The keys of a message, if it is an object."""
    with suppress(ValueError):
        told = json.loads(text)
        yield from told if isinstance(told, dict) else ()

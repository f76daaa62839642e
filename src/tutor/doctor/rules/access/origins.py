"""An OriginValidator whose list is one text: each letter of it is an origin then."""

from __future__ import annotations

from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access import sometimeschecked
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.project.asgi import RANK, called, websocket_place


def rules(seen: Evidence) -> Iterator[Found]:
    yield from sometimeschecked.rules(seen)
    text = seen.walk.get("origins-text")
    call = called(seen, ".OriginValidator")
    listed = [str(one) for one in seen.walk.get("origins") or ()]
    if nested := [one for one in listed if one[:2] in ("[]", "['", "('")]:
        yield Found(
            "origin-validator-without-list",
            f"{nested[0]} is a list, where each entry is to be an origin",
            call.place if call else websocket_place(seen),
            RANK + 1,
            "walking the application",
            nested[0],
            "It is given a list in a list: leave one pair of brackets out.",
        )
    if text is None:
        return
    yield Found(
        "origin-validator-without-list",
        f"{text!r} is a text, and each letter of it an origin",
        call.place if call else websocket_place(seen),
        RANK + 1,
        "walking the application",
        f"[{text!r}]",
        "It is given a text: put square brackets around it.",
    )

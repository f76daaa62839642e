"""The check of step 10: everyone who is connected hears the same."""

from __future__ import annotations

from tutor.checks import groups
from tutor.checks.facts import Seen
from tutor.checks.question import Question


def _everyone_hears(seen: Seen) -> str | None:
    return _heard(seen.groups.heard, [7, 8], "was published")


def _form_heard(seen: Seen) -> str | None:
    status = seen.groups.posted
    if status is None or status >= 400:
        return f"status {status}" if status else "no answer"
    return _heard(seen.groups.heard, [7, 8, 9], "was published")


def _heard(clients: list[list[int]], wanted: list[int], what: str) -> str | None:
    for heard, name in zip(clients, ("first", "second"), strict=False):
        if heard[: len(wanted)] != wanted:
            return f"the {name} client received {heard}, where {wanted} {what}"
    return None if clients else "no client could connect"


def _form_guarded(seen: Seen) -> str | None:
    status = seen.groups.stranger
    return None if status == 403 else f"status {status}" if status else "no answer"


def _form_validates(seen: Seen) -> str | None:
    for value, status in seen.groups.bad.items():
        if status is None or not 400 <= status < 500:
            return f"status {status} for the value {value!r}"
    return _heard(seen.groups.after, [11], "was the next right one")


def _leaves(seen: Seen) -> str | None:
    if not seen.groups.joined:
        return "it was in no group while it was connected"
    if seen.groups.stayed:
        return "its channel still was in the group"
    return None


def _pages_agree(seen: Seen) -> str | None:
    count = len(seen.groups.pages)
    return None if count == 2 else f"{count} of two open pages showed the number"


QUESTIONS = (
    Question(
        "what one client publishes every client receives, once",
        f"two clients of {groups.PATH}, each publishing",
        _everyone_hears,
    ),
    Question(
        "what a form publishes every client receives",
        f"POST {groups.FORM} with the token of the page",
        _form_heard,
    ),
    Question(
        "a form without its token is refused with 403",
        f"POST {groups.FORM} without a token",
        _form_guarded,
    ),
    Question(
        "a value that is no number from 0 to 100 is refused",
        f"POST {groups.FORM} with bad values",
        _form_validates,
    ),
    Question(
        "a client that leaves, leaves its group",
        "a client that connected and left",
        _leaves,
    ),
    Question(
        "two open pages show the same number",
        "two pages in a browser",
        _pages_agree,
        in_browser=True,
    ),
)

"""Settings with a name that nobody reads, and that is nearly one of Django's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found

RANK = 20
FIRST = 9  # without one of these nothing is loaded, or all goes wrong
_NEEDED = {"INSTALLED_APPS", "DATABASES", "MIDDLEWARE", "TEMPLATES", "SECRET_KEY"}
LIKE = 0.87
_HAVE_RULES = {"ASGI_APPLICATION", "WSGI_APPLICATION", "CHANNEL_LAYERS"}
_GONE = {"PASSWORD_RESET_TIMEOUT_DAYS"}  # Django knew these once


def rules(seen: Evidence) -> Iterator[Found]:
    there = {*seen.settings.get("names", [])}
    known = {*seen.settings.get("defaults", [])} - {"SETTINGS_MODULE"}
    missing = (known | {"ROOT_URLCONF"}) - there - _HAVE_RULES
    for name in sorted(there - known - _HAVE_RULES - _GONE):
        is_secret = "SECRET" in name and "SECRET_KEY" in missing
        near = "SECRET_KEY" if is_secret else seen.near(name, missing, LIKE)
        place = seen.setting(name)
        if near is None or place[1] is None or _is_asked_for(seen, name):
            continue
        got = f"{name} is set, and {near} is not"
        tried, expected = "reading the settings", near
        rank = FIRST if near in _NEEDED else RANK
        yield Found("settings-name-misspelled", got, place, rank, tried, expected)
        return


def _is_asked_for(seen: Evidence, name: str) -> bool:
    """Whether the name stands anywhere besides the line that sets it."""
    word = re.compile(rf"\b{name}\b")
    texts = [one.text for one in seen.source.modules.values()]
    return sum(len(word.findall(text)) for text in texts) > 1

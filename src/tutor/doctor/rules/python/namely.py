"""What an exception says for itself, where no rule knows more."""

from __future__ import annotations

import re
from dataclasses import replace

from tutor.doctor.rules.found import Found

_SETTING = re.compile(r"'Settings' object has no attribute '[A-Z_\d]+'")
_MEANT = re.compile(r"AttributeError: .* has no attribute '\w+'. Did you mean: ('\w+')")


def named(found: Found) -> Found:
    """The same, with the mistake's name if what was got leaves no other cause."""
    if found.slug is not None or found.place[0] is None:
        return found
    if _SETTING.search(found.got):
        return replace(found, slug="settings-name-unknown")
    if meant := _MEANT.match(found.got):
        return replace(found, slug="python-attribute-misspelled", expected=meant[1])
    return found

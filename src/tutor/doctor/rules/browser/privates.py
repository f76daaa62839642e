"""Private names of a class, ``this.#socket``, as the plain names that they are."""

from __future__ import annotations

import re
from dataclasses import replace

from tutor.doctor.rules.browser.blanked import bare, spoken
from tutor.doctor.rules.found import Found

SIGN = "\u01c3"  # a letter that nobody writes, and looks like a mark
_PRIVATE = re.compile(r"#(?=[A-Za-z_$])")


def plain(text: str, is_static: bool) -> str:
    """A script with ``SIGN`` for ``#`` in ``#socket``, so that it is a name like any.

    All who look for names find these, too, and every place stays where it was. What
    stands in quotes, as ``'#log'``, is left alone.
    """
    if not _PRIVATE.search(text):
        return text
    code = bare(text if is_static else "".join(spoken(text)))
    if "#" not in code:
        return text
    signs = list(text)
    for match in _PRIVATE.finditer(code):
        signs[match.start()] = SIGN
    return "".join(signs)


def written(found: Found) -> Found:
    """What was found, with such names as the script has them."""
    said = {name: getattr(found, name) for name in ("got", "expected", "hint")}
    if not any(SIGN in text for text in said.values()):
        return found
    return replace(found, **{k: text.replace(SIGN, "#") for k, text in said.items()})

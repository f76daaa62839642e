"""Private names of a class, ``this.#socket``, as the plain names that they are."""

from __future__ import annotations

import re

from tutor.doctor.rules.browser.blanked import bare, spoken

_PRIVATE = re.compile(r"#(?=[A-Za-z_$])")


def plain(text: str, is_static: bool) -> str:
    """A script with ``_socket`` for ``#socket``: a name has no sign in front.

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
        signs[match.start()] = "_"
    return "".join(signs)

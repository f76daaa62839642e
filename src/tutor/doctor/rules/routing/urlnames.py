"""Names of routes that templates ask for, and nobody has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.routing import reversing
from tutor.doctor.texts import text_of

RANK = 69
_URL = re.compile(r"\{%-?\s*url\s+(['\"])([\w:.-]+)\1([^%]*)%\}")
_REMARK = re.compile(r"\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}|<!--.*?-->", re.S)
# One value: with its filters, and with blanks where it is a text.
_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+""")


def rules(seen: Evidence) -> Iterator[Found]:
    """``{% url 'logout' %}``, and no route that is called so."""
    doors = seen.look.get("doors") or {}
    names, takes = doors.get("names"), doors.get("takes") or []
    if names is None:
        return
    for folder in (seen.look.get("templates") or {}).get("folders", []):
        for path in sorted((seen.home / folder).rglob("*.html")):
            text = ""
            with suppress(OSError):
                text = text_of(path)
            blank = _REMARK.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
            for match in _URL.finditer(blank):
                if re.search(r"\bas\s+\w+\s*$", match[3]):
                    continue
                line = blank.count("\n", 0, match.start()) + 1
                place = path.relative_to(seen.project).as_posix(), line
                if match[2] not in names:
                    yield reversing.unknown(match[2], place, RANK)
                    return
                if not reversing.fits(takes, match[2], _given(match[3])):
                    yield reversing.unfit(match[2], place, RANK)
                    return


def _given(text: str) -> reversing.Given:
    """The values of a tag: how many stand in a row, and the names of the others."""
    words = _WORD.findall(text)
    named = [found[1] for one in words if (found := re.match(r"(\w+)=(?!=)", one))]
    return len(words) - len(named), set(named)

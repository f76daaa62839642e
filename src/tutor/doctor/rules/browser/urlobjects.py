"""What a script does to a URL, or takes out of the page's, after it is there."""

from __future__ import annotations

import re

_PAGE = r"(?:(?:window|document|self)\.)?location"
_APART = re.compile(
    rf"\b(?:const|let|var)\s*\{{([^{{}}]*)\}}\s*=\s*({_PAGE})\s*(?=[;,\n])"
)
_PART = re.compile(r"\s*([\w$]+)\s*(?::\s*([\w$]+))?\s*")


def apart(text: str) -> dict[str, str]:
    """``const { host } = location``: each name, and what it stands for."""
    found = {}
    for match in _APART.finditer(text):
        for one in map(_PART.fullmatch, match[1].split(",")):
            if one is not None:
                found[one[2] or one[1]] = f"{match[2]}.{one[1]}"
    return found


def changed(name: str, url: str, text: str) -> str:
    """A URL object as it is after ``url.hash = …`` and the like.

    Args:
        name: what the script calls it.
        url: as it was made.
        text: the script.
    """
    given = rf"(?<![\w$.]){re.escape(name)}\.%s\s*=(?!=)\s*(?!\s|(['\"`])\1)"
    if "#" not in url and re.search(given % "hash", text):
        return f"{url}#"
    return url

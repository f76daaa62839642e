"""What a text of a script is after ``.replace(/x/, "")`` and ``.slice(0, -1)``."""

from __future__ import annotations

import re
from collections.abc import Callable

_REGEX = r"/(?P<regex>(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n])+)/(?P<flags>[a-z]*)"
_TEXT = r"(?P<quote>['\"`])(?P<text>[^'\"`\n]*)(?P=quote)"
_CALL = re.compile(
    rf"\.(?:(?P<replace>replace(?:All)?)\(\s*(?:{_REGEX}|{_TEXT})\s*,\s*"
    r"(?P<by>['\"`])(?P<new>[^'\"`\n]*)(?P=by)\s*\)|"
    r"(?P<slice>slice|substring)\(\s*(?P<from>-?\d+)\s*(?:,\s*(?P<to>-?\d+)\s*)?\)|"
    r"(?P<plain>trim|trimEnd|trimStart|toLowerCase)\(\s*\))$"
)
_PLAIN: dict[str, Callable[[str], str]] = {
    "trim": str.strip,
    "trimEnd": str.rstrip,
    "trimStart": str.lstrip,
    "toLowerCase": str.lower,
}


def called(term: str) -> tuple[str, re.Match[str]] | None:
    """What a method of a text is called on, and the call; None for anything else."""
    call = _CALL.search(term)
    return (term[: call.start()], call) if call and call.start() else None


def result(text: str, call: re.Match[str]) -> str | None:
    """What the call gives back for a text; None where that is not known."""
    if call["plain"]:
        return _PLAIN[call["plain"]](text)
    if call["slice"]:
        begin, end = int(call["from"]), int(call["to"]) if call["to"] else None
        return text[begin:end]
    many = call["replace"] == "replaceAll" or "g" in (call["flags"] or "")
    if call["regex"] is None:
        return text.replace(call["text"], call["new"], -1 if many else 1)
    if "$" in call["new"]:
        return None
    how = re.IGNORECASE if "i" in call["flags"] else 0
    try:
        pattern = re.compile(call["regex"].replace(r"\/", "/"), how)
    except re.error:
        return None
    return pattern.sub(lambda _: call["new"], text, 0 if many else 1)

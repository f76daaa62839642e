"""The scheme of the page, compared with a text that it never is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.scripts import NEW, Script, texts
from tutor.doctor.rules.found import Found

TRIED = "reading the scripts of the pages"
_TEXT = r"(?P<{0}>['\"`])(?P<{1}>[\w:/-]*)(?P={0})"
_COMPARED = re.compile(
    rf"(?<![\w$.])(?P<left>[\w$.]+)\s*[!=]==?\s*{_TEXT.format('a', 'right')}|"
    rf"{_TEXT.format('b', 'first')}\s*[!=]==?\s*(?P<second>[\w$.]+)(?![\w$.(])"
)
_TAKEN = r"\{[^}]*\b%s\b[^}]*\}\s*=\s*(?:window\.)?location\b"
# The colon belongs to a page's scheme, and none is a socket's: https:, file:, app:
_NEVER = re.compile(r"wss?:|.*[^:]")


def rules(seen: Evidence) -> Iterator[Found]:
    for script in texts(seen):
        if not NEW.search(script.text):
            continue
        yield from _swapped(script)
        for match in _COMPARED.finditer(script.text):
            name, text = match["left"] or match["second"], match["right"]
            text = match["first"] if text is None else text
            if _NEVER.fullmatch(text) and _is_scheme(script, name):
                yield Found(
                    "client-ws-hardcoded-on-https-page",
                    f"location.protocol is never {text!r}",
                    script.spot(match.start()),
                    75,
                    TRIED,
                    "'https:', with its colon",
                )
                return


def _is_scheme(script: Script, name: str, depth: int = 0) -> bool:
    """Whether a name stands for the scheme of the page's own address."""
    plain = re.sub(r"^(?:window|document|self|globalThis)\.", "", name)
    if plain == "location.protocol":
        return True
    if name in script.bound and depth < 3:
        return _is_scheme(script, script.bound[name].strip(), depth + 1)
    kept = r"protocol" if name == "protocol" else rf"protocol\s*:\s*{re.escape(name)}"
    return bool(re.search(_TAKEN % kept, script.text))


_CHOICE = re.compile(
    r"([!=])==?\s*['\"`](https?):?['\"`]\s*\)?\s*\?\s*['\"`](wss?)\b[^'\"`]*['\"`]"
    r"\s*:\s*['\"`](wss?)\b"
)


def _swapped(script: Script) -> Iterator[Found]:
    """``protocol === "https:" ? "ws" : "wss"``: each where the other belongs."""
    for match in _CHOICE.finditer(script.text):
        secure = (match[1] == "=") == (match[2] == "https")
        if match[3] != match[4] and (match[3] == "wss") is not secure:
            yield Found(
                "client-ws-hardcoded-on-https-page",
                f"{match[3]} where the page came over {'https' if secure else 'http'}",
                script.spot(match.start()),
                66,
                TRIED,
                "wss for https:, ws for http:",
            )
            return

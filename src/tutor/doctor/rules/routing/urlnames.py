"""Names of routes and of layers that templates and code ask for, and nobody has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.routing import reversing
from tutor.doctor.source import calls
from tutor.doctor.texts import text_of

RANK = 69
_URL = re.compile(r"\{%-?\s*url\s+(['\"])([\w:.-]+)\1([^%]*)%\}")
_REMARK = re.compile(r"\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}|<!--.*?-->", re.S)
# One value: with its filters, and with blanks where it is a text.
_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+""")
LAYER = "channels.layers.get_channel_layer"


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _urls(seen)
    yield from _layers(seen)


def _urls(seen: Evidence) -> Iterator[Found]:
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


def _layers(seen: Evidence) -> Iterator[Found]:
    """``get_channel_layer("job")``, and no layer that is called so."""
    layers = seen.settings.get("layers")
    if not isinstance(layers, dict) or not layers:
        return
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            given = [*call.args[:1], *(word.value for word in call.keywords)]
            alias = getattr(given[0], "value", None) if given else None
            if (
                calls.name_of(call, function) == LAYER
                and isinstance(alias, str)
                and isinstance(given[0], ast.Constant)
                and alias not in layers
            ):
                yield Found(
                    "layer-alias-unknown",
                    "'NoneType' object has no attribute 'send'",
                    at(function, call),
                    RANK - 15,
                    TRIED,
                    f"one of {', '.join(sorted(layers))}",
                )
                return

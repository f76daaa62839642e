"""Names of routes and of layers that templates and code ask for, and nobody has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import calls
from tutor.doctor.texts import text_of

RANK = 69
_URL = re.compile(r"\{%-?\s*url\s+(['\"])([\w:.-]+)\1([^%]*)%\}")
_REMARK = re.compile(r"\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}|<!--.*?-->", re.S)
LAYER = "channels.layers.get_channel_layer"


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _urls(seen)
    yield from _layers(seen)


def _urls(seen: Evidence) -> Iterator[Found]:
    """``{% url 'logout' %}``, and no route that is called so."""
    names = (seen.look.get("doors") or {}).get("names")
    if names is None:
        return
    for folder in (seen.look.get("templates") or {}).get("folders", []):
        for path in sorted((seen.home / folder).rglob("*.html")):
            text = ""
            with suppress(OSError):
                text = text_of(path)
            blank = _REMARK.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
            for match in _URL.finditer(blank):
                if match[2] in names or re.search(r"\bas\s+\w+\s*$", match[3]):
                    continue
                line = blank.count("\n", 0, match.start()) + 1
                yield Found(
                    "client-url-name-unknown",
                    f"NoReverseMatch: Reverse for '{match[2]}' not found.",
                    (path.relative_to(seen.project).as_posix(), line),
                    RANK,
                    TRIED,
                    f"a route with name='{match[2].rpartition(':')[2]}'",
                )
                return


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

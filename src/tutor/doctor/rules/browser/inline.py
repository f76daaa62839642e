"""What the attributes of a page's tags do: ``onclick="send()"`` and its kin."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.belonging import SLUG
from tutor.doctor.rules.browser.events import BROWSERS
from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.widgets import keys_of
from tutor.doctor.rules.found import Found

_TAG = re.compile(r"<\w[\w-]*(?=\s)(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*>", re.S)
_SAYS = re.compile(r"\s(on[a-z]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_NAMED = re.compile(r"\s*(?:return\s+)?([A-Za-z_$][\w$]*)\s*;?\s*")
_CALLED = re.compile(r"\s*(?:return\s+)?([A-Za-z_$][\w$]*)\s*\(")
# addEventListener("onclick", …): the events have no "on" before them.
_LISTENS = re.compile(r"\.\s*addEventListener\s*\(\s*(['\"`])([A-Za-z]+)\1")


# In the past, where the browser has it in the present.
_DONE = {"changed": "change", "clicked": "click", "submitted": "submit"}


def rules(every: list[Code]) -> Iterator[Found]:
    names = {f.name for one in every for f in one.functions if not one.owner(f)}
    for code in every:
        yield from _unheard(code, every)
        yield from _given_wrongly(code, every)
        if not code.script.is_static:
            yield from _tags(code, names, every)


def _tags(page: Code, names: set[str], every: list[Code]) -> Iterator[Found]:
    for tag in _TAG.finditer(page.script.text):
        for match in _SAYS.finditer(tag[0]):
            group = 2 if match[2] is not None else 3
            text, index = match[group], tag.start() + match.start(group)
            named = _NAMED.fullmatch(text)
            if named and named[1] in names:
                yield Found(
                    "client-function-not-called",
                    f"nothing: {named[1]} is named, and nobody calls it",
                    page.spot(index),
                    RANK,
                    TRIED,
                    f"{named[1]}()",
                )
                return
            called = _CALLED.match(text)
            near = called and difflib.get_close_matches(called[1], names, 1, 0.6)
            if called and near and not _is_known(called[1], every):
                yield Found(
                    SLUG,
                    f"ReferenceError: {called[1]} is not defined",
                    page.spot(index),
                    RANK,
                    TRIED,
                    f"{near[0]}()",
                )
                return
            yield from keys_of(page, text, index)


def _is_known(name: str, every: list[Code]) -> bool:
    word = rf"(?<![\w$]){re.escape(name)}(?![\w$])"
    known = {"alert", "confirm", "fetch", "print", "close", "open", "focus", "history"}
    return name in known or any(re.search(word, one.spoken) for one in every)


_ASSIGNED = re.compile(
    r"(?P<of>[\w$)\]])\s*\.\s*(?P<name>on(?:Click|Submit|Change|Input|KeyUp|KeyDown|Keyup|"
    r"Keydown|Load))\s*=(?!=)"
)
_LIKE_NAMES = re.compile(r"\.\s*addEventListener\s*\(\s*")


def _given_wrongly(code: Code, every: list[Code]) -> Iterator[Found]:
    """``button.onClick = …``, and ``addEventListener(() => …)`` without an event."""
    for match in _ASSIGNED.finditer(code.bare):
        name = match["name"]
        asks = rf"\.\s*{name}\b(?!\s*=[^=])|\b{name}\b\s*[:(,}}]"
        own = code.bare[: match.start() + 1].endswith("this")
        if own or any(re.search(asks, one.bare) for one in every):
            continue
        yield Found(
            "client-handler-misnamed",
            f"nothing: no element knows {name}",
            code.spot(match.start()),
            RANK,
            TRIED,
            name.lower(),
        )
        return
    for match in _LIKE_NAMES.finditer(code.bare):
        if code.at(match.end()) is not None:
            yield Found(
                None,
                "TypeError: addEventListener is given a function, and no event",
                code.spot(match.start()),
                RANK,
                TRIED,
                "the event's name first: addEventListener('click', …)",
            )
            return


def _unheard(code: Code, every: list[Code]) -> Iterator[Found]:
    """An event that no browser knows, and nobody makes, is nearly one of its own."""
    for match in _LISTENS.finditer(code.spoken):
        name = match[2]
        if not code.bare[match.start() : match.end()].strip() or name in BROWSERS:
            continue
        plain = name.removeprefix("on")
        right = [plain] if plain in BROWSERS else []
        right += [_DONE[name]] if name in _DONE else []
        if len(name) > len("readystatechange") // 2:
            right += difflib.get_close_matches(name, BROWSERS, 1, 0.85)
        made = rf"[\"'`]{name}[\"'`]"
        told = sum(len(re.findall(made, one.spoken)) for one in every)
        heard = sum(len(re.findall(rf"\(\s*{made}", one.spoken)) for one in every)
        if right and told == heard and not any(_makes(one, made) for one in every):
            yield Found(
                "client-handler-misnamed",
                f"nothing: no event is called {name!r}",
                code.spot(match.start()),
                RANK,
                TRIED,
                f"{right[0]!r}",
            )
            return


def _makes(code: Code, name: str) -> bool:
    return bool(re.search(rf"\bnew\s+\w*Event\s*\(\s*{name}", code.spoken))

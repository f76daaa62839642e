"""What a page in use has said and heard, against what both of its sides look for."""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from tutor.doctor import words
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.inuse import OTHER, code_of, found
from tutor.doctor.rules.browser.javascript import codes
from tutor.doctor.rules.browser.scripts import Script
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.source.walking import walk
from tutor.doctor.visit import TOKEN, Visit

_SAME = "the same on both sides"
_WORD = re.compile(r"[A-Za-z][\w.:-]*").fullmatch


def unheard(seen: Evidence, visit: Visit, _: Sequence[Visit]) -> Iterator[Found]:
    """A word that comes, where the script waits for one that nobody says."""
    texts, code = _texts(seen), code_of(seen, visit)
    for message in _objects(said(visit, "heard", late=True)):
        values = [str(v) for v in message.values() if isinstance(v, str | int | float)]
        if any(value in visit.shown for value in values if value not in visit.before):
            continue
        for key, word in _words(message):
            asks = (
                rf"\b{key}\s*[!=]==?\s*|switch\s*\([^()]*\b{key}\s*\)[^}}]*?\bcase\s+"
            )
            for one in code if not _is_said(word, code) else ():
                for match in re.finditer(rf"(?:{asks})([\"'`])([\w.:-]+)\1", one.text):
                    if match[2] not in texts:
                        got = f"{word!r} comes, and the script waits for {match[2]!r}"
                        yield found(OTHER, got, one.spot(match.start(2)), visit, _SAME)
    yield from _unread(visit, code)


def _unread(visit: Visit, code: Sequence[Script]) -> Iterator[Found]:
    """What chooses by a key that no message has, where each has another."""
    heard = [*_objects(said(visit, "heard"))]
    said_as = {word: key for message in heard for key, word in _words(message)}
    held = {key for message in heard for key in message}
    for one in code:
        for asks in re.finditer(r"\.(\w+)\s*===?\s*([\"'`])([\w.:-]+)\2", one.text):
            if asks[1] not in held and asks[3] in said_as and heard:
                got = (
                    f"{asks[3]!r} comes as {said_as[asks[3]]!r}, and not as {asks[1]!r}"
                )
                spot = one.spot(asks.start())
                yield found("client-reads-another-key", got, spot, visit, _SAME)
    if len(heard) < 2 or visit.html != visit.html_before:
        return
    every = set.intersection(*(set(one) for one in heard))
    lost = [key for key in every if not _is_said(key, code)]
    for one in code if lost else ():
        for made in re.finditer(r"\b([\w$]+)\s*=\s*JSON\.parse\(", one.text):
            for read in re.finditer(rf"\b{re.escape(made[1])}\.(\w+)", one.text):
                if not any(read[1] in message for message in heard):
                    got = f"no message has {read[1]!r}; each has {lost[0]!r}"
                    spot = one.spot(read.start())
                    yield found("client-reads-another-key", got, spot, visit, _SAME)


def unsent(seen: Evidence, visit: Visit, _: Sequence[Visit]) -> Iterator[Found]:
    """A message without what the consumer looks for."""
    sent = [*_objects(said(visit, "sent"))]
    code, wanted = code_of(seen, visit), _wanted(seen)
    texts = _texts(seen) | _names(seen)
    used = {key for one in sent for key in one}
    is_back = any(TOKEN in text for text in said(visit, "heard"))
    for message in sent:
        for key in message:
            lacks = [one for one in wanted if one not in message]
            near = difflib.get_close_matches(key, lacks, 1, 0.6)
            near = [] if key in texts else near
            if message[key] == TOKEN and key not in wanted and not is_back:
                near += [one for one in lacks if one not in used]
            place = _key(code, key)
            if near and place is not None:
                got = f"{key!r} comes, and {near[0]!r} is looked for"
                yield found("client-sends-another-key", got, place, visit, _SAME)
        for key, word in _words(message):
            asked = [w for k, w in _choices(seen) if k == key]
            others = [one for one in asked if not _is_said(one, code)]
            place = _quoted(code, word)
            if word not in {*texts, *asked} and others and place is not None:
                got = f"{word!r} comes, and {others[0]!r} is looked for"
                yield found(OTHER, got, place, visit, _SAME)
    yield from _without(visit, code, sent, wanted)


def _without(
    visit: Visit,
    code: Sequence[Script],
    sent: Sequence[dict[str, Any]],
    wanted: Sequence[str],
) -> Iterator[Found]:
    """A key with a value that JavaScript says is undefined: JSON leaves it out."""
    made = [
        (re.findall(r"(?:^|,)\s*[\"']?(\w+)[\"']?\s*(?=[:,]|$)", text[1]), one, text)
        for one in code
        for text in re.finditer(r"\{([^{}]*)\}", one.text)
    ]
    for message in sent:
        like = [one for one in made if _is_like(message, one[2][1])]
        if any(keys and {*keys} == {*message} for keys, _, _ in like):
            continue  # it is written so
        for keys, one, text in like:
            lost = [key for key in keys if key not in message and key in wanted]
            if lost and {*message} == {*keys} - {*lost}:
                got = f"messages without {lost[0]!r}: it was undefined"
                spot = one.spot(text.start(1) + text[1].index(lost[0]))
                yield found(OTHER, got, spot, visit, f"a value for {lost[0]!r}")


def _is_like(message: dict[str, Any], text: str) -> bool:
    """Whether the words that an object is written with are those of a message."""
    pairs = re.findall(r"(\w+)[\"']?\s*:\s*([\"'`])([^\"'`]*)\2", text)
    return all(message.get(key) == word for key, _, word in pairs)


def kept(seen: Evidence, visit: Visit, _: Sequence[Visit]) -> Iterator[Found]:
    """What was typed and sent off, and never left the page."""
    if any(TOKEN in text for text in visit.left) or len(visit.typed) != 1:
        return
    if not visit.is_open or visit.has_left:
        return
    for code in codes(code_of(seen, visit)):
        field = rf"([\w$]+)\s*=\s*[^;\n]*[\"'`]#?{re.escape(visit.typed[0])}[\"'`]"
        names = [made[1] for made in re.finditer(field, code.script.text)]
        for made in re.finditer(r"\.send\(|\bfetch\(", code.bare):
            around = code.around(made.start())
            inner = code.bare[slice(*around.body)] if around is not None else ""
            if visit.entered or any(re.search(rf"\b{name}\b", inner) for name in names):
                hint = "A text was typed and sent off, and nothing of it left the page."
                got = f"{visit.entered[0]!r}" if visit.entered else "no message with it"
                yield found(
                    OTHER, got, code.spot(made.start()), visit, "the text", hint
                )


def dead(seen: Evidence, visit: Visit, _: Sequence[Visit]) -> Iterator[Found]:
    """Buttons that do nothing, and a selector for which the page has nothing."""
    if not visit.is_dead or said(visit, "sent") or visit.asked:
        return
    for one in code_of(seen, visit):
        for made in re.finditer(
            r"querySelector(?:All)?\(\s*([\"'`])\w*([.#])([\w-]+)\1", one.text
        ):
            mark = "class" if made[2] == "." else "id"
            there = rf"{mark}=\"(?:[^\"]*\s)?{made[3]}[\"\s]"
            if not re.search(there, visit.html) and ".send(" in one.text:
                got, spot = f"no element for {made[2]}{made[3]}", one.spot(made.start())
                hint = "Each button was clicked, and nothing came of it."
                slug, asked = "client-element-not-there", "buttons that do something"
                yield found(slug, got, spot, visit, asked, hint)


def said(visit: Visit, kind: str, late: bool = False) -> list[str]:
    """The texts that a page has sent or heard; or those since it has come to rest."""
    found = [text for one in visit.sockets.values() for text in getattr(one, kind)]
    return [text for text in found if not late or text not in visit.early]


def _words(message: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What stands in a message under each key and could be a word to choose by."""
    for key, value in message.items():
        if isinstance(value, str) and _WORD(value) and value != TOKEN:
            yield key, value


def _objects(texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The messages among some texts."""
    for text in texts:
        with suppress(ValueError):
            one = json.loads(text)
            if isinstance(one, dict):
                yield one


def _texts(seen: Evidence) -> set[str]:
    """Every text that stands in the project's source."""
    return {
        str(node.value)
        for module in seen.source.modules.values()
        for node in walk(module.tree)
        if isinstance(node, ast.Constant)
    }


def _names(seen: Evidence) -> set[str]:
    """Every name in it, which may be the key of a message that is made of them."""
    return {
        str(getattr(node, field, ""))
        for module in seen.source.modules.values()
        for node in walk(module.tree)
        for field in ("id", "attr", "arg", "name")
    }


def _wanted(seen: Evidence) -> list[str]:
    """The keys that consumers look for."""
    return list(
        {key: None for one in seen.source.consumers() for key in words.heard(one).keys}
    )


def _choices(seen: Evidence) -> list[tuple[str, str]]:
    """The words that consumers tell apart, each with its key."""
    return [one for c in seen.source.consumers() for one in words.heard(c).choices]


def _quoted(code: Sequence[Script], word: str) -> Place | None:
    for one in code:
        made = re.search(rf"([\"'`]){re.escape(word)}\1", one.text)
        if made:
            return one.spot(made.start())
    return None


def _is_said(word: str, code: Sequence[Script]) -> bool:
    name = re.escape(word)
    return any(re.search(rf"(?<![\w-]){name}(?![\w-])", one.text) for one in code)


def _key(code: Sequence[Script], key: str) -> Place | None:
    for sign in (":", "[,}]"):
        for one in code:
            made = re.search(rf"[{{,]\s*[\"']?({key})[\"']?\s*{sign}", one.text)
            if made:
                return one.spot(made.start(1))
    return None

"""The sockets that scripts open, and the URL of each as far as it is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import attributes, constants, htmx, parameters
from tutor.doctor.rules.browser.expressions import (
    ANY,
    DEFINED,
    GIVEN,
    HOST,
    Scope,
    arguments_of,
    closing,
    value,
)
from tutor.doctor.rules.browser.heirs import any_of, below
from tutor.doctor.rules.browser.scripts import NEW, Script, Spot, texts


@dataclass(frozen=True)
class Socket:
    """One ``new WebSocket(…)``.

    Args:
        url: its URL as far as it is known.
        options: the second argument, or an object behind it.
        place: where it stands, file and line.
        is_static: whether that file is a script, and no template.
        own: the URL as this place makes it, where a caller gives the rest.
        given: where the caller gives the rest; else the same place.
        marked: where a template has what the caller gives, if one has.
    """

    url: str
    options: str
    place: Spot
    is_static: bool
    own: str
    given: Spot
    marked: Spot | None = None


def sockets(seen: Evidence) -> Sequence[Socket]:
    """Every socket that a template or a script opens."""
    return seen.once(_sockets)


def linked(seen: Evidence) -> Iterator[Script]:
    """Every script with the texts that it takes from others, and from its page."""
    every = [(one.file, one.text) for one in texts(seen)]
    pages = [one for one in texts(seen) if not one.is_static]
    named = (seen.look.get("urls") or {}).get("named", {})
    for one in texts(seen):
        taken = constants.taken(one.text, every)
        yield replace(one, taken=taken, marked=attributes.taken(one, pages, named))


def _sockets(seen: Evidence) -> Iterator[Socket]:
    scripts = [*seen.once(linked)]
    for script in scripts:
        for match in NEW.finditer(script.text):
            here = replace(script, until=match.start()) if script.is_built else script
            yield from _opened(here, match, scripts)
        for index, path in htmx.opened(script.text) if not script.is_static else ():
            yield _of_a_tag(script, index, path)


def _of_a_tag(script: Script, index: int, path: str) -> Socket:
    """A socket of htmx, which puts the page's own scheme and host before a path."""
    url = value(f"`{path}`", Scope(script))
    url = f"ws://{HOST}{url}" if url.startswith("/") else url
    spot = script.spot(index)
    return Socket(url, "", spot, False, url, spot)


def _opened(
    script: Script, match: re.Match[str], scripts: list[Script]
) -> Iterator[Socket]:
    """The socket; as many times as there are callers that give a part of its URL."""
    arguments = arguments_of(script.text, match.end())
    if not arguments:
        return
    name, written_as, own = "", list[str](), value(arguments[0], Scope(script))
    for around in _definitions(script.text, match.start()):
        name, written_as = around
        scope = Scope(script, dict.fromkeys(parameters.names(written_as), GIVEN))
        own = value(arguments[0], scope)
        if GIVEN in own:
            break
    own += _fragment(script, arguments[0], scripts)
    more = [argument.strip() for argument in arguments[1:]]
    more = [script.bound.get(argument, argument) for argument in more]
    if host := _host_of(arguments[0].strip(), script):
        own = own.replace(HOST, host, 1)
    options = next((one for one in more if one.startswith("{")), "".join(more[:1]))
    spot = script.spot(match.start())
    at = script.marked.get(_behind(arguments[0].strip(), script))
    marked = at[1] if at else None
    one = Socket(own, options, spot, script.is_static, own, spot, marked)
    called = [
        (other, index, given)
        for other, index, given in (_calls(name, scripts) if GIVEN in own else ())
        if other.file != script.file
        or not {*map(str.strip, given)} & {*parameters.names(written_as)}
    ]  # who calls itself hands on what it was given
    for other, index, given in called:
        told = parameters.given(written_as, given)
        known = {name: value(text, Scope(other)) for name, text in told.items()}
        url = value(arguments[0], Scope(script, known))
        url += _fragment(script, arguments[0], scripts)
        url = url.replace(HOST, host, 1) if host else url
        stripped = [*map(str.strip, told.values())]
        attribute = [other.marked[one][1] for one in stripped if one in other.marked]
        written = [other.taken[one][1] for one in stripped if one in other.taken]
        if _is_changed(url, known.values()):
            written, attribute = [spot], []
        given_at = [*written, other.spot(index)][0]
        marked_at = next(iter(attribute), None)
        yield replace(one, url=url, given=given_at, marked=marked_at)
    if not called:
        yield replace(one, url=own.replace(GIVEN, ANY))


def _behind(name: str, script: Script) -> str:
    """The data attribute in an expression, if one is read there or behind its name."""
    text = script.bound.get(name, name)
    return next((one for one in script.marked if one in text), "")


def _is_changed(url: str, given: Iterable[str]) -> bool:
    """Whether a path that a caller gives has become another one in the URL."""
    paths = [one for one in given if "/" in one and ANY not in one]
    return any(one.lstrip("./") not in url for one in paths)


# The page's own address, with all that stands in it.
_ADDRESS = re.compile(
    r"new\s+URL\(\s*(?:(?:window|document|self)\.)?(?:location(?:\.href)?|URL)\s*\)"
)
_JUMPS = re.compile(r"""\bhref\s*=\s*["']#[\w-]|\blocation\.hash\s*=(?!=)""")


def _fragment(script: Script, expression: str, scripts: list[Script]) -> str:
    """What ``url.hash = …`` puts behind a URL that is an object, or a link of a page.

    A URL that is made of the page's own address keeps the # part of it.
    """
    name = re.match(r"\s*([\w$.]+?)(?:\.href|\.toString\(\))?\s*$", expression)
    given = rf"(?<![\w$.]){re.escape(name[1])}\.hash\s*=(?!=)" if name else r"(?!)"
    if re.search(given, script.text):
        emptied = rf"{given}\s*(['\"`])\1"
        return "" if re.search(emptied, script.text) else "#"
    made = script.bound.get(name[1], name[1]) if name else expression
    kept = _ADDRESS.fullmatch(made.strip()) is not None
    return "#" if kept and any(_JUMPS.search(one.text) for one in scripts) else ""


def _host_of(name: str, script: Script) -> str:
    """The host that a URL object is given after it was made, if that is a text."""
    if not re.fullmatch(r"[\w$.]+", name):
        return ""
    word = (
        rf"(?<![\w$.]){re.escape(name)}\.host(?:name)?\s*=(?!=)\s*(['\"])([\w.:-]+)\1"
    )
    found = re.search(word, script.text)
    return found[2] if found else ""


def _definitions(text: str, index: int) -> list[tuple[str, list[str]]]:
    """The classes and functions around a place, innermost first: name, parameters."""
    found: list[tuple[str, list[str]]] = []
    for match in DEFINED.finditer(text, 0, index):
        if match["kind"]:
            made = re.search(r"\bconstructor\s*\(", text[match.end() :])
            end = closing(text, match.end())
            start = match.end() + made.end() if made else -1
        else:
            start = match.end()
            body = re.compile(r"\s*(?:=>\s*)?\{?").match(text, closing(text, start) + 1)
            end = closing(text, body.end()) if body and "{" in body[0] else -1
        if index < end:
            names = arguments_of(text, start) if 0 <= start < end else []
            kinds = ("kind", "function", "arrow", "part", "named", "method")
            name = next(match[kind] for kind in kinds if match[kind])
            found.insert(0, (name, names))
    return found


def _calls(name: str, scripts: list[Script]) -> list[tuple[Script, int, list[str]]]:
    """Where a function is called or a class is made, and what it is given."""
    names = any_of(below(name, [one.text for one in scripts], {"constructor"}))
    pattern = re.compile(rf"(?<![\w$])(?<!function ){names}\s*\((?!.*\)\s*\{{$)", re.M)
    return [
        (script, match.start(), arguments_of(script.text, match.end()))
        for script in scripts
        for match in pattern.finditer(script.text)
    ]

"""What a consumer says, against what the page makes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import replying
from tutor.doctor.rules.browser.expressions import ANY, HERE
from tutor.doctor.rules.browser.handling import Handler, called
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED, WORDS, fits, path_of
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.routing.reached import takes
from tutor.doctor.source import Class, calls

RANK = 68


def rules(
    seen: Evidence, handler: Handler, opened: list[Socket], every: list[Code]
) -> Iterator[Found]:
    """What is wrong between a handler and the consumer that it hears."""
    mine = [one for one in opened if is_of(one, handler)]
    for inner, socket in _handed(handler, mine, every):
        for leaf in leaves(seen, socket.url):
            yield from _plain_text(seen, inner, leaf)
    for leaf in (leaf for one in mine for leaf in leaves(seen, one.url)):
        yield from _plain_text(seen, handler, leaf)
        yield from _without_pause(seen, handler, leaf, every)


def _handed(
    handler: Handler, mine: list[Socket], every: list[Code]
) -> Iterator[tuple[Handler, Socket]]:
    """The functions that are given a message's text, each by the caller of a socket."""
    code, (begin, end) = handler.code, handler.function.body
    for match in re.finditer(
        rf"([\w$.]+)\s*\(\s*{handler.data}\s*\)", code.bare[begin:end]
    ):
        if match[1] == "JSON.parse":
            continue
        for other, one in called(code, handler.function, match[1], every):
            file, line = other.spot(one.start)
            above = [s for s in mine if s.given[0] == file and s.given[1] <= line]
            if above and re.fullmatch(r"[\w$]+", "".join(one.given)):
                socket = max(above, key=lambda s: s.given[1])
                yield Handler(other, handler.socket, one, is_text=True), socket


def is_of(socket: Socket, handler: Handler) -> bool:
    """Whether a socket that was found is the one that a handler hears."""
    return any(
        handler.code.spot(new) == socket.place
        for new, _ in handler.code.sockets.get(handler.socket, ())
    )


def leaves(seen: Evidence, url: str) -> list[Event]:
    """The routes that a URL may lead to."""
    path = path_of(url)
    if path is None or not path.strip(f"/{ANY}"):
        consumers = [leaf for leaf in seen.leaves if leaf["is"] == "consumer"]
        only = len(consumers) == 1 == len(seen.leaves) and "{" not in url
        return consumers if only else []  # where else would it lead to
    path = path.replace(HERE, "").lstrip("/")
    words = WORDS if ANY in path else ("",)
    return [
        leaf
        for leaf in seen.leaves
        if leaf.get("steps")
        and (
            any(takes(leaf, path.replace(ANY, word)) for word in words)
            or fits(leaf, path)
        )
    ]


def consumer_of(
    seen: Evidence, opened: list[Socket], code: Code, name: str
) -> Class | None:
    """The consumer behind what a script calls a socket; None where several may be."""
    places = {code.spot(new) for new, _ in code.sockets.get(name, ())}
    urls = [one.url for one in opened if one.place in places]
    ends = {leaf.get("consumer") for url in urls for leaf in leaves(seen, url)}
    return seen.consumer_class(next(iter(ends))) if len(ends) == 1 else None


def texts_of(seen: Evidence, leaf: Event) -> list[str]:
    """What our own clients have heard at a route."""
    path = leaf["sample"].replace("^", "").replace("$", "")
    return [
        text
        for client in seen.answers.everyone
        if client.path == path
        for text in client.heard
        if isinstance(text, str)
    ]


def _plain_text(seen: Evidence, handler: Handler, leaf: Event) -> Iterator[Found]:
    """``JSON.parse(event.data)`` of what is no JSON."""
    # What each of our clients hears first, whatever it has said: no echo of it.
    path = leaf["sample"].replace("^", "").replace("$", "")
    heard = [
        one.heard[0] for one in seen.answers.everyone if one.path == path and one.heard
    ]
    strange = [text for text in heard if isinstance(text, str) and not _is_json(text)]
    if len(strange) < len(heard):
        return
    code, (begin, end) = handler.code, handler.function.body
    parses = rf"\bJSON\.parse\s*\(\s*{handler.data}\s*\)"
    match = re.search(parses, code.bare[begin:end])
    if not match or not strange or _is_tried(code, begin + match.start()):
        return
    yield Found(
        "client-parses-plain-text-as-json",
        f"{json.dumps(strange[0][:40])} is not valid JSON",
        code.spot(begin + match.start()),
        RANK,
        TRIED,
        "JSON on both sides, or on none",
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_tried(code: Code, index: int) -> bool:
    """Whether a place stands in a ``try``."""
    return any(
        code.bare[begin] == "{"
        and begin < index < close
        and re.search(r"\btry\s*$", code.bare[:begin])
        for begin, close in code.pairs.items()
    )


def _without_pause(
    seen: Evidence, handler: Handler, leaf: Event, every: list[Code]
) -> Iterator[Found]:
    """Each message is answered at once, and so is each answer."""
    function = handler.function
    owner = seen.consumer_class(leaf.get("consumer"))
    place = replying.replies(handler, every)
    if place is None or owner is None or _pauses(owner):
        return
    path = leaf["sample"].replace("^", "").replace("$", "")
    clients = [one for one in seen.answers.everyone if one.path == path and one.phases]
    if not clients or any(len(c.heard) < len(c.phases) or c.quiet for c in clients):
        return
    yield Found(
        "client-ping-pong-without-pause",
        "page and consumer answer each other as fast as they can",
        place,
        RANK + 6,
        TRIED,
        f"a timer, or a person, between {function.name or 'a message'} and the next",
    )


def _pauses(owner: Class) -> bool:
    """Whether any method of a consumer sleeps."""
    return any(
        calls.name_of(call, method).endswith("sleep")
        for one in owner.line_of_ancestors
        for method in one.methods.values()
        for call in calls.calls(method.node)
    )

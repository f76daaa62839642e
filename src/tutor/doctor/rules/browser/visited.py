"""What a visit to the pages has shown, where reading them has shown nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.inuse import (
    OTHER,
    code_of,
    found,
    is_part,
    line_at,
    place_of,
)
from tutor.doctor.rules.browser.saidinuse import dead, kept, said, unheard, unsent
from tutor.doctor.rules.browser.scripts import NEW, texts
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.rules.routing.reached import takes
from tutor.doctor.visit import TOKEN, Visit

# What an error says, and the mistake that says so.
_SAYS = (
    (r"^SyntaxError: .*JSON", "client-parses-plain-text-as-json"),
    (r"^TypeError: Cannot (?:read|set) properties of null", "client-element-not-there"),
    (r"^TypeError: ", "client-value-taken-for-another"),
    (r"^ReferenceError: ", "client-name-not-there"),
    (r"Failed to construct 'WebSocket'.* URL", "client-url-without-scheme"),
)
# Names that are no text for a person to read.
_UNDEFINED = re.compile(r"\bundefined\b|\bNaN\b|\[object \w+\]|\[native code\]")
_ODD = re.compile(r"//|undefined|null|NaN|\[object|%5Bobject")
# Where it shows what it hears to nobody but its author, or for a moment.
_ASIDE = re.compile(r"console\.(log|info|debug)\(|\balert\(|Notification|\btoast")
_SCHEMES = ("http", "https", "ws", "wss")  # as a host: a whole URL behind another
_CHOOSES = re.compile(r"location\.(search|hash)|localStorage|sessionStorage")


def rules(seen: Evidence, visits: Sequence[Visit]) -> Iterator[Found]:
    """The first that explains most."""
    for look in _LOOKS:
        named = [one for visit in visits for one in look(seen, visit, visits)]
        if named:
            yield named[0]
            return


def _errors(seen: Evidence, visit: Visit, _: Sequence[Visit]) -> Iterator[Found]:
    """A script that ends with an error, unless it may lack one from elsewhere."""
    for text, frames in visit.errors if visit.is_whole else ():
        place = place_of(seen, visit, frames)
        slug = next((slug for says, slug in _SAYS if re.search(says, text)), None)
        if place[0] is None or slug is None:
            continue
        if slug == "client-parses-plain-text-as-json":
            place = _escaped(seen, visit, place) or place
        yield found(slug, text, place, visit, "a script that goes on to its end")


def _escaped(seen: Evidence, visit: Visit, place: Place) -> Place | None:
    """Where Django has put a value into a page, if the script reads it there."""
    names = re.findall(r"[\"'`]#?([\w-]+)[\"'`]", line_at(seen, place))
    for name in names:
        mark = rf"id=[\"']{name}[\"'][^>]*>"
        if re.search(rf"{mark}[^<]*&(?:#x27|quot);", visit.text):
            for one in texts(seen):
                made = re.search(mark, one.text)
                if made:
                    return one.spot(made.start())
    return None


def _lost(seen: Evidence, visit: Visit, _: Sequence[Visit]) -> Iterator[Found]:
    """A socket for which there is no route."""
    for socket in visit.sockets.values():
        parts = urlsplit(socket.url)
        place = place_of(seen, visit, socket.frames)
        if (
            parts.hostname not in ("127.0.0.1", *_SCHEMES)
            or not seen.leaves
            or place[0] is None
        ):
            continue
        twice = parts.hostname in _SCHEMES
        if twice or not any(
            takes(leaf, parts.path.lstrip("/")) for leaf in seen.leaves
        ):
            slug = "client-path-differs-from-route"
            if "ws//" in parts.path or "wss//" in parts.path:
                slug = "client-url-without-scheme"
            known = [leaf["sample"] for leaf in seen.leaves if leaf["is"] != "empty"]
            wanted = f"one of the routes: {', '.join(known)}"
            got = f"a socket to {socket.url if twice else parts.path}"
            yield found(slug, got, place, visit, wanted)


def _unopened(seen: Evidence, visit: Visit, all_: Sequence[Visit]) -> Iterator[Found]:
    """A script that would open a socket, and never does."""
    if any(one.sockets or not one.is_whole for one in all_) or not visit.text:
        return
    if any(one.status not in (200, 405) for one in all_):
        return
    for one in texts(seen):
        made = NEW.search(one.text)
        if made and is_part(one, visit) and not _CHOOSES.search(one.text):
            hint = "The page was opened and used, and what opens its socket never ran."
            yield found(
                "client-function-not-called",
                "no socket",
                one.spot(made.start()),
                visit,
                "a socket",
                hint,
            )


def _refused(seen: Evidence, visit: Visit, _: Sequence[Visit]) -> Iterator[Found]:
    """A request of a script that goes nowhere, or takes an object for a text."""
    for one in visit.asked.values():
        place, path = place_of(seen, visit, one.frames), urlsplit(one.url).path
        if place[0] is None:
            continue
        if one.body == "[object Object]" and one.status >= 400:
            slug, wanted = "client-body-not-as-the-view-reads-it", "JSON.stringify(…)"
            yield found(slug, "the body '[object Object]'", place, visit, wanted)
        elif one.status == 404 and _ODD.search(path):
            got, wanted = f"404 for {path}", "a path that urls.py takes"
            yield found("client-page-not-there", got, place, visit, wanted)


def _undefined(seen: Evidence, visit: Visit, _: Sequence[Visit]) -> Iterator[Found]:
    """What was typed and comes back, and is not shown."""
    shown = _UNDEFINED.search(visit.shown)
    if shown and visit.is_whole and not _UNDEFINED.search(visit.text):
        place = _writes(seen, visit)
        if place is not None:
            slug, wanted = "client-reads-another-key", "what the message holds"
            if "native" in shown[0]:
                slug, wanted = "client-function-not-called", "what the function gives"
            yield found(slug, f"the page shows {shown[0]!r}", place, visit, wanted)
    back = [text for text in said(visit, "heard", late=True) if TOKEN in text]
    code = code_of(seen, visit)
    if (
        not back
        or TOKEN in visit.html + visit.held
        or any(_ASIDE.search(one.text) for one in code)
    ):
        return
    place = _writes(seen, visit)
    if visit.is_whole and visit.html and place is not None:
        got = f"{back[0][:60]} comes, and the page shows nothing of it"
        yield found(OTHER, got, place, visit, "a page that shows what it hears")


def _writes(seen: Evidence, visit: Visit) -> Place | None:
    """Where the script deals with a message."""
    for one in code_of(seen, visit):
        made = re.search(r"onmessage|[\"']message[\"']\s*,", one.text)
        if made:
            return one.spot(made.start())
    return None


# The more a look explains, the earlier it is taken.
_LOOKS = (
    *(_errors, _lost, _unopened, _refused, unheard, unsent, kept, _undefined, dead),
)

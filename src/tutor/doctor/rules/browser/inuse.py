"""Where in the project's files stands what a browser has run."""

from __future__ import annotations

from urllib.parse import urlsplit

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.scripts import NEW, Script, texts
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.visit import Frames, Visit

RANK = 70
OTHER = "client-value-taken-for-another"
_TRIED = "using the page {} in a browser"


def found(
    slug: str | None, got: str, place: Place, visit: Visit, told: str, hint: str = ""
) -> Found:
    return Found(slug, got, place, RANK, _TRIED.format(visit.path), told, hint)


def is_part(one: Script, visit: Visit) -> bool:
    """Whether a script stands in a page, or is loaded by it."""
    if one.is_static:
        return any(
            path.endswith(one.file.partition("static/")[2]) for path in visit.loaded
        )
    made = NEW.search(one.text)
    return made is not None and made[0] in visit.text


def code_of(seen: Evidence, visit: Visit) -> list[Script]:
    """The scripts of a page: those that its sockets were opened by, and the loaded."""
    return [
        one
        for one in texts(seen)
        if (one.is_static and is_part(one, visit))
        or (not one.is_static and "<script" in one.text and is_part(one, visit))
    ]


def line_at(seen: Evidence, place: Place) -> str:
    for one in texts(seen):
        if one.file == place[0] and place[1]:
            return [*one.text.split("\n"), ""][place[1] - 1]
    return ""


def place_of(seen: Evidence, visit: Visit, frames: Frames) -> Place:
    """Where the innermost frame of the project's own scripts stands."""
    for frame in frames:
        path, line = urlsplit(frame.get("url", "")).path, frame["lineNumber"]
        if path == visit.path:
            spot = spot_in(seen, visit, line)
            if spot is not None:
                return spot
        for one in texts(seen):
            if one.is_static and path.endswith(one.file.rpartition("static/")[2]):
                return one.file, line + 1
    return None, None


def spot_in(seen: Evidence, visit: Visit, line: int) -> Place | None:
    """Where a line of a page stands in a template, by itself and what is around it."""
    lines = visit.text.split("\n")
    wanted = [one.strip() for one in lines[max(line - 3, 0) : line + 4]]
    at = lines[line].strip() if line < len(lines) else ""
    best: tuple[int, Place] = (0, (None, None))
    for one in texts(seen):
        own = (
            [text.strip() for text in one.text.split("\n")] if not one.is_static else []
        )
        for number, text in enumerate(own):
            around = own[max(number - 3, 0) : number + 4]
            same = sum(a in around for a in wanted if a)
            same += 5 if text == at else 0
            if same > best[0]:
                best = same, (one.file, number + 1)
    return best[1] if best[0] > 2 else None

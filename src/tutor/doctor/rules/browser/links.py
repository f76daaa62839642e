"""A page load, or a fetch, that asks for the path of a socket."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.routing.reached import takes

RANK = 71
# <a href="/ws/kitchen/">, <form action="…">; fetch("…"), location.href = "…"
_IN_A_TAG = re.compile(
    r"<(?:a|form|iframe)\b[^>]*?\b(?:href|action|src)\s*=\s*(['\"])(/[\w/.-]+)\1", re.I
)
_IN_A_SCRIPT = re.compile(
    r"(?:\bfetch\s*\(|\blocation(?:\.href)?\s*=(?!=)|\blocation\.(?:assign|replace)\s*\(|"
    r"\bwindow\.open\s*\()\s*(['\"`])(/[\w/.-]+)\1"
)
_CONVERTER = re.compile(r"<[^>]*>")


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    """``<a href="/ws/kitchen/">``: that path is in no urls.py."""
    routes = (seen.look.get("urls") or {}).get("routes")
    if routes is None:
        return
    for code in every:
        found = [*_IN_A_SCRIPT.finditer(code.spoken)]
        if not code.script.is_static:
            found += _IN_A_TAG.finditer(code.script.text)
        for match in found:
            path = match[2].lstrip("/")
            is_socket = any(_is_a_sockets(leaf, path) for leaf in seen.leaves)
            if is_socket and not any(may_be(str(one), path) for one in routes):
                yield Found(
                    "client-page-not-there",
                    f"Not Found: {match[2]} is the path of a socket, and no page's",
                    code.spot(match.start()),
                    RANK,
                    TRIED,
                    "the path of a page; its script opens the socket",
                )
                return


def _is_a_sockets(leaf: Event, path: str) -> bool:
    """Whether a route that is known leads from a path to a consumer."""
    steps = leaf.get("steps") or [{}]
    return all(step.get("regex") for step in steps) and takes(leaf, path)


def may_be(route: str, path: str) -> bool:
    """Whether a page's route may take a path; of an expression, the plain beginning."""
    plain = route.strip("^$")
    special = re.search(r"[\\()\[\]*+?|]", plain)
    if special:
        return path.startswith(plain[: special.start()].partition("<")[0])
    parts = (re.escape(part) for part in _CONVERTER.split(plain))
    return re.fullmatch(".+".join(parts), path) is not None

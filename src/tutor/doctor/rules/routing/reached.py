"""Whether a path gets to a consumer by a route."""

from __future__ import annotations

import re

from tutor.doctor.child import Event


def takes(leaf: Event, path: str) -> bool:
    """Whether all the steps of a route, from the outermost on, take a path."""
    if not leaf.get("steps"):
        return True
    for step in leaf["steps"]:
        regex = step.get("regex")
        if regex is None:
            return True
        matched = re.search(regex, path.lstrip("/"))
        if not matched:
            return False
        path = path.lstrip("/")[matched.end() :]
    return True

"""A SECRET_KEY that is empty: whatever is signed fails, a session before all else."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.project.imports import joined

RANK = 24


def rules(seen: Evidence) -> Iterator[Found]:
    if not seen.settings or seen.settings.get("secret", True):
        return
    place = seen.setting("SECRET_KEY")
    texts = [one for one in seen.nodes_at(place) if isinstance(one, ast.Call)]
    words = [a.value for one in texts for a in one.args if isinstance(a, ast.Constant)]
    hint = ""
    if any(joined(seen, one) for one in words if isinstance(one, str)):
        hint = "A comma is missing: the name and the default have become one text."
    yield Found(
        "settings-variable-missing",
        "The SECRET_KEY setting must not be empty.",
        place,
        RANK,
        "reading SECRET_KEY",
        "a key",
        hint,
    )

"""The verb ``doctor``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tutor import children, places, surroundings
from tutor.report import Refusal

if TYPE_CHECKING:
    from tutor.doctor.diagnosis import Diagnosis

SHORT, WHOLE = 2.4, 20.0  # seconds after which no more is done with the pages
PART_ONE = 6  # the last step that a diagnosis tells from those before it


def main(argv: Sequence[str]) -> int:
    """``doctor PATH [--json] [--python PATH] [--visit]``.

    Returns:
        0 where nothing is an error, 1 with errors, 2 where there is no project.
    """
    parser = argparse.ArgumentParser(prog="tutor doctor")
    parser.add_argument(
        "path", type=Path, nargs="?", help="the folder of a Django project; else mine"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--python", type=Path, help="the project's own interpreter")
    parser.add_argument(
        "--visit",
        action="store_true",
        help="use all pages in a browser, where nothing else is wrong; it takes longer",
    )
    options = parser.parse_args(argv)
    try:
        if options.python is not None and not options.python.exists():
            raise Refusal(f"There is no interpreter {options.python}.")
        # The last part stays: a virtual environment's python is a link.
        python = (
            options.python and options.python.parent.resolve() / options.python.name
        )
        if python is None:
            children.warmed()  # its libraries are imported while ours are
        from tutor.doctor.diagnosis import diagnose

        # A project of one's own may need what its owner has set; the course's does not.
        path, given = options.path, surroundings.withheld() if options.path else {}
        visits = WHOLE if options.visit else SHORT
        found = diagnose(
            path or places.workspace(), python=python, given=given, visits=visits
        )
    except Refusal as refusal:
        print(str(refusal).splitlines()[0], file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(found.as_json(), indent=2))
    else:
        print(told(found))
    return 0 if found.ok else 1


def told(found: Diagnosis) -> str:
    """The diagnosis for a person."""
    parts = [
        f"{one.severity}: {one.title}"
        + (f" [{one.slug}]" if one.slug else "")
        + f"\n{one}"
        for one in found.findings
    ]
    if not parts:
        parts = [f"nothing wrong was found; {_there(found.step_reached)}"]
    return "\n\n".join(parts)


def _there(step: int | None) -> str:
    """How far a project with nothing wrong has come, of what a diagnosis can tell."""
    if step is None:
        return "what step 1 builds is not there yet"
    if step == PART_ONE:  # whatever else later steps have added
        return f"server, routes and consumer are all there (steps 1 to {step})"
    built = "step 1 builds" if step == 1 else f"steps 1 to {step} build"
    return f"what {built} is there"

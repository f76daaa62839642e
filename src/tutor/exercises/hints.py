"""The hints of an exercise: a question, a pointer, the answer."""

from __future__ import annotations

import textwrap
from pathlib import Path

from tutor import places
from tutor.course import Course, Step

_given_so_far: dict[int, int] = {}  # of this kernel, where no workspace keeps them


def hints(step: Step) -> list[str]:
    """The step's three hints: a question, a pointer, the answer."""
    for cell in step.cells:
        found = cell["metadata"].get("tutor", {}).get("hints")
        if found:
            return list(found)
    return []


def next_hint(step: Step, workspace: Path | None, again: str = "%hint") -> str:
    """The next hint; after the last one, the last one again.

    Args:
        step: the step.
        workspace: where it is remembered how many were given; None in a test.
        again: what one writes for the next hint, in a cell or in a shell.
    """
    all_of_them = hints(step)
    if not all_of_them:
        return f"Step {step.number} has no hints."
    progress = places.Progress(workspace) if workspace else None
    given = (progress.hints if progress else _given_so_far).get(step.number, 0)
    given = min(given + 1, len(all_of_them))
    if progress:
        progress.hints = progress.hints | {step.number: given}
    else:
        _given_so_far[step.number] = given
    more = "" if given == len(all_of_them) else f"   ({again} again for more)"
    text = textwrap.fill(all_of_them[given - 1], 88, break_on_hyphens=False)
    return f"Hint {given} of {len(all_of_them)}: {text}{more}"


def hint(argv: list[str]) -> int:
    """The verb ``hint N``: the next hint of an exercise."""
    course = Course.load(places.root())
    step = course.step(argv[0] if argv else "")
    print(next_hint(step, places.workspace(), f"make hint-{step.number}"))
    return 0

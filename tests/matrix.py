"""Each check passes from its step's checkpoint on, and on none before.

A file of tests runs in one worker, and each checkpoint takes a while: hence four files.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor.checks import verbs

STEPS = sorted((Path(__file__).parents[1] / "steps").glob("[0-9][0-9]-*"))
SLUGS = [path.name[3:] for path in STEPS]
FILES = 4


def share(number: int) -> pytest.MarkDecorator:
    """The checkpoints that one of the files tests.

    Args:
        number: the file's; each gets every fourth checkpoint, since later ones,
            which pass more of the checks, take longer.
    """
    mine = STEPS[number - 1 :: FILES]
    return pytest.mark.parametrize("step", mine, ids=lambda path: path.name)


def bites(step: Path) -> None:
    """Assert that a checkpoint passes its own checks and those before, no later one."""
    found = verbs.problems(step)
    assert list(found) == SLUGS
    assert verbs.surprises(step, found) == []

"""TEACHING.md says of mistakes what their files say, and of commands what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tutor import places
from tutor.course import Course
from tutor.doctor.catalogue import mistakes

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "TEACHING.md").read_text()
ROWS = re.findall(
    r"^\| (\d+) \| (.+?) \| (.+?) \| (?:`([\w-]+)` )?\|$", TEXT, re.MULTILINE
)


def test_each_step_has_its_rows() -> None:
    numbers = [int(row[0]) for row in ROWS]
    assert numbers == sorted(numbers)
    assert set(numbers) == {step.number for step in Course.load(places.root()).steps}, (
        "a step was added or removed: say in TEACHING.md what goes wrong in it"
    )
    lines = re.findall(r"^\| \d+ \|", TEXT, re.MULTILINE)
    assert len(lines) == len(ROWS), "a row is not read"


@pytest.mark.parametrize(
    ("step", "seen", "slug"), [(row[0], row[1], row[3]) for row in ROWS if row[3]]
)
def test_a_row_is_a_known_mistake(step: str, seen: str, slug: str) -> None:
    known = mistakes().get(slug)
    assert known, f"there is no mistake {slug}"
    assert known.step <= int(step)
    log = known.symptom.get("log")
    for quoted in re.findall(r"`([^`]+)`", seen) if log else ():
        assert quoted in log, f"{slug} is seen by {log}"


def test_each_command_is_there() -> None:
    targets = re.findall(
        r"^## ([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    for name in ("README.md", "TEACHING.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text()
        named = re.findall(r"`make ([a-z]+(?:-[a-zN\d]+)*)", text)
        assert named
        for verb in named:
            assert re.sub(r"-\d+$", "-N", verb) in targets, f"{name}: make {verb}"

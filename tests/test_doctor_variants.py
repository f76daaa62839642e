"""On projects that are right, whatever their shape, nothing is found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tutor import doctor, trees
from tutor.checks.facts import look
from tutor.checks.part_one import QUESTIONS
from tutor.checks.steps import judge
from tutor.doctor import cli
from tutor.doctor.diagnosis import Diagnosis

sys.path.insert(0, str(Path(__file__).parent / "variants"))
import healthy

pytestmark = pytest.mark.takes(60)

ROOT = Path(__file__).parents[1]
STEPS = sorted((ROOT / "steps").glob("[0-9][0-9]-*"))
PART_ONE = 6


def make(name: str, folder: Path) -> Path:
    """The checkpoint of step 6 with a variant's files in it."""
    trees.copy(STEPS[PART_ONE - 1], folder)
    for path, text in healthy.VARIANTS[name].items():
        file = folder / path
        if text is None:
            file.unlink(missing_ok=True)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.lstrip("\n"), encoding="utf-8")
    return folder


def test_there_are_thirty() -> None:
    assert len(healthy.VARIANTS) >= 30


@pytest.mark.parametrize("name", healthy.VARIANTS)
def test_nothing_is_found_in_a_right_project(name: str, tmp_path: Path) -> None:
    found = doctor.diagnose(make(name, tmp_path / "project"))
    assert [(p.slug, p.place, p.got) for p in found.findings] == []
    assert found.ok
    assert found.step_reached == 6


@pytest.mark.parametrize("name", healthy.BEHAVE)
def test_other_right_answers_pass_every_check(name: str, tmp_path: Path) -> None:
    seen = look(make(name, tmp_path / "project"), served=True, spoken=True)
    wrong = [
        (check.title, check.problem.got)
        for slug in QUESTIONS
        for check in judge(slug, seen, seen)
        if check.problem
    ]
    assert wrong == []


@pytest.mark.parametrize("step", STEPS, ids=lambda path: path.name)
def test_nothing_is_found_in_a_checkpoint(step: Path) -> None:
    found = doctor.diagnose(step)
    assert [(p.slug, p.place, p.got) for p in found.findings] == []
    assert found.step_reached == min(int(step.name[:2]), PART_ONE)


@pytest.mark.parametrize(
    ("reached", "words"),
    [
        (None, "what step 1 builds is not there yet"),
        (1, "what step 1 builds is there"),
        (4, "what steps 1 to 4 build is there"),
        (PART_ONE, "server, routes and consumer are all there (steps 1 to 6)"),
    ],
)
def test_a_right_project_hears_how_far_it_is(reached: int | None, words: str) -> None:
    said = cli.told(Diagnosis(step_reached=reached))
    assert said == f"nothing wrong was found; {words}"

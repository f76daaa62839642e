"""The diagnosis of projects that look unlike ours: other names, layouts, spellings."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tutor import doctor, trees
from tutor.doctor.rules.browser import privates

sys.path.insert(0, str(Path(__file__).parent / "variants"))
import abroad
import baked
import begun
import behind
import booth
import checkmate
import classed
import crewed
import dispatched
import estimates
import fifth
import firsthand
import flats
import foreign
import fourth
import fresh
import furnished
import handed
import harbour
import held
import hosted
import household
import missed
import mounted
import otherwise
import pupils
import rides
import seventh
import shapes
import sheets
import sixth
import stock
import unseen

pytestmark = pytest.mark.takes(700)

# Whole projects of many shapes, and checkpoints, each with its changes.
SHAPED = (unseen, missed, fresh, behind, abroad, foreign, harbour, rides, checkmate)
SHAPED += (stock, handed, booth, estimates, flats, baked, dispatched, mounted, held)
SHAPED += (classed, crewed, firsthand, furnished, hosted, household, sheets)
ROUNDS = (fourth, fifth, otherwise, pupils, sixth, seventh)


def listed(name: str, modules: tuple[ModuleType, ...]) -> list[Any]:
    """What the modules that have such a list hold in it."""
    return [one for module in modules for one in getattr(module, name, ())]


WRONG = listed("WRONG", SHAPED)
RIGHT = listed("RIGHT", SHAPED)
SEVERAL = listed("SEVERAL", SHAPED)
IN_A_STEP = listed("WRONG", (begun, *ROUNDS))
RIGHT_IN_A_STEP = listed("RIGHT", ROUNDS)
NAMES = [f"{shape}-{slug}" for shape, slug, _, _ in WRONG]


@pytest.mark.parametrize(("shape", "slug", "file", "changes"), WRONG, ids=NAMES)
def test_a_mistake_is_named_first(
    shape: str,
    slug: str,
    file: str,
    changes: tuple[shapes.Change, ...],
    tmp_path: Path,
) -> None:
    found = doctor.diagnose(shapes.write(shape, changes, tmp_path / shape)).findings
    assert [(one.slug, one.file) for one in found[:1]] == [(slug, file)], found


def changed(step: int, changes: tuple[shapes.Change, ...], folder: Path) -> Path:
    """A checkpoint with changes; the folder."""
    checkpoints = Path(__file__).parents[1] / "steps"
    trees.copy(next(checkpoints.glob(f"{step:02}-*")), folder)
    for path, old, new in changes:
        file = folder / path
        if old is not None:
            text = file.read_text(encoding="utf-8")
            assert old in text, f"{path} of step {step} does not hold {old!r}"
            new = text.replace(old, str(new), 1)
        elif new is None:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(new), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("step", "slug", "file", "changes"),
    IN_A_STEP,
    ids=[f"{step}-{slug}" for step, slug, _, _ in IN_A_STEP],
)
def test_a_mistake_in_a_checkpoint_is_named_first(
    step: int,
    slug: str | None,
    file: str,
    changes: tuple[shapes.Change, ...],
    tmp_path: Path,
) -> None:
    found = doctor.diagnose(changed(step, changes, tmp_path / "project")).findings
    assert [(one.slug, one.file) for one in found[:1]] == [(slug, file)], found


@pytest.mark.parametrize(
    ("step", "name", "changes"),
    RIGHT_IN_A_STEP,
    ids=[f"{step}-{name}" for step, name, _ in RIGHT_IN_A_STEP],
)
def test_nothing_is_found_in_a_checkpoint_that_is_written_otherwise(
    step: int, name: str, changes: tuple[shapes.Change, ...], tmp_path: Path
) -> None:
    found = doctor.diagnose(changed(step, changes, tmp_path / "project"))
    assert [(one.slug, one.place, one.got) for one in found.findings] == []


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_nothing_is_found_in_a_right_project(shape: str, tmp_path: Path) -> None:
    found = doctor.diagnose(shapes.write(shape, (), tmp_path / shape))
    assert [(one.slug, one.place, one.got) for one in found.findings] == []
    assert found.step_reached == 6


@pytest.mark.parametrize(
    ("shape", "changes"),
    [(shape, changes) for shape, _, changes in RIGHT],
    ids=[f"{shape}-{name}" for shape, name, _ in RIGHT],
)
def test_nothing_is_found_in_a_right_spelling(
    shape: str, changes: tuple[shapes.Change, ...], tmp_path: Path
) -> None:
    found = doctor.diagnose(shapes.write(shape, changes, tmp_path / shape))
    assert [(one.slug, one.place, one.got) for one in found.findings] == []


@pytest.mark.parametrize(
    ("slug", "more", "changes"), rides.BEHIND, ids=[one[0] for one in rides.BEHIND]
)
def test_what_keeps_a_server_from_starting_hides_nothing(
    slug: str, more: str, changes: tuple[shapes.Change, ...], tmp_path: Path
) -> None:
    found = doctor.diagnose(shapes.write("couriers", changes, tmp_path / "it")).findings
    assert [one.slug for one in found] == [slug, more]


def test_what_follows_from_a_named_cause_is_no_second_finding(tmp_path: Path) -> None:
    changes = (
        ("webapp/asgi.py", "get_asgi_application()\n", "get_asgi_application\n"),
    )
    found = doctor.diagnose(changed(6, changes, tmp_path / "project")).findings
    assert [one.slug for one in found] == ["asgi-get-asgi-application-not-called"]


@pytest.mark.parametrize(
    ("shape", "wanted", "changes"),
    [one[1:] for one in SEVERAL],
    ids=[one[0] for one in SEVERAL],
)
def test_mistakes_that_are_told_apart_are_all_named(
    shape: str,
    wanted: dict[str | None, str],
    changes: tuple[shapes.Change, ...],
    tmp_path: Path,
) -> None:
    found = doctor.diagnose(shapes.write(shape, changes, tmp_path / shape)).findings
    assert {one.slug: one.file for one in found} == wanted, found
    assert privates.SIGN not in repr(found)

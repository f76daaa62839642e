"""The timetable: what fits, where the breaks are, what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tutor import notebook, places, schedule
from tutor.__main__ import main
from tutor.course import Course, Step

from .courses import make

STEPS = [Step(n, f"s{n}", f"Step {n}", 15, "works") for n in range(1, 9)]


@pytest.mark.parametrize("minutes", range(15, 260, 7))
def test_a_plan_has_no_gap_and_keeps_to_its_minutes(minutes: int) -> None:
    slots = schedule.plan(STEPS, minutes)
    if minutes < 30:  # opening, one step, closing
        assert slots == []
        return
    now = since_break = 0
    for slot in slots:
        assert slot.start == now
        now += slot.minutes
        since_break = 0 if slot.what == "break" else since_break + slot.minutes
        assert since_break <= schedule.STRETCH + schedule.CLOSING
    assert now <= minutes
    picked = [slot.step for slot in slots if slot.step]
    assert picked == STEPS[: len(picked)]
    assert slots[-2].what != "break", "nobody rests before the end"
    if len(picked) < len(STEPS):
        longer = schedule.plan(STEPS, minutes + schedule.BREAK + 15)
        assert len([slot for slot in longer if slot.step]) > len(picked)


def test_the_whole_course_fits_when_there_is_time() -> None:
    course = Course.load(places.root())
    need = sum(step.minutes for step in course.steps)
    slots = schedule.plan(course.steps, 2 * need)
    assert [slot.step for slot in slots if slot.step] == course.steps


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three steps of 5, 10 and 15 minutes, the first of them with notes."""
    root = make(tmp_path / "course")
    content = notebook.read(root / "tutorial.ipynb")
    head = next(cell for cell in content["cells"] if cell["id"] == "head-1")
    head["metadata"]["tutor"] |= {"speaker": "Ask who has a door.", "demo": "Ring."}
    notebook.write(root / "tutorial.ipynb", content)
    monkeypatch.setenv("TUTOR_ROOT", str(root))
    return root


def test_what_it_prints(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "--minutes", "31", "--start", "9:55"]) == 0
    assert capsys.readouterr().out == (
        " 9:55   10 min  opening: everybody runs make lab\n"
        "10:05    5 min  step 1  Door one\n"
        "10:10   10 min  step 2  Door two\n"
        "10:20    5 min  closing: what to take away, where to go on\n"
        "1 minute is spare for questions. "
        "Left for another day: 1 step, 15 minutes.\n"
        'Their timetable: make schedule MINUTES=31 ARGS="--from 3"\n'
        'What to say and show at each: make schedule MINUTES=31 ARGS="--notes"\n'
    )


def test_the_next_day(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "--from", "2", "--notes"]) == 0
    said = capsys.readouterr().out
    assert "opening: everybody runs make goto-1, then make lab" in said
    assert "step 1 " not in said
    assert "That is the whole course" in said
    assert "\nStep 2. Door two (10 min, broken on purpose: No ring)\n" in said


def test_what_it_offers_is_about_the_same_class(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schedule", "--minutes", "40", "--from", "2"]) == 0
    said = capsys.readouterr().out
    assert said.endswith('each: make schedule MINUTES=40 ARGS="--from 2 --notes"\n')


def test_notes(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "--minutes", "20", "--notes"]) == 0
    notes = capsys.readouterr().out.split("\n\n")[1]
    assert notes.splitlines() == [
        "Step 1. Door one (5 min, works)",
        "  say   Ask who has a door.",
        "  show  Ring.",
    ]


def test_too_short_says_what_would_do(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schedule", "--minutes", "29", "--from", "3"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "Step 3 takes 15 minutes, with opening and closing 30; 29 are too few.",
        'Try: make schedule MINUTES=30 ARGS="--from 3"',
    ]


@pytest.mark.parametrize(
    "argv", [["--minutes", "x"], ["--start", "9"], ["--start", "24:00"]]
)
def test_what_makes_no_sense(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schedule", *argv]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"^make schedule: .* is no (number of minutes|time)", line)

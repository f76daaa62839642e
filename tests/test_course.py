"""The course, read from a notebook: its steps, its sections, their cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tutor import notebook
from tutor.course import Course, Section, Step, title
from tutor.report import Refusal

from .conftest import book, code, text

SETUP = code("import tutor", id="setup", metadata={"tags": ["setup"]})


def heading(
    number: int, slug: str, label: str = "works", **more: Any
) -> dict[str, Any]:
    meta = {"step": number, "slug": slug, "minutes": 5, "label": label} | more
    return text(f"## Step {number}. About {slug}\n\nMore.", **meta)


CELLS = [
    text("# A course"),
    SETUP,
    text("## Prologue. Before", section="prologue"),
    code("print(0)"),
    heading(1, "one"),
    code("%step 1"),
    text("### Inside a step"),
    heading(2, "two", "broken on purpose", error="No door"),
    code("%step 2"),
    text("## Words", section="glossary"),
    code("print(9)"),
]


@pytest.fixture
def course() -> Course:
    return Course(Path("/course"), book(*CELLS))


def sources(part: Any) -> list[str]:
    return [cell["source"].splitlines()[0] for cell in part.cells]


def test_parts_stand_in_the_notebooks_order(course: Course) -> None:
    assert [getattr(p, "slug", None) or p.name for p in course.parts] == [
        "start",
        "prologue",
        "one",
        "two",
        "glossary",
    ]
    assert [type(part) for part in course.parts] == [
        Section,
        Section,
        Step,
        Step,
        Section,
    ]
    assert sources(course.parts[0]) == ["# A course", "import tutor"]
    assert sources(course.parts[1]) == ["## Prologue. Before", "print(0)"]
    assert sources(course.parts[4]) == ["## Words", "print(9)"]


def test_every_cell_is_in_one_part(course: Course) -> None:
    assert [cell for part in course.parts for cell in part.cells] == CELLS


def test_a_step(course: Course) -> None:
    one, two = course.steps
    assert (one.number, one.slug, one.title, one.minutes) == (1, "one", "About one", 5)
    assert (one.folder, one.claim) == ("01-one", "works")
    assert two.claim == "broken on purpose: No door"
    assert sources(one) == ["## Step 1. About one", "%step 1", "### Inside a step"]


@pytest.mark.parametrize("number", [2, "2", "02"])
def test_a_step_by_its_number(course: Course, number: int | str) -> None:
    assert course.step(number).slug == "two"


@pytest.mark.parametrize("number", [0, 3, -1, "", "x", "1.0", "²"])
def test_no_such_step(course: Course, number: int | str) -> None:
    with pytest.raises(Refusal, match=f"no step {number}; the steps are 1 to 2"):
        course.step(number)


def test_a_slice_is_the_setup_cell_and_the_steps(course: Course) -> None:
    piece = course.slice(course.step(2))
    assert piece["cells"] == [SETUP, *course.step(2).cells]
    assert piece["nbformat"] == 4
    # where the setup cell itself stands, it comes once
    assert course.slice(course.parts[0])["cells"] == [SETUP, CELLS[0]]


def test_trees(course: Course) -> None:
    assert course.tree(0) is None
    assert course.tree(2) == Path("/course/steps/02-two")


@pytest.mark.parametrize("key", ["slug", "minutes", "label"])
def test_a_heading_that_lacks_something(key: str) -> None:
    cell = heading(1, "one")
    del cell["metadata"]["tutor"][key]
    with pytest.raises(Refusal, match=f"heading of step 1 lacks '{key}'"):
        _ = Course(Path("/"), book(SETUP, cell)).steps


def test_no_setup_cell() -> None:
    with pytest.raises(Refusal, match="no cell tagged setup"):
        _ = Course(Path("/"), book(heading(1, "one"))).setup


@pytest.mark.parametrize(
    "source, expected",
    [
        ("## Step 4. The `asgi` file", "The `asgi` file"),
        ("# A course\ntext", "A course"),
        ("words first\n## Step 12. Then it", "Then it"),
        ("no heading", "no heading"),
    ],
)
def test_titles(source: str, expected: str) -> None:
    assert title(text(source)) == expected


def test_load(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"tutorial\.ipynb"):
        Course.load(tmp_path)
    notebook.write(tmp_path / "tutorial.ipynb", book(*CELLS))
    assert [step.slug for step in Course.load(tmp_path).steps] == ["one", "two"]


def test_notes_for_who_teaches(course: Course) -> None:
    taught = Course(
        Path("/course"),
        book(heading(1, "one", speaker="Ask them.", demo="Show it.")),
    )
    (step,) = taught.steps
    assert (step.speaker, step.demo) == ("Ask them.", "Show it.")
    assert (course.steps[0].speaker, course.steps[0].demo) == ("", "")

"""What is committed is what the notebook makes, and nothing besides.

Not executed here: that the cells do make it is what the checkpoints prove.
"""

from __future__ import annotations

import subprocess

import pytest

from tutor import build, places, trees
from tutor.course import CHECKPOINT, NOTEBOOK, Course

ROOT = places.root()


@pytest.fixture(scope="module")
def course() -> Course:
    return Course.load(ROOT)


@pytest.fixture(scope="module")
def derived(course: Course) -> build.Derived:
    return build.derive(course, ROOT / "steps")


def test_nothing_differs_from_what_the_notebook_makes(derived: build.Derived) -> None:
    other, stale = derived.differences(ROOT), derived.stale(ROOT)
    assert not other + stale, (
        f"{NOTEBOOK} makes another version of: {', '.join(other) or '-'}\n"
        f"and does not make: {', '.join(stale) or '-'}\n"
        "These files are derived. Change the notebook and run: make checkpoints"
    )


def test_it_looks_at_everything(course: Course, derived: build.Derived) -> None:
    last = course.steps[-1].folder
    project = trees.files(ROOT / "steps" / last)
    assert len(project) >= 10
    for name in project:
        assert {name, f"steps/{last}/{name}"} <= derived.files.keys()
    for step in course.steps:
        assert f"steps/{step.folder}/{CHECKPOINT}" in derived.files
    assert "README.md" in derived.files
    made = {path.name for path in (ROOT / "steps").iterdir()}
    assert made == {step.folder for step in course.steps}


def test_every_step_prints_the_line_that_is_true_of_it(course: Course) -> None:
    for step in course.steps:
        before = course.tree(step.number - 1)
        line = build.step_line(step, before, course.tree(step.number))
        magic = f"%step {step.number}"
        (cell,) = [cell for cell in step.cells if cell["source"].strip() == magic]
        assert [out["text"] for out in cell["outputs"]] == [line + "\n"]


def test_no_secret_and_no_database_is_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--", "steps", "webapp", "master_app", "manage.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    for name in listed.stdout.splitlines():
        assert not name.endswith((".sqlite3", ".pyc", ".log")), name
        if name.endswith("settings.py"):
            assert "django-insecure-for-development-only" in (ROOT / name).read_text()

"""What follows from a notebook, on a small course: made once, made whole, or not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tutor import build, notebook, trees
from tutor.course import Course

from .conftest import book
from .courses import TREES, WITH_KNOCKER, cells

pytestmark = pytest.mark.takes(15)

README = "# Doors\n\n<!-- steps: derived -->\nold\n<!-- /steps -->\n\nThe end.\n"


@dataclass(frozen=True)
class Made:
    """How ``make checkpoints`` ended."""

    status: int
    out: str

    @property
    def executed(self) -> list[str]:
        """The parts that were executed, in order."""
        lines = [line.split(":")[0].strip() for line in self.out.splitlines()]
        return [line for line in lines if line in ("start", *TREES)]

    @property
    def changed(self) -> list[str]:
        lines = [line.split() for line in self.out.splitlines()]
        return [line[1] for line in lines if line[:1] == ["changed"]]


Make = Callable[..., Made]


def make_checkpoints(root: Path, *argv: str) -> Made:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tutor", "checkpoints", *argv],
        env=os.environ | {"TUTOR_ROOT": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Made(done.returncode, done.stdout)


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "build" not in path.relative_to(folder).parts
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebook alone, and a README: nothing is derived yet."""
    root = tmp_path_factory.mktemp("course").resolve()
    notebook.write(root / "tutorial.ipynb", book(*cells()))
    (root / "README.md").write_text(README)
    (root / "steps/04-gone").mkdir(parents=True)
    (root / "steps/04-gone/app.py").write_text("stale")
    return root


@pytest.fixture(scope="module")
def made(root: Path) -> Made:
    """The first run; the tests below hold against what it wrote."""
    made = make_checkpoints(root)
    assert made.status == 0, made.out
    return made


@pytest.fixture
def edited(root: Path, made: Made) -> Any:
    """Change the notebook for one test; it is brought back, whatever came."""
    before = everything(root)
    cache = (root / "build/checkpoints.json").read_bytes()

    def edit(id: str, source: str) -> None:
        nb = notebook.read(root / "tutorial.ipynb")
        (cell,) = [cell for cell in nb["cells"] if cell["id"] == id]
        cell["source"] = source
        notebook.write(root / "tutorial.ipynb", nb)

    yield edit
    for name in everything(root).keys() - before.keys():
        (root / name).unlink()
    for name, content in before.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (root / "build/checkpoints.json").write_bytes(cache)


def outputs(root: Path, id: str) -> str:
    nb = notebook.read(root / "tutorial.ipynb")
    (cell,) = [cell for cell in nb["cells"] if cell["id"] == id]
    return "".join(out["text"] for out in cell["outputs"])


# -- the first run ------------------------------------------------------------------


def test_it_executes_every_part_and_says_so(made: Made) -> None:
    assert made.executed == ["start", *TREES]
    assert "3 steps derived" in made.out and made.out.endswith("Next: make test\n")
    assert "steps/02-two/app.py" in made.changed and "README.md" in made.changed


def test_the_trees_are_what_the_cells_make(root: Path, made: Made) -> None:
    for name, texts in TREES.items():
        found = trees.files(root / "steps" / name)
        assert found == {path: text.encode() for path, text in texts.items()}
    assert (root / "app.py").read_text() == WITH_KNOCKER  # the last one, at the root
    assert (root / "bells/loud.py").read_text() == "LOUD = True\n"


def test_what_no_step_makes_is_gone(root: Path, made: Made) -> None:
    assert "steps/04-gone/app.py" in made.changed
    assert sorted(path.name for path in (root / "steps").iterdir()) == list(TREES)


def test_a_slice_has_the_setup_cell_and_the_steps(root: Path, made: Made) -> None:
    whole = notebook.read(root / "tutorial.ipynb")
    by_id = {cell["id"]: cell for cell in whole["cells"]}
    for number, name in enumerate(TREES, 1):
        piece = notebook.read(root / "steps" / name / "checkpoint.ipynb")
        first, head, *rest = piece["cells"]
        assert first["id"] == "setup" and head["id"] == f"head-{number}"
        assert [cell["id"] for cell in rest] == [
            f"cell-{number}-{at}" for at in range(len(rest))
        ]
        for cell in piece["cells"]:
            other = by_id[cell["id"]]
            assert cell["source"] == other["source"]
            assert cell.get("outputs") == other.get("outputs")
        counts = [cell["execution_count"] for cell in notebook.code_cells(piece)]
        assert counts == list(range(1, len(counts) + 1))


def test_counts_go_through_the_whole_notebook(root: Path, made: Made) -> None:
    found = notebook.code_cells(notebook.read(root / "tutorial.ipynb"))
    assert [cell["execution_count"] for cell in found] == list(range(1, len(found) + 1))


def test_outputs_are_those_of_the_run(root: Path, made: Made) -> None:
    assert outputs(root, "setup") == ""
    # The step's line follows from the tree that is made below it.
    assert outputs(root, "cell-2-0") == (
        "Step 2: 10 minutes · app.py +1 −0 · broken on purpose: No ring\n"
    )
    assert outputs(root, "cell-2-1") == "app.py: +1 −0\n"
    assert outputs(root, "cell-3-3") == (
        "Checkpoint 3: the project is what steps/03-three holds.\n"
    )


def test_the_table_of_steps(root: Path, made: Made) -> None:
    assert (root / "README.md").read_text() == (
        "# Doors\n\n<!-- steps: derived -->\n"
        "| step | what it adds | minutes | at its end |\n"
        "|---:|---|---:|---|\n"
        "| 1 | [Door one](steps/01-one) | 5 | works |\n"
        "| 2 | [Door two](steps/02-two) | 10 | broken on purpose: No ring |\n"
        "| 3 | [Door three](steps/03-three) | 15 | silent |\n"
        "| | all 3 | 30 | |\n"
        "<!-- /steps -->\n\nThe end.\n"
    )


def test_nothing_drifts_from_it(root: Path, made: Made) -> None:
    derived = build.derive(Course.load(root), root / "steps")
    assert derived.differences(root) == [] == derived.stale(root)


# -- drift ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["steps/01-one/checkpoint.ipynb", "app.py", "bells/loud.py", "README.md"]
)
def test_a_derived_file_changed_by_hand_is_found(
    root: Path, edited: Any, name: str
) -> None:
    text = (root / name).read_text()
    for old, new in (("door", "gate"), ("LOUD", "SOFT"), ("all 3", "all 9")):
        text = text.replace(old, new)
    assert text != (root / name).read_text()
    (root / name).write_text(text)
    assert build.derive(Course.load(root), root / "steps").differences(root) == [name]


def test_a_tree_changed_by_hand_is_found(root: Path, edited: Any) -> None:
    """It is what the rest is derived from, so it shows in what its step says."""
    (root / "steps/02-two/app.py").write_text("x = 1\n")
    course = Course.load(root)
    line = build.step_line(course.step(2), course.tree(1), course.tree(2))
    assert line + "\n" != outputs(root, "cell-2-0")


def test_a_file_too_many_is_found(root: Path, edited: Any) -> None:
    derived = build.derive(Course.load(root), root / "steps")
    for name in ("steps/02-two/more.py", "bells/new/quiet.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    (root / "bells/__pycache__").mkdir()
    (root / "bells/__pycache__/loud.pyc").touch()
    assert derived.stale(root) == ["bells/new/quiet.py", "steps/02-two/more.py"]
    derived.write(root)
    assert derived.stale(root) == [] and not (root / "bells/new").exists()


# -- later runs ----------------------------------------------------------------


def test_a_second_run_executes_and_changes_nothing(root: Path, made: Made) -> None:
    before = everything(root)
    again = make_checkpoints(root)
    assert (again.status, again.executed, again.changed) == (0, [], [])
    assert "0 files changed" in again.out
    assert everything(root) == before


def test_a_changed_cell_is_executed_and_what_follows(root: Path, edited: Any) -> None:
    source = "%%edit app.py\n NAME = 'door'\n+BELL = 'gong'\n+RING = 2\n"
    edited("cell-2-1", source)
    edited("cell-3-1", "%%edit app.py\n RING = 2\n+KNOCKER = 1\n")
    again = make_checkpoints(root)
    assert again.status == 0 and again.executed == ["02-two", "03-three"], again.out
    assert "BELL = 'gong'" in (root / "steps/03-three/app.py").read_text()
    assert "BELL = 'gong'" in (root / "app.py").read_text()
    assert "app.py +2 −0" in outputs(root, "cell-2-0")
    assert outputs(root, "cell-2-1") == "app.py: +2 −0\n"


BAD = {
    "a context that is lost": ("%%edit app.py\n gone\n+x = 1\n", "Looked for: gone"),
    "a kernel that dies": ("import os; os._exit(1)", "02-two"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_cell_that_fails_writes_nothing(root: Path, edited: Any, name: str) -> None:
    source, words = BAD[name]
    edited("cell-2-1", source)
    before = everything(root)
    again = make_checkpoints(root)
    assert again.status == 1
    assert words in again.out and "Nothing has been written." in again.out
    assert "02-two" in again.out and 'File "' not in again.out.replace('File "<', "")
    if "dies" not in name:
        assert "cell-2-1" in again.out and source.strip() in again.out
    assert everything(root) == before


def test_a_setup_cell_that_prints_is_refused(root: Path, edited: Any) -> None:
    edited("setup", "import tutor; print(1)")
    before = everything(root)
    again = make_checkpoints(root)
    assert again.status == 1 and "setup cell printed something" in again.out
    assert everything(root) == before

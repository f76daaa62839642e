"""Where a kernel's project stands, and what a cell run at the wrong time does.

Every test runs in the ways a notebook can stand: in the learner's workspace, at the
root, in steps/NN.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tutor import places, trees

from .courses import (
    ADD_BELL,
    ADD_KNOCKER,
    APP,
    CELLS,
    TREES,
    WITH_BELL,
    WITH_KNOCKER,
    Kernel,
    make,
    write_tree,
)

LEARNERS, ROOT, STEPS = "workspace", "root", "steps"
HERE = {LEARNERS: "workspace", ROOT: ".", STEPS: "steps/02-two"}
Start = Callable[[str], Kernel]


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = make(tmp_path.resolve() / "course")
    (root / "workspace").mkdir()
    monkeypatch.setenv("TUTOR_ROOT", str(root))
    monkeypatch.setenv("TUTOR_WORKSPACE", str(root / "workspace"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("TUTOR_RECORD", raising=False)
    return root


@pytest.fixture
def start(course: Path) -> Iterator[Start]:
    """Start a kernel in one of the ways; all are ended afterwards."""
    kernels = []

    def started(way: str) -> Kernel:
        kernels.append(Kernel(course / HERE[way]))
        return kernels[-1]

    yield started
    for kernel in kernels:
        kernel.end()


def at(course: Path, number: int) -> Path:
    """The learner's workspace, having reached step ``number``."""
    work = course / "workspace"
    if number:
        write_tree(work, list(TREES.values())[number - 1])
    places.Progress(work).reached = number
    return work


def everything(folder: Path) -> dict[str, bytes]:
    """All files below a folder, those of no project included."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# -- the same course, wherever it stands --------------------------------------------


def test_the_whole_course_prints_the_same_everywhere(
    start: Start, course: Path
) -> None:
    ways: dict[str, list[str]] = {}
    for way in HERE:
        kernel = start(way)
        ways[way] = [
            kernel.runs(cell)[0].text for number in CELLS for cell in CELLS[number]
        ]
    assert ways[ROOT] == [
        "Step 1: 5 minutes · app.py +16 −0 · works\n",
        "app.py: 16 lines\n",
        "Checkpoint 1: the project is what steps/01-one holds.\n",
        "Step 2: 10 minutes · app.py +1 −0 · broken on purpose: No ring\n",
        "app.py: +1 −0\n",
        "Checkpoint 2: the project is what steps/02-two holds.\n",
        "Step 3: 15 minutes · app.py +1 −0, bells/loud.py +1 −0 · silent\n",
        "app.py: +1 −0\n",
        "bells/loud.py: 1 line\n",
        "Checkpoint 3: the project is what steps/03-three holds.\n",
    ]
    assert ways[LEARNERS] == ways[STEPS] == ways[ROOT]
    assert trees.same(course / "workspace", course / "steps/03-three")


def test_only_the_learners_folder_is_written(start: Start, course: Path) -> None:
    before = everything(course)
    for way in (ROOT, STEPS):
        start(way).runs(*CELLS[1], *CELLS[2])
    assert everything(course) == before


@pytest.mark.parametrize("way", [ROOT, STEPS])
def test_a_step_alone_begins_where_the_one_before_ended(start: Start, way: str) -> None:
    """In the kernel of a checkpoint, and in one that skips steps at the root."""
    kernel = start(way)
    kernel.runs(*CELLS[3])
    assert kernel.session.folder.is_dir()
    kernel.runs(*CELLS[2])


def test_scratch_folders_go_with_the_kernel(start: Start, tmp_path: Path) -> None:
    kernel = start(STEPS)
    kernel.runs("%step 2", "%step 3")
    assert len(list(tmp_path.glob("tutor-*"))) == 2
    kernel.end()
    assert list(tmp_path.glob("tutor-*")) == []


@pytest.mark.parametrize("way", HERE)
def test_each_cell_run_twice_prints_the_same(
    start: Start, course: Path, way: str
) -> None:
    kernel = start(way)
    if way == LEARNERS:
        at(course, 1)
    sources = [
        "%step 2",
        ADD_BELL,
        "%%write new.py\nx = 1",
        "%move new.py bells/other.py",
        "%tree",
        "%sh python -c \"print('hello')\"",
        "%remove bells/other.py",
        "%checkpoint 2",
    ]
    for source in sources:
        once, again = kernel.runs(source, source)
        assert once == again and once.text


def test_step_clears_the_learners_names(start: Start) -> None:
    kernel = start(ROOT)
    kernel.runs("kept = 1", "import tutor", "x, _y = 2, 3", "%step 1")
    assert kernel.runs("print(_y, tutor.__name__)")[0].text == "3 tutor\n"
    assert "NameError" in kernel.run("x").text
    assert "NameError" in kernel.run("kept").text
    kernel.runs("In", "Out", "get_ipython", "%step 2")


def test_step_stops_the_server(start: Start) -> None:
    kernel = start(ROOT)
    kernel.runs("%step 1", f"%%write app.py\n{APP}", "%serve daphne app:application")
    server = kernel.session.serving()
    assert server.running
    kernel.runs("%step 1")
    assert not server.running


# -- cells out of order ---------------------------------------------------------------


@pytest.mark.parametrize("way", HERE)
@pytest.mark.parametrize(
    "source",
    [
        ADD_BELL,
        "%%write app.py\nx = 1",
        "%sh python -V",
        "%serve daphne app:application",
        "%mend",
        "%tree",
        "%remove app.py",
        "%move app.py b.py",
        "%%project\nprint(1)",
    ],
    ids=lambda source: source.split()[0],
)
def test_a_cell_before_step(start: Start, course: Path, way: str, source: str) -> None:
    before = everything(course)
    assert start(way).run(source).refuses("No step has begun", "%step")
    assert everything(course) == before


@pytest.mark.parametrize("way", HERE)
def test_the_end_of_another_step(start: Start, course: Path, way: str) -> None:
    kernel = start(way)
    assert kernel.run("%checkpoint 2").refuses("in no step", "%step 2")
    kernel.runs("%step 1")
    before = everything(course)
    assert kernel.run("%checkpoint 2").refuses("in step 1", "%step 2")
    assert everything(course) == before


def test_a_workspace_at_another_step(start: Start, course: Path) -> None:
    work = at(course, 1)
    before = everything(work)
    shown = start(LEARNERS).run("%step 3")
    assert shown.refuses(
        "Step 3 begins where step 2 ends",
        "where step 1 ends",
        "Go on with step 2",
        "make goto-2",
        "Nothing has been changed",
    )
    assert everything(work) == before


def test_an_empty_workspace_at_a_later_step(start: Start, course: Path) -> None:
    assert start(LEARNERS).run("%step 2").refuses("very beginning", "make goto-1")
    assert everything(course / "workspace") == {}


def test_a_step_stops_where_it_can_not_begin(start: Start, course: Path) -> None:
    """What ran before goes on: the cell above has changed nothing."""
    at(course, 1)
    kernel = start(LEARNERS)
    kernel.runs("%step 2")
    assert kernel.run("%step 1000").refuses("no step 1000", "1 to 3")
    kernel.runs(ADD_BELL, "%checkpoint 2")


@pytest.mark.parametrize("reached", [2, 3])
def test_an_earlier_step_runs_in_a_scratch_folder_and_says_so(
    start: Start, course: Path, reached: int
) -> None:
    work = at(course, reached)
    (work / "mine.py").write_text("mine")
    before = everything(work)
    kernel = start(LEARNERS)
    said = kernel.runs("%step 2")[0].lines
    assert said[0] == (
        f"Your workspace has already reached step {reached}: "
        "step 2 runs in a scratch folder."
    )
    assert said[1].startswith("Step 2: 10 minutes")
    kernel.runs(ADD_BELL, "%checkpoint 2")
    assert everything(work) == before
    assert kernel.session.folder != work


def test_the_next_step_goes_on_in_the_workspace(start: Start, course: Path) -> None:
    work = at(course, 2)
    kernel = start(LEARNERS)
    kernel.runs(*CELLS[1], *CELLS[3])
    assert kernel.session.folder == work
    assert trees.same(work, course / "steps/03-three")
    assert places.Progress(work).reached == 3


def test_a_step_left_in_the_middle_goes_on_there(start: Start, course: Path) -> None:
    work = at(course, 1)
    start(LEARNERS).runs("%step 2", ADD_BELL)
    kernel = start(LEARNERS)
    kernel.runs("%step 2", "%checkpoint 2")
    assert kernel.session.folder == work


def test_a_reference_grows_beside_the_learners_own(start: Start, course: Path) -> None:
    work = at(course, 2)
    own = trees.files(work)
    kernel = start(LEARNERS)
    kernel.runs("%step 3", "%reference 3", "%%write mine.py\nhere = 1\n")
    assert trees.files(work) == own
    beside = work / "exercises/03"
    assert (beside / "mine.py").is_file() and (beside / "app.py").is_file()
    kernel.runs("%step 3", "%reference 3")
    assert kernel.session.folder == beside and (beside / "mine.py").is_file()
    kernel.runs("%step 3")
    assert kernel.session.folder == work


@pytest.mark.parametrize("way", [ROOT, STEPS])
def test_elsewhere_a_reference_is_what_the_step_makes(start: Start, way: str) -> None:
    kernel = start(way)
    kernel.runs("%step 2")
    folder = kernel.session.folder
    kernel.runs("%reference 2")
    assert kernel.session.folder == folder


def test_another_right_project_is_fine(start: Start, course: Path) -> None:
    work = at(course, 1)
    (work / "mine.py").write_text("mine = 1\n")
    kernel = start(LEARNERS)
    said = kernel.runs("%step 2", ADD_BELL, "%checkpoint 2")[2].lines
    assert said[1:] == [
        "Yours differs from it, and behaves as it should. That is fine:",
        "  mine.py +1 −0",
    ]
    assert places.Progress(work).reached == 2


@pytest.mark.parametrize("way", [ROOT, STEPS])
def test_cells_that_make_another_project_are_found(start: Start, way: str) -> None:
    kernel = start(way)
    kernel.runs("%step 2", "%%write other.py\nx = 1\n")
    assert kernel.run("%checkpoint 2").refuses(
        "steps/02-two", "app.py +0 −1", "other.py +1 −0", "make checkpoints", most=20
    )


# -- edits whose context is not there -------------------------------------------------


@pytest.mark.parametrize("way", HERE)
@pytest.mark.parametrize(
    "source, words",
    [
        ("%%edit app.py\n NAME = 'gate'\n+x = 1", ("app.py", "NAME = 'gate'")),
        ("%%edit app.py\n     await[...]\n+x = 1", ("app.py", "await[...]")),
        ("%%edit app.py\n         await receive()\n-x\n+y", ("app.py", "for: x")),
        ("%%edit gone.py\n a\n+x = 1", ("gone.py", "no such file")),
        ("%%edit bells\n a\n+x = 1", ("bells", "no such file")),
        ("%%edit --break app.py\n NAME = 'gate'\n+x = 1", ("app.py", "'gate'")),
    ],
)
def test_a_context_that_is_missing(
    start: Start, course: Path, way: str, source: str, words: tuple[str, ...]
) -> None:
    if way == LEARNERS:
        at(course, 1)
    kernel = start(way)
    kernel.runs("%step 2", "%%write bells/a.py\nx = 1")
    before = everything(kernel.session.folder)
    assert kernel.run(source).refuses(*words, "make goto-1")
    assert everything(kernel.session.folder) == before


def test_in_step_1_it_is_the_beginning_that_helps(start: Start) -> None:
    kernel = start(LEARNERS)
    kernel.runs("%step 1")
    assert kernel.run(ADD_BELL).refuses("app.py", "make reset")


@pytest.mark.parametrize("name", ["../out.py", "/tmp/out.py", "a/../../out.py", ""])
def test_no_file_outside_the_project(start: Start, course: Path, name: str) -> None:
    kernel = start(LEARNERS)
    kernel.runs("%step 1")
    for magic in ("%%write", "%%edit"):
        assert kernel.run(f"{magic} {name}\n a\n+b").refuses("inside the project")
    assert kernel.run(f"%remove {name}").refuses("inside the project")
    assert list(course.glob("out.py")) == list(course.parent.glob("out.py")) == []


# -- broken on purpose --------------------------------------------------------------

# Bytes that nothing of ours would write: blanks at the end, two kinds of line ends.
MINE = "NAME = 'door'   # \u00fc, by hand\t \r\nx = 1\n"
BREAK = "%%edit --break app.py\n-NAME[...]\n+NAME = None\n"


@pytest.mark.parametrize("way", HERE)
@pytest.mark.parametrize("how", ["%mend", "%checkpoint 2"])
def test_the_own_bytes_come_back(
    start: Start, course: Path, way: str, how: str
) -> None:
    if way == LEARNERS:
        at(course, 1)
    kernel = start(way)
    kernel.runs("%step 2")
    path = kernel.session.folder / "app.py"
    path.write_bytes(MINE.encode())
    said = kernel.runs(BREAK, BREAK, "%%write --break new.py\nx = 1\n")
    assert said[0].text.startswith("app.py: +1 −1") and "%mend" in said[0].text
    assert said[0] == said[1]
    assert b"NAME = None" in path.read_bytes() and (path.parent / "new.py").exists()
    said = [kernel.run(how)]
    assert path.read_bytes() == MINE.encode()
    assert not (path.parent / "new.py").exists()
    if how == "%mend":
        assert said[0].text == "mended: app.py, new.py\n"
        assert kernel.runs("%mend")[0].text == "Nothing is broken on purpose.\n"


def test_two_breaks_in_a_row_go_back_to_before_the_first(start: Start) -> None:
    kernel = start(ROOT)
    kernel.runs("%step 2", BREAK, "%%edit --break app.py\n-NAME = None\n+NAME = 1\n")
    path = kernel.session.folder / "app.py"
    assert "NAME = 1" in path.read_text()
    kernel.runs("%mend")
    assert path.read_text() == APP


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("import tutor")
for cell in {cells!r}:
    assert shell.run_cell(cell).success
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kernel_killed_while_broken_loses_nothing(start: Start, course: Path) -> None:
    work = at(course, 1)
    (work / "app.py").write_bytes(MINE.encode())
    cells = ["%step 2", BREAK, "%%write --break new.py\nx = 1\n"]
    script = KILLED.format(tests=str(Path(__file__).parent), cells=cells)
    killed = subprocess.run([sys.executable, "-c", script], cwd=work, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert b"NAME = None" in (work / "app.py").read_bytes()
    start(LEARNERS).runs("%step 2")
    assert (work / "app.py").read_bytes() == MINE.encode()
    assert not (work / "new.py").exists()


def test_what_was_changed_by_hand_while_broken_is_kept(
    start: Start, course: Path
) -> None:
    """The bytes of before come back; those that they replace are saved."""
    work = at(course, 1)
    kernel = start(LEARNERS)
    kernel.runs("%step 2", BREAK)
    by_hand = (work / "app.py").read_text() + "# an hour of work\n"
    (work / "app.py").write_text(by_hand)
    said = kernel.runs("%mend")[0].text
    assert (work / "app.py").read_text() == APP
    (saved,) = (work / ".tutor" / "saved").glob("*/app.py")
    assert saved.read_text() == by_hand
    assert saved.parent.name in said


# -- exercises ------------------------------------------------------------------------


@pytest.mark.parametrize("way", HERE)
def test_an_exercise_has_a_copy_of_its_own(
    start: Start, course: Path, way: str
) -> None:
    if way == LEARNERS:
        at(course, 1)
    kernel = start(way)
    kernel.runs("%step 2", ADD_BELL, "%checkpoint 2")
    home = kernel.session.folder
    before = trees.files(home)
    said = kernel.runs("%exercise 2")[0].text
    assert said.startswith("exercises/02/ holds a copy")
    copy = kernel.session.folder
    assert copy == home / "exercises" / "02" and trees.same(
        copy, course / "steps/02-two"
    )
    kernel.runs("%%write app.py\nmine = 1\n", "%exercise 2")
    assert (copy / "app.py").read_text() == "mine = 1\n"
    assert trees.files(home) == before
    # The step's own end means the step's own project.
    kernel.runs("%checkpoint 2")
    assert kernel.session.folder == home


def test_an_exercise_before_any_step(start: Start) -> None:
    kernel = start(ROOT)
    kernel.runs("%exercise 3")
    assert (kernel.session.folder / "app.py").read_text() == WITH_KNOCKER
    assert kernel.run("%exercise 9").refuses("no step 9")


def test_no_step_without_its_trees(start: Start, course: Path) -> None:
    (course / "steps/01-one").rename(course / "steps/99-gone")
    assert start(STEPS).run("%step 2").refuses("01-one", "make checkpoints")


def test_a_learner_may_use_an_editor_instead(start: Start, course: Path) -> None:
    """The change that a cell makes is there already: it is left alone."""
    work = at(course, 1)
    kernel = start(LEARNERS)
    kernel.runs("%step 2")
    (work / "app.py").write_text(WITH_BELL + "# mine\n")
    kernel.runs(ADD_BELL, "%checkpoint 2", "%step 3", ADD_KNOCKER)
    assert (work / "app.py").read_text() == WITH_KNOCKER + "# mine\n"


def test_a_progress_file_that_is_none(course: Path, start: Start) -> None:
    work = course / "workspace"
    for text in ("", "{", "[]", '{"reached": "x"}', "\x00"):
        (work / ".tutor").mkdir(exist_ok=True)
        (work / ".tutor/progress.json").write_text(text)
        assert places.Progress(work).reached == 0
    start(LEARNERS).runs(*CELLS[1])
    assert places.Progress(work).reached == 1


def test_where_the_folders_are(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert places.is_learners(course / "workspace")
    assert places.is_learners(course.parent)
    assert not places.is_learners(course)
    assert not places.is_learners(course / "steps/02-two")
    monkeypatch.delenv("TUTOR_WORKSPACE")
    assert places.workspace() == course / "workspace"
    monkeypatch.delenv("TUTOR_ROOT")
    assert (places.root() / "src/tutor").is_dir()
    assert os.path.isabs(places.workspace())


def test_no_module_hides_what_cells_call() -> None:
    """``import tutor.name`` puts the module in the place of a function so named."""
    text = (places.root() / "tutorial.ipynb").read_text(encoding="utf-8")
    names = set(re.findall(r"\btutor\.(\w+)\(", text))
    code = (
        "import pkgutil, sys, tutor\n"
        "for one in pkgutil.iter_modules(tutor.__path__):\n"
        "    if one.name in sys.argv[1:]: __import__('tutor.' + one.name)\n"
        "print(*[name for name in sys.argv[1:] if not callable(getattr(tutor, name))])"
    )
    argv = [sys.executable, "-P", "-c", code, *sorted(names)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert len(names) > 20
    assert done.stdout.split() == []

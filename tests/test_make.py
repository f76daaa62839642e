"""The Makefile: what it lists, what it says to a slip of the finger."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tutor.__main__ import main

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()


def make(*argv: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    ours = ("MAKE", "MFLAGS", "ARGS", "PYTEST")  # of the make that runs this test
    env = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return subprocess.run(
        ["make", *argv], cwd=cwd, env=env, capture_output=True, text=True, timeout=60
    )


def rules() -> set[str]:
    """The targets a person may type, as the Makefile's rules have them."""
    found = re.findall(r"^([a-z]+(?:-%|-[a-z]+)?):", MAKEFILE, re.MULTILINE)
    return {name.replace("%", "N") for name in found if name != "help"}


def test_plain_make_lists_every_target_in_its_group() -> None:
    done = make()
    assert done.returncode == 0
    groups = re.findall(r"^(\w+)$", done.stdout, re.MULTILINE)
    assert groups == ["Learner", "Instructor", "Maintainer"]
    listed = re.findall(r"^  make ([\w-]+) +\w", done.stdout, re.MULTILINE)
    assert set(listed) == rules()
    assert len(listed) == len(set(listed))
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our Makefile over a course of three steps and nothing else."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    for name in ("01-one", "02-two", "10-ten"):
        (folder / "steps" / name).mkdir(parents=True)
    return folder


@pytest.mark.parametrize("verb", ["step", "check", "hint", "diff", "goto", "serve"])
@pytest.mark.parametrize("number", ["99", "x", "1.5"])
def test_a_step_that_is_not_there_is_one_line(
    course: Path, verb: str, number: str
) -> None:
    done = make(f"{verb}-{number}", cwd=course)
    assert done.returncode != 0
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert f'There is no step "{number}"; the steps are: 1 2 10' in line


def test_a_number_may_have_a_zero_before_it(course: Path) -> None:
    for number, typed in (("1", "step-01"), ("1", "step-1"), ("10", "step-10")):
        done = make("-n", typed, cwd=course)
        assert done.stdout.split()[-2:] == ["step", number], done
    assert make("-n", "goto-0", cwd=course).stdout.split()[-2:] == ["goto", "0"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tset", "test"),
        ("lb", "lab"),
        ("docter", "doctor"),
        ("check-", "check-N"),
        ("got-3", "goto-N"),
        ("chekpoints", "checkpoints"),
    ],
)
def test_a_typing_mistake_is_one_line(typed: str, meant: str) -> None:
    done = make(typed)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert f"No such target: {typed}; did you mean {meant}?" in line


@pytest.mark.parametrize("typed", ["something-else", "it's", "README.mdx"])
def test_what_is_like_nothing_is_one_line_too(typed: str) -> None:
    done = make(typed)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert f"No such target: {typed}; plain make lists them" in line


def test_files_that_are_there_are_no_mistake() -> None:
    assert make("pyproject.toml").returncode == 0
    assert make("Makefile").returncode == 0


def test_a_dry_run_says_what_would_be_done() -> None:
    done = make("-n", "test", "ARGS=-x")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].endswith(
        "-m pytest -c pyproject.toml -n logical -x"
    )


def test_a_step_with_settings_of_its_own_for_pytest_is_proven_all_the_same() -> None:
    done = make("test", "ARGS=--collect-only -q steps/15-load")
    assert done.returncode == 0, done.stdout
    assert "steps/15-load/checkpoint.ipynb::Cell 1\n" in done.stdout


def test_recipes_are_silent_and_keep_off_the_checkout() -> None:
    """No recipe is echoed; Python never has the checkout on its import path."""
    joined = MAKEFILE.replace("\\\n", " ")
    recipes = re.findall(r"^\t(.*)", joined, re.MULTILINE)
    assert [line for line in recipes if not re.match(r"@|\$\(error", line)] == []
    assert not re.search(r"python (?!-P)-", MAKEFILE)


def test_clean_keeps_the_learners_work(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE)
    for name in ("build/x", "workspace/tutorial.ipynb", ".venv/x", "src/__pycache__/x"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("")
    for _ in range(2):
        done = make("clean", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    left = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert left == {"Makefile", "workspace/tutorial.ipynb", ".venv/x"}


@pytest.mark.parametrize(
    "verb", ["stress", "schedule", "html", "handout", "offline-kit", "lint"]
)
def test_what_a_verb_does_not_take_is_one_line(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--seed=x"] if verb == "stress" else ["--sede=x"]
    assert main([verb, *argv]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith(f"make {verb}: ") and "x" in line


# In place of Python: fetches nothing, then says who it is and works on and on.
WORKS = """#!/bin/sh
case "$*" in *--get) exit;; esac
echo $$ > pid.new && mv pid.new pid
exec sleep 600
"""


@pytest.mark.parametrize(
    "words",
    [["lab"], ["stress", "TIMES=2"], ["doctor", "PROJECT=a b"], ["serve-2"], ["test"]],
    ids=lambda words: words[0],
)
def test_a_signal_to_make_reaches_what_it_runs(
    words: list[str], course: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "course"
    shutil.copytree(course, folder)
    python, bootstrap = folder / ".venv/bin/python", folder / ".ci/bootstrap"
    python.parent.mkdir(parents=True)
    for path, text in ((python, WORKS), (bootstrap, "#!/bin/sh\n")):
        path.write_text(text)
        path.chmod(0o755)
    pid = folder / "pid"
    with subprocess.Popen(["make", *words], cwd=folder) as running:
        while not pid.exists() and running.poll() is None:
            time.sleep(0.01)
        works = psutil.Process(int(pid.read_text()))
        running.terminate()
    _, alive = psutil.wait_procs([works], timeout=10)
    for process in alive:
        process.kill()
    assert not alive

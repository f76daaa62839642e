"""`make stress` itself: what fails, hangs or stays is told, and nothing outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest

from tutor import stress
from tutor.__main__ import main
from tutor.report import Refusal
from tutor.stress import Suite

pytestmark = pytest.mark.takes(12)

ROOT = Path(__file__).parents[1]
GOOD = """
import os, tempfile
def test_good():
    assert os.stat(tempfile.gettempdir()).st_mode & 0o777 == 0o711
"""
BAD = "def test_bad(): assert False\n"
MESSY = """
import subprocess, sys, tempfile
def test_messy():
    tempfile.mkdtemp(prefix="mess-")
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                     start_new_session=True)
"""
# Says by a file that it has begun.
HANGS = """
import pathlib, time
def test_hangs():
    pathlib.Path(__file__).with_name("begun").touch()
    time.sleep(600)
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a suite of nothing yet."""
    monkeypatch.setenv("TUTOR_ROOT", str(tmp_path))
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "src").symlink_to(ROOT / "src")  # where the environment looks for it
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p tutor.shuffled\n")
    return tmp_path


def suite(root: Path) -> Suite:
    return Suite("busy-1", root, 7, root / "log")


def test_a_sound_run_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "test_good.py").write_text(GOOD)
    ran = suite(root)
    stress.together([ran], ["-n0"], 60)
    assert ran.sound, ran.said
    assert stress.summary([ran]) == 0
    assert "busy-1     --shuffle=7       1 passed, " in capsys.readouterr().out


def test_what_fails_and_what_stays_is_told(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {"good": GOOD, "bad": BAD, "messy": MESSY}.items():
        (root / f"test_{name}.py").write_text(text)
    monkeypatch.setattr(stress, "GONE", 0.1)
    ran = suite(root)
    stress.together([ran], ["-n0"], 60)
    assert ran.status == 1
    assert ran.failed == ["test_bad.py::test_bad"]
    process, file = ran.left
    assert process.startswith("a process: ") and "time.sleep(600)" in process
    assert file.startswith("a file: mess-")
    assert stress.summary([ran]) == 1
    said = capsys.readouterr().out
    assert "1 failed, 2 passed" in said
    assert "1 of 1  test_bad.py::test_bad  (busy-1)" in said
    assert "1 of 1 runs were not sound: build/stress/" in said


def test_what_hangs_is_given_up(root: Path) -> None:
    (root / "test_hangs.py").write_text(HANGS)
    ran = suite(root)
    stress.together([ran], ["-n0"], 2)
    assert ran.status is None and not ran.sound and ran.left == []
    assert "given up: 0%, 0 failed so far" in str(ran)


def test_nothing_outlives_it(root: Path) -> None:
    """Killed, it takes the suite, the busy loops and the folders with it."""
    (root / "test_hangs.py").write_text(HANGS)
    (root / "tmp").mkdir()
    mark = uuid.uuid4().hex
    command = [sys.executable, "-P", "-m", "tutor", "stress", "--only", "busy", "-n0"]
    env = {k: v for k, v in os.environ.items() if "PYTEST" not in k}
    env |= {"STRESS_TEST": mark, "TMPDIR": str(root / "tmp")}
    running = subprocess.Popen(command, cwd=root, env=env, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not (root / "begun").exists():
            assert running.poll() is None and time.monotonic() < end
            time.sleep(0.05)
    finally:
        found = marked(mark)
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert len(found) > 2 + (os.cpu_count() or 1)
    _, left = psutil.wait_procs(found, timeout=15)
    for process in left:
        process.kill()
    assert left == [] and marked(mark) == []
    assert list((root / "tmp").glob("tutor-*")) == []


def marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("STRESS_TEST") == mark:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_progress_is_read_from_what_pytest_says(tmp_path: Path) -> None:
    one = Suite("crowd-1-1", tmp_path, 1, tmp_path / "log")
    one.log.write_text("....F..s [ 12%]\n..E.xX.. [ 25%]\n..")
    assert one.progress == "25%, 2 failed so far"
    one.log.write_text(
        "FAILED tests/test_a.py::test_b[x - y] - AssertionError: no\n"
        "ERROR tests/test_c.py\nFAILED tests/test_a.py::test_d\n"
        "== 2 failed, 3 passed, 1 error in 1.20s ==\n"
    )
    assert "tests/test_a.py::test_d" in one.failed and "tests/test_c.py" in one.failed
    one.status, one.seconds = 1, 1.2
    assert str(one).endswith("2 failed, 3 passed, 1 error, 1 s")


def test_a_copy_is_what_git_sees(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refusal, match="no git checkout"):
        stress.copy(root, root / "copy")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / ".gitignore").write_text("log\nsrc\n.venv\ncopy\n")
    (root / "log").touch()
    (root / ".ci").mkdir()
    built = root / ".ci/bootstrap"
    built.write_text("#!/bin/sh\ntouch built-here\n")
    built.chmod(0o755)
    stress.copy(root, root / "copy")
    names = {path.name for path in (root / "copy").iterdir()}
    assert names == {".git", ".gitignore", ".ci", "pytest.ini", "built-here"}
    built.write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    with pytest.raises(Refusal, match="no room"):
        stress.copy(root, root / "copy")


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["--times", "abc"], "TIMES=abc is no number of rounds; it is 1 or more."),
        (["--times", "0"], "TIMES=0 is no number of rounds; it is 1 or more."),
        (["--copies", "x"], "make stress: argument --copies: invalid int value: 'x'"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    root: Path, argv: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stress", *argv]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"{line}\n")
    assert not (root / "build").exists(), "nothing has begun"

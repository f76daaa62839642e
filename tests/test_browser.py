"""Which browser is taken, and what the last line of a run says without one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tutor import browser
from tutor.report import Refusal


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any browser."""
    monkeypatch.delenv("TUTOR_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setattr(browser, "MAC", ())
    return tmp_path


def test_the_order(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert browser.find() is None
    shell = (
        "chromium_headless_shell-1/chrome-headless-shell-linux64/chrome-headless-shell"
    )
    fetched = program(machine / "playwright" / shell)
    assert browser.find() == fetched
    fetched = program(machine / "playwright" / "chromium-1" / "chrome-linux" / "chrome")
    assert browser.find() == fetched
    chrome = program(machine / "bin" / "google-chrome")
    assert browser.find() == chrome
    chromium = program(machine / "bin" / "chromium")
    assert browser.find() == chromium
    mine = program(machine / "mine")
    monkeypatch.setenv("TUTOR_BROWSER", str(mine))
    assert browser.find() == mine


def test_none_is_a_choice(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(machine / "bin" / "chromium")
    monkeypatch.setenv("TUTOR_BROWSER", "none")
    assert browser.find() is None
    assert browser.get() is None, "nothing is fetched"


def test_a_wrong_name_is_refused(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTOR_BROWSER", "/nonexistent/chrome")
    with pytest.raises(Refusal, match="there is no such program"):
        browser.find()


SUITE = """
import pytest

def test_plain():
    pass

@pytest.mark.browser
def test_page(browser_path):
    pass
"""


def run(folder: Path, *argv: str, **env: str) -> tuple[int, list[str]]:
    (folder / "test_it.py").write_text(SUITE)
    (folder / "pytest.ini").write_text(
        "[pytest]\ntestpaths = test_it.py\naddopts = -p tutor.verdict\n"
    )
    clean = {
        k: v for k, v in os.environ.items() if "PYTEST" not in k and k not in ("CI",)
    }
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", *argv],
        cwd=folder,
        env=clean | env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_the_last_line(tmp_path: Path, workers: str) -> None:
    found = str(program(tmp_path / "chrome"))
    status, lines = run(tmp_path, workers, TUTOR_BROWSER=found)
    assert (status, lines[-1]) == (0, "proved")
    status, lines = run(tmp_path, workers, TUTOR_BROWSER="none")
    assert status == 0
    assert lines[-1].startswith("proved, but for the browser (1 test); to get one: ")


def test_in_ci_a_missing_browser_is_a_failure(tmp_path: Path) -> None:
    status, lines = run(tmp_path, TUTOR_BROWSER="none", CI="true")
    assert status == 1
    assert not any(line.startswith("proved") for line in lines)


def test_a_part_of_the_suite_proves_nothing_as_a_whole(tmp_path: Path) -> None:
    for part in (["-k", "plain"], ["test_it.py"]):
        status, lines = run(tmp_path, *part, TUTOR_BROWSER="none")
        assert status == 0
        assert not any(line.startswith("proved") for line in lines)

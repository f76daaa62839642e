"""Spelling: a slip is found, there is none, and no permit is kept for nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tutor import lint

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["codespell"]
SLIP = "recie" + "ve"  # in two pieces, since this file is looked at, too


def test_a_slip_is_found(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci/notes").write_text(f"We {SLIP} a message.\n")
    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert f".ci/notes:1: {SLIP} ==> receive" in done.stdout


def test_there_is_none() -> None:
    assert lint._passes("codespell_lib")


@pytest.mark.parametrize("word", SETTINGS["ignore-words-list"].split(","))
def test_each_permit_is_needed(word: str) -> None:
    source = ROOT / "src"
    places = [ROOT / "tutorial.ipynb", *source.rglob("*.py"), *source.rglob("*.toml")]
    places += [*(ROOT / "tests").rglob("*.py")]
    places.remove(Path(__file__))
    wanted = re.compile(rf"\b{word}\b", re.IGNORECASE)
    assert any(wanted.search(path.read_text(encoding="utf-8")) for path in places)

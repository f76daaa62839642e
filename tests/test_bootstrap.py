"""`.ci/bootstrap`, with a stand-in for uv that notes what it is asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

UV = """#!/bin/sh
[ "$1" = --version ] && exit 0
echo "$1 $2 bytecode=${PYTHONDONTWRITEBYTECODE:-yes}" >>"$UV_LOG"
case "$1" in
    venv) "%s" -m venv --without-pip .venv ;;
    pip) [ ! -e "$UV_LOG.fails" ] || { echo "no network" >&2; exit 2; } ;;
esac
"""


class Checkout:
    """A checkout in a folder with an awkward name, and a machine with our uv."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "mein Kurs ä"
        (self.folder / "src" / "tutor").mkdir(parents=True)
        (self.folder / "src" / "tutor" / "__init__.py").write_text("")
        shutil.copytree(ROOT / ".ci", self.folder / ".ci")
        (self.folder / "requirements.lock").write_text("one==1\n")
        self.log = folder / "uv.log"
        (folder / "bin").mkdir()
        uv = folder / "bin" / "uv"
        uv.write_text(UV % os.path.realpath(sys.executable))
        uv.chmod(0o755)
        self.env = os.environ | {
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "UV_LOG": str(self.log),
            "PYTHON": sys.executable,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.env.pop("NO_UV", None)

    def start(self, *argv: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [".ci/bootstrap", *argv],
            cwd=self.folder,
            env=self.env | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *argv: str, **env: str) -> tuple[int, str]:
        process = self.start(*argv, **env)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def python(self, code: str) -> str:
        return subprocess.check_output(
            [".venv/bin/python", "-P", "-c", code], cwd=self.folder, text=True
        ).strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_it_builds_once_and_then_has_nothing_to_do(checkout: Checkout) -> None:
    status, said = checkout.run()
    assert status == 0, said
    assert said.splitlines()[-1].startswith("Built .venv from requirements.lock")
    assert said.splitlines()[-1].endswith("Next: make lab, or make test")
    assert checkout.asked() == ["venv -q bytecode=yes", "pip sync bytecode=yes"]
    assert checkout.run()[1].startswith(".venv is up to date")
    assert checkout.run("-q") == (0, "")
    assert len(checkout.asked()) == 2


def test_tutor_is_found_and_the_checkout_itself_is_not(checkout: Checkout) -> None:
    checkout.run()
    path = checkout.python("import sys; print(*sys.path, sep='\\n')").splitlines()
    assert str(checkout.folder / "src") in path
    assert str(checkout.folder) not in path
    moved = checkout.folder.with_name("moved")
    checkout.folder.rename(moved)
    checkout.folder = moved
    assert checkout.python("import tutor; print(tutor.__file__)").startswith(str(moved))


def test_a_changed_lock_is_installed(checkout: Checkout) -> None:
    checkout.run()
    (checkout.folder / "requirements.lock").write_text("one==2\n")
    assert checkout.run()[0] == 0
    assert [line.split()[0] for line in checkout.asked()] == ["venv", "pip", "pip"]
    assert checkout.run("-q") == (0, "")


def test_what_failed_halfway_begins_anew(checkout: Checkout) -> None:
    fails = checkout.log.with_name("uv.log.fails")
    fails.write_text("")
    status, said = checkout.run()
    assert status != 0
    assert "no network" in said
    assert "NO_UV=1 make env" in said
    (checkout.folder / ".venv" / "half").write_text("")
    fails.unlink()
    assert checkout.run()[0] == 0
    assert not (checkout.folder / ".venv" / "half").exists()


def test_two_at_once_build_it_once(checkout: Checkout) -> None:
    running = [checkout.start() for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert len(checkout.asked()) == 2, said


def test_a_python_that_will_not_do_is_named(checkout: Checkout, tmp_path: Path) -> None:
    status, said = checkout.run(PYTHON="/nonexistent/python")
    assert status != 0
    assert said.startswith("PYTHON=/nonexistent/python is no Python 3.11 or newer")
    assert not (checkout.folder / ".venv").exists()


def test_without_a_python_it_says_how_to_get_one(
    checkout: Checkout, tmp_path: Path
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "cmp", "mkdir", "tail"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    home = {"PATH": str(tools), "PYTHON": "", "PYENV_ROOT": "/nonexistent"}
    status, said = checkout.run(**home)
    assert status == 1
    assert said.startswith("Python 3.11 or newer was not found")
    assert "python3-venv" in said


def test_a_missing_lock_is_one_line(checkout: Checkout) -> None:
    (checkout.folder / "requirements.lock").unlink()
    expected = "requirements.lock is missing: git checkout requirements.lock\n"
    assert checkout.run() == (1, expected)

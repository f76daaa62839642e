"""The outputs in the notebook hold on the other Python as well: 3.11 and 3.13.

The packages of the lock are installed for it once, into build/; then the checkpoints
are proved there as they are here.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tutor import places
from tutor.prove import turns

pytestmark = pytest.mark.takes(150)

ROOT = places.root()
LOCK = ROOT / "requirements.lock"
UV = [sys.executable, "-m", "uv"]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHERS = [version for version in ("3.11", "3.13") if version != HERE]

WHO = "import sys; print('%d.%d' % sys.version_info[:2], sys._base_executable)"


def call(*argv: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment that names no environment of ours."""
    unwanted = ("PYTEST_", "PYTHON", "VIRTUAL_ENV", "TUTOR_")
    env = {
        name: value
        for name, value in os.environ.items()
        # Its suite has our turn, and would wait for another at each cell.
        if name == turns.HELD or not name.startswith(unwanted)
    }
    return subprocess.run(
        argv,
        cwd=ROOT,
        env=env | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def candidates(version: str) -> Iterator[str]:
    """Where an interpreter of this version may be."""
    if named := shutil.which(f"python{version}"):
        yield named
    listed = call(*UV, "python", "list", "--only-installed", "--output-format", "json")
    if listed.returncode == 0 and listed.stdout.startswith("["):
        yield from (found["path"] for found in json.loads(listed.stdout))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from map(str, sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True))


def find(version: str) -> str | None:
    """An interpreter that runs and is of this version; a pyenv shim may be neither."""
    for path in candidates(version):
        try:
            asked = call(path, "-c", WHO)
        except OSError:
            continue
        said, _, real = asked.stdout.strip().partition(" ")
        if asked.returncode == 0 and said == version:
            return real
    return None


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One at a time, over processes; the lock ends with whoever holds it."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def environment(version: str) -> Path:
    """Its interpreter with the locked packages; built where there is none."""
    folder = ROOT / "build" / f"env-{version}"
    python, stamp = folder / "bin/python", folder / "installed"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    with alone(folder.with_suffix(".lock")):
        if stamp.exists() and stamp.read_text() == wanted and python.exists():
            return python
        found = find(version)
        if found is None:
            pytest.skip(f"there is no Python {version} here")
        shutil.rmtree(folder, ignore_errors=True)
        made = call(*UV, "venv", "-q", "--no-project", "--python", found, str(folder))
        assert made.returncode == 0, made.stdout
        sync = ["pip", "sync", "-q", "--require-hashes", "--compile-bytecode"]
        done = call(*UV, *sync, "--python", str(python), str(LOCK))
        if done.returncode != 0:
            last = (done.stdout.strip().splitlines() or ["no word"])[-1]
            pytest.skip(
                f"the packages can't be installed for {version}: {last.strip()}"
            )
        (site,) = folder.glob("lib/python*/site-packages")
        source = os.path.relpath(ROOT / "src", site)
        (site / "tutor.pth").write_text(f"{source}\n")
        stamp.write_text(wanted)
    return python


@pytest.mark.parametrize("version", OTHERS)
def test_the_outputs_are_the_same(version: str) -> None:
    python = environment(version)
    books = sorted(ROOT.glob("steps/*/checkpoint.ipynb"))
    done = call(
        *(str(python), "-P", "-m", "pytest", "-n2", "-q", "-p", "no:cacheprovider"),
        *("--executed", f"build/executed-{version}"),
        *(str(book.relative_to(ROOT)) for book in books),
        # Whose python a cell's children find is decided by this one.
        PATH=f"{python.parent}{os.pathsep}{os.environ['PATH']}",
    )
    assert done.returncode == 0, f"on Python {version}:\n{done.stdout[-8000:]}"
    assert f"{len(books)} notebooks: " in done.stdout
    assert ", 0 failed, 0 not run" in done.stdout

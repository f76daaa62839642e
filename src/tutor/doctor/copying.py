"""A copy of a project to run, so that nothing in the project itself changes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tutor.places import scratch

SKIPPED = {
    ".git",
    ".hg",
    ".svn",
    ".tox",
    ".nox",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".ipynb_checkpoints",
    ".tutor",
    ".idea",
    "site-packages",
}
BIG = 20_000_000  # bytes: a larger file is not needed to run a project
MOST = 20_000  # files


@contextmanager
def copied(project: Path) -> Iterator[Path]:
    """A copy of ``project`` that is removed afterwards.

    Args:
        project: the folder with the project; environments, histories and very
            large files in it are left out.
    """
    with tempfile.TemporaryDirectory(
        prefix="tutor-doctor-", dir=scratch(), ignore_cleanup_errors=True
    ) as base:
        target = Path(base).resolve() / project.name
        target.mkdir()
        _copy(project, target)
        yield target


def _copy(project: Path, target: Path) -> None:
    count = 0
    for folder, folders, files in os.walk(project):
        here = Path(folder)
        # The copy itself may lie below the project, if that is a temporary folder.
        folders[:] = [
            name
            for name in folders
            if not _skipped(here / name) and here / name != target.parent
        ]
        there = target / here.relative_to(project)
        there.mkdir(exist_ok=True)
        for name in files:
            path = here / name
            # What can't be read can't be run either; fifos and sockets would hang.
            with suppress(OSError):
                if not path.is_file() or path.stat().st_size > BIG or count > MOST:
                    continue
                shutil.copyfile(path, there / name)
                count += 1


def _skipped(folder: Path) -> bool:
    return (
        folder.name in SKIPPED
        or (folder / "pyvenv.cfg").exists()
        or folder.is_symlink()
    )

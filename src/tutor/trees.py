"""A project as a set of files: which count, copying them, comparing them."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Made by running or by tools, so no part of a checkpoint.  The notebook and the
# exercises stand beside the project in a workspace.
IGNORED_FOLDERS = frozenset(
    {
        *("__pycache__", ".pytest_cache", ".hypothesis", ".ipynb_checkpoints"),
        *(".tutor", "exercises", "staticfiles", ".git"),
    }
)
IGNORED_SUFFIXES = (".pyc", ".sqlite3", ".sqlite3-journal", ".ipynb", ".swp", "~")
IGNORED_NAMES = frozenset({".DS_Store", "report-card.html"})


def files(root: Path) -> dict[str, bytes]:
    """The project's files: path relative to the root (with /) to content."""
    return {path: (root / path).read_bytes() for path in sorted(_walk(root))}


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - IGNORED_FOLDERS)
        for name in names:
            if name.endswith(IGNORED_SUFFIXES) or name in IGNORED_NAMES:
                continue
            yield (Path(folder) / name).relative_to(root).as_posix()


def copy(source: Path, target: Path) -> None:
    """Copy a project's files into a folder, which may be there already."""
    for path, content in files(source).items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(content)
        shutil.copymode(source / path, target / path)


def replace(source: Path, target: Path) -> None:
    """Make the project in ``target`` equal to the one in ``source``."""
    wanted = set(_walk(source))
    for path in set(_walk(target)) - wanted if target.is_dir() else ():
        (target / path).unlink()
        for folder in (target / path).relative_to(target).parents:
            # Empty folders go with their last file; rmdir refuses the others.
            if folder != Path(".") and not any((target / folder).iterdir()):
                (target / folder).rmdir()
    copy(source, target)


@dataclass(frozen=True)
class FileChange:
    """How one file differs: its path, lines added and removed, the diff itself."""

    path: str
    added: int
    removed: int
    diff: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path} +{self.added} −{self.removed}"


def changes(old: Path | None, new: Path) -> list[FileChange]:
    """What ``new`` has that ``old`` has not, and the other way round.

    Args:
        old: a project, or None for the empty folder.
        new: a project.
    """
    before = files(old) if old is not None else {}
    after = files(new)
    found = []
    for path in sorted(before.keys() | after.keys()):
        one, two = before.get(path, b""), after.get(path, b"")
        if one == two and (path in before) == (path in after):
            continue
        diff = list(
            difflib.unified_diff(
                one.decode("utf-8", "replace").splitlines(),
                two.decode("utf-8", "replace").splitlines(),
                path,
                path,
                lineterm="",
            )
        )
        added = sum(line.startswith("+") for line in diff[2:])
        removed = sum(line.startswith("-") for line in diff[2:])
        found.append(FileChange(path, added, removed, tuple(diff)))
    return found


def same(one: Path, two: Path) -> bool:
    """Whether two projects hold the same files, byte by byte."""
    return files(one) == files(two)

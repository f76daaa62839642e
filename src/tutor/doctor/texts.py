"""The text of a project's file, whatever lies under its name."""

from __future__ import annotations

from pathlib import Path


def text_of(path: Path) -> str:
    """What a file holds; bytes that are no text are marked in it.

    Args:
        path: a file's, as it should be.

    Raises:
        OSError: it can't be read, or is no file: of a pipe nobody ever sees the end.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    return path.read_text("utf-8", "replace")

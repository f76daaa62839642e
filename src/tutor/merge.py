"""The learner's copy of the course, and what a newer course changes in it.

Pure: notebooks in, notebooks out.  A cell is known by its id.  Compared with the
course last given out, a cell whose source the learner changed is the learner's;
every other cell is the course's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

Notebook = dict[str, Any]
Cell = dict[str, Any]


def copy_for_learner(course: Notebook) -> Notebook:
    """The notebook as a learner first opens it: every text, no output, no count.

    ``[ ]`` beside a cell then says truthfully that it has not run, a number that
    it has; an output seen is one that the learner's own machine has just made.
    With the stored outputs a learner could read to the end, believe that a server
    is up, and find nothing in the workspace.
    """
    return {**course, "cells": [_cleared(cell) for cell in course["cells"]]}


def _cleared(cell: Cell) -> Cell:
    if cell["cell_type"] != "code":
        return cell
    metadata = {k: v for k, v in cell["metadata"].items() if k != "execution"}
    return {**cell, "metadata": metadata, "outputs": [], "execution_count": None}


@dataclass(frozen=True)
class Merged:
    """A learner's notebook brought up to date.

    Args:
        notebook: the result.
        updated: ids of cells that now are as the course has them; new ones too.
        removed: ids of cells that the course no longer has.
        kept: ids of cells that both have changed; they stayed the learner's.
    """

    notebook: Notebook
    updated: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return bool(self.updated or self.removed)

    def __str__(self) -> str:
        parts = [
            f"{len(ids)} {'cell' if len(ids) == 1 else 'cells'} {what}"
            for ids, what in (
                (self.updated, "updated"),
                (self.removed, "no longer in the course"),
                (self.kept, "left as you changed them"),
            )
            if ids
        ]
        return ", ".join(parts) or "nothing changed"


def merge(base: Notebook, mine: Notebook, course: Notebook) -> Merged:
    """Bring a learner's notebook up to date, cell by cell.

    The course's order holds.  A cell that the learner added stays behind the cell
    it stood behind; one that the learner removed stays away.

    Args:
        base: the course last given out; without cells where that is not known,
            and then a cell that differs counts as the learner's.
        mine: the learner's notebook.
        course: the course now.
    """
    before, now = _by_id(base["cells"]), _by_id(course["cells"])
    own = _by_id(mine["cells"])
    updated: list[str] = []
    removed: list[str] = []
    kept: list[str] = []
    cells: list[Cell] = []

    followers = _followers(mine["cells"], before, now, removed)
    cells += followers.pop(None, [])
    for key, new in now.items():
        old, cell = before.get(key), own.get(key)
        if cell is None:
            if old is None:
                cells.append(_cleared(new))
                updated.append(key)
        elif _same(cell, new):
            cells.append(_as_folded(cell, old, new))
        elif old is not None and _same(cell, old):
            cells.append(_cleared(new))
            updated.append(key)
        else:
            cells.append(cell)
            if old is None or not _same(old, new):
                kept.append(key)
        cells += followers.pop(key, [])
    notebook = {**mine, "cells": cells}
    return Merged(notebook, tuple(updated), tuple(removed), tuple(kept))


def _by_id(cells: Iterable[Cell]) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for cell in cells:
        found.setdefault(cell.get("id", ""), cell)
    return found


def _followers(
    cells: Iterable[Cell],
    before: dict[str, Cell],
    now: dict[str, Cell],
    removed: list[str],
) -> dict[str | None, list[Cell]]:
    """The learner's own cells, by the course's cell that they stand behind.

    A cell that the course had and has no more is the learner's own if the learner
    had changed it; else it is removed.
    """
    found: dict[str | None, list[Cell]] = {}
    behind: str | None = None
    seen: set[str] = set()
    for cell in cells:
        key = cell.get("id", "")
        if key in now and key not in seen:
            behind = key
        elif key in before and key not in seen and _same(cell, before[key]):
            removed.append(key)
        else:
            own = cell if key and key not in seen else {**cell, "id": token_hex(4)}
            found.setdefault(behind, []).append(own)
        seen.add(key)
    return found


def _same(one: Cell, other: Cell) -> bool:
    return (one["cell_type"], one["source"]) == (other["cell_type"], other["source"])


def _as_folded(cell: Cell, old: Cell | None, new: Cell) -> Cell:
    """The course's cell with the learner's outputs.

    What the learner folded or unfolded stays so, unless the course changed that.
    """
    if old is not None and old["metadata"] == new["metadata"]:
        new = {**new, "metadata": cell["metadata"]}
    if cell["cell_type"] != "code":
        return new
    ran = {key: cell[key] for key in ("outputs", "execution_count")}
    return {**new, **ran}

"""The course, as ``tutorial.ipynb`` tells it: its steps and their cells.

Nothing here runs a cell or touches a project.  Step metadata stands in
``metadata.tutor`` of a step's heading cell; the title is the heading itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tutor import notebook, trees
from tutor.report import Refusal

Cell = dict[str, Any]
NOTEBOOK = "tutorial.ipynb"
CHECKPOINT = "checkpoint.ipynb"


@dataclass(frozen=True)
class Step:
    """One step of the course.

    Args:
        number: counted from 1.
        slug: its name in folder names, such as "installed-apps".
        title: its heading without "Step N.".
        minutes: how long a learner takes.
        label: "works", "silent" or "broken on purpose".
        error: with the last label, what the failure says.
        speaker: what who teaches it should say; empty where nothing was noted.
        demo: what who teaches it should show, likewise.
        cells: its cells, heading included.
    """

    number: int
    slug: str
    title: str
    minutes: int
    label: str
    error: str = ""
    speaker: str = ""
    demo: str = ""
    cells: tuple[Cell, ...] = field(default=(), repr=False)

    @property
    def folder(self) -> str:
        """Its folder's name: ``04-asgi``."""
        return f"{self.number:02}-{self.slug}"

    @property
    def claim(self) -> str:
        """Its label in full: ``broken on purpose: No route found``."""
        return f"{self.label}: {self.error}" if self.error else self.label


@dataclass(frozen=True)
class Section:
    """A part of the notebook that is no step: prologue, appendix."""

    name: str
    cells: tuple[Cell, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Course:
    """The whole notebook, cut into its parts.

    Args:
        root: the folder that holds ``tutorial.ipynb`` and ``steps/``.
        content: the notebook as JSON.
    """

    root: Path
    content: dict[str, Any] = field(repr=False)

    @classmethod
    def load(cls, root: Path) -> Course:
        """Read the notebook below ``root``.

        Raises:
            Refusal: there is none, or it can't be read.
        """
        return cls(root, notebook.read(root / NOTEBOOK))

    @cached_property
    def parts(self) -> tuple[Step | Section, ...]:
        """Steps and sections in the notebook's order."""
        return tuple(_parts(self.content["cells"]))

    @property
    def steps(self) -> list[Step]:
        return [part for part in self.parts if isinstance(part, Step)]

    @property
    def setup(self) -> Cell:
        """The cell that every checkpoint begins with."""
        cells: list[Cell] = self.content["cells"]
        for cell in cells:
            if "setup" in cell["metadata"].get("tags", ()):
                return cell
        raise Refusal(f"{NOTEBOOK} has no cell tagged setup.")

    def step(self, number: int | str) -> Step:
        """The step with this number.

        Raises:
            Refusal: there is none.
        """
        for step in self.steps:
            if str(step.number) == str(number).lstrip("0"):
                return step
        count = len(self.steps)
        raise Refusal(f"There is no step {number}; the steps are 1 to {count}.")

    def tree(self, number: int) -> Path | None:
        """The committed project after step ``number``; None for the empty start."""
        return self.root / "steps" / self.step(number).folder if number else None

    def slice(self, part: Step | Section) -> dict[str, Any]:
        """A notebook of the setup cell and one part's cells."""
        cells = [c for c in part.cells if "setup" not in c["metadata"].get("tags", ())]
        return self.content | {"cells": [self.setup, *cells]}


def _parts(cells: list[Cell]) -> list[Step | Section]:
    groups: list[tuple[dict[str, Any], list[Cell]]] = [({"section": "start"}, [])]
    for cell in cells:
        meta = cell["metadata"].get("tutor", {})
        if "step" in meta or "section" in meta:
            groups.append((meta | {"title": title(cell)}, []))
        groups[-1][1].append(cell)
    return [_part(meta, tuple(group)) for meta, group in groups if group]


def _part(meta: dict[str, Any], cells: tuple[Cell, ...]) -> Step | Section:
    if "section" in meta:
        return Section(meta["section"], cells)
    try:
        return Step(
            meta["step"],
            meta["slug"],
            meta["title"],
            meta["minutes"],
            meta["label"],
            meta.get("error", ""),
            meta.get("speaker", ""),
            meta.get("demo", ""),
            cells,
        )
    except KeyError as missing:
        raise Refusal(
            f"The heading of step {meta['step']} lacks {missing} in metadata.tutor."
        ) from None


def title(cell: Cell) -> str:
    """A heading cell's title, without marks and without "Step N."."""
    source = "".join(cell["source"])
    heading = next((s for s in source.splitlines() if s.startswith("#")), source)
    return re.sub(r"^#+\s*(Step \d+\.\s*)?", "", heading).strip()


def step_line(step: Step, before: Path | None, after: Path | None) -> str:
    """A step's line: minutes, files touched, plus and minus lines, label."""
    touched = (
        trees.changes(before, after) if after is not None and after.is_dir() else []
    )
    if len(touched) > 3:
        added, removed = (
            sum(getattr(c, k) for c in touched) for k in ("added", "removed")
        )
        files = f"{len(touched)} files +{added} −{removed}"
    else:
        files = ", ".join(map(str, touched)) or "no file"
    return f"Step {step.number}: {step.minutes} minutes · {files} · {step.claim}"

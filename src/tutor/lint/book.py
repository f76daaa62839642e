"""A notebook as the rules see it, and what they find."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from IPython.core.inputtransformer2 import TransformerManager

from tutor import notebook

_transformer: Any = TransformerManager()

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """What a rule found.

    Args:
        rule: the rule's name.
        where: file, cell number (counted from 1 over all cells) and id.
        what: what was found there.
        cure: how to repair it.
        severity: a warning is printed and lets lint pass.
    """

    rule: str
    where: str
    what: str
    cure: str
    severity: Severity = "error"

    def __str__(self) -> str:
        mark = "warning: " if self.severity == "warning" else ""
        return f"{self.where}: {mark}{self.what} [{self.rule}]\n    {self.cure}"


@dataclass(frozen=True)
class Cell:
    """A cell, with its place.

    Args:
        number: counted from 1 over all cells.
        step: the number of the step it stands in; None outside of steps.
    """

    content: dict[str, Any]
    number: int
    step: int | None

    @property
    def source(self) -> str:
        return str(self.content["source"])

    @property
    def is_code(self) -> bool:
        return bool(self.content["cell_type"] == "code")

    @property
    def tags(self) -> list[str]:
        return notebook.tags(self.content)

    @property
    def tutor(self) -> dict[str, Any]:
        return notebook.tutor(self.content)

    @property
    def outputs(self) -> list[dict[str, Any]]:
        return list(self.content.get("outputs", []))

    @property
    def magic(self) -> str:
        """The word of a cell that is one ``%word`` or ``%%word``; "" for Python."""
        first = self.source.lstrip().split(maxsplit=1)[:1]
        return first[0] if first and first[0].startswith("%") else ""

    @property
    def body(self) -> str:
        """What stands below the first line of a ``%%word`` cell."""
        return self.source.partition("\n")[2]

    @cached_property
    def tree(self) -> ast.Module | None:
        """What the kernel itself runs of this cell; None if it is no Python.

        Magics and shell escapes show as the calls that IPython makes of them.
        """
        source = self.body if self.magic == "%%answer" else self.source
        try:
            return ast.parse(str(_transformer.transform_cell(source)))
        except SyntaxError:
            return None


@dataclass(frozen=True)
class Book:
    """A notebook: its file's name and text, and its cells."""

    name: str
    text: str
    content: dict[str, Any]

    @cached_property
    def cells(self) -> list[Cell]:
        found, step = [], None
        for number, content in enumerate(self.content["cells"], start=1):
            own = notebook.tutor(content)
            if "step" in own or "section" in own:
                step = own.get("step")
            found.append(Cell(content, number, step))
        return found

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.is_code]

    @property
    def prose(self) -> list[Cell]:
        return [cell for cell in self.cells if not cell.is_code]

    @property
    def headings(self) -> list[Cell]:
        """The heading cells of the steps."""
        return [cell for cell in self.cells if "step" in cell.tutor]

    def of_step(self, number: int) -> list[Cell]:
        return [cell for cell in self.cells if cell.step == number]

    def place(self, cell: Cell | None) -> str:
        if cell is None:
            return self.name
        return f"{self.name}, cell {cell.number} ({cell.content.get('id', 'no id')})"


# What a rule yields: the cell (None for the whole notebook), what, cure.
Found = Iterator[tuple[Cell | None, str, str]]
Rule = Callable[[Book], Found]

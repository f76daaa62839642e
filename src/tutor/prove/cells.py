"""A cell as a proof: what is stored must be what is printed, all of it."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError, coalesce_streams

from tutor import browser, nginx, notebook, pages
from tutor.prove import rules_key
from tutor.prove.kernels import Kernel, KernelDied
from tutor.prove.outputs import diff, lines
from tutor.prove.rules import apply

# Seconds in which the last output must follow the end of a cell on a busy machine,
# and in which an interrupted cell must give up.
LATE_OUTPUT = 30
AFTER_INTERRUPT = 3

# So often must an exempt output come out equal until the exemption counts as idle:
# once may be chance.
CHANCES = 3

# A kernel that had imported these would show the project of an hour ago: settings
# load once in a process.
PROJECT = ("webapp", "master_app", "manage")

IGNORE_TAG = "nbval-ignore-output"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Unproven(Exception):
    """A cell that proves nothing, or less than it claims."""


class ProvenNotebook(IPyNbFile):  # type: ignore[misc]  # nbval has no types
    """A notebook: its cells in order, in one kernel."""

    items: list[ProvenCell]
    told: dict[str, datetime]  # when the kernel last said so: busy, idle

    def collect(self) -> Iterator[ProvenCell]:
        self.items = [
            ProvenCell.from_parent(
                self,
                name=f"Cell {cell.cell_num + 1}",
                cell_num=cell.cell_num,
                cell=cell.cell,
                options=cell.options,
            )
            for cell in super().collect()
        ]
        yield from self.items

    def setup(self) -> None:
        self.told = {}
        limit = self.config.option.nbval_kernel_startup_timeout
        try:
            self.kernel = Kernel(self.path.parent, limit)
        except KernelDied as died:
            pytest.fail(f"{self.nodeid}: {died}", pytrace=False)

    def teardown(self) -> None:
        if self.kernel is not None:
            self.kernel.stop()
            with suppress(OSError):  # where the disk takes nothing, the proof stands
                self.save()

    def get_kernel_message(self, timeout: float, stream: str = "iopub") -> Any:
        if self.timed_out:
            timeout = AFTER_INTERRUPT
        message = super().get_kernel_message(timeout, stream)
        if message["msg_type"] == "status":
            self.told[message["content"]["execution_state"]] = message["header"]["date"]
        return message

    def imported(self) -> list[str]:
        """The modules of the learner's project that the kernel has imported."""
        loaded = "sorted(__import__('sys').modules)"  # the kernel cuts a long answer
        asked = f"[m for m in {loaded} if m.split('.')[0] in {PROJECT}]"
        return [str(m) for m in ast.literal_eval(self.kernel.ask(asked))]

    def stop_after(self, failed: ProvenCell) -> None:
        """Let no cell below the failed one run; what it would say is of no use."""
        for cell in self.items[failed.cell_num + 1 :]:
            if ("not run", "") not in cell.user_properties:
                cell.user_properties.append(("not run", ""))
                cell.add_marker(
                    pytest.mark.skip(reason=f"not run: {failed.name} failed above it")
                )

    def save(self) -> None:
        """Write the notebook as it came out, cells that did not run without outputs."""
        fresh = iter(self.items)
        ran = {
            **self.nb,
            "cells": [
                {**cell, "outputs": next(fresh).test_outputs or []}
                if cell.cell_type == "code"
                else cell
                for cell in self.nb.cells
            ],
        }
        place = Path(os.path.relpath(self.path, self.config.rootpath))
        if ".." in place.parts:
            place = Path(self.path.name)
        folder = self.config.rootpath / self.config.option.executed
        notebook.write(folder / place, ran)


class ProvenCell(IPyNbCell):  # type: ignore[misc]  # nbval has no types
    """A cell: run, and compared with what is stored."""

    difference = ""

    def __init__(self, **keys: Any) -> None:
        super().__init__(**keys)
        self.output_timeout = LATE_OUTPUT

    @property
    def book(self) -> ProvenNotebook:
        found = self.parent
        assert isinstance(found, ProvenNotebook)
        return found

    @property
    def exempt(self) -> bool:
        return not self.options["check"]

    def runtest(self) -> None:
        self.refuse_empty_proof()
        try:
            super().runtest()
        except NbCellError:
            self.leave_out_what_is_missing()
            raise
        busy, idle = (self.book.told[state] for state in ("busy", "idle"))
        self.user_properties.append(("seconds", (idle - busy).total_seconds()))
        if any(out.get("name") == "stderr" for out in self.test_outputs):
            raise Unproven("prints to stderr; a warning is to be mended, not stored")
        if self is self.book.items[-1] and (found := self.book.imported()):
            raise Unproven(
                f"is the last cell of a kernel that has imported {', '.join(found)}; "
                "a cell that needs the project runs in a fresh process: %%project"
            )
        if not self.exempt:
            self.user_properties.append(("compared", ""))
            return
        if self.came_out_equal(self.test_outputs) and self.comes_out_equal_again():
            raise Unproven(
                f"is not compared, but came out equal {CHANCES} times: the exemption "
                f"is no longer needed.\nRemove the tag {IGNORE_TAG} and the reason."
            )
        reason = notebook.tutor(self.cell)["reason"]
        self.user_properties.append(("not compared", reason))

    def leave_out_what_is_missing(self) -> None:
        """Skip a cell that says it found no browser or nginx, but in CI."""
        said = "".join(out.get("text", "") for out in self.test_outputs or ())
        if os.environ.get("CI") == "true":
            return
        for name, tool, none in (
            ("browser", browser, pages.NONE),
            ("nginx", nginx, nginx.NONE),
        ):
            if none in said:
                self.add_marker(name)
                pytest.skip(f"no {name}; to get one: {tool.HOW}")

    def refuse_empty_proof(self) -> None:
        """Fail a cell that nbval would let pass without having compared it.

        Raises:
            Unproven: with what is wrong in the notebook, before anything runs.
        """
        if self.cell.execution_count is None:
            raise Unproven("has never been run: its count is null, nbval compares none")
        for out in self.cell.outputs:
            if out.output_type == "error" or out.get("name") == "stderr":
                kind = out.get("ename", "stderr")
                raise Unproven(f"has a stored {kind}; outputs show no failures of ours")
        if self.options["skip"] or self.options["check_exception"]:
            raise Unproven("is marked to be skipped or to raise; no cell of ours is")
        if self.exempt and not (
            IGNORE_TAG in notebook.tags(self.cell)
            and notebook.tutor(self.cell).get("reason")
        ):
            raise Unproven(
                f"is not compared and does not say why: it needs the tag {IGNORE_TAG} "
                "and a metadata.tutor.reason"
            )

    def came_out_equal(self, outputs: list[Any]) -> bool:
        stored = coalesce_streams(deepcopy(self.cell.outputs))  # it changes its own
        return self.compare_outputs(outputs, stored)

    def comes_out_equal_again(self) -> bool:
        """Run the notebook down to this cell in fresh kernels, until it differs."""
        for _ in range(CHANCES - 1):
            again = ProvenNotebook.from_parent(self.book.parent, path=self.path)
            cells = list(again.collect())[: self.cell_num + 1]
            again.setup()
            try:
                for cell in cells:
                    cell.options["check"] = False
                    IPyNbCell.runtest(cell)
            finally:
                again.kernel.stop()
            if not self.came_out_equal(cells[-1].test_outputs):
                return False
        return True

    def compare_outputs(self, test: Any, ref: Any, skip_compare: Any = None) -> bool:
        """Whether both read the same, line by line; keeps the difference.

        nbval's own leaves pictures out, and shows the two sides reversed.
        """
        stored = list(lines(ref, self.sanitize))
        fresh = list(lines(test, self.sanitize))
        self.comparison_traceback: list[str] = []
        self.difference = diff(stored, fresh)
        return stored == fresh

    def sanitize(self, s: Any) -> Any:
        return apply(self.config.stash[rules_key], s) if isinstance(s, str) else s

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.cell_num, f"{self.book.nodeid}::{self.name}"

    def stop(self) -> None:  # nbval calls it, and has none
        self.book.kernel.stop()

    def repr_failure(self, excinfo: Any, style: Any = None) -> str:
        where, what = self.where(), excinfo.value
        source = "".join(f"    {line}\n" for line in self.cell.source.splitlines())
        if isinstance(what, (Unproven, KernelDied)):
            return f"{where}\n{what}\n\n{source}"
        if not isinstance(what, NbCellError):
            return f"{where}\n\n{source}\n{super().repr_failure(excinfo)}"
        if self.book.timed_out:
            limit = self.config.option.nbval_cell_timeout
            return (
                f"{where}\nwas still running after {limit:g} s and was given up; an "
                f"await needs a time limit of its own\n\n{source}"
            )
        if self.difference:
            return (
                f"{where}\nprints something else than the notebook holds:\n\n{source}\n"
                f"{self.difference}\n\n"
                "If what it prints now is right, accept it with: make checkpoints"
            )
        raised = ANSI.sub("", what.inner_traceback or "").strip("\n")
        return f"{where}\n{what}:\n\n{source}\n{raised}"

    def where(self) -> str:
        """The place of the cell, as a person looks for it."""
        step, heading = None, ""
        for cell in self.book.nb.cells:
            if cell is self.cell:
                break
            step = notebook.tutor(cell).get("step", step)
            if cell.cell_type == "markdown":
                titles = re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE)
                heading = titles[-1] if titles else heading
        return (
            f"{self.book.nodeid}, code cell {self.cell_num + 1} "
            f"(In [{self.cell.execution_count}])"
            + (f", step {step}" if step is not None else "")
            + (f', under "{heading}"' if heading else "")
        )

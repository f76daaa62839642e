"""The way through the course: where a step begins, and which folder it runs in."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from tutor import broken, places, trees
from tutor.course import Course, Step
from tutor.report import Refusal
from tutor.session.running import Running
from tutor.visitors import Jars

BOARD = "board.toml"  # in which a board declares itself


class Session(Running):
    """What the magics of one kernel share.

    Args:
        cwd: the folder the kernel was started in; it decides where the project is.
    """

    def __init__(self, cwd: Path) -> None:
        super().__init__(cwd)
        self._begun: Path | None = None  # where the step's own project is
        self._scratch: list[places.Place] = []
        self._home: Path | None = None
        self._reached = 0  # in a temporary workspace

    @cached_property
    def course(self) -> Course:
        return Course.load(places.root())

    def begin(self, number: int) -> str:
        """Begin a step; what to say about where it runs, if anything.

        Raises:
            Refusal: there is no such step, or the workspace isn't where it begins.
        """
        step = self.course.step(number)
        self.end()
        self.jars = Jars()
        said = ""
        if self.learners:
            progress = places.Progress(self.cwd)
            said = broken.mend(self.cwd).note
            if progress.reached < number - 1 and not self._behaves(number - 1):
                raise Refusal(self._not_there(number, progress.reached))
            if progress.reached >= number:
                said += "\n" * bool(said) + (
                    f"Your workspace has already reached step {progress.reached}: "
                    f"step {number} runs in a scratch folder."
                )
                self._folder = self._scratch_after(number - 1)
            else:
                progress.reached = number - 1
                self._folder = self.cwd
        elif self._home is not None and self._reached == number - 1:
            self._folder = self._home  # the whole course in one kernel
        else:
            self._folder = self._home = self._scratch_after(number - 1)
        self.step, self._begun = step, self._folder
        return said

    def _behaves(self, number: int) -> bool:
        from tutor import checks

        slug = self.course.step(number).slug
        if slug not in checks.KNOWN or not (self.cwd / "manage.py").exists():
            return False
        return all(check.problem is None for check in checks.check_step(self.cwd, slug))

    def _not_there(self, number: int, reached: int) -> str:
        began = f"where step {reached} ends" if reached else "at the very beginning"
        return (
            f"Step {number} begins where step {number - 1} ends; "
            f"your workspace is {began}.\n"
            f"Go on with step {reached + 1}, or bring the workspace here with\n"
            f"    make goto-{number - 1}\n"
            "It saves your files first. Nothing has been changed."
        )

    def _scratch_after(self, number: int) -> Path:
        place = places.temporary()
        self._scratch.append(place)
        tree = self.tree(number)
        if tree is not None:
            if not tree.is_dir():
                raise Refusal(
                    f"{tree.name} is missing below steps/. Run: make checkpoints"
                )
            trees.copy(tree, place.folder)
        return place.folder

    def tree(self, number: int) -> Path | None:
        """The project after step ``number``: as committed, or as just recorded."""
        if number == 0:
            return None
        recording = os.environ.get(places.RECORD)
        if recording:
            return Path(recording) / self.course.step(number).folder
        return self.course.tree(number)

    def current(self, number: int) -> Step:
        """The step that runs.

        Raises:
            Refusal: another one does, or none.
        """
        if self.step is None or self.step.number != number:
            here = f"in step {self.step.number}" if self.step else "in no step"
            raise Refusal(
                f"This cell belongs to step {number}, and the kernel is {here}.\n"
                f"Run the cell %step {number} above first."
            )
        self._folder = self._begun  # an exercise may have led elsewhere
        return self.step

    def finish(self, step: Step) -> None:
        """Remember that a step's checkpoint was passed."""
        self._reached = max(self._reached, step.number)
        if self.learners and self._folder == self.cwd:
            progress = places.Progress(self.cwd)
            progress.reached = max(progress.reached, step.number)
        recording = os.environ.get(places.RECORD)
        if recording:
            trees.replace(self.folder, Path(recording) / step.folder)

    def exercise(self, number: int) -> str:
        """Go to the exercise's own copy of checkpoint ``number``.

        Returns:
            The folder's name, relative to the workspace.
        """
        step = self.course.step(number)
        self.end()
        base = self.cwd if self.learners else self._home or self._scratch_after(number)
        name = f"exercises/{step.number:02}"
        folder = base / name
        if not folder.is_dir():
            folder.mkdir(parents=True)
            tree = self.tree(number)
            assert tree is not None
            trees.copy(tree, folder)
        self._folder = folder
        return name

    def reference(self, number: int) -> None:
        """Go where a step's reference is built: in a workspace beside the learner's.

        Elsewhere it is what the step's cells make.
        """
        step = self.current(number)
        if not self.learners or self.folder != self.cwd:
            return
        self.end()
        folder = self.cwd / f"exercises/{step.number:02}"
        tree = self.tree(number - 1)
        if not folder.is_dir() and tree is not None:
            folder.mkdir(parents=True)
            trees.copy(tree, folder)
        self._folder = folder

    def judged(self, step: Step) -> Path:
        """Where the checks of a step look.

        A learner who has no board yet sees the reference judged, if it is there.
        """
        reference = self.cwd / f"exercises/{step.number:02}"
        mine = (self.folder / BOARD).exists() or not self.learners
        if step.slug == "capstone" and not mine and (reference / BOARD).exists():
            return reference
        return self.folder

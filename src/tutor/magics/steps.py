"""The words that lead through the course: steps, exercises, checks, a board's judge."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import cell_magic, line_magic

from tutor import broken, trees
from tutor.course import Step, step_line
from tutor.magics.words import Words, number_of
from tutor.report import Refusal
from tutor.session import Session


class Steps(Words):
    """``%step``, ``%checkpoint``, ``%exercise``, ``%%answer`` and the like."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell, session)
        self._names = shell.user_ns
        self._ours = set(self._names)

    @line_magic
    def step(self, line: str) -> None:
        """Begin a step: ``%step 4``."""
        number = number_of(line)
        said = self.session.begin(number)
        for name in set(self._names) - self._ours - {"tutor"}:
            if not name.startswith("_"):
                del self._names[name]
        if said:
            print(said)
        step = self.session.course.step(number)
        print(step_line(step, self.session.tree(number - 1), self.session.tree(number)))

    @line_magic
    def checkpoint(self, line: str) -> None:
        """End a step: prove that the project behaves, and is what steps/ holds."""
        from tutor import checks

        session = self.session
        step = session.current(number_of(line))
        session.end()
        mended = broken.mend(session.folder)
        if mended.note:
            print(mended.note)
        where = session.judged(step)
        found = checks.check_step(where, step.slug) if step.slug in checks.KNOWN else []
        print(
            f"Checkpoint {step.number}: the project is what steps/{step.folder} holds."
        )
        for check in found:
            sign = "✗" if check.problem else "?" if check.left_out else "✓"
            more = f" ({check.left_out})" if check.left_out else ""
            print(f"  {sign} {check.title}{more}")
        problems = [check.problem for check in found if check.problem is not None]
        if problems:
            raise Refusal(
                f"Step {step.number} is not done yet.\n\n"
                + "\n\n".join(map(str, problems))
                + "\n\nYour files are as they were. "
                + f"What the step changes: make diff-{step.number}"
            )
        if where == session.folder:  # else it was the reference that passed
            self._compare(step)
            session.finish(step)

    def _compare(self, step: Step) -> None:
        """Hold the project beside steps/NN; only a learner's may differ."""
        tree = self.session.tree(step.number)
        if tree is None or not tree.is_dir():
            return  # being recorded for the first time
        found = trees.changes(tree, self.session.folder)
        if not found:
            return
        listed = "\n".join(f"  {change}" for change in found)
        if self.session.learners:
            print(
                "Yours differs from it, and behaves as it should. That is fine:\n"
                + listed
            )
        elif self.session.tree(step.number) == self.session.course.tree(step.number):
            shown = "\n".join(line for change in found for line in change.diff[:30])
            raise Refusal(
                f"The cells of step {step.number} make another project "
                f"than steps/{step.folder}:\n"
                f"{listed}\n{shown}\n"
                "If the cells are right: make checkpoints"
            )

    @line_magic
    def exercise(self, line: str) -> None:
        """Go to the exercise's own copy of a checkpoint: ``%exercise 4``."""
        name = self.session.exercise(number_of(line))
        print(f"{name}/ holds a copy of the project for you to change as you like.")

    @cell_magic
    def answer(self, line: str, cell: str) -> None:
        """Check an answer to an exercise: ``%%answer 4``."""
        from tutor import exercises

        number = number_of(line)
        step = self.session.course.step(number)
        if f"{number:02}" != self.session.folder.name:
            self.session.exercise(number)
        print(exercises.check(step.slug, cell, self.session.folder))

    @line_magic
    def hint(self, line: str) -> None:
        """The next of three hints: a question, a pointer, the answer."""
        from tutor.exercises import hints

        step = (
            self.session.course.step(number_of(line))
            if line.strip()
            else self.session.step
        )
        if step is None:
            raise Refusal("Say which step: %hint 4")
        print(
            hints.next_hint(step, self.session.cwd if self.session.learners else None)
        )

    @line_magic
    def check(self, line: str) -> None:
        """Say which step the project has reached and what is wrong with the next."""
        from tutor import checks

        checks.main(["--project", str(self.session.anywhere())])

    @line_magic
    def referee(self, line: str) -> None:
        """Let the project be judged as a live board, with a small crowd."""
        from tutor.referee.cells import judge

        judge(self.session)

    @line_magic
    def reference(self, line: str) -> None:
        """Go where the reference board grows, beside the learner's own."""
        self.session.reference(number_of(line))
        print("The reference board grows in a folder of its own.")

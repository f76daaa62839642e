"""A kernel's project: its folder, and the files in it."""

from __future__ import annotations

from pathlib import Path

from tutor import broken, edits, places
from tutor.course import Step
from tutor.report import Refusal


class Project:
    """Where the project is; its files are written and changed here.

    Args:
        cwd: the folder the kernel was started in; it decides where the project is.
    """

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd
        self.learners = places.is_learners(cwd)
        self.step: Step | None = None
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """The project's folder.

        Raises:
            Refusal: no step has begun in this kernel.
        """
        if self._folder is None:
            raise Refusal(
                "No step has begun in this kernel, so it has no project folder.\n"
                "Run the cell %step at the top of this step first, then this one again."
            )
        return self._folder

    def anywhere(self) -> Path:
        """The project's folder, also where no step has begun in this kernel."""
        return self.cwd if self._folder is None and self.learners else self.folder

    def path(self, name: str) -> Path:
        """A file of the project.

        Raises:
            Refusal: the name leads out of the project.
        """
        target = (self.folder / name).resolve()
        if not name or not target.is_relative_to(self.folder.resolve()):
            raise Refusal(f"{name or 'An empty name'} is no file inside the project.")
        return target

    def write(self, name: str, content: str, breaking: bool = False) -> None:
        """Write a whole file of the project.

        Args:
            name: the file.
            content: its text.
            breaking: whether ``broken.mend`` shall bring back what is there now.

        Raises:
            Refusal: it can't be written.
        """
        target = self.path(name)
        try:
            if breaking:
                broken.write(self.folder, name, content.encode())
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.encode())
        except OSError as error:
            raise Refusal(f"{name} can't be written: {error.strerror}.") from None

    def edit(self, name: str, change: edits.Change, breaking: bool = False) -> str:
        """Make a marked change; the place of it in words.

        Raises:
            Refusal: the context isn't in the file, or there is no such file.
        """
        target = self.path(name)
        number = self.step.number if self.step else 0
        back = f"    make goto-{number - 1}" if number > 1 else "    make reset"
        try:
            text = target.read_bytes().decode()  # line ends as they are
        except OSError:
            raise Refusal(
                f"{name}: there is no such file in {self.folder.name}/.\n"
                "This command brings the workspace to where this step begins:\n" + back
            ) from None
        except UnicodeDecodeError:
            raise Refusal(f"{name} is no text in UTF-8. Nothing was changed.") from None
        try:
            changed = edits.apply(change, text)
        except edits.EditError as error:
            raise Refusal(
                f"{name}: {error}.\nLooked for: {error.line.strip()}\n"
                "Make the change by hand in your editor and go on with the next cell;\n"
                "or bring the workspace to where this step begins (saved first):\n"
                + back
            ) from None
        if changed != text:
            self.write(name, changed, breaking)
        return edits.where(change, changed)

"""The words for files: write, change, break and mend, remove, rename, show."""

from __future__ import annotations

from IPython.core.magic import cell_magic, line_magic

from tutor import broken, edits, trees
from tutor.magics.words import Words, options_of
from tutor.report import Refusal
from tutor.session import words


class Files(Words):
    """``%%write``, ``%%edit``, ``%mend``, ``%tree`` and the like."""

    @cell_magic
    def write(self, line: str, cell: str) -> None:
        """Write a whole file: ``%%write master_app/routing.py``."""
        options, name = options_of(line, "--break")
        self.session.write(name, cell, bool(options["--break"]))
        print(f"{name}: {_lines(len(cell.splitlines()))}{_broken(options)}")

    @cell_magic
    def edit(self, line: str, cell: str) -> None:
        """Make one marked change: ``%%edit webapp/settings.py``."""
        options, name = options_of(line, "--break")
        try:
            change = edits.parse(cell)
        except edits.EditError as error:
            raise Refusal(f"%%edit {name}: {error}.\nThe line: {error.line}") from None
        place = self.session.edit(name, change, bool(options["--break"]))
        print(
            f"{name}: +{change.added} −{change.removed}"
            + (f", {place}" if place else "")
            + _broken(options)
        )

    @line_magic
    def mend(self, line: str) -> None:
        """Bring back what was broken on purpose."""
        mended = broken.mend(self.session.folder)
        names = ", ".join(mended.names)
        print(f"mended: {names}" if names else "Nothing is broken on purpose.")
        if mended.note:
            print(mended.note)

    @line_magic
    def remove(self, line: str) -> None:
        """Remove a file; a file that is gone already is left gone."""
        try:
            self.session.path(line.strip()).unlink(missing_ok=True)
        except OSError as error:
            raise Refusal(
                f"{line.strip()} can't be removed: {error.strerror}."
            ) from None
        print(f"{line.strip()}: removed")

    @line_magic
    def move(self, line: str) -> None:
        """Rename a file; a move that has been made already is left alone."""
        named = words(line)
        if len(named) != 2:
            raise Refusal("Two names are due here: %move OLD NEW")
        old, new = named
        source, target = self.session.path(old), self.session.path(new)
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        elif not target.exists():
            raise Refusal(f"{old}: there is no such file to move.")
        print(f"{old}: now {new}")

    @line_magic
    def tree(self, line: str) -> None:
        """Show the project's files."""
        names = trees.files(self.session.folder)
        for text in tree_lines([n for n in names if n.startswith(line.strip())]):
            print(text)

    @cell_magic
    def system(self, line: str, cell: str) -> None:
        """Read a file of the system, as it is: ``%%system daphne@.service``."""
        from tutor import machines

        print(machines.described(line.strip(), cell))


def tree_lines(names: list[str]) -> list[str]:
    """Files as an indented list, each folder named once."""
    out: list[str] = []
    seen: set[str] = set()
    for name in sorted(names, key=lambda n: ("/" not in n, n)):
        *folders, last = name.split("/")
        for depth in range(len(folders)):
            folder = "/".join(folders[: depth + 1])
            if folder not in seen:
                seen.add(folder)
                out.append("    " * depth + folders[depth] + "/")
        out.append("    " * len(folders) + last)
    return out


def _lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


def _broken(options: dict[str, str | bool]) -> str:
    return "   (on purpose: %mend undoes it)" if options["--break"] else ""

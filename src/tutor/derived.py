"""What follows from the notebook, as files: steps, project, the README's table."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tutor import notebook, trees
from tutor.course import CHECKPOINT, Course, Step

TABLE = re.compile(r"(<!-- steps[^\n]*-->\n).*?(\n<!-- /steps -->)", re.DOTALL)


@dataclass(frozen=True)
class Derived:
    """All that follows from the notebook: file (relative to the root) to content."""

    files: dict[str, bytes]

    def differences(self, where: Path) -> list[str]:
        """The derived files that are missing or other in ``where``, sorted."""
        return sorted(
            name
            for name, content in self.files.items()
            if not (where / name).is_file() or (where / name).read_bytes() != content
        )

    def stale(self, where: Path) -> list[str]:
        """Files in derived folders that the notebook does not make, sorted."""
        folders = {name.split("/")[0] for name in self.files if "/" in name}
        found = []
        for folder in sorted(folders):
            for path in (
                (where / folder).rglob("*") if (where / folder).is_dir() else ()
            ):
                name = path.relative_to(where).as_posix()
                ignored = set(path.relative_to(where).parts) & trees.IGNORED_FOLDERS
                skip = name.endswith(trees.IGNORED_SUFFIXES) and path.name != CHECKPOINT
                if (
                    path.is_file()
                    and not ignored
                    and not skip
                    and name not in self.files
                ):
                    found.append(name)
        return sorted(found)

    def write(self, where: Path) -> None:
        """Write what differs and remove what is stale."""
        for name in self.differences(where):
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            (where / name).write_bytes(self.files[name])
        for name in self.stale(where):
            (where / name).unlink()
            for folder in Path(name).parents:
                if folder != Path(".") and not any((where / folder).iterdir()):
                    (where / folder).rmdir()


def derive(course: Course, recorded: Path) -> Derived:
    """Everything that follows from the notebook and the trees its cells made.

    Args:
        course: the course, with outputs.
        recorded: the folder with one tree a step.
    """
    files: dict[str, bytes] = {}
    for step in course.steps:
        base = f"steps/{step.folder}"
        for name, content in trees.files(recorded / step.folder).items():
            files[f"{base}/{name}"] = content
        piece = notebook.canonical(copy.deepcopy(course.slice(step)))
        files[f"{base}/{CHECKPOINT}"] = notebook.dump(piece).encode()
    if course.steps:
        files |= trees.files(recorded / course.steps[-1].folder)
    readme = course.root / "README.md"
    if readme.is_file():
        old = readme.read_text(encoding="utf-8")
        table = "\n".join(readme_table(course.steps))
        new = TABLE.sub(lambda match: match[1] + table + match[2], old)
        files["README.md"] = new.encode()
    return Derived(files)


def readme_table(steps: Iterable[Step]) -> list[str]:
    """The README's table of steps, with their sum."""
    steps = list(steps)
    rows = [
        f"| {s.number} | [{s.title}](steps/{s.folder}) | {s.minutes} | {s.claim} |"
        for s in steps
    ]
    total = sum(s.minutes for s in steps)
    return [
        "| step | what it adds | minutes | at its end |",
        "|---:|---|---:|---|",
        *rows,
        f"| | all {len(steps)} | {total} | |",
    ]

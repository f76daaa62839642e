"""Files broken on purpose: the bytes of before are kept on the disk.

So they come back even if the kernel dies while the project is broken.  What was
written in their place is remembered by its hash: who has worked on a broken file
meanwhile gets that work saved before the bytes of before replace it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tutor import places


@dataclass(frozen=True)
class Mended:
    """What was brought back, and where work on the broken files was saved."""

    names: list[str]
    saved: Path | None = None

    @property
    def note(self) -> str:
        """What to say of the saved copy, if there is one."""
        if self.saved is None:
            return ""
        return (
            "You had changed what was broken; a copy of that is in "
            f".tutor/saved/{self.saved.name}/"
        )


class _Kept:
    """``.tutor/broken`` of a project: the files of before, and what was made since."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before = folder / ".tutor" / "broken" / "before"
        self.list = folder / ".tutor" / "broken" / "written.json"
        self.folders = folder / ".tutor" / "broken" / "made"

    def written(self) -> dict[str, str]:
        """File to the hash of what was written there; "" while that is unknown."""
        try:
            return dict(json.loads(self.list.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return {}

    def make(self, wanted: Path) -> None:
        """Make a folder of the project, and remember which were not there."""
        for folder in [*reversed(wanted.parents), wanted]:
            if folder.is_relative_to(self.folder) and not folder.exists():
                made = self.folders / folder.relative_to(self.folder)
                made.mkdir(parents=True, exist_ok=True)
                folder.mkdir()

    def unmake(self) -> None:
        """Remove the folders that ``make`` made, unless something is in them."""
        for made in sorted(self.folders.rglob("*"), reverse=True):
            with suppress(OSError):
                (self.folder / made.relative_to(self.folders)).rmdir()

    def note(self, name: str, digest: str) -> None:
        self.list.parent.mkdir(parents=True, exist_ok=True)
        news = self.written() | {name: digest}
        self.list.write_text(json.dumps(news) + "\n", encoding="utf-8")


def write(folder: Path, name: str, content: bytes) -> None:
    """Write a file that ``mend`` brings back to what it is now."""
    kept, target = _Kept(folder), folder / name
    if name not in kept.written():
        if target.exists():
            (kept.before / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(target, kept.before / name)
        kept.note(name, "")
    kept.make(target.parent)
    target.write_bytes(content)
    kept.note(name, _hash(target))


def mend(folder: Path) -> Mended:
    """Bring back every file that was broken on purpose."""
    kept = _Kept(folder)
    written = kept.written()
    touched = [
        name
        for name, digest in written.items()
        if (folder / name).is_file() and _hash(folder / name) != digest
    ]
    # Nothing was lost where the file is still, or again, what it was.
    touched = [name for name in touched if not _same(folder / name, kept.before / name)]
    saved = places.save(folder) if touched else None
    for name in written:
        if (kept.before / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(kept.before / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
    kept.unmake()
    shutil.rmtree(kept.list.parent, ignore_errors=True)
    return Mended(sorted(written), saved)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _same(one: Path, two: Path) -> bool:
    return two.is_file() and one.read_bytes() == two.read_bytes()

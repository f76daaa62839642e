"""Where the course is, and where a kernel's project stands.

Decided once, by the folder the kernel was started in, and never printed:
the learner's workspace; a temporary one for the notebook at the root; a scratch
copy of the step before for a checkpoint.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tutor import trees
from tutor.report import Refusal, unwritable

RECORD = "TUTOR_RECORD"  # the folder `make checkpoints` collects its trees in
MEMORY = Path("/dev/shm")  # Linux: a folder that is kept in memory, tmpfs(5)
ROOM = 2**30  # bytes that have to be free in it
SOCKET_NAME = (
    103  # bytes of a socket's name that every system takes: unix(7), macOS' unix(4)
)


def root() -> Path:
    """The folder that holds the course; ``TUTOR_ROOT`` names another one."""
    named = os.environ.get("TUTOR_ROOT")
    return Path(named).resolve() if named else Path(__file__).resolve().parents[2]


def workspace() -> Path:
    """The learner's folder; ``TUTOR_WORKSPACE`` names another one."""
    named = os.environ.get("TUTOR_WORKSPACE")
    return Path(named).resolve() if named else root() / "workspace"


def scratch() -> str | None:
    """The parent of folders that are thrown away, as ``tempfile`` takes it.

    In memory, where the system has a folder for that: SQLite waits for the disk at
    each commit, and on a machine that others use, too, that takes seconds now and
    then.  A project is not judged by its disk.  None for the usual place: there is no
    such folder, it is small, nothing in it may be run, or ``TMPDIR`` names another.
    """
    if "TMPDIR" in os.environ:
        return None
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return None
    fit = found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC
    return str(MEMORY) if fit and os.access(MEMORY, os.W_OK) else None


def names_a_socket(path: Path) -> bool:
    """Whether a socket may have a file's name, which is short by all systems' rules.

    Args:
        path: the file's.
    """
    return os.name == "posix" and len(os.fsencode(path)) <= SOCKET_NAME


@dataclass
class Place:
    """A folder in which a project grows.

    Args:
        folder: the folder.
        keeper: for a temporary one, the child that removes it when we are gone.
    """

    folder: Path
    keeper: subprocess.Popen[bytes] | None = None

    @property
    def temporary(self) -> bool:
        return self.keeper is not None

    def remove(self) -> None:
        """Remove a temporary place; a learner's is left alone."""
        if self.keeper is not None:
            assert self.keeper.stdin is not None
            self.keeper.stdin.close()
            self.keeper.wait()
            shutil.rmtree(self.folder, ignore_errors=True)


# Reads from a pipe that nobody writes to, whose other end only we hold: at our end,
# in whatever way, it reads the end of the file.  It has no child that might outlive
# it.  Then again and again, while a dying server still writes into the folder.
_KEEP = """
trap '' INT HUP TERM
read -r never
n=0
until rm -rf "$1" || [ $((n += 1)) -gt 50 ]; do sleep 0.2; done
"""


def temporary() -> Place:
    """A new empty folder that goes when this process does, however it does.

    Raises:
        Refusal: there is no room for it.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="tutor-", dir=scratch())).resolve()
    except OSError as error:
        raise Refusal(unwritable(error) or str(error)) from None
    keeper = subprocess.Popen(
        ["/bin/sh", "-c", _KEEP, "keeper", str(folder)],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Place(folder, keeper)


@contextmanager
def copied(project: Path) -> Iterator[Path]:
    """A copy of a project, which is removed afterwards.

    Args:
        project: the folder of ``manage.py``.
    """
    with tempfile.TemporaryDirectory(prefix="tutor-", dir=scratch()) as name:
        trees.copy(project, Path(name))
        yield Path(name)


def is_learners(cwd: Path) -> bool:
    """Whether a kernel started here works on the learner's own files."""
    course = root()
    return cwd != course and (course / "steps") not in cwd.parents


class Progress:
    """What the learner has reached, in ``.tutor/progress.json`` of a workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / ".tutor" / "progress.json"

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def reached(self) -> int:
        """The last step whose checkpoint was passed; 0 at the start."""
        number = self._read().get("reached", 0)
        return number if isinstance(number, int) else 0

    @reached.setter
    def reached(self, number: int) -> None:
        self._write({"reached": number})

    @property
    def hints(self) -> dict[int, int]:
        """How many hints were given, by step."""
        found = self._read().get("hints", {})
        return (
            {int(k): int(v) for k, v in found.items()}
            if isinstance(found, dict)
            else {}
        )

    @hints.setter
    def hints(self, given: dict[int, int]) -> None:
        self._write({"hints": {str(step): count for step, count in given.items()}})

    def _write(self, news: dict[str, object]) -> None:
        done = self._read() | news
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(done) + "\n", encoding="utf-8")
        except OSError as error:
            raise Refusal(
                f"{self._path} can't be written: {error.strerror}.\n"
                "Make room or make it writable, then do this again."
            ) from None


def save(folder: Path) -> Path | None:
    """Put a copy of a workspace's project aside before it is replaced.

    Returns:
        The copy, or None where there was nothing to save.

    Raises:
        Refusal: the copy can't be made; nothing was changed.
    """
    if not folder.is_dir() or not trees.files(folder):
        return None
    stamp = time.strftime("%Y-%m-%d-%H%M%S")
    base = folder / ".tutor" / "saved"
    number, target = 1, base / stamp
    while target.exists():
        number += 1
        target = base / f"{stamp}-{number}"
    try:
        target.mkdir(parents=True)
        trees.copy(folder, target)
    except OSError as error:
        raise Refusal(
            f"Your files in {folder} could not be saved first ({error.strerror}),\n"
            "so nothing was changed. Make room, or make the folder writable."
        ) from None
    return target

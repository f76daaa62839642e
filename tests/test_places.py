"""Where what is thrown away is kept meanwhile."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from tutor import places
from tutor.doctor.copying import copied

STEP = next((Path(__file__).parents[1] / "steps").glob("02-*"))
FREE = SimpleNamespace(f_bavail=places.ROOM // 4096, f_frsize=4096, f_flag=0)
SMALL = SimpleNamespace(f_bavail=places.ROOM // 4096 - 1, f_frsize=4096, f_flag=0)
STIFF = SimpleNamespace(**{**vars(FREE), "f_flag": os.ST_NOEXEC})


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the one in memory."""
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(places, "MEMORY", tmp_path / "memory")
    monkeypatch.setattr(places.os, "statvfs", lambda path: FREE)
    (tmp_path / "memory").mkdir()
    return tmp_path / "memory"


def test_what_is_thrown_away_is_in_memory(memory: Path) -> None:
    with places.copied(STEP) as ours, copied(STEP) as doctors:
        place = places.temporary()
        place.remove()
        assert {ours.parent, doctors.parents[1], place.folder.parent} == {memory}
        assert (ours / "manage.py").read_bytes() == (STEP / "manage.py").read_bytes()
    assert list(memory.iterdir()) == []


@pytest.mark.parametrize("why", ["TMPDIR", "there is none", "small", "nothing runs"])
def test_where_memory_does_not_do_it_is_where_the_system_says(
    why: str, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert places.scratch() == str(memory)
    if why == "TMPDIR":
        monkeypatch.setenv("TMPDIR", tempfile.gettempdir())
    elif why == "there is none":
        missing = FileNotFoundError(errno.ENOENT, "no such folder")
        monkeypatch.setattr(places.os, "statvfs", lambda path: _raise(missing))
    else:
        found = {"small": SMALL, "nothing runs": STIFF}[why]
        monkeypatch.setattr(places.os, "statvfs", lambda path: found)
    assert places.scratch() is None
    with places.copied(STEP) as ours:
        assert str(ours.parent) == tempfile.gettempdir()


def _raise(error: Exception) -> None:
    raise error

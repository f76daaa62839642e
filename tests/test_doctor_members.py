"""What is behind a login: a client of the doctor is let in, on the copy."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tutor import doctor
from tutor.doctor import gathering

sys.path.insert(0, str(Path(__file__).parent / "variants"))
import locked
import shapes

DOOR = "/sockets/halls/1/"


def seen(folder: Path) -> gathering.Evidence:
    """What the clients met at a project, which may be written into."""
    end = time.monotonic() + 24
    return gathering.gather(folder, folder, folder, None, end)


@pytest.mark.parametrize(
    ("slug", "file", "text", "changes"),
    [one[1:] for one in locked.WRONG],
    ids=[one[0] for one in locked.WRONG],
)
def test_a_mistake_behind_the_login_is_named(
    slug: str | None,
    file: str,
    text: str,
    changes: tuple[shapes.Change, ...],
    tmp_path: Path,
) -> None:
    project = shapes.write("guild", changes, tmp_path / "guild")
    lines = (project / file).read_text("utf-8").splitlines()
    (number,) = [n for n, line in enumerate(lines, 1) if text in line]
    found = doctor.diagnose(project).findings
    named = [(one.slug, one.file, one.line) for one in found[:1]]
    assert named == [(slug, file, number)], found


@pytest.mark.parametrize(
    "changes", [one[1] for one in locked.RIGHT], ids=[one[0] for one in locked.RIGHT]
)
def test_nothing_is_found_where_a_client_is_let_in(
    changes: tuple[shapes.Change, ...], tmp_path: Path
) -> None:
    project = shapes.write("guild", changes, tmp_path / "guild")
    found = doctor.diagnose(project)
    assert [(one.slug, one.place, one.got) for one in found.findings] == []
    answers = seen(project).answers
    strangers = {one.status for one in answers.clients if one.path == DOOR}
    members = {one.status for one in answers.members if one.path == DOOR}
    assert strangers == {403}
    assert 101 in members

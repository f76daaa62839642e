"""What is behind a login: a client of the doctor is let in, on the copy."""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

import pytest

from tutor import doctor
from tutor.doctor import gathering
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules import judge
from tutor.doctor.rules.access import members

sys.path.insert(0, str(Path(__file__).parent / "variants"))
import abroad
import locked
import shapes

DOOR = "/sockets/halls/1/"


def seen(folder: Path) -> Evidence:
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
    evidence = seen(shapes.write("guild", changes, tmp_path / "guild"))
    assert judge(evidence) == []
    assert is_let_in(evidence)


def is_let_in(evidence: Evidence) -> bool:
    """Whether a member goes in and on where strangers are turned away."""
    answers = evidence.answers
    strangers = {one.status for one in answers.clients if one.path == DOOR}
    inside = [one.heard for one in answers.members if one.path == DOOR]
    return strangers == {403} and any("welcome" in str(heard) for heard in inside)


def test_a_database_that_is_behind_its_models_does_no_harm(tmp_path: Path) -> None:
    project = shapes.write("guild", (), tmp_path / "guild")
    with sqlite3.connect(project / "guild.db") as database:
        database.execute("CREATE TABLE halls_hall (id INTEGER, old TEXT NOT NULL)")
        database.execute("INSERT INTO halls_hall VALUES (1, 'x')")
    before = (project / "guild.db").read_bytes()
    assert doctor.diagnose(project).findings == []
    assert (project / "guild.db").read_bytes() == before
    assert is_let_in(seen(project))


def test_rows_that_are_there_are_used(tmp_path: Path) -> None:
    project = shapes.write("guild", (), tmp_path / "guild")
    assert is_let_in(seen(project))
    with sqlite3.connect(project / "guild.db") as database:
        database.execute("UPDATE halls_hall SET name = 'Great'")
    database.close()
    heard = str([one.heard for one in seen(project).answers.members])
    assert "Great" in heard


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DatabaseError", "no such table: halls_hall"),
        ("AttributeError", "'NoneType' object has no attribute 'role'"),
        ("ConnectionError", "Error 111 connecting to 127.0.0.1:6379"),
    ],
)
def test_what_our_user_lacks_is_no_mistake(name: str, text: str) -> None:
    module = "django.db.utils" if name == "DatabaseError" else "builtins"
    link = {"type": name, "module": module, "bases": [name], "text": text}
    assert members.is_ours([link], "websocket.receive")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("AttributeError", "'NoneType' object has no attribute 'group_add'"),
        ("AttributeError", "'Hall' object has no attribute 'role'"),
        ("KeyError", "'room'"),
        ("SynchronousOnlyOperation", "You cannot call this from an async context"),
    ],
)
def test_what_the_project_does_is_one(name: str, text: str) -> None:
    link = {"type": name, "module": "builtins", "bases": [name], "text": text}
    assert not members.is_ours([link], "websocket.receive")


def test_nobody_waits_for_a_daphne_that_looks_no_more(tmp_path: Path) -> None:
    """With an error of its own its look for crashes ends, and so do their words."""
    changes = next(
        one[-1] for one in abroad.WRONG if one[1] == "consumer-subprotocol-not-offered"
    )
    told = seen(shapes.write("arena", changes, tmp_path / "arena")).serve
    ended = {event["conn"] for event in told.all("ended")}
    assert len(ended) > 1
    assert ended == {event["conn"] for event in told.all("printed")}

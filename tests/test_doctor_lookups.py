"""The diagnosis of projects whose consumers look something up in the database."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tutor import doctor
from tutor.doctor import lookups

sys.path.insert(0, str(Path(__file__).parent / "variants"))
import foreign
import looked_up
import shapes
import warded

pytestmark = pytest.mark.takes(150)

WRONG = looked_up.WRONG + foreign.STORED + warded.WRONG
RIGHT = looked_up.RIGHT + warded.RIGHT

STORED = {
    "auction": "lots",
    "studio": "notes",
    "greenhouse": "sensors",
    "helpline": "tickets",
    "lounge": "rooms",
    "ward": "staff wards",
}  # and its apps


@cache
def stored(shape: str) -> dict[str, bytes]:
    """The migrations of a shape, and its database with their tables: file, content."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("DJANGO_")}
    with tempfile.TemporaryDirectory() as name:
        right = shapes.write(shape, (), Path(name) / "right")
        for command in ("makemigrations", "migrate") if shape in STORED else ():
            apps = STORED[shape].split() if command == "makemigrations" else []
            words = [sys.executable, "manage.py", command, "-v0", *apps]
            subprocess.run(words, cwd=right, env=env, check=True)
        made = [*right.rglob("migrations/*.py"), *right.glob("*.sqlite3")]
        return {p.relative_to(right).as_posix(): p.read_bytes() for p in made}


def made(shape: str, changes: tuple[shapes.Change, ...], folder: Path) -> Path:
    """A project with its tables, and no row in them; the folder."""
    wrong = shapes.write(shape, changes, folder / shape)
    for path, content in stored(shape).items():
        target = wrong / path
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)
    return wrong


@pytest.mark.parametrize(
    ("shape", "slug", "file", "changes"),
    WRONG,
    ids=[f"{shape}-{slug}" for shape, slug, _, _ in WRONG],
)
def test_a_mistake_is_named_first(
    shape: str,
    slug: str,
    file: str,
    changes: tuple[shapes.Change, ...],
    tmp_path: Path,
) -> None:
    found = doctor.diagnose(made(shape, changes, tmp_path)).findings
    assert [(one.slug, one.file) for one in found[:1]] == [(slug, file)], found


@pytest.mark.parametrize("shape", ["helpline", "lounge", "ward"])
def test_nothing_is_found_as_it_is(shape: str, tmp_path: Path) -> None:
    found = doctor.diagnose(made(shape, (), tmp_path)).findings
    assert [(one.slug, one.place, one.got) for one in found] == []


@pytest.mark.parametrize(
    ("shape", "name", "changes"),
    RIGHT,
    ids=[f"{shape}-{name}" for shape, name, _ in RIGHT],
)
def test_nothing_is_found(
    shape: str, name: str, changes: tuple[shapes.Change, ...], tmp_path: Path
) -> None:
    found = doctor.diagnose(made(shape, changes, tmp_path)).findings
    assert [(one.slug, one.place, one.got) for one in found] == []


def test_a_consumer_that_asks_for_a_row_lets_our_clients_in(tmp_path: Path) -> None:
    greeting = "str(self.lot.highest())"
    changes = (("lots/live.py", greeting, "self.lot.highest()"),)
    found = doctor.diagnose(made("auction", changes, tmp_path)).findings
    assert [one.slug for one in found[:1]] == ["db-model-instance-in-event"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("data['text']", ["text", "message"]),
        ("content.get('user')", ["user", "message"]),
        ("event['text']", ["message"]),
        ("self.scope['user']", ["message"]),
        ("self.scope['url_route']['kwargs']", ["message"]),
    ],
)
def test_a_key_of_the_librarys_may_be_one_of_messages(
    line: str, words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "consumers.py").write_text(f"x = {line}\n", encoding="utf-8")
    assert lookups.looked_for(tmp_path) == words

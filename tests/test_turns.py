"""However many suites run on a machine, few tests of them do at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from tutor import prove as proving
from tutor.prove import turns

from .conftest import Prove

HOLDS = """
import sys, pathlib
from tutor.prove import turns
assert turns.take(list(map(pathlib.Path, sys.argv[1:]))) is not None
print("mine", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """The files of two turns."""
    found = [tmp_path / "one", tmp_path / "two"]
    for path in found:
        path.touch()
    return found


def test_two_turns_are_never_three(files: list[Path]) -> None:
    under_way, most = set(), 0
    both = threading.Barrier(2, timeout=20)

    def work(number: int) -> None:
        nonlocal most
        held = turns.take(files)
        assert held is not None
        under_way.add(number)
        most = max(most, len(under_way))
        both.wait()  # each has to meet another one
        under_way.remove(number)
        os.close(held)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert most == 2


def test_who_is_killed_gives_its_turn_back(files: list[Path]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(files[0])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "mine\n"
        assert turns.take(files[:1], seconds=0) is None
        other.kill()
    held = turns.take(files[:1])
    assert held is not None
    os.close(held)


def test_where_there_are_no_locks_nobody_waits(tmp_path: Path) -> None:
    assert turns.take([tmp_path / "gone"]) is None


def test_a_test_has_a_turn_and_what_it_starts_asks_for_none(
    prove: Prove, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "test_it.py").write_text(
        "import fcntl, os, pytest\n"
        "from tutor.prove import turns\n"
        "def free():\n"
        "    found = [turns.take([p], 0) for p in turns.places()]\n"
        "    return [os.close(one) for one in found if one is not None]\n"
        "def test_it():\n"
        "    assert os.environ[turns.HELD]\n"
        "    assert len(free()) < len(turns.places())\n"
        "    with turns.turn() as mine: assert mine\n"
        "    assert os.environ[turns.HELD]\n"
    )
    monkeypatch.delenv(turns.HELD)
    run = prove("test_it.py", "-n0")
    assert run.code == 0, run.out


@pytest.mark.parametrize(
    ("name", "marked", "to_a_core"),
    [
        ("checkpoint.ipynb", False, turns.WAITING),
        ("test_it.py", True, turns.WAITING),
        ("test_it.py", False, turns.TESTS),
    ],
)
def test_who_waits_has_one_more_turn_to_a_core(
    name: str, marked: bool, to_a_core: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    @contextmanager
    def turn(number: int) -> Iterator[bool]:
        asked.append(number)
        yield True

    monkeypatch.setattr(turns, "turn", turn)
    marks = ["waits"] if marked else []
    item = SimpleNamespace(path=Path(name), get_closest_marker=marks.count)
    next(proving.pytest_runtest_protocol(item))
    assert asked == [to_a_core]
    assert len(turns.places(to_a_core)) == to_a_core * (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("args", "to_a_core"),
    [
        (["steps"], turns.WAITING),
        (["steps/06-consumer", "tutorial.ipynb::Cell 3"], turns.WAITING),
        (["steps", "tests"], turns.TESTS),
        (["tests/test_turns.py"], turns.TESTS),
        (["steps/../tests"], turns.TESTS),
    ],
)
def test_there_are_as_many_workers_as_turns(
    args: list[str], to_a_core: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = SimpleNamespace(
        rootpath=tmp_path, args=args, option=SimpleNamespace(nbval=True)
    )
    workers = proving.pytest_xdist_auto_num_workers(config)
    assert workers == to_a_core * (os.cpu_count() or 1)

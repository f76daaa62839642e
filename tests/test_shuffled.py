"""An order drawn by lot: another one each time, the same one by its number."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from .conftest import Prove, Run, book, code, printed

pytestmark = pytest.mark.takes(13)

TESTS = "import pytest\n" + "".join(f"def test_{n}(): pass\n" for n in range(8))
BOOK = book(
    code("x = 0"),
    *(code("x += 1; print(x)", printed(f"{n}\n")) for n in range(1, 6)),
)


@pytest.fixture(scope="module")
def shuffle(prove: Prove, folder: Path) -> Prove:
    """Run three files of tests and a notebook, in an order drawn by lot."""
    (folder / "pytest.ini").write_text(
        "[pytest]\n"
        "addopts = -p tutor.shuffled -p tutor.prove --nbval\n"
        "asyncio_default_fixture_loop_scope = function\n"
    )
    for name in "abc":
        (folder / f"test_{name}.py").write_text(TESTS)

    def run(*args: str) -> Run:
        return prove("test_a.py", "test_b.py", "test_c.py", *args, counting=BOOK)

    return run


def number(run: Run) -> str:
    found = re.search(r"--shuffle=(\d+)", run.out)
    assert found, run.out
    return found[1]


def test_it_is_another_order_and_comes_again_by_its_number(shuffle: Prove) -> None:
    plain = shuffle()
    first = shuffle("--shuffle=0")
    assert plain.code == first.code == 0, first.out
    assert "--shuffle=" not in plain.out
    assert sorted(first.cases) == sorted(plain.cases)
    assert list(first.cases) != list(plain.cases)
    again = shuffle(f"--shuffle={number(first)}")
    assert list(again.cases) == list(first.cases)
    assert list(shuffle("--shuffle=1").cases) != list(shuffle("--shuffle=2").cases)


def test_files_stay_together_and_a_notebooks_cells_in_order(shuffle: Prove) -> None:
    run = shuffle("--shuffle=0")
    files = [name.partition("::")[0] for name in run.cases]
    changes = sum(one != other for one, other in pairwise(files))
    assert changes == 3, list(run.cases)
    cells = [name for name in run.cases if "Cell" in name]
    assert [int(name.split()[-1]) for name in cells] == list(range(1, 7))


def test_workers_agree_on_the_order(shuffle: Prove) -> None:
    run = shuffle("-n2", "--dist=loadfile", "--shuffle=0")
    assert run.code == 0, run.out
    assert number(run)
    assert len(run.cases) == 3 * 8 + 6

"""Workers of one pytest fork from copies of one process, and do without it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tutor import children, nurseries, warm

from .conftest import Prove
from .test_children import gone

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="children start warm on Linux only"
)

TEST = """
import psutil
from pathlib import Path
from tutor import children

def test_it(worker_id):
    done = children.run(["python", "-c", "print(6 * 7)"], Path.cwd())
    assert (done.code, done.out) == (0, "42\\n")
    nursery = psutil.Process(children.warmed().pid)
    Path(worker_id).write_text(f"{nursery.pid} {nursery.ppid()}")
"""


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A process that has borrowed nothing yet."""
    monkeypatch.delenv("TUTOR_COLD", raising=False)
    monkeypatch.setattr(children, "lender", warm.Nursery.inherited)
    monkeypatch.setattr(children, "_nursery", None)
    monkeypatch.setattr(nurseries, "_lender", None)
    monkeypatch.setattr(nurseries, "_kernels", None)
    yield monkeypatch
    for one in (children._nursery, nurseries._kernels):
        if one is not None:
            one._control.close()
            assert gone(one.pid)


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists(),
    reason="this system has no large pages",
)
def test_what_is_lent_is_in_large_pages(alone: pytest.MonkeyPatch) -> None:
    """A fork copies the table of all pages; without this it takes twice the time."""
    nursery = children.warmed()
    assert nursery
    with nursery.lend(whole=True) as lent:
        assert int(lent.recv(64))  # by now it has all in memory
    told = Path(f"/proc/{nursery.pid}/smaps_rollup").read_text()
    sizes = {line.split()[0]: int(line.split()[1]) for line in told.splitlines()[1:]}
    assert sizes["AnonHugePages:"] > sizes["Anonymous:"] / 4, told


def test_workers_are_lent_copies_of_one(prove: Prove, folder: Path) -> None:
    for name in "ab":
        (folder / f"test_{name}.py").write_text(TEST)
    run = prove("test_a.py", "test_b.py", "-n2", "--dist=loadfile")
    assert run.code == 0, run.out
    (one, parent), (other, its) = (
        map(int, (folder / f"gw{n}").read_text().split()) for n in (0, 1)
    )
    assert parent == its
    assert len({one, other, parent}) == 3
    assert gone(one, other, parent)


@pytest.mark.parametrize("kind", ["kernels", "projects"])
def test_what_is_lent_has_the_libraries(kind: str, alone: pytest.MonkeyPatch) -> None:
    address = nurseries.share()
    lent = nurseries._borrowed(address, kind, children.env())
    assert lent is not None
    parents = [one.pid for one in psutil.Process(lent.pid).parents()]
    assert nurseries._KINDS[kind]().pid in parents
    lent._control.close()
    assert gone(lent.pid)


def test_a_lender_that_has_gone_is_done_without(alone: pytest.MonkeyPatch) -> None:
    nurseries.borrow("007475746f722d676f6e65")  # a name that nobody has
    for nursery in nurseries.prepare():
        assert psutil.Process(nursery.pid).ppid() == psutil.Process().pid


def test_nothing_is_lent_to_others(alone: pytest.MonkeyPatch) -> None:
    address = nurseries.share()
    alone.setattr(nurseries.os, "getuid", lambda: 1_000_000)
    assert nurseries._borrowed(address, "projects", children.env()) is None

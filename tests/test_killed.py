"""kill -9 at a random moment: all of it is gone soon, and the next run is green.

A notebook with a server and, where there is one, a browser runs in a pytest of its
own.  At a moment drawn by lot one of them is killed.  The moment is printed when the
test fails, and can be given back: ``KILLED_AFTER=0.7``.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tutor import browser, notebook

from .conftest import book, code, printed
from .test_nothing_left import SERVING, Place, a_place

pytestmark = pytest.mark.takes(30)

# 5 s on a machine that is ours alone; a busy one gets as much longer as it is busy.
SOON = 5
SPREAD = 1.5  # seconds after the victim's birth
# The page of the server, in a browser, for as long as a few moments take.
BROWSING = code(
    "async with tutor.browse('/') as page:\n"
    "    if page.page:\n"
    "        _ = await page.page.wait_for_timeout(1000)",
    printed("→ open /\n"),
)
WORKING = [
    code("import time\nfor _ in range(20):\n    tutor._current(); time.sleep(0.05)")
]
KERNEL = code(
    "import os, pathlib\n"
    "_ = pathlib.Path(os.environ['PORTS'] + '.kernel').write_text(str(os.getpid()))"
)
Find = Callable[[Place, int], "list[psutil.Process]"]


def pytest_itself(place: Place, pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid)]


def kernel(place: Place, pid: int) -> list[psutil.Process]:
    said = Path(f"{place.ports}.kernel")
    return [psutil.Process(int(said.read_text()))] if said.exists() else []


def server(place: Place, pid: int) -> list[psutil.Process]:
    """Whoever listens where the notebook says its server does, and its guard."""
    ports = {int(line) for line in place.ports.read_text().split()}
    return [
        process
        for process in place.processes()
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port in ports
    ]


def the_browser(place: Place, pid: int) -> list[psutil.Process]:
    return [p for p in place.processes() if "chrom" in p.name().lower()]


def nursery(place: Place, pid: int) -> list[psutil.Process]:
    """What kernels and servers are forked from."""
    return [p for p in place.processes() if "nursery.py" in " ".join(p.cmdline())]


VICTIMS: list[Find] = [pytest_itself, kernel, server, the_browser, nursery]


def start(place: Place) -> subprocess.Popen[bytes]:
    place.ports.write_text("")
    Path(f"{place.ports}.kernel").unlink(missing_ok=True)
    env = {k: v for k, v in os.environ.items() if "PYTEST" not in k} | place.env
    words = [sys.executable, "-m", "pytest", "-p", "tutor.prove", "--nbval", "-q"]
    words += ["-p", "no:cacheprovider", "--nbval-cell-timeout=30", "notebook.ipynb"]
    return subprocess.Popen(
        words,
        cwd=place.course,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def gone(place: Place) -> list[str]:
    """What still runs after 5 s, or longer where more wants to run than there is."""
    slow = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    found = place.commands()
    _, alive = psutil.wait_procs(list(found), timeout=SOON * slow)
    return [found[process] for process in alive]


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder with a short path: Chromium's socket has a name in it."""
    with tempfile.TemporaryDirectory(prefix="killed-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.parametrize("find", VICTIMS, ids=lambda find: find.__name__.strip("_"))
def test_nothing_stays_and_the_next_run_is_green(find: Find, scratch: Path) -> None:
    if find is the_browser and browser.find() is None:
        pytest.skip(f"no browser; to get one: {browser.HOW}")
    if find is nursery and sys.platform != "linux":
        pytest.skip("nothing is forked from a warm process but on Linux")
    after = float(os.environ.get("KILLED_AFTER") or random.uniform(0, SPREAD))
    print(f"KILLED_AFTER={after:.2f}")
    (scratch / "course").mkdir()
    ini = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
    (scratch / "course/pytest.ini").write_text(ini)
    with a_place(scratch / "course", scratch) as place:
        nb = book(*SERVING[:4], KERNEL, *SERVING[5:], *WORKING)  # without its Redis
        if find is the_browser:
            nb["cells"] += [BROWSING]
        notebook.write(place.course / "notebook.ipynb", nb)
        child = start(place)
        try:
            kill(find, place, child, after)
            child.communicate(timeout=60)  # fails or passes, but ends
        finally:
            child.kill()
            child.wait()
        assert gone(place) == []
        again = start(place)
        said = again.communicate(timeout=90)[0].decode()
        assert again.returncode == 0, said
        assert gone(place) == []


def kill(
    find: Find, place: Place, child: subprocess.Popen[bytes], after: float
) -> None:
    """Kill one of those that are found, so long after there is one."""
    born = None
    while child.poll() is None:
        try:
            found = find(place, child.pid)
        except (psutil.Error, ValueError):  # gone, or a file half written
            found = []
        if found and born is None:
            born = time.monotonic()
        if found and born is not None and time.monotonic() - born >= after:
            victim = random.choice(found)
            victim.send_signal(signal.SIGKILL)
            return
        time.sleep(0.02)
    # It ended by itself before the moment came: then that was the moment.

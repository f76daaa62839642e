"""Proving the steps: ours against other runners of notebooks, and against the floor.

All run the same ``steps/*/checkpoint.ipynb``, in turn: what ``make test`` runs;
nbval without our plugin, serial and by two workers; nbmake by two workers and
papermill, where they are installed.  Without our plugin a notebook may fail, by what
nbval compares otherwise; it goes on to its last cell all the same.

The floor is the time of the cells, spread over the cores, and one start of pytest.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # which -P leaves out

from _timing import PYTHON, ROOT, STEPS, alternate, cells, rounds, seconds

NOTEBOOKS = [str(folder / "checkpoint.ipynb") for folder in STEPS]
PYTEST = [PYTHON, "-P", "-m", "pytest", "-q", "--no-header"]
CORES = os.cpu_count() or 1


def plain(*options: str) -> Callable[[], float]:
    """A pytest that knows nothing of our configuration."""

    def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder, "pytest.ini")
            config.write_text(
                "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
            )
            fixed = [
                "-c",
                str(config),
                "--rootdir",
                str(ROOT),
                "-p",
                "no:cacheprovider",
            ]
            return seconds([*PYTEST, *fixed, *options, *NOTEBOOKS], accept=(0, 1))

    return run


def papermill() -> float:
    with tempfile.TemporaryDirectory() as folder:
        took = 0.0
        for name in NOTEBOOKS:
            command = [PYTHON, "-P", "-m", "papermill", "--cwd", str(Path(name).parent)]
            took += seconds([*command, name, f"{folder}/out.ipynb"])
        return took


def floor() -> float:
    busy = sum(cells(Path(name)) for name in NOTEBOOKS)
    start = seconds([*PYTEST, "-n0", "--collect-only", *NOTEBOOKS])
    return busy / CORES + start


def main() -> None:
    times = rounds(__doc__, 1)
    ours = [*PYTEST, "-n", "logical", "steps"]
    nbval = ["--nbval", f"--nbval-sanitize-with={ROOT}/tests/sanitize.cfg"]
    designs: dict[str, Callable[[], float]] = {
        "ours": lambda: seconds(ours, ROOT),
        "nbval, serial": plain(*nbval),
        "nbval -n 2": plain(*nbval, "-n", "2", "--dist", "loadfile"),
    }
    others = {
        "nbmake": ("nbmake -n 2", plain("--nbmake", "-n", "2")),
        "papermill": ("papermill", papermill),
    }
    for module, (name, run) in others.items():
        if importlib.util.find_spec(module):
            designs[name] = run
        else:
            print(f"{name}: left out, {module} is not installed")
    medians = alternate(designs | {"floor": floor}, times)
    for name, took in medians.items():
        print(f"{name:<15}{took:6.1f} s  {took / medians['ours']:5.2f} times ours")
    print(f"ours is {medians['ours'] / medians['floor']:.2f} times the floor")


if __name__ == "__main__":
    main()

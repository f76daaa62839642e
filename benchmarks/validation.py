"""Proving the steps: ours against other runners of notebooks, and against the floor.

All run the same ``steps/*/checkpoint.ipynb``, in turn: what ``make test`` runs;
nbval without our plugin, serial and by two workers; nbmake by two workers and
papermill, which are installed for it into ``build/`` once, beside the locked packages.
Without our plugin a notebook may fail, by what nbval compares otherwise; it goes on to
its last cell all the same.

The floor is the time of the cells, spread over the cores, and one start of pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # which -P leaves out

from _timing import PYTHON, ROOT, STEPS, alternate, cells, options, seconds

NOTEBOOKS = [str(folder / "checkpoint.ipynb") for folder in STEPS]
WORDS = ["-P", "-m", "pytest", "-q", "--no-header"]
CORES = os.cpu_count() or 1
OTHERS = ROOT / "build/env-others"

# By design: how many times as long as ours it is to take at least; the floor: at most.
GOALS = {"nbval, serial": 2.5, "nbval -n 2": 1.5, "nbmake -n 2": 2.0}
FLOOR = 1.6


def others() -> str | None:
    """A Python with the locked packages, nbmake and papermill; None without a net."""
    python = OTHERS / "bin/python"
    done = OTHERS / "done"
    if done.exists():
        return str(python)
    uv = [PYTHON, "-P", "-m", "uv"]
    wanted = ["-r", "requirements.lock", "nbmake>=1.5,<2", "papermill>=2.7,<3"]
    for command in (
        [*uv, "venv", "-q", "--clear", "--no-project", "--python", PYTHON, OTHERS],
        [
            *uv,
            "pip",
            "install",
            "-q",
            "--compile-bytecode",
            "--python",
            python,
            *wanted,
        ],
    ):
        if subprocess.run(list(map(str, command)), cwd=ROOT).returncode:
            return None
    (site,) = OTHERS.glob("lib/python*/site-packages")
    (site / "tutor.pth").write_text(f"{os.path.relpath(ROOT / 'src', site)}\n")
    done.touch()
    return str(python)


def plain(*options: str, python: str = PYTHON) -> Callable[[], float]:
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
            words = [python, *WORDS, *fixed, *options, *NOTEBOOKS]
            return seconds(words, accept=(0, 1), **within(python))

    return run


def within(python: str) -> dict[str, str]:
    """The path on which a cell's children find this Python first."""
    return {"PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"}


def papermill(python: str) -> float:
    """All notebooks, one after the other; a process each, as it works."""
    with tempfile.TemporaryDirectory() as folder:
        took = 0.0
        for name in NOTEBOOKS:
            words = [python, "-P", "-m", "papermill", "--cwd", str(Path(name).parent)]
            words += ["--no-progress-bar", name, f"{folder}/out.ipynb"]
            took += seconds(words, accept=(0, 1), **within(python))
        return took


def floor() -> float:
    busy = sum(cells(Path(name)) for name in NOTEBOOKS)
    start = seconds([PYTHON, *WORDS, "-n0", "--collect-only", *NOTEBOOKS])
    return busy / CORES + start


def main() -> None:
    parser = options(__doc__, 1)
    parser.add_argument(
        "--only", nargs="+", metavar="WORD", help="beside ours, those with such a word"
    )
    asked = parser.parse_args()
    times = max(1, asked.rounds)
    ours = [PYTHON, *WORDS, "-n", "logical", "steps"]
    nbval = ["--nbval", f"--nbval-sanitize-with={ROOT}/tests/sanitize.cfg"]
    designs: dict[str, Callable[[], float]] = {
        "ours": lambda: seconds(ours, ROOT),
        "nbval, serial": plain(*nbval),
        "nbval -n 2": plain(*nbval, "-n", "2", "--dist", "loadfile"),
    }
    python = others()
    if python is None:
        print("nbmake and papermill: left out, they can't be installed")
    else:
        designs["nbmake -n 2"] = plain("--nbmake", "-n", "2", python=python)
        designs["papermill"] = partial(papermill, python)
    designs["floor"] = floor
    if asked.only:
        wanted = ["ours", *asked.only]
        designs = {
            name: run
            for name, run in designs.items()
            if any(word in name for word in wanted)
        }
    medians = alternate(designs, times)
    print(f"{len(NOTEBOOKS)} notebooks, {CORES} cores, medians of {times}:")
    for name, took in medians.items():
        ratio = took / medians["ours"]
        line = f"{name:<15}{took:6.1f} s  {ratio:5.2f} times ours"
        if goal := GOALS.get(name):
            line += f"; the goal is {goal}: {'met' if ratio >= goal else 'MISSED'}"
        print(line)
    if "floor" in medians:
        ratio = medians["ours"] / medians["floor"]
        met = "met" if ratio <= FLOOR else "MISSED"
        print(
            f"ours is {ratio:.2f} times the floor; the goal is {FLOOR} at most: {met}"
        )


if __name__ == "__main__":
    main()

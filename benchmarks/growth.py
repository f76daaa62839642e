"""Adding a step adds its own cost only: the proof at 6, at 11 and at all steps.

The checkpoints of the first so many steps are proven, as ``make test`` does it, in
turn.  What a step's own cells take is measured as well, one notebook at a time.  If
whatever is shared, such as pytest's start, grew with each step, the time of the whole
would grow faster than that of the cells: it is at most 1.2 times as fast, which is
what the measurement itself varies by.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # which -P leaves out

from _timing import PYTHON, STEPS, alternate, cells, rounds, seconds

STAGES = (6, 11, 18)
LIMIT = 1.2
CORES = os.cpu_count() or 1


def books(count: int) -> list[str]:
    return [str(folder / "checkpoint.ipynb") for folder in STEPS[:count]]


def prove(count: int) -> float:
    words = ["-P", "-m", "pytest", "-q", "--no-header", "-c", "pyproject.toml"]
    words += ["-p", "no:cacheprovider", "-n", "logical"]
    return seconds([PYTHON, *words, *books(count)])


def main() -> None:
    times = rounds(__doc__, 1)
    stages = sorted({min(count, len(STEPS)) for count in STAGES})
    designs = {f"{count} steps": partial(prove, count) for count in stages}
    # Each stage's cells, from one measurement of every step.
    alone = {
        folder.name: partial(cells, folder / "checkpoint.ipynb") for folder in STEPS
    }
    medians = alternate(designs | alone, times)
    shares = []
    for count in stages:
        took = medians[f"{count} steps"]
        cost = sum(medians[folder.name] for folder in STEPS[:count])
        shares.append(took / cost)
        print(
            f"{count:>2} steps: {took:6.1f} s, their cells alone {cost:6.1f} s, "
            f"over {CORES} cores {cost / CORES:6.1f} s; {took / cost:.2f} s a second"
        )
    growth = shares[-1] / shares[0]
    met = "met" if growth <= LIMIT else "MISSED"
    print(
        f"a second of cells costs {growth:.2f} times at {stages[-1]} steps what it "
        f"does at {stages[0]}; the limit is {LIMIT}: {met}"
    )


if __name__ == "__main__":
    main()

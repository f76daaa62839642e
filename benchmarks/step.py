"""``make step-N`` against the time of the step's own cells: at most 2 s more.

Both are of one and the same run: while the cells run the kernel says that it is busy,
and the proof tells for how long.  Two runs of one notebook differ by more than 2 s.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # which -P leaves out

from _timing import ROOT, STEPS, environment, rounds

LIMIT = 2.0
BUSY = re.compile(r"kernels were busy for ([\d.]+) s")


def run(number: int) -> tuple[float, float]:
    """Seconds that a step took, and those of its cells."""
    argv = ["make", f"step-{number}"]
    began = time.perf_counter()
    done = subprocess.run(
        argv, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - began
    if done.returncode or not (own := BUSY.search(done.stdout)):
        sys.exit(f"make step-{number} failed:\n{done.stdout[-3000:]}{done.stderr}")
    return took, float(own[1])


def main() -> None:
    times = rounds(__doc__, 3)
    over = []
    for number in range(1, len(STEPS) + 1):
        runs = [run(number) for _ in range(times)]
        whole, own = (statistics.median(found) for found in zip(*runs, strict=True))
        over.append(statistics.median(one - other for one, other in runs))
        print(
            f"make step-{number}: {whole:5.2f} s, its cells {own:5.2f} s, "
            f"over {over[-1]:+.2f} s",
            flush=True,
        )
    print(f"at most {max(over):+.2f} s over the cells; the limit is {LIMIT:+.2f} s")


if __name__ == "__main__":
    main()

"""``make step-N`` against the time of the step's own cells: at most 2 s more.

The cells are executed by nbclient in the same run; their time is the sum of the
times in which the kernel was busy.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # which -P leaves out

from _timing import STEPS, alternate, cells, rounds, seconds

LIMIT = 2.0


def main() -> None:
    times = rounds(__doc__, 3)
    over = []
    for number, folder in enumerate(STEPS, 1):
        took = alternate(
            {
                "cells": partial(cells, folder / "checkpoint.ipynb"),
                f"make step-{number}": partial(seconds, ["make", f"step-{number}"]),
            },
            times,
        )
        own, whole = took.values()
        over.append(whole - own)
        print(
            f"make step-{number}: {whole:5.2f} s, its cells {own:5.2f} s, "
            f"over {whole - own:+.2f} s",
            flush=True,
        )
    print(f"at most {max(over):+.2f} s over the cells; the limit is {LIMIT:+.2f} s")


if __name__ == "__main__":
    main()

"""What the benchmarks share: a stopwatch, alternation, medians.

Designs are measured in turn, round after round, so that other work on the machine
hits all of them alike; what is claimed is a ratio of medians of one run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = str(ROOT / ".venv/bin/python")
STEPS = sorted((ROOT / "steps").glob("[0-9][0-9]-*"))


def options(description: str | None, default: int) -> argparse.ArgumentParser:
    """A benchmark's command line: ``--rounds``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=default, metavar="N")
    return parser


def rounds(description: str | None, default: int) -> int:
    """How many rounds are asked for, where nothing else can be."""
    return max(1, int(options(description, default).parse_args().rounds))


def real_servers() -> None:
    """Let servers start as anybody's do.

    A forked one looks twenty times a second for consumers that have ended; Daphne by
    itself does so once, which with many clients makes a difference.
    """
    os.environ["TUTOR_COLD"] = "1"


def environment(**extra: str) -> dict[str, str]:
    """Ours, without what would keep bytecode from being written."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | extra


def seconds(
    argv: Sequence[str], cwd: Path = ROOT, accept: Sequence[int] = (0,), **extra: str
) -> float:
    """How long a command takes.

    Args:
        argv: the command.
        cwd: the folder it runs in.
        accept: the exit statuses with which it counts as done.
        extra: variables for its environment.

    Raises:
        SystemExit: it failed; with the end of its output.
    """
    began = time.perf_counter()
    done = subprocess.run(
        argv,
        cwd=cwd,
        env=environment(**extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode not in accept:
        sys.exit(f"{' '.join(argv)}\nfailed:\n{done.stdout[-3000:]}")
    return took


def alternate(
    designs: Mapping[str, Callable[[], float]], times: int
) -> dict[str, float]:
    """The median of each design over so many rounds, in each of which all run."""
    took: dict[str, list[float]] = {name: [] for name in designs}
    for number in range(times):
        for name, run in designs.items():
            took[name].append(run())
            print(
                f"  round {number + 1}  {name}: {took[name][-1]:.2f} s",
                file=sys.stderr,
            )
    return {name: statistics.median(values) for name, values in took.items()}


def cells(notebook: Path) -> float:
    """Execute a notebook; the time in which its kernel was busy with its cells."""
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.read(notebook, as_version=4)
    resources = {"metadata": {"path": str(notebook.parent)}}
    NotebookClient(book, timeout=120, resources=resources).execute(
        stderr=subprocess.DEVNULL, env=environment()
    )
    return sum(
        (_time(cell, "iopub.status.idle") - _time(cell, "iopub.status.busy"))
        for cell in book.cells
        if cell.cell_type == "code"
    )


def _time(cell: dict[str, dict[str, dict[str, str]]], name: str) -> float:
    stamp = cell["metadata"]["execution"][name].replace("Z", "+00:00")
    return datetime.fromisoformat(stamp).timestamp()

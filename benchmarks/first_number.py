"""From a clean clone to the first number on the socket: at most 3 installations.

In one run, in turn, with a warm package cache:

* the locked packages installed with compiled bytecode by themselves;
* a clone of the last commit, ``.ci/bootstrap``, then the cells of steps 1 to 6 in a
  kernel, until the text "0" has come over the socket.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # which -P leaves out

from _timing import PYTHON, ROOT, alternate, environment, rounds, seconds

LIMIT = 3.0
SAID = '← text "0"'
parts: dict[str, list[float]] = {}


def install() -> float:
    with tempfile.TemporaryDirectory() as folder:
        uv, venv = str(ROOT / ".venv/bin/uv"), f"{folder}/venv"
        base = os.path.realpath(PYTHON)
        took = seconds([uv, "venv", "-q", "--no-project", "--python", base, venv])
        lock = str(ROOT / "requirements.lock")
        sync = [uv, "pip", "sync", "-q", "--require-hashes", "--compile-bytecode"]
        return took + seconds([*sync, "--python", f"{venv}/bin/python", lock])


def first_number() -> float:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "clone")
        note("clone", seconds(["git", "clone", "-q", str(ROOT), str(clone)]))
        base = os.path.realpath(PYTHON)
        note("bootstrap", seconds([".ci/bootstrap", "-q"], clone, PYTHON=base))
        began = time.perf_counter()
        runner = subprocess.run(
            [".venv/bin/python", "-P", __file__, "--in", str(clone)],
            cwd=clone,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        note("kernel and cells", time.perf_counter() - began)
        for name, took in json.loads(runner.stdout).items():
            note(name, took)
    return sum(parts[name][-1] for name in ("clone", "bootstrap", "kernel and cells"))


def note(name: str, took: float) -> None:
    parts.setdefault(name, []).append(took)


class Seen(Exception):
    """The first number has come."""


def execute(clone: Path) -> None:
    """Execute steps 1 to 6 until the first number; print what each step took."""
    import nbformat
    from nbclient import NotebookClient

    from tutor.course import Course

    course = Course.load(clone)
    cells = [course.setup, *(cell for step in course.steps for cell in step.cells)]
    marks: list[tuple[int, float]] = []

    def started(cell: dict[str, str], cell_index: int) -> None:
        source = "".join(cell["source"]).split()
        if source[:1] == ["%step"]:
            marks.append((int(source[1]), time.perf_counter()))

    class Client(NotebookClient):
        def process_message(self, message: dict, cell: dict, index: int) -> object:
            if SAID in str(message["content"].get("text", "")) and marks[-1][0] == 6:
                raise Seen
            return super().process_message(message, cell, index)

    book = nbformat.from_dict(course.content | {"cells": json.loads(json.dumps(cells))})
    resources = {"metadata": {"path": str(clone)}}
    client = Client(book, timeout=120, resources=resources, on_cell_start=started)
    began = time.perf_counter()
    try:
        client.execute(stderr=subprocess.DEVNULL)
    except Seen:
        marks.append((0, time.perf_counter()))
        took = {"kernel ready": marks[0][1] - began}
        for (step, start), (_, end) in pairwise(marks):
            took[f"step {step}"] = end - start
        print(json.dumps(took))
    else:
        sys.exit(f"{SAID} never came")


def main() -> None:
    times = rounds(__doc__, 3)
    designs = {"installation": install, "first number": first_number}
    alone, whole = alternate(designs, times).values()
    for name, values in parts.items():
        print(f"{name:>18}: {sorted(values)[len(values) // 2]:5.2f} s")
    print(f"the locked packages installed by themselves: {alone:.1f} s")
    print(
        f"clean clone to the first number: {whole:.1f} s, {whole / alone:.2f} times "
        f"that; the limit is {LIMIT:g} times"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--in"]:
        execute(Path(sys.argv[2]))
    else:
        main()

"""``make checkpoints``: everything that follows from the notebook, made from it.

The parts of the course are executed in order, each in a kernel of its own, where
``%checkpoint`` records the project instead of comparing it.  Then outputs, the
trees and slices in ``steps/``, the project at the root and the README's table are
written together (`derived`); not one of them if a cell did not do what it should.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tutor import notebook, places, trees
from tutor.arguments import Arguments
from tutor.course import NOTEBOOK, Course, Section, Step, step_line
from tutor.derived import Derived as Derived
from tutor.derived import derive
from tutor.places import RECORD, root
from tutor.report import Refusal

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
Part = Step | Section


def checkpoints(argv: list[str]) -> int:
    """The verb: execute, derive, and show what changed."""
    parser = Arguments(prog="make checkpoints")
    parser.add_argument(
        "--all", action="store_true", help="execute unchanged steps too"
    )
    parser.add_argument(
        "--from",
        dest="first",
        type=int,
        default=1,
        metavar="N",
        help="take what stands before step N as it is stored, while N is being written",
    )
    options = parser.parse_args(argv)
    where = root()
    before = (where / NOTEBOOK).stat().st_mtime_ns if (where / NOTEBOOK).exists() else 0
    course = Course.load(where)
    cache = where / "build" / "checkpoints.json"
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tutor-record-") as folder:
        recorded = Path(folder).resolve()
        known = {} if options.all else _load(cache)
        cells, fresh = _execute_all(course, recorded, known, options.first)
        done = Course(where, notebook.canonical(course.content | {"cells": cells}))
        derived = derive(done, recorded)
        if (where / NOTEBOOK).stat().st_mtime_ns != before:
            raise Refusal(
                f"{NOTEBOOK} was saved while its cells were running.\n"
                "Nothing has been written. Run it again: make checkpoints"
            )
        changed = derived.differences(where) + derived.stale(where)
        notebook.write(where / NOTEBOOK, done.content)
        derived.write(where)
        cache.parent.mkdir(exist_ok=True)
        cache.write_text(json.dumps(fresh, indent=1) + "\n")
    for name in changed:
        print(f"  changed  {name}")
    print(
        f"{len(course.steps)} steps derived in {time.monotonic() - began:.1f} s; "
        f"{len(changed)} files changed. Next: make test"
    )
    return 0


def _execute_all(
    course: Course, recorded: Path, known: dict[str, str], first: int = 1
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """All cells with fresh outputs, and what each part was made from.

    Args:
        course: the course.
        recorded: the folder its trees are recorded in.
        known: what each part was made from the last time; an unchanged one keeps
            its outputs.
        first: the step before which all outputs are taken as they are stored.
    """
    fresh: dict[str, str] = {}
    cells: list[dict[str, Any]] = []
    before = hashlib.sha256(_tools(course.root))
    changed, taken = False, first > 1
    for part in course.parts:
        name = part.folder if isinstance(part, Step) else part.name
        key = before.copy()
        key.update(json.dumps([_inputs(cell) for cell in part.cells]).encode())
        fresh[name] = key.hexdigest()
        tree = course.root / "steps" / name
        taken = taken and not (isinstance(part, Step) and part.number >= first)
        if taken:
            fresh[name] = known.get(name, "")  # not proved by this run
        changed = not taken and (changed or known.get(name) != fresh[name])
        if not changed:
            if isinstance(part, Step):
                trees.copy(tree, recorded / name)
            cells += part.cells
        else:
            began = time.monotonic()
            cells += _execute(course, part, recorded)
            print(f"  {name}: {time.monotonic() - began:.1f} s", flush=True)
        if isinstance(part, Step):
            before = key
            _line(cells, part, course, recorded)
            changed = changed or not trees.same(tree, recorded / name)
    return cells, fresh


def _inputs(cell: dict[str, Any]) -> list[Any]:
    return [cell["cell_type"], "".join(cell["source"]), cell["metadata"], cell["id"]]


def _tools(where: Path) -> bytes:
    """What every part's outputs hang on beside its cells: our code and the lock."""
    package = Path(__file__).parent
    found = [path for path in package.rglob("*") if path.suffix in (".py", ".toml")]
    lock = where / "requirements.lock"
    return b"".join(
        path.read_bytes()
        for path in sorted([*found, *([lock] if lock.exists() else [])])
    )


def _load(cache: Path) -> dict[str, str]:
    try:
        return dict(json.loads(cache.read_text()))
    except (OSError, ValueError):
        return {}


def _execute(course: Course, part: Part, recorded: Path) -> list[dict[str, Any]]:
    """One part's cells with the outputs of a run.

    Raises:
        Refusal: a cell failed; nothing has been written.
    """
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import (
        CellExecutionError,
        CellTimeoutError,
        DeadKernelError,
    )

    sockets = tempfile.TemporaryDirectory(prefix="kernel-")
    socket = Path(sockets.name) / "kernel-ipc-5"
    piece = nbformat.from_dict(copy.deepcopy(course.slice(part)))
    client = NotebookClient(
        piece,
        timeout=120,
        # Between choosing a free port and using it another kernel may take it.
        km=AsyncKernelManager(
            kernel_name="python3",
            transport="ipc" if places.names_a_socket(socket) else "tcp",
            connection_file=f"{sockets.name}/kernel.json",
        ),
        resources={"metadata": {"path": str(course.root)}},
        store_widget_state=False,
    )
    env = os.environ | {RECORD: str(recorded)}
    for shows in ("PYTEST_CURRENT_TEST", "JUPYTERHUB_SERVICE_PREFIX"):
        env.pop(shows, None)
    try:
        with sockets:
            client.execute(env=env, stderr=subprocess.DEVNULL)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        name = f"{getattr(part, 'folder', part)}.ipynb"
        kept = course.root / "build" / "executed" / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(piece, kept)
        raise Refusal(_failed(part, piece, error)) from None
    done = json.loads(json.dumps(piece["cells"]))
    setup = course.setup["id"]
    outputs = {cell["id"]: cell for cell in done}
    result = []
    for cell in part.cells:
        made = outputs[cell["id"]]
        if cell["id"] == setup and made["outputs"]:
            raise Refusal("The setup cell printed something; it must print nothing.")
        result.append(
            cell | {k: made[k] for k in ("outputs", "execution_count") if k in made}
        )
    return result


def _failed(part: Part, piece: Any, error: Exception) -> str:
    name = part.folder if isinstance(part, Step) else part.name
    for number, cell in enumerate(piece["cells"], 1):
        for output in cell.get("outputs", ()):
            if output["output_type"] == "error":
                printed = "".join(
                    o["text"] for o in cell["outputs"] if o["output_type"] == "stream"
                )
                raised = (
                    COLOUR.sub("", "\n".join(output["traceback"])) or output["evalue"]
                )
                return (
                    f"{name}, cell {number} ({cell['id']}), failed:\n\n"
                    f"{cell['source']}\n\n{printed}{raised}\n\n"
                    "Nothing has been written."
                )
    return f"{name}: {type(error).__name__}: {error}\nNothing has been written."


def _line(
    cells: list[dict[str, Any]], step: Step, course: Course, recorded: Path
) -> None:
    """Give ``%step N`` the line that it prints once the tree is there."""
    before = recorded / course.step(step.number - 1).folder if step.number > 1 else None
    line = step_line(step, before, recorded / step.folder)
    for cell in cells:
        if (
            cell["cell_type"] == "code"
            and "".join(cell["source"]).strip() == f"%step {step.number}"
        ):
            cell["outputs"] = [
                {"name": "stdout", "output_type": "stream", "text": line + "\n"}
            ]

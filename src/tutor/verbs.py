"""The verbs of the shell that learners and instructors use beside the notebook."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tutor import broken, nurseries, places, trees
from tutor.course import CHECKPOINT, Course, Step, step_line
from tutor.report import Refusal
from tutor.servers import Server


def _step(argv: list[str], verb: str, start: int = 1) -> tuple[Course, int]:
    course = Course.load(places.root())
    count = len(course.steps)
    if len(argv) != 1 or not argv[0].isdecimal() or not start <= int(argv[0]) <= count:
        wrong = argv[0] if argv else ""
        raise Refusal(f"make {verb}-{wrong}: there are steps {start} to {count}.")
    return course, int(argv[0])


def _committed(course: Course, number: int) -> Path:
    tree = course.tree(number)
    assert tree is not None
    if not tree.is_dir():
        raise Refusal(f"steps/{tree.name} is missing. Run: make checkpoints")
    return tree


def _line(course: Course, step: Step) -> str:
    return step_line(step, course.tree(step.number - 1), course.tree(step.number))


# From step 9 on a checkpoint has a configuration of its own, for the project's tests.
PYTEST = ["-c", "pyproject.toml", "-q", "--no-header", "-n0"]


def step(argv: list[str]) -> int:
    """``make step-N``: run checkpoint N as a test, and say what it adds."""
    course, number = _step(argv, "step")
    tree = _committed(course, number)
    print(_line(course, course.step(number)), flush=True)
    began = time.monotonic()
    with suppress(OSError):
        nurseries.prepare()  # while pytest is imported
    import pytest

    # Of a TERM pytest makes an internal error; what it has started ends with us anyway.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.chdir(course.root)
    code = int(pytest.main([*PYTEST, str(tree / CHECKPOINT)]))
    if code == 0:
        print(
            f"Step {number} holds ({time.monotonic() - began:.1f} s). "
            f"See it: make serve-{number}"
        )
    return code


def serve(argv: list[str]) -> int:
    """``make serve-N``: the project after step N on a port of your choice."""
    argv = list(argv)
    port = 8000
    if len(argv) == 3 and argv[1] == "--port":
        if not argv[2].isdecimal() or int(argv[2]) > 65535:
            raise Refusal(f"PORT={argv[2]} is no port; it is a number up to 65535.")
        port = int(argv[2])
        del argv[1:]
    course, number = _step(argv, "serve")
    with places.copied(_committed(course, number)) as folder:
        # Daphne by itself serves no static files, so from step 7 on it is not enough.
        pages = any(folder.glob("*/static"))
        command = (
            "python manage.py runserver" if pages else "daphne webapp.asgi:application"
        )
        server = Server(command.split(), folder, port=port)
        try:
            if not server.ready():
                raise Refusal(f"The server ended while starting:\n{server.log()}")
            print(
                f"Step {number} is at {server.url}/ and {server.ws}/ws/whole1/\n"
                f"At its end: {course.step(number).claim.rstrip('.')}. Ctrl-C ends it.",
                flush=True,
            )
            server.child.wait()
        finally:
            server.stop()
    return 0


def diff(argv: list[str]) -> int:
    """``make diff-N``: what the step changes, and what the workspace has instead."""
    course, number = _step(argv, "diff")
    after = _committed(course, number)
    before = _committed(course, number - 1) if number > 1 else None
    print(_line(course, course.step(number)))
    for change in trees.changes(before, after):
        print("\n" + "\n".join(change.diff or (f"{change.path} (empty)",)))
    work = places.workspace()
    if not work.is_dir() or not trees.files(work):
        print("\nYour workspace holds no project yet. Begin: make lab")
        return 0
    mine = trees.changes(after, work)
    if not mine:
        print(f"\nYour workspace equals the end of step {number}.")
        return 0
    print(
        f"\nYour workspace, beside the end of step {number} (- step {number}, + yours):"
    )
    for change in mine:
        print("\n" + "\n".join(change.diff or (f"{change.path} (empty)",)))
    return 0


def goto(argv: list[str]) -> int:
    """``make goto-N``: bring the workspace to the end of step N; saves it first."""
    course, number = _step(argv, "goto", start=0)
    _bring(course, number)
    print(
        f"Your workspace is at the end of step {number}."
        if number
        else "It is empty again."
    )
    if number < len(course.steps):
        print(f"Next: make lab, and run step {number + 1} from its first cell.")
    return 0


def reset(argv: list[str]) -> int:
    """``make reset``: bring the workspace to the end of the last step it reached."""
    if argv:
        raise Refusal(
            "make reset takes no argument; for a step of your choice: make goto-N"
        )
    course = Course.load(places.root())
    number = places.Progress(places.workspace()).reached
    _bring(course, number)
    where = f"the end of step {number}" if number else "the very beginning"
    print(f"Your workspace is back at {where}. For another step: make goto-N")
    return 0


def _bring(course: Course, number: int) -> None:
    """Make the workspace equal to a step, its files saved before.

    Raises:
        Refusal: it can't be written.
    """
    work = places.workspace()
    tree = _committed(course, number) if number else None
    try:
        work.mkdir(parents=True, exist_ok=True)
        if note := broken.mend(work).note:
            print(note)
        saved = places.save(work)
        if saved is not None:
            inside = f"{work.name}/{saved.relative_to(work)}"
            print(f"Saved what was there: {inside} (copy it back to undo this)")
        if tree is not None:
            trees.replace(tree, work)
        else:
            with tempfile.TemporaryDirectory() as empty:
                trees.replace(Path(empty), work)
        places.Progress(work).reached = number
    except OSError as error:
        raise Refusal(
            f"The workspace can't be written: {error.strerror} "
            f"({error.filename or work}).\n"
            "Make it writable, and run this again."
        ) from None

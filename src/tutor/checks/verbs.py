"""The verbs ``check`` and ``matrix``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tutor import places
from tutor.checks.question import Check
from tutor.checks.steps import NUMBERS, check_all, check_step
from tutor.report import Problem, Refusal

SLUGS = {str(number): slug for slug, number in NUMBERS.items()}


def main(argv: Sequence[str]) -> int:
    """``check [N] [--project PATH]``: which step is reached, what is wrong next.

    Returns:
        0 where the step that was named holds (or every known step), else 1.

    Raises:
        Refusal: there is no such step, or no project to check.
    """
    parser = argparse.ArgumentParser(prog="tutor check")
    parser.add_argument("step", nargs="?", help="check this step only")
    parser.add_argument("--project", type=Path, help="the folder of manage.py")
    options = parser.parse_args(argv)
    project = (options.project or places.workspace()).resolve()
    if not (project / "manage.py").exists():
        raise Refusal(
            f"There is no manage.py in {project}.\n"
            "Step 1 makes it; begin with: make lab"
        )
    if options.step is not None:
        return _one(project, options.step)
    for slug, checks in check_all(project):
        if first_problem(checks):
            return _show(project, str(NUMBERS[slug]), checks)
        print(f"step {NUMBERS[slug]}  {slug:<16}reached")
    return 0


def _one(project: Path, named: str) -> int:
    number = named.lstrip("0") if named.isdigit() else str(NUMBERS.get(named, ""))
    if number not in SLUGS:
        raise Refusal(
            f"There is no check for step {named}; there are {', '.join(SLUGS)}."
        )
    return _show(project, number, check_step(project, SLUGS[number]))


def _show(project: Path, number: str, checks: list[Check]) -> int:
    for check in checks:
        sign = "no " if check.problem else "?  " if check.left_out else "yes"
        more = f" ({check.left_out})" if check.left_out else ""
        print(f"step {number}  {sign}  {check.title}{more}")
    problem = first_problem(checks)
    if problem is None:
        return 0
    print()
    print(explained(project, problem, int(number)))
    return 1


def first_problem(checks: list[Check]) -> Problem | None:
    """The first thing that does not hold."""
    return next((check.problem for check in checks if check.problem), None)


def explained(project: Path, problem: Problem, step: int) -> Problem:
    """The same problem as the diagnosis names it, where it knows one that fits.

    Args:
        project: the folder of ``manage.py``.
        problem: what a check of the step saw.
        step: a mistake that belongs to a later step does not explain it.
    """
    from tutor import doctor

    found = doctor.diagnose(project, aim=step).findings
    for finding in found:
        if finding.severity == "error" and (finding.step or step) <= step:
            return finding
    # What goes wrong only with some clients is a warning; this step's has met them.
    for finding in found:
        if finding.severity == "warning" and finding.step == step:
            return finding
    return problem


def matrix(argv: Sequence[str]) -> int:
    """``matrix [FOLDER]``: every check against every checkpoint, as a table.

    Returns:
        0 where each check passes from its own step on and on none before.
    """
    folder = Path(argv[0]) if argv else places.root() / "steps"
    trees = sorted(p for p in folder.iterdir() if (p / "manage.py").exists())
    if not trees:
        raise Refusal(f"There are no checkpoints in {folder}.")
    with ThreadPoolExecutor(2) as pool:
        columns = list(pool.map(problems, trees))
    print("check             " + " ".join(tree.name[:2] for tree in trees))
    for slug in NUMBERS:
        row = (" ." if column[slug] else " x" for column in columns)
        print(f"{slug:<18}" + " ".join(row))
    wrong = [
        line
        for tree, column in zip(trees, columns, strict=True)
        for line in surprises(tree, column)
    ]
    print("\n".join(wrong) or "each check passes from its step on, and on none before")
    return 1 if wrong else 0


def problems(tree: Path) -> dict[str, Problem | None]:
    """The first problem that the check of each step sees in a project."""
    return {slug: first_problem(checks) for slug, checks in check_all(tree)}


def surprises(tree: Path, found: dict[str, Problem | None]) -> list[str]:
    """What differs from: each check passes from its step's checkpoint on.

    Args:
        tree: a checkpoint; its name begins with the number of its step.
        found: what `problems` says of it.
    """
    lines = []
    for slug, problem in found.items():
        due = int(tree.name[:2]) >= NUMBERS[slug]
        if due and problem:
            came = f"{problem.expected}: {problem.got}"
            lines.append(f"check {slug} fails on {tree.name}: {came}")
        elif not due and not problem:
            lines.append(f"check {slug} passes on {tree.name}")
    return lines

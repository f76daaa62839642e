"""The verbs ``check`` and ``matrix``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tutor import places
from tutor.checks.question import Check
from tutor.checks.steps import NUMBERS, check_step
from tutor.report import Problem, Refusal

SLUGS = {
    str(number): slug for slug, number in sorted(NUMBERS.items(), key=lambda it: it[1])
}


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
    for number, slug in SLUGS.items():
        checks = check_step(project, slug)
        if any(check.problem for check in checks):
            return _show(project, number, checks)
        print(f"step {number}  {slug:<16}reached")
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

    for finding in doctor.diagnose(project, aim=step).findings:
        if finding.severity == "error" and (finding.step or step) <= step:
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
    table = judged(trees)
    print("check             " + " ".join(tree.name[:2] for tree in trees))
    for slug, row in table.items():
        print(f"{slug:<18}" + " ".join(" x" if passed else " ." for passed in row))
    wrong = [
        f"check {slug} on {tree.name}: {'passes' if passed else 'fails'}"
        for slug, row in table.items()
        for tree, passed in zip(trees, row, strict=True)
        if passed != (int(tree.name[:2]) >= NUMBERS[slug])
    ]
    print("\n".join(wrong) or "each check passes from its step on, and on none before")
    return 1 if wrong else 0


def judged(trees: Sequence[Path]) -> dict[str, list[bool]]:
    """Whether each check passes on each of the trees, one row a check."""
    with ThreadPoolExecutor(2) as pool:
        rows = {
            slug: list(pool.map(lambda tree, slug=slug: passes(tree, slug), trees))
            for slug in NUMBERS
        }
    return rows


def passes(tree: Path, slug: str) -> bool:
    """Whether a project passes the check of one step."""
    return first_problem(check_step(tree, slug)) is None

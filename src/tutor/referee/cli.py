"""The verb ``referee``: play a match, show the score, write the report card."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tutor import places
from tutor.referee import card
from tutor.referee.match import WATCHERS, played
from tutor.referee.points import POINTS, Score, share
from tutor.report import Refusal


def main(argv: Sequence[str]) -> int:
    """``referee [PATH] [--json] [--watchers N] [--card FILE]``.

    Returns:
        0 where the board has all points, 1 where not, 2 where there is no board to
        play with, its declaration does not fit, or this machine does not let it run.

    Raises:
        Refusal: the card can't be written; the score is printed by then.
    """
    parser = argparse.ArgumentParser(
        prog="tutor referee", description="Eight points for a live board."
    )
    parser.add_argument(
        "project", nargs="?", type=Path, help="the folder of manage.py; else mine"
    )
    parser.add_argument("--json", action="store_true", help="the score as JSON")
    parser.add_argument(
        "--watchers", type=int, default=WATCHERS, help=f"of the crowd; else {WATCHERS}"
    )
    parser.add_argument(
        "--card", type=Path, help="the report card; else report-card.html in workspace/"
    )
    options = parser.parse_args(argv)
    if not 1 <= options.watchers <= 5000:
        parser.error("--watchers: from 1 to 5000")
    project = (options.project or places.workspace()).resolve()
    if not (project / "manage.py").is_file():
        print(_no_board(project), file=sys.stderr)
        return 2

    def tell(line: str) -> None:
        print(f"  {line}", file=sys.stderr if options.json else sys.stdout, flush=True)

    tell(f"A copy of {project.name}/ plays, with a crowd of {options.watchers}.")
    began = time.monotonic()
    try:
        score = played(project, options.watchers, picture=True, tell=tell)
    except Refusal as wrong:
        print(wrong, file=sys.stderr)
        return 2
    seconds = time.monotonic() - began
    if options.json:
        print(json.dumps(as_json(score), indent=1))
    else:
        print("\n".join(["", *problems(score), result(score)]))
    path = options.card or _place()
    card.write(score, path)  # last: whoever waited that long knows the score by now
    if not options.json:
        print(f"Report card: {path} ({seconds:.0f} s)")
    return 0 if score.perfect else 1


def _no_board(folder: Path) -> str:
    """What is said of a folder without manage.py, such as that of an app."""
    missing = "manage.py in" if folder.is_dir() else "folder"
    said = f"There is no {missing} {folder}."
    above = folder
    while (above / "__init__.py").is_file():  # the package of an app
        above = above.parent
    if above != folder and (above / "manage.py").is_file():
        return f"{said}\nThe project is the folder above: PROJECT={above}"
    return f"{said}\nA board is a Django project: make referee PROJECT=path"


def _place() -> Path:
    """Where the report card goes: to the learner, where they have a workspace."""
    workspace = places.workspace()
    folder = workspace if workspace.is_dir() else places.root() / "build"
    return folder / card.FILE


def problems(score: Score) -> list[str]:
    """What is wrong, four lines for each lost point, an empty line between."""
    lines: list[str] = []
    for name, problem in score.found.items():
        if problem is not None:
            lines += [f"✗ {name}", str(problem), ""]
    for name, why in score.left_out.items():
        lines += [f"? {name}: left out, {why}", ""]
    return lines


def result(score: Score) -> str:
    """The score in a line."""
    return f"{score.passed} of {len(POINTS)} points"


def as_json(score: Score) -> dict[str, object]:
    """The score for programs; times in seconds."""
    return {
        "title": score.title,
        "passed": score.passed,
        "of": len(POINTS),
        "watchers": score.watchers,
        "latency": {
            "deliveries": len(score.latencies),
            "p50": round(share(score.latencies, 0.5), 4),
            "p99": round(share(score.latencies, 0.99), 4),
            "limit": score.limit,
        },
        "points": [
            {
                "name": name,
                "passed": problem is None and name not in score.left_out,
                "left_out": score.left_out.get(name, ""),
                "expected": POINTS[name].title,
                **(
                    {
                        "tried": problem.tried,
                        "got": problem.got,
                        "cause": problem.cause,
                        "reread": problem.reread,
                    }
                    if problem
                    else {}
                ),
            }
            for name, problem in score.found.items()
        ],
    }

"""Step 18: a live board of one's own, judged by the referee with a small crowd."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tutor.checks.question import Question
from tutor.redis import NONE, there
from tutor.referee.declaration import FILE, Undeclared
from tutor.referee.points import POINTS, Score
from tutor.report import Refusal

CROWD = 30


@dataclass(frozen=True)
class Look:
    """What the referee says of a board.

    Args:
        score: what it scored; None where it could not be played with.
        wrong: why not.
        missing: why there is no Redis to play with; empty where there is one.
    """

    score: Score | None = None
    wrong: str = ""
    missing: str = ""


def look(project: Path, python: Path | None = None) -> Look:
    """Let the referee judge a copy of the project.

    Args:
        project: the folder of ``manage.py``.
        python: the project's interpreter; the referee takes ours.
    """
    if not (project / FILE).is_file():
        return Look(wrong=f"there is no {FILE}")
    from tutor.referee.match import played  # which imports from tutor.checks

    if not there():
        return Look(missing=NONE)
    try:
        return Look(played(project, CROWD))
    except Undeclared as wrong:
        return Look(wrong=str(wrong).replace("\n", " "))
    except Refusal as wrong:
        return Look(missing=str(wrong).splitlines()[0])


def _declared(seen: Look) -> str | None:
    return seen.wrong or None


def _point(name: str, seen: Look) -> str | None:
    if seen.score is None:
        return "the board could not be played with"
    problem = seen.score.found[name]
    if problem is None:
        return None
    return problem.got + (f"; {problem.cause}" if problem.cause else "")


def _missing(seen: Look) -> str:
    return seen.missing


def _left_out(name: str, seen: Look) -> str:
    return seen.missing or (seen.score.left_out.get(name, "") if seen.score else "")


QUESTIONS = (
    Question(
        f"the board declares itself in {FILE}",
        f"{FILE}, and one client that hears one of the news",
        _declared,
        needs=_missing,
    ),
    *(
        Question(
            point.title,
            point.tried,
            partial(_point, name),
            needs=partial(_left_out, name),
        )
        for name, point in POINTS.items()
    ),
)

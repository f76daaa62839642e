"""The referee in a cell: what it says of the project, and the card as a picture."""

from __future__ import annotations

from html import escape

from IPython.display import display

from tutor.pictures import WIDTH, Picture
from tutor.redis import NONE, there
from tutor.referee import card, cli
from tutor.referee.declaration import Undeclared
from tutor.referee.match import played
from tutor.referee.points import POINTS, Score
from tutor.session import Session

CROWD = 30
GOOD, BAD = "#0f7a5a", "#c2410c"  # readable on white and on JupyterLab's dark grey


def judge(session: Session) -> None:
    """Play a match with the cell's project; print the score, draw it.

    A learner finds the whole report card beside the project.  What is measured is
    on the card only, since it differs from run to run.

    Args:
        session: the kernel's.
    """
    session.stop()  # two cores do not carry two boards
    try:
        if not there():
            raise Undeclared(NONE)
        score = played(session.folder, CROWD, picture=session.learners)
    except Undeclared as wrong:
        print(wrong)
        return
    print(f"{score.title}: {cli.result(score)}")
    for name, problem in score.found.items():
        sign = "?" if name in score.left_out else "✗" if problem else "✓"
        print(f"  {sign} {name}: {POINTS[name].title}")
    for line in cli.problems(score):
        print(line)
    if session.learners:
        card.write(score, session.cwd / card.FILE)
    display(drawn(score))


def drawn(score: Score) -> Picture:
    """The score as a small picture."""
    rows = []
    for at, (name, problem) in enumerate(score.found.items()):
        good = problem is None and name not in score.left_out
        fill, sign = (GOOD, "✓") if good else (BAD, "✗")
        x, y = 20 + 165 * (at % 4), 62 + 44 * (at // 4)
        rows.append(
            f'<circle cx="{x + 10}" cy="{y + 10}" r="10" fill="none" '
            f'stroke="{fill}" stroke-width="2"/>'
            f'<text x="{x + 10}" y="{y + 15}" text-anchor="middle" fill="{fill}" '
            f'font-weight="bold">{sign}</text>'
            f'<text x="{x + 28}" y="{y + 15}">{escape(name)}</text>'
        )
    said = f"Report card of {score.title}: {cli.result(score)}"
    svg = (
        f'<svg role="img" aria-label="{escape(said)}" viewBox="0 0 {WIDTH} 150" '
        f'width="{WIDTH}" style="max-width:100%;height:auto" '
        'font-family="system-ui, sans-serif" font-size="13" fill="currentColor" '
        'xmlns="http://www.w3.org/2000/svg"><rect x="1" y="1" rx="8" '
        f'width="{WIDTH - 2}" height="148" fill="none" stroke="currentColor" '
        'stroke-opacity="0.35"/>'
        f'<text x="20" y="36" font-size="20" font-weight="bold">{escape(score.title)}'
        f'</text><text x="{WIDTH - 20}" y="36" font-size="20" text-anchor="end">'
        f"{escape(cli.result(score))}</text>{''.join(rows)}</svg>"
    )
    return Picture(svg, said)

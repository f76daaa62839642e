"""The report card: one page, with all in it, to be printed or shown around."""

from __future__ import annotations

import time
from base64 import b64encode
from html import escape
from pathlib import Path

from tutor.referee import chart
from tutor.referee.points import POINTS, Score
from tutor.report import Refusal

FILE = "report-card.html"

STYLE = """
:root { color-scheme: light dark; --paper: #fffdf8; --ink: #1d2320; --calm: #66706a;
  --line: #d9d6cc; --good: #0b6b4f; --bad: #b3261e; --bar: #0b6b4f; --mark: #b45309;
  font: 15px/1.45 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --paper: #14191a; --ink: #eceae3;
  --calm: #9aa5a0; --line: #333b3b; --good: #6fd6ae; --bad: #ff9a8f; --bar: #4fb893;
  --mark: #f2b263; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); }
main { max-width: 50rem; margin: auto; padding: 2rem; }
header { display: flex; align-items: end; gap: 1rem; padding-bottom: .8rem;
  border-bottom: 3px solid var(--ink); }
header p { margin: 0; color: var(--calm); }
h1 { margin: 0; font-size: 2.1rem; line-height: 1.15; }
h2 { margin: 1.3rem 0 .3rem; font-size: .95rem; letter-spacing: .03em;
  color: var(--calm); font-weight: 600; }
.score { margin-left: auto; text-align: right; white-space: nowrap; }
.score b { font-size: 3.4rem; line-height: .9; color: var(--good); }
.score.short b { color: var(--bad); }
ol { display: grid; grid-template-columns: 1fr 1fr; gap: 0 2rem; margin: .6rem 0 0;
  padding: 0; list-style: none; }
ol li { display: grid; grid-template-columns: 1.6rem 1fr; padding: .5rem 0;
  border-bottom: 1px solid var(--line); }
ol li > span:first-child { font-weight: 700; color: var(--good); }
ol li.lost > span:first-child { color: var(--bad); }
ol li.out > span:first-child { color: var(--calm); }
ol small { display: block; color: var(--calm); font-size: .84rem; line-height: 1.35; }
dl { display: grid; grid-template-columns: 7rem 1fr; margin: .2rem 0 .8rem;
  font-size: .88rem; }
dt { color: var(--calm); } dd { margin: 0; }
svg { display: block; width: 100%; height: auto; font-size: 12px; }
svg .bars { fill: var(--bar); } svg .floor { stroke: var(--line); }
svg text { fill: var(--calm); } svg text.mark { fill: var(--mark); font-weight: 600; }
svg path.mark { stroke: var(--mark); stroke-dasharray: 3 3; }
img { display: block; width: 100%; border: 1px solid var(--line); border-radius: 6px; }
footer { margin-top: 1rem; color: var(--calm); font-size: .8rem; }
@media (max-width: 40rem) { ol { grid-template-columns: 1fr; } }
@media print { @page { size: A4; margin: 12mm; } main { padding: 0; }
  :root { font-size: 12px; --paper: #fff; --ink: #111; --calm: #555; --line: #ccc;
    --good: #0b6b4f; --bad: #b3261e; --bar: #0b6b4f; --mark: #b45309; }
  img { width: auto; max-width: 100%; max-height: 86mm; margin: auto; }
  svg { max-height: 45mm; } section, li { break-inside: avoid; }
  * { print-color-adjust: exact; } }
"""


def write(score: Score, path: Path) -> None:
    """Write the card; nothing in it comes from elsewhere.

    Raises:
        Refusal: it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(score), encoding="utf-8")
    except OSError as error:
        raise Refusal(f"{path} can't be written: {error.strerror}.") from None


def page(score: Score) -> str:
    """The card as HTML."""
    title = escape(score.title)
    short = "" if score.perfect else " short"
    day = time.strftime("%-d %B %Y")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}: report card</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<header><div><p>A live board, {day}</p><h1>{title}</h1></div>"
        f'<p class="score{short}"><b>{score.passed}</b> of {len(POINTS)} points</p>'
        f"</header>\n<ol>\n{_points(score)}</ol>\n{_problems(score)}"
        f"{_chart(score)}{_shot(score)}"
        "<footer>Two processes of a copy of this board were asked over their sockets: "
        "by strangers, by watchers, and through accidents. Times were taken on the "
        "machine that ran the board and its crowd alike.</footer>\n"
        "</main>\n</body>\n</html>\n"
    )


def _points(score: Score) -> str:
    lines = []
    for name, problem in score.found.items():
        kind, sign, word = "won", "✓", "passed"
        if name in score.left_out:
            kind, sign, word = "out", "?", "left out"
        elif problem:
            kind, sign, word = "lost", "✗", "lost"
        more = score.left_out.get(name) or POINTS[name].title
        if name == "watchers" and kind == "won":
            more = f"{score.watchers:,} hear everything, and soon"
        lines.append(
            f'<li class="{kind}"><span role="img" aria-label="{word}">{sign}</span>'
            f"<span>{escape(name[0].upper() + name[1:])}"
            f"<small>{escape(more)}</small></span></li>\n"
        )
    return "".join(lines)


def _problems(score: Score) -> str:
    parts = []
    for name, problem in score.found.items():
        if problem is None:
            continue
        rows = (
            ("tried", problem.tried),
            ("expected", problem.expected),
            ("got", problem.got),
            ("likely cause", problem.cause or "not known"),
            ("reread", problem.reread),
        )
        told = "".join(f"<dt>{k}</dt><dd>{escape(v)}</dd>" for k, v in rows)
        head = f"<h2>Lost: {escape(name)}</h2>"
        parts.append(f"<section>{head}<dl>{told}</dl></section>\n")
    return "".join(parts)


def _chart(score: Score) -> str:
    drawn = chart.drawn(score.latencies, score.watchers)
    if not drawn:
        return ""
    return (
        "<section><h2>From publishing to each of "
        f"{score.watchers:,} watchers</h2>{drawn}</section>\n"
    )


def _shot(score: Score) -> str:
    if not score.shot:
        why = escape(score.blind or "none was taken")
        return f"<section><h2>The page</h2><p>No picture: {why}.</p></section>\n"
    data = b64encode(score.shot).decode()
    title = escape(score.title)
    return (
        "<section><h2>The page</h2>"
        f'<img alt="The page of {title}, as a browser shows it" '
        f'src="data:image/jpeg;base64,{data}"></section>\n'
    )

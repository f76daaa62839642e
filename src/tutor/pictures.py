"""Small pictures as SVG: they follow the page's colours, and speak to a reader.

The lines and letters take the page's own colour (``currentColor``), so they are
right on light and dark; what must stand out has a colour that is readable on
both, and a sign or a word beside it, never colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

ACCENT = "#c2410c"  # contrast at least 3:1 on white and on JupyterLab's dark grey
WIDTH = 680
LETTER = 6.1  # mean width of a letter at 11 px, in px
GAP = 18


@dataclass(frozen=True)
class Picture:
    """An SVG drawing with a text that says the same."""

    svg: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f'<figure style="margin:0">{self.svg}</figure>'


def show(picture: Picture) -> None:
    """Show it below the cell that runs."""
    from IPython.display import display

    display(picture)


def bars(
    title: str, values: Mapping[str, float], unit: str, full: float = 0, mark: str = ""
) -> Picture:
    """Horizontal bars, each with its number.

    Args:
        title: what is compared.
        values: label to number.
        unit: of the numbers.
        full: the number that fills the width, so that two pictures compare; the
            largest one if left out.
        mark: the label of the bar that should stand out.
    """
    largest = full or max(values.values()) or 1
    rows = []
    for at, (label, value) in enumerate(values.items()):
        top = 34 + at * 30
        width = max(1.0, 330 * value / largest)
        fill = 'fill="currentColor" fill-opacity="0.45"'
        if label == mark:
            fill = f'fill="{ACCENT}"'
        rows.append(
            f'<text x="150" y="{top + 15}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="158" y="{top}" width="{width:.1f}" height="20" {fill}/>'
            f'<text x="{158 + width + 8:.1f}" y="{top + 15}">'
            f"{value:,.0f} {escape(unit)}</text>"
        )
    said = title + ": " + "; ".join(f"{k}: {v:,.0f} {unit}" for k, v in values.items())
    return _picture(title, said, 44 + 30 * len(values), rows)


def path(title: str, stations: Sequence[str], stop: int, answer: str) -> Picture:
    """The way of a knock through the application, and where it ends.

    Args:
        title: what knocks.
        stations: what it passes, from the outside in.
        stop: the index of the station that answers.
        answer: what that station says.
    """
    widths = [LETTER * len(name) + 16 for name in stations]
    rows, left, there = [], 2.0, 0.0
    for at, (name, width) in enumerate(zip(stations, widths, strict=True)):
        middle = left + width / 2
        line = 'stroke="currentColor"'
        if at == stop:
            line, there = f'stroke="{ACCENT}" stroke-width="3"', middle
        faint = ' opacity="0.4"' if at > stop else ""
        rows.append(
            f'<g{faint}><rect x="{left:.1f}" y="34" width="{width:.1f}" height="34" '
            f'rx="6" fill="none" {line}/>'
            f'<text x="{middle:.1f}" y="55" text-anchor="middle" '
            f'font-size="11">{escape(name)}</text></g>'
        )
        left += width + GAP
        if at < stop:
            rows.append(
                f'<text x="{left - GAP / 2:.1f}" y="56" text-anchor="middle">→</text>'
            )
    # Under its station, but inside the picture: half the text may stick out.
    half = LETTER * 0.65 * len(answer)
    x = min(max(there, half), WIDTH - half)
    rows.append(
        f'<text x="{x:.1f}" y="90" text-anchor="middle" fill="{ACCENT}" '
        f'font-weight="bold">{escape(answer)}</text>'
    )
    way = " → ".join(stations[: stop + 1])
    return _picture(title, f"{way}: {answer}", 100, rows)


def _picture(title: str, said: str, height: int, rows: Sequence[str]) -> Picture:
    svg = (
        f'<svg role="img" aria-label="{escape(said)}" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" style="max-width:100%;height:auto" '
        'font-family="system-ui, sans-serif" font-size="13" fill="currentColor" '
        'xmlns="http://www.w3.org/2000/svg">'
        f'<text x="10" y="18" font-weight="bold">{escape(title)}</text>'
        f"{''.join(rows)}</svg>"
    )
    return Picture(svg, said)

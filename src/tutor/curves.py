"""Curves of what was measured, beside a line that says what one might expect.

How high a dot stands is all that varies between two runs; what the dots say stands
in words beside them, with margins that hold on any machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from tutor.pictures import ACCENT, WIDTH, Picture, _picture

LEFT, TOP, DEEP, BROAD = 60.0, 40.0, 190.0, 420.0


def growth(times: float, by: float) -> str:
    """How much more something is, in words that leave a wide margin.

    Args:
        times: how many times as much was measured.
        by: how many times as many there were.
    """
    if times > 1.5 * by:
        return f"more than {1.5 * by:g} times"
    if times < 1.3 * by:
        return f"about {by:g} times, or less"
    return f"between {1.3 * by:g} and {1.5 * by:g} times"


def milliseconds(seconds: float) -> str:
    """A measured time, as short as it may be."""
    value = 1000 * seconds
    # What is printed must be below ten, not what it is rounded from.
    return f"{value:.1f} ms" if round(value, 1) < 10 else f"{value:,.0f} ms"


def dots(
    title: str, rows: Mapping[str, Mapping[int, float]], said: str, across: str
) -> Picture:
    """Dots over the numbers of something; the dashed line is in proportion to them.

    Args:
        title: what is shown.
        rows: the name of a row of dots to number and seconds; the first is plain,
            the last stands out.
        said: what the dots say.
        across: what is counted from left to right.
    """
    numbers = sorted({number for row in rows.values() for number in row})
    high = max(max(row.values()) for row in rows.values())
    parts = _frame(numbers, across)
    first = next(iter(rows.values()))
    start = first[numbers[0]] / high
    steep = start * numbers[-1] / numbers[0]
    # Cut off at the top, so that it stays in the picture.
    end = numbers[-1] if steep <= 1 else numbers[0] / start
    parts.append(
        f'<line class="measured" x1="{_x(numbers[0], numbers):.1f}" '
        f'y1="{_y(start):.1f}" x2="{_x(end, numbers):.1f}" '
        f'y2="{_y(min(1.0, steep)):.1f}" stroke="currentColor" '
        'stroke-dasharray="4 4" opacity="0.6"/>'
    )
    for at, (name, row) in enumerate(rows.items()):
        out = at == len(rows) - 1
        fill = f'fill="{ACCENT}"' if out else 'fill="currentColor" fill-opacity="0.6"'
        for number, value in row.items():
            parts.append(
                f'<circle class="measured" cx="{_x(number, numbers):.1f}" '
                f'cy="{_y(value / high):.1f}" r="6" {fill}/>'
            )
        last = max(row)
        parts.append(
            f'<text class="measured" x="{_x(last, numbers) - 14:.1f}" '
            f'y="{_y(row[last] / high) + 5:.1f}" text-anchor="end">'
            f"{milliseconds(row[last])}</text>"
        )
        top = TOP + 20 + 24 * at
        parts.append(
            f'<circle cx="{LEFT + BROAD + 30}" cy="{top - 4}" r="6" {fill}/>'
            f'<text x="{LEFT + BROAD + 42}" y="{top}">{escape(name)}</text>'
        )
    top = TOP + 20 + 24 * len(rows)
    parts.append(
        f'<text x="{LEFT + BROAD + 22}" y="{top}" opacity="0.8">'
        "- - in proportion</text>"
    )
    return _picture(title, f"{title}: {said}", int(TOP + DEEP + 50), parts)


def _frame(numbers: Sequence[int], across: str) -> list[str]:
    bottom = TOP + DEEP
    parts = [
        f'<line x1="{LEFT}" y1="{bottom}" x2="{LEFT + BROAD}" y2="{bottom}" '
        'stroke="currentColor"/>',
        f'<line x1="{LEFT}" y1="{TOP}" x2="{LEFT}" y2="{bottom}" '
        'stroke="currentColor"/>',
        f'<text x="{LEFT - 8}" y="{TOP + 6}" text-anchor="end">more</text>',
        f'<text x="{LEFT - 8}" y="{bottom}" text-anchor="end">0</text>',
        f'<text x="{LEFT + BROAD}" y="{bottom + 40}" text-anchor="end">'
        f"{escape(across)}</text>",
    ]
    for number in numbers:
        parts.append(
            f'<text x="{_x(number, numbers):.1f}" y="{bottom + 20}" '
            f'text-anchor="middle">{number:,}</text>'
        )
    return parts


def _x(number: float, numbers: Sequence[int]) -> float:
    return LEFT + (BROAD - 10) * number / numbers[-1]


def _y(share: float) -> float:
    return TOP + DEEP - (DEEP - 8) * share


def pulse(title: str, seconds: float, hole: float, said: str) -> Picture:
    """Answers along a line of time, as dots, and the hole in which there are none.

    Args:
        title: who answers.
        seconds: how long the line is.
        hole: how long there was no answer.
        said: what the dots say.
    """
    step, right = 0.1, WIDTH - 40
    begins = (seconds - hole) / 2
    parts = []
    for at in range(round(seconds / step) + 1):
        moment = at * step
        if not begins < moment < begins + hole:
            x = 20 + (right - 20) * moment / seconds
            parts.append(f'<circle cx="{x:.1f}" cy="46" r="5" fill="currentColor"/>')
    if hole:
        left = 20 + (right - 20) * begins / seconds
        broad = (right - 20) * hole / seconds
        parts.append(
            f'<rect x="{left + 8:.1f}" y="36" width="{broad - 16:.1f}" height="20" '
            f'fill="{ACCENT}" fill-opacity="0.25" stroke="{ACCENT}"/>'
            f'<text x="{left + broad / 2:.1f}" y="51" text-anchor="middle">'
            f"{hole:g} s without an answer</text>"
        )
    return _picture(title, f"{title}: {said}", 76, parts)

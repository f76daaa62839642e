"""The latency chart of a report card: how many news arrived after how long."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tutor.referee.points import share

WIDTH, HEIGHT, FLOOR = 560, 190, 150
LEFT, RIGHT = 12, 548
BARS = 40
TICKS = (
    (0.0, "start"),
    (0.25, "middle"),
    (0.5, "middle"),
    (0.75, "middle"),
    (1.0, "end"),
)


def drawn(latencies: Sequence[float], watchers: int) -> str:
    """The chart as SVG, with a text that says the same; empty without latencies.

    Args:
        latencies: seconds, sorted.
        watchers: how large the crowd was.
    """
    if not latencies:
        return ""
    half, most = share(latencies, 0.5), share(latencies, 0.99)
    end = _round(max(latencies[-1], 0.001))
    counts = [0] * BARS
    for one in latencies:
        counts[min(BARS - 1, int(BARS * one / end))] += 1
    wide = (RIGHT - LEFT) / BARS
    bars = "".join(
        f'<rect x="{LEFT + at * wide + 0.5:.1f}" width="{wide - 1:.1f}" '
        f'y="{FLOOR - (tall := max(1.5, 96 * count / max(counts))):.1f}" '
        f'height="{tall:.1f}" rx="1"/>'
        for at, count in enumerate(counts)
        if count
    )
    said = (
        f"{len(latencies):,} deliveries to {watchers:,} watchers: half within "
        f"{_ms(half)}, 99 % within {_ms(most)}, all within {_ms(latencies[-1])}"
    )
    marks = _mark(half, end, "half", 26) + _mark(most, end, "99 %", 42)
    ticks = "".join(
        f'<text class="tick" x="{LEFT + (RIGHT - LEFT) * part:.1f}" y="{FLOOR + 18}" '
        f'text-anchor="{anchor}">{_ms(end * part)}</text>'
        for part, anchor in TICKS
    )
    return (
        f'<svg role="img" aria-label="{escape(said)}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'xmlns="http://www.w3.org/2000/svg"><g class="bars">{bars}</g>'
        f'<path class="floor" d="M{LEFT} {FLOOR}H{RIGHT}"/>{ticks}{marks}</svg>'
    )


def _mark(seconds: float, end: float, name: str, top: int) -> str:
    """A line at some seconds, with its name on the side where there is room."""
    x = LEFT + (RIGHT - LEFT) * min(1.0, seconds / end)
    right = x > 0.7 * RIGHT
    at, anchor = (x - 5, "end") if right else (x + 5, "start")
    return (
        f'<path class="mark" d="M{x:.1f} {top - 11}V{FLOOR}"/>'
        f'<text class="mark" x="{at:.1f}" y="{top}" text-anchor="{anchor}">'
        f"{name}: {_ms(seconds)}</text>"
    )


def _ms(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds else "0"


def _round(seconds: float) -> float:
    """The next round number of seconds."""
    step = 0.001
    while True:
        for factor in (1, 2, 4, 8):
            if seconds <= step * factor:
                return step * factor
        step *= 10

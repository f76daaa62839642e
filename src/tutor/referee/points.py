"""The eight points, and what a board did about each.

A point is judged by itself: what another one has cost is not asked for again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tutor.report import Problem


@dataclass(frozen=True)
class Point:
    """One thing that a board is asked for.

    Args:
        name: its name, one word or two.
        title: a short true sentence about a board that has it.
        tried: what the referee does.
        step: where the course explains it.
    """

    name: str
    title: str
    tried: str
    step: int


POINTS: dict[str, Point] = {
    point.name: point
    for point in (
        Point(
            "foreign origin",
            "a page from elsewhere gets no socket",
            "ada's browser on a page of another host, and of another port",
            12,
        ),
        Point(
            "two processes",
            "what one process publishes, clients of the other hear",
            "one publishes at each of two processes, a client listens at the other",
            11,
        ),
        Point(
            "hard kill",
            "a killed process: its clients go on at the other, and miss nothing",
            "kill -9 of a process while news comes; its clients go to the other one",
            17,
        ),
        Point(
            "Redis restart",
            "once Redis is back, everyone hears again",
            "Redis killed and started empty; clients whose socket closes come back",
            11,
        ),
        Point(
            "slow client",
            "who does not keep up costs little, and disturbs nobody",
            "a client that reads nothing, beside four that do",
            17,
        ),
        Point(
            "logout",
            "a logout closes that session's sockets, and no others",
            "ada logs out in one of two browsers, with two sockets open there",
            12,
        ),
        Point(
            "resume by id",
            "who comes back with an id gets all that was missed",
            "a client leaves and comes back; six more join while news comes",
            13,
        ),
        Point(
            "watchers",
            "a crowd hears everything, and soon",
            "a crowd on one process, and ten news",
            15,
        ),
    )
}


@dataclass(frozen=True)
class Score:
    """What came of a match.

    Args:
        title: the board's.
        found: for each point its problem; None where it is passed.
        left_out: why a point could not be asked for, by its name.
        watchers: how large the crowd was.
        latencies: seconds from each publishing to each watcher, sorted.
        limit: what 99 % of them have to stay below.
        shot: a picture of the board's page as JPEG; empty where there is none.
        blind: why there is none.
    """

    title: str
    found: dict[str, Problem | None] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    watchers: int = 0
    latencies: Sequence[float] = ()
    limit: float = 0.0
    shot: bytes = b""
    blind: str = ""

    @property
    def passed(self) -> int:
        """How many points the board has."""
        return sum(
            problem is None and name not in self.left_out
            for name, problem in self.found.items()
        )

    @property
    def perfect(self) -> bool:
        return self.passed == len(POINTS)


def share(latencies: Sequence[float], part: float) -> float:
    """The latency that a part of all stays below; 0 where there are none.

    Args:
        latencies: sorted.
        part: such as 0.99.
    """
    if not latencies:
        return 0.0
    return latencies[min(len(latencies) - 1, int(part * len(latencies)))]

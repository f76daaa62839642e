# ruff: noqa: E501  (the project's own lines)
"""Mistakes of the first six steps, made in projects of other layouts."""

from __future__ import annotations

from shapes import Change

TICKER = "notifier/board/consumers/ticker.py"

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (  # what fails in a task that is cancelled later, nobody ever reads
        "board",
        "python-name-not-defined",
        TICKER,
        ((TICKER, "        number = 0\n", ""),),
    ),
    (
        "board",
        "consumer-attribute-never-set",
        TICKER,
        ((TICKER, "self.task = asyncio", "task = asyncio"),),
    ),
)
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "board",
        "a-sensor-out-of-reach",
        (
            (
                TICKER,
                "            number += 1\n",
                "            await asyncio.open_connection('127.0.0.1', 1)\n            number += 1\n",
            ),
        ),
    ),
)

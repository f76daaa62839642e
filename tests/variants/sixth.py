"""Known mistakes in checkpoints, in spellings that were not recognised at first sight.

What was missing: that code which deals with an exception may fail by itself.
"""

from __future__ import annotations

from fourth import CONSUMERS, Wrong

WRONG: list[Wrong] = [
    (
        10,
        "consumer-attribute-never-set",
        CONSUMERS,
        ((CONSUMERS, "        self.bad = 0  # in a row\n", ""),),
    ),
]

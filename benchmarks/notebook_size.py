"""The size of tutorial.ipynb with all its outputs: under 1 MB at eighteen steps.

Repository browsers render a notebook up to about that size.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # which -P leaves out

from _timing import ROOT

from tutor.course import NOTEBOOK, Course, Step

STEPS = 18
LIMIT = 1_000_000


def main() -> None:
    course = Course.load(ROOT)
    whole = (ROOT / NOTEBOOK).stat().st_size
    sizes = {}
    for part in course.parts:
        if isinstance(part, Step):
            text = json.dumps(part.cells, indent=1, ensure_ascii=False)
            sizes[part.number] = len(text.encode())
    for number, size in sizes.items():
        print(f"step {number}: {size / 1000:6.1f} kB")
    other = whole - sum(sizes.values())
    projected = other + STEPS * sum(sizes.values()) / len(sizes)
    worst = other + STEPS * max(sizes.values())
    print(f"{NOTEBOOK}: {whole / 1000:.0f} kB with {len(sizes)} steps")
    print(
        f"at {STEPS} steps: {projected / 1000:.0f} kB; {worst / 1000:.0f} kB were each "
        f"as large as the largest; the limit is {LIMIT / 1000:.0f} kB"
    )


if __name__ == "__main__":
    main()

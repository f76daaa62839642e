"""Children forked from a warm process against cold ones, and what that one costs.

``python manage.py check`` to its end, and Daphne up to its first answer.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.request
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # which -P leaves out

from _timing import STEPS, alternate, rounds

from tutor import children
from tutor.servers import Server


def check(project: Path) -> None:
    done = children.run(["python", "manage.py", "check"], project)
    assert done.code == 0, done.out


def answer(project: Path) -> None:
    server = Server(["daphne", "webapp.asgi:application"], project)
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(server.url, timeout=60).close()
    finally:
        server.stop()


def one(work: partial[None], cold: bool) -> float:
    os.environ["TUTOR_COLD"] = "1" if cold else ""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    times = rounds(__doc__, 5)
    project = STEPS[-1]
    start = partial(children.run, ["python", "-c", "pass"], project)
    print(f"the warm process itself: ready in {one(partial(start), False):.2f} s, once")
    for name, function in (
        ("manage.py check", check),
        ("daphne, first answer", answer),
    ):
        work = partial(function, project)
        designs = {
            f"{name}, warm": partial(one, work, False),
            f"{name}, cold": partial(one, work, True),
        }
        warm, cold = alternate(designs, times).values()
        print(f"{name}: warm {warm:.2f} s, cold {cold:.2f} s, {cold / warm:.1f} times")


if __name__ == "__main__":
    main()

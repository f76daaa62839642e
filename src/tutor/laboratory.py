"""The laboratory of step 15, as its cells use it: each measures the running server.

What is printed are comparisons with a wide margin; the numbers are in the pictures.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tutor import _current, measuring
from tutor.measuring import Run
from tutor.pictures import Picture
from tutor.report import Refusal

ATTEMPTS = 5  # to see a half where there is one
HALF = (0.25, 0.75)  # what passes for one: each reading costs a process a little, too


def _people(at: int = 1) -> dict[str, Any]:
    session = _current()
    server = session.serving(at)
    return {
        "ada": session.jars.cookies(server, "ada"),
        "bob": session.jars.cookies(server, "bob"),
    }


async def costs(
    title: str, work: Callable[[int], Awaitable[float]], sizes: Sequence[int]
) -> Picture:
    """Draw what ever larger sizes cost.

    Args:
        title: what costs.
        work: is given a size, and awaited; seconds of the processor.
        sizes: from small to large.
    """
    return await measuring.costs(title, work, sizes)


async def crowds(clients: Sequence[int], readings: int = 5) -> Run:
    """Publish readings to ever more clients of the server; draw how long they wait.

    Args:
        clients: how many, from few to many.
        readings: how many each crowd hears.
    """
    server = _current().serving()
    return await measuring.measure(server, clients, readings, **_people())


async def pulse(clients: int) -> Picture:
    """Draw when the practice socket answers, while a reading reaches a crowd."""
    return await measuring.blocked(_current().serving(), clients, **_people())


async def memory(readings: int, deaf: int) -> None:
    """Publish readings to five clients; print how far the server's memory grows.

    Args:
        readings: how many.
        deaf: how many of the five read nothing of what comes.
    """
    server = _current().serving()
    grown = await measuring.swollen(server, deaf, readings, **_people())
    if 10 < grown < 20:
        raise Refusal(f"The memory grew by {grown:.0f} MB, which says nothing. Again?")
    how = "more than 20 MB" if grown > 10 else "less than 10 MB"
    print(f"{deaf} of 5 clients do not read: the server grows by {how}.")


async def divided(clients: int, readings: int = 60) -> None:
    """Let one server have all clients, then two a half each; compare their work.

    Args:
        clients: how many there are in all.
        readings: how many a process of its own publishes each time.
    """
    session = _current()
    one, two = session.serving(1), session.serving(2)
    # What else this machine does can only add to what a reading costs.  So the least
    # of all attempts is the nearest to the truth, for one server and for two.
    least = [math.inf, math.inf]
    for _ in range(ATTEMPTS):
        for number, servers in enumerate(([one], [one, two])):
            bob = _people()["bob"]
            found = await measuring.divided(
                servers, clients, readings, bob, session.project
            )
            least[number] = min(least[number], found)
        share = least[1] / least[0]
        if HALF[0] < share < HALF[1]:
            break
    else:
        raise Refusal(
            f"The busier of two processes did {share:.0%} of the work of one alone, "
            "which should be about half.\n"
            "Other work on this machine may be why: run the cell again."
        )
    print("The busier of two processes does about half of the work of one alone.")

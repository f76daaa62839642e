"""The check of step 11: the same across processes, through a Redis."""

from __future__ import annotations

from tutor.checks import processes
from tutor.checks.facts import Seen
from tutor.checks.question import Question


def _no_redis(seen: Seen) -> str:
    return seen.processes.missing


def _no_redis_to_kill(seen: Seen) -> str:
    return seen.processes.missing or seen.processes.untouchable


def _alone(seen: Seen) -> str | None:
    heard = seen.processes.alone
    return None if heard == [5] else f"the client received {heard}, where 5 was sent"


def _crosses(seen: Seen) -> str | None:
    for heard, name in zip(seen.processes.heard, ("first", "second"), strict=False):
        if heard[:2] != [7, 8]:
            return f"the {name} server's client received {heard}, where 7 and 8 were"
    return None if seen.processes.heard else "no client could connect"


def _command_heard(seen: Seen) -> str | None:
    if seen.processes.said:
        return seen.processes.said.splitlines()[-1]
    count = sum(9 in heard for heard in seen.processes.heard)
    return None if count == 2 else f"{count} of two clients received it"


def _beats(seen: Seen) -> str | None:
    count = len(seen.processes.beats)
    return None if count == 2 else f"{count} of two clients received one"


def _recovers(seen: Seen) -> str | None:
    count = seen.processes.again
    return None if count == 2 else f"{count} of two clients heard the next reading"


def _counts(seen: Seen) -> str | None:
    if seen.processes.beats != [2, 2]:
        return f"heartbeats that say {seen.processes.beats}, where two were here"
    left = seen.processes.left
    return None if left == 1 else f"{left} after one of the two servers was killed"


QUESTIONS = (
    Question(
        "without REDIS_URL one process serves alone",
        f"a client of {processes.PATH} that publishes, and no REDIS_URL",
        _alone,
    ),
    Question(
        "what one process publishes the clients of another receive",
        "two servers on one Redis, with a client each",
        _crosses,
        needs=_no_redis,
    ),
    Question(
        "what manage.py publishes all of them receive",
        f"python {' '.join(processes.COMMAND)} 9, with the same REDIS_URL",
        _command_heard,
        needs=_no_redis,
    ),
    Question(
        "an open socket hears a heartbeat",
        "two clients that wait",
        _beats,
        needs=_no_redis,
    ),
    Question(
        "after Redis was killed and is back, both hear again",
        "Redis killed and started empty, the sockets left open",
        _recovers,
        needs=_no_redis_to_kill,
    ),
    Question(
        "a heartbeat says how many are here, also after a server was killed",
        "the field here of a heartbeat",
        _counts,
        needs=_no_redis,
    ),
)

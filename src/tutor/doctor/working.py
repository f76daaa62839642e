"""What people see of a worker: a job is sent, and something comes of it, or nothing."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from redis import Redis as Client

from tutor import children
from tutor.doctor import commands
from tutor.redis import Redis, running
from tutor.report import Refusal
from tutor.started import Started, start

SECONDS = 30  # for a command to come and go
PATIENCE = 8.0  # seconds in which a job is done, or something is said
LOOK = 0.2  # seconds between two looks at what Redis has counted
CALM = 1.0  # seconds for what should not come any more
GROUP = "asgi__group__readings"  # where the project's readings pass
JOBS = "asgimeasure"  # where its jobs wait


def play(scene: Mapping[str, Any], project: Path, awaited: str = "") -> tuple[str, str]:
    """Start workers on a Redis of their own, let the project produce one job.

    Args:
        scene: ``workers``, how many; ``idle``, seconds at most until the first has
            failed by itself, or waited in vain twice; ``start``, the file that says
            how they are started, if one does; ``deaf`` for those of which no Redis
            hears.
        project: the folder of ``manage.py``.
        awaited: a text that a worker will print.

    Returns:
        What came of the job, in the words of the mistakes' files; what was printed.
    """
    with running() as redis:
        _migrate(project, redis)
        workers: list[Started] = []
        try:
            for words in _wanted(scene, project):
                argv = ["python", "manage.py", "runworker", *words]
                listens = None if scene.get("deaf") else redis  # else we wait for that
                workers.append(start(argv, project, listens, redis.extra))
            if "idle" in scene:
                _idle(workers[0], redis, scene["idle"])
            seen = _done(project, redis, workers, awaited)
        except Refusal as refused:
            return "a worker does not start", str(refused)
        finally:
            for one in workers:
                one.stop()
        return seen, "".join(one.child.text for one in workers)


def _wanted(scene: Mapping[str, Any], project: Path) -> list[Sequence[str]]:
    """What each worker is told."""
    if "start" not in scene:
        return [("measure", "--layer", "jobs")] * scene["workers"]
    told = commands.commands(project)
    return [
        one.words
        for one in told
        if (one.file, one.program) == (scene["start"], "runworker")
    ]


def _idle(worker: Started, redis: Redis, seconds: float) -> None:
    """Let a worker wait until it fails, or has waited in vain twice, and goes on."""
    end = time.monotonic() + seconds
    with Client.from_url(redis.url) as client:
        while time.monotonic() < end:
            told = client.info("commandstats").get("cmdstat_bzpopmin", {})
            if told.get("calls", 0) > 1:
                return
            if worker.child.wait_for(lambda out: "Error" in out, LOOK):
                return


def _done(project: Path, redis: Redis, workers: list[Started], awaited: str) -> str:
    with Client.from_url(redis.url) as client, client.pubsub() as readings:
        readings.subscribe(GROUP)
        before = _met(client)
        _command(project, redis, "produce", "--count", "1", "--every", "0")
        count, lies, now = 0, 0.0, time.monotonic()
        # Who sent it has spoken to nobody out here, so nobody has it.
        end = now + (CALM if _met(client) == before else PATIENCE)
        while (now := time.monotonic()) < end:
            # A job that waits for so long is one that nobody fetches.
            lies = (lies or now) if client.exists(JOBS) else 0.0
            if lies and now - lies > CALM:
                break
            message = readings.get_message(timeout=0.05)
            if message and message["type"] == "message":
                count += 1
                end = min(end, time.monotonic() + CALM)
            if awaited and awaited in "".join(one.child.text for one in workers):
                end = min(end, time.monotonic() + CALM)
    readings_came = f"{count} reading{'s' * (count != 1)}" if count else "no reading"
    ended = sum(not one.running for one in workers)
    return readings_came + (", the worker has ended" if ended else "")


def _met(client: Client) -> int:
    """How many have come to this Redis so far."""
    return int(client.info("stats")["total_connections_received"])


_migrated: dict[str, bytes] = {}
_first = threading.Lock()


def _migrate(project: Path, redis: Redis) -> None:
    """Give a project its tables; the second with the same migrations gets a copy."""
    files = sorted(project.glob("*/migrations/*.py"))
    key = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    database = project / "db.sqlite3"
    with _first:
        if key not in _migrated:
            _command(project, redis, "migrate", "-v", "0")
            _migrated[key] = database.read_bytes()
    database.write_bytes(_migrated[key])


def _command(project: Path, redis: Redis, *words: str) -> None:
    children.run(["python", "manage.py", *words], project, SECONDS, redis.extra)

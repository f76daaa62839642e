"""Where a board plays: a copy of it, with a database, a Redis and people of its own."""

from __future__ import annotations

import json
import resource
import shlex
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tutor import children
from tutor.checks import visitor
from tutor.checks.visitor import Person
from tutor.doctor.copying import copied
from tutor.places import scratch
from tutor.redis import Redis
from tutor.referee.declaration import Declaration, Undeclared
from tutor.report import Refusal
from tutor.servers import Server
from tutor.started import Started

EACH = 40  # sockets of one watcher; boards may allow 50 for a user
BUFFER = 4096  # bytes that the system may keep for one who does not read
SPARE = 300  # file descriptors besides those of the watchers
SECONDS = 60  # for the database, on a machine that is busy
LAST_WORDS = 1.0  # seconds in which a command that fails has ended
PATIENCE = 15.0  # seconds for a command to say something

# What the board would run on, told by Django itself; then its people, unless the
# database is somebody else's.
_FACTS = """
import json
from pathlib import Path
from django.conf import settings
database = settings.DATABASES["default"]
engine, name = database["ENGINE"].rpartition(".")[2], str(database["NAME"])
ours = engine == "sqlite3" and any(map(Path(name).is_relative_to, PLACES))
print("\\n" + json.dumps({
    "asgi": getattr(settings, "ASGI_APPLICATION", None) or "",
    "ours": ours,
    "database": f"{name} ({engine})",
    "layers": repr(getattr(settings, "CHANNEL_LAYERS", {})),
}), flush=True)
if not ours:
    raise SystemExit
"""


class Narrow(Server):
    """A server whose system keeps little for a client that does not read."""

    def _start(self) -> Any:
        # Its connections inherit that, so that a slow client is noticed early.
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        return super()._start()


@dataclass
class Ground:
    """A board that runs.

    Args:
        project: the copy.
        declared: what the board says of itself.
        redis: its Redis.
        jars: the cookies of ada's two browsers, of bob's one, of each watcher's.
        first: one of its two processes.
        second: the other one.
        extra: variables for whatever of it is started.
        beside: what runs beside them.
    """

    project: Path
    declared: Declaration
    redis: Redis
    jars: list[dict[str, str]]
    first: Server
    second: Server
    extra: Mapping[str, str]
    beside: list[Started] = field(default_factory=list)

    @property
    def ada(self) -> dict[str, str]:
        """Who may publish, as all her browsers may."""
        return self.jars[0]

    @property
    def elsewhere(self) -> dict[str, str]:
        """Ada's other browser: a session of its own."""
        return self.jars[1]

    @property
    def bob(self) -> dict[str, str]:
        return self.jars[2]

    @property
    def crowd(self) -> list[dict[str, str]]:
        """One for each ``EACH`` watchers."""
        return self.jars[3:]


@contextmanager
def ground(project: Path, declared: Declaration, watchers: int) -> Iterator[Ground]:
    """Run a copy of a board as two processes; all of it is gone afterwards.

    Args:
        project: the folder of ``manage.py``; nothing in it is changed.
        declared: what it says of itself.
        watchers: how many sockets the largest crowd has.

    Raises:
        Undeclared: its database or its Redis is not the referee's, or it says
            something else than how it starts.
        Refusal: this machine does not let it run.
    """
    _room(watchers + SPARE)
    with ExitStack() as stack:
        copy = stack.enter_context(copied(project))
        folder = tempfile.TemporaryDirectory(prefix="tutor-", dir=scratch())
        base = Path(stack.enter_context(folder))
        redis = Redis()
        stack.callback(redis.stop)
        extra = {
            **redis.extra,
            "DATABASE_URL": f"sqlite:///{base.resolve() / 'board.sqlite3'}",
            **declared.environment,
        }
        people = [Person("ada", "", True), Person("ada"), Person("bob")]
        people += [Person(f"watcher{n}") for n in range(-(-watchers // EACH))]
        asgi, jars = _prepared(copy, extra, redis, people, [copy, base.resolve()])
        target = declared.application or ":".join(asgi.rsplit(".", 1))
        with ThreadPoolExecutor(1) as pool:
            argv = ["daphne", target]
            servers = [Narrow(argv, copy, extra) for _ in range(2)]
            for server in servers:
                stack.callback(server.stop)
            for server in servers:
                if not pool.submit(server.ready).result():
                    raise Undeclared(
                        f"daphne {target} ends while starting. Its last words:\n"
                        f"  {last_words(server.log())}\n"
                        "Next: make doctor PROJECT=path"
                    )
        first, second = servers
        found = Ground(copy, declared, redis, jars, first, second, extra)
        for line in declared.beside:
            found.beside.append(_begin(found, line))
            stack.callback(found.beside[-1].stop)
        yield found


def _room(files: int) -> None:
    """Let this process, and those it starts, open so many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        if hard != resource.RLIM_INFINITY and hard < files:
            raise Refusal(
                f"This shell allows {hard} open files, and the watchers need {files}.\n"
                f"Type `ulimit -n {files}` first, or ask for fewer: --watchers"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def _prepared(
    project: Path,
    extra: Mapping[str, str],
    redis: Redis,
    people: Sequence[Person],
    places: Sequence[Path],
) -> tuple[str, list[dict[str, str]]]:
    """The name of the board's application, and the cookies of its people.

    Args:
        project: the copy.
        extra: variables for its environment.
        redis: the referee's.
        people: who shall be there.
        places: folders of the referee's, in one of which the database has to be.

    Raises:
        Undeclared: its settings can't be read; its database is somebody else's, or
            can't be made; it talks to another Redis.
    """
    told = f"PLACES = {[str(place) for place in places]!r}\n{_FACTS}"
    told += f"PEOPLE = {[tuple(one) for one in people]!r}\n{visitor.SESSION}"
    done = children.run_inside(told, project, SECONDS, extra)
    lines = [line for line in done.out.splitlines() if line[:1] in ("{", "[")]
    if not lines:
        raise Undeclared(
            f"The settings of the board can't be read: {last_words(done.out)}\n"
            "Next: make doctor PROJECT=path"
        )
    facts = json.loads(lines[0])
    if not facts["ours"]:
        raise Undeclared(
            f"The board's database is {facts['database']}. The referee keeps off it:\n"
            "read DATABASE_URL in the settings, or use a file of SQLite below BASE_DIR."
        )
    if "redis" in facts["layers"] and redis.url not in facts["layers"]:
        raise Undeclared(
            "The board's channel layer talks to a Redis of its own, which the referee "
            "keeps off:\nread REDIS_URL in the settings."
        )
    if done.code or len(lines) < 2:
        raise Undeclared(
            f"The board's database can't be made: {last_words(done.out)}\n"
            "Try it by hand: python manage.py migrate"
        )
    return facts["asgi"], json.loads(lines[-1])


def _begin(found: Ground, line: str) -> Started:
    """Start a command of the declaration, and wait until it says something."""
    argv = shlex.split(line)
    if argv[0] == "python":
        argv[0] = sys.executable
    try:
        one = Started(argv, found.project, found.extra)
    except OSError as error:
        raise Undeclared(f"beside: {line} can't be run: {error.strerror}") from None
    one.shown = line
    one.child.wait_for(lambda out: "\n" in out, PATIENCE)
    one.child.wait_for(lambda out: False, LAST_WORDS)
    return one


def last_words(log: str) -> str:
    return (log.strip().splitlines() or ["nothing"])[-1]

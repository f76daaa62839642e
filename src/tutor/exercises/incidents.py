"""Exercise 11: what becomes of a reading when Redis or a server is killed, really.

Two servers of a project run on one Redis, with one client each.  Readings come from
the project's own command, one after the other, so a later one that arrives proves
that an earlier one will not.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tutor import children, redis
from tutor.exercises.answers import NotYet, compare, given, names
from tutor.redis import Redis, running
from tutor.servers import Server, serving

MOMENTS = (
    "Redis is away",
    "Redis is back, empty",
    "server 2 has been killed",
    "server 2 is back, and Bob has connected again",
)
PATH = "/ws/readings/"
DAPHNE = ("daphne", "webapp.asgi:application")
SECONDS = 45  # for one publisher to come and go
PATIENCE = 8  # seconds for a reading that should come


@dataclass
class Client:
    """Ada or Bob, and the values they received so far."""

    socket: ClientConnection
    values: set[int] = field(default_factory=set)

    def hear(self, value: int) -> None:
        """Read until a value comes, or the socket closes, or it takes too long."""
        end = time.monotonic() + PATIENCE  # heartbeats come for ever
        with suppress(TimeoutError, ConnectionClosed):
            while value not in self.values:
                if (left := end - time.monotonic()) < 0:
                    break
                message = json.loads(self.socket.recv(timeout=left))
                if message.get("type") == "reading":
                    self.values.add(message["value"])


def happen(project: Path) -> dict[str, set[str]]:
    """Let it all happen; who received the reading that was published when.

    Args:
        project: the folder of ``manage.py``.

    Raises:
        Refusal: there is no Redis to kill here.
    """
    with ExitStack() as stack:
        server = stack.enter_context(running())
        one, two = (
            stack.enter_context(serving(DAPHNE, project, server.extra)) for _ in "12"
        )
        ada, bob = open_client(stack, one), open_client(stack, two)

        server.kill()
        publish(project, server, 0)
        server.again()
        publish(project, server, 1)
        ada.hear(1)
        bob.hear(1)

        two.pause(grace=0)
        publish(project, server, 2)
        two.again()
        two.ready()
        bob.hear(2)
        bob.socket = open_client(stack, two).socket
        publish(project, server, 3)
        ada.hear(3)
        bob.hear(3)
        return {
            moment: {
                name
                for name, client in (("ada", ada), ("bob", bob))
                if value in client.values
            }
            for value, moment in enumerate(MOMENTS)
        }


def open_client(stack: ExitStack, server: Server) -> Client:
    """A client that is connected until the stack ends."""
    socket = connect(
        server.ws + PATH,
        origin=Origin(server.url),
        proxy=None,
        open_timeout=PATIENCE,
        close_timeout=1,
    )
    return Client(stack.enter_context(socket))


def publish(project: Path, server: Redis, value: int) -> int:
    """Publish by the project's command; its exit status."""
    argv = ["python", "manage.py", "publish", str(value)]
    return children.run(argv, project, SECONDS, server.extra).code


def verdict(code: str, folder: Path) -> str:
    """Check an answer; see `tutor.exercises.check`."""
    mine = given(names(code, folder), "receives", dict)
    if redis.program() is None:
        raise NotYet(f"it can't be tried. There is {redis.NONE}.")
    try:
        said = {moment: set(who) for moment, who in mine.items()}
    except TypeError:
        raise NotYet("each value is a set, such as {'ada'} or set().") from None
    return compare(said, happen(folder), "What happened")

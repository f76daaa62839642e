"""What a probe is answered, and whether a server ends when it is asked to."""

from __future__ import annotations

import http.client
import os
import signal
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from tutor import servers
from tutor.doctor import gathering
from tutor.servers import HOST, Server

SECONDS = 10.0  # for an answer
DUE = 1.5  # seconds in which a server has said good-bye to its clients


def play(scene: Mapping[str, Any], project: Path, awaited: str = "") -> tuple[str, str]:
    """Start the project's server, and probe it or end it.

    Args:
        scene: ``probe``, a path, and ``host``, the name in the request; ``twice``, a
            path on which two knock; or ``end``, one on which somebody knocks before
            the server is ended.
        project: the folder of ``manage.py``.
        awaited: a text that the log will hold.

    Returns:
        A status, or whether it ended; and what was printed.
    """
    argv = ["daphne", gathering.guess(project)]
    with servers.serving(argv, project) as server:
        if not server.running:
            return "server does not start", server.log()
        if "twice" in scene:
            _knocked(server, scene["twice"])
            seen = _knocked(server, scene["twice"])
        elif "probe" in scene:
            seen = _probed(server, scene["probe"], scene.get("host", HOST))
        else:
            _knocked(server, scene["end"])
            seen = _ended(server, scene["end"])
            server.child.stop(grace=0)
        server.child.wait_for(lambda out: awaited in out, 3)
        return seen, server.log()


def _probed(server: Server, path: str, host: str) -> str:
    link = http.client.HTTPConnection(HOST, server.port, timeout=SECONDS)
    with closing(link):
        link.request("GET", path, headers={"Host": host})
        return f"{link.getresponse().status} for {path}"


def _knocked(server: Server, path: str, patience: float = SECONDS) -> str:
    try:
        with connect(
            server.ws + path,
            origin=Origin(server.url),
            proxy=None,
            open_timeout=patience,
        ):
            return "101"
    except InvalidStatus as refused:
        return str(refused.response.status_code)


def _ended(server: Server, path: str) -> str:
    """Ask it to end.  Whether it does shows as soon as it has to answer again.

    What was due when we knock has been done when the second knock is answered: the
    loop looks at its clock before it looks at its sockets.
    """
    os.killpg(server.child.pid, signal.SIGTERM)
    server.child.wait_for(lambda out: False, DUE)  # until it ends, or so long
    try:
        for _ in range(2):
            if server.running:
                _knocked(server, path, 2 * DUE)
    except (OSError, EOFError, WebSocketException):
        server.child.wait_for(lambda out: False, SECONDS)
    return "it goes on" if server.running else "it ends"

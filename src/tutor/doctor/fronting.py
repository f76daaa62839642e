"""What people see of a project behind its nginx: a page, a socket, a file."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tutor import children, nginx, servers, sites
from tutor.checks.deployment import PRODUCTION
from tutor.checks.fronted import FORGED, LOGIN, SCRIPT, site_of
from tutor.checks.talk import PRACTICE
from tutor.checks.visitor import Person, logged_in
from tutor.doctor import browsing, starting
from tutor.report import Refusal
from tutor.servers import HOST
from tutor.visitors import PASSWORD, Jars

IDLE = 2.0  # seconds in which nothing is said
OPENS = 3.0  # seconds in which a socket opens that does


def play(scene: Mapping[str, Any], project: Path, awaited: str) -> tuple[str, str]:
    """Start the project as on a real machine, and ask for one thing.

    Args:
        scene: ``front`` is ``socket``, ``idle``, ``page``, ``script``, ``address``
            or ``browser``; ``start``, the file that says where the server
            listens, where that matters.
        project: the folder of ``manage.py``.
        awaited: a text that a log will hold.

    Returns:
        What was seen, in the words of the mistakes' files, and what was printed.
    """
    if scene["front"] in ("script", "browser"):
        argv = ["python", "manage.py", "collectstatic", "--noinput", "-v", "0"]
        done = children.run(argv, project, 60, PRODUCTION)
        if done.code:
            return "collectstatic fails", done.out
    argv = ["daphne", "--proxy-headers", "webapp.asgi:application"]
    with servers.serving(argv, project, PRODUCTION) as server:
        if not server.running:
            return "server does not start", server.log()
        behind = [server]
        if "start" in scene:
            ports = starting.read(scene, project).ports() or set()
            # nginx finds it where the real one would: at the port of its command.
            behind = [server] if str(nginx.BACKENDS[0]) in ports else []
        with ExitStack() as stack:
            try:
                front = stack.enter_context(
                    nginx.front(project, site_of(project), behind)
                )
            except Refusal as refusal:
                return "nginx does not start", str(refusal)
            if scene["front"] == "browser":
                logged_in(project, None, Person("ada", PASSWORD, True))
                entry = front.entry("https")
                return browsing.opened(entry, "/", Jars().cookies(entry, "ada"))
            seen = _ask(scene["front"], front)
            assert front.child is not None
            for child in (server.child, front.child):
                if awaited in child.text:
                    break
            else:
                server.child.wait_for(lambda out: awaited in out, 2)
            if scene["front"] == "address" and FORGED in server.child.text:
                seen = "the client's own word"
            return seen, server.child.text + front.tidy(front.child.text)


def _ask(what: str, front: nginx.Front) -> str:
    if what in ("socket", "idle"):
        return _socket(front.entry("wss"), IDLE if what == "idle" else 0)
    path = SCRIPT if what == "script" else LOGIN
    link = sites.link(entry := front.entry("https"))
    with suppress(OSError, http.client.HTTPException):
        headers = {"Host": entry.name, "X-Forwarded-For": FORGED}
        link.request("GET", path, headers=headers)
        answer = link.getresponse()
        link.close()
        if answer.getheader("Location") == entry.url + path:
            return "sent to where it is already"
        return str(answer.status)
    return "no answer"


def _socket(entry: sites.Entry, idle: float) -> str:
    try:
        with connect(
            entry.ws + PRACTICE,
            origin=Origin(entry.url),
            address=(HOST, entry.port),
            ssl=entry.tls,
            proxy=None,
            open_timeout=OPENS,
        ) as socket:
            try:
                socket.recv(5)
                if idle:
                    socket.recv(idle)
            except TimeoutError:
                return "101"
            except ConnectionClosed as closed:
                return f"101, then {closed.rcvd.code if closed.rcvd else 1006}"
            return "101"
    except InvalidStatus as refused:
        return str(refused.response.status_code)
    except (OSError, EOFError, TimeoutError):
        return "no answer"

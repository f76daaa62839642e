"""10,000 clients of one process that do nothing: their memory, and a message to all.

The finished project: login, looks at the sessions, and heartbeats, but for these as
seldom as a machine with so many would send them.  At one in 0.9 s, as in the course,
10,000 clients are 11,000 messages a second, which is no idleness.  The clients live in
a process of their own, forty for each of many users.

    python benchmarks/idle.py [--rounds 3] [--clients 10000] [--heartbeat 30]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

sys.path.append(str(Path(__file__).parent))  # which -P leaves out

from _timing import real_servers

from tutor import places, trees
from tutor.checks.visitor import Person, logged_in
from tutor.client import cookie
from tutor.course import Course
from tutor.crowd import crowd, memory, work
from tutor.servers import serving

CLIENTS = 10_000
EACH = 40  # sockets of one user
WITHIN = 2.0  # seconds for the last client to have a message, at most
SPARE = 500  # descriptors beside those of the sockets
AT_ONCE = 50  # users that are made in one go
REST = 3.0  # seconds of doing nothing, to see what that costs
DIRECT = build_opener(ProxyHandler({}))

# The project, and a door through which a message is asked for; nothing is stored.
ASGI = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
from webapp.asgi import application as project
from channels.layers import get_channel_layer
from master_app import presence

presence.TURN = float(os.environ["HEARTBEAT"]) / 3  # of three turns one has a heartbeat

async def application(scope, receive, send):
    if scope["type"] != "http" or not scope["path"].startswith("/send/"):
        return await project(scope, receive, send)
    number = int(scope["path"].removeprefix("/send/"))
    reading = {"type": "reading", "id": number, "value": number % 100}
    event = {"type": "readings.new", "reading": reading}
    await get_channel_layer().group_send("readings", event)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})
"""


def allow(clients: int) -> None:
    """Let our children open so many sockets.

    Raises:
        SystemExit: they may not; says what to type.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = clients + SPARE
    if hard != resource.RLIM_INFINITY and hard < needed:
        sys.exit(
            f"A process may open {hard:,} files here, and {needed:,} are needed. "
            f"As root, type: ulimit -Hn {needed} && ulimit -n {needed}"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def main() -> None:
    real_servers()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--clients", type=int, default=CLIENTS, metavar="N")
    parser.add_argument("--heartbeat", type=float, default=30, metavar="SECONDS")
    options = parser.parse_args()
    count = options.clients
    allow(count)
    took = []
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        course = Course.load(places.root())
        tree = course.tree(len(course.steps))
        assert tree is not None
        trees.copy(tree, project)
        (project / "bench.py").write_text(ASGI)
        users = [Person(f"user{n}") for n in range(-(-count // EACH))]
        jars = []
        for at in range(0, len(users), AT_ONCE):
            jars += logged_in(project, None, *users[at : at + AT_ONCE])
        argv = ["daphne", "-v", "1", "bench:application"]
        extra = {"HEARTBEAT": str(options.heartbeat)}
        with serving(argv, project, extra) as server:
            empty, began = memory(server), time.monotonic()
            with crowd(server, count, [cookie(jar) for jar in jars]) as clients:
                connecting = time.monotonic() - began
                each = (memory(server) - empty) / count / 1024
                used = work(server)
                time.sleep(REST)
                resting = (work(server) - used) / REST
                for number in range(1, max(1, options.rounds) + 1):
                    began = time.monotonic()
                    with DIRECT.open(f"{server.url}/send/{number}", timeout=60):
                        took.append(clients.next(60).last - began)
                    print(f"  a message to all: {took[-1]:.2f} s", file=sys.stderr)
    median = statistics.median(took)
    print(
        f"{count:,} clients of one process: connected in {connecting:.0f} s, "
        f"{each:.0f} KiB each; while nothing happens, {resting:.0%} of a processor; "
        f"a message reaches the last in {median:.2f} s; wanted: {WITHIN:g} s"
    )
    if median > WITHIN:
        sys.exit("That is too slow.")


if __name__ == "__main__":
    main()
